"""Does the solver converge to the exact solution at the order it claims, and how large is its error in use?"""

from __future__ import annotations

import itertools

import numpy as np

from vvuq.analyses import analysis, check, evidence
from vvuq.errors import InputError, NotEvaluable
from vvuq.methods.order import asymptotic, fitted_order, pairwise_orders
from vvuq.models.schedule import compile_grid
from vvuq.models.simulate import RK4, Adaptive, simulate
from vvuq.models.twin import Scenario, Twin
from vvuq.record import Context, Cost, Evidence, Finding, Floats, Quantity, Table

THEORETICAL_ORDER = 4.0
SAMPLED = 13  # instants over the scenario at which the error is looked for
LADDER_TOLERANCES = (1e-4, 1e-6, 1e-8, 1e-10)


@analysis("Does the solver converge to the exact solution at the order it claims?", suite="verification")
def convergence(
    twin: Twin,
    context: Context,
    *,
    ladder: dict[str, object],
    steps: list[float],
    use: dict[str, object],
) -> Evidence:
    """Errors against the closed form: a ladder of steps (h) on the scenario `ladder`, and the standard setting on the
    scenario `use` at all corners of the priors' central 95 %. Scenarios are {"scenario": NAME, settings ...}."""
    model = twin.model
    unit = model.observables[0].unit
    medians = np.array([p.prior.quantile(0.5) for p in model.parameters])
    problem, halvings = scenario(twin, ladder), np.array(sorted(steps, reverse=True))
    _divides(twin, problem, halvings)
    errors = np.array([_error(twin, problem, medians, RK4(h)) for h in halvings])
    usable = asymptotic(errors, float(np.abs(_exact(twin, problem, medians)).max()))
    if usable.sum() < 3:
        raise NotEvaluable(f"only {usable.sum()} of {len(steps)} steps lie in the asymptotic range; errors {errors}")
    order, low, high = fitted_order(halvings[usable], errors[usable])
    tolerance = Adaptive()
    corners, in_use = _corners(twin), scenario(twin, use)
    worst = [_error(twin, in_use, theta, twin.method) for _, theta in corners]
    tolerances = _tolerance_ladder(twin, in_use, corners)
    values = {
        "observed_order": Quantity(order, "1", low, high, 0.95, kind="numerical", n=int(usable.sum())),
        "theoretical_order": Quantity(THEORETICAL_ORDER, "1"),
        "order_deviation": Quantity(abs(order - THEORETICAL_ORDER), "1", kind="numerical"),
        "finest_error": Quantity(float(errors[-1]), unit, kind="numerical"),
        "adaptive_error": Quantity(_error(twin, problem, medians, tolerance), unit, kind="numerical"),
        "adaptive_tolerance": Quantity(tolerance.atol, unit),
        "operating_error": Quantity(max(worst), unit, kind="numerical", n=len(corners)),
        "solver_sensitivity": Quantity(max(row[2] or 0.0 for row in tolerances[2:]), unit, kind="numerical"),
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


def scenario(twin: Twin, choice: dict[str, object]) -> Scenario:
    """The twin's scenario that a plan names, with its settings."""
    settings = {key: value for key, value in choice.items() if key != "scenario"}
    name = str(choice.get("scenario"))
    if name not in twin.scenarios:
        raise NotEvaluable(f"twin {twin.name} has no scenario {name!r}; it has {', '.join(sorted(twin.scenarios))}")
    return twin.scenarios[name](**settings)


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
            raise InputError("analysis convergence", "steps", float(step), remedy)


def _exact(twin: Twin, problem: Scenario, theta: Floats) -> Floats:
    if twin.closed_form is None:
        raise NotEvaluable(f"twin {twin.name} has no closed form to compare with")
    return np.asarray(twin.closed_form(problem.schedule, theta, _times(problem)), dtype=float)


def _error(twin: Twin, problem: Scenario, theta: Floats, method: RK4 | Adaptive) -> float:
    channel = twin.model.observable_index(problem.observable)
    paths = simulate(twin.model, problem.schedule, theta, _times(problem), method=method)
    return float(np.abs(paths.observed[:, channel, 0] - _exact(twin, problem, theta)).max())


def _corners(twin: Twin) -> list[tuple[str, Floats]]:
    """Every combination of the 2.5 % and 97.5 % quantiles of the priors."""
    out = []
    for tails in itertools.product((0.025, 0.975), repeat=len(twin.model.parameters)):
        pairs = list(zip(twin.model.parameters, tails, strict=True))
        name = ", ".join(f"{p.name} {'low' if tail < 0.5 else 'high'}" for p, tail in pairs)
        out.append((name, np.array([p.prior.quantile(tail) for p, tail in pairs])))
    return out


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
    """Calculation verification: the error of the standard step and of the tolerance are known at the extremes."""
    step, solver = found.values["operating_error"], found.values["solver_sensitivity"]
    reason = f"largest error of the standard step over {step.n} extreme parameter sets {step.value:.2g} {step.unit}"
    change = (
        f"tightening the tolerance from 1e-6 on changes the quantity of interest by {solver.value:.2g} {solver.unit}"
    )
    return (
        Finding("verification.calculation.discretization_error", "c", reason),
        Finding("verification.calculation.numerical_solver_error", "c", change),
    )
