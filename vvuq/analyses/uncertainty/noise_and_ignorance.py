"""How much of a forecast's uncertainty is noise, how much ignorance, and which part do data take away?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from pydantic import Field
from scipy.stats import beta

from vvuq.analyses import analysis, check, evidence
from vvuq.analyses.settings import Finite, Name, Positive
from vvuq.analyses.uncertainty.layered import (
    WORDS,
    Counts,
    Draws_,
    First,
    FitSettings,
    Known,
    Names,
    Question,
    Times,
    asked,
    question,
    worlds,
)
from vvuq.calibration.subjects import Subject
from vvuq.errors import NotEvaluable
from vvuq.interaction.nested import Asked, Layers, Met, draw_patients, layers, ways
from vvuq.methods.jackknife import mean_quantity
from vvuq.methods.nested import known_noise, numerical_error
from vvuq.methods.scores import mixture_cdf, mixture_quantiles
from vvuq.models.twin import Twin
from vvuq.numerics.streams import Draws
from vvuq.record import Cell, Context, Evidence, Finding, Floats, Kind, Quantity, Table

PARTS = ("population", "patient", "change", "measurement")
EPISTEMIC = ("population", "patient")
CENTRAL95 = np.array([0.025, 0.5, 0.975])
HALVED = 0.0625  # of a fourth-order method's error where its step is halved
COVERS = (93.0, 97.0)  # % of simulated patients that a 95 % band may hold and be called right
LEAST_POPULATIONS = 3
NONE = "none"  # the time of the last value where there is none


def _metrics(twin: Twin, settings: Mapping[str, Any]) -> dict[str, str]:
    stem = "noise_and_ignorance"
    of = question(twin, settings["use"], f"{stem}.use", settings.get("target"), settings.get("observable"))
    sds = [f"{part}_sd_{when}" for when in ("first", "last") for part in (*PARTS, "total")]
    sds += ["width95_first", "width95_last", "numerical_sd"]
    shares = ("epistemic_share_first", "epistemic_share_last", "coverage95", "narrowed")
    counts = ("n_patients", "n_patients_lost", "n_populations", "n_runs")
    return dict.fromkeys(sds, of.unit) | dict.fromkeys(shares, "%") | dict.fromkeys(counts, "1")


@dataclass(frozen=True, eq=False, slots=True)
class Split:
    """By patient and count of values: variances of PARTS (parts, patients, after), 95 % bands with the median between
    (3, patients, after), the band of ignorance alone, whether what was measured lies inside (patients, after)."""

    variances: Floats
    bands: Floats
    ignorance: Floats
    inside: Floats

    @property
    def epistemic(self) -> Floats:
        """Variance that data can remove (patients, after)."""
        return self.variances[:2].sum(axis=0)


@analysis(
    "How much of a forecast's uncertainty is noise, how much ignorance, and which part do data take away?",
    suite="uncertainty",
    metrics=_metrics,
)
def noise_and_ignorance(
    twin: Twin,
    context: Context,
    *,
    known: Known,
    use: dict[str, Any],
    measured: Times,
    after: Counts,
    target: Finite | None = None,
    observable: Name | None = None,
    observed: Names | None = None,
    pace: Positive | None = None,
    first: First | None = None,
    fit: FitSettings = {},  # noqa: B006 -- never changed
    patients: Annotated[int, Field(ge=8)] = 64,
    populations: Draws_ = 8,
    outer: Annotated[int, Field(ge=8)] = 64,
    inner: Annotated[int, Field(ge=2)] = 8,
) -> Evidence:
    """Patients drawn from the twin (`known`: with whose numbers), measured at `measured`, forecast at the target after
    the first `after` values.

    The variance is split by the law of total variance, unbiased: population (other numbers that the fit cannot tell
    from the ones it found, `populations` draws), patient (the belief after the values), random change (walk still to
    come), measurement. Numerical: the same forecast with half the step. `observed`: which observables are measured."""
    stem = "noise_and_ignorance"
    of = question(twin, use, f"{stem}.use", target, observable)
    estimate, drawn, said = worlds(twin, context, known, of, use, populations, fit, first, outer, stem)
    moves = bool(np.any(np.asarray(estimate.system.drift) > 0.0))
    form = asked(of, estimate, stem, measured, after, observed, pace, (outer, inner if moves else 1))
    many = drawn if len(drawn) >= LEAST_POPULATIONS else (estimate,)
    seed = int(context.stream("patients").integers(0, 2**62))
    met = draw_patients(many, form, patients, Draws(seed, "patients"))
    walks = ways(many, form)
    found = [layers(many, form, v, walks, _draws(seed, i)) for i, v in enumerate(met.values)]
    kept = [i for i, one in enumerate(found) if np.all(np.isfinite(one.values)) and np.isfinite(met.target[i])]
    if len(kept) < 8:
        raise NotEvaluable(f"{len(kept)} of {patients} simulated patients could be followed and forecast: 8 are needed")
    parts = split([found[i] for i in kept], met.target[kept], len(many) > 1, moves)
    numerical = _numerical(estimate, form, met, kept, seed)
    runs = patients * len(after) * len(many) * form.outer * form.inner
    values = _values(of, parts, numerical, (patients, len(many) if len(many) > 1 else 0, runs))
    tables = {"layers": _table(of, form, parts, twin), "band": _band(of, form, parts, met.target[kept], twin)}
    inputs: dict[str, object] = {
        "known": known, "use": use, "meaning": of.meaning, "measured": list(measured), "after": list(after),
        "observed": list(observed or ()), "patients": patients, "populations": len(drawn), "outer": form.outer,
        "inner": form.inner, "fit": dict(fit),
    }  # fmt: skip
    return evidence(
        noise_and_ignorance, twin.name, inputs, values=values, tables=tables,
        findings=_findings(of, form, values, known, said, len(many) > 1),
        negative=_negative(values, form, known, len(many) > 1),
    )  # fmt: skip


def _draws(seed: int, patient: int) -> Draws:
    return Draws(seed, "forecasts", f"patient {patient}")


def split(found: list[Layers], target: Floats, populations: bool, moves: bool) -> Split:
    """The parts of each patient's forecasts."""
    values = np.moveaxis(np.array([one.values for one in found]), (0, 1), (-2, -1))  # (worlds, outer, inner, N, after)
    variances = np.moveaxis(np.array([one.variances for one in found]), (0, 1), (-2, -1))
    levels, taken = ["measurement"], (values, variances)
    if moves:
        levels.insert(0, "change")
    else:
        taken = values[:, :, 0], variances[:, :, 0]
    levels.insert(0, "patient")
    if populations:
        levels.insert(0, "population")
    else:
        taken = taken[0][0], taken[1][0]
    parts = known_noise(*taken, levels).variance.value
    out = np.zeros((len(PARTS), *parts.shape[1:]))
    for row, level in zip(parts, levels, strict=True):
        out[PARTS.index(level)] = row
    n, k = target.size, len(found[0].values)
    bands, ignorance, inside = np.empty((3, n, k)), np.empty((2, n, k)), np.empty((n, k))
    for i in range(n):
        for j in range(k):
            mean, sd = found[i].values[j].ravel(), np.sqrt(found[i].variances[j].ravel())
            bands[:, i, j] = mixture_quantiles(mean, sd, CENTRAL95)
            ignorance[:, i, j] = np.quantile(found[i].values[j].mean(axis=-1), [0.025, 0.975])
            inside[i, j] = abs(mixture_cdf(float(target[i]), mean, sd) - 0.5) <= 0.475
    return Split(out, bands, ignorance, inside)


def _numerical(subject: Subject, form: Asked, met: Met, kept: list[int], seed: int) -> float:
    """Root of the upper bound of the mean square numerical error of the forecast, by halving its step."""
    walk = ways([subject], form)
    pairs = []
    for i in kept[: min(len(kept), 16)]:
        pair = [layers([subject], form, met.values[i], walk, _draws(seed, i), step=s).values for s in (1.0, 0.5)]
        pairs.append(pair)
    whole, half = np.array(pairs).swapaxes(0, 1)
    good = np.isfinite(whole) & np.isfinite(half)
    if not good.all():
        return float("nan")
    shape = whole.shape[0], -1
    try:
        fine, coarse = half.reshape(shape), whole.reshape(shape)
        return float(np.sqrt(numerical_error(fine, coarse, levels=2, shrink=HALVED).bound))
    except NotEvaluable:  # the step changes nothing, as in an interval that is shorter than it
        return 0.0


def _values(of: Question, found: Split, numerical: float, counts: tuple[int, int, int]) -> dict[str, Quantity]:
    patients, populations, runs = counts
    n = found.inside.shape[0]
    out: dict[str, Quantity] = {}
    for when, j in (("first", 0), ("last", -1)):
        for part, row in zip(PARTS, found.variances, strict=True):
            kind: Kind = "epistemic" if part in EPISTEMIC else "aleatory"
            out[f"{part}_sd_{when}"] = Quantity(_root(row[:, j]), of.unit, kind=kind, n=n)
        out[f"total_sd_{when}"] = Quantity(_root(found.variances[..., j].sum(axis=0)), of.unit, n=n)
        share = 100.0 * found.epistemic[:, j] / found.variances[..., j].sum(axis=0)
        out[f"epistemic_share_{when}"] = mean_quantity(share, "%")
        out[f"width95_{when}"] = mean_quantity(found.bands[2, :, j] - found.bands[0, :, j], of.unit)
    ratio = (found.bands[2, :, -1] - found.bands[0, :, -1]) / (found.bands[2, :, 0] - found.bands[0, :, 0])
    out["narrowed"] = mean_quantity(100.0 * (1.0 - ratio), "%")
    out["coverage95"] = _share(found.inside[:, -1])
    out["numerical_sd"] = Quantity(numerical, of.unit, kind="numerical")
    for name, count in (
        ("n_patients", n),
        ("n_patients_lost", patients - n),
        ("n_populations", populations),
        ("n_runs", runs),
    ):
        out[name] = Quantity(float(count), "1")
    return out


def _root(variances: Floats) -> float:
    """The root of the mean variance; what came out below 0 for being small is 0."""
    return float(np.sqrt(max(variances.mean(), 0.0)))


def _share(inside: Floats) -> Quantity:
    """Share of patients inside in percent, with its exact (Clopper-Pearson) interval."""
    n, x = inside.size, int(inside.sum())
    low = float(beta.ppf(0.025, x, n - x + 1)) if x else 0.0
    high = float(beta.ppf(0.975, x + 1, n - x)) if x < n else 1.0
    return Quantity(100.0 * x / n, "%", 100.0 * low, 100.0 * high, 0.95, kind="aleatory", n=n)


def _table(of: Question, form: Asked, found: Split, twin: Twin) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for j, count in enumerate(form.after):
        sds = [_root(row[:, j]) for row in found.variances]
        total = _root(found.variances[..., j].sum(axis=0))
        share = 100.0 * float((found.epistemic[:, j] / found.variances[..., j].sum(axis=0)).mean())
        width = float((found.bands[2, :, j] - found.bands[0, :, j]).mean())
        last: Cell = float(form.times[count - 1]) if count else NONE
        rows.append((count, last, *sds, total, share, width, 100.0 * float(found.inside[:, j].mean())))
    columns = (
        "values", "last", "population_part_sd", "patient_sd", "change_sd", "measurement_sd", "total_sd",
        "epistemic_share", "width95", "coverage95",
    )  # fmt: skip
    u = of.unit
    title = f"Parts of the forecast's spread, by values known ({found.inside.shape[0]} simulated patients)"
    return Table(title, columns, ("1", twin.model.time_unit, u, u, u, u, u, "%", u, "%"), tuple(rows))


def _band(of: Question, form: Asked, found: Split, target: Floats, twin: Twin) -> Table:
    """The simulated patient whose first total variance is the median."""
    order = np.argsort(found.variances[..., 0].sum(axis=0), kind="stable")
    i = int(order[len(order) // 2])
    rows = tuple(
        (count, float(form.times[count - 1]) if count else NONE, *(float(v) for v in found.bands[:, i, j]),
         *(float(v) for v in found.ignorance[:, i, j]), float(target[i]))
        for j, count in enumerate(form.after)
    )  # fmt: skip
    columns = ("values", "last", "low95", "median", "high95", "ignorance_low95", "ignorance_high95", "measured")
    u = of.unit
    title = "One simulated patient: forecast of the same moment as values come in"
    return Table(title, columns, ("1", twin.model.time_unit, u, u, u, u, u, u), rows)


def _findings(
    of: Question, form: Asked, v: Mapping[str, Quantity], known: Known, said: str, populations: bool
) -> tuple[str, ...]:
    first, last = (v[f"epistemic_share_{when}"].value for when in ("first", "last"))
    narrowed, count = v["narrowed"].value, form.after[-1]
    told = (
        f"By {WORDS[known]}, {count} values make the 95 % band of {of.meaning} {narrowed:.0f} % narrower; of its "
        f"variance {first:.0f} % was ignorance after {form.after[0]} values and {last:.0f} % is after {count}."
    )
    part = f"What is not known of the population: {said}." if populations else f"No part for the population: {said}."
    return told, part


def _negative(v: Mapping[str, Quantity], form: Asked, known: Known, populations: bool) -> tuple[str, ...]:
    out = []
    low, high = v["coverage95"].low, v["coverage95"].high
    if low is not None and high is not None and not (low <= 95.0 <= high):
        out.append(
            f"The 95 % band holds {v['coverage95'].value:.0f} % of what the twin's own patients then showed "
            f"({low:.0f} to {high:.0f} %): the filter's belief is not the truth's distribution."
        )
    if v["narrowed"].low is not None and v["narrowed"].low <= 0.0:
        out.append(f"{form.after[-1]} values do not surely make the band narrower.")
    if v["n_patients_lost"].value:
        out.append(
            f"{v['n_patients_lost'].value:.0f} simulated patients were lost: filter or forecast failed for them."
        )
    if not populations and known != "experiment":
        out.append("Ignorance of the population is not among the parts, so that the epistemic share is a lower bound.")
    if not v["numerical_sd"].value <= 0.1 * v["total_sd_last"].value:
        out.append(f"The integrator's step may add {v['numerical_sd'].value:.3g} {v['numerical_sd'].unit} to the SD.")
    return tuple(out)


@check("noise_and_ignorance")
def forecasts_tell_noise_from_ignorance(found: Evidence) -> tuple[Finding, ...]:
    """Input uncertainties: rung c where the parts of patient and population are propagated and the bands hold."""
    v = found.values
    low, high = v["coverage95"].low or 0.0, v["coverage95"].high or 0.0
    holds, whole = low <= 95.0 <= high, v["n_populations"].value > 0
    if holds and whole:
        reason = "ignorance of patient and population, random change and errors are propagated; the 95 % bands hold"
        return (Finding("validation.model.input_uncertainties", "c", reason),)
    why = "the bands do not hold what simulated patients show" if not holds else "that of the population is left out"
    return (Finding("validation.model.input_uncertainties", "b", f"the parts are quantified, but {why}"),)
