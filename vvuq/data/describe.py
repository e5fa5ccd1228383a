"""Describes a split cohort in counts and ranges: flow, table 1, what is missing, what its reader dropped.

Measured values are summarized of build patients alone."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from statistics import fmean, median, pstdev
from types import MappingProxyType

from vvuq.data.split import overlap
from vvuq.record import Cell, Cohort, Patient, Table

Parts = Mapping[str, Cohort]
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


def flow(
    build: Cohort, held_out: Cohort, excluded: Sequence[Patient] = (), external: Parts = MappingProxyType({})
) -> Table:
    """Patients and measurements at each step from screening to the two parts, and of each external cohort."""
    analysed = build.patients + held_out.patients
    steps: tuple[tuple[str, Sequence[Patient]], ...] = (
        ("screened", (*analysed, *excluded)),
        ("excluded", excluded),
        ("analysed", analysed),
        ("build", build.patients),
        ("held out", held_out.patients),
        *((f"external {name}", part.patients) for name, part in external.items()),
    )
    rows = tuple((step, len(patients), _samples(patients)) for step, patients in steps)
    return Table("Flow of patients", ("step", "patients", "measurements"), ("", "1", "1"), rows)


def reading(cohort: Cohort) -> Table:
    """What the reader of the whole table kept, dropped, flagged and did not understand; all parts together."""
    return Table("What the reader kept, dropped and flagged", ("what", "count"), ("", "1"), cohort.notes)


def table1(build: Cohort, held_out: Cohort, below: Below = (), external: Parts = MappingProxyType({})) -> Table:
    """Characteristics of all parts, "median [min to max]", and for each (covariate, limit) of `below` how many lie
    under the limit. Measured values are left out: what is held out must not show before it is opened."""
    parts, units = {"build": build, "held_out": held_out, **external}, dict(build.units)
    names, seen = [name for name, _ in build.patients[0].covariates], observables(build, held_out)
    rows: list[tuple[str, ...]] = [("patients", "1", *(str(len(part.patients)) for part in parts.values()))]
    rows += [(name, units[name], *_each(parts, _covariate(name), name, units)) for name in names]
    rows += [(f"{name} < {limit:g}", "1", *_under(parts, name, limit, units)) for name, limit in below]
    rows.append(("doses a patient", "1", *_each(parts, lambda patient: len(patient.doses))))
    for what in kinds_of_doses(*parts.values()) or ("dose",):
        label = "total dose" if what == "dose" else f"total {what}"
        rows.append((label, units.get(what, "1"), *_each(parts, _total(what), what, units)))
    rows.append(("measurements a patient", "1", *_each(parts, lambda patient: len(patient.measurements))))
    if len(seen) > 1:
        rows += [(f"measurements of {name} a patient", "1", *_each(parts, _count(name))) for name in seen]
    rows.append(("time of the last record", units["time"], *_each(parts, _last_time, "time", units)))
    return Table("Characteristics", ("characteristic", "unit", *parts), ("",) * (2 + len(parts)), tuple(rows))


def missingness(build: Cohort, held_out: Cohort, external: Parts = MappingProxyType({})) -> Table:
    """For each field the number of patients who lack it; complete covariates are a condition of `make_cohort`."""
    parts = {"build": build, "held_out": held_out, **external}
    names = [name for name, _ in build.patients[0].covariates]
    lacks: list[tuple[str, Callable[[Patient], bool]]] = [(name, _lacks(name)) for name in names]
    lacks.append(("any dose", lambda patient: not patient.doses))
    kinds, seen = kinds_of_doses(build, held_out), observables(build, held_out)
    lacks += [(f"any {what}", _without(_total(what))) for what in kinds if len(kinds) > 1]
    lacks.append(("any measurement", lambda patient: not patient.measurements))
    lacks += [(f"any measurement of {name}", _without(_count(name))) for name in seen if len(seen) > 1]
    lacks.append(("a second measurement", lambda patient: len(patient.measurements) < 2))
    rows: list[tuple[Cell, ...]] = [
        (name, *(sum(map(lack, part.patients)) for part in parts.values())) for name, lack in lacks
    ]
    columns = ("field", *(f"missing_{part}" for part in parts))
    return Table("Patients without a field", columns, ("", *("1" for _ in parts)), tuple(rows))


def within(build: Cohort, bands: Mapping[str, Sequence[float]]) -> Table:
    """For each observable with a band [low, high] the shares of readings below, inside and above it, their mean and SD:
    over all readings, and "median [min to max]" over the patients. Of build patients alone."""
    units, rows = dict(build.units), []
    for name, (low, high) in bands.items():
        found = [[m.value for m in p.measurements if m.observable == name] for p in build.patients]
        each = [_summary(values, low, high) for values in found if values]
        pooled = _summary([value for values in found for value in values], low, high)
        labels = (f"below {low:g}", f"{low:g} to {high:g}", f"above {high:g}", "mean", "SD")
        told = zip(labels, ("%", "%", "%", units[name], units[name]), pooled, zip(*each, strict=True), strict=True)
        rows += [(name, label, unit, f"{whole:.3g}", _range(parts)) for label, unit, whole, parts in told]
    columns = ("observable", "quantity", "unit", "all_readings", "patients")
    return Table("Measured values of build patients", columns, ("",) * 5, tuple(rows))


def _summary(values: Sequence[float], low: float, high: float) -> tuple[float, float, float, float, float]:
    """Percent below, inside and above the band; mean; SD."""
    n, below, above = len(values), sum(value < low for value in values), sum(value > high for value in values)
    shares = 100.0 * below / n, 100.0 * (n - below - above) / n, 100.0 * above / n
    return (*shares, fmean(values), pstdev(values))


def kinds_of_doses(*parts: Cohort) -> tuple[str, ...]:
    """The names of what was given to any patient, in order of the alphabet."""
    return tuple(sorted({dose.what for part in parts for patient in part.patients for dose in patient.doses}))


def observables(*parts: Cohort) -> tuple[str, ...]:
    """The names of what was measured in any patient, in order of the alphabet."""
    return tuple(sorted({m.observable for part in parts for patient in part.patients for m in patient.measurements}))


def _samples(patients: Sequence[Patient]) -> int:
    return sum(len(patient.measurements) for patient in patients)


def _each(
    parts: Parts, value: Callable[[Patient], float], field: str = "", units: Mapping[str, str] = MappingProxyType({})
) -> list[str]:
    """The range of a value in each part; nothing where the part has no such field, or has it in another unit."""
    told = []
    for part in parts.values():
        fits = not field or dict(part.units).get(field) == units.get(field)
        told.append(_range([value(patient) for patient in part.patients]) if fits else "")
    return told


def _range(values: Sequence[float]) -> str:
    return f"{median(values):.3g} [{min(values):.3g} to {max(values):.3g}]"


def _covariate(name: str) -> Callable[[Patient], float]:
    return lambda patient: dict(patient.covariates)[name]


def _lacks(name: str) -> Callable[[Patient], bool]:
    return lambda patient: not math.isfinite(dict(patient.covariates).get(name, math.nan))


def _without(count: Callable[[Patient], float]) -> Callable[[Patient], bool]:
    return lambda patient: count(patient) == 0


def _under(parts: Parts, name: str, limit: float, units: Mapping[str, str]) -> list[str]:
    def share(part: Cohort) -> str:
        under = sum(dict(patient.covariates)[name] < limit for patient in part.patients)
        return f"{under} ({100.0 * under / len(part.patients):.0f} %)"

    return [share(part) if dict(part.units).get(name) == units[name] else "" for part in parts.values()]


def _total(what: str) -> Callable[[Patient], float]:
    return lambda patient: sum(dose.amount for dose in patient.doses if dose.what == what)


def _count(observable: str) -> Callable[[Patient], float]:
    return lambda patient: sum(sample.observable == observable for sample in patient.measurements)


def _last_time(patient: Patient) -> float:
    times = [dose.time for dose in patient.doses] + [sample.time for sample in patient.measurements]
    return max(times, default=0.0)
