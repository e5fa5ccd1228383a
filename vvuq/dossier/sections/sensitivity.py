"""Section 15: which uncertain input moves the quantity of interest, by two methods that must agree."""

from __future__ import annotations

from dataclasses import dataclass

from vvuq.dossier.block import block
from vvuq.dossier.figures.bands import density
from vvuq.dossier.figures.canvas import words
from vvuq.dossier.figures.indices import index_plot, settling
from vvuq.dossier.source import Source, spell, texts_of
from vvuq.dossier.view import Block, Figure, Section
from vvuq.record import Evidence, Table

_FIRST = ("qoi_mean", "qoi_sd", "qoi_p05", "qoi_p95")
_LAST = ("sum_first_order", "largest_disagreement", "agreement", "pce_validation_error", "n_runs_sobol", "n_runs_pce")


@dataclass(frozen=True, slots=True)
class View:
    """One analysis, or two."""

    blocks: tuple[Block, ...]


def build(source: Source) -> View:
    """From the evidence of sensitivity, and of prior_sensitivity where the plan asks for that."""
    planned = source.plan.analyses
    prior = (_prior(source),) if "prior_sensitivity" in planned else ()
    fitted = (_fitted(source),) if "sensitivity" in planned or not prior else ()
    return View((*fitted, *prior))


def _prior(source: Source) -> Block:
    values = (*_FIRST, "n_parameters", "sum_first_order", "n_runs_sobol")
    evidence = source.evidence("prior_sensitivity")
    indices = [key for key in (evidence.values if evidence else ()) if key.startswith(("S1_", "ST_"))]
    tables = ("indices", "inputs")
    return block(source, "prior_sensitivity", values, tables, (_density,), section="sensitivity", omit=indices)


def _fitted(source: Source) -> Block:
    evidence = source.evidence("sensitivity")
    found = [key for key in (evidence.values if evidence else ()) if key.startswith(("S1_", "ST_"))]
    indices = sorted(found, key=lambda key: (key.partition("_")[2], key))
    tables = ("inputs", "indices", "convergence_in_n")
    draw = (_indices, _settling, _density)
    return block(source, "sensitivity", (*_FIRST, *indices, *_LAST), tables, draw, section="sensitivity")


def _indices(ident: str, evidence: Evidence) -> Figure | None:
    table = evidence.tables.get("indices")
    if table is None or not table.rows:
        return None
    parts = ", ".join(" ".join(texts) for texts in texts_of(table, ("parameter", "order", "sobol")))
    alt = f"Sobol' indices: {parts}; largest difference to the chaos {spell(evidence, 'largest_disagreement')}."
    svg = index_plot("figure-indices", table, _plain(table), alt)
    caption = "Share of the variance of the quantity of interest by input, two methods, 95 % intervals"
    return Figure("figure-indices", svg, alt, caption, ident)


def _settling(ident: str, evidence: Evidence) -> Figure | None:
    table = evidence.tables.get("convergence_in_n")
    if table is None or not table.rows:
        return None
    alt = "First-order indices with intervals against sample size; the numbers are in the table of convergence."
    svg = settling("figure-settling", table, _plain(table), alt)
    return Figure("figure-settling", svg, alt, "First-order indices against sample size", ident, True)


def _plain(table: Table) -> dict[str, str]:
    """Parameters as words for an axis."""
    return {name: name.replace("_", " ") for name in words(table, "parameter")}


def _density(ident: str, evidence: Evidence) -> Figure | None:
    table = evidence.tables.get("density")
    if table is None or not table.rows:
        return None
    low, high = spell(evidence, "qoi_p05"), spell(evidence, "qoi_p95")
    alt = f"Density of the quantity of interest; 90 % lies between {low} and {high}."
    name = "figure-density" if evidence.analysis == "sensitivity" else "figure-density-of-priors"
    svg = density(name, table, alt)
    return Figure(name, svg, alt, "Quantity of interest under the inputs' uncertainty", ident, True)


SECTION = Section("sensitivity", 15, "Sensitivity: Sobol' indices and polynomial chaos", build)
