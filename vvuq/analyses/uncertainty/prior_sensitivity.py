"""Which parameter drives the quantity of interest, over all that is held possible before any patient is seen?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field
from scipy.stats import qmc

from vvuq.analyses import analysis, check, evidence
from vvuq.analyses.settings import Choice, Count, PowerOfTwo, scenario
from vvuq.errors import NotEvaluable
from vvuq.methods.sobol import Indices, sobol_indices
from vvuq.models.parameter import Parameter
from vvuq.models.portable import portable
from vvuq.models.simulate import simulate
from vvuq.models.twin import Twin
from vvuq.record import Context, Evidence, Finding, Floats, Quantity, Table

TAILS = 0.001  # of each prior, which are left out
LOOKS = 37  # instants at which a lowest or highest value is looked for
SAMPLE = 1024  # runs behind the distribution
CLEAR = 0.05  # share of the variance from which on a parameter is named


def _metrics(twin: Twin, settings: Mapping[str, Any]) -> dict[str, str]:
    observable = twin.model.observables[0].name
    if twin.scenarios:
        observable = scenario(twin, settings["use"], "prior_sensitivity.use").observable
    unit = twin.model.observables[twin.model.observable_index(observable)].unit
    indices = [f"{kind}_{p.name}" for kind in ("S1", "ST") for p in _uncertain(twin)]
    return dict.fromkeys(("qoi_mean", "qoi_sd", "qoi_p05", "qoi_p95"), unit) | dict.fromkeys(
        ("n_parameters", "n_runs_sobol", "sum_first_order", *indices), "1"
    )


@analysis(
    "Which parameter drives the quantity of interest, over all that is held possible before any patient is seen?",
    suite="uncertainty",
    version=2,
    metrics=_metrics,
)
def prior_sensitivity(
    twin: Twin,
    context: Context,
    *,
    use: Choice,
    take: Literal["last", "lowest", "highest"] = "last",
    over: Annotated[float, Field(ge=0.0, allow_inf_nan=False)] = 0.0,
    base: Annotated[PowerOfTwo, Field(ge=16)] = 128,
    scrambles: Annotated[int, Field(ge=2)] = 8,
    bins: Count = 40,
) -> Evidence:
    """Sobol' indices of the scenario `use` over the independent priors, without any cohort.

    take: the observable at the scenario's time, or its lowest or highest value in the time `over` before that.
    Parameters whose prior is a point are held."""
    problem, names = scenario(twin, use, "prior_sensitivity.use"), tuple(p.name for p in _uncertain(twin))
    run = portable(twin, _model, use=use, take=take, over=over)

    def evaluated(points: Floats) -> Floats:
        return np.asarray(context.evaluate(run, points))

    found = sobol_indices(evaluated, len(names), base, scrambles, context.stream("sobol"))
    net = qmc.Sobol(len(names), rng=context.stream("density"))
    sample = evaluated(np.clip(net.random(SAMPLE).T, 1e-12, 1.0 - 1e-12))
    if not np.all(np.isfinite(sample)):
        raise NotEvaluable(f"{int((~np.isfinite(sample)).sum())} of {sample.size} model runs failed")
    unit = twin.model.observables[twin.model.observable_index(problem.observable)].unit
    of = {"last": "value", "lowest": f"lowest value of the last {over:g} {twin.model.time_unit}",
          "highest": f"highest value of the last {over:g} {twin.model.time_unit}"}[take]  # fmt: skip
    tables = {"indices": _index_table(names, found), "inputs": _inputs(twin), "density": _density(sample, bins, unit)}
    values = _values(names, found, sample, unit)
    leading = [name for name in sorted(names, key=lambda n: -values[f"ST_{n}"].value)
               if values[f"ST_{name}"].value >= CLEAR]  # fmt: skip
    drives = ", ".join(leading) or "no parameter alone"
    told = f"The {of} of {problem.observable} ({problem.meaning}) is driven by {drives}."
    inputs: dict[str, object] = {"use": use, "meaning": problem.meaning, "take": take, "over": over, "base": base,
                                 "scrambles": scrambles}  # fmt: skip
    return evidence(prior_sensitivity, twin.name, inputs, values=values, tables=tables, findings=(told,))


def _uncertain(twin: Twin) -> tuple[Parameter, ...]:
    return tuple(p for p in twin.model.parameters if p.prior.quantile(0.25) < p.prior.quantile(0.75))


def _model(twin: Twin, use: Choice, take: str, over: float) -> Callable[[Floats], Floats]:
    """The quantity of interest (n,) of points (d, n) in the unit cube, a row for each uncertain parameter."""
    problem = scenario(twin, use, "prior_sensitivity.use")
    model, channel = twin.model, twin.model.observable_index(problem.observable)
    rows = {p.name: i for i, p in enumerate(_uncertain(twin))}
    begin = max(problem.schedule.start, problem.time - over)
    times = np.linspace(begin, problem.time, LOOKS) if take != "last" and over > 0.0 else np.array([problem.time])

    def run(points: Floats) -> Floats:
        theta = np.empty((len(model.parameters), points.shape[1]))
        for i, p in enumerate(model.parameters):
            shares = TAILS + (1.0 - 2.0 * TAILS) * points[rows[p.name]] if p.name in rows else [0.5] * points.shape[1]
            theta[i] = [p.prior.quantile(float(share)) for share in shares]
        paths = simulate(model, problem.schedule, theta, times, method=twin.method)
        seen = paths.observed[:, channel]
        value = seen.max(axis=0) if take == "highest" else seen.min(axis=0) if take == "lowest" else seen[-1]
        return np.where(paths.codes == 0, value, np.nan)

    return run


def _index_table(names: tuple[str, ...], found: Indices) -> Table:
    """Sobol' indices, the largest total one first."""
    parts = (found.first, found.first_low, found.first_high, found.total, found.total_low, found.total_high)
    order = np.argsort(-found.total, kind="stable")
    rows = tuple((names[i], *(float(part[i]) for part in parts)) for i in order)
    columns = ("parameter", "first", "first_low", "first_high", "total", "total_low", "total_high")
    return Table("Sobol' indices with 95 % intervals, the largest first", columns, ("", *("1",) * 6), rows)


def _inputs(twin: Twin) -> Table:
    kept = {p.name for p in _uncertain(twin)}
    rows = tuple(
        (p.name, p.unit, p.prior.quantile(0.5), p.prior.quantile(0.025), p.prior.quantile(0.975), p.name in kept)
        for p in twin.model.parameters
    )
    columns = ("parameter", "unit", "median", "low", "high", "varied")
    return Table("Priors: medians and central 95 %", columns, ("", "", "", "", "", ""), rows)


def _density(sample: Floats, bins: int, unit: str) -> Table:
    heights, edges = np.histogram(sample, bins=bins, range=tuple(np.quantile(sample, [0.001, 0.999])), density=True)
    middles = 0.5 * (edges[:-1] + edges[1:])
    rows = tuple((float(x), float(y)) for x, y in zip(middles, heights, strict=True))
    return Table("Distribution of the quantity of interest", ("value", "density"), (unit, f"1/({unit})"), rows)


def _values(names: tuple[str, ...], found: Indices, sample: Floats, unit: str) -> dict[str, Quantity]:
    p05, p95 = (float(v) for v in np.quantile(sample, [0.05, 0.95]))
    values = {
        "qoi_mean": Quantity(float(sample.mean()), unit, kind="epistemic", n=sample.size),
        "qoi_sd": Quantity(float(sample.std()), unit, kind="epistemic", n=sample.size),
        "qoi_p05": Quantity(p05, unit, kind="epistemic", n=sample.size),
        "qoi_p95": Quantity(p95, unit, kind="epistemic", n=sample.size),
        "n_parameters": Quantity(float(len(names)), "1"),
        "n_runs_sobol": Quantity(float(found.runs), "1"),
        "sum_first_order": Quantity(float(found.first.sum()), "1", kind="numerical"),
    }
    for kind, mean, low, high in (
        ("S1", found.first, found.first_low, found.first_high),
        ("ST", found.total, found.total_low, found.total_high),
    ):
        for i, name in enumerate(names):
            values[f"{kind}_{name}"] = Quantity(
                float(mean[i]), "1", float(low[i]), float(high[i]), 0.95, kind="numerical"
            )
    return values


@check("prior_sensitivity")
def priors_are_ranked_and_propagated(found: Evidence) -> tuple[Finding, ...]:
    """Input rows: rung b, all parameters are ranked and their priors propagated; they are taken as independent."""
    count = int(found.values["n_parameters"].value)
    reason = f"{count} parameters are ranked over their priors, taken as independent; inputs and times are not varied"
    spread = "the priors are propagated; no patient has narrowed them, and what is given counts as exact"
    return (
        Finding("validation.model.input_sensitivities", "b", reason),
        Finding("validation.model.input_uncertainties", "b", spread),
    )
