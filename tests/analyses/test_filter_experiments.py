"""Filters in the experiments that a twin declares: held against published errors, the exact filter, and their cost."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from examples import pk
from large import lorenz

from vvuq.analyses.verification.filter_cost import filter_cost
from vvuq.analyses.verification.filter_reference import filter_reference, holds_against_the_exact_filter
from vvuq.analyses.verification.filter_skill import filter_skill, reaches_what_is_published
from vvuq.assimilation.experiment import Score
from vvuq.credibility.plan import load_plan
from vvuq.errors import InputError, NotEvaluable
from vvuq.record import Evidence

PLAN = Path(__file__).resolve().parents[2] / "studies" / "lorenz" / "plan.yaml"
FEW = {"label": "few", "experiment": {"experiment": "lorenz96"}, "method": "etkf", "options": {"members": 7}}


class Streams:
    """What an analysis asks of its context here: random streams by name."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def stream(self, name: str) -> np.random.Generator:
        return np.random.default_rng([self.seed, *name.encode()])


def run(of: Any, **settings: Any) -> Evidence:
    found: Evidence = of.run(lorenz(), Streams(1), **settings)
    assert {name: q.unit for name, q in found.values.items()} == of.metrics(lorenz(), settings)
    return found


def row(label: str) -> dict[str, Any]:
    (found,) = [row for row in load_plan(PLAN).analyses["filter_skill"].settings["rows"] if row["label"] == label]
    return dict(found)


def test_a_filter_that_is_right_is_near_its_published_error_and_a_control_is_caught() -> None:
    found = run(filter_skill, rows=[row("l96_etkf")], controls=[FEW], cycles=700, seeds=1)
    assert abs(found.values["rmse_l96_etkf"].value - 0.18) < 0.04
    assert found.values["n_lost"].value == 0.0 and found.values["n_controls_missed"].value == 0.0
    assert [finding.gradation for finding in reaches_what_is_published.run(found)] == ["b"]


def test_a_filter_that_loses_the_truth_reaches_no_rung_and_neither_does_a_control_that_holds() -> None:
    found = run(filter_skill, rows=[FEW], controls=[row("l96_etkf")], cycles=700, seeds=1)
    assert found.values["n_lost"].value == 1.0 and found.values["n_controls_missed"].value == 1.0
    assert not np.isfinite(found.values["rmse_few"].value)
    few, right = (dict(zip(found.tables["skill"].columns, one, strict=True)) for one in found.tables["skill"].rows)
    assert (few["lost"], few["cycles_of_loss"]) == (1, "400") and (right["lost"], right["cycles_of_loss"]) == (0, "")
    assert list(reaches_what_is_published.run(found)) == []


def test_a_seed_lost_late_is_not_counted_among_the_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its mean over all cycles is below the limit: such a run once raised the error of the kept ones."""
    made = []

    def fake(of: Any, filter_: Any, seed: int, cycles: int) -> Score:
        error = np.full(cycles, 0.18)
        error[cycles - 400 if not made else cycles :] = 4.0
        made.append(Score(error, error, np.full(cycles, 40.0), 40, 1.0, 400, -1, 0.0))
        return made[-1]

    monkeypatch.setattr(sys.modules[filter_skill.run.__module__], "_score", fake)
    for seeds, lost in ((6, 0.0), (5, 1.0)):
        made.clear()
        found = run(filter_skill, rows=[row("l96_etkf")], cycles=10_000, seeds=seeds)
        assert made[0].rmse < 1.0 and found.tables["skill"].rows[0][-4:] == (1, 0, seeds, "9600")
        assert found.values["rmse_l96_etkf"].value == pytest.approx(0.18)
        assert found.values["n_lost"].value == lost


@pytest.mark.slow
def test_localization_brings_a_large_state_near_the_exact_filter_and_without_it_is_far() -> None:
    settings = load_plan(PLAN).analyses["filter_reference"].at("quick")
    found = run(filter_reference, **settings)
    assert found.values["from_exact_eakf"].value < 0.5 < 1.0 < found.values["from_exact_unlocalized"].value
    assert [finding.gradation for finding in holds_against_the_exact_filter.run(found)] == ["c"]


def test_the_cost_of_sizes_that_were_not_measured_is_told_apart() -> None:
    ensemble = {"label": "etkf", "method": "etkf", "options": {"members": 5}}
    found = run(
        filter_cost,
        experiment={"experiment": "lorenz96"},
        sizes=[10, 5, 20],
        ensemble=ensemble,
        measured_to=10,
        steps=2,
    )
    rows = found.tables["cost"].rows
    assert [r[:3] for r in rows] == [(5, 10, 5), (10, 20, 5), (20, 40, 5)]
    assert [r[3] is None for r in rows] == [False, False, True] and rows[2][4] == pytest.approx(8.0 * rows[1][3])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"method": "etfk"}, r"filter_skill\.rows\.0\.method: 'etfk'.*etkf"),
        ({"options": {"member": 7}}, r"filter_skill\.rows\.0\.option of etkf: 'member'.*members"),
        ({"options": {"members": 7, "inflation": {"adaptve": 1.0}}}, r"rows\.0\.inflation: .*relaxation, adaptive"),
        ({"options": {}}, r"filter_skill\.rows\.0\.options of etkf: "),
        ({"experiment": {"experiment": "lorenz69"}}, r"rows\.0\.experiment\.experiment: 'lorenz69'.*lorenz96"),
        ({"experiment": {"experiment": "lorenz96", "count": 4.5}}, r"rows\.0\.experiment\.count: 4\.5"),
        ({"experiment": {"experiment": "lorenz63"}, "method": "eakf",
          "options": {"members": 7, "localization": {"gaspari_cohn": 2.0}}}, r"rows\.0\.localization: .*places"),
    ],
)  # fmt: skip
def test_what_a_plan_asks_for_wrongly_is_told(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        filter_skill.run(lorenz(), Streams(1), rows=[FEW | changes], cycles=500, seeds=1)


def test_cycles_too_few_to_tell_a_loss_are_refused_and_a_twin_without_experiments_cannot_be_evaluated() -> None:
    with pytest.raises(InputError, match=r"filter_skill\.cycles: 449.*at least the 400 .* and 50"):
        filter_skill.run(lorenz(), Streams(1), rows=[FEW], cycles=449, seeds=1)
    with pytest.raises(NotEvaluable, match="declares no experiment"):
        filter_skill.run(pk(), Streams(1), rows=[FEW], cycles=500, seeds=1)
