"""Describes a split cohort in counts and ranges: flow, table 1, what is missing. No measured value is summarized."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from statistics import median

from vvuq.data.split import overlap
from vvuq.record import Cohort, Patient, Table

Below = Sequence[tuple[str, float]]
COUNTS = ("n_screened", "n_excluded", "n_analysed", "n_build", "n_held_out", "n_overlap", "n_measurements", "n_doses")


def counts(build: Cohort, held_out: Cohort, excluded: Sequence[Patient] = ()) -> dict[str, int]:
    """The counts COUNTS of the flow. n_overlap: patients that stand in both parts, by id or by an identical record."""
    analysed = build.patients + held_out.patients
    sizes = (
        len(analysed) + len(excluded), len(excluded), len(analysed), len(build.patients), len(held_out.patients),
        len(overlap(build, held_out)), _samples(analysed), sum(len(patient.doses) for patient in analysed),
    )  # fmt: skip
    return dict(zip(COUNTS, sizes, strict=True))


def flow(build: Cohort, held_out: Cohort, excluded: Sequence[Patient] = ()) -> Table:
    """Patients and measurements at each step from screening to the two parts."""
    analysed = build.patients + held_out.patients
    steps: tuple[tuple[str, Sequence[Patient]], ...] = (
        ("screened", (*analysed, *excluded)),
        ("excluded", excluded),
        ("analysed", analysed),
        ("build", build.patients),
        ("held out", held_out.patients),
    )
    rows = tuple((step, len(patients), _samples(patients)) for step, patients in steps)
    return Table("Flow of patients", ("step", "patients", "measurements"), ("", "1", "1"), rows)


def table1(build: Cohort, held_out: Cohort, below: Below = ()) -> Table:
    """Characteristics of both parts, "median [min to max]", and for each (covariate, limit) of `below` how many lie
    under the limit. Measured values are left out: what is held out must not show before it is opened."""
    units = dict(build.units)
    names = [name for name, _ in build.patients[0].covariates]
    rows = [("patients", "1", str(len(build.patients)), str(len(held_out.patients)))]
    rows += [(name, units[name], *_both(build, held_out, _covariate(name))) for name in names]
    rows += [(f"{name} < {limit:g}", "1", *_under(build, held_out, name, limit)) for name, limit in below]
    rows.append(("doses a patient", "1", *_both(build, held_out, lambda patient: len(patient.doses))))
    for what in kinds_of_doses(build, held_out) or ("dose",):
        label = "total dose" if what == "dose" else f"total {what}"
        rows.append((label, units.get(what, "1"), *_both(build, held_out, _total(what))))
    rows.append(("measurements a patient", "1", *_both(build, held_out, lambda patient: len(patient.measurements))))
    rows.append(("time of the last record", units["time"], *_both(build, held_out, _last_time)))
    return Table("Characteristics", ("characteristic", "unit", "build", "held_out"), ("", "", "", ""), tuple(rows))


def missingness(build: Cohort, held_out: Cohort) -> Table:
    """For each field the number of patients who lack it; complete covariates are a condition of `make_cohort`."""
    names = [name for name, _ in build.patients[0].covariates]
    lacks: list[tuple[str, Callable[[Patient], bool]]] = [(name, _lacks(name)) for name in names]
    lacks.append(("any dose", lambda patient: not patient.doses))
    lacks.append(("any measurement", lambda patient: not patient.measurements))
    lacks.append(("a second measurement", lambda patient: len(patient.measurements) < 2))
    rows = tuple((name, sum(map(lack, build.patients)), sum(map(lack, held_out.patients))) for name, lack in lacks)
    columns = ("field", "missing_build", "missing_held_out")
    return Table("Patients without a field", columns, ("", "1", "1"), rows)


def _samples(patients: Sequence[Patient]) -> int:
    return sum(len(patient.measurements) for patient in patients)


def _both(build: Cohort, held_out: Cohort, value: Callable[[Patient], float]) -> tuple[str, str]:
    return _range([value(p) for p in build.patients]), _range([value(p) for p in held_out.patients])


def _range(values: Sequence[float]) -> str:
    return f"{median(values):.3g} [{min(values):.3g} to {max(values):.3g}]"


def _covariate(name: str) -> Callable[[Patient], float]:
    return lambda patient: dict(patient.covariates)[name]


def _lacks(name: str) -> Callable[[Patient], bool]:
    return lambda patient: not math.isfinite(dict(patient.covariates).get(name, math.nan))


def _under(build: Cohort, held_out: Cohort, name: str, limit: float) -> tuple[str, str]:
    def share(part: Cohort) -> str:
        under = sum(dict(patient.covariates)[name] < limit for patient in part.patients)
        return f"{under} ({100.0 * under / len(part.patients):.0f} %)"

    return share(build), share(held_out)


def kinds_of_doses(*parts: Cohort) -> tuple[str, ...]:
    """The names of what was given to any patient, in order of the alphabet."""
    return tuple(sorted({dose.what for part in parts for patient in part.patients for dose in patient.doses}))


def _total(what: str) -> Callable[[Patient], float]:
    return lambda patient: sum(dose.amount for dose in patient.doses if dose.what == what)


def _last_time(patient: Patient) -> float:
    times = [dose.time for dose in patient.doses] + [sample.time for sample in patient.measurements]
    return max(times, default=0.0)
