"""Bounds of a probability: closed forms of a linear twin, what is held and drawn, what speaks against one number."""

from __future__ import annotations

from dataclasses import replace

import deciding
import numpy as np
import pytest
from analyses.conftest import StandIn
from deciding import SD_M, SD_N, TWIN
from scipy.stats import norm

from vvuq.analyses.uncertainty import probability_bounds as module
from vvuq.analyses.uncertainty.probability_bounds import ignorance_is_propagated_as_intervals, probability_bounds
from vvuq.errors import InputError, NotEvaluable
from vvuq.models import Level, Schedule
from vvuq.models.twin import Scenario

WHY = "drawn one by one, for tests"
SETTINGS = {
    "use": {"scenario": "given", "rate": 0.1}, "known": "priors",
    "inputs": {"status": {"m": "aleatory", "rest": "epistemic"}, "independent": WHY},
    "thresholds": [0.0, 2.0], "draws": 400, "points": 4, "local": 4, "fresh": 4000,
}  # fmt: skip
MIDDLE, Z95 = 1.0, 1.959963984540054  # of the level: 0.1 mg/h for 10 h
TRIMMED = 0.001  # of each prior's tails: what is 95 % of the rest


def bounds(twin=TWIN, **changes):
    settings = SETTINGS | changes
    found = probability_bounds.run(twin, StandIn("probability_bounds"), **settings)
    assert {name: q.unit for name, q in found.values.items()} == probability_bounds.metrics(twin, settings)
    return found


def half(sd):
    """Half of the central 95 % of a normal prior whose outer tails are left out."""
    return sd * norm.ppf(TRIMMED + (1.0 - 2.0 * TRIMMED) * 0.975)


@pytest.fixture(scope="module")
def box():
    return bounds()


def test_bounds_are_those_at_the_ends_of_the_interval(box):
    """The level rises with n, so that the ends of n bound each probability; within 4 SD of a share of 4,000 draws."""
    v = box.values
    for i, threshold in enumerate(SETTINGS["thresholds"], 1):
        for end, n in (("low", half(SD_N)), ("high", -half(SD_N))):
            share = norm.cdf((threshold - MIDDLE - n) / SD_M)
            assert v[f"below_{i}_{end}"].value / 100.0 == pytest.approx(share, abs=4.0 * _sd(share, 4000))
        share = norm.cdf((threshold - MIDDLE) / np.hypot(SD_M, SD_N))
        assert v[f"below_{i}_precise"].value / 100.0 == pytest.approx(share, abs=4.0 * _sd(share, 4000))
        assert v[f"width_{i}"].value == pytest.approx(v[f"below_{i}_high"].value - v[f"below_{i}_low"].value)
    assert v["mean_high"].value - v["mean_low"].value == pytest.approx(2.0 * half(SD_N), rel=1e-9)
    assert v["q50_high"].value - v["q50_low"].value == pytest.approx(2.0 * half(SD_N), rel=1e-9)
    assert v["n_drawn"].value == 1.0 and v["n_intervals"].value == 2.0 and v["n_held_at_middle"].value == 0.0


def test_the_band_holds_each_place_and_its_ends_are_those_of_the_box(box):
    value, lower, upper, precise = np.array(box.tables["band"].rows).T
    assert np.all(np.diff(value) > 0.0) and np.all(lower <= upper)
    assert np.all(np.diff(lower) >= 0.0) and np.all(np.diff(upper) >= 0.0) and np.all(np.diff(precise) >= 0.0)
    assert (lower[0], upper[-1]) == (0.0, 1.0)
    exact = [norm.cdf((value - MIDDLE + sign * half(SD_N)) / SD_M) for sign in (-1.0, 1.0)]
    for found, true in zip((lower, upper), exact, strict=True):
        np.testing.assert_allclose(found, true, atol=1.63 / np.sqrt(400) * 1.1)  # Kolmogorov's 1 % of 400 draws


def test_a_probability_that_is_hardly_known_is_a_negative_finding(box):
    assert sum("hardly known" in text for text in box.negative) == 2
    narrow = bounds(intervals={"n": [-0.01, 0.01]}, fresh=200)
    assert not any("hardly known" in text for text in narrow.negative)
    assert any("inner ones" in text for text in box.findings)
    assert any("distribution in place" in text for text in box.findings)


def test_an_interval_of_the_plan_takes_the_place_of_the_distribution():
    found = bounds(intervals={"n": [-0.2, 0.3]}, fresh=200)
    v = found.values
    assert v["mean_high"].value - v["mean_low"].value == pytest.approx(0.5, rel=1e-9)
    row = next(row for row in found.tables["alone"].rows if row[0] == "n")
    assert row[2:4] == (-0.2, 0.3) and row[-2] == "given by the plan"


def test_where_nothing_is_drawn_the_quantity_itself_has_bounds():
    found = bounds(inputs={"status": {"rest": "epistemic"}, "independent": WHY}, thresholds=[0.0, 9.0])
    v, wide = found.values, half(SD_M) + half(SD_N)
    assert v["mean_low"].value == pytest.approx(MIDDLE - wide) and v["mean_high"].value == pytest.approx(MIDDLE + wide)
    assert (v["below_1_low"].value, v["below_1_high"].value) == (0.0, 100.0)
    assert (v["below_2_low"].value, v["below_2_high"].value) == (100.0, 100.0)
    assert "q05_low" not in v and v["n_draws"].value == 0.0
    sides = [text for text in found.negative if "on which side" in text]
    assert len(sides) == 1 and " 0 mg " in sides[0]
    assert any("Nothing varies by chance" in text for text in found.findings)
    share = norm.cdf(-MIDDLE / np.hypot(SD_M, SD_N))
    assert v["below_1_precise"].value / 100.0 == pytest.approx(share, abs=4.0 * _sd(share, 4000))


def test_the_widest_interval_is_searched_and_the_others_are_said_to_be_held():
    found = bounds(widest=1, fresh=200)
    use = {row[0]: row[-1] for row in found.tables["alone"].rows}
    assert use == {"n": "searched", "z": "held at its middle"}
    assert any("z" in text and "Held at the middle" in text for text in found.negative)
    (rung,) = ignorance_is_propagated_as_intervals.run(found)
    assert rung.gradation == "b" and "1 stay at their middle" in rung.reason


def test_the_check_gives_the_higher_rung_where_nothing_is_held(box):
    (rung,) = ignorance_is_propagated_as_intervals.run(box)
    assert (rung.leaf, rung.gradation) == ("validation.model.input_uncertainties", "c")


@pytest.mark.parametrize(
    ("change", "reason"),
    [({"status": {"m": "both", "rest": "epistemic"}}, "1 are drawn"), ({"held": ["z"]}, "1 are not varied")],
)
def test_the_check_gives_less_where_a_part_is_left_out(change, reason):
    (rung,) = ignorance_is_propagated_as_intervals.run(bounds(inputs=SETTINGS["inputs"] | change, fresh=200))
    assert rung.gradation == "b" and reason in rung.reason


def test_what_varies_and_is_not_known_is_said_to_be_drawn(found):
    assert any("Drawn as if all" in text and "CL, V" in text for text in found.negative)


@pytest.fixture(scope="module")
def found(analyse):
    """Of the reference twin."""
    return analyse("probability_bounds", StandIn("probability_bounds"))


def test_correlation_with_what_is_in_an_interval_is_said_to_be_lost():
    pair = {"between": ["m", "n"], "coefficient": 0.5}
    found = bounds(inputs={"status": {"m": "aleatory", "rest": "epistemic"}, "correlated": [pair], "source": WHY})
    assert any("correlated by the plan" in text for text in found.negative)
    share = norm.cdf(-MIDDLE / np.sqrt(SD_M**2 + SD_N**2 + 2 * 0.5 * SD_M * SD_N))
    assert found.values["below_1_precise"].value / 100.0 == pytest.approx(share, abs=4.0 * _sd(share, 4000))


def test_a_run_that_fails_leaves_no_bounds():
    def steep(*, rate: float) -> Scenario:
        one = deciding.given(rate=rate)
        return replace(one, schedule=Schedule(0.0, (), (), (Level(0.0, "R", 1e308),)))

    with pytest.raises(NotEvaluable, match="failed"):
        bounds(replace(TWIN, scenarios={"given": steep}))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"intervals": {"m": [0.0, 1.0]}}, r"intervals: 'm' .*an epistemic input"),
        ({"intervals": {"k": [0.0, 1.0]}}, r"intervals: 'k'"),
        (
            {"inputs": {"status": {"rest": "both"}, "independent": WHY}},
            r"inputs\.status: .*one epistemic input or more",
        ),
        ({"inputs": {"status": {"m": "both"}, "independent": WHY}}, r"inputs\.status: .*for n"),
        ({"use": {"scenario": "gift"}}, r"use\.scenario: 'gift'"),
    ],
)
def test_what_does_not_fit_is_named(change, message):
    with pytest.raises(InputError, match=message):
        bounds(**change)


def test_an_interval_beyond_the_bounds_of_a_parameter_is_refused(analyse):
    with pytest.raises(InputError, match=r"intervals\.apgar_effect: \[-2\.0, 0\.0\] .*within its bounds"):
        analyse("probability_bounds", intervals={"apgar_effect": [-2.0, 0.0]})


def test_too_many_intervals_ask_for_the_widest(monkeypatch):
    monkeypatch.setattr(module, "MOST", 1)
    with pytest.raises(InputError, match=r"probability_bounds\.widest: None .*1 at most of the 2 intervals"):
        bounds()


def test_the_settings_of_the_reference_twin_hold_an_interval(found):
    assert found.values["n_intervals"].value == 1.0 and found.values["n_drawn"].value == 2.0


def _sd(share, n):
    return np.sqrt(share * (1.0 - share) / n)
