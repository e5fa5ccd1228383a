"""Noise and ignorance: parts by closed forms, subjects of every kind of twin, and what speaks against a split."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from analyses.conftest import TROUGH, StandIn
from examples import pk
from freeliving import TWIN as HOME

from vvuq.analyses.uncertainty import noise_and_ignorance as module
from vvuq.analyses.uncertainty.layered import question, worlds
from vvuq.analyses.uncertainty.noise_and_ignorance import forecasts_tell_noise_from_ignorance, noise_and_ignorance
from vvuq.errors import InputError, NotEvaluable
from vvuq.models.twin import load_twin
from vvuq.paths import shipped
from vvuq.record import Quantity

SETTINGS = {
    "known": "population_fit", "use": TROUGH, "measured": [11.9, 59.9, 239.9], "after": [0, 1, 3], "patients": 40,
    "populations": 6, "outer": 64,
}  # fmt: skip
SLOTS = {
    "known": "state_space_fit", "use": {}, "observable": "log_lactate", "target": 12.0, "measured": [1.0, 4.0, 8.0],
    "after": [0, 3], "pace": 2.0, "fit": {"none": True}, "patients": 24, "outer": 32, "inner": 4, "populations": 0,
}  # fmt: skip


def split(twin=None, **changes):
    settings = SETTINGS | changes
    found = noise_and_ignorance.run(twin or pk(), StandIn("noise_and_ignorance"), **settings)
    assert {name: q.unit for name, q in found.values.items()} == noise_and_ignorance.metrics(twin or pk(), settings)
    return found


@pytest.fixture(scope="module")
def fitted():
    return split()


@pytest.fixture(scope="module")
def slots():
    return split(load_twin(shipped("twins") / "icu_vitals"), **SLOTS)


def test_the_parts_add_up_and_values_take_ignorance_away(fitted):
    v, rows = fitted.values, fitted.tables["layers"].rows
    columns = fitted.tables["layers"].columns
    for row in rows:
        cells = dict(zip(columns, row, strict=True))
        parts = [cells[name] ** 2 for name in ("population_part_sd", "patient_sd", "change_sd", "measurement_sd")]
        assert sum(parts) == pytest.approx(cells["total_sd"] ** 2, rel=0.02)  # a negative mean part is shown as 0
    assert v["change_sd_first"].value == 0.0, "a fitted population does not drift"
    assert v["patient_sd_last"].value < 0.7 * v["patient_sd_first"].value
    assert v["epistemic_share_last"].value < v["epistemic_share_first"].value
    assert v["narrowed"].low > 0.0 and v["n_populations"].value == 6.0 and v["n_patients_lost"].value == 0.0
    assert v["measurement_sd_first"].kind == "aleatory" and v["patient_sd_first"].kind == "epistemic"


def test_the_first_forecast_is_as_wide_as_patients_of_the_fit_vary(fitted, parts):
    """Before any value the patient's part is the variance between patients, by the closed form of the trough."""
    from vvuq.calibration.foce import fit_population

    fit = fit_population(pk(), parts[0])
    germs = np.random.default_rng(0).standard_normal((2, 100_000))
    CL, V = fit.theta[:2, None] * np.exp(fit.omega[:, None] * germs)
    k = CL / (V * (1.0 + fit.theta[2]))
    left = np.exp(-12.0 * k)
    trough = 2.5 / (V * (1.0 + fit.theta[2])) * left * (1.0 - left**40) / (1.0 - left)
    # 64 members, whose numbers all populations share: the SD of the SD of so skewed values is near 12 %; three of these
    assert fitted.values["patient_sd_first"].value == pytest.approx(trough.std(), rel=0.35)


def test_a_twin_that_moves_has_a_part_of_change_that_no_value_removes(slots):
    v = slots.values
    assert v["change_sd_first"].value > 0.0 and v["change_sd_last"].value > 0.0
    assert v["population_sd_first"].value == 0.0 and v["n_populations"].value == 0.0
    assert any("Ignorance of the population is not among the parts" in text for text in slots.negative)
    assert any("nobody was fitted" in text for text in slots.findings)


def test_the_check_gives_the_higher_rung_only_where_bands_hold_and_all_is_propagated(fitted, slots):
    good = replace(fitted, values={**fitted.values, "coverage95": Quantity(95.0, "%", 90.0, 98.0)})
    bad = replace(fitted, values={**fitted.values, "coverage95": Quantity(70.0, "%", 60.0, 80.0)})
    assert [one.gradation for one in forecasts_tell_noise_from_ignorance.run(good)] == ["c"]
    (low,) = forecasts_tell_noise_from_ignorance.run(bad)
    assert low.gradation == "b" and "bands do not hold" in low.reason
    alone = replace(slots, values={**slots.values, "coverage95": Quantity(95.0, "%", 90.0, 98.0)})
    (left,) = forecasts_tell_noise_from_ignorance.run(alone)
    assert left.gradation == "b" and "left out" in left.reason


def test_bands_that_do_not_hold_and_patients_that_are_lost_are_negative_findings(monkeypatch):
    """Patients whose last value lies far from where they are forecast, and some that cannot be forecast."""
    whole = module.draw_patients

    def elsewhere(*args):
        met = whole(*args)
        target = met.target * 5.0
        target[:3] = np.nan
        return replace(met, target=target)

    monkeypatch.setattr(module, "draw_patients", elsewhere)
    found = split(populations=0, patients=20)
    assert any("holds 0 %" in text for text in found.negative)
    assert any("3 simulated patients were lost" in text for text in found.negative)
    assert found.values["n_patients_lost"].value == 3.0 and found.values["coverage95"].n == 17


def test_too_few_patients_left_is_no_answer(monkeypatch):
    whole = module.draw_patients

    def lost(*args):
        met = whole(*args)
        return replace(met, target=np.where(np.arange(met.target.size) < 7, met.target, np.nan))

    monkeypatch.setattr(module, "draw_patients", lost)
    with pytest.raises(NotEvaluable, match=r"7 of 20 simulated patients .*8 are needed"):
        split(populations=0, patients=20)


def test_values_that_teach_nothing_do_not_surely_narrow_the_band():
    found = split(measured=[0.0, 0.5], after=[0], populations=0)  # nothing was measured before the forecast
    assert found.values["narrowed"].value == 0.0
    assert any("do not surely make the band narrower" in text for text in found.negative)


def test_each_kind_of_twin_has_its_subject():
    glucose, settings = load_twin(shipped("twins") / "glucose"), {"reading": 120.0, "time": 1440.0}
    of = question(glucose, {"scenario": "meal_with_bolus"}, "x.use")
    fit = {"none": True}
    followed, drawn, said = worlds(
        glucose, StandIn("x"), "tracking_fit", of, {}, 0, fit, settings, 8, "x"
    )  # fmt: skip
    assert followed.prior.time == 1440.0 and drawn == () and "nobody was fitted" in said
    known, drawn, said = worlds(glucose, StandIn("x"), "priors", of, {}, 4, {}, None, 8, "x")
    assert "SI" in known.system.learned and drawn == () and "nobody was fitted" in said
    with pytest.raises(InputError, match=r"x\.first: None .*reading, time"):
        worlds(glucose, StandIn("x"), "tracking_fit", of, {}, 0, fit, None, 8, "x")


def test_an_experiment_s_numbers_are_exact():
    twin = load_twin(shipped("twins") / "lorenz")
    name = next(iter(twin.experiments))
    one = twin.experiments[name]()
    observable = one.system.model.observables[0].name
    of = question(twin, {"experiment": name}, "x.use", 1.0, observable)
    subject, drawn, said = worlds(twin, StandIn("x"), "experiment", of, {"experiment": name}, 3, {}, None, 8, "x")
    assert subject.prior.mean.shape == one.prior.mean.shape and drawn == () and "exact" in said
    with pytest.raises(InputError, match=r"x\.observable: 'nothing'"):
        question(twin, {"experiment": name}, "x.use", 1.0, "nothing")


@pytest.mark.parametrize(
    ("twin", "change", "message"),
    [
        ("pk", {"target": 3.0}, r"noise_and_ignorance\.target: 3\.0 .*the scenario says both"),
        ("pk", {"use": {}}, r"target: None .*what is forecast, and when"),
        ("pk", {"use": {}, "target": 9.0, "observable": "glucose"}, r"observable: 'glucose'"),
        ("pk", {"use": {"dose": 1}, "target": 9.0, "observable": "concentration"}, r"use: .*a scenario, an experiment"),
        ("pk", {"observed": ["glucose"]}, r"observed: 'glucose'"),
        ("pk", {"measured": [600.0]}, r"times: \[600\.0\]"),
        ("pk", {"after": [4]}, r"after: \[4\]"),
        ("home", {"known": "tracking_fit"}, r"use needs one|scenario"),
    ],
)
def test_what_does_not_fit_is_named(twin, change, message):
    of = {"pk": pk(), "home": HOME}[twin]
    with pytest.raises((InputError, NotEvaluable), match=message):
        noise_and_ignorance.run(of, StandIn("noise_and_ignorance"), **(SETTINGS | {"populations": 0} | change))
