"""Which uncertain input drives the quantity of interest, how wide does it all make it, and do two methods agree?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import chaospy
import numpy as np
from pydantic import Field

from vvuq.analyses import analysis, check, evidence
from vvuq.analyses.settings import Choice, Count, Positive, PowerOfTwo, Whole, scenario
from vvuq.analyses.uncertainty import sensitivity_report as report
from vvuq.analyses.uncertainty.inputs import Declared, InputSettings, Known, declared, inputs_table, varied
from vvuq.analyses.uncertainty.quantity import Take, course, look_times, quantity
from vvuq.calibration.foce import fit_population
from vvuq.errors import NotEvaluable
from vvuq.methods import chaos
from vvuq.methods.gum import Propagated, Rule, adaptive
from vvuq.methods.screening import borgonovo, morris, pawn, rbd_fast
from vvuq.methods.shapley import Effects, shapley_effects
from vvuq.methods.shapley import Inputs as Dependent
from vvuq.methods.sobol import Indices, Looks, analyse, design, sobol_until
from vvuq.models.twin import Scenario, Twin
from vvuq.models.units import factor
from vvuq.record import Cohort, Context, Evidence, Finding, Floats, Quantity, Table

SCRAMBLES = 16  # what the intervals are certified for (decision 0029)
LOOKS = 13  # instants along which indices are followed
ALL_SUBSETS = 8  # inputs up to which all their subsets are run
Function = Callable[[Floats], Floats]


def _metrics(twin: Twin, settings: Mapping[str, Any]) -> dict[str, str]:
    observable, names = twin.model.observables[0].name, [p.name for p in twin.model.parameters]
    if twin.scenarios:  # without any, the analysis will not be evaluable; a plan may name it all the same
        observable = scenario(twin, settings["use"], "sensitivity.use").observable
        names = [p.name for p in varied(twin, settings["known"], settings["inputs"], "sensitivity")]
    unit = twin.model.observables[twin.model.observable_index(observable)].unit
    found = report.metrics(names, unit)
    if settings["known"] == "population_fit":
        found |= dict.fromkeys(("horizon", "observed_median", "observed_longest"), twin.model.time_unit)
    return found


@dataclass(frozen=True, eq=False, slots=True)
class Asked:
    """The question with its inputs: its values by the inputs' own, by points of the unit cube, by germs of the
    expansion, and along the course."""

    twin: Twin
    problem: Scenario
    of: Declared
    values: Function
    cube: Function
    germs: Function
    along: Function
    times: Floats


@analysis(
    "Which uncertain input drives the quantity of interest, and how wide does it all make it?",
    suite="uncertainty",
    version=3,
    metrics=_metrics,
)
def sensitivity(
    twin: Twin,
    context: Context,
    *,
    use: Choice,
    known: Known,
    inputs: InputSettings,
    take: Take = "last",
    over: Annotated[float, Field(ge=0.0, allow_inf_nan=False)] = 0.0,
    base: Annotated[PowerOfTwo, Field(ge=16)] = 64,
    half_width: Positive = 0.05,
    most_runs: Count = 200_000,
    points: Annotated[int, Field(ge=32)] = 200,
    fresh: Annotated[int, Field(ge=32)] = 200,
    trials: Count = 50_000,
    rule: Rule = "supplement",
    screen: Whole = 0,
    shapley: Annotated[PowerOfTwo, Field(ge=16)] = 64,
    bins: Count = 40,
) -> Evidence:
    """Sobol' indices by replicated nets of `base` rows, doubled until all half-widths are below `half_width` or
    `most_runs` are spent; a sparse expansion from `points` runs, checked on `fresh` ones; whether both agree; indices
    along the course; the distribution by JCGM 101 with `trials` at most; Shapley effects where inputs depend on each
    other. screen: runs for each of four methods that rank by other measures, 0 for none.

    inputs: what is uncertain, of which status, on whose word (see inputs.py); known: where distributions come from."""
    problem = scenario(twin, use, "sensitivity.use")
    build = context.build() if known == "population_fit" else None
    fit = fit_population(twin, build) if build is not None else None
    of = declared(twin, known, inputs, fit, "sensitivity")
    asked = _asked(twin, context, problem, of, use, take, over)
    d = len(of.inputs.items)
    start = design(d, base, SCRAMBLES, context.stream("sobol"))
    looks = sobol_until(asked.cube, start, half_width, max(most_runs, start.points.shape[1]))
    expansion = _expansion(asked, context, points, fresh)
    spread, sample = _distribution(asked, context, rule, trials)
    unit = twin.model.observables[twin.model.observable_index(problem.observable)].unit
    rows, repeated = _compared(asked, context, looks, expansion)
    values = report.values(of, looks, expansion, rows, spread, unit)
    values["n_repeated"] = Quantity(float(repeated.runs if repeated else 0), "1")
    tables = {
        "indices": report.index_table(rows), "inputs": inputs_table(of, inputs),
        "looks": report.look_table(looks, start), "density": report.density(sample, bins, unit),
        "course": _along(asked, context, base),
    }  # fmt: skip
    effects = None if of.inputs.independent else _effects(asked, context, shapley)
    if effects is not None:
        tables["shapley"] = report.shapley_table(of.inputs.names, effects)
    if screen:
        tables["screening"] = _screening(asked, context, screen)
    negative = report.negative(rows, looks, expansion, spread, half_width, repeated)
    if build is not None:
        values |= _observed(problem, build, twin)
        negative += _extrapolated(values, twin)
    names = [p.name for p in varied(twin, known, inputs, "sensitivity")]
    values |= report.unmoved([name for name in names if name not in of.inputs.names])
    told: dict[str, object] = {
        "use": use, "meaning": problem.meaning, "known": known, "take": take, "over": over, "base": base,
        "half_width": half_width, "most_runs": most_runs, "points": points, "fresh": fresh, "trials": trials,
        "rule": rule, "screen": screen, "cohort": build.digest if build is not None else None,
    }  # fmt: skip
    found = report.findings(problem, of, looks.indices, expansion, effects)
    return evidence(sensitivity, twin.name, told, values=values, tables=tables, findings=found, negative=negative)


def _asked(
    twin: Twin, context: Context, problem: Scenario, of: Declared, use: Mapping[str, Any], take: Take, over: float
) -> Asked:
    run = quantity(twin, use, take, over, of.rows, of.middle)
    times = look_times(problem, over, LOOKS)
    follow = course(twin, use, times, of.rows, of.middle)
    return Asked(
        twin, problem, of, lambda values: context.evaluate(run, values),
        lambda cube: context.evaluate(run, of.inputs.from_cube(cube)),
        lambda germs: context.evaluate(run, of.inputs.from_germs(germs)),
        lambda cube: context.evaluate(follow, of.inputs.from_cube(cube)), times,
    )  # fmt: skip


def _expansion(asked: Asked, context: Context, points: int, fresh: int) -> chaos.Expansion:
    """Fitted to a Latin hypercube of germs, and judged by points of a sample of its own."""
    germs = [
        chaospy.Normal(0.0, 1.0) if normal else chaospy.Uniform(-1.0, 1.0) for normal in asked.of.inputs.normal_germs
    ]
    rng = context.stream("chaos")
    at, apart = chaos.design(germs, points, rng), chaos.design(germs, fresh, rng, "random")
    names = asked.of.inputs.names
    return chaos.fit(germs, at, asked.germs(at), rng, fresh=(apart, asked.germs(apart)), names=names)


def _compared(
    asked: Asked, context: Context, looks: Looks, expansion: chaos.Expansion
) -> tuple[list[report.Row], Indices | None]:
    """Both methods index by index. Where they disagree although both call themselves exact, nets of their own with four
    times the rows decide, whose indices are given too."""
    names = asked.of.inputs.names
    rows = report.compare(names, looks.indices, looks.level, expansion)
    if all(r.agree for r in rows) or not looks.reached or expansion.error.upper > report.EXACT:
        return rows, None
    where = design(len(names), 4 * looks.indices.base, SCRAMBLES, context.stream("sobol repeated"))
    again = analyse(where, asked.cube(where.points))
    decided = report.compare(names, again, report.LEVEL, expansion)
    return [row._replace(agree=new.agree) for row, new in zip(rows, decided, strict=True)], again


def _distribution(asked: Asked, context: Context, rule: Rule, trials: int) -> tuple[Propagated, Floats]:
    """The quantity's distribution, and the values behind it."""
    seen: list[Floats] = []

    def sample(count: int, rng: np.random.Generator) -> Floats:
        seen.append(asked.cube(rng.random((len(asked.of.inputs.items), count))))
        return seen[-1]

    return adaptive(sample, context.stream("distribution"), rule=rule, budget=trials), np.concatenate(seen)


def _along(asked: Asked, context: Context, base: int) -> Table:
    """First and total indices of the observable along its course; instants at which nothing varies are left out."""
    where = design(len(asked.of.inputs.items), base, SCRAMBLES, context.stream("course"))
    seen = asked.along(where.points)
    failed = int((~np.isfinite(seen)).any(axis=0).sum())
    if failed:
        raise NotEvaluable(f"{failed} of {seen.shape[1]} model runs failed")
    varies = np.ptp(seen, axis=1) > 1e-12 * np.abs(seen).max()
    found: Indices | None = analyse(where, seen[varies]) if varies.any() else None
    return report.course_table(asked.twin, asked.problem, asked.times[varies], asked.of.inputs.names, found)


def _effects(asked: Asked, context: Context, base: int) -> Effects:
    of = asked.of.inputs
    dependent = Dependent(np.asarray(of.correlation, dtype=float), tuple(one.marginal.quantile for one in of.items))
    orders = None if len(of.items) <= ALL_SUBSETS else base // 2
    return shapley_effects(asked.values, dependent, base, SCRAMBLES, context.stream("shapley"), orders=orders)


def _screening(asked: Asked, context: Context, runs: int) -> Table:
    d = len(asked.of.inputs.items)
    rng = context.stream("screening")
    trajectories = max(runs // (d + 1), 4)
    return report.screening_table(
        asked.of.inputs.names, morris(asked.cube, d, trajectories, rng), pawn(asked.cube, d, runs, rng),
        borgonovo(asked.cube, d, runs, rng), rbd_fast(asked.cube, d, runs, rng),
    )  # fmt: skip


def _observed(problem: Scenario, build: Cohort, twin: Twin) -> dict[str, Quantity]:
    """When the quantity lies, and how long build patients were measured."""
    last = [max(m.time for m in p.measurements) for p in build.patients if p.measurements]
    observed = np.array(last) * factor(dict(build.units)["time"], twin.model.time_unit, build.name)
    time = twin.model.time_unit
    return {
        "horizon": Quantity(problem.time, time),
        "observed_median": Quantity(float(np.median(observed)), time, n=len(last)),
        "observed_longest": Quantity(float(observed.max()), time, n=len(last)),
    }


def _extrapolated(v: Mapping[str, Quantity], twin: Twin) -> tuple[str, ...]:
    horizon, median, longest = (v[k].value for k in ("horizon", "observed_median", "observed_longest"))
    if horizon <= longest:
        return ()
    time = twin.model.time_unit
    text = f"the quantity of interest lies at {horizon:.0f} {time}, the last samples at a median of"
    return (f"Extrapolation: {text} {median:.0f} and at most {longest:.0f} {time}.",)


@check("sensitivity")
def inputs_are_ranked_and_propagated(found: Evidence) -> tuple[Finding, ...]:
    """Input rows: rung b, the parameters are ranked and propagated; recorded inputs and times are taken as exact."""
    agrees = found.values["agreement"].value == 1.0
    reason = "parameters are ranked, recorded inputs and times are not varied" if agrees else "two methods disagree"
    spread = "what the plan calls uncertain is propagated; errors of recorded inputs and times count as none"
    return (
        Finding("validation.model.input_sensitivities", "b" if agrees else "a", reason),
        Finding("validation.model.input_uncertainties", "b", spread),
    )
