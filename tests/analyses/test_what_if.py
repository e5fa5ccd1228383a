"""What-ifs of build patients: every member moves its way, pairing pays, the test of consistency can go both ways."""

import json
import math
from dataclasses import dataclass, replace

import freeliving
import numpy as np
import pytest
from home import structures

from vvuq.analyses.validation.what_if import what_if
from vvuq.analyses.validation.what_if_report import UNTESTED, values_of
from vvuq.analyses.validation.what_if_rows import CHANGES, GAINS, SCORED, SHOWN, Rows
from vvuq.calibration.tracking import declared
from vvuq.data.cohort import make_cohort
from vvuq.errors import InputError
from vvuq.interaction.personal import FittedPersonal
from vvuq.models import simulate
from vvuq.record import Dose, Measurement, Patient

GLUCOSE = structures()["glucose"]
SETTINGS = {"prompted": 0.05, "members": 20, "stride": 240.0}


@dataclass(frozen=True)
class Declared:
    """The personal twin with the population of its declaration: no fit."""

    name: str = "personal twin"
    kind: str = "mechanistic"

    def fit(self, cohort, draws):
        return FittedPersonal(GLUCOSE, declared(GLUCOSE), cohort.units)


TWIN = replace(GLUCOSE, forecasters={"personal twin": Declared(), **freeliving.TWIN.forecasters})


def patient(number: int, felt: bool) -> Patient:
    """A patient as the twin has it, with meals and boluses at readings; not `felt`: readings know nothing of them."""
    times = np.arange(0.0, 1440.0, 15.0)
    meals, boluses = (times[10 + number :: 28], times[18 + number :: 28])
    doses = [Dose(float(t), 60.0, what="carbohydrate") for t in meals]
    doses += [Dose(float(t), 4.0, what="rapid_insulin") for t in boluses]
    doses += [Dose(0.0, 20.0, 1440.0, what="basal_insulin")]
    record = Patient(f"p{number}", (("weight", 70.0),), tuple(sorted(doses, key=lambda d: d.time)), ())
    units = {"time": "min", "carbohydrate": "g", "rapid_insulin": "IU", "basal_insulin": "IU", "weight": "kg"}
    schedule = GLUCOSE.schedule(make_cohort("one", [record], units), record)
    theta = declared(GLUCOSE).theta[:, None]
    paths = simulate(GLUCOSE.model, schedule, theta, times, method=GLUCOSE.method, x0=GLUCOSE.rest(schedule, theta))
    seen = paths.observed[:, GLUCOSE.model.observable_index("cgm"), 0] if felt else np.full(times.size, 120.0)
    noise = np.random.default_rng(number).normal(0.0, 4.0, times.size)
    taken = tuple(
        Measurement(float(t), "cgm", float(v)) for t, v in zip(times, np.maximum(seen + noise, 41.0), strict=True)
    )
    return replace(record, measurements=taken)


def build(felt: bool):
    units = {key: unit for key, unit in freeliving.UNITS.items() if key != "long_insulin"}
    return make_cohort("made", [patient(i, felt) for i in range(3)], units)


@pytest.fixture(scope="module")
def felt(stand_in):
    return what_if.run(TWIN, stand_in("what_if", build_cohort=build(True)), **SETTINGS)


@pytest.fixture(scope="module")
def ignored(stand_in):
    return what_if.run(TWIN, stand_in("what_if", build_cohort=build(False)), **SETTINGS)


def test_food_and_a_bolus_withheld_raise_glucose_and_lower_the_probability(felt):
    v = felt.values
    for name in ("food", "bolus"):
        assert v[f"n_{name}"].value > 3 and v[f"n_wrong_way_{name}"].value == 0.0
        assert v[f"members_rising_{name}"].value > 95.0
        assert v[f"change_{name}_180"].value > 0.0 and v[f"change_{name}_120"].low > 0.0
        assert v[f"probability_change_{name}"].value <= 0.0
        for h in SHOWN:
            low, high = v[f"member_low_{name}_{h}"].value, v[f"member_high_{name}_{h}"].value
            assert low <= v[f"change_{name}_{h}"].value <= high
    assert v["change_food_60"].value > v["change_bolus_60"].value, "carbohydrate acts sooner than insulin"


def test_pairing_narrows_every_change(felt):
    assert all(q.value > 1.5 for key, q in felt.values.items() if key.startswith("pairing_") and "event" not in key)
    assert any("by a factor of" in sentence for sentence in felt.findings)


def test_knowing_of_a_meal_that_was_felt_makes_forecasts_better_and_of_one_that_was_not_worse(felt, ignored):
    for h in (60, 120):
        assert felt.values[f"gain_food_{h}"].lower95 > 0.0
        assert ignored.values[f"gain_food_{h}"].value < 0.0
    assert "not certain that knowing of a recorded meal makes forecasts better" in " ".join(ignored.negative)


def test_that_no_what_if_was_observed_is_always_said(felt, ignored):
    assert felt.negative[0] == ignored.negative[0] == UNTESTED


@pytest.mark.parametrize("name", ["felt", "ignored"])
def test_values_are_those_declared_and_plain_and_finite(name, request):
    found = request.getfixturevalue(name)
    declared_ = what_if.metrics(TWIN, SETTINGS)
    assert {key: q.unit for key, q in found.values.items()}.items() <= declared_.items()
    for key, q in found.values.items():
        for part in (q.value, q.low, q.high, q.lower95, q.upper95):
            assert part is None or (type(part) is float and math.isfinite(part)), key
    for table in found.tables.values():
        assert table.rows and all(len(row) == len(table.columns) == len(table.units) for row in table.rows)
        assert table.individual == ("patient" in table.columns)
        cells = [cell for row in table.rows for cell in row]
        assert all(type(cell) in (str, float, int, type(None)) for cell in cells)
    assert json.loads(json.dumps(found.inputs, allow_nan=False)) == found.inputs
    assert all(sentence.endswith(".") for sentence in (*found.findings, *found.negative))


def test_patients_weigh_alike_and_those_without_a_row_do_not_count():
    row, gain = np.zeros(len(CHANGES)), np.zeros(len(GAINS))
    many, one = [row + 10.0] * 5, [row + 40.0]
    rows = {"a": Rows(9, many, [], [gain + 1.0]), "b": Rows(2, one), "c": Rows(1)}
    v = values_of(rows, "mg/dL")
    assert v["change_food_60"].value == pytest.approx(25.0) and v["change_food_60"].n == 2
    assert v["n_food"].value == 6.0 and v["n_origins"].value == 12.0 and v["n_patients"].value == 3.0
    assert "change_bolus_60" not in v and "gain_bolus_60" not in v
    assert v["gain_food_60"].value == 0.0 and v["gain_food_60"].low is None, "one patient has no interval"
    assert all(f"gain_food_{h}" in v for h in SCORED)


def test_who_does_not_follow_patients_by_the_twin_is_refused(stand_in):
    context = stand_in("what_if", build_cohort=build(True))
    with pytest.raises(InputError, match="a forecaster that follows patients by the twin"):
        what_if.run(TWIN, context, forecaster="persistence", **SETTINGS)
    with pytest.raises(InputError, match="a kind of dose of made in g"):
        what_if.run(TWIN, context, food="rapid_insulin", **SETTINGS)
