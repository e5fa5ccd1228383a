"""Fits that are kept: the same question is answered once, another one anew, and nobody sealed slips through."""

from dataclasses import replace

import freeliving
import pytest
from home import structures

from vvuq.analyses.tracked import tracked
from vvuq.calibration import tracked as module
from vvuq.calibration.tracking import fit_tracking
from vvuq.errors import IntegrityError
from vvuq.interaction.personal import HORIZONS

TWIN = structures()["glucose"]
HOME = freeliving.cohort(2, days=1.0)
FEW = {"every": 360.0, "evaluations": 2}


@pytest.fixture
def asked(monkeypatch):
    """The cohorts that were fitted."""
    met = []

    def fit(twin, cohort, **settings):
        met.append((twin, settings["every"]))
        return fit_tracking(twin, cohort, **settings)

    monkeypatch.setattr(module, "fit_tracking", fit)
    monkeypatch.setattr(module, "_found", type(module._found)())
    return met


def test_what_was_fitted_is_given_again_and_is_what_a_fit_gives(asked):
    one = tracked(TWIN, HOME, **FEW)
    two = tracked(replace(TWIN, forecasters={}), replace(HOME, name="other name"), **FEW)
    fresh = fit_tracking(TWIN, HOME, ahead=HORIZONS, **FEW)
    assert len(asked) == 1 and one.theta.tobytes() == two.theta.tobytes() == fresh.theta.tobytes()
    assert two.cohort.name == "other name" and one.cohort is HOME


def test_another_structure_or_setting_is_fitted_anew(asked):
    tracked(TWIN, HOME, **FEW)
    tracked(TWIN, HOME, every=300.0, evaluations=2)
    other = replace(TWIN, follow=replace(TWIN.follow, gap=200.0))
    tracked(other, HOME, **FEW)
    assert [every for _, every in asked] == [360.0, 300.0, 360.0] and asked[2][0] is other


def test_a_sealed_patient_is_refused_although_the_same_records_were_fitted(asked):
    tracked(TWIN, HOME, **FEW)
    sealed = replace(HOME, patients=tuple(replace(p, sealed=True) for p in HOME.patients))
    with pytest.raises(IntegrityError, match="held-out"):
        tracked(TWIN, sealed, **FEW)
