"""How far is the twin's own step from a solver that is much better, for patients drawn from the priors?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy.stats import qmc

from vvuq.analyses import analysis, check, evidence
from vvuq.analyses.settings import Choice, Count, Positive, scenario
from vvuq.errors import NotEvaluable
from vvuq.models.simulate import RK4, Adaptive, simulate
from vvuq.models.twin import Scenario, Twin
from vvuq.record import Context, Cost, Evidence, Finding, Floats, Quantity, Table

REFERENCE, USUAL = Adaptive(1e-11, 1e-11), Adaptive()
INSTANTS = 49  # over the scenario, at which the difference is looked for
TAILS = 0.001  # of each prior, from which no patient is drawn
NEGLIGIBLE = 1e-3  # of the largest value


def _metrics(twin: Twin, settings: Mapping[str, Any]) -> dict[str, str]:
    names = ("largest_difference", "typical_difference", "adaptive_difference", "largest_value")
    observable = twin.model.observables[0].name
    if twin.scenarios:
        observable = scenario(twin, settings["use"], "solver_agreement.use").observable
    return dict.fromkeys(names, _unit(twin, observable)) | {"n_patients": "1", "n_patients_failed": "1"}


def _unit(twin: Twin, observable: str) -> str:
    return twin.model.observables[twin.model.observable_index(observable)].unit


@analysis(
    "How far is the twin's own step from a much better solver, for patients drawn from the priors?",
    suite="verification",
    metrics=_metrics,
)
def solver_agreement(
    twin: Twin, context: Context, *, use: Choice, patients: Count = 64, steps: list[Positive] | None = None
) -> Evidence:
    """The quantity of the scenario `use` at instants over it: by the twin's step, by `steps` and by the adaptive pair
    at its usual tolerance, against the pair at a tolerance of 1e-11. No closed form is needed.

    Patients are one parameter set each, from a scrambled Sobol' net over the independent priors."""
    problem, unit = scenario(twin, use, "solver_agreement.use"), ""
    unit, theta = _unit(twin, problem.observable), _patients(twin, context, patients)
    best, codes = _course(twin, problem, theta, REFERENCE)
    good = codes == 0
    if good.sum() < 2:
        raise NotEvaluable(f"the reference solver failed for {int((~good).sum())} of {patients} patients")
    best, theta = best[:, good], np.ascontiguousarray(theta[:, good])
    rows, failed = [], int((~good).sum())
    for step in sorted({twin.method.step, *(steps or ())}, reverse=True):
        found, codes = _course(twin, problem, theta, RK4(step))
        apart = np.abs(found - best).max(axis=0)
        rows.append((step, float(np.nanmax(apart)), float(np.nanmedian(apart)), int((codes != 0).sum())))
    usual, codes = _course(twin, problem, theta, USUAL)
    own = next(row for row in rows if row[0] == twin.method.step)
    values = {
        "largest_difference": Quantity(own[1], unit, kind="numerical", n=int(good.sum())),
        "typical_difference": Quantity(own[2], unit, kind="numerical", n=int(good.sum())),
        "adaptive_difference": Quantity(float(np.nanmax(np.abs(usual - best))), unit, kind="numerical"),
        "largest_value": Quantity(float(np.abs(best).max()), unit),
        "n_patients": Quantity(float(good.sum()), "1"),
        "n_patients_failed": Quantity(float(failed + own[3] + int((codes != 0).sum())), "1"),
    }
    columns = ("step", "largest_difference", "typical_difference", "patients_failed")
    table = Table(f"RK4 against the reference, {problem.meaning}", columns, (twin.model.time_unit, unit, unit, "1"),
                  tuple(rows))  # fmt: skip
    inputs: dict[str, object] = {"use": use, "patients": patients, "steps": [row[0] for row in rows]}
    runs = patients + int(good.sum()) * (1 + len(rows))
    return evidence(
        solver_agreement, twin.name, inputs, values=values, tables={"steps": table}, cost=Cost(model_runs=runs)
    )


def _patients(twin: Twin, context: Context, count: int) -> Floats:
    """Parameter sets (p, count)."""
    priors = [p.prior for p in twin.model.parameters]
    net = qmc.Sobol(len(priors), rng=context.stream("patients")).random(1 << (count - 1).bit_length())[:count]
    shares = TAILS + (1.0 - 2.0 * TAILS) * net
    return np.array([[prior.quantile(float(s)) for s in row] for prior, row in zip(priors, shares.T, strict=True)])


def _course(twin: Twin, problem: Scenario, theta: Floats, method: RK4 | Adaptive) -> tuple[Floats, Any]:
    """The quantity of interest (instants, patients), and a code for each patient."""
    times = np.linspace(problem.schedule.start, problem.time, INSTANTS)[1:]
    paths = simulate(twin.model, problem.schedule, theta, times, method=method)
    return paths.observed[:, twin.model.observable_index(problem.observable)], paths.codes


@check("solver_agreement")
def solvers_agree(found: Evidence) -> tuple[Finding, ...]:
    """Calculation verification: the error of step and tolerance is known over the priors; rung c for the solver where
    it is negligible. Code verification: rung b, two integrators agree, none of them against an exact solution."""
    step, usual = found.values["largest_difference"], found.values["adaptive_difference"]
    largest, count = found.values["largest_value"].value, int(found.values["n_patients"].value)
    small = max(step.value, usual.value) <= NEGLIGIBLE * largest and found.values["n_patients_failed"].value == 0.0
    told = (
        f"over {count} patients drawn from the priors the standard step differs by at most {step.value:.2g} {step.unit}"
    )
    solver = (
        f"the adaptive pair at its usual tolerance differs by at most {usual.value:.2g} {usual.unit} of {largest:.3g}"
    )
    return (
        Finding("verification.code.numerical_code_verification", "b" if small else "a", told),
        Finding("verification.calculation.discretization_error", "c", told),
        Finding("verification.calculation.numerical_solver_error", "c" if small else "a", solver),
    )
