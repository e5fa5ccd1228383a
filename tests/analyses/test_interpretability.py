"""What is inside of forecasters: counts, intervals of numbers, directions of answers and what a hybrid learned."""

import math
from dataclasses import dataclass, replace

import freeliving
import numpy as np
import pytest

from vvuq.analyses.validation import learned_part
from vvuq.analyses.validation.interpretability import interpretability
from vvuq.analyses.validation.learned_part import Along, Learned, learned_of, learned_table, learned_values
from vvuq.calibration.numbers import Number
from vvuq.errors import InputError, NotEvaluable
from vvuq.interaction.forecaster import AHEAD
from vvuq.interaction.inside import Correction, Inside, inside

BUILD = freeliving.cohort(3, days=1.5)
ACTIONS = [{"what": "carbohydrate", "amount": 20.0, "raises": True}]
FEW = {"members": 20, "stride": 240.0, "questions": 2, "actions": ACTIONS}


@dataclass(frozen=True)
class Fit:
    """Answers `each` mg/dL an hour for a gram at the origin; tells `numbers` and `weights`."""

    each: float
    numbers: tuple
    weights: tuple

    def inside(self):
        return Inside(self.numbers, np.array(self.weights))

    def paths(self, cohort, patient, origins, members, draws):
        eaten = sum(d.amount for d in patient.doses if d.what == "carbohydrate" and d.time == origins[0])
        noise = replace(draws, patient=patient.id).normal(0, "x", (origins.size, 12, members))
        return 140.0 + self.each * eaten * AHEAD[None, :, None] / 60.0 + noise


@dataclass(frozen=True)
class Readable:
    """`rate` is the first weight of who was fitted, `loose` changes by a factor of 9 with who is left out."""

    name: str = "readable"
    kind: str = "mechanistic"

    def fit(self, cohort, draws):
        ids = "".join(p.id for p in cohort.patients)
        loose = 9.0 if "p0" in ids else 1.0
        first = dict(cohort.patients[0].covariates)["weight"]
        return Fit(0.05, (Number("rate", "1/min", first, "a rate"), Number("loose", "mg", loose, "an amount")), ())


@dataclass(frozen=True)
class Net:
    """Turns round for who was fitted without the first patient."""

    name: str = "net"
    kind: str = "data-driven"

    def fit(self, cohort, draws):
        without = all(p.id != "p0" for p in cohort.patients)
        return Fit(-0.05 if without else 0.05, (), (1.0, 2.0, 5.0 if without else 3.0))


TWIN = replace(freeliving.TWIN, forecasters={"net": Net(), "readable": Readable()})


@pytest.fixture(scope="module")
def found(stand_in):
    return interpretability.run(TWIN, stand_in("interpretability", build_cohort=BUILD), **FEW)


def test_it_reports_what_it_declares(found):
    assert {key: q.unit for key, q in found.values.items()} == interpretability.metrics(TWIN, FEW)
    assert not any(table.individual for table in found.tables.values())
    for table in found.tables.values():
        assert all(len(row) == len(table.columns) == len(table.units) for row in table.rows)


def test_numbers_carry_the_interval_of_patients_left_out(found):
    rows = {row[1]: row for row in found.tables["numbers"].rows}
    who, _, unit, estimate, low, high, meaning = rows["rate"]
    logs = np.log([61.0, 60.0, 60.0])  # of the first who is left when each patient is left out
    error = math.sqrt(2.0 / 3.0 * ((logs - logs.mean()) ** 2).sum())
    assert (who, unit, meaning) == ("readable", "1/min", "a rate") and estimate == pytest.approx(60.0)
    assert (math.log(high / 60.0), math.log(60.0 / low)) == pytest.approx((4.302653 * error,) * 2)
    assert rows["loose"][5] > 4.0 * rows["loose"][4]
    v = found.values
    assert (v["n_numbers_readable"].value, v["n_known_readable"].value, v["n_weights_readable"].value) == (2, 1, 0)
    assert (v["n_numbers_net"].value, v["n_weights_net"].value) == (0, 3)
    assert v["weights_alike_net"].value == pytest.approx(np.mean([np.corrcoef([1, 2, 3], w)[0, 1] for w in
                                                                  ([1, 2, 5], [1, 2, 3], [1, 2, 3])]))  # fmt: skip
    assert "readable consists of 2 numbers with a unit and a meaning, 1 of them known" in found.findings[1]


def test_each_patient_is_asked_by_what_was_fitted_without_that_patient(found):
    """20 g for three hours at 0.05 mg/dL/g/h are 3 mg/dL, in the wrong direction for the first patient alone."""
    v = found.values
    assert v["answer_readable_20_carbohydrate_180"].value == pytest.approx(3.0)
    assert v["answer_net_20_carbohydrate_180"].value == pytest.approx(1.0)
    assert v["right_readable_20_carbohydrate"].value == 100.0
    assert v["right_net_20_carbohydrate"].value == pytest.approx(200.0 / 3.0)
    told = "net answers in the wrong direction at 33 % of moments (+1.0 mg/dL on average at 180 min)"
    assert found.negative == (f"Asked what 20 carbohydrate change, {told}.",)
    assert v["n_questions"].value == 6.0


def test_what_tells_nothing_of_itself_and_what_is_not_known_is_refused(stand_in):
    class Silent(Net):
        def fit(self, cohort, draws):
            return object()

    context = stand_in("interpretability", build_cohort=BUILD)
    with pytest.raises(NotEvaluable, match="forecaster net does not tell what it consists of"):
        interpretability.run(replace(TWIN, forecasters={"net": Silent()}), context, **FEW)
    with pytest.raises(InputError, match="actions"):
        interpretability.run(TWIN, context, **{**FEW, "actions": [{"what": "tea", "amount": 1.0, "raises": True}]})
    with pytest.raises(NotEvaluable, match="no forecaster but baselines"):
        interpretability.metrics(replace(TWIN, forecasters={}), FEW)
    assert inside(object()) is None


def along(slope, added, by_all, seen=(60.0, 100.0, 200.0, 90.0), clock=(30.0, 400.0, 800.0, 1300.0)):
    return Along(*(np.array(values, dtype=float) for values in (clock, seen, slope, added, by_all)))


def test_what_was_learned_is_set_against_the_core_and_against_other_fits():
    one = along([1, 1, 1, 1], [0.5, -0.5, 0.5, -0.5], [1, -1, 1, -1])
    two = along([2, 2, 2, 2], [0.5, 0.5, -0.5, -0.5], [-1, -1, 1, 1])
    learned = [Learned("mix", "G", "mg/dL/min", (one, two))]
    values = learned_values(learned)
    assert values["learned_share_mix"].value == pytest.approx((50.0 + 25.0) / 2.0)
    assert values["learned_alike_mix"].value == pytest.approx(0.0) and values["learned_alike_mix"].low == -1.0
    rows = {row[2]: row for row in learned_table(learned, [70.0, 180.0], "mg/dL").rows}
    assert rows["below 70 mg/dL"][3:7] == (2, 2, pytest.approx(1.5), pytest.approx(0.5))
    assert rows["above 180 mg/dL"][6] == pytest.approx(0.0) and rows["12 to 18 h"][3:5] == (2, 2)
    assert rows["70 to 180 mg/dL"][3:5] == (4, 2)
    assert sum(rows[label][3] for label in learned_part.QUARTERS) == 8


def test_the_state_that_is_changed_most_is_shown(monkeypatch):
    units = (("A", "mg/min"), ("G", "mg/dL/h"))
    added = np.array([[0.1, 0.1], [0.3, -0.3]])
    course = Correction(np.array([1.0, 25.0]), np.array([90.0, 95.0]), "h", units, np.ones((2, 2)), added)
    monkeypatch.setattr(learned_part, "correction", lambda fit, cohort, patient: course if fit else None)
    pairs = [({"mix": True, "none": False}, BUILD)]
    found = learned_of("mix", True, pairs, BUILD)
    assert (found.state, found.unit, len(found.patients)) == ("G", "mg/dL/h", 3)
    np.testing.assert_array_equal(found.patients[0].clock, [60.0, 60.0])
    np.testing.assert_array_equal(found.patients[0].added, [0.3, -0.3])
    assert learned_of("none", False, pairs, BUILD) is None
