"""Glucose and insulin in type 1 diabetes: one patient, several structures behind one interface.

TWIN is the free-living model, which one patient's sensor identifies; its rivals stand in RIVALS. All take the same
kinds of doses (given.py), count minutes and show `cgm` and `fingerstick` in mg/dL. docs/glucose.md tells them apart.
"""

from __future__ import annotations

from dataclasses import replace

from vvuq.assimilation.ordered import Ordered
from vvuq.interaction.corrected import Corrected
from vvuq.interaction.personal import Personal

from . import freeliving, hovorka, uva_padova
from .forecasters import DATA_DRIVEN
from .training import learner
from .ward import ward

PERSONAL = Personal(freeliving.TWIN)
HYBRID = Corrected(PERSONAL, learner(), learner(every=360.0, iterations=15))


def on_a_ward(*, hours: float = 12.0, every_min: float = 30.0, slope: float = 1.0) -> Ordered:
    """A patient on a ward: a fingerstick is likelier the higher glucose is, which the nurse does not know but sees."""
    return ward(freeliving.TWIN, hours=hours, every_min=every_min, slope=slope)


TWIN = replace(
    freeliving.TWIN,
    ordered={"ward": on_a_ward},
    forecasters={one.name: one for one in (PERSONAL, HYBRID)} | DATA_DRIVEN,
)
RIVALS = (uva_padova.TWIN, hovorka.TWIN)
