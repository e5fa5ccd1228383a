"""Section 13: when measurements are ordered, and whether that depends on what they would find."""

from __future__ import annotations

from dataclasses import dataclass, replace

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
LABELS = {
    "n_patients": "Patients",
    "n_without": "Patients without any order",
    "n_slots": "Slots",
    "n_left_out": "Slots left out: a driver is not known",
    "n_orders": "Slots with an order",
    "n_separated": "Drivers that alone part orders from all other slots",
    "with_dose": "Slots with an order that have a dose written down",
    "with_dose_all": "The same of all slots",
    "reading_difference": "Mean reading at orders less that of all slots",
    "log_score": "Log score of a slot, patients left out",
    "log_score_constant": "The same by a constant rate",
    "log_score_gain": "Gain over the constant rate",
    "observed_by_predicted": "Orders over predicted ones, patients left out",
    "per_day": "Orders a day, mean over patients",
    "drawn_per_day": "Drawn anew: orders a day",
    "drawn_reading_difference": "Drawn anew: mean reading at orders less that of all slots",
    "n_within_per_day": "Patients whose orders a day lie within 90 % of those drawn",
    "n_within_reading": "Patients whose readings at orders lie within 90 % of those drawn",
}


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
    values = tuple(key for key in LABELS if key in found)
    tables = ("informative", "drivers", "calibration", "patients")
    made = block(
        source, "care_process", values, tables, (_figure,), section="missingness", omit=set(found) - set(values)
    )
    named = zip(made.estimates, values, strict=False)
    return View(replace(made, estimates=tuple(replace(one, label=LABELS[key]) for one, key in named)), MEANINGS)


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
