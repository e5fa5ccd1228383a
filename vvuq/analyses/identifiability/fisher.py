"""Can each patient's own sampling times tell the personal parameters apart?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

import numpy as np

from vvuq.analyses import analysis, evidence
from vvuq.calibration.foce import Population, fit_population
from vvuq.methods.fisher import Information, combination, information
from vvuq.models.sensitivity import simulate_with_derivatives
from vvuq.models.twin import Twin
from vvuq.models.units import factor
from vvuq.record import Cell, Cohort, Context, Evidence, Patient, Quantity, Table

HIGHEST_CORRELATION, HIGHEST_RSE = 0.95, 1.0


def _metrics(twin: Twin, settings: Mapping[str, Any]) -> dict[str, str]:
    counts = (
        "n_patients",
        "n_rank_deficient",
        "n_cannot_separate",
        *(f"n_below_population_{n}" for n in twin.personal),
    )
    shares = ("share_cannot_separate", *(f"median_rse_{name}" for name in twin.personal))
    return dict.fromkeys(counts, "1") | dict.fromkeys(shares, "%")


@analysis(
    "Which patients' sampling times can tell the parameters apart?",
    suite="identifiability",
    version=2,
    metrics=_metrics,
)
def fisher(twin: Twin, context: Context) -> Evidence:
    """Fisher information of the personal parameters for each patient's actual doses and times, at the typical values.

    Only times and doses of the held-out patients are used, never their measured values. The prior adds nothing here."""
    build = context.build()
    population = fit_population(twin, build)
    sealed = context.open_sealed("sampling times and doses for the Fisher information; measured values are not used")
    cases = [(c, p) for c in (build, sealed) for p in c.patients if p.measurements]
    found = [(p, of_patient(twin, population, c, p)) for c, p in cases]
    blind = [i for _, i in found if not separates(i)]
    n = len(found)
    names = twin.personal
    rse = {name: [100.0 * float(i.rse[j]) for _, i in found if i.rank == len(names)] for j, name in enumerate(names)}
    values = {
        "n_patients": Quantity(float(n), "1"),
        "n_rank_deficient": Quantity(float(sum(i.rank < len(names) for _, i in found)), "1", n=n),
        "n_cannot_separate": Quantity(float(len(blind)), "1", n=n),
        "share_cannot_separate": Quantity(100.0 * len(blind) / n, "%", n=n),
        **{f"median_rse_{name}": Quantity(median(r), "%", n=len(r)) for name, r in rse.items() if r},
    }
    tables = {"by_samples": _by_samples(found, names), "patients": _patients(found, names)}
    for j, (name, omega) in enumerate(zip(names, population.omega, strict=True)):
        values[f"n_below_population_{name}"] = Quantity(float(sum(not i.rse[j] <= omega for _, i in found)), "1", n=n)
    below = {name: values[f"n_below_population_{name}"].value for name in names}
    negative = tuple(
        f"In {below[name]:.0f} of {n} patients their own samples say less of {name} than the population does."
        for name in names
        if below[name]
    )
    inputs: dict[str, object] = {
        "build": build.digest, "sealed": sealed.digest,
        "highest_correlation": HIGHEST_CORRELATION, "highest_rse": HIGHEST_RSE,
    }  # fmt: skip
    return evidence(fisher, twin.name, inputs, values=values, tables=tables, negative=negative)


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


Found = Sequence[tuple[Patient, Information]]


def _by_samples(found: Found, names: tuple[str, ...]) -> Table:
    rows = []
    for count in sorted({len(p.measurements) for p, _ in found}):
        group = [i for p, i in found if len(p.measurements) == count]
        full = [i for i in group if i.rank == len(names)]
        medians: list[Cell] = [
            median(100.0 * float(i.rse[j]) for i in full) if full else None for j in range(len(names))
        ]
        correlation = median(abs(i.correlation) for i in full) if full else None
        blind = sum(not separates(i) for i in group)
        rows.append((count, len(group), len(full), blind, *medians, correlation))
    header = ("samples", "patients", "full_rank", "cannot_separate", *(f"median_rse_{n}" for n in names))
    units = ("1", "1", "1", "1", *("%" for _ in names), "1")
    return Table("By number of samples", (*header, "median_abs_correlation"), units, tuple(rows))


def _patients(found: Found, names: tuple[str, ...]) -> Table:
    def number(value: float, scale: float = 1.0) -> float | str:
        return scale * float(value) if np.isfinite(value) else "undefined" if np.isnan(value) else "unbounded"

    rows = tuple(
        (p.id, len(p.measurements), i.rank, number(i.condition), *(number(v, 100.0) for v in i.rse),
         number(i.correlation), combination(i.weakest, names), separates(i))
        for p, i in found
    )  # fmt: skip
    columns = ("patient", "samples", "rank", "condition", *(f"rse_{n}" for n in names))
    units = ("", "1", "1", "1", *("%" for _ in names), "1", "", "")
    title = "Each patient's own sampling times"
    return Table(title, (*columns, "correlation", "weakest_combination", "separates"), units, rows, individual=True)
