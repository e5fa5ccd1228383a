"""Section 10: the population fit, and what each neonate's samples can and cannot tell apart."""

from __future__ import annotations

from dataclasses import dataclass

from vvuq.dossier.block import block
from vvuq.dossier.figures.information import by_samples
from vvuq.dossier.source import Source, spell
from vvuq.dossier.view import Block, Figure, Section
from vvuq.record import Evidence

_FIT = ("n_patients", "n_concentrations", "objective", "CL", "V", "apgar_effect", "omega_CL", "omega_V", "sigma",
        "shrinkage_CL", "shrinkage_V")  # fmt: skip
_FISHER = ("n_neonates", "n_rank_deficient", "n_cannot_separate", "share_cannot_separate", "median_rse_CL",
           "median_rse_V")  # fmt: skip
LIMIT_RSE, LIMIT_CORRELATION = 100.0, 0.95  # the limits that define "cannot separate" in the analysis


@dataclass(frozen=True, slots=True)
class View:
    """Two analyses."""

    blocks: tuple[Block, ...]


def build(source: Source) -> View:
    """From the evidence of population_fit and fisher."""
    fit = block(source, "population_fit", _FIT, ("estimates",), section="calibration")
    tables = ("by_samples", "neonates")
    return View((fit, block(source, "fisher", _FISHER, tables, (_information,), section="calibration")))


def _information(ident: str, evidence: Evidence) -> Figure | None:
    table = evidence.tables.get("by_samples")
    if table is None or not table.rows:
        return None
    alt = (
        "Median relative standard error of clearance and volume, their correlation, and how many neonates can tell "
        f"them apart, by number of samples; overall {spell(evidence, 'share_cannot_separate')} cannot."
    )
    svg = by_samples("figure-information", table, LIMIT_RSE, LIMIT_CORRELATION, alt)
    return Figure("figure-information", svg, alt, "What samples tell about CL and V, by how many there are", ident)


SECTION = Section("calibration", 10, "Calibration and identifiability", build)
