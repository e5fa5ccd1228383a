"""The analyses of forecasters: scores row by row, patients alike, what is reported, and that they can find fault."""

import json
import math
from dataclasses import dataclass, replace

import freeliving
import numpy as np
import pytest
from examples import pk

from vvuq.analyses.validation.forecast_comparison import forecast_comparison
from vvuq.analyses.validation.forecast_holdout import forecast_holdout, forecasts_of_held_out_patients_agree
from vvuq.analyses.validation.forecasts import COLUMN, COLUMNS, HORIZONS, given_after, score
from vvuq.data.cohort import make_cohort
from vvuq.errors import InputError, IntegrityError, NotEvaluable
from vvuq.interaction.forecaster import AHEAD, truths
from vvuq.methods.samples import central, crps_fair, interval_score
from vvuq.numerics.streams import Draws
from vvuq.record import Dose, Patient

BUILD = freeliving.cohort(4)
SEALED = make_cohort("sealed", [freeliving.patient(i) for i in range(10, 13)], freeliving.UNITS)
SEALED = replace(SEALED, patients=tuple(replace(p, sealed=True) for p in SEALED.patients))
OTHERS = make_cohort("others", [freeliving.patient(i) for i in range(20, 23)], freeliving.UNITS)
SETTINGS = {"members": 20, "stride": 120.0, "threshold": 100.0}
FINE = {"members": 39, "stride": 15.0}


@dataclass(frozen=True)
class Known:
    """A forecaster with no fit: the truth, `off` by so much, with a spread; `skip`: it leaves out every such origin."""

    off: float = 0.0
    spread: float = 1.0
    skip: int = 0
    name: str = "oracle"
    kind: str = "mechanistic"

    def fit(self, cohort, draws):
        assert isinstance(draws, Draws)
        return self

    def paths(self, cohort, patient, origins, members, draws):
        noise = self.spread * np.random.default_rng(0).normal(size=(origins.size, AHEAD.size, members))
        out = truths(patient, origins)[:, :, None] + self.off + noise
        if self.skip:
            out[:: self.skip] = np.nan
        return out


def twin_with(*forecasters):
    return replace(freeliving.TWIN, forecasters={one.name: one for one in forecasters})


@pytest.fixture(scope="module")
def context(stand_in):
    return stand_in("forecasts", build_cohort=BUILD, sealed_cohort=SEALED, external_cohorts={"others": OTHERS})


@pytest.fixture(scope="module")
def comparison(context):
    return forecast_comparison.run(freeliving.TWIN, context, **SETTINGS)


@pytest.fixture(scope="module")
def heldout(context):
    return forecast_holdout.run(freeliving.TWIN, context, forecaster="ARX", external=["others"], **SETTINGS)


def test_a_row_holds_the_scores_of_one_origin():
    rng = np.random.default_rng(0)
    truth, paths, now = 90.0 + 20.0 * rng.random((5, 12)), 100.0 + 20.0 * rng.normal(size=(5, 12, 30)), np.full(5, 95.0)
    given = (rng.random((5, len(HORIZONS))) < 0.5).astype(float)
    rows = score(truth, paths, now, 92.0, given)
    assert rows.shape == (5, len(COLUMNS))
    for h in HORIZONS:
        y, x = truth[2, h // 15 - 1], paths[2, h // 15 - 1]
        low, high = central(x, 0.9)
        expected = {
            "squared": (x.mean() - y) ** 2, "relative": 100.0 * abs(np.median(x) - y) / y, "crps": crps_fair(y, x),
            "under": float(y < low), "over": float(y > high), "width": high - low,
            "interval": interval_score(y, low, high, 0.9), "signed": x.mean() - y, "last": (y - 95.0) ** 2,
        }  # fmt: skip
        for name, value in expected.items():
            assert rows[2, COLUMN[f"{name}_{h}"]] == pytest.approx(value), name
    assert rows[2, COLUMN["probability"]] == np.mean([(paths[2, :, j] < 92.0).any() for j in range(30)])
    assert rows[2, COLUMN["event"]] == (truth[2].min() < 92.0) and not rows[:, COLUMN["low_now"]].any()
    paths[3, 4, 5] = np.nan
    assert np.isnan(score(truth, paths, now, 92.0, given)[3]).all()
    np.testing.assert_array_equal(rows[:, COLUMN["given_30"] : COLUMN["given_180"] + 1], given)


def test_what_is_given_between_an_origin_and_a_horizon_counts_and_what_flows_does_not():
    doses = (Dose(0.0, 5.0, 600.0), Dose(100.0, 40.0), Dose(160.0, 2.0))
    found = given_after(Patient("x", (), doses, ()), np.array([39.0, 40.0, 100.0, 160.0]))
    assert found.tolist() == [[0, 0, 1, 1], [0, 1, 1, 1], [0, 1, 1, 1], [0, 0, 0, 0]]


@pytest.mark.parametrize("name", ["comparison", "heldout"])
def test_values_are_those_declared_and_plain_and_finite(name, request):
    found = request.getfixturevalue(name)
    of = {"comparison": forecast_comparison, "heldout": forecast_holdout}[name]
    settings = SETTINGS | ({"forecaster": "ARX", "external": ["others"]} if name == "heldout" else {})
    assert {key: q.unit for key, q in found.values.items()} == of.metrics(freeliving.TWIN, settings)
    for key, q in found.values.items():
        for part in (q.value, q.low, q.high, q.lower95, q.upper95):
            assert part is None or (type(part) is float and math.isfinite(part)), key
        assert q.low is None or q.low <= q.value <= q.high, key
    for table in found.tables.values():
        assert table.rows and all(len(row) == len(table.columns) == len(table.units) for row in table.rows)
        assert table.individual == ("patient" in table.columns)
        cells = [cell for row in table.rows for cell in row]
        assert all(type(cell) in (str, float, int, type(None)) for cell in cells)
        assert all(math.isfinite(cell) for cell in cells if isinstance(cell, float))
    assert json.loads(json.dumps(found.inputs, allow_nan=False)) == found.inputs
    assert all(sentence.endswith(".") for sentence in (*found.findings, *found.negative))
    assert not any(p.id in s for p in BUILD.patients for s in (*found.findings, *found.negative))


def test_the_same_streams_give_the_same_evidence_and_others_do_not(stand_in, comparison):
    again, other = (
        forecast_comparison.run(freeliving.TWIN, stand_in("forecasts", build_cohort=BUILD, seed=seed), **SETTINGS)
        for seed in (1, 2)
    )
    assert again.values == comparison.values and again.tables == comparison.tables
    assert other.values != comparison.values


def test_patients_weigh_alike(comparison):
    table = comparison.tables["by_patient"]
    crps = [row[table.columns.index("crps_60")] for row in table.rows if row[1] == "ARX"]
    assert len(crps) == 4 and comparison.values["crps_arx_60"].value == pytest.approx(np.mean(crps))
    assert comparison.values["crps_arx_60"].n == 4 and comparison.values["n_leaked"].value == 0.0


def test_the_truth_wins_and_the_gain_is_over_persistence(context):
    found = forecast_comparison.run(twin_with(Known()), context, **SETTINGS)
    v = found.values
    for h in HORIZONS:
        gain = v[f"crps_persistence_{h}"].value - v[f"crps_oracle_{h}"].value
        assert v[f"crps_gain_oracle_{h}"].value == pytest.approx(gain) and v[f"crps_gain_oracle_{h}"].lower95 > 0.0
        assert v[f"rmse_oracle_{h}"].value < 1.0
    assert v["brier_skill_oracle"].value > 0.9
    best = 1.0 - v["brier_oracle"].value / v["brier_climatology"].value
    assert v["brier_skill_oracle"].value == pytest.approx(best)
    assert not any("oracle" in sentence and "certain" in sentence for sentence in found.negative)
    assert all("oracle has the lowest CRPS" in sentence for sentence in found.findings[:4])


def test_a_mechanism_that_is_wrong_or_too_sure_is_said_to_be(context):
    found = forecast_comparison.run(twin_with(Known(off=90.0, spread=2.0)), context, **SETTINGS)
    told = " ".join(found.negative)
    assert "not certain that oracle forecasts better than persistence at 30, 60, 120, 180 min" in told
    assert "which knows no mechanism, is better than oracle" in told
    assert "90 % interval of oracle holds 0 % at 30 min (100 % of readings lie below" in told
    assert "0 % where nothing was given meanwhile, 0 % where a meal or bolus was" in told
    assert "no certain skill over climatology" in told


def test_all_are_scored_on_origins_that_all_can_forecast(context, comparison):
    found = forecast_comparison.run(twin_with(Known(skip=3)), context, **SETTINGS)
    dropped = found.values["n_not_forecast_oracle"].value
    assert dropped > 0 and found.values["n_not_forecast_persistence"].value == 0.0
    assert found.values["n_origins"].value == comparison.values["n_origins"].value - dropped


def test_two_folds_fit_twice(context):
    fits = []

    class Counting(Known):
        def fit(self, cohort, draws):
            fits.append([p.id for p in cohort.patients])
            return self

    found = forecast_comparison.run(twin_with(Counting()), context, folds=2, **SETTINGS)
    assert len(fits) == 2 and not set(fits[0]) & set(fits[1]) and found.inputs["folds"] == 2


def test_held_out_patients_are_opened_once_and_never_fitted(context, heldout):
    assert len([r for r in context.opened if not r.startswith("others")]) == 1
    assert heldout.values["n_leaked"].value == 0.0 and heldout.values["n_leaked_others"].value == 0.0
    assert heldout.values["n_patients"].value == 3.0
    with pytest.raises(IntegrityError, match="3 held-out patients"):
        forecast_holdout.run(freeliving.TWIN, replace(context, build_cohort=SEALED), forecaster="ARX", **SETTINGS)


def test_who_was_fitted_counts_as_leaked_and_substantiates_nothing(context, heldout):
    assert {f.leaf.partition(".")[0] for f in forecasts_of_held_out_patients_agree.run(heldout)} >= {"validation"}
    same = replace(context, sealed_cohort=BUILD)
    found = forecast_holdout.run(freeliving.TWIN, same, forecaster="ARX", **SETTINGS)
    assert found.values["n_leaked"].value == 4.0 and forecasts_of_held_out_patients_agree.run(found) == ()


@pytest.mark.parametrize(("spread", "off", "rung"), [(2.1, 0.0, "c"), (0.01, 3.0, "a"), (60.0, 0.0, "a")])
def test_the_rung_of_agreement_can_be_missed_on_both_sides(context, spread, off, rung):
    """Sound: the oracle's error is made as wide as it says."""

    class Noisy(Known):
        def paths(self, cohort, patient, origins, members, draws):
            error = 2.0 * np.random.default_rng(int(origins[0])).normal(size=(origins.size, 12, 1)) + off
            return super().paths(cohort, patient, origins, members, draws) + error

    found = forecast_holdout.run(twin_with(Noisy(spread=spread)), context, forecaster="oracle", **SETTINGS | FINE)
    (agreement,) = [f for f in forecasts_of_held_out_patients_agree.run(found) if f.leaf.endswith("agreement")]
    assert agreement.gradation == rung, agreement.reason


def test_what_cannot_be_compared_is_refused(context):
    with pytest.raises(NotEvaluable, match="no observable cgm"):
        forecast_comparison.run(pk(), context, **SETTINGS)
    with pytest.raises(InputError, match="did you mean ARX"):
        forecast_comparison.run(freeliving.TWIN, context, forecasters=["ARMX"], **SETTINGS)
    with pytest.raises(InputError, match="folds"):
        forecast_comparison.run(freeliving.TWIN, context, folds=5, **SETTINGS)
    units = tuple((k, "mmol/L" if k == "cgm" else v) for k, v in BUILD.units)
    with pytest.raises(InputError, match="cgm in mmol/L"):
        forecast_comparison.run(freeliving.TWIN, replace(context, build_cohort=replace(BUILD, units=units)), **SETTINGS)
    short = make_cohort(
        "short", [replace(p, measurements=p.measurements[:9]) for p in BUILD.patients], freeliving.UNITS
    )
    with pytest.raises(NotEvaluable):
        forecast_comparison.run(twin_with(Known()), replace(context, build_cohort=short), **SETTINGS)


def test_persistence_and_climatology_are_always_there(context):
    named = forecast_comparison.run(freeliving.TWIN, context, forecasters=["linear extrapolation"], **SETTINGS)
    assert named.inputs["forecasters"] == ["persistence", "climatology", "linear extrapolation"]
