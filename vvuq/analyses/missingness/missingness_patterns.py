"""What of the build patients was measured when, in whom not, and does that look like chance?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from vvuq.analyses import analysis, evidence
from vvuq.analyses.missingness.patterns_little import SHIFT, Tested, tested
from vvuq.analyses.missingness.patterns_report import Seen, findings, negative, tables_of
from vvuq.analyses.missingness.patterns_rows import by_groups, by_outcome
from vvuq.analyses.settings import Count, CovariateName, Positive, has_covariate
from vvuq.data.missingness.patterns import OverTime, Presence, Slots, by_time_of_day, pattern_table, presence
from vvuq.errors import NotEvaluable
from vvuq.methods.jackknife import ratio, t_quantity
from vvuq.models.twin import Twin
from vvuq.models.units import factor
from vvuq.record import Cohort, Context, Evidence, Quantity

BINS = 48  # of time in the picture, at most: slots are joined until they are no more
HOURS = 24  # of a day
COUNTS = ("n_patients", "n_channels", "n_slots", "n_associations", "n_associated")
OF_LITTLE = ("little_statistic", "little_df", "little_p", "n_little_rows", "n_little_patterns", "n_little_small")


def _metrics(twin: Twin, settings: Mapping[str, Any]) -> dict[str, str]:
    out = dict.fromkeys((*COUNTS, *OF_LITTLE), "1") | {"little_power": "%", "little_errs": "%"}
    for name in recorded(twin):
        out |= {f"slots_with_{name}": "%", f"without_{name}": "%", f"per_day_{name}": "1/day"}
        if settings.get("outcome"):
            out |= {f"risk_difference_{name}": "%", f"odds_{name}": "1"}
    return out


@analysis(
    "What is measured when, in whom is it not, and does that look like chance?", suite="missingness", metrics=_metrics
)
def missingness_patterns(
    twin: Twin, context: Context, *, slot: Positive, until: Positive | None = None, pause: Positive | None = None,
    parts: Count = 2, outcome: CovariateName | None = None, midnight: bool = False, repeats: Count = 200,
) -> Evidence:  # fmt: skip
    """Patterns of the build patients in slots of length `slot`, in the twin's unit of time.

    until: all patients are on record from time 0 until then; else each from its first dose or measurement to its last.
    pause: after so long without either a patient is off the record until the next.
    parts: of the time that Little's test looks at, as long as the median record, each with the mean of each channel.
    outcome: a covariate of 0 and 1. midnight: time 0 of the records is midnight. repeats: simulations of power."""
    build = context.build()
    if outcome is not None:
        has_covariate(build, outcome, "missingness_patterns.outcome")
    scale = factor(dict(build.units)["time"], twin.model.time_unit, build.name)
    channels = _channels(twin, build)
    slots = Slots(slot / scale, _in(until, scale), _in(pause, scale))
    there = presence(build, channels, slots)
    seen = Seen(
        twin.model.time_unit, scale, factor("day", twin.model.time_unit, twin.name), there, _joined(there),
        pattern_table(there), by_groups(build, there),
        by_outcome(build, there, outcome) if outcome is not None else (), outcome or "",
        _by_day(build, channels, slots) if midnight else None,
        tested(build, there, parts, repeats, context.stream("power")),
    )  # fmt: skip
    inputs: dict[str, object] = {
        "cohort": build.digest, "slot": slot, "until": until, "pause": pause, "parts": parts, "outcome": outcome or "",
        "midnight": midnight, "repeats": repeats,
    }  # fmt: skip
    values = _values(seen)
    return evidence(
        missingness_patterns, twin.name, inputs, values=values, tables=tables_of(seen),
        findings=findings(seen, values), negative=negative(seen, values),
    )  # fmt: skip


def _in(time: float | None, scale: float) -> float | None:
    """A time of the twin's unit in the cohort's."""
    return None if time is None else time / scale


def _by_day(build: Cohort, channels: tuple[str, ...], slots: Slots) -> OverTime:
    hour = factor("hour", dict(build.units)["time"], build.name)
    return by_time_of_day(presence(build, channels, replace(slots, width=hour, aligned=True)), HOURS)


def recorded(twin: Twin) -> tuple[str, ...]:
    """What the twin's observables are called in a record."""
    if twin.state_space is not None:
        return tuple(channel.record for channel in twin.state_space.channels)
    return tuple(one.name for one in twin.model.observables)


def _channels(twin: Twin, build: Cohort) -> tuple[str, ...]:
    known = {m.observable for patient in build.patients for m in patient.measurements}
    channels = tuple(name for name in recorded(twin) if name in known)
    if not channels:
        raise NotEvaluable(f"missingness_patterns: nothing that {twin.name} observes was measured in a build patient.")
    return channels


def _joined(there: Presence) -> Presence:
    """The same in slots joined until there are BINS of them at most."""
    m = there.on_record.shape[1]
    k = -(-m // BINS)
    more = -m % k
    counts = np.pad(there.counts, ((0, 0), (0, more), (0, 0)))
    on = np.pad(there.on_record, ((0, 0), (0, more)))
    n, whole, c = counts.shape
    return replace(
        there, width=k * there.width, counts=counts.reshape(n, whole // k, k, c).sum(axis=2),
        on_record=np.asarray(on.reshape(n, whole // k, k).any(axis=2)),
    )  # fmt: skip


def _values(seen: Seen) -> dict[str, Quantity]:
    there, n = seen.there, len(seen.there.on_record)
    apart = sum(one.apart for one in seen.groups)
    counts = (n, len(there.channels), int(there.on_record.sum()), len(seen.groups), apart)
    values = {key: Quantity(float(count), "1") for key, count in zip(COUNTS, counts, strict=True)}
    on = there.on_record[:, :, None].astype(float)
    slots = np.repeat(on.sum(axis=1), len(there.channels), axis=1)
    share, share_error = ratio((there.measured * on).sum(axis=1), slots)
    own = (there.counts * on).sum(axis=1) / (slots * there.width * seen.scale) * seen.day
    for j, name in enumerate(there.channels):
        measured = t_quantity(100.0 * share[j], 100.0 * share_error[j], "%", n, low=0.0, high=100.0)
        never = 100.0 * float((own[:, j] == 0.0).mean())
        error = float(own[:, j].std(ddof=1) / np.sqrt(n)) if n > 1 else float("nan")
        values |= {
            f"slots_with_{name}": measured,
            f"without_{name}": Quantity(never, "%", n=n),
            f"per_day_{name}": t_quantity(float(own[:, j].mean()), error, "1/day", n, low=0.0),
        }
    for two in seen.outcomes:
        if two.difference is not None and two.odds is not None:
            values |= {f"risk_difference_{two.channel}": two.difference, f"odds_{two.channel}": two.odds}
    return values | _of_little(seen.test)


def _of_little(test: Tested) -> dict[str, Quantity]:
    found = test.found
    if found is None:
        return {}
    rows = sum(one.rows for one in found.patterns)
    numbers = (found.statistic, found.df, found.p_value, rows, len(found.patterns), found.small)
    values = {key: Quantity(float(v), "1") for key, v in zip(OF_LITTLE, numbers, strict=True)}
    for key, size in (("little_power", SHIFT), ("little_errs", 0.0)):
        hits = test.rejected[test.sizes.index(size)]
        values[key] = test.share(hits)
    return values
