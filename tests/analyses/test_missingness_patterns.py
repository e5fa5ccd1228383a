"""The analysis of patterns: what it declares it reports; what it finds is there; each finding can be absent."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import orders
import pytest
from examples import pk
from strategies import UNITS, synthetic_neonates

from vvuq.analyses.missingness.missingness_patterns import BINS, missingness_patterns
from vvuq.analyses.missingness.patterns_little import rows_of
from vvuq.data.cohort import make_cohort
from vvuq.data.missingness.patterns import Slots, presence
from vvuq.errors import InputError, NotEvaluable
from vvuq.record import Cohort, Measurement, Patient

NEONATES = synthetic_neonates(24, 3)
LEVEL = "concentration"


def ward(n: int = 240, seed: int = 1, by_state: float = 0.0, death: float = 0.0) -> Cohort:
    """Patients on record for 48 h, measured in none to some hours; by_state: how far an order depends on a level that
    weight follows; death: how far death does."""
    rng = np.random.default_rng(seed)
    patients = []
    for i in range(n):
        ill = rng.normal()
        ordered = rng.random(48) < np.minimum(1.0, 0.03 * np.exp(by_state * ill))
        levels = np.exp(2.0 + 0.5 * ill + 0.2 * rng.normal(size=48))
        samples = tuple(Measurement(float(h) + 0.5, LEVEL, float(levels[h])) for h in np.flatnonzero(ordered))
        died = float(rng.random() < 1.0 / (1.0 + np.exp(1.5 - death * ill)))
        covariates = (("weight", float(np.exp(0.8 * ill + 0.4 * rng.normal()))), ("died", died))
        patients.append(Patient(str(i), covariates, (), samples))
    return make_cohort("ward", patients, {"time": "h", "dose": "mg", LEVEL: "mg/L", "weight": "kg", "died": "1"})


WARD = {"slot": 1.0, "until": 48.0, "parts": 1, "outcome": "died", "repeats": 25}


def run(stand_in, cohort, **settings):
    context = stand_in("missingness_patterns", build_cohort=cohort)
    return missingness_patterns.run(pk(), context, **{"slot": 24.0, "repeats": 10, **settings})


@pytest.fixture(scope="module")
def found(stand_in):
    return run(stand_in, NEONATES, midnight=True)


@pytest.fixture(scope="module")
def by_chance(stand_in):
    return run(stand_in, ward(), **WARD)


@pytest.fixture(scope="module")
def by_state(stand_in):
    return run(stand_in, ward(by_state=1.0, death=1.0), **WARD)


def test_it_reports_what_it_declares(found, by_chance, by_state):
    for one, settings in ((found, {"slot": 24.0}), (by_chance, WARD), (by_state, WARD)):
        assert {key: q.unit for key, q in one.values.items()} == missingness_patterns.metrics(pk(), settings)
        for key, q in one.values.items():
            assert all(v is None or math.isfinite(v) for v in (q.value, q.low, q.high, q.lower95, q.upper95)), key
        for key, table in one.tables.items():
            assert all(len(row) == len(table.columns) == len(table.units) for row in table.rows) and table.rows, key
            assert not table.individual and "patient" not in table.columns
            assert all(type(c) in (str, float, int, bool, type(None)) for row in table.rows for c in row), key
            assert all(not isinstance(c, float) or math.isfinite(c) for row in table.rows for c in row), key
        assert json.loads(json.dumps(one.inputs, allow_nan=False)) == one.inputs
        assert all(sentence.endswith(".") for sentence in (*one.findings, *one.negative))


def test_it_is_repeatable(stand_in, found):
    again = run(stand_in, NEONATES, midnight=True)
    assert (again.values, again.tables, again.findings) == (found.values, found.tables, found.findings)


def test_numbers_are_what_they_say(found):
    slots = hits = 0
    for patient in NEONATES.patients:
        times = [m.time for m in (*patient.measurements, *patient.doses)]
        slots += int((max(times) - min(times)) / 24.0 + 1e-9) + 1
        hits += len({int((m.time - min(times)) / 24.0 + 1e-9) for m in patient.measurements})
    v = found.values
    assert v["n_slots"].value == slots and v[f"slots_with_{LEVEL}"].value == pytest.approx(100.0 * hits / slots)
    assert sum(row[1] for row in found.tables["patterns"].rows) == slots
    assert v["n_patients"].value == 24.0 and v[f"without_{LEVEL}"].value == 0.0
    first = found.tables["over_time"].rows[0]
    assert first[:4] == (LEVEL, 0.0, 24.0, 24) and len(found.tables["by_day"].rows) == 24


def test_what_depends_on_the_state_is_found_and_chance_is_not(by_chance, by_state):
    assert by_chance.values["little_p"].value > 0.01 and not by_chance.negative
    assert by_state.values["little_p"].value < 1e-4
    assert by_state.values["n_associated"].value == 2.0, "by weight, and by death"
    told = by_state.values[f"risk_difference_{LEVEL}"]
    assert told.low > 0.0 and by_state.values[f"odds_{LEVEL}"].low > 1.0
    assert any("not missing completely at random" in one for one in by_state.negative)
    assert any(f"That {LEVEL} was measured tells of died" in one for one in by_state.negative)
    assert by_state.values["little_power"].value > 90.0 and by_state.values["little_errs"].value < 25.0


def test_rates_are_per_day_in_any_unit_of_time(stand_in, by_chance):
    minutes = [
        replace(p, measurements=tuple(replace(m, time=60.0 * m.time) for m in p.measurements)) for p in ward().patients
    ]
    units = {**dict(ward().units), "time": "min"}
    other = run(stand_in, make_cohort("minutes", minutes, units), **WARD)
    assert other.values[f"per_day_{LEVEL}"].value == pytest.approx(by_chance.values[f"per_day_{LEVEL}"].value)
    assert other.tables["over_time"].rows[3][7] == pytest.approx(by_chance.tables["over_time"].rows[3][7])
    assert other.tables["over_time"].rows[3][:4] == by_chance.tables["over_time"].rows[3][:4]


def test_few_patients_are_not_told_of(found, stand_in):
    """Neither the course where few are left, nor patterns or outcomes of few."""
    course = found.tables["over_time"].rows
    assert len(course) <= BINS and all((row[3] < 5) == (row[4] is None) for row in course)
    assert any(row[4] is None for row in course)
    three = [replace(p, measurements=()) if i < 3 else p for i, p in enumerate(ward(40, by_state=0.0).patients)]
    everybody = [
        replace(p, measurements=p.measurements or (Measurement(0.5, LEVEL, 1.0),)) if i >= 3 else p
        for i, p in enumerate(three)
    ]
    few = run(stand_in, make_cohort("few", everybody, dict(ward().units)), **WARD)
    assert few.tables["outcome"].rows[0] == (LEVEL, 37, 3, *[None] * 8) and f"odds_{LEVEL}" not in few.values
    patterns = [row[3] for row in run(stand_in, NEONATES, slot=500.0, repeats=1).tables["patterns"].rows]
    assert all(n is None or n >= 5 for n in patterns)


def test_long_records_are_joined_in_the_picture(stand_in):
    fine, coarse = (run(stand_in, NEONATES, slot=slot, repeats=1) for slot in (0.5, 24.0))
    assert len(fine.tables["over_time"].rows) <= BINS
    assert fine.values[f"per_day_{LEVEL}"].value > coarse.values[f"per_day_{LEVEL}"].value, "records end in a slot"


def test_rows_of_the_test_by_hand():
    cohort = ward(30)
    there = presence(cohort, (LEVEL,), Slots(1.0, until=48.0))
    names, rows = rows_of(cohort, there, 2)
    assert names == ("weight", f"{LEVEL}, part 1 of 2", f"{LEVEL}, part 2 of 2"), (
        "an outcome of two values is no column"
    )
    for i, patient in enumerate(cohort.patients):
        values = [m.value for m in patient.measurements if m.time < 24.0]
        assert rows[i, 1] == pytest.approx(np.mean(values)) if values else np.isnan(rows[i, 1])


def test_where_nothing_is_missing_there_is_no_test(stand_in):
    full = [replace(p, measurements=(Measurement(0.5, LEVEL, 1.0 + i),)) for i, p in enumerate(ward(30).patients)]
    found = run(stand_in, make_cohort("full", full, dict(ward().units)), slot=1.0, until=1.0, parts=1)
    assert "little_p" not in found.values and any("same columns" in one for one in found.findings)
    assert "little_power" not in found.tables
    bare = [replace(p, covariates=(), measurements=(Measurement(0.5, LEVEL, 1.0),)) for p in ward(6).patients]
    alone = run(stand_in, make_cohort("bare", bare, {"time": "h", LEVEL: "mg/L"}), slot=1.0, until=1.0)
    assert "little_columns" not in alone.tables and any("no column" in one for one in alone.findings)


def test_bad_settings_and_records_are_said(stand_in):
    with pytest.raises(InputError, match="outcome"):
        run(stand_in, NEONATES, outcome="weight")
    with pytest.raises(InputError, match="outcome"):
        run(stand_in, NEONATES, outcome="death")
    nothing = make_cohort("none", [replace(p, measurements=()) for p in NEONATES.patients], UNITS)
    with pytest.raises(NotEvaluable, match="nothing that pk observes"):
        run(stand_in, nothing)


def test_a_channel_goes_by_its_name_in_the_record(stand_in):
    """Lactate is observed as a logarithm under another name."""
    found = missingness_patterns.run(
        orders.twin(), stand_in("missingness_patterns", build_cohort=orders.cohort()), slot=1.0, parts=1, repeats=20
    )
    for name in ("lactate", "map", "heart_rate"):
        assert f"slots_with_{name}" in found.values
    assert 0.0 < found.values["slots_with_lactate"].value < 100.0 == found.values["slots_with_map"].value
    assert set(found.values) <= set(missingness_patterns.metrics(orders.twin(), {}))
