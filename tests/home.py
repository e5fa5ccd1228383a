"""Made-up type 1 patients at home, with every kind of dose that a glucose twin takes, and its structures by name."""

from __future__ import annotations

from functools import cache

from examples import ROOT

from vvuq.data.cohort import make_cohort
from vvuq.models.twin import Twin, load_twins
from vvuq.record import Cohort, Dose, Measurement, Patient

INSULIN = ("rapid", "short", "intermediate", "long", "basal", "intravenous")
UNITS = {"time": "min", "weight": "kg", "carbohydrate": "g", "cgm": "mg/dL", "fingerstick": "mg/dL"}
UNITS |= {f"{kind}_insulin": "IU" for kind in INSULIN} | {"intravenous_glucose": "g"}


@cache
def structures() -> dict[str, Twin]:
    """{name: twin} of the glucose twin and its rivals."""
    twin, rivals = load_twins(ROOT / "twins" / "glucose")
    return {twin.name: twin, **rivals}


def record(*doses: Dose, weight: float = 70.0, times: tuple[float, ...] = (0.0, 600.0)) -> Cohort:
    """A cohort of one patient with these doses and a sensor's readings at `times`."""
    readings = tuple(Measurement(time, "cgm", 120.0) for time in times)
    one = Patient("a", (("weight", weight),), tuple(sorted(doses, key=lambda d: d.time)), readings)
    used = {dose.what for dose in doses} | {"time", "weight", "cgm"}
    return make_cohort("home", [one], {name: unit for name, unit in UNITS.items() if name in used})
