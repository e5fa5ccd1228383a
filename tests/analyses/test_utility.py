"""Prompting by a probability: what an all-knowing and a blind forecaster gain, counts by hand, what is reported."""

import json
import math
from dataclasses import dataclass, replace

import freeliving
import numpy as np
import pytest

from vvuq.analyses.validation.forecasts import COLUMN, COLUMNS, Scored
from vvuq.analyses.validation.utility import utility
from vvuq.analyses.validation.utility_report import values_of
from vvuq.analyses.validation.utility_rows import PERCENT, Rule, counted
from vvuq.data.cohort import make_cohort
from vvuq.errors import InputError, NotEvaluable
from vvuq.interaction.forecaster import AHEAD, truths
from vvuq.record import Measurement, Patient

BUILD = freeliving.cohort(4)
SETTINGS = {"operating": 0.25, "members": 20, "stride": 30.0, "threshold": 100.0}


@dataclass(frozen=True)
class Sees:
    """Forecasts what comes, or, blind, the same low for every moment."""

    blind: bool = False
    name: str = "seer"
    kind: str = "mechanistic"

    def fit(self, cohort, draws):
        return self

    def paths(self, cohort, patient, origins, members, draws):
        truth = np.full((origins.size, AHEAD.size), 50.0) if self.blind else truths(patient, origins)
        return np.repeat(truth[:, :, None], members, axis=2)


def seen_by(one, stand_in, **changes):
    twin = replace(freeliving.TWIN, forecasters={one.name: one})
    return utility.run(twin, stand_in("utility", build_cohort=BUILD), **SETTINGS | changes)


@pytest.fixture(scope="module")
def seer(stand_in):
    return seen_by(Sees(), stand_in)


def test_who_sees_what_comes_gains_the_prevalence_at_every_threshold_and_misses_nothing(seer):
    v = seer.values
    for at in PERCENT:
        assert 100.0 * v[f"net_benefit_seer_{at}"].value == pytest.approx(v["prevalence"].value)
        assert v[f"over_all_seer_{at}"].value >= 0.0 and v[f"over_persistence_seer_{at}"].value >= 0.0
    for key in ("sensitivity", "specificity", "predictive_value", "prompts_right", "warned"):
        assert v[f"{key}_seer"].value == 100.0, key
    assert v["lead_time_seer"].value > 60.0
    assert not any("seer" in sentence for sentence in seer.negative)
    assert "seer gain on average more than to prompt always or never at thresholds of 5 to 60 %" in " ".join(
        seer.findings
    )


def test_a_prompt_at_every_moment_is_what_prompting_always_gains(stand_in):
    found = seen_by(Sees(blind=True), stand_in)
    for at in PERCENT:
        assert found.values[f"over_all_seer_{at}"].value == 0.0
    assert found.values["specificity_seer"].value == 0.0 and found.values["sensitivity_seer"].value == 100.0
    assert found.values["prompts_per_day_seer"].value > 5.0
    assert "not certain that prompts by seer gain more than" in " ".join(found.negative)


def test_values_are_those_declared_and_plain_and_finite(seer):
    twin = replace(freeliving.TWIN, forecasters={"seer": Sees()})
    declared = utility.metrics(twin, SETTINGS)
    assert {key: q.unit for key, q in seer.values.items()}.items() <= declared.items()
    assert {key for key in declared if "seer" in key} <= set(seer.values)
    for key, q in seer.values.items():
        for part in (q.value, q.low, q.high, q.lower95, q.upper95):
            assert part is None or (type(part) is float and math.isfinite(part)), key
    for table in seer.tables.values():
        assert table.rows and all(len(row) == len(table.columns) == len(table.units) for row in table.rows)
        assert table.individual == ("patient" in table.columns)
        cells = [cell for row in table.rows for cell in row]
        assert all(type(cell) in (str, float, int, type(None)) for cell in cells)
    assert json.loads(json.dumps(seer.inputs, allow_nan=False)) == seer.inputs
    assert all(sentence.endswith(".") for sentence in (*seer.findings, *seer.negative))


def made(count, chances, lows):
    """`count` alike patients: readings every 15 min that are low at `lows`; an origin at each of `chances`."""
    times = np.arange(0.0, 600.0, 15.0)
    taken = tuple(Measurement(float(t), "cgm", 60.0 if t in lows else 120.0) for t in times)
    cohort = make_cohort("made", [Patient(f"a{i}", (), (), taken) for i in range(count)],
                         {"time": "min", "cgm": "mg/dL"})  # fmt: skip
    origins = np.array(sorted(chances))
    rows = np.zeros((origins.size, len(COLUMNS)))
    rows[:, COLUMN["probability"]] = [chances[t] for t in origins]
    rows[:, COLUMN["event"]] = (truths(cohort.patients[0], origins) < 70.0).any(axis=1)
    rows[:, COLUMN["low_now"]] = [t in lows for t in origins]
    by = {p.id: rows for p in cohort.patients}
    every = {p.id: origins for p in cohort.patients}
    return Scored(dict.fromkeys(("persistence", "climatology", "twin"), by), {}, every), cohort


def test_prompts_and_lows_are_counted_as_by_hand():
    """Origins each 15 min from 0; the low at 120 to 135 begins once; prompts at 60, 75 and, too late for it, 150."""
    chances = {float(t): 0.0 for t in range(0, 200, 15)} | {60.0: 0.4, 75.0: 0.3, 150.0: 0.9, 135.0: 1.0}
    found, cohort = made(3, chances, {120.0, 135.0})
    seen = counted(found, cohort, Rule(0.25, 70.0, 15.0, 60.0))
    v = values_of(seen)
    assert v["n_moments"].value == 3 * 12 and v["n_low_now"].value == 3 * 2 and v["n_events"].value == 3 * 8
    assert v["prevalence"].value == pytest.approx(100.0 * 8 / 12)
    assert v["net_benefit_twin"].value == pytest.approx((2 - 1 / 3) / 12)
    assert v["net_benefit_all"].value == pytest.approx((8 - 4 / 3) / 12)
    assert v["sensitivity_twin"].value == pytest.approx(25.0) and v["specificity_twin"].value == pytest.approx(75.0)
    assert v["predictive_value_twin"].value == pytest.approx(200.0 / 3.0)
    assert v["prompts_per_day_twin"].value == pytest.approx(2 / (12 * 15 / 1440)), "the one at 75 is silenced"
    assert v["prompts_right_twin"].value == pytest.approx(50.0)
    assert v["n_episodes"].value == 3.0 and v["warned_twin"].value == v["warned_30_twin"].value == 100.0
    assert v["lead_time_twin"].value == 60.0 and v["lead_time_twin"].low == v["lead_time_twin"].high == 60.0


def test_without_a_prompt_nothing_is_told_of_prompts():
    found, cohort = made(2, {0.0: 0.0, 15.0: 0.0}, {120.0})
    v = values_of(counted(found, cohort, Rule(0.25, 70.0, 15.0, 60.0)))
    assert "predictive_value_twin" not in v and "lead_time_twin" not in v
    assert v["net_benefit_twin"].value == 0.0 and v["warned_twin"].value == 0.0


def test_where_all_moments_are_low_there_is_no_curve():
    found, cohort = made(2, {120.0: 1.0}, {120.0})
    with pytest.raises(NotEvaluable, match="the reading is not low"):
        counted(found, cohort, Rule(0.25, 70.0, 15.0, 60.0))


def test_more_folds_than_patients_are_refused(stand_in):
    with pytest.raises(InputError, match=r"utility.folds"):
        seen_by(Sees(), stand_in, folds=9)
