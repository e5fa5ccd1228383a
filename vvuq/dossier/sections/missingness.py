"""Section 13: when measurements are ordered, and whether that depends on what they would find."""

from __future__ import annotations

from dataclasses import dataclass

from vvuq.dossier.block import block
from vvuq.dossier.figures.care import care
from vvuq.dossier.numbers import MISSING
from vvuq.dossier.source import Source, spell, texts_of
from vvuq.dossier.view import Block, Figure, Section
from vvuq.record import Evidence

MEANINGS = (
    ("Slot", "a time, as long as the sensor's interval, in which something is ordered or not."),
    ("Driver", "what of the record before a slot makes an order in it more or less likely."),
    ("Log score", "logarithm of the probability that was given to what happened, mean over slots: 0 is best."),
    (
        "Missing at random",
        "given the record, orders do not depend on what they would find: then one may pass over why they were given.",
    ),
)
_VALUES = (
    "n_patients", "n_without", "n_slots", "n_left_out", "n_orders", "n_separated", "with_dose", "with_dose_all",
    "reading_difference", "log_score", "log_score_constant", "log_score_gain", "observed_by_predicted", "per_day",
    "drawn_per_day", "drawn_reading_difference", "n_within_per_day", "n_within_reading",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class View:
    """The analysis of the care process, where the plan names it."""

    block: Block | None
    meanings: tuple[tuple[str, str], ...]


def build(source: Source) -> View:
    """From the evidence of care_process; its odds stand in its tables."""
    if "care_process" not in source.plan.analyses:
        return View(None, MEANINGS)
    evidence = source.evidence("care_process")
    found = evidence.values if evidence else {}
    values = tuple(key for key in _VALUES if key in found)
    tables = ("informative", "drivers", "calibration", "patients")
    omit = set(found) - set(values)
    made = block(source, "care_process", values, tables, (_figure,), section="missingness", omit=omit)
    return View(made, MEANINGS)


def _figure(ident: str, evidence: Evidence) -> Figure | None:
    drivers, groups = evidence.tables.get("drivers"), evidence.tables.get("calibration")
    if drivers is None or groups is None or not drivers.rows or not groups.rows:
        return None
    odds = [
        f"{name} {value}" + ("" if MISSING in (low, high) else f" ({low} to {high})")
        for name, value, low, high in texts_of(drivers, ("driver", "odds", "low", "high"))
    ]
    odds.append(f"the slot's own reading {spell(evidence, 'odds_now')}")
    shares = [f"{p} % predicted, {there} % observed in {n} slots" for p, there, n in
              texts_of(groups, ("predicted", "observed", "slots"))]  # fmt: skip
    alt = f"Odds ratios with 95 % intervals: {'; '.join(odds)}. Probability of an order: {'; '.join(shares)}."
    caption = "Left: what makes an order likely (square: the reading that it would find). Right: patients left out"
    svg = care("figure-care", drivers, evidence.values.get("odds_now"), groups, alt)
    return Figure("figure-care", svg, alt, caption, ident)


SECTION = Section("missingness", 13, "Missing data: when measurements are ordered", build)
