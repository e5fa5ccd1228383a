"""A study's twin at the bedside of one of its build patients: forecast and what-if, as the command line asks for them.

The population is fitted to the other build patients, so that what is told of this one was not fitted to them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from vvuq.calibration.tracking import Tracking, declared, followed
from vvuq.data.split import subset
from vvuq.errors import InputError, near
from vvuq.evidence.freshness import lock_digest
from vvuq.interaction.patient import (
    AS_RECORDED,
    Actions,
    Followed,
    assimilate,
    forecast,
    probability_below,
    readings_of,
    what_if,
)
from vvuq.interaction.personal import Personal
from vvuq.methods.samples import central
from vvuq.models.twin import Twin
from vvuq.models.units import factor
from vvuq.numerics.streams import Draws
from vvuq.record import Cohort, Dose, Floats, Patient
from vvuq.run.fits import fit_file, keep_fit, kept_fit
from vvuq.run.study import Study

LEVEL, FEWEST = 0.9, 20
_WHERE = "command line"
_CLOCK = re.compile(r"(\d+)(?:d| +)(\d{1,2}):(\d\d)")


@dataclass(frozen=True)
class Bedside:
    """A patient as followed until `origin` (in the model's time) and on, the draws of their own, and what is asked:
    times `ahead`, `members` of a forecast, the event of a reading below `below`, what is done other than on record.
    population: whom the fit has seen."""

    followed: Followed
    origin: float
    ahead: Floats
    members: int
    below: float
    draws: Draws
    population: str
    actions: Actions = AS_RECORDED


def bedside(
    study: Study,
    patient: str,
    at: str,
    *,
    ahead: float = 180.0,
    members: int = 500,
    below: float = 70.0,
    short: bool = False,
    give: Sequence[str] = (),
    withhold: Sequence[str] = (),
    progress: Callable[[str], None] = lambda line: None,
) -> Bedside:
    """The patient at the time `at`: a number in the cohort's time unit, or 2d14:30 for the third day of the record.

    ahead: in the model's time unit; short: with the shorter fit; give: for example "carbohydrate 20 g"; withhold: kinds
    recorded at that very time. Raises InputError for a patient that there is not, or who is held out, for a time
    outside of the record or without readings, for what cannot be given or withheld, and for a twin that follows
    nobody."""
    twin = study.twin()
    follow = followed(twin)
    build, sealed = study.parts()
    one = _patient(build, sealed, patient)
    if members < FEWEST:
        raise InputError(_WHERE, "--members", members, f"{FEWEST} or more")
    times = np.arange(1.0, ahead / follow.step + 1e-9) * follow.step if ahead < float("inf") else np.zeros(0)
    if not times.size:
        raise InputError(_WHERE, "--ahead", ahead, f"{follow.step:g} {twin.model.time_unit} or more")
    per = factor(dict(build.units)["time"], twin.model.time_unit, build.name)
    origin = _origin(twin, build, one, at, per)
    doses = tuple(_dose(build, origin / per, text) for text in give)
    for kind in withhold:
        _check_recorded(build, one, origin / per, kind)
    own, known, population = _population(study, build, patient, short, progress)
    return Bedside(
        assimilate(own, known, build, one), origin, times, members, below, Draws(study.plan.seed, "bedside", patient),
        population, Actions(doses, tuple(withhold)),
    )  # fmt: skip


def forecast_at(bed: Bedside) -> dict[str, Any]:
    """The forecast by time: median and 90 % interval of a reading, and the probability of one below by then."""
    found = forecast(bed.followed, bed.origin, bed.ahead, members=bed.members, draws=bed.draws)
    seen = readings_of(bed.followed, bed.origin, found, bed.draws)
    low, high = central(seen, LEVEL)
    rows = [
        {
            "ahead": float(ahead), "median": float(np.median(seen[i])), "low": float(low[i]), "high": float(high[i]),
            "below_by_then": probability_below(seen[: i + 1], bed.below),
        }
        for i, ahead in enumerate(bed.ahead)
    ]  # fmt: skip
    return _said(bed) | {"rows": rows, "probability_below": probability_below(seen, bed.below)}


def what_if_at(bed: Bedside) -> dict[str, Any]:
    """Both forecasts by time, on the same random numbers, and the change with its 90 % interval. Raises InputError
    where nothing is done other than on record."""
    actions, units = bed.actions, dict(bed.followed.cohort.units)
    if actions == AS_RECORDED:
        raise InputError(_WHERE, "--give, --withhold", None, "at least one of them: what is done other than on record")
    pair = what_if(bed.followed, bed.origin, bed.ahead, actions, members=bed.members, draws=bed.draws)
    moved = pair.difference()
    low, high = central(moved, LEVEL)
    before, after = (readings_of(bed.followed, bed.origin, one, bed.draws) for one in (pair.recorded, pair.changed))
    rows = [
        {
            "ahead": float(ahead), "recorded": float(np.median(before[i])), "changed": float(np.median(after[i])),
            "change": float(moved[i].mean()), "low": float(low[i]), "high": float(high[i]),
        }
        for i, ahead in enumerate(bed.ahead)
    ]  # fmt: skip
    chances = (probability_below(one, bed.below) for one in (before, after))
    names = ("probability_below_recorded", "probability_below_changed")
    given = [f"{dose.what} {dose.amount:g} {units[dose.what]}" for dose in actions.give]
    done = {"give": given, "withhold": list(actions.withhold), "rows": rows}
    return _said(bed) | done | dict(zip(names, chances, strict=True))


def _said(bed: Bedside) -> dict[str, Any]:
    """What both say of the moment."""
    follow, cohort = followed(bed.followed.twin), bed.followed.cohort
    now = bed.origin / factor(dict(cohort.units)["time"], bed.followed.twin.model.time_unit)
    last = [m for m in bed.followed.patient.measurements if m.observable == follow.observable and m.time <= now][-1]
    return {
        "patient": bed.followed.patient.id, "at": now, "clock": clock(now, cohort), "reading": last.value,
        "reading_at": clock(last.time, cohort), "unit": dict(cohort.units)[follow.observable],
        "time_unit": bed.followed.twin.model.time_unit, "members": bed.members, "below": bed.below,
        "population": bed.population, "twin": bed.followed.twin.name,
    }  # fmt: skip


def clock(time: float, cohort: Cohort) -> str:
    """A time of the cohort as 2d14:30, counted from its time 0, a midnight where the reader says so."""
    minutes = time * factor(dict(cohort.units)["time"], "min", cohort.name)
    day, rest = divmod(minutes, 1440.0)
    return f"{int(day)}d{int(rest // 60):02d}:{rest % 60:04.1f}".removesuffix(".0")


def _patient(build: Cohort, sealed: Cohort, name: str) -> Patient:
    known = {p.id: p for p in build.patients}
    if name in known:
        return known[name]
    if name in {p.id for p in sealed.patients}:
        remedy = "a build patient; this one is held out, for the analyses that the locked plan names to open"
        raise InputError(_WHERE, "--patient", name, remedy)
    raise InputError(_WHERE, "--patient", name, f"a build patient of {build.name}{near(name, known)}")


def _origin(twin: Twin, cohort: Cohort, patient: Patient, at: str, per: float) -> float:
    """The time in the model's unit."""
    days = _CLOCK.fullmatch(at.strip())
    try:
        minutes = factor("min", twin.model.time_unit)
        if days:
            day, hour, minute = map(float, days.groups())
            origin = (1440.0 * day + 60.0 * hour + minute) * minutes
        else:
            origin = float(at) * per
        if not np.isfinite(origin):
            raise ValueError
    except ValueError:
        remedy = f"a number in {dict(cohort.units)['time']} from the record's time 0, or days and clock as 2d14:30"
        raise InputError(_WHERE, "--at", at, remedy) from None
    follow = followed(twin)
    seen = np.array([m.time * per for m in patient.measurements if m.observable == follow.observable])
    if not seen.size or not seen[0] <= origin <= seen[-1] + follow.gap:
        span = f"{clock(seen[0] / per, cohort)} to {clock(seen[-1] / per, cohort)}" if seen.size else "there is none"
        raise InputError(_WHERE, "--at", at, f"a time of the record of this patient: {span}")
    last = seen[seen <= origin][-1]
    if origin - last > follow.gap:
        then = clock(seen[seen > origin][0] / per, cohort)
        remedy = f"a time near a reading; there is none from {clock(last / per, cohort)} to {then}"
        raise InputError(_WHERE, "--at", at, remedy)
    return float(origin)


def _population(
    study: Study, build: Cohort, patient: str, short: bool, progress: Callable[[str], None]
) -> tuple[Twin, Tracking, str]:
    """The twin that is followed, what is known of others, and who they are."""
    twin, others = study.twin(), [p.id for p in build.patients if p.id != patient]
    mine = next((one for one in twin.forecasters.values() if isinstance(one, Personal)), None)
    if mine is None or not others:
        return twin, declared(twin), "as the twin declares it: no patient was fitted"
    mine, group = mine.short() if short else mine, subset(build, others, "fitted")
    depends = {"source": study.source, "lock": lock_digest(), "cohort": group.digest, "every": mine.every,
               "evaluations": mine.evaluations}  # fmt: skip
    file = fit_file(depends)
    known = kept_fit(file, group)
    if known is not None:
        progress(f"the fit to the {len(others)} other build patients is at hand")
    else:
        progress(f"fitting the twin to the {len(others)} other build patients")
        known = mine.fit(group, Draws(0, "bedside")).known
        if not keep_fit(file, known):
            progress(f"the fit cannot be kept in {file.parent}: the next command fits anew")
    told = f"fitted to the {len(others)} other build patients" + (" (short)" if short else "")
    return mine.twin, known, told


def _dose(cohort: Cohort, now: float, text: str) -> Dose:
    """The dose now that "carbohydrate 20 g" names, in the cohort's unit."""
    kinds = {dose.what for patient in cohort.patients for dose in patient.doses}
    units, parts = {what: unit for what, unit in cohort.units if what in kinds}, text.split()
    if len(parts) != 3 or parts[0] not in units:
        known = f"a kind of {cohort.name}{near(parts[0] if parts else '', units)}"
        raise InputError(_WHERE, "--give", text, f"kind, amount and unit, as carbohydrate 20 g, of {known}")
    try:
        amount = float(parts[1])
    except ValueError:
        raise InputError(_WHERE, "--give", text, f"a number in the place of {parts[1]}") from None
    scaled = amount * factor(parts[2], units[parts[0]], f"{_WHERE}: --give {text}")
    if not 0.0 < scaled < float("inf"):
        raise InputError(_WHERE, "--give", text, "an amount above 0")
    return Dose(now, scaled, what=parts[0])


def _check_recorded(cohort: Cohort, patient: Patient, now: float, kind: str) -> None:
    """Raises InputError, with the times next to it, where nothing of the kind is on record now."""
    times = [d.time for d in patient.doses if d.what == kind]
    if now in times:
        return
    if not times:
        there = {d.what for d in patient.doses}
        raise InputError(_WHERE, "--withhold", kind, f"a kind on this patient's record{near(kind, there)}")
    closest = sorted(sorted(times, key=lambda t: abs(t - now))[:4])
    near_by = ", ".join(clock(t, cohort) for t in closest)
    raise InputError(_WHERE, "--withhold", kind, f"a kind recorded at that very time; near it: {near_by}")
