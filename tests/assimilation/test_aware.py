"""Filters that learn from whether something was measured, against quadrature, plain formulas and each other."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import ou
import pytest
import turnover
from scipy.special import expit, ndtr
from scipy.stats import norm

from vvuq.assimilation.aware import Aware, facts_of, on_grid
from vvuq.assimilation.batch import Job, assimilate
from vvuq.assimilation.denkf import Denkf
from vvuq.assimilation.eakf import Eakf
from vvuq.assimilation.enkf import PerturbedObservations
from vvuq.assimilation.etkf import Etkf
from vvuq.assimilation.filtered import filter_steps
from vvuq.assimilation.kalman import Kalman
from vvuq.assimilation.letkf import Letkf
from vvuq.assimilation.localization import Localization
from vvuq.assimilation.method import mean, spread
from vvuq.assimilation.particle import Auxiliary, Bootstrap
from vvuq.assimilation.reduced import ReducedUnscented
from vvuq.assimilation.system import Observation, Observations, gaussian
from vvuq.assimilation.ukf import Unscented
from vvuq.assimilation.ukf_run import filter_record
from vvuq.data.missingness.intensity import Intensity
from vvuq.data.missingness.selection import Selection
from vvuq.data.missingness.shared import SharedParameter
from vvuq.errors import InputError
from vvuq.models import Additive, Proportional, Schedule
from vvuq.numerics.facts import needs_points
from vvuq.numerics.streams import Draws
from vvuq.numerics.tilted import PROBIT, tilted
from vvuq.record import Belief, Ensemble

DRAWS = Draws(3, "aware")
NOTHING = Schedule()
CENTRAL = SharedParameter("central_seen", -1.0, (("central", 0.01), ("effect", -0.004)))
SATURATED = SharedParameter("central_seen", -1.0, (("response_seen", 0.01),), "logit")
HIDDEN = Selection("response_seen", 2.0, -0.01)
VISITS = Intensity("central_seen", -1.0, (("central", 0.005),))
ALL = (CENTRAL, SATURATED, HIDDEN, VISITS)
FILTERS = (
    Unscented(), Unscented(augmented=True), Unscented(kappa=1.0), PerturbedObservations(30), Etkf(30), Denkf(30),
    Eakf(30), Letkf(30, localization=Localization(np.ones((5, 2)), np.ones((2, 2)), np.zeros(0, dtype=np.int64))),
    Bootstrap(200), Auxiliary(200),
)  # fmt: skip


def run(method, mechanisms=(), observations=None, system=None, offsets=None):
    of = Aware(method, mechanisms) if mechanisms else method
    seen = list(observations or with_gaps())
    if offsets is not None:
        seen = [replace(one, offsets=row) for one, row in zip(seen, offsets, strict=True)]
    return filter_steps(of, system or turnover.system(), NOTHING, turnover.prior(), seen, DRAWS, roots=True)


def with_gaps(count=12):
    gaps = np.random.default_rng(5).random((count, 2)) < 0.5
    return [
        replace(o, values=np.where(g, np.nan, o.values)) for o, g in zip(turnover.measured(count), gaps, strict=True)
    ]


def flat(one):
    """The same mechanism with slopes of 0."""
    return replace(one, slope=0.0) if isinstance(one, Selection) else replace(
        one, slopes=tuple((name, 0.0) for name, _ in one.slopes))  # fmt: skip


@pytest.mark.parametrize("method", FILTERS, ids=lambda m: repr(m).partition(", inflation")[0][:40])
def test_with_a_slope_of_zero_it_is_the_ordinary_filter(method):
    plain, aware = run(method), run(method, tuple(flat(one) for one in ALL))
    assert np.all(plain.codes == 0) and np.all(aware.codes == 0)
    assert np.max(np.abs(aware.mean - plain.mean)) <= 1e-14 * np.max(np.abs(plain.mean))
    assert np.max(np.abs(aware.sd - plain.sd)) <= 1e-13 * np.max(plain.sd)
    assert np.all(aware.log_likelihood < plain.log_likelihood)  # the facts have a probability all the same


def test_with_a_slope_of_zero_a_kalman_filter_is_the_ordinary_one():
    seen = [Observation(1.0, np.array([np.nan])), Observation(2.0, np.array([0.4]))]
    plain = filter_steps(Kalman(), ou.system(), NOTHING, ou.prior(), seen, DRAWS)
    aware = Aware(Kalman(), tuple(flat(one) for one in ou.MECHANISMS.values()))
    found = filter_steps(aware, ou.system(), NOTHING, ou.prior(), seen, DRAWS)
    assert np.array_equal(found.mean, plain.mean) and np.max(np.abs(found.sd - plain.sd)) < 1e-15


@pytest.mark.parametrize("mechanisms", [(CENTRAL,), (HIDDEN,), (SATURATED, CENTRAL), ALL], ids=len)
@pytest.mark.parametrize("kappa", [0.0, 1.0])
def test_a_record_in_one_call_equals_its_steps(mechanisms, kappa):
    seen, method = with_gaps(), Aware(Unscented(kappa=kappa), mechanisms)
    offsets = np.where(np.random.default_rng(1).random((12, len(mechanisms))) < 0.3, np.nan, 0.2)
    steps = run(method.method, mechanisms, seen, offsets=offsets)
    many = Observations(np.array([o.time for o in seen]), np.array([o.values for o in seen]), offsets)
    for tier in ("lanes", "pointer", "straight"):
        whole = filter_record(method, turnover.system(), NOTHING, turnover.prior(), many, roots=True, tier=tier)
        assert np.allclose(whole.mean, steps.mean, rtol=1e-12, atol=0.0)
        assert np.allclose(whole.roots, steps.roots, rtol=1e-9, atol=1e-10)
        assert np.allclose(whole.log_likelihood, steps.log_likelihood, rtol=1e-11, atol=1e-11)
        assert np.allclose(whole.least_pivot, steps.least_pivot) and np.array_equal(whole.codes, steps.codes)


def test_a_batch_takes_aware_filters_too():
    jobs = [Job("a", turnover.system(), NOTHING, turnover.prior(), with_gaps(), DRAWS)]
    (one,) = assimilate(jobs, Aware(Unscented(), (CENTRAL,)))
    assert one.found is not None and np.allclose(one.found.mean, run(Unscented(), (CENTRAL,)).mean, rtol=1e-12)


SYSTEM = replace(turnover.system(), noise=(Additive(20.0), Proportional(0.2)))
PRIOR = replace(turnover.prior(), time=1.0)
MISSING = Observation(1.0, np.array([np.nan, np.nan]))


def brute(weigh, count=400_000):
    """Mean and covariance of the prior weighed by a likelihood of states, by many quasi-random points."""
    from scipy.stats import qmc

    points = norm.ppf(qmc.Sobol(5, seed=1).random(2 ** int(np.log2(count))))
    x = PRIOR.mean[:, None] + PRIOR.root @ points.T
    weight = weigh(x)
    middle = x @ weight / weight.sum()
    return middle, ((x - middle[:, None]) * weight) @ (x - middle[:, None]).T / weight.sum(), weight.mean()


@pytest.mark.parametrize("method", [Unscented(), Eakf(4000), Bootstrap(20000)], ids=lambda m: type(m).__name__)
@pytest.mark.parametrize("one", [CENTRAL, replace(CENTRAL, link="logit"), HIDDEN, replace(HIDDEN, link="logit")])
def test_an_update_moves_the_whole_state_as_the_weighed_prior_says(method, one):
    """One moment, nothing measured; several states, correlated. The probit of a linear predictor is exact."""
    aware = Aware(method, (one,))
    state, found = aware.step(SYSTEM, NOTHING, aware.init(PRIOR, DRAWS), MISSING, DRAWS)
    link = {"probit": ndtr, "logit": expit}[one.link]
    if isinstance(one, Selection):
        nodes, share = np.polynomial.hermite_e.hermegauss(40)
        share = share / share.sum()

        def weigh(x):
            h = turnover.TOP * x[4] / (turnover.HALF + x[4])
            return sum(
                w * link(-one.intercept - one.slope * h * (1.0 + 0.2 * n)) for n, w in zip(nodes, share, strict=True)
            )
    else:

        def weigh(x):
            return link(-one.intercept - one.slopes[0][1] * x[1] - one.slopes[1][1] * x[3])

    middle, covariance, total = brute(weigh)
    exact = isinstance(method, Unscented) and not isinstance(one, Selection)
    size = np.sqrt(np.diag(PRIOR.root @ PRIOR.root.T))
    tolerance = 2e-3 if exact else 0.08
    assert np.max(np.abs(mean(state) - middle) / size) < tolerance
    assert np.max(np.abs(spread(state) - np.sqrt(np.diag(covariance))) / size) < tolerance
    assert found.log_likelihood == pytest.approx(np.log(total), abs=1e-3 if exact else 0.02)


def test_several_facts_at_once_are_each_taken_given_those_before():
    """Sums of rows: together they equal one after another, in the same order."""
    others = (CENTRAL, SharedParameter("response_seen", 0.3, (("response", 0.02),)), replace(CENTRAL, link="logit"))
    together, _ = Aware(Unscented(), others).step(SYSTEM, NOTHING, PRIOR, MISSING, DRAWS)
    belief = PRIOR
    for one in others:
        belief, _ = Aware(Unscented(), (one,)).step(SYSTEM, NOTHING, belief, MISSING, DRAWS)
    assert np.allclose(together.mean, belief.mean, rtol=1e-13) and np.allclose(together.root, belief.root, atol=1e-12)
    assert together.log_likelihood == pytest.approx(belief.log_likelihood, abs=1e-13)
    assert np.all(np.triu(together.root, 1) == 0.0)


def test_points_and_rows_say_the_same_of_a_linear_predictor():
    """An observable that is a state, named as one and as the other."""
    rows, _ = Aware(Unscented(), (SharedParameter("central_seen", 0.2, (("central", 0.02),)),)).step(
        SYSTEM, NOTHING, PRIOR, MISSING, DRAWS)  # fmt: skip
    points, _ = Aware(Unscented(), (SharedParameter("central_seen", 0.2, (("central_seen", 0.02),)),)).step(
        SYSTEM, NOTHING, PRIOR, MISSING, DRAWS)  # fmt: skip
    assert np.allclose(rows.mean, points.mean, rtol=1e-13) and np.allclose(rows.root, points.root, atol=1e-11)


def test_a_value_that_is_seen_says_by_itself_all_that_its_being_there_does():
    seen = Observation(1.0, np.array([np.nan, 150.0]))
    plain, one = Unscented().step(SYSTEM, NOTHING, PRIOR, seen, DRAWS)
    aware, other = Aware(Unscented(), (HIDDEN,)).step(SYSTEM, NOTHING, PRIOR, seen, DRAWS)
    assert np.array_equal(aware.mean, plain.mean) and np.array_equal(aware.root, plain.root)
    assert other.log_likelihood - one.log_likelihood == pytest.approx(np.log(ndtr(2.0 - 1.5)), abs=1e-14)


def test_what_points_would_measure_is_asked_for_only_where_a_fact_needs_it():
    """A value that is not there and was decided on; an observable in another's predictor."""
    d, there, gone = 5, np.array([np.nan, 150.0]), np.array([100.0, np.nan])
    none = np.full((1, 1), np.nan)
    for one, values, added, needed in (
        (HIDDEN, there, None, False), (HIDDEN, gone, None, True), (HIDDEN, gone, none, False),
        (SATURATED, there, None, True), (SATURATED, gone, none, False), (CENTRAL, gone, None, False),
    ):  # fmt: skip
        assert needs_points(facts_of(SYSTEM, (one,)).given(added, 1), 0, d, values) == needed
    both = (HIDDEN, CENTRAL)
    beside, _ = Aware(Unscented(), both).step(SYSTEM, NOTHING, PRIOR, Observation(1.0, there), DRAWS)
    alone, _ = Aware(Unscented(), (CENTRAL,)).step(SYSTEM, NOTHING, PRIOR, Observation(1.0, there), DRAWS)
    assert np.array_equal(beside.mean, alone.mean) and np.array_equal(beside.root, alone.root)


def test_where_nothing_was_decided_nothing_is_learned():
    nothing = replace(MISSING, offsets=np.array([np.nan]))
    for method in (Unscented(), Eakf(20), Bootstrap(20)):
        aware = Aware(method, (CENTRAL,))
        start = aware.init(PRIOR, DRAWS)
        after, found = aware.step(SYSTEM, NOTHING, start, nothing, DRAWS)
        plain, _ = method.step(SYSTEM, NOTHING, start, nothing, DRAWS)
        assert np.array_equal(mean(after), mean(plain)) and found.log_likelihood == 0.0


def test_members_far_from_a_channel_are_not_moved_by_its_fact():
    near = np.array([[1.0, 0.0], [1.0, 0.0], [0.5, 0.0], [0.0, 0.0], [0.0, 1.0]])
    local = Localization(near, np.eye(2), np.zeros(0, dtype=np.int64))
    aware = Aware(Eakf(20, localization=local), (SharedParameter("central_seen", 0.0, (("central", 0.05),)),))
    start = aware.init(PRIOR, DRAWS)
    after, _ = aware.step(SYSTEM, NOTHING, start, MISSING, DRAWS)
    moved = np.any(after.members != start.members, axis=1)
    assert moved.tolist() == [True, True, True, False, False]
    whole, _ = Aware(Eakf(20), aware.mechanisms).step(SYSTEM, NOTHING, start, MISSING, DRAWS)
    assert np.allclose(after.members[2] - start.members[2], 0.5 * (whole.members[2] - start.members[2]))


def test_members_take_the_mean_and_variance_that_their_own_moments_ask_for():
    aware = Aware(Eakf(40), (SharedParameter("central_seen", 0.1, (("central", 0.02),)),))
    start = aware.init(PRIOR, DRAWS)
    after, found = aware.step(SYSTEM, NOTHING, start, MISSING, DRAWS)
    z = 0.02 * start.members[1]
    value, pull, hold = tilted(PROBIT, -1.0, 0.1 + z.mean(), z.var(ddof=1))
    new = 0.02 * after.members[1]
    assert new.mean() == pytest.approx(z.mean() + z.var(ddof=1) * pull, abs=1e-13)
    assert new.var(ddof=1) == pytest.approx(z.var(ddof=1) - z.var(ddof=1) ** 2 * hold, abs=1e-13)
    assert found.log_likelihood == pytest.approx(value, abs=1e-13)


def test_particles_weigh_as_each_fact_says():
    aware = Aware(Bootstrap(50), ALL)
    start = aware.init(replace(PRIOR, time=0.5), DRAWS)
    seen = Observation(1.0, np.array([100.0, np.nan]))
    after, found = aware.step(SYSTEM, NOTHING, start, seen, DRAWS)
    plain, before = aware.method.step(SYSTEM, NOTHING, start, seen, DRAWS)
    x = plain.members
    h = turnover.TOP * x[4] / (turnover.HALF + x[4])
    rate = np.exp(-1.0 + 0.005 * x[1])
    weight = (
        ndtr(-1.0 + 0.01 * x[1] - 0.004 * x[3]) * expit(-1.0 + 0.01 * h) * rate * np.exp(-0.5 * rate)
        * ndtr(-(2.0 - 0.01 * h) / np.sqrt(1.0 + (0.01 * 0.2 * h) ** 2))
    )  # fmt: skip
    expected = np.exp(plain.log_weights) * weight
    assert np.allclose(np.exp(after.log_weights), expected / expected.sum(), rtol=1e-12)
    assert found.log_likelihood == pytest.approx(before.log_likelihood + np.log(expected.sum()), abs=1e-12)


def test_silence_is_learned_from_piece_by_piece():
    """Twice half an interval without an event tells as much as one, where the state stands still."""
    still = replace(turnover.system(), drift=np.zeros(5), theta=turnover.THETA * np.array([1e-9] * 9 + [1.0] * 3))
    nothing = np.full(2, np.nan)
    for method in (Unscented(), Bootstrap(300)):
        aware = Aware(method, (VISITS,))
        once = filter_steps(aware, still, NOTHING, turnover.prior(), [Observation(0.02, nothing)], DRAWS)
        twice = [Observation(0.01, nothing), Observation(0.02, nothing)]
        pieces = filter_steps(aware, still, NOTHING, turnover.prior(), twice, DRAWS)
        assert np.allclose(once.mean[-1], pieces.mean[-1], rtol=1e-6)
        assert once.log_likelihood.sum() == pytest.approx(pieces.log_likelihood.sum(), rel=1e-6)


def test_an_event_at_the_very_beginning_is_a_density_in_time():
    after, found = Aware(Unscented(), (VISITS,)).step(
        SYSTEM, NOTHING, PRIOR, Observation(1.0, np.array([100.0, np.nan])), DRAWS)  # fmt: skip
    plain, _ = Unscented().step(SYSTEM, NOTHING, PRIOR, Observation(1.0, np.array([100.0, np.nan])), DRAWS)
    variance = (plain.root @ plain.root.T)[1, 1]
    assert after.mean[1] == pytest.approx(plain.mean[1] + 0.005 * variance) and np.allclose(after.root, plain.root)
    assert np.isfinite(found.log_likelihood)


def test_events_are_laid_on_a_grid_of_silence():
    times, values = on_grid(np.array([0.25, 1.0]), np.array([[3.0], [4.0]]), step=0.5, end=2.0, start=0.0)
    assert times.tolist() == [0.25, 0.625, 1.0, 1.5, 2.0]
    assert np.isnan(values[[1, 3, 4], 0]).all() and values[[0, 2], 0].tolist() == [3.0, 4.0]
    for wrong in ({"step": 0.0}, {"end": 0.5}, {"start": 0.3}):
        with pytest.raises(InputError, match="observations"):
            on_grid(np.array([0.25, 1.0]), np.zeros((2, 1)), **{"step": 0.5, "end": 2.0, "start": 0.0, **wrong})


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Aware(Unscented(), ()), "one or more"),
        (lambda: Aware(ReducedUnscented(2), (CENTRAL,)), "full rank"),
        (lambda: Aware(Aware(Unscented(), (CENTRAL,)), (CENTRAL,)), "full rank"),
        (lambda: run(Unscented(), (replace(CENTRAL, observable="centrl_seen"),)), "central_seen"),
        (lambda: run(Unscented(), (replace(CENTRAL, slopes=(("centrl", 1.0),)),)), "did you mean central"),
        (lambda: run(Unscented(), (CENTRAL,), offsets=np.zeros((12, 2))), "offsets"),
        (lambda: run(Unscented(), (CENTRAL,), offsets=np.full((12, 1), np.inf)), "finite"),
        (lambda: run(Unscented(), (HIDDEN,), system=replace(turnover.system(), correlation=np.eye(2))), "independent"),
        (lambda: Observations(np.zeros(2), np.zeros((2, 1)), np.zeros((3, 1))), "a row for each"),
        (lambda: filter_record(Aware(Kalman(), (CENTRAL,)), SYSTEM, NOTHING, PRIOR, []), "unscented"),
        (lambda: SharedParameter("a", 0.0, ()), "slopes"),
        (lambda: SharedParameter("a", 0.0, (("x", 1.0), ("x", 2.0))), "once"),
        (lambda: SharedParameter("a", np.nan, (("x", 1.0),)), "finite"),
        (lambda: Selection("a", 0.0, np.inf), "finite"),
        (lambda: Selection("a", 0.0, 1.0, "cloglog"), "probit, logit"),  # type: ignore[arg-type]
        (lambda: Intensity("a", 0.0, ()), "slopes"),
    ],
)
def test_what_cannot_be_is_refused(make, said):
    with pytest.raises(InputError, match=said):
        make()


@pytest.mark.parametrize("method", [Unscented(), Eakf(20), Bootstrap(20)], ids=lambda m: type(m).__name__)
def test_what_overflows_ends_in_a_code_and_leaves_the_belief(method):
    aware = Aware(method, (SharedParameter("central_seen", 0.0, (("central", 1e200),)),))
    start = aware.init(PRIOR, DRAWS)
    after, found = aware.step(SYSTEM, NOTHING, start, MISSING, DRAWS)
    assert after is start and found.code != 0 and np.isnan(found.log_likelihood)
    if isinstance(method, Unscented):
        whole = filter_record(aware, SYSTEM, NOTHING, PRIOR, [MISSING])
        assert whole.codes.tolist() == [found.code] and np.array_equal(whole.mean[0], PRIOR.mean)


def test_an_observable_of_many_without_names_goes_by_its_number():
    system, prior, local = ou.many(3)
    facts = facts_of(system, (Selection("2", 0.0, 1.0), SharedParameter("0", 0.0, (("x1", 1.0), ("2", 1.0)))))
    assert facts.channels == (2, 0) and facts.index.tolist() == [5, 1, 5] and facts.pointed
    assert isinstance(prior, Belief) and local.state_taper.shape == (3, 3)


def test_chains_kept_apart_are_each_filtered_as_alone():
    """Localized members of many chains: each moves as if its chain were the only one."""
    system, prior, local = ou.many(4)
    mechanisms = tuple(Selection(str(i), ou.INTERCEPT, ou.SLOPE) for i in range(4))
    seen = Observation(1.0, np.array([np.nan, 0.3, np.nan, -0.2]))
    aware = Aware(Eakf(50, localization=local), mechanisms)
    start = aware.init(prior, DRAWS)
    after, _ = aware.step(system, NOTHING, start, seen, DRAWS)
    for i in range(4):
        z = ou.KEEP * start.members[i] + np.sqrt(ou.Q) * DRAWS.normal(0, "process", (4, 50))[i]
        middle, v = z.mean(), z.var(ddof=1)
        if np.isnan(seen.values[i]):
            variance = ou.SLOPE**2 * (v + ou.R)
            _, pull, hold = tilted(PROBIT, -1.0, ou.INTERCEPT + ou.SLOPE * middle, variance)
            expected = middle + v * ou.SLOPE * pull, v - v**2 * ou.SLOPE**2 * hold
        else:
            gain = v / (v + ou.R)
            expected = middle + gain * (seen.values[i] - middle), v - gain * v
        assert (after.members[i].mean(), after.members[i].var(ddof=1)) == pytest.approx(expected, abs=1e-8)


def test_an_ensemble_keeps_equal_weights_and_particles_tell_their_effective_number():
    aware = Aware(Eakf(20), (CENTRAL,))
    after, _ = aware.step(SYSTEM, NOTHING, aware.init(PRIOR, DRAWS), MISSING, DRAWS)
    assert isinstance(after, Ensemble) and after.log_weights is None
    aware = Aware(Bootstrap(20), (CENTRAL,))
    after, found = aware.step(SYSTEM, NOTHING, aware.init(PRIOR, DRAWS), MISSING, DRAWS)
    assert found.ess == pytest.approx(1.0 / np.sum(np.exp(after.log_weights) ** 2))


def test_parameters_that_are_learned_stay_within_their_range():
    system = replace(turnover.system(), learned=("ka",), drift=np.append(turnover.system().drift, 0.0))
    prior = gaussian(system, 0.0, np.append(turnover.MEAN, np.log(0.9)), np.diag([*np.diag(turnover.COVARIANCE), 0.04]))
    one = SharedParameter("central_seen", 0.0, (("log ka", 2.0),))
    seen = [Observation(float(k), np.array([np.nan, np.nan])) for k in range(4)]
    whole = filter_record(Aware(Unscented(), (one,)), system, NOTHING, prior, seen)
    assert np.all(whole.codes == 0) and np.all(np.diff(whole.mean[:, -1]) < 0.0)
