"""Section 9: is the filter as uncertain as it should be, on patients whose truth is known and on real ones."""

from __future__ import annotations

from dataclasses import dataclass

from vvuq.dossier.block import block
from vvuq.dossier.figures.consistency import consistency
from vvuq.dossier.source import Source, spell, texts_of
from vvuq.dossier.view import Block, Figure, Section
from vvuq.record import Evidence

_REAL = ("n_patients", "n_measurements", "failed_steps", "spread_factor", "nis", "correlation", "p_nis",
         "p_nis_by_patient", "p_pit", "p_whiteness", "n_rejected")  # fmt: skip
_COULD = ("detectable_overconfidence", "detectable_underconfidence", "detectable_correlation")
_DRAWN = ("simulated_patients", "simulated_innovation_factor", "simulated_state_factor", "simulated_parameter_factor",
          "simulated_nis", "simulated_correlation", "simulated_rejected")  # fmt: skip

_KNOWN = (("filter_skill", ("skill",)), ("filter_reference", ("distances",)), ("filter_cost", ("cost",)))


@dataclass(frozen=True, slots=True)
class View:
    """Consistency on patients, and filters in experiments whose answer is known, as far as they are planned."""

    consistency: Block | None
    tracking: Block | None
    experiments: tuple[Block, ...]


def build(source: Source) -> View:
    """From the evidence of filter_consistency, where the study has patients or plans it, of tracking_consistency and
    of the experiments."""
    planned = source.plan.analyses
    follows = "tracking_consistency" in planned
    shown = "filter_consistency" in planned or (source.plan.cohort is not None and source.twin.follow is None)
    known = [one for one in _KNOWN if one[0] in planned]
    experiments = tuple(block(source, name, tables=tables, section="filter") for name, tables in known)
    consistent, tracking = (
        _consistency(source, name) if there else None
        for name, there in (("filter_consistency", shown), ("tracking_consistency", follows))
    )
    return View(consistent, tracking, experiments)


def _consistency(source: Source, name: str) -> Block:
    evidence = source.evidence(name)
    found = evidence.values if evidence else {}
    values = tuple(key for key in (*_REAL, *_COULD, *_DRAWN) if key in found)
    tables = ("decisions", "power", "simulated", "nis", "pit")
    return block(source, name, values, tables, (_figure,), section="filter")


def _figure(ident: str, evidence: Evidence) -> Figure | None:
    pit, nis = evidence.tables.get("pit"), evidence.tables.get("nis")
    if pit is None or nis is None or not pit.rows or not nis.rows:
        return None
    columns = ("patients_of", "earlier_samples", "nis", "bound_low", "bound_high")
    rows = texts_of(nis, columns)
    parts = "; ".join(f"{of}, {count} earlier: {value} ({low} to {high})" for of, count, value, low, high in rows)
    alt = (
        "Histogram of where measured values fell in their forecasts, over the band that chance leaves, and mean "
        f"squared innovations with bounds: {parts}. Over all build patients {spell(evidence, 'nis')}."
    )
    name = "figure-consistency" if evidence.analysis == "filter_consistency" else "figure-tracking-consistency"
    svg = consistency(name, pit, nis, alt)
    caption = "Do measured values fall where the filter expects them, as often as it expects them there?"
    return Figure(name, svg, alt, caption, ident)


SECTION = Section("filter_verification", 9, "Filter verification", build)
