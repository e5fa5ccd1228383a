"""Section 12: forecasters of the next hours side by side, on build, held-out and external patients."""

from __future__ import annotations

from dataclasses import dataclass

from vvuq.dossier.block import block
from vvuq.dossier.figures.forecasters import MOST, by_horizon, by_step, event_reliability, sharpness
from vvuq.dossier.figures.interpretability import interpretability
from vvuq.dossier.quote import grid
from vvuq.dossier.source import Source, Stored, texts_of
from vvuq.dossier.view import Block, Figure, Grid, Section
from vvuq.record import Evidence, Table

PARTS = ("forecast_comparison", "forecast_holdout", "sample_efficiency", "interpretability", "scaffold_bias")
MEANINGS = (
    ("CRPS", "distance of the whole forecast from the reading that came, in its unit; 0 is best."),
    ("RMSE, MARD", "error of the forecast's mean; relative error of its median, as for sensors."),
    ("Gain", "CRPS of persistence less that of the forecaster on the same moments: above 0 it is better."),
    ("Coverage, width", "share of readings inside the 90 % interval, and how wide that is: only both together tell."),
    ("Interval score", "width, and 20 times what readings lie outside by: a wide interval pays as a missed one does."),
    ("Skill", "1 − Brier score / that of climatology; new: at moments when the reading was not below already."),
    (
        "Reliability, resolution",
        "parts of the Brier score: what miscalibration costs; what telling moments apart gains.",
    ),
    ("Persistence", "the last reading, with the errors that this had in the fitted patients at such readings."),
    ("Climatology", "what sensors of the fitted patients read at that time of day."),
)
_ERRORS = (
    "ahead",
    "forecaster",
    "kind",
    "rmse",
    "mard",
    "crps",
    "crps_low",
    "crps_high",
    "gain",
    "gain_low",
    "gain_high",
)
_SHARP = ("ahead", "forecaster", "coverage_90", "coverage_low", "coverage_high", "width_90", "interval_score")
_COUNTS = ("n_patients", "n_origins", "n_events", "n_questions")
_READ = ("inside", "numbers", "answers", "learned")  # tables of interpretability, in their order


@dataclass(frozen=True, slots=True)
class View:
    """The analyses that the plan names; whether one of the forecasters knows no mechanism."""

    blocks: tuple[Block, ...]
    data_driven: tuple[str, ...]
    meanings: tuple[tuple[str, str], ...]


def build(source: Source) -> View:
    """From the evidence of the analyses of forecasters."""
    blocks = tuple(_block(source, name) for name in PARTS if name in source.plan.analyses)
    return View(blocks, _without_mechanism(source), MEANINGS)


def _without_mechanism(source: Source) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for name in PARTS:
        evidence = source.evidence(name)
        for table in evidence.tables.values() if evidence else ():
            if {"forecaster", "kind"} <= set(table.columns):
                found |= {row[0]: None for row in texts_of(table, ("forecaster", "kind")) if row[1] == "data-driven"}
    return tuple(found)


def _block(source: Source, name: str) -> Block:
    record = source.current.get(name)
    found = record.evidence if record else None
    values = tuple(key for key in (found.values if found else ()) if key.startswith((*_COUNTS, "rmse_last_reading")))
    suffixes = _suffixes(found) if found else []
    grids = [table for suffix in suffixes for table in _grids(record, suffix)]
    omit = {f"{table}{suffix}" for suffix in suffixes for table in ("by_horizon", "calibration", "events")}
    draw = (_errors, _sharp, _reliable, _days, _inside, _scaffolds)
    tables: tuple[str | Grid, ...] = (*grids, *(key for key in _READ if found and key in found.tables))
    return block(
        source, name, values, tables, draw, section="forecasters", omit={*(found.values if found else ()), *omit}
    )


def _suffixes(evidence: Evidence) -> list[str]:
    """Of the tables of each part: held-out patients, or build patients, first, then each external cohort."""
    return [name.removeprefix("by_horizon") for name in evidence.tables if name.startswith("by_horizon")]


def _grids(record: Stored | None, suffix: str) -> list[Grid]:
    if record is None:
        return []
    of = f" ({suffix[1:]})" if suffix else ""
    errors = grid(record, f"by_horizon{suffix}", f"Error by horizon, 95 % intervals over patients{of}", _ERRORS)
    sharp = grid(record, f"by_horizon{suffix}", f"90 % intervals by horizon{of}", _SHARP)
    title = record.evidence.tables[f"events{suffix}"].title if f"events{suffix}" in record.evidence.tables else ""
    events = grid(record, f"events{suffix}", f"{title}{of}")
    return [one for one in (errors, sharp, events) if one]


def _errors(ident: str, evidence: Evidence) -> Figure | None:
    table = evidence.tables.get("by_horizon")
    if table is None or not table.rows:
        return None
    name = f"figure-errors-{evidence.analysis.replace('_', '-')}"
    parts = [f"{who} {crps} at {h} min" for h, who, crps in texts_of(table, ("ahead", "forecaster", "crps"))]
    alt = f"CRPS by horizon, and the gain over persistence with intervals over patients: {', '.join(parts)}."
    caption = "How far are forecasts from what came, and how much nearer than the last reading?"
    return Figure(name, by_horizon(name, table, alt), alt, caption, ident)


def _sharp(ident: str, evidence: Evidence) -> Figure | None:
    table = evidence.tables.get("by_horizon")
    if table is None or not table.rows:
        return None
    name = f"figure-sharpness-{evidence.analysis.replace('_', '-')}"
    columns = ("ahead", "forecaster", "coverage_90", "width_90")
    parts = [f"{who} at {h} min {share} %, width {wide}" for h, who, share, wide in texts_of(table, columns)]
    alt = f"Coverage of 90 % intervals by horizon, and their mean width: {'; '.join(parts)}."
    caption = "Do 90 % intervals hold 90 % of the readings, and how wide must they be for that?"
    return Figure(name, sharpness(name, table, alt), alt, caption, ident)


def _reliable(ident: str, evidence: Evidence) -> Figure | None:
    table, events = evidence.tables.get("calibration"), evidence.tables.get("events")
    if table is None or events is None or not table.rows:
        return None
    name = f"figure-reliability-{evidence.analysis.replace('_', '-')}"
    shown = _chosen(events)
    rows = texts_of(table, ("forecaster", "forecast", "observed", "forecasts"))
    parts = [f"{who} {p} forecast, {share} observed in {n}" for who, p, share, n in rows if who in shown]
    alt = f"Share of events by forecast probability: {'; '.join(parts)}."
    caption = "Is an event as frequent as was forecast? Areas: how often such a probability was given"
    return Figure(name, event_reliability(name, table, shown, alt), alt, caption, ident)


def _chosen(events: Table) -> list[str]:
    """The forecasters with a panel: those that are no baseline, then the baselines, as many as there is room for."""
    rows = texts_of(events, ("forecaster", "kind"))
    order = [who for who, kind in rows if kind != "baseline"] + [who for who, kind in rows if kind == "baseline"]
    return order[:MOST]


def _days(ident: str, evidence: Evidence) -> Figure | None:
    caption = (
        "What do more days of the fitted patients gain? Patients that were not fitted, the same moments throughout"
    )
    return _stepped(ident, evidence, ("by_days", "days", "Days of each fitted patient"), caption)


def _inside(ident: str, evidence: Evidence) -> Figure | None:
    inside, answers = evidence.tables.get("inside"), evidence.tables.get("answers")
    if inside is None or answers is None or not inside.rows or not answers.rows:
        return None
    counts = [f"{who} {n} numbers with a unit, {known} of them known, {w} weights"
              for who, n, known, w in texts_of(inside, ("forecaster", "numbers", "known", "weights"))]  # fmt: skip
    rows = texts_of(answers, ("action", "forecaster", "ahead", "answer"))
    moved = [f"{action} by {who} at {h} min {answer}" for action, who, h, answer in rows]
    alt = f"{'; '.join(counts)}. Changes: {'; '.join(moved)}."
    caption = "What can be read inside of a forecaster, and what does it say that a dose changes?"
    svg = interpretability("figure-interpretability", inside, answers, alt)
    return Figure("figure-interpretability", svg, alt, caption, ident)


def _scaffolds(ident: str, evidence: Evidence) -> Figure | None:
    caption = "What does a wrong mechanism cost? Forecasters without one stay as they are"
    return _stepped(ident, evidence, ("by_scaffold", "scaffold", "Scaffold"), caption)


def _stepped(ident: str, evidence: Evidence, of: tuple[str, str, str], caption: str) -> Figure | None:
    """CRPS against one column of a table: (table, column, what it is called)."""
    where, key, what = of
    table = evidence.tables.get(where)
    if table is None or not table.rows:
        return None
    name = f"figure-{where.replace('_', '-')}"
    rows = texts_of(table, (key, "forecaster", "crps_60", "crps_180"))
    parts = [f"{who}, {key} {step}: {near} and {far}" for step, who, near, far in rows]
    alt = f"CRPS at 60 and 180 min by {key}: {'; '.join(parts)}."
    return Figure(name, by_step(name, table, key, what, alt), alt, caption, ident)


SECTION = Section("forecasters", 12, "Forecasters of the next hours", build)
