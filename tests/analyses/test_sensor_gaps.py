"""Gaps of a sensor: what depends on the readings is found, chance is not, and few gaps are said to teach nothing."""

from __future__ import annotations

import json
import math

import caring
import numpy as np
import pytest

from vvuq.analyses.missingness.sensor_gaps import sensor_gaps
from vvuq.data.cohort import make_cohort
from vvuq.errors import InputError, NotEvaluable
from vvuq.methods.logistic import fit_logistic
from vvuq.record import Cohort, Measurement, Patient

SETTINGS = {"sensor": "cgm", "slot": 15.0, "longest": 240.0}


def cohort(n: int = 8, days: float = 6.0, begins: float = 0.02, by_level: float = 0.0, jumps: float = 0.0) -> Cohort:
    """Courses that wander; gaps begin with log odds that rise by `by_level` with 50 mg/dL; `jumps`: SD by which the
    course is moved when a gap ends."""
    patients = []
    for number in range(n):
        rng = np.random.default_rng([5, number])
        m = int(days * 96)
        course, at = np.empty(m), 0.0
        for k in range(m):
            at = 0.95 * at + rng.normal(0.0, 15.0)
            course[k] = np.clip(150.0 + at, 40.0, 400.0)
        taken, lost = [], False
        for k in range(m):
            odds = np.log(begins / (1.0 - begins)) + by_level * (course[k - 1] - 150.0) / 50.0 if begins else -np.inf
            was, lost = lost, bool(rng.random() < (0.6 if lost else 1.0 / (1.0 + np.exp(-odds))))
            if was and not lost:
                course[k:] = np.clip(course[k:] + rng.normal(0.0, jumps), 40.0, 400.0)
            if not lost:
                taken.append(Measurement(1000.0 + 15.0 * k, "cgm", float(course[k])))
        patients.append(Patient(f"c{number}", (("weight", 60.0),), (), tuple(taken)))
    return make_cohort("made", patients, caring.UNITS)


def run(stand_in, made, **settings):
    return sensor_gaps.run(caring.TWIN, stand_in("sensor_gaps", build_cohort=made), **{**SETTINGS, **settings})


@pytest.fixture(scope="module")
def found(stand_in):
    return run(stand_in, cohort())


def test_it_reports_what_it_declares(found):
    assert {key: q.unit for key, q in found.values.items()} == sensor_gaps.metrics(caring.TWIN, SETTINGS)
    for key, q in found.values.items():
        assert all(v is None or math.isfinite(v) for v in (q.value, q.low, q.high, q.lower95, q.upper95)), key
    for table in found.tables.values():
        assert all(len(row) == len(table.columns) == len(table.units) for row in table.rows) and not table.individual
    assert json.loads(json.dumps(found.inputs, allow_nan=False)) == found.inputs
    assert all(sentence.endswith(".") for sentence in (*found.findings, *found.negative))


def test_the_chain_is_recovered(found):
    v = found.values
    assert v["gap_begins"].low < 2.0 < v["gap_begins"].high and v["gap_ends"].low < 40.0 < v["gap_ends"].high
    assert v["gap_length"].value == pytest.approx(15.0 * v["n_lost_readings"].value / v["n_gaps"].value)
    assert v["gaps_per_day"].value == pytest.approx(0.96 * v["gap_begins"].value)
    rows = found.tables["lengths"].rows
    assert sum(row[1] for row in rows) == v["n_gaps"].value
    assert sum(row[0] * row[1] for row in rows) == pytest.approx(15.0 * v["n_lost_readings"].value)


def test_chance_is_not_taken_for_more(found):
    v = found.values
    assert (
        v["odds_level"].low < 1.0 < v["odds_level"].high
        and v["change_over_usual"].low < 1.0 < v["change_over_usual"].high
    )
    assert not found.negative and any("not shown to depend" in one for one in found.findings)


def test_gaps_by_level_and_jumps_are_found(stand_in):
    v = (high := run(stand_in, cohort(by_level=1.5))).values
    assert v["odds_level"].low > 1.0 and any("last level" in one for one in high.negative)
    assert v["odds_level"].value > v["would_be_seen_level"].value
    moved = run(stand_in, cohort(jumps=60.0))
    assert moved.values["change_over_usual"].low > 1.0 and any("no fair guess" in one for one in moved.negative)


def test_odds_are_of_what_was_known_before_a_gap(found):
    """The last reading and its slope, collected in a loop; what the sensor shows after a gap is not among them."""
    rows, events = [], []
    for one in cohort().patients:
        m = one.measurements
        for k in range(1, len(m) - 1):
            if m[k].time - m[k - 1].time == 15.0 and m[k + 1].time - m[k].time <= 240.0:
                rows.append((m[k].value, m[k].value - m[k - 1].value))
                events.append(float(m[k + 1].time - m[k].time > 15.0))
    columns = np.array(rows)
    columns = np.column_stack([np.ones(len(rows)), (columns - columns.mean(axis=0)) / columns.std(axis=0)])
    expected = fit_logistic(columns, np.array(events), np.array([10.0, 2.5, 2.5])).coefficients
    odds = [math.log(found.values[f"odds_{name}"].value) for name in ("level", "slope")]
    assert odds == pytest.approx(expected[1:], abs=1e-9)


def test_few_gaps_teach_nothing_and_that_is_said(stand_in):
    none = run(stand_in, cohort(n=3, begins=0.0))
    assert none.values["n_gaps"].value == 0.0 and "gap_ends" not in none.values and "odds_level" not in none.values
    assert none.values["gap_begins"].high > 0.0, "none seen is not none"
    assert any("cannot be learned" in one for one in none.negative)
    assert none.tables["lengths"].rows == ((None, 0, None),)


def test_bad_settings_and_records_are_said(stand_in):
    with pytest.raises(InputError, match="sensor"):
        run(stand_in, cohort(n=2, days=1.0), sensor="cgn")
    with pytest.raises(InputError, match="longest"):
        run(stand_in, cohort(n=2, days=1.0), longest=20.0)
    with pytest.raises(NotEvaluable, match="no two readings"):
        run(stand_in, cohort(n=2, days=1.0), sensor="fingerstick")
