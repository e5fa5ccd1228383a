"""When do patients measure by themselves, and does that depend on what they would find?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from vvuq.analyses import analysis, evidence
from vvuq.analyses.missingness.care_report import Seen, findings, negative, tables_of
from vvuq.analyses.missingness.care_seen import beyond, coefficients, difference, left_out, middle, redrawn
from vvuq.analyses.settings import Count
from vvuq.assimilation.care import care_of
from vvuq.calibration.care import Trials, check_trials, fit_trials, trials_of
from vvuq.errors import NotEvaluable
from vvuq.methods.jackknife import jackknife, raised, t_quantity
from vvuq.methods.power import would_be_seen
from vvuq.models.care import Care
from vvuq.models.twin import Twin
from vvuq.models.units import factor
from vvuq.record import Context, Evidence, Floats, Quantity

COUNTS = ("n_patients", "n_without", "n_slots", "n_left_out", "n_orders", "n_separated")
LARGEST = 700.0  # logarithm of an odds ratio: it stays finite


def _metrics(twin: Twin, settings: Mapping[str, Any]) -> dict[str, str]:
    care = care_of(twin)
    unit = unit_of(twin, care)
    out = dict.fromkeys((*COUNTS, "n_within_per_day", "n_within_reading"), "1")
    out |= dict.fromkeys(("log_score", "log_score_constant", "log_score_gain", "observed_by_predicted"), "1")
    out |= {f"odds_{driver.name}": "1" for driver in care.drivers}
    out |= dict.fromkeys(("odds_now", "would_be_seen_now", "odds_now_blind", "would_be_seen_now_blind"), "1")
    out |= {"with_dose": "%", "with_dose_all": "%", "per_day": "1/day", "drawn_per_day": "1/day"}
    return out | {"reading_difference": unit, "drawn_reading_difference": unit}


def unit_of(twin: Twin, care: Care) -> str:
    """The unit of what the care process is shown."""
    return twin.model.observables[twin.model.observable_index(care.shows)].unit


@analysis(
    "When do patients measure by themselves, and does that depend on what they would find?",
    suite="missingness",
    metrics=_metrics,
)
def care_process(twin: Twin, context: Context, *, draws: Count = 100) -> Evidence:
    """The twin's care process fitted to build patients, each of them left out in turn; whether orders depend on the
    state beyond what is on record; and orders drawn anew, `draws` times for each patient."""
    build, care, unit = context.build(), care_of(twin), unit_of(twin, care_of(twin))
    everybody = [trials_of(twin, build, patient) for patient in build.patients]
    check_trials(care, everybody)
    patients = [one for one in everybody if one.times.size]
    measured = [one for one in patients if np.isfinite(difference(one.ordered, one.now))]
    if len(measured) < 2:
        said = f"{len(measured)} of {len(patients)} patients have a {care.orders} in a slot with a reading"
        raise NotEvaluable(f"care_process: {said}; 2 or more are needed, so that one can be left out.")
    day = factor("day", twin.model.time_unit, twin.name) / care.slot
    scored = left_out(care, patients)
    seed = int(context.stream("orders").integers(0, 2**62))
    again = redrawn(care, patients, scored.fits, draws, seed)
    seen = Seen(care, unit, day, fit_trials(care, patients), tuple(patients), scored, again)
    values = _counts(seen, sum(one.left_out for one in everybody)) | _odds(seen) | _scores(seen)
    values |= _informed(seen, measured) | _drawn(seen)
    inputs: dict[str, object] = {"cohort": build.digest, "draws": draws}
    return evidence(
        care_process, twin.name, inputs, values=values, tables=tables_of(seen, values),
        findings=findings(seen, values), negative=negative(seen, values),
    )  # fmt: skip


def _counts(seen: Seen, left: int) -> dict[str, Quantity]:
    events = np.concatenate([one.ordered for one in seen.patients])
    given = np.concatenate([one.given for one in seen.patients])
    without = sum(not one.ordered.any() for one in seen.patients)
    counts = (len(seen.patients), without, events.size, left, int(events.sum()), len(seen.fit.separated))
    values = {key: Quantity(float(count), "1") for key, count in zip(COUNTS, counts, strict=True)}
    values["with_dose"] = Quantity(100.0 * float(given[events > 0.0].mean()), "%", n=len(seen.patients))
    values["with_dose_all"] = Quantity(100.0 * float(given.mean()), "%", n=len(seen.patients))
    return values | {"per_day": _mean(seen.per_day, "1/day", low=0.0)}


def _odds(seen: Seen) -> dict[str, Quantity]:
    numbers, errors = coefficients(seen.care, seen.patients)
    return {
        f"odds_{name}": raised(t_quantity(float(value), float(error), "1", len(seen.patients)))
        for name, value, error in list(zip(seen.care.names, numbers, errors, strict=True))[1:]
    }


def _scores(seen: Seen) -> dict[str, Quantity]:
    scored = seen.scored
    sums = [[one.ordered.sum(), p.sum()] for one, p in zip(seen.patients, scored.chances, strict=True)]
    value, error = jackknife(np.array(sums), lambda rows: np.array([rows[:, 0].sum() / rows[:, 1].sum()]))
    return {
        "log_score": _mean(scored.by_drivers, "1"),
        "log_score_constant": _mean(scored.by_rate, "1"),
        "log_score_gain": _mean(scored.by_drivers - scored.by_rate, "1"),
        "observed_by_predicted": t_quantity(value[0], error[0], "1", len(sums), low=0.0),
    }


def _informed(seen: Seen, measured: Sequence[Trials]) -> dict[str, Quantity]:
    """What readers of orders alone would get wrong, and whether orders know more of the state than the record."""
    moved = np.array([difference(one.ordered, one.now) for one in measured])
    values, n = {"reading_difference": _mean(moved, seen.unit)}, len(measured)
    for key, shown in (("now", True), ("now_blind", False)):
        value, error = beyond(seen.care, measured, with_shown=shown)
        values[f"odds_{key}"] = raised(t_quantity(value, error, "1", n))
        values[f"would_be_seen_{key}"] = raised(Quantity(min(would_be_seen(error, n), LARGEST), "1", n=n))
    return values


def _drawn(seen: Seen) -> dict[str, Quantity]:
    """Orders drawn anew: means over patients with 95 % of the draws, and the patients within 90 % of their own."""
    rates, moved = seen.again.per_slot * seen.day, seen.again.difference
    there = np.array([difference(one.ordered, one.now) for one in seen.patients])
    return {
        "drawn_per_day": _spread(rates.mean(axis=0), "1/day"),
        "drawn_reading_difference": _spread(_nanmean(moved[np.isfinite(there)]), seen.unit),
        "n_within_per_day": Quantity(float(_within(seen.per_day, rates)), "1", n=len(seen.patients)),
        "n_within_reading": Quantity(float(_within(there, moved)), "1", n=int(np.isfinite(there).sum())),
    }


def _within(there: Floats, each: Floats) -> int:
    """Patients (n,) that lie in the middle of their draws (n, members); what is not-a-number lies nowhere."""
    ends = [middle(own) for own in each]
    return sum(low <= value <= high for value, (low, high) in zip(there.tolist(), ends, strict=True))


def _nanmean(each: Floats) -> Floats:
    """Over patients (n, members) -> (members,), of those that have a value; members without any are left out."""
    count = np.isfinite(each).sum(axis=0)
    return np.asarray(np.nansum(each, axis=0)[count > 0] / count[count > 0])


def _spread(each: Floats, unit: str) -> Quantity:
    """The mean of members, with the interval that holds 95 % of them; 0 where no member has a value."""
    if not each.size:
        return Quantity(0.0, unit, n=0)
    low, high = np.quantile(each, (0.025, 0.975))
    lower, upper = np.quantile(each, (0.05, 0.95))
    ends = (float(low), float(high), 0.95, float(lower), float(upper))
    return Quantity(float(each.mean()), unit, *ends, "aleatory", int(each.size))


def _mean(each: Floats, unit: str, low: float = -np.inf) -> Quantity:
    value, error = jackknife(each[:, None], lambda rows: rows.mean(axis=0))
    return t_quantity(value[0], error[0], unit, len(each), low=low)
