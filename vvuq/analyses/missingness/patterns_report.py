"""Tables and sentences of the analysis of patterns of missing data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit

from vvuq.analyses.missingness.patterns_little import SHIFT, Tested
from vvuq.analyses.missingness.patterns_rows import FEWEST, Groups, Outcome
from vvuq.data.missingness.patterns import OverTime, Presence, Together, over_time
from vvuq.methods.power import share_bounds
from vvuq.record import Cell, Floats, Quantity, Table

LEVEL = 0.05
ENOUGH = 80.0  # %, of power
SKEWED = 1.0  # of a column: means of small patterns are not near normal then
PERCENT = 100.0


@dataclass(frozen=True, slots=True)
class Seen:
    """What was found. unit: of time, scale: the cohort's time in it; day: a day in it; joined: slots of the picture."""

    unit: str
    scale: float
    day: float
    there: Presence
    joined: Presence
    patterns: tuple[Together, ...]
    groups: tuple[Groups, ...]
    outcomes: tuple[Outcome, ...]
    outcome: str
    by_day: OverTime | None
    test: Tested


def tables_of(seen: Seen) -> dict[str, Table]:
    """Patterns, courses over time, groups of patients, and Little's test; none of single patients."""
    tables = {"patterns": _patterns(seen), "over_time": _over_time(seen)}
    if seen.by_day is not None:
        tables["by_day"] = _by_day(seen, seen.by_day)
    if seen.groups:
        tables["groups"] = _groups(seen)
    if seen.outcomes:
        tables["outcome"] = _outcome(seen)
    if seen.test.columns:
        tables["little_columns"] = _little_columns(seen.test)
    if seen.test.found is not None:
        tables["little_power"] = _little_power(seen.test)
    return tables


def _patterns(seen: Seen) -> Table:
    total = int(seen.there.on_record.sum())
    rows: list[tuple[Cell, ...]] = [
        (_named(seen.there.channels, one.measured), one.slots, PERCENT * one.slots / total, one.patients)
        for one in seen.patterns if one.patients >= FEWEST
    ]  # fmt: skip
    rest = sum(one.slots for one in seen.patterns if one.patients < FEWEST)
    if rest:
        rows.append(("other patterns", rest, PERCENT * rest / total, f"fewer than {FEWEST} each"))
    title = f"What is measured together in slots of {seen.there.width * seen.scale:g} {seen.unit}"
    return Table(title, ("measured", "slots", "share", "patients"), ("", "1", "%", "1"), tuple(rows))


def _named(channels: tuple[str, ...], measured: tuple[bool, ...]) -> str:
    return ", ".join(name for name, there in zip(channels, measured, strict=True) if there) or "nothing"


def _over_time(seen: Seen) -> Table:
    course, width = over_time(seen.joined), seen.joined.width * seen.scale
    edges = width * np.arange(len(course.patients) + 1.0)
    title = f"Since the beginning of the record: patients measured in {width:g} {seen.unit}, and measurements a day"
    return _course(seen, course, edges, title, seen.unit, once=True)


def _by_day(seen: Seen, course: OverTime) -> Table:
    edges = np.linspace(0.0, 24.0, len(course.patients) + 1)
    return _course(
        seen, course, edges, "By time of day: share of slots with a measurement, and measurements a day", "h"
    )


def _course(seen: Seen, course: OverTime, edges: Floats, title: str, unit: str, *, once: bool = False) -> Table:
    """Long: a row for each channel and time; empty where fewer than FEWEST patients are on record."""
    rows: list[tuple[Cell, ...]] = []
    per_day = seen.day / seen.scale
    for j, channel in enumerate(seen.there.channels):
        for k, n in enumerate(course.patients.tolist()):
            share = _ends(course.share[k, j], course.share_error[k, j], PERCENT, n, PERCENT)
            if once and n >= FEWEST:  # of patients that count once each the interval is exact
                share = (share[0], *(PERCENT * end for end in share_bounds(round(n * course.share[k, j]), int(n))))
            rate = _ends(course.rate[k, j], course.rate_error[k, j], per_day, n)
            rows.append((channel, float(edges[k]), float(edges[k + 1]), int(n), *share, *rate))
    columns = ("channel", "from", "to", "on_record", "measured", "measured_low", "measured_high", "per_day",
               "per_day_low", "per_day_high")  # fmt: skip
    return Table(title, columns, ("", unit, unit, "1", *("%",) * 3, *("1/day",) * 3), tuple(rows))


def _ends(value: float, error: float, times: float, n: float, most: float = np.inf) -> tuple[float | None, ...]:
    if n < FEWEST or not np.isfinite(value):
        return None, None, None
    half = float(stdtrit(n - 1.0, 0.975)) * error * times if np.isfinite(error) else float("nan")
    low, high = max(0.0, times * value - half), min(most, times * value + half)
    return (float(times * value), *((float(low), float(high)) if np.isfinite(half) else (None, None)))


def _groups(seen: Seen) -> Table:
    rows = tuple(
        (one.channel, one.covariate, one.limit, *one.patients, *(PERCENT * share for share in one.shares),
         one.odds.value, one.odds.low, one.odds.high) for one in seen.groups
    )  # fmt: skip
    columns = ("channel", "covariate", "above", "patients_above", "patients_rest", "measured_above", "measured_rest",
               "odds", "low", "high")  # fmt: skip
    title = "Slots with a measurement by groups of patients, and the ratio of their odds (95 % intervals over patients)"
    return Table(title, columns, ("", "", "", "1", "1", "%", "%", "1", "1", "1"), rows)


def _outcome(seen: Seen) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for one in seen.outcomes:
        told = one.difference is not None
        risks = [PERCENT * k / n if told else None for k, n in zip(one.events, one.patients, strict=True)]
        found = [(None,) * 3 if q is None else (q.value, q.low, q.high) for q in (one.difference, one.odds)]
        rows.append((one.channel, *one.patients, *risks, *found[0], *found[1]))
    columns = ("channel", "patients_measured", "patients_never", "risk_measured", "risk_never", "risk_difference",
               "risk_low", "risk_high", "odds", "low", "high")  # fmt: skip
    title = f"{seen.outcome} of patients in whom a channel was ever measured, and never (95 % intervals)"
    return Table(title, columns, ("", "1", "1", *("%",) * 5, "1", "1", "1"), tuple(rows))


def _little_columns(test: Tested) -> Table:
    skewness = test.found.skewness.tolist() if test.found is not None else [None] * len(test.columns)
    rows = tuple(
        (name, log, PERCENT * share, value)
        for name, log, share, value in zip(test.columns, test.logs, test.shares, skewness, strict=True)
    )
    title = "Little's test: its columns, a row for each patient"
    return Table(title, ("column", "logarithm", "seen", "skewness"), ("", "", "%", "1"), rows)


def _little_power(test: Tested) -> Table:
    shares = [test.share(hits) for hits in test.rejected]
    rows = tuple((size, q.value, q.low, q.high) for size, q in zip(test.sizes, shares, strict=True))
    title = f"Little's test in simulated patients: how often it rejects, of {test.repeats}"
    return Table(title, ("shift", "rejected", "low", "high"), ("SD", "%", "%", "%"), rows)


def findings(seen: Seen, values: Mapping[str, Quantity]) -> tuple[str, ...]:
    """What a reader must not miss."""
    width = f"{seen.there.width * seen.scale:g} {seen.unit}"
    said = [
        f"{values[f'slots_with_{name}'].value:.0f} % of slots of {width} on record hold a {name}; "
        f"{values[f'without_{name}'].value:.0f} % of patients have none at all."
        for name in seen.there.channels
    ]
    if seen.groups:
        apart = ", ".join(f"{one.channel} by {one.covariate}" for one in seen.groups if one.apart) or "none"
        said.append(
            f"Groups of patients that are measured more or less often, of {len(seen.groups)} compared, of which one in "
            f"twenty would seem so by chance: {apart}."
        )
    return (*said, *_of_little(seen.test))


def _of_little(test: Tested) -> tuple[str, ...]:
    found = test.found
    if found is None:
        return (test.why,)
    odd = [name for name, value in zip(test.columns, found.skewness.tolist(), strict=True) if abs(value) > SKEWED]
    normal = f" Skewed, against its assumption: {', '.join(odd)}." if odd else ""
    few = f" Patients in patterns with no more patients than columns: {found.small}." if found.small else ""
    errs = test.share(test.rejected[test.sizes.index(0.0)])
    if errs.low is not None and errs.low > PERCENT * LEVEL:
        few += f" In cohorts as small as this it rejects in {errs.value:.0f} % where there is nothing to find."
    if found.p_value <= LEVEL:
        return (f"Little's test rejects that values are missing completely at random.{normal}{few}",)
    share = test.share(test.rejected[test.sizes.index(SHIFT)]).value
    weak = "" if share >= ENOUGH else " So that it does not reject says little."
    told = f"it would find a shift of {SHIFT:g} SD in {share:.0f} % of cohorts like this.{weak}{normal}{few}"
    kept = f"Little's test does not reject that values are missing completely at random (p = {found.p_value:.2g})"
    return (f"{kept}; {told}",)


def negative(seen: Seen, values: Mapping[str, Quantity]) -> tuple[str, ...]:
    """What speaks against taking what was measured for all there was."""
    found, said = seen.test.found, []
    if found is not None and found.p_value <= LEVEL:
        said.append(
            f"Values are not missing completely at random (Little's test, p = {found.p_value:.2g}): means of measured "
            "values are not those of all patients."
        )
    for one in seen.outcomes:
        q = one.difference
        if q is not None and q.low is not None and q.high is not None and not q.low <= 0.0 <= q.high:
            measured, never = (PERCENT * k / n for k, n in zip(one.events, one.patients, strict=True))
            said.append(
                f"That {one.channel} was measured tells of {seen.outcome}: {measured:.1f} % where it was, "
                f"{never:.1f} % where it never was ({q.value:.1f} more, 95 % interval {q.low:.1f} to {q.high:.1f})."
            )
    return tuple(said)
