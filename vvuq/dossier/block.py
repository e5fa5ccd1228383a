"""One analysis as a block of the page, whatever it found; rows of single patients stay out of a public page."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace

from vvuq.dossier import labels
from vvuq.dossier.criteria import serves
from vvuq.dossier.quote import estimate, grid, sentences
from vvuq.dossier.source import Source
from vvuq.dossier.view import Block, Figure, Grid
from vvuq.record import Evidence

Draw = Callable[[str, Evidence], Figure | None]
DRAWN = ("predictions", "bands", "density", "course")  # tables that figures show; their numbers are in the store


def block(
    source: Source,
    analysis: str,
    values: Sequence[str] = (),
    tables: Sequence[str | Grid] = (),
    draw: Sequence[Draw] = (),
    *,
    section: str,
    omit: Collection[str] = (),
    again: bool = False,
) -> Block:
    """One analysis for the page. Tables and figures of single patients are withheld from a public page.

    `values` and `tables` come first, then whatever else the evidence holds but `omit`. `again`: the analysis stands in
    another section too; only what is named is shown, and its findings are not repeated."""
    anchor, title = f"{section}-{analysis}".replace("_", "-"), labels.analysis_label(analysis)
    record = source.current.get(analysis)
    used = serves(source, analysis)
    if record is None:
        return Block(anchor, title, "", "", "This analysis was not run: there is no evidence.", used)
    evidence = record.evidence
    if evidence.status != "done":
        what = "Failed" if evidence.status == "failed" else "Not evaluable"
        gap = f"{what}: {evidence.message or 'no reason recorded'}"
        return Block(
            anchor,
            title,
            evidence.question,
            record.id,
            gap,
            used,
            negative=sentences(record, "negative"),
            stale=record.id in source.stale,
        )
    hidden = [name for name, table in evidence.tables.items() if table.individual and source.public]
    named = [*values, *(() if again else (key for key in evidence.values if key not in {*values, *omit}))]
    others = () if again else (name for name in sorted(evidence.tables) if name not in {*DRAWN, *omit})
    shown = dict.fromkeys((*tables, *others))
    grids = [grid(record, name) if isinstance(name, str) else name for name in shown if name not in hidden]
    visible = _without(evidence, hidden)
    return Block(
        anchor,
        title,
        evidence.question,
        record.id,
        "",
        used,
        tuple(figure for figure in (make(record.id, visible) for make in draw) if figure),
        tuple(estimate(record, key, labels.value_label(key, source.twin)) for key in named),
        tuple(table for table in grids if table),
        () if again else sentences(record, "findings"),
        () if again else sentences(record, "negative"),
        tuple(evidence.tables[name].title for name in hidden),
        record.id in source.stale,
    )


def _without(evidence: Evidence, hidden: Sequence[str]) -> Evidence:
    return replace(evidence, tables={name: table for name, table in evidence.tables.items() if name not in hidden})
