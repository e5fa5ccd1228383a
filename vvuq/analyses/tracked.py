"""The population with which analyses follow patients, fitted once for all of them."""

from __future__ import annotations

from vvuq.calibration.tracked import fit_once
from vvuq.calibration.tracking import Tracking
from vvuq.interaction.personal import HORIZONS
from vvuq.models.twin import Twin
from vvuq.record import Cohort


def tracked(twin: Twin, cohort: Cohort, *, every: float, evaluations: int) -> Tracking:
    """The fit of the twin's own forecaster, at its horizons. every: minutes between the forecasts that are scored;
    evaluations: of its objective, at most. Raises as fit_tracking does."""
    return fit_once(twin, cohort, ahead=HORIZONS, every=every, evaluations=evaluations)
