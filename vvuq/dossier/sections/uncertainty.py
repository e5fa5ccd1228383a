"""Section 14: what a forecast does not know, split into noise that stays and ignorance that samples remove."""

from __future__ import annotations

from dataclasses import dataclass

from vvuq.dossier.block import block
from vvuq.dossier.figures.bands import example, narrowing
from vvuq.dossier.labels import UNCERTAINTY, words
from vvuq.dossier.source import Source, texts_of
from vvuq.dossier.view import Block, Figure, Section
from vvuq.record import Evidence

_CAPTION = "Noise and ignorance, and what is not known of the patient, by earlier samples"
_COLUMNS = ("samples", "epistemic_sd", "aleatory_sd", "band90_width")


@dataclass(frozen=True, slots=True)
class View:
    """The split in both validation analyses."""

    blocks: tuple[Block, ...]


def build(source: Source) -> View:
    """From the evidence of holdout and cross_validation."""
    return View(tuple(_block(source, name) for name in ("holdout", "cross_validation")))


def _block(source: Source, name: str) -> Block:
    tables = ("narrowing", "learning")
    return block(source, name, UNCERTAINTY, tables, (_narrowing, _example), section="uncertainty", again=True)


def _narrowing(ident: str, evidence: Evidence) -> Figure | None:
    table = evidence.tables.get("narrowing")
    if table is None or not table.rows:
        return None
    name = f"figure-narrowing-{evidence.analysis.replace('_', '-')}"
    rows = texts_of(table, _COLUMNS)
    parts = [f"{count} earlier: ignorance {part}, noise {rest}, band {wide}" for count, part, rest, wide in rows]
    alt = "Forecasts of the third measurement, standard deviations and 90 % band: " + "; ".join(parts) + "."
    return Figure(name, narrowing(name, table, evidence.tables.get("learning"), alt), alt, _CAPTION, ident)


def _example(ident: str, evidence: Evidence) -> Figure | None:
    table = evidence.tables.get("bands")
    if table is None or not table.rows:
        return None
    name = f"figure-bands-{evidence.analysis.replace('_', '-')}"
    alt = "Forecast bands of one patient after each sample. Inner band: ignorance; outer band: the whole forecast."
    svg = example(name, table, words(str(evidence.inputs.get("observable", "observed value"))), alt)
    return Figure(name, svg, alt, "One patient: nested 90 % bands after each sample", ident)


SECTION = Section("uncertainty", 14, "Uncertainty of forecasts: noise and ignorance", build)
