"""Made-up evidence of the analyses of forecasters: every number is invented, the shapes are those of real ones."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from typing import Any

from vvuq.analyses.validation.forecast_comparison import forecast_comparison
from vvuq.analyses.validation.forecast_holdout import forecast_holdout
from vvuq.analyses.validation.forecast_report import units
from vvuq.analyses.validation.interpretability import interpretability
from vvuq.analyses.validation.sample_efficiency import sample_efficiency
from vvuq.analyses.validation.scaffold_bias import scaffold_bias
from vvuq.record import Analysis, Cell, Cost, Evidence, Quantity, Table

KINDS = {"persistence": "baseline", "climatology": "baseline", "walk": "mechanistic", "net": "data-driven"}
HORIZONS = (30, 60, 120, 180)
NOBODY = "neonate-4711"


def number(*key: object) -> float:
    """An invented number between 0.5 and 1, always the same for a key."""
    return 0.5 + zlib.crc32(repr(key).encode()) / 2.0**33


def table(title: str, columns: str, rows: Iterable[tuple[Cell, ...]], individual: bool = False) -> Table:
    names = tuple(columns.split())
    return Table(title, names, ("1",) * len(names), tuple(rows), individual)


def found(of: Analysis, values: dict[str, Quantity], tables: dict[str, Table], *said: str) -> Evidence:
    return Evidence(
        of.question, of.name, of.version, "pk", {"budget": "quick"}, of.name, values, tables, findings=said[:1],
        negative=said[1:], cost=Cost(2.0, 2.5, 0),
    )  # fmt: skip


def values(suffix: str = "") -> dict[str, Quantity]:
    """All values of a comparison, with intervals."""
    out = {}
    for key, unit in units(list(KINDS), "mg/L", suffix).items():
        v = 10.0 * number(key)
        out[key] = Quantity(v, unit) if key.startswith("n_") else Quantity(v, unit, v - 2, v + 2, 0.95, v - 1, v + 1,
                                                                          "epistemic", 6)  # fmt: skip
    return out


def horizons(suffix: str = "") -> Table:
    """The table by horizon; persistence gains nothing over itself."""
    rows: list[tuple[Cell, ...]] = []
    for h in HORIZONS:
        for name, kind in KINDS.items():
            crps, share = 0.2 * h * number(name, h, suffix), 80.0 + 18.0 * number(name, h)
            gain: tuple[Cell, ...] = (0.0, 0.0, 0.0) if name == "persistence" else (1.0, -0.5, 2.5)
            rows.append((h, name, kind, 2 * crps, crps, crps, crps - 1, crps + 1, *gain, share, share - 5, share + 5,
                         4 * crps, 5 * crps))  # fmt: skip
    columns = (
        "ahead forecaster kind rmse mard crps crps_low crps_high gain gain_low gain_high coverage_90 coverage_low "
        "coverage_high width_90 interval_score"
    )
    return table("Forecasts by horizon (95 % intervals over patients)", columns, rows)


def tables(suffix: str = "") -> dict[str, Table]:
    """As a comparison gives them."""
    skills: dict[str, tuple[Any, ...]] = {"climatology": (0.0,) * 6}
    events = [(n, k, 0.1, *skills.get(n, (0.4, 0.3, 0.5, 0.2, 0.0, 0.4)), 0.01, 0.05) for n, k in KINDS.items()]
    bins = [(n, a, a + 0.25, 40, 9, a + 0.1, a + 0.2 * number(n, a), *((None, None) if a else (0.0, 0.4)))
            for n in KINDS for a in (0.0, 0.25, 0.5, 0.75)]  # fmt: skip
    people = [(NOBODY, n, 40, *(number(n, h) for h in HORIZONS), *(90.0 for _ in HORIZONS), 0.1) for n in KINDS]
    given = [(h, n, 90, 40, number(n, h), 2 * number(n, h), 90.0, 80.0) for h in HORIZONS for n in KINDS]
    made = {
        "by_horizon": horizons(suffix),
        "by_given": table(
            "By what was given", "ahead forecaster forecasts_without forecasts_with crps_without crps_with "
            "coverage_90_without coverage_90_with", given,
        ),
        "events": table(
            "Probability of a reading below the threshold",
            "forecaster kind brier skill skill_low skill_high skill_new skill_new_low skill_new_high reliability "
            "resolution", events,
        ),
        "calibration": table(
            "Forecast probability", "forecaster from to forecasts events forecast observed low high", bins
        ),
        "by_patient": table(
            "Scores of each patient", "patient forecaster forecasts crps_30 crps_60 crps_120 crps_180 coverage_90_30 "
            "coverage_90_60 coverage_90_120 coverage_90_180 brier", people, individual=True,
        ),
    }  # fmt: skip
    return {f"{name}{suffix}": one for name, one in made.items()}


def by_days() -> Table:
    """Error against days."""
    rows = [(d, n, 6, *(5 * number(n, d, h) for h in HORIZONS), *(0.5 for _ in HORIZONS), 0.1)
            for d in ("1", "2", "all") for n in KINDS]  # fmt: skip
    columns = "days forecaster patients crps_30 crps_60 crps_120 crps_180 gain_30 gain_60 gain_120 gain_180 brier"
    return table("Error against days of each fitted patient", columns, rows)


def by_scaffold() -> Table:
    """Error over a right and a wrong scaffold."""
    rows = [(w, n, KINDS[n], *(5 * number(n, w, h) for h in HORIZONS), *(number(n, h) for h in HORIZONS), 88.0)
            for w in ("as declared", "slow") for n in KINDS]  # fmt: skip
    columns = (
        "scaffold forecaster kind crps_30 crps_60 crps_120 crps_180 bias_30 bias_60 bias_120 bias_180 coverage_90_180"
    )
    return table("Error and bias over scaffolds", columns, rows)


def interpretability_tables() -> dict[str, Table]:
    """What is inside of two forecasters, and what they make of a dose."""
    names = [("walk", "mechanistic"), ("net", "data-driven")]
    inside = [(*names[0], 12, 10, 0, None), (*names[1], 0, 0, 2088, 0.01)]
    numbers = [("walk", "rate", "1/h", 0.2, 0.1, 0.4, "a rate"), ("walk", "error", "mg/L", 4.0, None, None, "an SD")]
    answers = [("2 dose", n, k, h, v := number(n, h), v - 0.2, v + 0.2, 100.0 if h == 180 else None)
               for n, k in names for h in HORIZONS]  # fmt: skip
    learned = [("mix", "A", "below 70 mg/L", 40, 6, 0.5, -0.1, -0.2, 0.0, "mg/L/h")]
    return {
        "inside": table("Inside", "forecaster kind numbers known weights weights_alike", inside),
        "numbers": table("Numbers", "forecaster parameter unit estimate low high meaning", numbers),
        "answers": table("Answers", "action forecaster kind ahead answer low high right", answers),
        "learned": table("Learned", "forecaster state moments readings patients core added low high unit", learned),
    }


def forecasters() -> tuple[Evidence, ...]:
    """The comparison, the held-out and external patients, error against days and over scaffolds."""
    held = values() | values("_elsewhere")
    return (
        found(forecast_comparison, values(), tables(), "The net is best.", "The walk is beaten."),
        found(forecast_holdout, held, tables() | tables("_elsewhere"), "The walk was opened.", "It is too sure."),
        found(sample_efficiency, {"n_patients": Quantity(6.0, "1")}, {"by_days": by_days()}, "Days help the net."),
        found(interpretability, {"n_questions": Quantity(12.0, "1")}, interpretability_tables(), "The walk is read."),
        found(
            scaffold_bias, {"n_patients": Quantity(6.0, "1")}, {"by_scaffold": by_scaffold()}, "Slow costs the walk."
        ),
    )
