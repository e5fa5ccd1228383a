"""Shared by `utility` and its report: what acting by each forecaster's probability did, patient by patient."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from vvuq.analyses.validation.forecasts import COLUMN, Scored
from vvuq.errors import NotEvaluable
from vvuq.interaction.forecaster import AHEAD, readings
from vvuq.methods.decisions import benefit, lead_times, onsets, raised
from vvuq.record import Cohort, Floats, Patient

PERCENT = tuple(range(5, 65, 5))  # thresholds of the decision curve
DAY, APART, EARLY = 1440.0, 60.0, 30.0  # minutes: of a day, without a low before a new one, that a warning needs
Counts = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Rule:
    """Who prompts when: from the probability `operating` on, for a reading below `threshold` within three hours; looked
    at every `stride` minutes; silent for `quiet` minutes after a prompt."""

    operating: float
    threshold: float
    stride: float
    quiet: float


@dataclass(frozen=True, slots=True)
class Prompted:
    """By patient the counts that hold for every forecaster, and by forecaster and patient those of its prompts.

    Shares are of the moments at which the reading was not low; `low_now` counts the others."""

    rule: Rule
    base: Mapping[str, Counts]
    by: Mapping[str, Mapping[str, Counts]]


def counted(found: Scored, cohort: Cohort, rule: Rule) -> Prompted:
    """The counts of all patients who have a moment without a low reading. Raises NotEvaluable with fewer than 2."""
    base: dict[str, Counts] = {}
    by: dict[str, dict[str, Counts]] = {name: {} for name in found.rows}
    for patient in cohort.patients:
        if patient.id not in found.origins:
            continue
        rows = {name: patients[patient.id] for name, patients in found.rows.items()}
        times, one = found.origins[patient.id], next(iter(rows.values()))
        new = one[:, COLUMN["low_now"]] == 0.0
        if not new.any():
            continue
        event = one[new, COLUMN["event"]]
        begins, lows = _lows(patient, rule)
        base[patient.id] = _base(event, int((~new).sum()), rule)
        for name, mine in rows.items():
            chance = mine[new, COLUMN["probability"]]
            by[name][patient.id] = _by(chance, event, times[new], begins, lows, rule)
    if len(base) < 2:
        raise NotEvaluable(f"{len(base)} patients with moments at which the reading is not low: a curve needs 2")
    return Prompted(rule, base, by)


def _lows(patient: Patient, rule: Rule) -> tuple[Floats, Floats]:
    """When lows begin, and all times at which a reading was low."""
    seen = readings(patient)
    return onsets(seen.times, seen.values, rule.threshold, APART), seen.times[seen.values < rule.threshold]


def _base(event: Floats, low_now: int, rule: Rule) -> Counts:
    every = np.ones(event.size, dtype=bool)
    curve = {f"all_{at}": float(benefit(every, event, at / 100.0).mean()) for at in PERCENT}
    out = {"moments": float(event.size), "low_now": float(low_now), "events": float(event.sum())}
    out |= {"prevalence": float(event.mean()), "all": float(benefit(every, event, rule.operating).mean())}
    return out | curve


def _by(chance: Floats, event: Floats, times: Floats, begins: Floats, lows: Floats, rule: Rule) -> Counts:
    """Net benefit at each threshold, and what the prompts at the operating one were worth."""
    out = {f"benefit_{at}": float(benefit(chance >= at / 100.0, event, at / 100.0).mean()) for at in PERCENT}
    acted = chance >= rule.operating
    out["benefit"] = float(benefit(acted, event, rule.operating).mean())
    out |= {"acted": float(acted.mean()), "right": float((acted * event).mean())}
    said = raised(times, acted, rule.quiet)
    out |= {"raised": float(said.sum()), "raised_right": float(event[said].sum()),
            "days": times.size * rule.stride / DAY}  # fmt: skip
    lead = lead_times(begins, times, acted, lows, float(AHEAD[-1]))
    lead = lead[np.isfinite(lead)]
    out |= {"episodes": float(lead.size), "warned": float((lead > 0.0).sum()), "lead": float(lead.sum()),
            "early": float((lead >= EARLY).sum())}  # fmt: skip
    return out
