"""The tracking fit: what it hands a filter, that it improves, that threads change nothing, whom it refuses."""

from dataclasses import replace

import freeliving
import numpy as np
import pytest
from home import structures

from vvuq.calibration.stretches import stretches
from vvuq.calibration.tracking import cases_of, declared, first_belief, fit_tracking, normal_ahead, track
from vvuq.data.known import known_at
from vvuq.errors import InputError, IntegrityError, NotEvaluable
from vvuq.models.follow import Follow

TWIN = structures()["glucose"]
HOME = freeliving.cohort(3, days=1.5)
AHEAD = (30.0, 60.0, 120.0, 180.0)
FEW = {"ahead": AHEAD, "every": 240.0}


def test_what_is_declared_is_what_the_priors_say():
    found = declared(TWIN)
    assert found.theta.tolist() == [p.prior.quantile(0.5) for p in TWIN.model.parameters]
    spreads = [TWIN.model.parameters[TWIN.model.parameter_index(n)].prior.sd_log for n in TWIN.personal]
    np.testing.assert_allclose(found.omega, spreads)


def test_the_first_belief_stands_at_the_first_reading():
    (stretch,) = stretches(TWIN, HOME, HOME.patients[0])
    belief = first_belief(TWIN, declared(TWIN), stretch)
    assert belief.time == stretch.times[0]
    assert belief.mean[TWIN.model.state_index("IG")] == stretch.values[0]


def test_a_fit_improves_on_the_declaration_and_threads_change_nothing():
    one = fit_tracking(TWIN, HOME, evaluations=20, threads=1, **FEW)
    two = fit_tracking(TWIN, HOME, evaluations=20, threads=2, **FEW)
    assert one.objective < one.start_objective
    assert one.theta.tobytes() == two.theta.tobytes() and one.drift.tobytes() == two.drift.tobytes()
    moved = one.theta != declared(TWIN).theta
    names = {p.name for p, m in zip(TWIN.model.parameters, moved, strict=True) if m}
    assert names <= {*TWIN.personal, *TWIN.follow.shared}
    assert one.patients == tuple(p.id for p in HOME.patients)


def test_forecasts_of_the_fit_know_no_meal_that_came_later():
    patient = HOME.patients[0]
    (case,) = cases_of(TWIN, replace(HOME, patients=(patient,)), np.array(AHEAD), 240.0)
    filtered = track(TWIN, declared(TWIN), case.stretch)
    middle, spread = normal_ahead(TWIN, declared(TWIN), case, filtered, np.array(AHEAD))
    for row, i in enumerate(case.origins):
        origin = float(case.stretch.times[i])
        then = known_at(patient, origin, origin + 180.0)
        cut = replace(case, stretch=replace(case.stretch, times=case.stretch.times[: i + 1],
                      values=case.stretch.values[: i + 1], schedule=TWIN.schedule(HOME, then)),
                      origins=case.origins[row : row + 1], futures=case.futures[row : row + 1],
                      walks=case.walks[row : row + 1])  # fmt: skip
        again = normal_ahead(TWIN, declared(TWIN), cut, track(TWIN, declared(TWIN), cut.stretch), np.array(AHEAD))
        np.testing.assert_allclose(again[0][0], middle[row], rtol=1e-12)
        np.testing.assert_allclose(again[1][0], spread[row], rtol=1e-9)
    assert np.all(np.diff(spread, axis=1) > 0.0)


def test_held_out_patients_are_refused():
    sealed = replace(HOME, patients=(replace(HOME.patients[0], sealed=True), *HOME.patients[1:]))
    with pytest.raises(IntegrityError, match="held-out"):
        fit_tracking(TWIN, sealed, evaluations=1, **FEW)


def test_a_record_shorter_than_the_horizon_cannot_be_scored():
    short = tuple(replace(p, measurements=p.measurements[:8]) for p in HOME.patients)
    with pytest.raises(NotEvaluable, match="last horizon"):
        fit_tracking(TWIN, replace(HOME, patients=short), evaluations=1, **FEW)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"drift": {"Q9": 1.0}}, "follow.drift"), ({"drift": {"G": -1.0}}, "drift of G"),
        ({"drift": {"G": np.nan}}, "drift of G"), ({"shared": ("SI",)}, "follow.shared"), ({"gap": 0.0}, "follow.gap"),
        ({"lowest": 600.0}, "follow.lowest"), ({"observable": "mood"}, "observable"),
    ],
)  # fmt: skip
def test_a_wrong_declaration_is_refused_where_it_stands(change, field):
    follow = replace(TWIN.follow, **change)
    assert isinstance(follow, Follow)
    with pytest.raises(InputError, match=field):
        replace(TWIN, follow=follow)


def test_a_twin_that_follows_nobody_says_so():
    with pytest.raises(InputError, match="a Follow"):
        declared(replace(TWIN, follow=None))
