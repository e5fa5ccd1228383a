"""Which measurement would change the decision, and what is it worth?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import ConfigDict, Field, with_config
from typing_extensions import TypedDict

from vvuq.analyses import analysis, evidence
from vvuq.analyses.settings import Choice, Finite, Name, refused, scenario
from vvuq.analyses.uncertainty import information_report as report
from vvuq.analyses.uncertainty.layered import Draws_, First, FitSettings, Times, question, worlds
from vvuq.analyses.uncertainty.quantity import LOOKS, Take
from vvuq.assimilation.system import parameters
from vvuq.calibration.subjects import Subject
from vvuq.errors import NotEvaluable, near
from vvuq.methods.information_value import Value, information, neighbours, perfect_information, polynomial
from vvuq.models.simulate import simulate
from vvuq.models.twin import Scenario, Twin
from vvuq.record import Context, Cost, Evidence, Floats

MOST_LOST = 0.01  # share of members that may fail: above it, who is left is no sample of the belief
LEAST_POPULATIONS = 3
FEW = 2  # values up to which neighbours in their space are near
Known = Literal["priors", "population_fit", "tracking_fit", "state_space_fit"]
Harm = Annotated[float, Field(ge=0.0, allow_inf_nan=False)]
_STRICT = ConfigDict(extra="forbid", strict=True)


@with_config(_STRICT)
class Action(TypedDict):
    """One of the alternatives: what is done in its scenario, whose observable and time are what counts."""

    label: Name
    use: Choice


@with_config(_STRICT)
class Current(TypedDict):
    """What is done until the decision."""

    use: Choice


@with_config(_STRICT)
class Benefit(TypedDict):
    """Nothing is lost from low to high; below and above it harms, in one unit that the plan chooses."""

    low: Finite
    high: Finite
    harm_low: Harm
    harm_high: Harm


@with_config(_STRICT)
class Measurement(TypedDict):
    """Values of one observable that could be had before the decision."""

    label: Name
    observable: Name
    times: Times


@dataclass(frozen=True, eq=False, slots=True)
class Decision:
    """What is done until `time`, and what can be done from then on. take, over: of the quantity, as in quantity.py."""

    current: Scenario
    actions: tuple[Scenario, ...]
    time: float
    take: Take
    over: float


@dataclass(frozen=True, eq=False, slots=True)
class Members:
    """Patients (N) that the belief allows at `time`: states (n, N), parameters (p, N), what is learned (k, N) as the
    belief has it, and SD and share of each observable's error (2, q, N). worlds: sets of numbers of the population."""

    time: float
    states: Floats
    theta: Floats
    learned: dict[str, Floats]
    errors: Floats
    worlds: int


def _metrics(twin: Twin, settings: Mapping[str, Any]) -> dict[str, str]:
    decision(twin, settings)
    counts = ("n_members", "n_members_lost", "n_populations", "n_runs", "chosen")
    names = ["lead", "evpi", *counts, *(f"evppi_{name}" for name in _learned(twin, settings["known"]))]
    names += [f"benefit_{i}" for i in range(1, len(settings["actions"]) + 1)]
    places = range(1, len(settings["measurements"]) + 1)
    names += [f"evsi_{i}" for i in places]
    return dict.fromkeys(names, "1") | {f"changes_{i}": "%" for i in places}


@analysis("Which measurement would change the decision, and what is it worth?", suite="uncertainty", metrics=_metrics)
def information_value(
    twin: Twin,
    context: Context,
    *,
    known: Known,
    actions: Annotated[list[Action], Field(min_length=2)],
    benefit: Benefit,
    current: Current,
    measurements: Annotated[list[Measurement], Field(min_length=1)],
    decide: Finite | None = None,
    take: Take = "last",
    over: Annotated[float, Field(ge=0.0, allow_inf_nan=False)] = 0.0,
    first: First | None = None,
    fit: FitSettings = {},  # noqa: B006 -- never changed
    populations: Draws_ = 0,
    samples: Annotated[int, Field(ge=200)] = 4096,
) -> Evidence:
    """Patients drawn from what is known now (`known`: with whose numbers) live under `current` until `decide` (the last
    measured time, if not given), then under each of the actions; `benefit` is of the quantity of interest.

    What a measurement is worth is how much better decisions by it are on average (EVSI), its errors included; beside it
    what it were worth to know a parameter (EVPPI), or everything (EVPI). populations: draws of what a fit leaves open
    of the population, dealt to the members. All of it is ignorance: random change is left out, and the quantity is the
    true one, not a reading of it."""
    stem = "information_value"
    given = {"actions": actions, "benefit": benefit, "current": current, "measurements": measurements, "decide": decide,
             "take": take, "over": over}  # fmt: skip
    of = decision(twin, given)
    asked = question(twin, current["use"], f"{stem}.current.use")
    one, drawn, said = worlds(twin, context, known, asked, current["use"], populations, fit, first, samples, stem)
    subjects = drawn if len(drawn) >= LEAST_POPULATIONS else (one,)
    people = draw_members(subjects, samples, context.stream("members"))
    if not people.time <= min(t for m in measurements for t in m["times"]) <= of.time:
        remedy = f"times from {people.time:g} on, at which the patient is met first"
        raise refused(f"{stem}.measurements", [m["times"] for m in measurements], remedy)
    outcome, seen = futures(twin, of, people, measurements, context.stream("errors"))
    kept = np.all(np.isfinite(outcome), axis=0) & np.all([np.isfinite(y).all(axis=0) for y in seen], axis=0)
    lost = samples - int(kept.sum())
    if lost > MOST_LOST * samples:
        raise NotEvaluable(f"{lost} of {samples} members could not be simulated: {100 * MOST_LOST:g} % may fail")
    gain = benefits(outcome[:, kept], benefit)
    found = report.Found(
        labels=tuple(a["label"] for a in actions), measurements=tuple(m["label"] for m in measurements),
        outcome=outcome[:, kept], benefit=gain, limits=(benefit["low"], benefit["high"]),
        everything=perfect_information(gain), seen=tuple(worth(gain, y[:, kept]) for y in seen),
        known={name: _knowing(gain, row[kept]) for name, row in people.learned.items()},
        lost=lost, worlds=people.worlds if len(subjects) > 1 else 0, runs=samples * (1 + len(actions)),
    )  # fmt: skip
    told: dict[str, object] = {
        "known": known, **given, "decide": of.time, "samples": samples, "populations": populations, "fit": dict(fit),
        "meaning": [action.meaning for action in of.actions], "cohort": None if known == "priors" else said,
    }  # fmt: skip
    moves = bool(np.any(np.asarray(one.system.drift) > 0.0))
    return evidence(
        information_value, twin.name, told, values=report.values(found), tables=report.tables(found, twin),
        findings=report.findings(found, known, said), negative=report.negative(found, known, moves),
        cost=Cost(model_runs=found.runs),
    )  # fmt: skip


def decision(twin: Twin, settings: Mapping[str, Any]) -> Decision:
    """What the plan asks, held against the twin. Raises InputError for what does not fit."""
    stem = "information_value"
    actions, measured = settings["actions"], settings["measurements"]
    _apart([one["label"] for one in actions], f"{stem}.actions")
    _apart([one["label"] for one in measured], f"{stem}.measurements")
    benefit = settings["benefit"]
    if not benefit["low"] < benefit["high"]:
        raise refused(f"{stem}.benefit", [benefit["low"], benefit["high"]], "low below high")
    current = scenario(twin, settings["current"]["use"], f"{stem}.current.use")
    made = tuple(scenario(twin, one["use"], f"{stem}.actions.{i}.use") for i, one in enumerate(actions))
    for i, one in enumerate(made):
        if one.observable != made[0].observable:
            remedy = f"actions that are judged by the same observable, {made[0].observable}"
            raise refused(f"{stem}.actions.{i}.use", one.observable, remedy)
    names = [one.name for one in twin.model.observables]
    for i, one in enumerate(measured):
        if one["observable"] not in names:
            remedy = f"an observable of {twin.name}{near(one['observable'], names)}"
            raise refused(f"{stem}.measurements.{i}.observable", one["observable"], remedy)
        if one["times"] != sorted(set(one["times"])):
            raise refused(f"{stem}.measurements.{i}.times", one["times"], "ascending times")
    last = max(one["times"][-1] for one in measured)
    time = last if settings.get("decide") is None else settings["decide"]
    if not last <= time < min(one.time for one in made):
        remedy = f"a time from the last measurement, {last:g}, on, and before the quantity of interest"
        raise refused(f"{stem}.decide", time, remedy)
    return Decision(current, made, float(time), settings.get("take", "last"), settings.get("over", 0.0))


def _apart(labels: Sequence[str], setting: str) -> None:
    for label in labels:
        if labels.count(label) > 1:
            raise refused(setting, label, "a label that occurs once")


def _learned(twin: Twin, known: Known) -> tuple[str, ...]:
    """The parameters that are uncertain of a patient, by where the belief comes from."""
    if known == "priors":
        return tuple(p.name for p in twin.model.parameters if p.prior.quantile(0.25) < p.prior.quantile(0.75))
    return () if known == "state_space_fit" else twin.personal


def draw_members(subjects: Sequence[Subject], count: int, rng: np.random.Generator) -> Members:
    """`count` members of the subjects' first beliefs, dealt to them in turn."""
    system = subjects[0].system
    n, p, q, d = system.states, len(system.model.parameters), len(system.noise), system.size
    normals, used = rng.standard_normal((d, count)), subjects[:count]
    rows, theta, errors = np.empty((d, count)), np.empty((p, count)), np.empty((2, q, count))
    for i, one in enumerate(used):
        mine = slice(i, None, len(used))
        rows[:, mine] = one.prior.mean[:, None] + one.prior.root @ normals[:, mine]
        theta[:, mine] = parameters(one.system, rows[:, mine])
        errors[:, :, mine] = one.system.errors[:, :, None]
    learned = {name: rows[n + j] for j, name in enumerate(system.learned)}
    return Members(subjects[0].prior.time, rows[:n].copy(), theta, learned, errors, len(used))


def futures(
    twin: Twin, of: Decision, people: Members, measured: Sequence[Measurement], rng: np.random.Generator
) -> tuple[Floats, list[Floats]]:
    """The quantity of interest under each action (actions, N), and what each measurement would read, (times, N) each.

    Measurements of one observable at one time are one reading, in whichever list they stand. What fails is
    not-a-number."""
    instants = np.unique([of.time, *(t for m in measured for t in m["times"])])
    before = simulate(
        twin.model, of.current.schedule, people.theta, instants, method=twin.method, x0=people.states, start=people.time
    )
    sd, cv = people.errors
    seen = np.where(before.codes == 0, before.observed, np.nan)
    readings = seen + np.hypot(sd, cv * seen) * rng.standard_normal(seen.shape)
    begin, out = np.where(before.codes == 0, before.states[-1], np.nan), []
    for action in of.actions:
        out.append(_quantity(twin, of, action, people.theta, begin))
    read = [
        readings[np.searchsorted(instants, m["times"]), twin.model.observable_index(m["observable"])] for m in measured
    ]
    return np.array(out), read


def _quantity(twin: Twin, of: Decision, action: Scenario, theta: Floats, begin: Floats) -> Floats:
    """(N,) from the states (n, N) at the decision on."""
    there, out = np.all(np.isfinite(begin), axis=0), np.full(begin.shape[1], np.nan)
    if not np.any(there):
        return out
    since = max(of.time, action.time - of.over) if of.over > 0.0 else of.time
    times = [action.time] if of.take == "last" else np.linspace(since, action.time, LOOKS)
    paths = simulate(
        twin.model, action.schedule, theta[:, there], times, method=twin.method, x0=begin[:, there], start=of.time,
        states=False,
    )  # fmt: skip
    seen = paths.observed[:, twin.model.observable_index(action.observable)]
    values = {"last": seen[-1], "lowest": seen.min(axis=0), "highest": seen.max(axis=0)}[of.take]
    out[there] = np.where(paths.codes == 0, values, np.nan)
    return out


def benefits(outcome: Floats, of: Benefit) -> Floats:
    """Benefit (actions, N) of the quantities of interest (actions, N): minus the harm of what lies outside."""
    return -(of["harm_low"] * (outcome < of["low"]) + of["harm_high"] * (outcome > of["high"]))


def worth(gain: Floats, seen: Floats) -> Value:
    """Of seeing values (times, N) or (N,), by the rule of the smoother that is worth more on samples that did not teach
    it: polynomials, or, of few values, neighbours, which follow a jump, as knowing a parameter makes one."""
    found = [information(gain, seen, smoother=polynomial)]
    if np.atleast_2d(seen).shape[0] <= FEW:
        found.append(information(gain, seen, smoother=neighbours))
    return max(found, key=lambda one: (one.value, -one.changes))


def _knowing(gain: Floats, row: Floats) -> Value | None:
    """None where the parameter does not vary."""
    return worth(gain, row) if np.ptp(row) > 0.0 else None
