"""Section 15: which uncertain input moves the quantity of interest, by two methods that must agree."""

from __future__ import annotations

from dataclasses import dataclass

from vvuq.dossier.block import block
from vvuq.dossier.figures.bands import density
from vvuq.dossier.figures.canvas import words
from vvuq.dossier.figures.indices import along, index_plot
from vvuq.dossier.source import Source, spell, texts_of
from vvuq.dossier.view import Block, Figure, Section
from vvuq.record import Evidence, Table

_FIRST = ("qoi_mean", "qoi_sd", "qoi_low95", "qoi_high95")
_LAST = (
    "share_aleatory", "share_epistemic", "share_both", "share_mixed", "sum_first_order", "agreement",
    "largest_disagreement", "pce_validation_error", "pce_error_bound", "n_runs_sobol", "n_runs_pce",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class View:
    """The one analysis."""

    blocks: tuple[Block, ...]


def build(source: Source) -> View:
    """From the evidence of sensitivity."""
    evidence = source.evidence("sensitivity")
    found = [key for key in (evidence.values if evidence else ()) if key.startswith(("S1_", "ST_"))]
    tables, draw = ("inputs", "indices", "shapley", "screening", "looks"), (_indices, _course, _density)
    return View((block(source, "sensitivity", (*_FIRST, *_LAST), tables, draw, section="sensitivity", omit=found),))


def _indices(ident: str, evidence: Evidence) -> Figure | None:
    table = evidence.tables.get("indices")
    if table is None or not table.rows:
        return None
    parts = ", ".join(" ".join(texts) for texts in texts_of(table, ("parameter", "order", "sobol")))
    alt = f"Sobol' indices: {parts}; largest difference to the chaos {spell(evidence, 'largest_disagreement')}."
    svg = index_plot("figure-indices", table, _plain(table), alt)
    caption = "Share of the variance of the quantity of interest by input, two methods, 95 % intervals"
    return Figure("figure-indices", svg, alt, caption, ident)


def _course(ident: str, evidence: Evidence) -> Figure | None:
    table = evidence.tables.get("course")
    if table is None or len({row[1] for row in table.rows}) < 2:
        return None
    names = _plain(table)
    alt = f"Total indices of {', '.join(names.values())} along the course; the numbers are in the store of evidence."
    svg = along("figure-index-course", table, names, alt)
    return Figure("figure-index-course", svg, alt, "Which input matters when: total indices, 95 % bands", ident, True)


def _plain(table: Table) -> dict[str, str]:
    """Parameters as words for an axis."""
    return {name: name.replace("_", " ") for name in words(table, "parameter")}


def _density(ident: str, evidence: Evidence) -> Figure | None:
    table = evidence.tables.get("density")
    if table is None or not table.rows:
        return None
    low, high = spell(evidence, "qoi_low95"), spell(evidence, "qoi_high95")
    alt = f"Density of the quantity of interest; 95 % lies between {low} and {high}."
    name = "figure-density"
    svg = density(name, table, alt)
    return Figure(name, svg, alt, "Quantity of interest under the inputs' uncertainty", ident, True)


SECTION = Section("sensitivity", 15, "Sensitivity: Sobol' indices and polynomial chaos", build)
