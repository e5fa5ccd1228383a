"""Section 10: the population fit, and what each patient's samples can and cannot tell apart."""

from __future__ import annotations

from dataclasses import dataclass

from vvuq.dossier.block import block
from vvuq.dossier.figures.information import by_samples
from vvuq.dossier.source import Source, spell
from vvuq.dossier.view import Block, Figure, Section
from vvuq.record import Evidence

_FIT = ("n_patients", "n_measurements", "objective")
_FISHER = ("n_patients", "n_rank_deficient", "n_cannot_separate", "share_cannot_separate")
LIMIT_RSE, LIMIT_CORRELATION = 100.0, 0.95  # the limits that define "cannot separate" in the analysis


@dataclass(frozen=True, slots=True)
class View:
    """Two analyses."""

    blocks: tuple[Block, ...]


def build(source: Source) -> View:
    """From the evidence of population_fit and fisher."""
    model, personal = source.twin.model, source.twin.personal
    fitted = (*(p.name for p in model.parameters), *(f"omega_{name}" for name in personal), "sigma")
    first = (*_FIT, *fitted, *(f"shrinkage_{name}" for name in personal))
    told = (*_FISHER, *(f"median_rse_{name}" for name in personal))
    fit = block(source, "population_fit", first, ("estimates",), section="calibration")
    tables = ("by_samples", "patients")
    return View((fit, block(source, "fisher", told, tables, (_information,), section="calibration")))


def _information(ident: str, evidence: Evidence) -> Figure | None:
    table = evidence.tables.get("by_samples")
    if table is None or not table.rows:
        return None
    alt = (
        "Median relative standard error of the personal parameters, their largest correlation, and in how many "
        "patients the samples tell them apart, by number of samples; overall "
        f"{spell(evidence, 'share_cannot_separate')} cannot."
    )
    svg = by_samples("figure-information", table, LIMIT_RSE, LIMIT_CORRELATION, alt)
    return Figure(
        "figure-information", svg, alt, "What samples tell about the personal parameters, by how many there are", ident
    )


SECTION = Section("calibration", 10, "Calibration and identifiability", build)
