"""Glucose and insulin in type 1 diabetes: one patient, several structures behind one interface.

TWIN is the free-living model, which one patient's sensor identifies; its rivals stand in RIVALS. All take the same
kinds of doses (given.py), count minutes and show `cgm` and `fingerstick` in mg/dL. docs/glucose.md tells them apart.
"""

from __future__ import annotations

from dataclasses import replace

from vvuq.interaction.corrected import Corrected
from vvuq.interaction.personal import Personal

from . import freeliving, hovorka, uva_padova
from .forecasters import DATA_DRIVEN
from .training import learner

PERSONAL = Personal(freeliving.TWIN)
HYBRID = Corrected(PERSONAL, learner(), learner(every=360.0, iterations=15))
TWIN = replace(freeliving.TWIN, forecasters={one.name: one for one in (PERSONAL, HYBRID)} | DATA_DRIVEN)
RIVALS = (uva_padova.TWIN, hovorka.TWIN)
