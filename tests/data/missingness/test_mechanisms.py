"""Each mechanism: draws follow its own likelihood, see nothing of what comes later, and are the same beside others."""

from __future__ import annotations

import itertools
import time
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from missing import EACH, LEAVES, ROUTINE, complete
from scipy.special import expit, log_ndtr, ndtr
from scipy.stats import norm

from vvuq.data.missingness.bursts import Bursts
from vvuq.data.missingness.care import CareProcess
from vvuq.data.missingness.drivers import daily, last_value, protocol, since_last
from vvuq.data.missingness.dropout import DropOut
from vvuq.data.missingness.intensity import Intensity, log_likelihood_of_times, times_of
from vvuq.data.missingness.links import log_expected
from vvuq.data.missingness.mar import AtRandom
from vvuq.data.missingness.mcar import CompletelyAtRandom
from vvuq.data.missingness.record import Complete, Mechanism, measurements
from vvuq.data.missingness.selection import Selection
from vvuq.data.missingness.shared import SharedParameter
from vvuq.data.missingness.together import log_likelihood, thin
from vvuq.errors import InputError
from vvuq.numerics.streams import Draws

DRAWS = Draws(3, "missing")
each = pytest.mark.parametrize("name", list(EACH))
chosen = st.lists(st.sampled_from(sorted(EACH)), min_size=1, max_size=3, unique=True)


def patterns(record: Complete, channels: list[int]) -> list[np.ndarray]:
    """Every pattern of a short record; channels that do not count are seen."""
    shape = (len(record.times), len(channels))
    found = []
    for bits in itertools.product((0.0, 1.0), repeat=shape[0] * shape[1]):
        seen = np.ones(record.values.shape)
        seen[:, channels] = np.reshape(bits, shape)
        found.append(seen)
    return found


@given(names=chosen, n=st.integers(1, 4), seed=st.integers(0, 99))
@settings(max_examples=25)
def test_probabilities_of_all_patterns_sum_to_one(names: list[str], n: int, seed: int) -> None:
    mechanisms = [EACH[name] for name in names]
    record = complete(n, seed)
    channels = sorted({record.channel(one) for mechanism in mechanisms for one in mechanism.channels})
    total = sum(np.exp(log_likelihood(record, seen, mechanisms)) for seen in patterns(record, channels))
    assert total == pytest.approx(1.0, abs=1e-12)


def naive(record: Complete, seen: np.ndarray, mechanisms: list[Mechanism]) -> float:
    """The sum over every path of every mechanism's mode, of the product of what each step says."""
    every = slice(0, len(record.times))
    parts = [one.chances(record, seen, every) for one in mechanisms]
    counted = {name for one in mechanisms for name in one.channels}
    total = 0.0
    paths = [itertools.product(range(len(part.begin)), repeat=len(record.times)) for part in parts]
    for modes in itertools.product(*paths):
        chance = 1.0
        for part, path in zip(parts, modes, strict=True):
            chance *= part.begin[path[0]]
            chance *= np.prod([part.moves[k][path[k - 1]][path[k]] for k in range(1, len(path))])
        for k, name in itertools.product(range(len(record.times)), counted):
            there = [
                part.passes[k][path[k]][one.channels.index(name)]
                for one, part, path in zip(mechanisms, parts, modes, strict=True)
                if name in one.channels
            ]
            passes = np.prod(there)
            chance *= passes if seen[k][record.channel(name)] else 1.0 - passes
        total += chance
    return total


@given(names=chosen, n=st.integers(1, 5), seed=st.integers(0, 99))
@settings(max_examples=25)
def test_the_recursion_equals_the_sum_over_all_paths(names: list[str], n: int, seed: int) -> None:
    record, mechanisms = complete(n, seed), [EACH[name] for name in names]
    seen = thin(record, mechanisms, replace(DRAWS, seed=seed))
    expected = naive(record, seen, mechanisms)
    assert np.exp(log_likelihood(record, seen, mechanisms)) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("names", [*([name] for name in EACH), ["dropout", "care", "bursts"]], ids="-".join)
def test_what_is_drawn_follows_the_likelihood(names: list[str]) -> None:
    """Over many draws the shares of patterns are their probabilities: Pearson's statistic is within its bounds."""
    mechanisms = [EACH[name] for name in names]
    record = complete(3, seed=5)
    channels = sorted({record.channel(one) for mechanism in mechanisms for one in mechanism.channels})
    repeats, counts = 800, {}
    for seed in range(repeats):
        key = thin(record, mechanisms, Draws(seed, "shares")).tobytes()
        counts[key] = counts.get(key, 0) + 1
    expected = {
        p.tobytes(): repeats * np.exp(log_likelihood(record, p, mechanisms)) for p in patterns(record, channels)
    }
    assert all(expected[key] > 0.0 for key in counts)
    cells = [key for key, value in expected.items() if value > 5.0]
    pearson = sum((counts.get(key, 0) - expected[key]) ** 2 / expected[key] for key in cells)
    assert pearson < len(cells) + 4.0 * np.sqrt(2.0 * len(cells)) + 4.0


@given(name=st.sampled_from(sorted(EACH)), cut=st.integers(1, 29), seed=st.integers(0, 99))
@settings(max_examples=30)
def test_what_comes_later_changes_nothing(name: str, cut: int, seed: int) -> None:
    record, mechanism = complete(30, seed), EACH[name]
    values, states = record.values.copy(), record.states.copy()
    values[cut:] += 50.0
    states[cut:] -= 9.0
    other = replace(record, values=values, states=states)
    assert (thin(record, [mechanism], DRAWS)[:cut] == thin(other, [mechanism], DRAWS)[:cut]).all()
    seen = thin(record, [mechanism], DRAWS)
    turned = seen.copy()
    turned[cut:] = 1.0 - turned[cut:]
    rows = slice(0, cut + 1)  # whether the decision itself was seen is not known at it
    one, two = (mechanism.chances(record, part, rows) for part in (seen, turned))
    assert (one.passes == two.passes).all() and (one.moves == two.moves).all()


@given(names=chosen, seed=st.integers(0, 99))
@settings(max_examples=20)
def test_draws_are_the_patients_and_the_mechanisms_own(names: list[str], seed: int) -> None:
    """Mechanisms that do not look at what was seen take out the same values whatever else stands beside them."""
    record = complete(20, seed)
    still = [EACH[name] for name in names if not EACH[name].looks_back]
    alone = np.ones(record.values.shape)
    for one in still:
        alone *= thin(record, [one], DRAWS)
    assert (thin(record, still, DRAWS) == alone).all() and (thin(record, still[::-1], DRAWS) == alone).all()
    more = replace(
        record,
        observables=("ph", *record.observables),
        values=np.column_stack([np.zeros(20), record.values]),
    )
    mechanisms = [EACH[name] for name in names]
    assert (thin(more, mechanisms, DRAWS)[:, 1:] == thin(record, mechanisms, DRAWS)).all()
    assert (thin(more, mechanisms, DRAWS)[:, 0] == 1.0).all()


def test_patients_and_like_mechanisms_have_draws_of_their_own() -> None:
    half = CompletelyAtRandom("lactate", 0.5)
    one, other = (thin(complete(400, patient=name), [half], DRAWS) for name in "ab")
    assert 120 < (one != other).sum() < 280
    assert 60 < thin(complete(400), [half, half], DRAWS)[:, 0].sum() < 140, "two coins, not one seen twice"


def test_memoryless_ones_are_sums_of_logarithms() -> None:
    record = complete(50)
    seen = thin(record, [EACH["selection"]], DRAWS)[:, 0]
    chance = expit(-1.0 + 0.8 * record.values[:, 0])
    expected = np.where(seen > 0.0, np.log(chance), np.log1p(-chance)).sum()
    both = np.stack([seen, np.ones(50)], axis=1)
    assert log_likelihood(record, both, [EACH["selection"]]) == pytest.approx(expected, rel=1e-12)


def test_bursts_that_always_pass_are_a_chain_that_is_seen() -> None:
    record, bursts = complete(300), Bursts("glucose", 0.1, 0.3)
    seen = thin(record, [bursts], DRAWS)
    x = seen[:, 1]
    a, b = x[:-1] > 0.0, x[1:] > 0.0
    counts = [(a & b).sum(), (a & ~b).sum(), (~a & b).sum(), (~a & ~b).sum()]
    expected = np.dot(counts, np.log([0.9, 0.1, 0.3, 0.7])) + np.log(0.75 if x[0] else 0.25)
    assert log_likelihood(record, seen, [bursts]) == pytest.approx(expected, rel=1e-12)
    assert bursts.lost == pytest.approx(0.25)


def test_who_left_does_not_come_back() -> None:
    record = complete(60)
    for seed in range(20):
        seen = thin(record, [DropOut(record.observables, LEAVES)], Draws(seed, "x"))
        assert (np.diff(seen, axis=0) <= 0.0).all() and (seen[:, 0] == seen[:, 1]).all() and seen[0].all()
    back = np.ones(record.values.shape)
    back[3] = 0.0
    assert log_likelihood(record, back, [DropOut(record.observables, LEAVES)]) == -np.inf


def test_the_unlikely_is_not_lost_to_rounding() -> None:
    """A thousand values that did not pass look like drop-out until one is seen again."""
    record = complete(1001)
    seen = np.ones(record.values.shape)
    seen[1:-1, 0] = 0.0
    leaves = AtRandom("lactate", -5.0, ())
    found = log_likelihood(record, seen, [CompletelyAtRandom("lactate", 0.9), DropOut(("lactate",), leaves)])
    expected = 999 * np.log(0.1) + 2 * np.log(0.9) + 1000 * np.log1p(-expit(-5.0))
    assert found == pytest.approx(expected, rel=1e-12)


def test_history_is_told_as_it_was() -> None:
    """The predictor of a routine, decision by decision, by hand."""
    record = complete(6)
    seen = np.ones(record.values.shape)
    seen[:, 0] = [0.0, 1.0, 0.0, 0.0, 0.0, 0.0]
    last = (record.values[1, 0] - 1.0) / 0.7
    offsets = [1.5, 1.5] + [0.8 * last + 0.4 * np.log1p(since / 2.0) + 1.5 * (since >= 4.0) for since in (1, 2, 3, 4)]
    assert ROUTINE.offsets(record, seen, slice(0, 6)) == pytest.approx(offsets, rel=1e-12)
    care = CareProcess(ROUTINE, (("ill", 0.9),))
    chance = expit(-0.3 + np.array(offsets) + 0.9 * record.states[:, 0])
    assert care.chances(record, seen, slice(0, 6)).passes[:, 0, 0] == pytest.approx(chance, rel=1e-12)
    assert care.shared == SharedParameter("lactate", -0.3, (("ill", 0.9),), "logit")
    clock = AtRandom("lactate", 0.0, ((daily(6.0, 24.0), 1.0),))
    assert clock.offsets(record, seen, slice(0, 6)) == pytest.approx(np.cos(2 * np.pi * (np.arange(6) - 6) / 24))
    assert not clock.looks_back and ROUTINE.looks_back


def test_doses_before_a_decision_are_known() -> None:
    from vvuq.models.care import Driver

    count = Driver("doses", "so far", "given", lambda known: float(known.given.size))
    record = replace(complete(4), given=np.array([0.5, 2.0]))
    given_ = AtRandom("lactate", 0.0, ((count, 1.0),)).offsets(record, np.ones((4, 2)), slice(0, 4))
    assert given_.tolist() == [0.0, 1.0, 1.0, 2.0]


@pytest.mark.parametrize("link", ["probit", "logit"])
@pytest.mark.parametrize("measured", [0.0, 1.0])
def test_unseen_values_are_integrated_over(link: str, measured: float) -> None:
    """Selection with a normal forecast, against a fine grid."""
    h, r = np.array([0.3, -2.0]), np.array([0.5, 1.7])
    selection = Selection("lactate", -0.4, 1.3, link)  # type: ignore[arg-type]
    grid = np.linspace(-14.0, 14.0, 40001)
    curve = ndtr(-0.4 + 1.3 * grid) if link == "probit" else expit(-0.4 + 1.3 * grid)
    curve = curve if measured else 1.0 - curve
    for i in range(2):
        density = norm.pdf(grid, h[i], np.sqrt(r[i]))
        expected = np.log((density * curve).sum() * (grid[1] - grid[0]))
        found = selection.log_before(h, r, np.full(2, measured))[i]
        assert found == pytest.approx(expected, rel=1e-8)
    closed = log_ndtr(-(-0.4 + 1.3 * h) / np.sqrt(1.0 + 1.3**2 * r))
    assert log_expected("probit", -0.4 + 1.3 * h, 1.3**2 * r, np.zeros(2)) == pytest.approx(closed, rel=1e-12)


def test_times_of_events_have_their_intensity() -> None:
    """Counts in each stretch are Poisson's; the likelihood is highest near the truth; places in a stretch are even."""
    record = complete(4000, step=0.5)
    truth = Intensity("lactate", -0.5, (("ill", 0.7),))
    events = times_of(truth, record, DRAWS)
    expected = truth.expected(record)
    counts = np.histogram(events, np.append(record.times, 2000.0))[0]
    assert ((counts - expected) ** 2 / expected).mean() == pytest.approx(1.0, abs=0.25)
    assert counts.sum() == pytest.approx(expected.sum(), abs=4.0 * np.sqrt(expected.sum()))
    assert (np.diff(events) > 0.0).all() and abs((events / 0.5 % 1.0).mean() - 0.5) < 0.04
    slopes = np.linspace(0.4, 1.0, 13)
    found = [log_likelihood_of_times(replace(truth, slopes=(("ill", s),)), record, events) for s in slopes]
    assert abs(slopes[int(np.argmax(found))] - 0.7) <= 0.1
    by_hand = np.log(expected / 0.5) @ counts - expected.sum()
    assert log_likelihood_of_times(truth, record, events) == pytest.approx(by_hand, rel=1e-12)
    few = times_of(replace(truth, intercept=-900.0), record, DRAWS)
    assert few.size == 0


@pytest.mark.parametrize("name", ["mcar", "shared", "selection", "intensity", "bursts"])
def test_a_million_decisions_take_about_a_second(name: str) -> None:
    n = 1_000_000
    ill = np.random.default_rng(1).normal(size=(n, 1))
    record = Complete("a", np.arange(float(n)), ("lactate", "glucose"), np.hstack([ill, ill]), ("ill",), ill)
    begin = time.process_time()
    seen = thin(record, [EACH[name]], DRAWS)
    assert time.process_time() - begin < 4.0  # about one; on a machine that is shared
    assert 0.05 < seen[:, 0 if name != "bursts" else 1].mean() < 0.95


def test_measurements_are_what_was_seen() -> None:
    record = complete(3)
    seen = np.array([[1.0, 0.0], [0.0, 0.0], [1.0, 1.0]])
    told = [(m.time, m.observable, m.value) for m in measurements(record, seen)]
    assert told == [
        (0.0, "lactate", record.values[0, 0]),
        (2.0, "lactate", record.values[2, 0]),
        (2.0, "glucose", record.values[2, 1]),
    ]


BAD = [
    (lambda: CompletelyAtRandom("x", 1.2), "probability"),
    (lambda: CompletelyAtRandom("x", float("nan")), "probability"),
    (lambda: Bursts("x", -0.1, 0.5), "begins"),
    (lambda: Bursts("x", 0.0, 0.0), "begins, ends"),
    (lambda: Bursts("x", 0.1, 0.5, 2.0), "passes"),
    (lambda: DropOut((), LEAVES), "channels"),
    (lambda: DropOut(("a", "a"), LEAVES), "channels"),
    (lambda: AtRandom("x", float("inf"), ()), "intercept"),
    (lambda: AtRandom("x", 0.0, (), "cauchit"), "link"),  # type: ignore[arg-type]
    (lambda: AtRandom("x", 0.0, ((protocol(1.0), 1.0), (protocol(2.0), 1.0))), "drivers"),
    (lambda: AtRandom("x", 0.0, ((protocol(1.0), float("nan")),)), "due"),
    (lambda: CareProcess(ROUTINE, ()), "slopes"),
    (lambda: CareProcess(ROUTINE, (("a", 1.0), ("a", 2.0))), "slopes"),
    (lambda: SharedParameter("x", 0.0, (("a", float("nan")),)), "a"),
    (lambda: Intensity("x", 0.0, ()), "slopes"),
    (lambda: protocol(0.0), "every"),
    (lambda: since_last(-1.0), "scale"),
    (lambda: last_value(0.0, 0.0), "centre, scale"),
    (lambda: daily(0.0, float("inf")), "peak, day"),
    (lambda: Complete("a", np.array([0.0, 0.0]), ("x",), np.zeros((2, 1))), "times"),
    (lambda: Complete("a", np.array([0.0, 1.0]), ("x",), np.zeros((3, 1))), "values"),
    (lambda: Complete("a", np.array([0.0]), ("x",), np.array([[np.nan]])), "values"),
    (lambda: Complete("a", np.array([0.0]), ("x", "x"), np.zeros((1, 2))), "names"),
    (lambda: Complete("a", np.array([0.0]), ("x",), np.zeros((1, 1)), ("s",)), "states"),
    (lambda: complete(3).channel("lactat"), "observable"),
    (lambda: thin(complete(3), [SharedParameter("lactate", 0.0, (("wel", 1.0),))], DRAWS), "state"),
    (lambda: thin(complete(3), [CompletelyAtRandom("ph", 0.5)], DRAWS), "observable"),
    (lambda: log_likelihood(complete(3), np.ones((2, 2)), [EACH["mcar"]]), "seen"),
]


@pytest.mark.parametrize(("make", "field"), BAD, ids=[f"{i}-{field}" for i, (_, field) in enumerate(BAD)])
def test_bad_input_is_refused_by_field(make, field) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InputError) as found:
        make()
    assert found.value.field == field
