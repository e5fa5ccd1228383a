"""Presence of measurements by slot against counts by hand, and what follows from it against loops."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vvuq.data.cohort import make_cohort
from vvuq.data.missingness.patterns import (
    Slots,
    by_time_of_day,
    odds_of_slots,
    outcome_by_measured,
    over_time,
    pattern_table,
    presence,
)
from vvuq.errors import InputError, NotEvaluable
from vvuq.record import Cohort, Dose, Measurement, Patient

CHANNELS = ("lactate", "glucose")
UNITS = {"time": "h", "lactate": "mmol/L", "glucose": "mmol/L", "dose": "mg"}


def patient(name: str, lactate: list[float], glucose: list[float], doses: list[float]) -> Patient:
    events = [(t, "lactate") for t in lactate] + [(t, "glucose") for t in glucose]
    samples = tuple(Measurement(t, what, 1.0) for t, what in sorted(events))
    return Patient(name, (), tuple(Dose(t, 1.0) for t in sorted(doses)), samples)


def cohort(*patients: Patient) -> Cohort:
    return make_cohort("made", patients, UNITS)


TWO = cohort(patient("a", [2.0, 2.5, 9.0], [2.1], [1.0]), patient("b", [], [4.0, 5.9], []))
hours = st.lists(st.integers(0, 400).map(lambda n: n / 10), max_size=8, unique=True)


@st.composite
def cohorts(draw: st.DrawFn) -> Cohort:
    n = draw(st.integers(2, 6))
    return cohort(*(patient(str(i), draw(hours), draw(hours), [0.0]) for i in range(n)))


def test_counts_by_hand() -> None:
    there = presence(TWO, CHANNELS, Slots(2.0))
    assert there.on_record.tolist() == [[True] * 5, [True] + [False] * 4]
    assert there.counts[0, :, 0].tolist() == [2.0, 0.0, 0.0, 0.0, 1.0]
    assert there.counts[0, :, 1].tolist() == [1.0, 0.0, 0.0, 0.0, 0.0]
    assert there.counts[1, 0].tolist() == [0.0, 2.0] and there.starts.tolist() == [1.0, 4.0]
    whole = presence(TWO, CHANNELS, Slots(2.0, until=6.0))
    assert whole.on_record.shape == (2, 3) and whole.on_record.all()
    assert whole.counts[0, :, 0].tolist() == [0.0, 2.0, 0.0] and whole.counts[1, :, 1].tolist() == [0.0, 0.0, 2.0]


def test_together_by_hand() -> None:
    found = [(one.measured, one.slots, one.patients) for one in pattern_table(presence(TWO, CHANNELS, Slots(2.0)))]
    expected = [((False, False), 3, 1), ((False, True), 1, 1), ((True, False), 1, 1), ((True, True), 1, 1)]
    assert found == expected


@given(made=cohorts(), width=st.sampled_from((0.7, 1.0, 5.0, 100.0)), until=st.sampled_from((None, 13.0)))
@settings(max_examples=40)
def test_against_loops(made: Cohort, width: float, until: float | None) -> None:
    there = presence(made, CHANNELS, Slots(width, until))
    total = Counter()
    for i, one in enumerate(made.patients):
        start = 0.0 if until is not None else min(m.time for m in (*one.measurements, *one.doses))
        for m in one.measurements:
            if until is None or m.time < until:
                total[i, CHANNELS.index(m.observable)] += 1
        ends = [m.time - start for m in (*one.measurements, *one.doses)]
        if until is None:
            assert there.on_record[i].sum() == int(max(ends) / width + 1e-9) + 1
    for (i, j), count in total.items():
        assert there.counts[i, :, j].sum() == count
    table = pattern_table(there)
    assert sum(one.slots for one in table) == there.on_record.sum()
    assert [one.slots for one in table] == sorted((one.slots for one in table), reverse=True)
    course = over_time(there)
    for k in range(there.on_record.shape[1]):
        on = there.on_record[:, k]
        assert course.patients[k] == on.sum()
        for j in range(2):
            assert course.share[k, j] == pytest.approx(there.measured[on, k, j].mean())
            assert course.rate[k, j] == pytest.approx(there.counts[on, k, j].mean() / width)


@given(made=cohorts(), seed=st.integers(0, 20))
@settings(max_examples=20)
def test_odds_of_slots_against_loops(made: Cohort, seed: int) -> None:
    there = presence(made, CHANNELS, Slots(3.0))
    group = np.random.default_rng(seed).random(len(made.patients)) < 0.5
    group[0], group[-1] = True, False
    mine, rest, log, _ = odds_of_slots(there, group)
    for j in range(2):
        cells = {True: [0, 0], False: [0, 0]}
        for i, own in enumerate(group.tolist()):
            for k in np.flatnonzero(there.on_record[i]).tolist():
                cells[own][int(there.counts[i, k, j] > 0)] += 1
        (a, b), (c, d) = cells[True], cells[False]
        assert (mine[j], rest[j]) == pytest.approx((b / (a + b), d / (c + d)))
        if a and b and c and d:
            assert log[j] == pytest.approx(np.log(b * c / (a * d)))
        else:
            assert not np.isfinite(log[j])


def test_intervals_of_odds_hold_the_truth() -> None:
    """Patients differ in how often they are measured, as do groups by a factor of 2 in odds."""
    rng, inside = np.random.default_rng(0), 0
    truth = None
    for _ in range(80):
        group = np.arange(80) < 40
        chance = rng.beta(2.0, 4.0 * np.where(group, 1.0, 2.0))
        counts = (rng.random((80, 30, 1)) < chance[:, None, None]).astype(float)
        there = presence(cohort(*(patient(str(i), [], [0.0, 29.5], []) for i in range(80))), ("lactate",), Slots(1.0))
        assert there.on_record.shape == (80, 30)
        _, _, log, error = odds_of_slots(type(there)(("lactate",), 1.0, counts, there.on_record, there.starts), group)
        truth = np.log((1 / 3) / (2 / 3) / ((1 / 5) / (4 / 5)))
        inside += abs(log[0] - truth) < 1.99 * error[0]
    assert 69 <= inside <= 80


def test_time_of_day() -> None:
    made = cohort(patient("a", [22.5, 46.6], [0.0, 95.9], []), patient("b", [], [22.2], [70.0]))
    there = presence(made, CHANNELS, Slots(1.0, aligned=True))
    assert there.starts.tolist() == [0.0, 22.0]
    found = by_time_of_day(there, 24)
    assert found.rate[22].tolist() == pytest.approx([2.0 / 7.0, 1.0 / 7.0]), "4 hours of one, 3 of the other"
    assert found.rate[21].tolist() == pytest.approx([0.0, 0.0]) and found.patients[22] == 2.0
    assert found.share[0, 1] == pytest.approx(1.0 / 6.0), "0 to 1 h: 4 of one, 2 of the other, one with a reading"


def test_a_pause_is_off_the_record() -> None:
    made = cohort(patient("a", [0.0, 1.0], [20.0, 21.0], [9.5]))
    on = presence(made, CHANNELS, Slots(1.0, pause=10.0)).on_record[0]
    assert on[:10].all() and not on[10:20].any() and on[20:].all() and on.size == 22, "10.5 h without an entry"
    assert presence(made, CHANNELS, Slots(1.0, pause=11.0)).on_record.all()
    assert presence(made, CHANNELS, Slots(1.0, until=30.0, pause=10.0)).on_record[0].sum() == 20


def test_outcome_by_measured() -> None:
    people = [patient(str(i), [1.0] if i < 4 else [], [1.0], []) for i in range(10)]
    there = presence(cohort(*people), CHANNELS, Slots(1.0))
    died = np.array([True, True, True, False, True, *[False] * 5])
    events, patients, risk, odds = outcome_by_measured(there, 0, died)
    assert (events, patients) == ((3, 1), (4, 6)) and risk is not None and odds is not None
    assert risk.value == pytest.approx(75.0 - 100.0 / 6.0) and odds.value == pytest.approx(15.0)
    assert outcome_by_measured(there, 1, died)[2:] == (None, None), "glucose was measured in all"


def test_bad_input() -> None:
    for width, until, field in (
        (0.0, None, "width"),
        (np.inf, None, "width"),
        (1.0, -1.0, "until"),
        (1e-7, None, "width"),
    ):
        with pytest.raises(InputError) as found:
            presence(TWO, CHANNELS, Slots(width, until))
        assert found.value.field == field
    with pytest.raises(NotEvaluable, match="neither doses nor measurements"):
        presence(cohort(patient("a", [], [], [])), CHANNELS, Slots(1.0))
    assert presence(cohort(patient("a", [], [], [])), CHANNELS, Slots(1.0, until=3.0)).on_record.all()
