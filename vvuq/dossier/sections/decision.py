"""Section 18: what acting on the twin's probability would gain, and what it says that other actions would change."""

from __future__ import annotations

from dataclasses import dataclass

from vvuq.dossier.block import block
from vvuq.dossier.figures.decision import changes, decision_curve
from vvuq.dossier.quote import grid
from vvuq.dossier.source import Source, Stored, spell, texts_of
from vvuq.dossier.view import Block, Figure, Grid, Section
from vvuq.record import Evidence

PARTS = ("utility", "what_if")
NET_BENEFIT = (
    "right prompts less needless ones, per moment; a needless one weighs as much as the threshold's odds say: at 20 % "
    "a quarter of a right one. Never to prompt gains 0."
)
MEANINGS = (
    ("Net benefit", NET_BENEFIT),
    ("Threshold", "the probability from which it prompts: the lower it is, the more needless prompts are borne."),
    ("Predictive value", "share of the moments above the threshold that are followed by the event."),
    ("Lead time", "from the first prompt in the 3 h before a low to its first reading; the more prompts, the longer."),
    ("Paired", "both forecasts use the same random numbers, so that their difference is what the action does."),
)
_COUNTS = ("n_patients", "n_moments", "n_origins", "n_low_now", "n_events", "n_episodes", "prevalence", "n_food",
           "n_bolus", "n_bolus_prompted", "n_known_food", "n_known_bolus", "n_not_forecast", "n_wrong_way_food",
           "n_wrong_way_bolus", "n_leaked")  # fmt: skip
_CURVE = ("threshold", "forecaster", "net_benefit", "low", "high", "over_always", "over_persistence",
          "persistence_low", "persistence_high")  # fmt: skip
_PROMPTS = {
    "Prompts at the operating threshold": ("prompts_per_day", "prompts_right", "predictive_value"),
    "What they catch": ("sensitivity", "specificity"),
    "How early they come": ("warned", "warned_30", "lead_time"),
}


@dataclass(frozen=True, slots=True)
class View:
    """The analyses that the plan names."""

    blocks: tuple[Block, ...]
    meanings: tuple[tuple[str, str], ...]


def build(source: Source) -> View:
    """From the evidence of utility and what_if."""
    return View(tuple(_block(source, name) for name in PARTS if name in source.plan.analyses), MEANINGS)


def _block(source: Source, name: str) -> Block:
    record = source.current.get(name)
    found = record.evidence if record else None
    values = tuple(key for key in _COUNTS if found and key in found.values)
    omit = {*(found.values if found else ()), "decision_curve", "gains", "prompts"}
    draw = (_curve, _changes)
    tables: tuple[str | Grid, ...] = (*_grids(record), "changes", "events", "known")
    return block(source, name, values, tables, draw, section="decision", omit=omit)


def _grids(record: Stored | None) -> list[Grid]:
    if record is None or record.evidence.analysis != "utility":
        return []
    of = " (95 % intervals over patients)"
    made = [grid(record, "gains", f"Net benefit by threshold{of}", _CURVE)]
    for title, names in _PROMPTS.items():
        columns = ("forecaster", *(part for one in names for part in (one, f"{one}_low", f"{one}_high")))
        made.append(grid(record, "prompts", f"{title}{of}", columns))
    return [one for one in made if one]


def _curve(ident: str, evidence: Evidence) -> Figure | None:
    table = evidence.tables.get("decision_curve")
    if table is None or not table.rows:
        return None
    operating = 100.0 * float(evidence.inputs["operating"])
    rows = texts_of(table, ("forecaster", "threshold", "net_benefit"))
    parts = [f"{who} at {at} %: {gained}" for who, at, gained in rows]
    alt = f"Net benefit by threshold, and over persistence with intervals over patients: {'; '.join(parts)}."
    caption = f"What is gained by prompting from a probability on? Dashed: the plan's threshold, {operating:g} %"
    return Figure("figure-decision-curve", decision_curve("figure-decision-curve", table, operating, alt), alt, caption,
                  ident)  # fmt: skip


def _changes(ident: str, evidence: Evidence) -> Figure | None:
    table, known = evidence.tables.get("changes"), evidence.tables.get("known")
    if table is None or known is None or not table.rows:
        return None
    parts = [f"{what} at {h} min {moved}" for what, h, moved in texts_of(table, ("action", "ahead", "change"))]
    gains = [f"{what} at {h} min {gain}" for what, h, gain in texts_of(known, ("recorded", "ahead", "gain"))]
    alt = (
        f"Change of glucose by the model: {'; '.join(parts)}. Patients: {spell(evidence, 'n_patients')}. CRPS less by "
        f"knowing of a dose: {'; '.join(gains)}."
    )
    caption = "Left: what the model says an action changes (thin: 90 % of members). Right: what can be tested of it"
    return Figure("figure-changes", changes("figure-changes", table, known, alt), alt, caption, ident)


SECTION = Section("decision", 18, "Effect on the decision", build)
