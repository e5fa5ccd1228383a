"""A study of a model or a method alone names no cohort: it is run, judged and rendered, and says that it has none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from plans import plan_data, write_plan

from vvuq.cli import main
from vvuq.credibility.plan import load_plan
from vvuq.errors import InputError

LADDER = {"scenario": "verification", "horizon_h": 96, "weight_kg": 1.5, "low_apgar": True}
STEPS = [8, 4, 2, 1]


def alone(folder: Path, analyses: dict[str, Any], **more: Any) -> Path:
    """A study `alone` of the twin pk without patients."""
    data = plan_data() | {"study": "alone", "twin": "pk", "analyses": analyses} | more
    for factor in data["factors"].values():
        factor.pop("criteria", None)
    for name in ("cohort", "splits"):
        if name not in more:
            data.pop(name)
    return write_plan(folder / "studies" / "alone", data)


def test_it_is_run_judged_and_rendered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    settings = {"ladder": LADDER, "steps": STEPS, "use": LADDER}
    alone(tmp_path, {"convergence": {"settings": settings}, "cross_validation": {}})
    assert main(["plan", "lock", "alone"]) == 0
    assert main(["run", "alone"]) == 3
    assert "the study has no patients: its plan names no cohort" in capsys.readouterr().out
    assert main(["report", "alone", "--out", "page.html"]) == 0
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert page.count("The study has no patients") >= 2
    assert "vvuq data fetch" not in page and "data card" not in page.split('id="reproduce"')[1].split("</section>")[0]
    assert main(["verify", "alone"]) == 0


@pytest.mark.parametrize("there", ["cohort", "splits"])
def test_one_of_cohort_and_splits_is_refused(tmp_path: Path, there: str) -> None:
    path = alone(tmp_path, {"convergence": {}}, **{there: plan_data()[there]})
    with pytest.raises(InputError, match="cohort and splits, or neither"):
        load_plan(path)
    assert yaml.safe_load(path.read_text())[there]
