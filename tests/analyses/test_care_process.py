"""The analysis of a care process: what it declares it reports; its tests of informativeness find what there is."""

import json
import math
from dataclasses import replace

import caring
import numpy as np
import pytest

from vvuq.analyses.missingness.care_process import care_process
from vvuq.analyses.missingness.care_seen import beyond, difference
from vvuq.calibration.care import fit_care, trials_of
from vvuq.data.cohort import make_cohort
from vvuq.data.split import subset
from vvuq.errors import NotEvaluable
from vvuq.methods.jackknife import t_quantity
from vvuq.record import Measurement

IGNORABLE = caring.cohort(6, days=8.0)
BY_STATE = caring.cohort(6, days=4.0, by_state=0.8)


def run(stand_in, cohort, twin=caring.TWIN, **settings):
    return care_process.run(twin, stand_in("care_process", build_cohort=cohort), **{"draws": 19, **settings})


@pytest.fixture(scope="module")
def found(stand_in):
    return run(stand_in, IGNORABLE)


@pytest.fixture(scope="module")
def by_state(stand_in):
    return run(stand_in, BY_STATE)


def trials(cohort):
    return [trials_of(caring.TWIN, cohort, patient) for patient in cohort.patients]


def test_it_reports_what_it_declares(found, by_state):
    for one in (found, by_state):
        assert {key: q.unit for key, q in one.values.items()} == care_process.metrics(caring.TWIN, {"draws": 19})
        for key, q in one.values.items():
            assert all(v is None or math.isfinite(v) for v in (q.value, q.low, q.high, q.lower95, q.upper95)), key
        for table in one.tables.values():
            assert all(len(row) == len(table.columns) == len(table.units) for row in table.rows)
            assert table.individual == ("patient" in table.columns and table is one.tables["patients"])
            assert all(not isinstance(c, float) or math.isfinite(c) for row in table.rows for c in row)
        assert json.loads(json.dumps(one.inputs, allow_nan=False)) == one.inputs
        assert all(sentence.endswith(".") for sentence in (*one.findings, *one.negative))


def test_it_is_repeatable(stand_in, found):
    again = run(stand_in, IGNORABLE)
    assert (again.values, again.tables, again.findings) == (found.values, found.tables, found.findings)
    other = care_process.run(caring.TWIN, stand_in("care_process", build_cohort=IGNORABLE, seed=2), draws=19)
    assert other.values["log_score_gain"] == found.values["log_score_gain"]
    assert other.values["drawn_per_day"] != found.values["drawn_per_day"]


def test_numbers_are_what_they_say(found):
    each = trials(IGNORABLE)
    events = np.concatenate([one.ordered for one in each])
    v = found.values
    assert (v["n_slots"].value, v["n_orders"].value, v["n_left_out"].value) == (events.size, events.sum(), 6.0)
    fit = fit_care(caring.TWIN, IGNORABLE)
    assert math.log(v["odds_fed"].value) == pytest.approx(fit.coefficients[3], abs=1e-9)
    rest = [fit_care(caring.TWIN, subset(IGNORABLE, [p.id for p in IGNORABLE.patients if p.id != f"c{i}"], "x"))
            for i in range(6)]  # fmt: skip
    one = np.array([r.coefficients[3] for r in rest])
    error = math.sqrt(5.0 / 6.0 * ((one - one.mean()) ** 2).sum())
    assert math.log(v["odds_fed"].high / v["odds_fed"].value) == pytest.approx(2.570582 * error)
    chance = rest[2].probabilities(each[2])
    score = np.mean(np.where(each[2].ordered > 0.0, np.log(chance), np.log1p(-chance)))
    row = next(row for row in found.tables["patients"].rows if row[0] == "c2")
    share = np.concatenate([o.ordered for i, o in enumerate(each) if i != 2]).mean()
    flat = np.mean(np.where(each[2].ordered > 0.0, np.log(share), np.log1p(-share)))
    assert row[3] == pytest.approx(score - flat, abs=1e-5)
    own = [o.now[o.ordered > 0.0].mean() - o.now.mean() for o in each]
    assert v["reading_difference"].value == pytest.approx(np.mean(own))
    assert v["per_day"].value == pytest.approx(96.0 * np.mean([o.ordered.mean() for o in each]))


def test_the_law_is_found_and_its_probabilities_are_right(found):
    v = found.values
    for name, true in zip(("swing", "lately", "fed", "high"), caring.TRUE[1:], strict=True):
        assert v[f"odds_{name}"].low < math.exp(true) < v[f"odds_{name}"].high
    assert v["log_score_gain"].low > 0.0 and 0.8 < v["observed_by_predicted"].value < 1.2
    rows = [row for row in found.tables["calibration"].rows if row[2] > 200]
    assert len(rows) >= 3 and all(abs(row[5] - row[4]) < 4.0 for row in rows)
    assert v["n_within_per_day"].value >= 4.0 and v["n_within_reading"].value >= 4.0
    assert v["drawn_per_day"].low < v["per_day"].value < v["drawn_per_day"].high


def test_orders_that_depend_on_the_record_alone_are_not_called_informative(found):
    """The readings at sticks are higher, since a high reading prompts one: history explains it."""
    v = found.values
    assert v["odds_now"].low < 1.0 < v["odds_now"].high
    assert v["reading_difference"].low > 0.0
    assert any("is not shown" in s and "would have been seen" in s for s in found.findings)
    assert any("who reads those alone is misled" in s for s in found.negative)
    assert not any("beyond what is on record:" in s for s in found.negative)


def test_orders_that_depend_on_what_they_find_are_called_so(by_state):
    v = by_state.values
    assert v["odds_now"].low > 1.0 and v["odds_now"].low < math.exp(0.8) < v["odds_now"].high
    assert v["odds_now_blind"].low > 1.0 and v["reading_difference"].low > 10.0
    assert any("beyond what is on record: by 50 mg/dL more" in s for s in by_state.negative)
    assert any("not missing at random" in s for s in by_state.negative)


def test_what_would_be_seen_is_as_large_as_the_interval_allows(found):
    v = found.values
    error = math.log(v["odds_now"].high / v["odds_now"].value) / 2.570582
    assert math.log(v["would_be_seen_now"].value) == pytest.approx((2.570582 + 0.919544) * error, rel=1e-4)


def _rejects(by_state, seed, count=6, days=4.0):
    value, error = beyond(caring.CARE, trials(caring.cohort(count, days, by_state, seed)))
    q = t_quantity(value, error, "1", count)
    return not q.low <= 0.0 <= q.high


@pytest.mark.slow
def test_the_test_of_informativeness_keeps_its_level_and_has_power():
    assert sum(_rejects(0.0, seed) for seed in range(100, 124)) <= 4
    assert sum(_rejects(0.8, seed) for seed in range(100, 106)) == 6


@pytest.mark.slow
def test_the_level_over_many_cohorts():
    """200 cohorts of 5 patients; of a true level of 5 % more than 20 would be seen in 1 of 1000."""
    hits = sum(_rejects(0.0, seed, 5) for seed in range(200))
    assert 2 <= hits <= 20


def test_that_some_are_measured_more_and_are_higher_does_not_count():
    """Each patient has a constant of its own: levels that go with the rate of sticks are no dependence on the state."""
    moved = []
    for i, patient in enumerate(IGNORABLE.patients):
        step = 25.0 * i
        some = [m for j, m in enumerate(patient.measurements) if m.observable == "cgm" or j % (7 - i) == 0]
        moved.append(replace(patient, measurements=tuple(replace(m, value=m.value + step) for m in some)))
    each = trials(make_cohort("levels", moved, caring.UNITS))
    pooled = np.concatenate([o.ordered for o in each]), np.concatenate([o.now for o in each])
    assert difference(*pooled) > 10.0
    value, error = beyond(caring.CARE, each, with_shown=False)
    assert abs(value) < 3.0 * error + 0.2


def test_patients_without_any_stick_are_kept_and_named(stand_in):
    none = caring.without(IGNORABLE.patients[0], "fingerstick")
    cohort = make_cohort("one without", [none, *IGNORABLE.patients[1:]], caring.UNITS)
    found = run(stand_in, cohort)
    assert found.values["n_without"].value == 1.0 and found.values["n_patients"].value == 6.0
    assert found.values["reading_difference"].n == 5 and found.values["per_day"].n == 6
    assert found.negative[0].startswith("1 of 6 patients has no fingerstick on record")


def test_what_cannot_be_evaluated_says_what_to_do(stand_in):
    with pytest.raises(NotEvaluable, match=r"Twin\(care"):
        run(stand_in, IGNORABLE, replace(caring.TWIN, care=None))
    with pytest.raises(NotEvaluable, match=r"Twin\(care"):
        care_process.metrics(replace(caring.TWIN, care=None), {})
    with pytest.raises(NotEvaluable, match="1 of 1 patients have a fingerstick"):
        run(stand_in, subset(IGNORABLE, ["c0"], "one"))
    bare = [caring.without(patient, "fingerstick") for patient in IGNORABLE.patients]
    with pytest.raises(NotEvaluable, match="no fingerstick in any"):
        run(stand_in, make_cohort("bare", bare, caring.UNITS))


def test_few_sticks_and_no_draws_of_them_are_no_trouble(stand_in):
    """Two sticks in all: members without any have no reading to compare."""
    bare = [caring.without(patient, "fingerstick") for patient in IGNORABLE.patients[:3]]
    few = []
    for patient in bare[:2]:
        one = Measurement(patient.measurements[40].time, "fingerstick", 99.0)
        taken = sorted((*patient.measurements, one), key=lambda m: (m.time, m.observable))
        few.append(replace(patient, measurements=tuple(taken)))
    found = run(stand_in, make_cohort("few", [*few, bare[2]], caring.UNITS), draws=2)
    assert found.values["n_orders"].value == 2.0
    for q in found.values.values():
        assert all(v is None or math.isfinite(v) for v in (q.value, q.low, q.high))
    assert any("is not shown" in s for s in found.negative)
