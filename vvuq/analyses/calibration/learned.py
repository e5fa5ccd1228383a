"""What a filter has learned of each patient: personal parameters at the end of each day, and their spread."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from vvuq.calibration.tracking import Tracking, followed
from vvuq.errors import NotEvaluable
from vvuq.interaction.patient import assimilate
from vvuq.models.twin import Twin
from vvuq.models.units import factor
from vvuq.record import Cell, Cohort, Floats, Quantity, Table

LEVEL = 0.9
LEAST = 25.0  # percent of the prior variance that readings should remove, or they hardly tell a parameter


@dataclass(frozen=True, slots=True)
class Learned:
    """One personal parameter: logs and the filter's SDs of them (patients,) at the end of each record, the SD that the
    prior declares, and how many estimates lie outside of the prior's central 99 %."""

    name: str
    unit: str
    logs: Floats
    sds: Floats
    prior: float
    implausible: int

    @property
    def between(self) -> float:
        """SD of the estimates between patients; not-a-number for one patient."""
        return float(self.logs.std(ddof=1)) if self.logs.size > 1 else float("nan")

    @property
    def own(self) -> float:
        """Root mean square of the filter's own SDs."""
        return float(np.sqrt((self.sds**2).mean()))

    @property
    def removed(self) -> float:
        """Percent of the prior variance that is gone at the end of a record."""
        return 100.0 * (1.0 - (self.own / self.prior) ** 2)

    def values(self) -> dict[str, Quantity]:
        """What an Evidence says of it."""
        n = self.logs.size
        out = {
            f"own_{self.name}": Quantity(self.own, "1", n=n),
            f"learned_{self.name}": Quantity(self.removed, "%", n=n),
            f"n_implausible_{self.name}": Quantity(float(self.implausible), "1", n=n),
        }
        return out | ({f"between_{self.name}": Quantity(self.between, "1", n=n)} if n > 1 else {})

    def negative(self) -> tuple[str, ...]:
        """Sentences that speak against reading the estimates as a patient's own."""
        out = []
        if self.removed < LEAST:
            sds = f"its SD of the logarithm is {self.own:.2f} at the end of a record, {self.prior:.2f} before"
            out.append(f"Readings hardly tell a patient's {self.name}: {sds}.")
        if self.between < self.own:
            sds = f"an SD of {self.between:.2f}, less than the filter's own {self.own:.2f}"
            out.append(f"Estimates of {self.name} differ between patients with {sds}: they do not tell patients apart.")
        if self.implausible:
            of = f"{self.implausible} of {self.logs.size}"
            out.append(f"For {of} patients the {self.name} at the end lies outside of the central 99 % of its prior.")
        return tuple(out)


def learned_of(twin: Twin, found: Tracking, cohort: Cohort) -> tuple[Learned, ...]:
    """Each personal parameter over all patients. Raises NotEvaluable where nobody has a reading."""
    ends = [rows[-1] for rows in _by_day(twin, found, cohort).values() if rows]
    if not ends:
        raise NotEvaluable(f"{cohort.name}: nobody has a reading of {followed(twin).observable}")
    logs, sds = np.array([end[1] for end in ends]), np.array([end[2] for end in ends])
    out = []
    for j, (name, omega) in enumerate(zip(twin.personal, found.omega, strict=True)):
        parameter = twin.model.parameters[twin.model.parameter_index(name)]
        low, high = (float(parameter.prior.quantile(p)) for p in (0.005, 0.995))
        outside = int(((np.exp(logs[:, j]) < low) | (np.exp(logs[:, j]) > high)).sum())
        out.append(Learned(name, parameter.unit, logs[:, j], sds[:, j], float(omega), outside))
    return tuple(out)


def _by_day(twin: Twin, found: Tracking, cohort: Cohort) -> dict[str, list[tuple[int, Floats, Floats]]]:
    """By patient: the day, the logs and their SDs after its last reading. Steps that failed keep what was before."""
    day, n = factor("day", twin.model.time_unit, twin.name), len(twin.model.states)
    out: dict[str, list[tuple[int, Floats, Floats]]] = {}
    for patient in cohort.patients:
        rows: dict[int, tuple[int, Floats, Floats]] = {}
        for course in assimilate(twin, found, cohort, patient).courses:
            for time, mean, sd in zip(course.times, course.mean, course.sd, strict=True):
                number = int(time // day)
                rows[number] = (number, mean[n:], sd[n:])
        out[patient.id] = list(rows.values())
    return out


def patients_table(twin: Twin, learned: tuple[Learned, ...]) -> Table:
    """How patients differ, against how well each is known: aggregates."""
    rows: list[tuple[Cell, ...]] = []
    for one in learned:
        between = one.between if one.logs.size > 1 else None
        middle = float(np.exp(np.median(one.logs)))
        rows.append((one.name, one.unit, one.logs.size, middle, one.prior, between, one.own, one.removed,
                     one.implausible))  # fmt: skip
    columns = ("parameter", "unit", "patients", "median", "prior_sd", "between_sd", "own_sd", "learned", "implausible")
    units = ("", "", "1", "", "1", "1", "1", "%", "1")
    title = "Personal parameters at the end of each record (SDs of logarithms)"
    return Table(title, columns, units, tuple(rows))


def days_table(twin: Twin, found: Tracking, cohort: Cohort) -> Table:
    """Each patient's parameters after the last reading of each day, with 90 % intervals."""
    half = float(ndtri(0.5 + 0.5 * LEVEL))
    rows: list[tuple[Cell, ...]] = []
    for patient, days in _by_day(twin, found, cohort).items():
        first = days[0][0] if days else 0
        for number, logs, sds in days:
            cells = (np.exp(logs[j] + k * sds[j]) for j in range(logs.size) for k in (0.0, -half, half))
            rows.append((patient, number - first + 1, *(float(v) for v in cells)))
    parameters = [twin.model.parameters[twin.model.parameter_index(name)] for name in twin.personal]
    columns = [f"{name}{end}" for name in twin.personal for end in ("", "_low", "_high")]
    units = [p.unit for p in parameters for _ in range(3)]
    title = "Each patient's parameters at the end of each day (90 % intervals)"
    return Table(title, ("patient", "day", *columns), ("", "1", *units), tuple(rows), individual=True)
