"""How far does a conclusion move with what orders are assumed to know of the state, and where does it flip?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from vvuq.analyses import analysis, evidence
from vvuq.analyses.missingness.orders_seen import (
    THREADS,
    Fitted,
    above,
    fit_both,
    fit_table,
    follow,
    own_state,
    process_of,
)
from vvuq.analyses.missingness.units import per
from vvuq.analyses.settings import Count, Finite, Name, Positive, Whole, refused
from vvuq.analyses.slotted import build_records, persons
from vvuq.calibration.orders import Decided, OrdersFit, decided, fit_orders
from vvuq.calibration.slots import space_of
from vvuq.data.missingness.care import CareProcess
from vvuq.methods.jackknife import ratio, t_quantity
from vvuq.models.twin import Twin
from vvuq.record import Cell, Context, Evidence, Quantity, Table

PERCENT = 100.0
REJECTED = 1.9207294103470637  # below the best: half of the 95 % quantile of chi-squared with 1 degree of freedom
UNTESTABLE = (
    "The mechanism is an assumption: which values orders kept back is not in these data, so that no test on them can "
    "tell one slope from another without believing in the normal shapes that the twin gives to what was not seen."
)
Grid = Annotated[list[Finite], Field(min_length=3)]


def _metrics(twin: Twin, settings: Mapping[str, Any]) -> dict[str, str]:
    process = process_of(twin, settings["channel"], "orders_sensitivity.channel")
    state = own_state(twin, process)
    out = dict.fromkeys(("n_persons", "n_slots", "n_orders", "n_not_converged", "log_likelihood_gain", "n_flips"), "1")
    out |= dict.fromkeys(("share_naive", "share_aware", "band_low", "band_high", "assumed_low", "assumed_high"), "%")
    return out | {f"slope_{state}": per(twin.model.states[state]), "n_delta_flips": "1"}


@analysis(
    "How far does a conclusion move with what orders are assumed to know of the state, and where does it flip?",
    suite="missingness",
    metrics=_metrics,
)
def orders_sensitivity(
    twin: Twin, context: Context, *, channel: Name, threshold: Positive, at_most: Positive, slopes: Grid, deltas: Grid,
    iterations: Count = 60, most: Whole = 0,
) -> Evidence:  # fmt: skip
    """The conclusion is that at most `at_most` % of all slots of build patients have the channel's state above
    `threshold` (of the record's unit), measured or not. It is told by the twin of values alone, by the one whose
    slope is fitted, and for each of `slopes` with all other numbers fitted anew; and, as delta adjustment, with the
    state `deltas` higher than the twin of values alone takes it for wherever it was not measured."""
    process = process_of(twin, channel, "orders_sensitivity.channel")
    _check(slopes, deltas)
    records = build_records(twin, context, most)
    data, limit = decided(twin, records, process), _limit(twin, channel, threshold)
    fitted = fit_both(twin, records, process, iterations)
    asked = _Asked(twin, data, limit, own_state(twin, process), at_most)
    courses = _courses(asked, fitted, [*slopes, 0.0], iterations)
    adjusted = [(delta, _share(asked, fitted.naive, delta)) for delta in sorted({*deltas, 0.0})]
    values = _values(asked, fitted, courses, adjusted)
    inputs: dict[str, object] = {
        "cohort": context.build().digest, "channel": channel, "threshold": threshold, "at_most": at_most,
        "slopes": list(slopes), "deltas": list(deltas), "iterations": iterations, "most": most,
    }  # fmt: skip
    flips = _flips([one.slope for one in courses], [one.share.value for one in courses], at_most)
    turned = _flips([delta for delta, _ in adjusted], [share.value for _, share in adjusted], at_most)
    tables = {
        "profile": _profile(asked, courses), "delta": _deltas(asked, adjusted), "fit": fit_table(fitted),
        "tipping": _tipping(asked, flips, turned),
    }  # fmt: skip
    return evidence(
        orders_sensitivity, twin.name, inputs, values=values, tables=tables,
        findings=_findings(asked, values, flips, turned, threshold), negative=_negative(asked, values, flips, courses),
    )  # fmt: skip


@dataclass(frozen=True, eq=False, slots=True)
class _Asked:
    """What is asked of which records: the share of slots with the state above a limit, and what it may be at most."""

    twin: Twin
    data: Sequence[Decided]
    limit: float
    state: str
    at_most: float


@dataclass(frozen=True, eq=False, slots=True)
class _Course:
    """One assumed slope: the fit with it, its log-likelihood below the best, the share, the mean of the level."""

    slope: float
    below: float
    share: Quantity
    level: float
    converged: bool


def _check(slopes: Sequence[float], deltas: Sequence[float]) -> None:
    for name, given in (("slopes", slopes), ("deltas", deltas)):
        if any(b <= a for a, b in zip(given, given[1:], strict=False)):
            raise refused(f"orders_sensitivity.{name}", list(given), "values that ascend")


def _limit(twin: Twin, channel: str, threshold: float) -> float:
    """The threshold on the scale of the state."""
    found = next(one for one in space_of(twin).channels if one.observable == channel)
    return float(np.log(threshold)) if found.log else threshold


def _share(asked: _Asked, fit: OrdersFit, delta: float = 0.0) -> Quantity:
    """The share of slots above the limit by a fit's beliefs after each slot, with a 95 % interval over persons, the fit
    taken as known. delta: added to the state where the channel was not measured."""
    names = list(asked.twin.model.states)
    row, channel = names.index(asked.state), asked.twin.model.observable_index(fit.process.routine.observable)
    followed = follow(asked.twin, fit, asked.data)
    mean, variance = followed.beliefs.mean[:, row].copy(), followed.beliefs.covariance[:, row, row]
    mean[np.isnan(followed.records.values[:, channel])] += delta
    chance, ends = above(mean, variance, asked.limit), followed.records.first
    known = {person: i for i, person in enumerate(persons([one.slots for one in asked.data]))}
    sums = np.zeros((2, len(known)))
    for one, a, b in zip(asked.data, ends, ends[1:], strict=False):
        sums[:, known[one.slots.group]] += chance[a:b].sum(), b - a
    value, error = ratio(sums[0][:, None], sums[1][:, None])
    return t_quantity(PERCENT * float(value[0]), PERCENT * float(error[0]), "%", len(known), low=0.0, high=PERCENT)


def _courses(asked: _Asked, fitted: Fitted, slopes: Sequence[float], iterations: int) -> list[_Course]:
    """The fitted slope and each assumed one, in their order; fits go outwards, begun where the neighbour's ended."""
    best = dict(fitted.aware.process.slopes)[asked.state]
    found: dict[float, OrdersFit] = {best: fitted.aware}
    for side in (sorted({s for s in slopes if s > best}), sorted({s for s in slopes if s < best}, reverse=True)):
        start = fitted.aware
        for slope in side:
            start = fit_orders(
                asked.twin, start.candidate, asked.data, _with(start.process, asked.state, slope),
                hold={asked.state: slope}, iterations=iterations, threads=THREADS,
            )  # fmt: skip
            found[slope] = start
    top = max(fit.log_likelihood for fit in found.values())
    return [_course(asked, found[slope], slope, top) for slope in sorted(found)]


def _with(process: CareProcess, state: str, slope: float) -> CareProcess:
    return replace(process, slopes=tuple((name, slope if name == state else s) for name, s in process.slopes))


def _course(asked: _Asked, fit: OrdersFit, slope: float, top: float) -> _Course:
    level = fit.candidate.level[space_of(asked.twin).levels[asked.state]][0]
    share = _share(asked, fit)
    return _Course(slope, top - fit.log_likelihood, share, level, fit.converged)


def _values(
    asked: _Asked, fitted: Fitted, courses: Sequence[_Course], adjusted: Sequence[tuple[float, Quantity]]
) -> dict[str, Quantity]:
    state = asked.state
    groups, unit = fitted.aware.groups, per(asked.twin.model.states[state])
    best = dict(fitted.aware.process.slopes)[state]
    low, high = _interval(courses, best)
    shares = [_share(asked, fitted.naive), _share(asked, fitted.aware)]
    every = [one.share.value for one in courses]
    ends = np.interp([low, high], [one.slope for one in courses], every).tolist()
    band = [*ends, shares[1].value, *(one.share.value for one in courses if low <= one.slope <= high)]
    ended = [fitted.naive.converged, *(one.converged for one in courses)]
    lost = ended.count(False)
    flips = _flips([one.slope for one in courses], every, asked.at_most)
    turned = _flips([delta for delta, _ in adjusted], [share.value for _, share in adjusted], asked.at_most)
    slots = sum(one.slots.times.size for one in asked.data)
    channel = asked.twin.model.observable_index(fitted.aware.process.routine.observable)
    orders = sum(int(one.slots.measured[:, channel].sum()) for one in asked.data)
    counted = {
        "n_persons": groups, "n_slots": slots, "n_orders": orders, "n_not_converged": lost, "n_flips": len(flips),
        "n_delta_flips": len(turned), "log_likelihood_gain": fitted.aware.log_likelihood - fitted.naive.log_likelihood,
    }  # fmt: skip
    values = {name: Quantity(float(value), "1") for name, value in counted.items()}
    values |= {"share_naive": shares[0], "share_aware": shares[1]}
    bounds = {"band_low": min(band), "band_high": max(band), "assumed_low": min(every), "assumed_high": max(every)}
    values |= {name: Quantity(value, "%", n=groups) for name, value in bounds.items()}
    values[f"slope_{state}"] = Quantity(best, unit, low, high, 0.95, kind="epistemic", n=groups)
    return values


def _interval(courses: Sequence[_Course], best: float) -> tuple[float, float]:
    """The 95 % interval of the slope by the profile of the likelihood, between neighbours in a straight line; an end of
    the grid where the likelihood does not reject it."""
    ends = []
    for side in ([c for c in reversed(courses) if c.slope < best], [c for c in courses if c.slope > best]):
        at, below, end = best, 0.0, side[-1].slope if side else best
        for one in side:
            if one.below > REJECTED:
                end = at + (one.slope - at) * (REJECTED - below) / (one.below - below)
                break
            at, below = one.slope, one.below
        ends.append(float(end))
    return ends[0], ends[1]


def _flips(at: Sequence[float], shares: Sequence[float], at_most: float) -> list[float]:
    """Where a course crosses the criterion, between neighbours in a straight line."""
    out = []
    for a, b, p, q in zip(at, at[1:], shares, shares[1:], strict=False):
        if (p <= at_most) != (q <= at_most):
            out.append(a + (b - a) * (at_most - p) / (q - p))
    return out


def _profile(asked: _Asked, courses: Sequence[_Course]) -> Table:
    rows: list[tuple[Cell, ...]] = [
        (one.slope, -one.below, one.share.value, one.share.low, one.share.high, one.level,
         one.share.value <= asked.at_most)
        for one in courses
    ]  # fmt: skip
    columns = ("slope", "log_likelihood", "share", "share_low", "share_high", "level", "holds")
    unit = asked.twin.model.states[asked.state]
    units = (per(unit), "1", "%", "%", "%", unit, "")
    title = f"By the slope that orders are assumed to have on {asked.state}, all other numbers fitted anew"
    return Table(title, columns, units, tuple(rows))


def _deltas(asked: _Asked, adjusted: Sequence[tuple[float, Quantity]]) -> Table:
    rows: list[tuple[Cell, ...]] = [
        (delta, share.value, share.low, share.high, share.value <= asked.at_most) for delta, share in adjusted
    ]
    unit = asked.twin.model.states[asked.state]
    title = f"Delta adjustment: {asked.state} so much higher, wherever it was not measured, than values alone say"
    return Table(title, ("delta", "share", "share_low", "share_high", "holds"), (unit, "%", "%", "%", ""), tuple(rows))


def _tipping(asked: _Asked, flips: Sequence[float], turned: Sequence[float]) -> Table:
    unit = asked.twin.model.states[asked.state]
    rows: list[tuple[Cell, ...]] = [(f"slope of orders on {asked.state}", per(unit), at) for at in flips]
    rows += [(f"{asked.state} where it was not measured, by", unit, at) for at in turned]
    if not flips:
        rows.append((f"slope of orders on {asked.state}", per(unit), None))
    if not turned:
        rows.append((f"{asked.state} where it was not measured, by", unit, None))
    title = f"Where the conclusion, at most {asked.at_most:g} % of slots above, flips; none: nowhere on the grid"
    return Table(title, ("what", "unit", "tips_at"), ("", "", ""), tuple(rows))


def _findings(
    asked: _Asked, values: Mapping[str, Quantity], flips: Sequence[float], turned: Sequence[float], threshold: float
) -> tuple[str, ...]:
    slope = values[f"slope_{asked.state}"]
    told = ", ".join(f"{at:.2g}" for at in flips) or "nowhere on the grid"
    moved = ", ".join(f"{at:+.2g}" for at in turned) or "nowhere on the grid"
    shares = (
        f"Slots with {asked.state} above {threshold:g}: {values['share_naive'].value:.1f} % by values alone, "
        f"{values['share_aware'].value:.1f} % with the fitted slope, {values['band_low'].value:.1f} to "
        f"{values['band_high'].value:.1f} % over the 95 % interval of that slope, "
        f"{values['assumed_low'].value:.1f} to {values['assumed_high'].value:.1f} % over all that were assumed."
    )
    tips = (
        f"The conclusion that it is at most {asked.at_most:g} % tips at a slope of {told}, and, as delta adjustment, "
        f"at {moved}."
    )
    ends = f"{slope.low:.2g} to {slope.high:.2g}" if slope.low is not None and slope.high is not None else ""
    likely = f"The likelihood prefers a slope of {slope.value:.2g} (95 % by its profile {ends}), if shapes are normal."
    return shares, tips, likely, UNTESTABLE


def _negative(
    asked: _Asked, values: Mapping[str, Quantity], flips: Sequence[float], courses: Sequence[_Course]
) -> tuple[str, ...]:
    out = [
        f"The likelihood does not reject {one.slope:.2g}, the {which} slope assumed: the interval is cut there."
        for one, which in ((courses[0], "lowest"), (courses[-1], "highest"))
        if one.below <= REJECTED
    ]
    holds = [values[name].value <= asked.at_most for name in ("share_naive", "share_aware")]
    if holds[0] != holds[1]:
        out.append("The conclusion is not the same by values alone and with the fitted slope.")
    if flips:
        out.append("Within the slopes that were assumed the conclusion flips: it rests on what cannot be tested.")
    slope = values[f"slope_{asked.state}"]
    if slope.low is not None and slope.high is not None and slope.low <= 0.0 <= slope.high:
        out.append("That orders depend on the state beyond the record and the patient's own constant is not shown.")
    if values["n_not_converged"].value:
        out.append(f"{values['n_not_converged'].value:.0f} fits ended by their limit of iterations.")
    return tuple(out)
