"""The error of the step is promised for a central share of each prior, and tried there, at its ends too."""

from dataclasses import replace

import pytest
from examples import pk

from vvuq.models import Bolus, Level, Schedule
from vvuq.testing.cases import Course
from vvuq.testing.properties.splitting import Cut, run

TWIN = pk()
EXTREME = {p.name: p.prior.quantile(0.999) for p in TWIN.model.parameters}
GIVEN = Schedule(0.0, (Bolus(0.0, "A", 20.0),), (), (Level(0.0, "weight", 1.0), Level(0.0, "low_apgar", 0.0)))


def case(theta):
    return Cut(Course(theta, GIVEN, (0.0,), (100.0,)), 50.0)


def with_claims(**changed):
    return replace(TWIN, claims=replace(TWIN.claims, **changed))


def test_the_promise_is_tried_at_the_ends_of_its_share_and_not_beyond():
    found = {}
    for share in (0.5, 0.998):
        told = run(with_claims(solver_error=1e-14, solver_prior=share), case(EXTREME))
        assert told is not None and "claims.solver_error" in told
        found[share] = told
    assert found[0.5] != found[0.998]
    inside = {p.name: p.prior.quantile(0.75) for p in TWIN.model.parameters}
    assert run(with_claims(solver_error=1e-14, solver_prior=0.5), case(inside)) == found[0.5]


def test_a_promise_that_holds_in_the_middle_may_fail_at_the_ends():
    medians = {p.name: p.prior.quantile(0.5) for p in TWIN.model.parameters}
    low, high = 0.0, 0.1
    for _ in range(40):  # the least promise that is kept at the medians
        middle = 0.5 * (low + high)
        kept = run(with_claims(solver_error=middle), case(medians)) is None
        low, high = (low, middle) if kept else (middle, high)
    fast = EXTREME | {
        "V": TWIN.model.parameters[[p.name for p in TWIN.model.parameters].index("V")].prior.quantile(0.001)
    }
    assert run(with_claims(solver_error=high, solver_prior=1e-6), case(fast)) is None
    assert run(with_claims(solver_error=high, solver_prior=0.998), case(fast)) is not None


@pytest.mark.parametrize("share", [0.5, 0.95])
def test_within_the_share_nothing_is_changed(share):
    medians = {p.name: p.prior.quantile(0.5) for p in TWIN.model.parameters}
    assert run(with_claims(solver_prior=share), case(medians)) is None
