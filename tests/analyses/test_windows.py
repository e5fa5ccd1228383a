"""Information about followed patients: independent derivatives, elimination of what is unknown, no values used."""

from dataclasses import replace

import freeliving
import numpy as np
import pytest
from home import structures
from hypothesis import given
from hypothesis import strategies as st

from vvuq.analyses.identifiability.fisher import fisher
from vvuq.analyses.identifiability.window import eliminated, of_stretch
from vvuq.calibration.stretches import stretches
from vvuq.calibration.tracking import declared
from vvuq.data.split import subset
from vvuq.errors import NotEvaluable
from vvuq.models import simulate
from vvuq.models.schedule import since

TWIN = structures()["glucose"]
WHOLE = freeliving.cohort(4, days=1.4)
BUILD = subset(WHOLE, ["p0", "p1"], "build")
SEALED = subset(WHOLE, ["p2", "p3"], "held out")
SEALED = replace(SEALED, patients=tuple(replace(p, sealed=True) for p in SEALED.patients))
FEW = {"window": 720.0, "every": 480.0, "evaluations": 3}


def ran(stand_in, sealed=SEALED, **changes):
    context = stand_in("fisher", build_cohort=BUILD, sealed_cohort=sealed)
    return fisher.run(TWIN, context, **{**FEW, **changes}), context


@pytest.fixture(scope="module")
def found(stand_in):
    return ran(stand_in)


@given(seed=st.integers(0, 2**32 - 1), samples=st.integers(1, 9))
def test_what_is_unknown_is_eliminated_as_by_a_schur_complement(seed, samples):
    rng = np.random.default_rng(seed)
    others, own = rng.normal(size=(samples, 3)), rng.normal(size=(samples, 2))
    left = eliminated(others, own)
    whole = np.eye(3) + others.T @ others
    wanted = own.T @ own - own.T @ others @ np.linalg.solve(whole, others.T @ own)
    np.testing.assert_allclose(left.T @ left, wanted, atol=1e-9)


def test_slopes_are_those_of_simulations_beside_each_other():
    known = replace(declared(TWIN), theta=declared(TWIN).theta * 1.05)
    (stretch,) = stretches(TWIN, BUILD, BUILD.patients[0])
    got = of_stretch(TWIN, known, stretch, 720.0)
    times = stretch.times[stretch.times <= stretch.times[0] + 720.0]
    schedule = since(stretch.schedule, float(times[0]))
    mean, sd = TWIN.follow.start(schedule, known.theta, float(stretch.values[0]))

    def read(theta, x0):
        return simulate(TWIN.model, schedule, theta, times, method=TWIN.method, x0=x0[:, None]).observed[:, 0, 0]

    def slope(rows, step, of_state):
        change = np.zeros(len(mean) if of_state else len(known.theta))
        change[rows] = step
        if of_state:
            return (read(known.theta, mean + change) - read(known.theta, mean - change)) / (2.0 * step)
        up, down = (read(known.theta * np.exp(sign * change), mean) for sign in (1.0, -1.0))
        return (up - down) / (2.0 * step)

    names = (*TWIN.personal, *TWIN.follow.shared)
    own = np.array([slope(TWIN.model.parameter_index(n), 1e-4, False) for n in names]).T / known.noise[0].sd
    others = np.array([slope(i, 1e-3 * s, True) * s for i, s in enumerate(sd) if s > 0.0]).T / known.noise[0].sd
    left = eliminated(others, own)
    np.testing.assert_allclose(got.slopes.T @ got.slopes, left.T @ left, rtol=2e-3, atol=1e-3)
    assert got.samples == times.size and got.patient == "p0"


def test_it_reports_what_it_declares_and_opens_the_held_out_once(found):
    evidence, context = found
    declares = fisher.metrics(TWIN, FEW)
    got = {key: q.unit for key, q in evidence.values.items()}
    assert got.items() <= declares.items() and "n_cannot_separate_with_shared" in got
    assert evidence.values["n_patients"].value == 4.0 and len(context.opened) == 1
    assert evidence.tables["patients"].individual and not evidence.tables["pairs"].individual
    counts = [row[0] for row in evidence.tables["by_samples"].rows]
    assert counts == sorted(counts) and len(counts) == 4


def test_values_of_held_out_patients_are_not_used(found, stand_in):
    moved = tuple(
        replace(p, measurements=tuple(replace(m, value=m.value + 50.0) for m in p.measurements))
        for p in SEALED.patients
    )
    again, _ = ran(stand_in, replace(SEALED, patients=moved))
    assert (again.values, again.tables) == (found[0].values, found[0].tables)


def test_what_no_reading_depends_on_is_said(found):
    """The unrecorded flux begins at 0 and does not drift here: how fast it fades cannot be seen."""
    assert "Without drift no reading depends on fading." in found[0].findings
    rows = {row[0]: row for row in found[0].tables["parameters"].rows}
    assert rows["fading"][1:4] == (None, None, None) and rows["SI"][1] <= rows["SI"][2] <= rows["SI"][3]


def test_a_window_longer_than_any_record_is_not_evaluable(stand_in):
    with pytest.raises(NotEvaluable, match="without a gap"):
        ran(stand_in, window=5000.0)
