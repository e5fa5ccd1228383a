"""How far can the probability of an event move within what is not known?"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from vvuq.analyses import analysis, check, evidence
from vvuq.analyses.settings import Choice, Finite, Interval, Name, PowerOfTwo, Whole, refused, scenario
from vvuq.analyses.uncertainty import bounds_report as report
from vvuq.analyses.uncertainty.inputs import Declared, InputSettings, Known, declared, inputs_table, varied
from vvuq.analyses.uncertainty.quantity import Take, quantity
from vvuq.calibration.foce import fit_population
from vvuq.errors import NotEvaluable, near
from vvuq.methods.inputs import Inputs
from vvuq.methods.probability_box import MOST, Function, ProbabilityBox, probability_box
from vvuq.models.parameter import Parameter
from vvuq.models.twin import Scenario, Twin
from vvuq.record import Context, Evidence, Finding, Floats

CENTRAL95 = np.array([0.025, 0.975])
LEVELS = (0.05, 0.5, 0.95)
_STEM = "probability_bounds"


def _metrics(twin: Twin, settings: Mapping[str, Any]) -> dict[str, str]:
    unit = twin.model.observables[0].unit
    drawn = True
    if twin.scenarios:
        problem = scenario(twin, settings["use"], f"{_STEM}.use")
        unit = twin.model.observables[twin.model.observable_index(problem.observable)].unit
        drawn = len(_status(_checked(twin, settings), settings["inputs"])) > 0
    return report.metrics(len(settings["thresholds"]), unit, drawn)


@analysis(
    "How far can the probability of an event move within what is not known?", suite="uncertainty", metrics=_metrics
)
def probability_bounds(
    twin: Twin,
    context: Context,
    *,
    use: Choice,
    known: Known,
    inputs: InputSettings,
    thresholds: Annotated[list[Finite], Field(min_length=1)],
    take: Take = "last",
    over: Annotated[float, Field(ge=0.0, allow_inf_nan=False)] = 0.0,
    intervals: dict[Name, Interval] = {},  # noqa: B006 -- never changed
    widest: Annotated[int, Field(ge=1, le=MOST)] | None = None,
    draws: Annotated[int, Field(ge=50)] = 500,
    points: PowerOfTwo = 64,
    local: Whole = 40,
    fresh: Annotated[int, Field(ge=50)] = 2000,
    grid: Annotated[int, Field(ge=5)] = 41,
) -> Evidence:
    """Inputs of status aleatory or both are drawn from their distributions; of epistemic ones it is only known that
    they lie in an interval: `intervals`, or the central 95 % of their distribution. widest: so many of them, those that
    move the mean most when moved alone; the others stay at their middle.

    Bounds are sought by `draws` at vertices, `points` of a net and in `local` steps from the best of each; at the
    places found, `fresh` draws that had no part in the choice say the probability. All bounds are inner ones. Beside
    them what the inputs' distributions would have said, taken as exact: one probability, all inputs drawn."""
    problem = scenario(twin, use, f"{_STEM}.use")
    given = {"known": known, "inputs": inputs, "intervals": intervals}
    _checked(twin, given)
    fit = fit_population(twin, context.build()) if known == "population_fit" else None
    of = declared(twin, known, inputs, fit, _STEM)
    run = quantity(twin, use, take, over, of.rows, of.middle)
    parts = _parts(of, intervals)
    if not parts.epistemic:
        remedy = "one epistemic input or more: where all vary by chance, their probability is exact"
        raise refused(f"{_STEM}.inputs.status", dict(inputs["status"]), remedy)
    tried = _Tried(of, parts, lambda values: context.evaluate(run, values))
    rng = context.stream("draws")
    sample = rng.random((len(parts.drawn), draws if parts.drawn else 1))
    alone = _alone(tried, sample)
    chosen = _chosen(parts, alone, widest)
    limits = np.array(thresholds, dtype=float)
    box = probability_box(
        tried.of(chosen), _twice(sample), parts.ends[chosen], levels=LEVELS, thresholds=limits,
        points=points, local=local,
    )  # fmt: skip
    cube = rng.random((len(of.inputs.items), fresh))
    again = cube[list(parts.drawn), : fresh if parts.drawn else 1]
    unit = twin.model.observables[twin.model.observable_index(problem.observable)].unit
    found = report.Found(
        box=box, thresholds=tuple(float(t) for t in thresholds), unit=unit, meaning=_said(problem, take),
        fresh=_confirmed(tried, chosen, box, again), fresh_draws=again.shape[1],
        precise=_precise(tried, chosen, cube), band=tuple(tried.kept), alone=alone, inputs=of.inputs,
        ends=parts.ends, epistemic=parts.epistemic, chosen=tuple(chosen), drawn=len(parts.drawn), runs=tried.runs,
        given=tuple(intervals),
    )  # fmt: skip
    told: dict[str, object] = {
        "use": use, "meaning": _said(problem, take), **given, "thresholds": thresholds, "take": take, "over": over,
        "widest": widest, "draws": draws, "points": points, "local": local, "fresh": fresh,
    }  # fmt: skip
    tables = report.tables(found, grid) | {"inputs": inputs_table(of, inputs)}
    return evidence(
        probability_bounds, twin.name, told, values=report.values(found), tables=tables,
        findings=report.findings(found), negative=report.negative(found),
    )  # fmt: skip


def _checked(twin: Twin, settings: Mapping[str, Any]) -> tuple[Parameter, ...]:
    """The varied parameters. Raises InputError for an interval of what is not epistemic, or out of bounds."""
    free = varied(twin, settings["known"], settings["inputs"], _STEM)
    loose = [p.name for p in free if p.name not in _status(free, settings["inputs"])]
    by_name = {p.name: p for p in free}
    for name, (low, high) in settings.get("intervals", {}).items():
        if name not in loose:
            raise refused(f"{_STEM}.intervals", name, f"an epistemic input{near(name, loose)}")
        bounds = by_name[name].bounds
        if not bounds[0] <= low < high <= bounds[1]:
            raise refused(f"{_STEM}.intervals.{name}", [low, high], f"within its bounds, {list(bounds)}")
    return free


def _status(free: Sequence[Parameter], given: InputSettings) -> list[str]:
    """The names of those that are drawn."""
    status = given["status"]
    return [p.name for p in free if (status.get(p.name) or status.get("rest")) in ("aleatory", "both")]


@dataclass(frozen=True, eq=False, slots=True)
class _Parts:
    """Rows of the drawn inputs and of those in intervals; the drawn ones by themselves. Of intervals the ends (q, 2),
    and the middle (q,): the median of the distribution, or the mean of the ends that the plan gives."""

    drawn: tuple[int, ...]
    epistemic: tuple[int, ...]
    by_chance: Inputs | None
    ends: Floats
    middle: Floats


def _parts(of: Declared, intervals: Mapping[str, Sequence[float]]) -> _Parts:
    drawn, loose = of.inputs.of_status("aleatory", "both"), of.inputs.of_status("epistemic")
    items = of.inputs.items
    given = [intervals.get(items[i].name) for i in loose]
    ends = [items[i].marginal.quantile(CENTRAL95) if own is None else own for i, own in zip(loose, given, strict=True)]
    middle = [
        items[i].marginal.quantile(np.array(0.5)) if own is None else np.mean(own)
        for i, own in zip(loose, given, strict=True)
    ]
    matrix = of.inputs.correlation
    within = None if matrix is None else matrix[np.ix_(drawn, drawn)]
    chance = Inputs(tuple(items[i] for i in drawn), of.inputs.why, within) if drawn else None
    return _Parts(drawn, loose, chance, np.array(ends, dtype=float).reshape(-1, 2), np.array(middle, dtype=float))


@dataclass(eq=False, slots=True)
class _Tried:
    """Runs the model at points of the box of intervals; keeps the sorted values at each point for the band."""

    declared: Declared
    parts: _Parts
    evaluate: Callable[[Floats], Floats]
    kept: list[Floats] = field(default_factory=list)
    runs: int = 0

    def at(self, cube: Floats, ends: Floats) -> Floats:
        """Values (n,) of points of the unit cube of the drawn inputs (p, n), at values (q,) of all in intervals."""
        points = np.empty((len(self.declared.inputs.items), cube.shape[1]))
        if self.parts.by_chance is not None:
            points[list(self.parts.drawn)] = self.parts.by_chance.from_cube(cube)
        points[list(self.parts.epistemic)] = np.asarray(ends)[:, None]
        self.runs += cube.shape[1]
        return self.evaluate(points)

    def of(self, chosen: Sequence[int]) -> Function:
        """As the box wants it: of the chosen intervals, the others at their middle."""

        def run(cube: Floats, point: Floats) -> Floats:
            ends, by_chance = self.parts.middle.copy(), self.parts.by_chance is not None
            ends[list(chosen)] = point
            values = self.at(cube if by_chance else cube[:, :1], ends)
            self.kept.append(np.sort(values))
            return values if by_chance else np.repeat(values, cube.shape[1])

        return run


def _said(problem: Scenario, take: Take) -> str:
    what = problem.observable.replace("_", " ")
    return f"{what if take == 'last' else f'{take} {what}'} ({problem.meaning})"


def _twice(sample: Floats) -> Floats:
    """Nothing is drawn where all inputs are in intervals: the box takes two draws of nothing."""
    return sample if len(sample) else np.zeros((1, 2))


def _alone(tried: _Tried, sample: Floats) -> Floats:
    """Mean quantity (q, 3) with each interval at its low end, middle and high end, the others at their middle."""
    middle, out = tried.parts.middle.copy(), np.empty((len(tried.parts.ends), 3))
    centre = float(tried.at(sample, middle).mean())
    for i, (low, high) in enumerate(tried.parts.ends):
        for column, value in ((0, low), (2, high)):
            at = middle.copy()
            at[i] = value
            out[i, column] = tried.at(sample, at).mean()
        out[i, 1] = centre
    if not np.all(np.isfinite(out)):
        raise NotEvaluable("model runs failed with one input alone at an end of its interval")
    return out


def _chosen(parts: _Parts, alone: Floats, widest: int | None) -> list[int]:
    """Which intervals are searched: all, or the widest ones by their effect when moved alone."""
    count = len(parts.epistemic)
    if widest is None and count > MOST:
        raise refused(
            f"{_STEM}.widest", None, f"{MOST} at most of the {count} intervals, or inputs.held for the others"
        )
    if widest is None or widest >= count:
        return list(range(count))
    return sorted(np.argsort(-np.ptp(alone, axis=1), kind="stable")[:widest].tolist())


def _confirmed(tried: _Tried, chosen: Sequence[int], box: ProbabilityBox, cube: Floats) -> Floats:
    """How many (2, thresholds) of fresh draws lie below each threshold, where the low and the high bound were found."""
    out = np.empty((2, box.thresholds.size))
    for side, places in enumerate((box.below.low_at, box.below.high_at)):
        for k, threshold in enumerate(box.thresholds):
            ends = tried.parts.middle.copy()
            ends[list(chosen)] = places[k]
            values = tried.at(cube, ends)
            if not np.all(np.isfinite(values)):
                raise NotEvaluable(f"{int((~np.isfinite(values)).sum())} of {values.size} fresh runs failed")
            out[side, k] = (values < threshold).sum()
    return out


def _precise(tried: _Tried, chosen: Sequence[int], cube: Floats) -> Floats:
    """Sorted quantities (n,) with all inputs drawn from their distributions, but for those held at their middle."""
    points, count = tried.declared.inputs.from_cube(cube), cube.shape[1]
    for j, row in enumerate(tried.parts.epistemic):
        if j not in chosen:
            points[row] = tried.parts.middle[j]
    values = np.asarray(tried.evaluate(points), dtype=float)
    tried.runs += count
    if not np.all(np.isfinite(values)):
        raise NotEvaluable(f"{int((~np.isfinite(values)).sum())} of {count} runs failed with all inputs drawn")
    return np.sort(values)


@check("probability_bounds")
def ignorance_is_propagated_as_intervals(found: Evidence) -> tuple[Finding, ...]:
    """Input uncertainties: rung c where all that is not known of the inputs lies in intervals that were searched."""
    held, both = found.values["n_held_at_middle"].value, found.values["n_both"].value
    fixed = len(found.inputs["inputs"].get("held", ()))
    if held or both or fixed:
        reason = (
            f"of the inputs {held:.0f} stay at their middle, {fixed} are not varied, and {both:.0f} are drawn as if "
            "all of their spread were chance: not all that is not known is propagated"
        )
        return (Finding("validation.model.input_uncertainties", "b", reason),)
    reason = "what varies is drawn, what is not known lies in intervals, and both reach the quantity of interest"
    return (Finding("validation.model.input_uncertainties", "c", reason),)
