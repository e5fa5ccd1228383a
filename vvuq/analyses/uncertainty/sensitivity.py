"""Which uncertain parameter drives the quantity of interest, and how wide does ignorance make it?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any

import numpy as np
from pydantic import Field
from scipy.special import ndtri
from scipy.stats import qmc, t

from vvuq.analyses import analysis, check, evidence
from vvuq.analyses.settings import Choice, Count, PowerOfTwo, refused, scenario
from vvuq.calibration.foce import Population, fit_population
from vvuq.errors import NotEvaluable
from vvuq.methods.chaos import Chaos, polynomial_chaos
from vvuq.methods.sobol import Indices, sobol_indices
from vvuq.models.portable import portable
from vvuq.models.simulate import simulate
from vvuq.models.twin import Twin
from vvuq.models.units import factor
from vvuq.record import Context, Evidence, Finding, Floats, Quantity, Table

MOST_RUNS = 1_000_000  # nodes of the expansion's grid: (degree + 1) to the power of the number of parameters


def _metrics(twin: Twin, settings: Mapping[str, Any]) -> dict[str, str]:
    observable = twin.model.observables[0].name
    if twin.scenarios:  # without any, the analysis will not be evaluable; a plan may name it all the same
        observable = scenario(twin, settings["use"], "sensitivity.use").observable
    plain = ("largest_disagreement", "agreement", "pce_validation_error", "n_runs_sobol", "n_runs_pce")
    indices = [f"{kind}_{p.name}" for kind in ("S1", "ST") for p in twin.model.parameters]
    return {
        **dict.fromkeys(("qoi_mean", "qoi_sd", "qoi_p05", "qoi_p95"), _unit(twin, observable)),
        **dict.fromkeys((*plain, "sum_first_order", *indices), "1"),
        **dict.fromkeys(("horizon", "observed_median", "observed_longest"), twin.model.time_unit),
    }


def _unit(twin: Twin, observable: str) -> str:
    return twin.model.observables[twin.model.observable_index(observable)].unit


@analysis(
    "Which uncertain parameter drives the quantity of interest?", suite="uncertainty", version=3, metrics=_metrics
)
def sensitivity(
    twin: Twin,
    context: Context,
    *,
    use: Choice,
    base: Annotated[PowerOfTwo, Field(ge=16)] = 256,
    scrambles: Annotated[int, Field(ge=2)] = 16,
    degree: Count = 6,
    fresh: Annotated[int, Field(ge=16)] = 1024,
    bins: Count = 40,
) -> Evidence:
    """Sobol' indices and polynomial chaos (chaospy) of the scenario `use` over the personal parameters'
    variation between patients and the shared parameters' standard errors, and whether the two methods agree."""
    build = context.build()
    fit = fit_population(twin, build)
    problem, names = scenario(twin, use, "sensitivity.use"), tuple(p.name for p in twin.model.parameters)
    if (degree + 1) ** len(names) > MOST_RUNS:
        raise refused("sensitivity.degree", degree, f"a lower one: (degree + 1)^{len(names)} runs, {MOST_RUNS} at most")
    spread = {name: float(omega) for name, omega in zip(twin.personal, fit.omega, strict=True)}
    errors = {e.name: e.standard_error for e in fit.estimates if e.name not in spread}
    run = portable(twin, _model, use=use, theta=fit.theta, spread=spread, errors=errors)

    def from_cube(points: Floats) -> Floats:
        return context.evaluate(run, np.asarray(ndtri(points)))

    def from_germs(points: Floats) -> Floats:
        return context.evaluate(run, points)

    d = len(names)
    indices = sobol_indices(from_cube, d, base, scrambles, context.stream("sobol"))
    chaos = polynomial_chaos(from_germs, d, degree, fresh, context.stream("chaos"))
    sample = from_cube(np.clip(qmc.Sobol(d, rng=context.stream("density")).random(4096).T, 1e-12, 1 - 1e-12))
    if not np.all(np.isfinite(sample)):
        raise NotEvaluable(f"{int((~np.isfinite(sample)).sum())} of {sample.size} model runs failed")
    unit = _unit(twin, problem.observable)
    rows = _compare(names, indices, chaos, scrambles)
    growth = _growth(from_cube, names, base, scrambles, context)
    values = _values(names, indices, chaos, sample, rows, unit, len(fit.patients))
    tables = {"indices": _index_table(rows), "inputs": _inputs(twin, fit), "convergence_in_n": growth,
              "density": _density(sample, bins, unit)}  # fmt: skip
    inputs: dict[str, object] = {
        "cohort": build.digest, "use": use, "meaning": problem.meaning, "base": base, "scrambles": scrambles,
        "degree": degree, "fresh": fresh,
    }  # fmt: skip
    negative: tuple[str, ...] = () if values["agreement"].value == 1.0 else (
        "Sobol' indices and polynomial chaos disagree beyond their errors for "
        + ", ".join(f"{r[1]} index of {r[0]}" for r in rows if not r[9]) + ".",
    )  # fmt: skip
    last = [max(m.time for m in p.measurements) for p in build.patients if p.measurements]
    observed = np.array(last) * factor(dict(build.units)["time"], twin.model.time_unit, build.name)
    hours = twin.model.time_unit
    values["horizon"] = Quantity(problem.time, hours)
    values["observed_median"] = Quantity(float(np.median(observed)), hours, n=len(last))
    values["observed_longest"] = Quantity(float(observed.max()), hours, n=len(last))
    if problem.time > observed.max():
        text = f"the quantity of interest lies at {problem.time:.0f} {hours}, the last samples at a median of"
        negative += (f"Extrapolation: {text} {np.median(observed):.0f} and at most {observed.max():.0f} {hours}.",)
    most = max(names, key=lambda name: values[f"ST_{name}"].value)
    share = 100.0 * values[f"S1_{most}"].value
    findings = (f"{most} alone makes {share:.0f} % of the variance of the quantity of interest ({problem.meaning}).",)
    return evidence(sensitivity, twin.name, inputs, values=values, tables=tables, findings=findings, negative=negative)


def _model(
    twin: Twin, use: Choice, theta: Floats, spread: Mapping[str, float], errors: Mapping[str, float]
) -> Callable[[Floats], Floats]:
    """The quantity of interest as a function of standard normal germs (d, n), one for each parameter: log-normal about
    `theta` with the spread of its name, else normal with its error."""
    model, typical, problem = twin.model, theta, scenario(twin, use, "sensitivity.use")
    channel = model.observable_index(problem.observable)

    def run(germs: Floats) -> Floats:
        theta = np.empty_like(germs)
        for i, p in enumerate(model.parameters):
            if p.name in spread:
                theta[i] = typical[i] * np.exp(spread[p.name] * germs[i])
            else:
                theta[i] = typical[i] + errors[p.name] * germs[i]
        paths = simulate(model, problem.schedule, theta, [problem.time], method=twin.method)
        return np.where(paths.codes == 0, paths.observed[0, channel], np.nan)

    return run


Row = tuple[str, str, float, float, float, float, float, float, float, bool]


def _compare(names: tuple[str, ...], sobol: Indices, chaos: Chaos, scrambles: int) -> list[Row]:
    """A row an index. They agree where they differ by no more than the Sobol' half-width, widened so that all the
    comparisons together hold at 95 %, plus twice the root of the expansion's unexplained share of variance."""
    comparisons = 2 * len(names)
    widen = float(t.ppf(1.0 - 0.025 / comparisons, scrambles - 1) / t.ppf(0.975, scrambles - 1))
    slack, rows = 2.0 * chaos.error**0.5, []
    for order, a, half, b in (
        ("first", sobol.first, 0.5 * (sobol.first_high - sobol.first_low), chaos.first),
        ("total", sobol.total, 0.5 * (sobol.total_high - sobol.total_low), chaos.total),
    ):
        for i, name in enumerate(names):
            s, h, p = float(a[i]), float(half[i]), float(b[i])
            rows.append((name, order, s, s - h, s + h, p, p - slack, p + slack, s - p, abs(s - p) <= widen * h + slack))
    return rows


def _index_table(rows: list[Row]) -> Table:
    columns = ("parameter", "order", "sobol", "low", "high", "pce", "pce_low", "pce_high", "difference", "agree")
    return Table("Sobol' indices by both methods", columns, ("", "", *("1",) * 7, ""), tuple(rows))


def _values(
    names: tuple[str, ...], sobol: Indices, chaos: Chaos, sample: Floats, rows: list[Row], unit: str, n: int
) -> dict[str, Quantity]:
    p05, p95 = (float(v) for v in np.quantile(sample, [0.05, 0.95]))
    values = {
        "qoi_mean": Quantity(float(sample.mean()), unit, kind="epistemic", n=n),
        "qoi_sd": Quantity(float(sample.std()), unit, kind="epistemic", n=n),
        "qoi_p05": Quantity(p05, unit, kind="epistemic", n=n),
        "qoi_p95": Quantity(p95, unit, kind="epistemic", n=n),
        "largest_disagreement": Quantity(max(abs(r[8]) for r in rows), "1", kind="numerical"),
        "agreement": Quantity(float(all(r[9] for r in rows)), "1"),
        "pce_validation_error": Quantity(chaos.error, "1", kind="numerical"),
        "n_runs_sobol": Quantity(float(sobol.runs), "1"),
        "n_runs_pce": Quantity(float(chaos.runs), "1"),
        "sum_first_order": Quantity(float(sobol.first.sum()), "1", kind="numerical"),
    }
    for row in rows:
        key = f"{'S1' if row[1] == 'first' else 'ST'}_{row[0]}"
        values[key] = Quantity(row[2], "1", row[3], row[4], 0.95, kind="numerical")
    return values


def _inputs(twin: Twin, fit: Population) -> Table:
    errors, rows = {e.name: e for e in fit.estimates}, []
    for i, p in enumerate(twin.model.parameters):
        if p.name in twin.personal:
            omega = float(fit.omega[twin.personal.index(p.name)])
            shape = f"log-normal, median {fit.theta[i]:.4g}, SD of log {omega:.3g}"
            source = "variation between build patients; unknown of a new one until sampled"
        else:
            shape = f"normal, mean {fit.theta[i]:.3g}, SD {errors[p.name].standard_error:.3g}"
            source = "standard error of the population estimate"
        rows.append((p.name, p.unit, shape, source, len(fit.patients), "epistemic"))
    columns = ("parameter", "unit", "distribution", "source", "n_behind", "status")
    return Table("Uncertain inputs, independent as fitted", columns, ("", "", "", "", "1", ""), tuple(rows))


def _growth(
    run: Callable[[Floats], Floats], names: tuple[str, ...], base: int, scrambles: int, context: Context
) -> Table:
    rows = []
    for size in (base // 8, base // 4, base // 2, base):
        found = sobol_indices(run, len(names), size, scrambles, context.stream(f"growth {size}"))
        for i, name in enumerate(names):
            value, low, high = (float(x[i]) for x in (found.first, found.first_low, found.first_high))
            rows.append((size * scrambles, name, value, low, high))
    columns = ("n", "parameter", "first", "low", "high")
    return Table("First-order indices as the sample grows", columns, ("1", "", "1", "1", "1"), tuple(rows))


def _density(sample: Floats, bins: int, unit: str) -> Table:
    heights, edges = np.histogram(sample, bins=bins, range=tuple(np.quantile(sample, [0.001, 0.999])), density=True)
    middles = 0.5 * (edges[:-1] + edges[1:])
    rows = tuple((float(x), float(y)) for x, y in zip(middles, heights, strict=True))
    return Table("Distribution of the quantity of interest", ("value", "density"), (unit, f"1/({unit})"), rows)


@check("sensitivity")
def inputs_are_ranked_and_propagated(found: Evidence) -> tuple[Finding, ...]:
    """Input rows: rung b, the parameters are ranked and propagated; recorded inputs and times are taken as exact."""
    agrees = found.values["agreement"].value == 1.0
    reason = "parameters are ranked, recorded inputs and times are not varied" if agrees else "two methods disagree"
    spread = (
        "variation between patients is propagated; errors of recorded inputs, times and typical values count as none"
    )
    return (
        Finding("validation.model.input_sensitivities", "b" if agrees else "a", reason),
        Finding("validation.model.input_uncertainties", "b", spread),
    )
