"""Does the solver converge to the exact solution at the order it claims, and how large is its error in use?"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from vvuq.analyses import analysis, check, evidence
from vvuq.analyses.settings import Choice, Positive, refused, scenario
from vvuq.errors import NotEvaluable
from vvuq.methods.order import asymptotic, fitted_order, pairwise_orders
from vvuq.models.schedule import compile_grid
from vvuq.models.simulate import RK4, Adaptive, simulate
from vvuq.models.twin import Scenario, Twin
from vvuq.record import Context, Cost, Evidence, Finding, Floats, Quantity, Table

THEORETICAL_ORDER = 4.0
SAMPLED = 13  # instants over the scenario at which the error is looked for
LADDER_TOLERANCES = (1e-4, 1e-6, 1e-8, 1e-10)
NEGLIGIBLE = 1e-3  # of the largest value in use: far below what any measurement of it tells apart
MOST_CORNERS = 8  # parameters; above that only the all-low and all-high corners and one parameter at a time
Steps = Annotated[list[Positive], Field(min_length=3)]


def _metrics(twin: Twin, settings: Mapping[str, Any]) -> dict[str, str]:
    for name in ("ladder", "use") if twin.scenarios else ():  # without any, it will not be evaluable
        _first(twin, settings[name], f"convergence.{name}")
    plain = dict.fromkeys(("observed_order", "theoretical_order", "order_deviation"), "1")
    errors = ("finest_error", "adaptive_error", "adaptive_tolerance", "operating_error", "solver_sensitivity",
              "largest_value")  # fmt: skip
    return plain | dict.fromkeys(errors, twin.model.observables[0].unit)


@analysis(
    "Does the solver converge to the exact solution at the order it claims?",
    suite="verification",
    version=2,
    metrics=_metrics,
)
def convergence(
    twin: Twin,
    context: Context,
    *,
    ladder: Choice,
    steps: Steps,
    use: Choice,
) -> Evidence:
    """Errors of the first observable against the closed form: a ladder of steps on the scenario `ladder`, and the
    standard setting on the scenario `use` at the corners of the priors' central 95 %."""
    model = twin.model
    unit = model.observables[0].unit
    medians = np.array([p.prior.quantile(0.5) for p in model.parameters])
    problem, halvings = _first(twin, ladder, "convergence.ladder"), np.array(sorted(steps, reverse=True))
    _divides(twin, problem, halvings)
    errors = np.array([_error(twin, problem, medians, RK4(h)) for h in halvings])
    usable = asymptotic(errors, float(np.abs(_exact(twin, problem, medians)).max()))
    if usable.sum() < 3:
        raise NotEvaluable(f"only {usable.sum()} of {len(steps)} steps lie in the asymptotic range; errors {errors}")
    order, low, high = fitted_order(halvings[usable], errors[usable])
    tolerance = Adaptive()
    corners, in_use = _corners(twin), _first(twin, use, "convergence.use")
    worst = [_error(twin, in_use, theta, twin.method) for _, theta in corners]
    tolerances = _tolerance_ladder(twin, in_use, corners)
    largest = max(float(np.abs(_exact(twin, in_use, theta)).max()) for _, theta in corners)
    values = {
        "observed_order": Quantity(order, "1", low, high, 0.95, kind="numerical", n=int(usable.sum())),
        "theoretical_order": Quantity(THEORETICAL_ORDER, "1"),
        "order_deviation": Quantity(abs(order - THEORETICAL_ORDER), "1", kind="numerical"),
        "finest_error": Quantity(float(errors[-1]), unit, kind="numerical"),
        "adaptive_error": Quantity(_error(twin, problem, medians, tolerance), unit, kind="numerical"),
        "adaptive_tolerance": Quantity(tolerance.atol, unit),
        "operating_error": Quantity(max(worst), unit, kind="numerical", n=len(corners)),
        "solver_sensitivity": Quantity(max(row[2] or 0.0 for row in tolerances[2:]), unit, kind="numerical"),
        "largest_value": Quantity(largest, unit, n=len(corners)),
    }
    rungs = zip(halvings, errors, pairwise_orders(halvings, errors), usable, strict=True)
    rows = tuple((float(h), float(e), None if np.isnan(p) else float(p), bool(inside)) for h, e, p, inside in rungs)
    tables = {
        "refinement": Table(
            f"RK4 against the exact solution, {problem.meaning}",
            ("step", "error", "order", "in_asymptotic_range"), (model.time_unit, unit, "1", ""), rows,
        ),
        "cases": Table(
            f"Error of the standard step {twin.method.step:g} {model.time_unit}: {in_use.meaning}",
            ("case", "operating_error"), ("", unit),
            tuple((name, error) for (name, _), error in zip(corners, worst, strict=True)),
        ),
        "tolerances": Table(
            "Adaptive pair: largest error and largest change of the quantity of interest on tightening the tolerance",
            ("tolerance", "error", "change"), ("1", unit, unit), tolerances,
        ),
    }  # fmt: skip
    inputs: dict[str, object] = {"ladder": ladder, "steps": [float(h) for h in halvings], "use": use}
    runs = len(steps) + 1 + len(corners) * (1 + len(LADDER_TOLERANCES))
    return evidence(convergence, twin.name, inputs, values=values, tables=tables, cost=Cost(model_runs=runs))


def _first(twin: Twin, choice: dict[str, Any], setting: str) -> Scenario:
    """The scenario; the closed form is that of the first observable, so no other can be compared."""
    made, name = scenario(twin, choice, setting), twin.model.observables[0].name
    if made.observable != name:
        raise refused(f"{setting}.scenario", made.observable, f"a scenario whose quantity of interest is {name}")
    return made


def _times(problem: Scenario) -> Floats:
    start = problem.schedule.start
    return np.linspace(start, problem.time, SAMPLED)[1:]


def _divides(twin: Twin, problem: Scenario, steps: Floats) -> None:
    """Refuses a step that the integrator would shorten to end at an event or a sampled instant: the order would be
    fitted to steps that were not taken."""
    lengths = np.diff(compile_grid(twin.model, problem.schedule, _times(problem)).t)
    for step in steps:
        if np.any(np.abs(lengths / step - np.maximum(1.0, np.round(lengths / step))) > 1e-9):
            remedy = (
                f"a step that divides the {lengths.min():g} to {lengths.max():g} between events and sampled instants"
            )
            raise refused("convergence.steps", float(step), remedy)


def _exact(twin: Twin, problem: Scenario, theta: Floats) -> Floats:
    if twin.closed_form is None:
        raise NotEvaluable(f"twin {twin.name} has no closed form to compare with")
    return np.asarray(twin.closed_form(problem.schedule, theta, _times(problem)), dtype=float)


def _error(twin: Twin, problem: Scenario, theta: Floats, method: RK4 | Adaptive) -> float:
    channel = twin.model.observable_index(problem.observable)
    paths = simulate(twin.model, problem.schedule, theta, _times(problem), method=method)
    return float(np.abs(paths.observed[:, channel, 0] - _exact(twin, problem, theta)).max())


def _corners(twin: Twin) -> list[tuple[str, Floats]]:
    """Combinations of the 2.5 % and 97.5 % quantiles of the priors: all of them, unless there are too many."""
    parameters = twin.model.parameters
    if len(parameters) <= MOST_CORNERS:
        combinations = list(itertools.product((0.025, 0.975), repeat=len(parameters)))
    else:
        combinations = [(tail,) * len(parameters) for tail in (0.025, 0.975)]
        combinations += [
            tuple(tail if i == j else 0.5 for j in range(len(parameters)))
            for i in range(len(parameters))
            for tail in (0.025, 0.975)
        ]
    names = {0.025: "low", 0.5: "median", 0.975: "high"}
    return [
        (
            ", ".join(f"{p.name} {names[tail]}" for p, tail in zip(parameters, tails, strict=True)),
            np.array([p.prior.quantile(tail) for p, tail in zip(parameters, tails, strict=True)]),
        )
        for tails in combinations
    ]


def _tolerance_ladder(
    twin: Twin, problem: Scenario, corners: list[tuple[str, Floats]]
) -> tuple[tuple[float, float, float | None], ...]:
    """Rows (tolerance, largest error, largest change of the quantity of interest from the looser tolerance)."""
    channel = twin.model.observable_index(problem.observable)
    rows: list[tuple[float, float, float | None]] = []
    before: Floats | None = None
    for tolerance in LADDER_TOLERANCES:
        method = Adaptive(rtol=tolerance, atol=tolerance)
        last = [simulate(twin.model, problem.schedule, theta, [problem.time], method=method) for _, theta in corners]
        now = np.array([paths.observed[0, channel, 0] for paths in last])
        truth = np.array([_exact(twin, problem, theta)[-1] for _, theta in corners])
        change = None if before is None else float(np.abs(now - before).max())
        rows.append((tolerance, float(np.abs(now - truth).max()), change))
        before = now
    return tuple(rows)


@check("convergence")
def converges_at_its_order(found: Evidence) -> tuple[Finding, ...]:
    """Code verification: rung d where the observed order is within 0.2 of theory over four rungs or more."""
    order, deviation = found.values["observed_order"], found.values["order_deviation"].value
    rungs = order.n or 0
    right = rungs >= 4 and deviation <= 0.2
    leaf = "verification.code.numerical_code_verification"
    reason = f"observed order {order.value:.3f} over {rungs} step sizes, theory {THEORETICAL_ORDER:g}"
    return (Finding(leaf, "d" if right else "a", reason),)


@check("convergence")
def error_is_estimated_in_use(found: Evidence) -> tuple[Finding, ...]:
    """Calculation verification: the error of the standard step and of the tolerance are known at the extremes; rung c
    for the solver only where the effect of its settings is negligible against the values themselves."""
    step, solver = found.values["operating_error"], found.values["solver_sensitivity"]
    largest = found.values["largest_value"].value
    reason = f"largest error of the standard step over {step.n} extreme parameter sets {step.value:.2g} {step.unit}"
    change = (
        f"tightening the tolerance from 1e-6 on changes the quantity of interest by {solver.value:.2g} {solver.unit}, "
        f"its largest value being {largest:.3g}"
    )
    small = solver.value <= NEGLIGIBLE * largest
    return (
        Finding("verification.calculation.discretization_error", "c", reason),
        Finding("verification.calculation.numerical_solver_error", "c" if small else "a", change),
    )
