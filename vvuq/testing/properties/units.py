"""A record may be stated in any units: hours or minutes, milligrams or micrograms."""

from __future__ import annotations

from dataclasses import dataclass, replace

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from vvuq.data.cohort import make_cohort
from vvuq.models.claims import Envelope
from vvuq.models.twin import Twin
from vvuq.models.units import factor, unit
from vvuq.record import Cohort, Dose, Measurement, Patient
from vvuq.testing import strategies as draw
from vvuq.testing.cases import Stay, stays
from vvuq.testing.compare import same
from vvuq.testing.property import Property
from vvuq.testing.strategies import cohort_units

SPARE = (
    "min", "h", "day", "g", "ug", "mg", "kg", "mol", "mmol", "umol", "IU", "L", "mL", "m", "cm", "mg/L", "ug/L", "g/L",
    "ug/mL", "mmol/L", "umol/L", "nmol/L", "IU/L", "kPa", "mmHg", "L/h", "mL/min",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Restated:
    """A stay, and another unit for every field of its record that has a dimension."""

    stay: Stay
    units: tuple[tuple[str, str], ...]


def choices(units: dict[str, str]) -> dict[str, list[str]]:
    """The other units of every field that has a dimension."""
    plain, found = unit("1").dimensionality, {}
    for name, own in units.items():
        mine = unit(own)
        spare = [one for one in SPARE if unit(one).dimensionality == mine.dimensionality and unit(one) != mine]
        if spare and mine.dimensionality != plain:
            found[name] = spare
    return found


def cases(twin: Twin, envelope: Envelope) -> SearchStrategy[Restated]:
    """Stays with other units for the time, the doses, the covariates and the observables."""
    spare = choices(cohort_units(twin.model, envelope))
    others = [st.tuples(st.just(name), st.sampled_from(units)) for name, units in spare.items()]
    return draw.built(lambda stay, *chosen: Restated(stay, chosen), stays(twin, envelope), *others)


def restate(cohort: Cohort, field: str, other: str) -> Cohort:
    """The same patients with one field in another unit."""
    units = dict(cohort.units)
    scale = factor(units[field], other)

    def by(name: str, value: float) -> float:
        return value * scale if name == field else value

    def patient(one: Patient) -> Patient:
        return replace(
            one,
            covariates=tuple((name, by(name, value)) for name, value in one.covariates),
            doses=tuple(
                Dose(by("time", d.time), by(d.what, d.amount), by("time", d.duration), d.what) for d in one.doses
            ),
            measurements=tuple(
                Measurement(by("time", m.time), m.observable, by(m.observable, m.value)) for m in one.measurements
            ),
        )

    return make_cohort(cohort.name, [patient(one) for one in cohort.patients], {**units, field: other})


def run(twin: Twin, case: Restated) -> str | None:
    """The schedule function turns both records into the same course: all fields at once, then, if not, one by one."""
    if _differ(twin, case.stay, case.units) is None:
        return None
    alone = (_differ(twin, case.stay, (one,)) for one in case.units)
    return next((found for found in alone if found), None) or _differ(twin, case.stay, case.units)


def _differ(twin: Twin, stay: Stay, units: tuple[tuple[str, str], ...]) -> str | None:
    other = stay.cohort
    for field, unit_ in units:
        other = restate(other, field, unit_)
    change = f"once the record states its {', '.join(f'{field} in {unit_}' for field, unit_ in units)}"
    return same(twin, stay, replace(stay, cohort=other), change, "a record means the same in any units")


UNITS = Property("units", "Does a record mean the same in other units?", cases, run)
