"""Can each patient's own sampling times tell the personal parameters apart?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np

from vvuq.analyses import analysis, evidence
from vvuq.analyses.identifiability.window import Window, blinded, informed, pairs_table, parameters_table, windows
from vvuq.analyses.settings import Count, Positive
from vvuq.analyses.tracked import tracked
from vvuq.calibration.foce import Population, fit_population
from vvuq.errors import NotEvaluable
from vvuq.methods.fisher import Information, combination, information
from vvuq.models.sensitivity import simulate_with_derivatives
from vvuq.models.twin import Twin
from vvuq.models.units import factor
from vvuq.record import Cell, Cohort, Context, Evidence, Floats, Patient, Quantity, Table

HIGHEST_CORRELATION, HIGHEST_RSE = 0.95, 1.0
OPENED = "sampling times and doses for the Fisher information; measured values are not used"


@dataclass(frozen=True, slots=True)
class Seen:
    """What a patient's samples say of the personal parameters, and how many there are."""

    patient: str
    samples: int
    information: Information


def _metrics(twin: Twin, settings: Mapping[str, Any]) -> dict[str, str]:
    counts: tuple[str, ...] = (
        "n_patients",
        "n_rank_deficient",
        "n_cannot_separate",
        *(f"n_below_population_{n}" for n in twin.personal),
    )
    if twin.follow is not None:
        counts = (*counts, "n_cannot_separate_with_shared")
    shares = ("share_cannot_separate", *(f"median_rse_{name}" for name in twin.personal))
    return dict.fromkeys(counts, "1") | dict.fromkeys(shares, "%")


@analysis(
    "Which patients' sampling times can tell the parameters apart?",
    suite="identifiability",
    version=2,
    metrics=_metrics,
)
def fisher(
    twin: Twin, context: Context, *, window: Positive = 1440.0, every: Positive = 360.0, evaluations: Count = 150
) -> Evidence:
    """Fisher information of the personal parameters for each patient's actual doses and times, at the typical values.

    Only times and doses of the held-out patients are used, never their measured values. The prior adds nothing here.
    Of a twin that follows patients: in the first `window` of readings, in the model's time, without drift, the state
    at its beginning unknown; every, evaluations: of its fit."""
    if twin.follow is not None:
        return _of_followed(twin, context, window, every, evaluations)
    build = context.build()
    population = fit_population(twin, build)
    sealed = context.open_sealed(OPENED)
    cases = [(c, p) for c in (build, sealed) for p in c.patients if p.measurements]
    found = [Seen(p.id, len(p.measurements), of_patient(twin, population, c, p)) for c, p in cases]
    counts = sorted({one.samples for one in found})
    groups = [(count, [one for one in found if one.samples == count]) for count in counts]
    values, negative = _values(found, twin.personal, population.omega)
    tables = {"by_samples": _by_samples(groups, twin.personal), "patients": _patients(found, twin.personal)}
    inputs: dict[str, object] = {
        "build": build.digest, "sealed": sealed.digest,
        "highest_correlation": HIGHEST_CORRELATION, "highest_rse": HIGHEST_RSE,
    }  # fmt: skip
    return evidence(fisher, twin.name, inputs, values=values, tables=tables, negative=negative)


def _of_followed(twin: Twin, context: Context, window: float, every: float, evaluations: int) -> Evidence:
    build = context.build()
    known = tracked(twin, build, every=every, evaluations=evaluations)
    sealed = context.open_sealed(OPENED)
    cohorts = [blinded(twin, build, cohort) for cohort in (build, sealed)]

    def seen(length: float) -> list[Window]:
        return [one for cohort in cohorts for one in windows(twin, known, cohort, length)]

    kept = seen(window)
    if not kept:
        raise NotEvaluable(f"nobody has readings over {window:g} {twin.model.time_unit} without a gap")
    found = [Seen(one.patient, one.samples, one.personal) for one in kept]
    by_length = [kept if part == 1.0 else seen(part * window) for part in (0.25, 0.5, 1.0, 2.0)]
    groups = [
        (round(median(w.samples for w in one)), [Seen(w.patient, w.samples, w.personal) for w in one])
        for one in by_length
        if one
    ]
    values, negative = _values(found, twin.personal, known.omega)
    told = informed(kept)
    whole = [information(w.slopes[:, told]) for w in kept]
    blind = sum(not separates(i) for i in whole)
    values["n_cannot_separate_with_shared"] = Quantity(float(blind), "1", n=len(kept))
    names = (*twin.personal, *twin.follow.shared) if twin.follow else twin.personal
    silent = tuple(f"Without drift no reading depends on {name}." for j, name in enumerate(names) if j not in told)
    tables = {
        "by_samples": _by_samples(groups, twin.personal), "parameters": parameters_table(twin, known, kept),
        "pairs": pairs_table(twin, kept), "patients": _patients(found, twin.personal),
    }  # fmt: skip
    inputs: dict[str, object] = {
        "build": build.digest, "sealed": sealed.digest, "window": window, "every": every, "evaluations": evaluations,
        "highest_correlation": HIGHEST_CORRELATION, "highest_rse": HIGHEST_RSE,
    }  # fmt: skip
    return evidence(
        fisher,
        twin.name,
        inputs,
        values=values,
        tables=tables,
        findings=silent,
        negative=(*negative, *_with(blind, n=len(kept))),
    )


def _with(blind: int, n: int) -> tuple[str, ...]:
    told = f"In {blind} of {n} patients a window's readings do not tell the parameters apart if the shared ones are"
    return (f"{told} unknown, too.",) if blind else ()


def _values(
    found: Sequence[Seen], names: tuple[str, ...], omega: Floats
) -> tuple[dict[str, Quantity], tuple[str, ...]]:
    """Values, and in how many patients the population says more than their own samples."""
    blind, n = sum(not separates(one.information) for one in found), len(found)
    every = [one.information for one in found]
    rse = {name: [100.0 * float(i.rse[j]) for i in every if i.rank == len(names)] for j, name in enumerate(names)}
    values = {
        "n_patients": Quantity(float(n), "1"),
        "n_rank_deficient": Quantity(float(sum(i.rank < len(names) for i in every)), "1", n=n),
        "n_cannot_separate": Quantity(float(blind), "1", n=n),
        "share_cannot_separate": Quantity(100.0 * blind / n, "%", n=n),
        **{f"median_rse_{name}": Quantity(median(r), "%", n=len(r)) for name, r in rse.items() if r},
    }
    for j, (name, sd) in enumerate(zip(names, omega, strict=True)):
        values[f"n_below_population_{name}"] = Quantity(float(sum(not i.rse[j] <= sd for i in every)), "1", n=n)
    below = {name: values[f"n_below_population_{name}"].value for name in names}
    negative = tuple(
        f"In {below[name]:.0f} of {n} patients their own samples say less of {name} than the population does."
        for name in names
        if below[name]
    )
    return values, negative


def of_patient(twin: Twin, population: Population, cohort: Cohort, patient: Patient) -> Information:
    """Information in one patient's measurements about the log personal parameters; exact derivatives."""
    model = twin.model
    hours = factor(dict(cohort.units)["time"], model.time_unit, cohort.name)
    times = [m.time * hours for m in patient.measurements]
    schedule = twin.schedule(cohort, patient)
    y, slopes = simulate_with_derivatives(model, schedule, population.theta, twin.personal, times, method=twin.method)
    theta = np.array([population.theta[model.parameter_index(name)] for name in twin.personal])
    rows = []
    for r, m in enumerate(patient.measurements):
        channel = model.observable_index(m.observable)
        noise = model.observables[channel].noise
        sd = population.noise_scale * np.hypot(noise.sd, noise.cv * y[r, channel])
        rows.append(slopes[r, channel] * theta / sd if sd > 0.0 else np.zeros(theta.size))
    return information(np.array(rows))


def separates(i: Information) -> bool:
    """Full rank, largest |correlation| <= 0.95 and every relative standard error <= 100 %."""
    return i.rank == i.rse.size and abs(i.correlation) <= HIGHEST_CORRELATION and bool(np.all(i.rse <= HIGHEST_RSE))


def _by_samples(groups: Sequence[tuple[int, Sequence[Seen]]], names: tuple[str, ...]) -> Table:
    rows = []
    for count, group in groups:
        every = [one.information for one in group]
        full = [i for i in every if i.rank == len(names)]
        medians: list[Cell] = [
            median(100.0 * float(i.rse[j]) for i in full) if full else None for j in range(len(names))
        ]
        correlation = median(abs(i.correlation) for i in full) if full else None
        blind = sum(not separates(i) for i in every)
        rows.append((count, len(group), len(full), blind, *medians, correlation))
    header = ("samples", "patients", "full_rank", "cannot_separate", *(f"median_rse_{n}" for n in names))
    units = ("1", "1", "1", "1", *("%" for _ in names), "1")
    return Table("By number of samples", (*header, "median_abs_correlation"), units, tuple(rows))


def _patients(found: Sequence[Seen], names: tuple[str, ...]) -> Table:
    def number(value: float, scale: float = 1.0) -> float | str:
        return scale * float(value) if np.isfinite(value) else "undefined" if np.isnan(value) else "unbounded"

    rows = tuple(
        (one.patient, one.samples, i.rank, number(i.condition), *(number(v, 100.0) for v in i.rse),
         number(i.correlation), combination(i.weakest, names), separates(i))
        for one in found for i in (one.information,)
    )  # fmt: skip
    columns = ("patient", "samples", "rank", "condition", *(f"rse_{n}" for n in names))
    units = ("", "1", "1", "1", *("%" for _ in names), "1", "", "")
    title = "Each patient's own sampling times"
    return Table(title, (*columns, "correlation", "weakest_combination", "separates"), units, rows, individual=True)
