"""Section 10: the population fit, and what each patient's samples can and cannot tell apart."""

from __future__ import annotations

from dataclasses import dataclass

from vvuq.dossier.block import block
from vvuq.dossier.figures.following import following
from vvuq.dossier.figures.information import by_samples
from vvuq.dossier.source import Source, spell, texts_of
from vvuq.dossier.view import Block, Figure, Section
from vvuq.record import Evidence

_FIT = ("n_patients", "n_measurements", "objective")
_FISHER = ("n_patients", "n_rank_deficient", "n_cannot_separate", "share_cannot_separate")
_TRACKING = ("n_patients", "evaluations", "score", "score_before")
LIMIT_RSE, LIMIT_CORRELATION = 100.0, 0.95  # the limits that define "cannot separate" in the analysis


@dataclass(frozen=True, slots=True)
class View:
    """The fits and what samples can tell."""

    blocks: tuple[Block, ...]


def build(source: Source) -> View:
    """From the evidence of the fit that suits the twin (population_fit, tracking_fit, state_space_fit), and fisher."""
    model, personal = source.twin.model, source.twin.personal
    fitted = (*(p.name for p in model.parameters), *(f"omega_{name}" for name in personal), "sigma")
    first = (*_FIT, *fitted, *(f"shrinkage_{name}" for name in personal))
    told = (*_FISHER, *(f"median_rse_{name}" for name in personal))
    parts = []
    elsewhere = source.twin.follow is not None or source.twin.state_space is not None
    if not elsewhere or "population_fit" in source.plan.analyses:
        parts.append(block(source, "population_fit", first, ("estimates",), section="calibration"))
    if source.twin.state_space is not None:
        parts.append(_state_space(source))
    if source.twin.follow is not None or "tracking_fit" in source.plan.analyses:
        parts.append(_tracking(source))
    tables = ("by_samples", "patients")
    if source.twin.state_space is not None and "fisher" not in source.plan.analyses:
        return View(tuple(parts))
    return View((*parts, block(source, "fisher", told, tables, (_information,), section="calibration")))


def _tracking(source: Source) -> Block:
    """Values that stand in the tables are not repeated."""
    evidence = source.evidence("tracking_fit")
    omit = set(evidence.values if evidence else ()) - set(_TRACKING)
    named = tuple(key for key in _TRACKING if evidence and key in evidence.values)
    tables = ("estimates", "patients", "days")
    return block(source, "tracking_fit", named, tables, (_following,), section="calibration", omit=omit)


def _state_space(source: Source) -> Block:
    """Values that stand in the table are not repeated."""
    evidence = source.evidence("state_space_fit")
    told = {str(row[0]) for row in evidence.tables["estimates"].rows} if evidence and evidence.tables else set()
    return block(source, "state_space_fit", tables=("estimates",), section="calibration", omit=told)


def _following(ident: str, evidence: Evidence) -> Figure | None:
    estimates, patients = evidence.tables.get("estimates"), evidence.tables.get("patients")
    if estimates is None or patients is None or not estimates.rows or not patients.rows:
        return None
    rows = texts_of(estimates, ("parameter", "estimate", "declared"))
    sds = texts_of(patients, ("parameter", "prior_sd", "between_sd", "own_sd"))
    moved = "; ".join(f"{name} {value}, {start}" for name, value, start in rows)
    spread = "; ".join(f"{name} {a}, {b}, {c}" for name, a, b, c in sds)
    alt = f"Fitted and declared: {moved}. SDs of logarithms, declared, between estimates and of the filter: {spread}."
    svg = following("figure-following", estimates, patients, alt)
    caption = "What the fit moved, and whether estimates differ by more than the filter is unsure of each"
    return Figure("figure-following", svg, alt, caption, ident)


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
