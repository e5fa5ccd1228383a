"""Section 11: forecasts against measurements: build patients by cross-validation beside the held-out patients."""

from __future__ import annotations

from dataclasses import dataclass

from vvuq.dossier.block import block
from vvuq.dossier.figures.forecast import predicted_observed, reliability
from vvuq.dossier.labels import MEANINGS, UNCERTAINTY, value_label
from vvuq.dossier.quote import estimate
from vvuq.dossier.source import Source, number, spell, texts_of
from vvuq.dossier.view import Block, Estimate, Figure, Number, Section
from vvuq.record import Evidence

PARTS = ("cross_validation", "holdout")
_MEASURES = ("n_patients", "n_predictions", "n_leaked", "mdpe", "mdape", "mdape_gain", "crps", "crps_skill",
             "interval90_width", "coverage_50", "coverage_80", "coverage_90", "coverage_95")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Measure:
    """One measure in both parts: (twin, baseline) each; None where there is no such value."""

    label: str
    cells: tuple[Estimate | Number | None, ...]


@dataclass(frozen=True, slots=True)
class View:
    """The comparison side by side, then each analysis."""

    relevance: str
    patients: bool
    compared: bool
    measures: tuple[Measure, ...]
    ids: tuple[str, ...]
    overlap: Estimate | None
    meanings: tuple[tuple[str, str], ...]
    blocks: tuple[Block, ...]


def build(source: Source) -> View:
    """From the evidence of cross_validation and holdout, and slot_forecast for a twin that is followed in slots."""
    current = source.current
    slotted = source.twin.state_space is not None
    compared = not slotted or any(name in source.plan.analyses for name in PARTS)
    blocks = tuple(
        block(
            source,
            name,
            tables=("coverage", "by_history", "by_group", "worst"),
            omit=_omitted(source, name),
            draw=(_scatter, _reliability),
            section="validation",
        )
        for name in PARTS
        if not slotted or name in source.plan.analyses
    )
    if slotted:
        blocks += (block(source, "slot_forecast", tables=("channels",), section="validation"),)
    overlap = estimate(current["cohort"], "n_overlap") if "cohort" in current else None
    ids = tuple(current[name].id if name in current else "" for name in PARTS)
    measures = tuple(Measure(value_label(key), _cells(source, key)) for key in _MEASURES)
    return View(source.relevance, source.plan.splits is not None, compared, measures, ids, overlap, MEANINGS, blocks)


def _omitted(source: Source, name: str) -> set[str]:
    """What stands side by side above, or in the section on uncertainty."""
    evidence = source.evidence(name)
    baseline = {key for key in (evidence.values if evidence else ()) if key.startswith("baseline_")}
    return {*_MEASURES, *baseline, *UNCERTAINTY, "learning", "narrowing"}


def _cells(source: Source, key: str) -> tuple[Estimate | Number | None, ...]:
    cells: list[Estimate | Number | None] = []
    for name in PARTS:
        record = source.current.get(name)
        if record is None or record.evidence.status != "done":
            cells += [number(None, "", "", key), None]
            continue
        cells.append(estimate(record, key))
        base = f"baseline_{key}"
        cells.append(estimate(record, base) if base in record.evidence.values else None)
    return tuple(cells)


def _scatter(ident: str, evidence: Evidence) -> Figure | None:
    table = evidence.tables.get("predictions")
    if table is None or not table.rows:
        return None
    name = f"figure-scatter-{evidence.analysis.replace('_', '-')}"
    alt = (
        f"{len(table.rows)} measured values against their forecast medians on logarithmic axes with the line "
        f"of identity; with earlier samples the median absolute error is {spell(evidence, 'mdape')}."
    )
    svg = predicted_observed(name, table, alt)
    return Figure(name, svg, alt, "Observed against predicted values", ident, True)


def _reliability(ident: str, evidence: Evidence) -> Figure | None:
    table = evidence.tables.get("coverage")
    if table is None or not table.rows:
        return None
    name = f"figure-coverage-{evidence.analysis.replace('_', '-')}"
    pairs = texts_of(table, ("nominal", "observed"))
    alt = "Observed coverage by nominal coverage: " + ", ".join(f"{b} % at {a} %" for a, b in pairs) + "."
    svg = reliability(name, table, alt)
    return Figure(name, svg, alt, "Do forecast intervals hold what they promise? Intervals: 95 %", ident, True)


SECTION = Section("validation", 11, "Validation", build)
