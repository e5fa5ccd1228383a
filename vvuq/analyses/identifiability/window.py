"""What the readings of a window of time can tell of a followed patient's parameters, without drift.

The state at the beginning is not known: its directions, with the SDs that the filter begins with, are eliminated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from statistics import median

import numpy as np

from vvuq.calibration.stretches import Stretch, stretches
from vvuq.calibration.tracking import Tracking, followed
from vvuq.errors import NotEvaluable
from vvuq.methods.fisher import Information, information
from vvuq.models.schedule import since
from vvuq.models.sensitivity import simulate_with_derivatives
from vvuq.models.twin import Twin
from vvuq.record import Cell, Cohort, Floats, Patient, Table


@dataclass(frozen=True, slots=True)
class Window:
    """One patient's window: sensitivities (rows, k) by the logs of the personal and then the shared parameters, over
    the error, with the unknown beginning eliminated; how many readings; what they say of the personal ones alone."""

    patient: str
    samples: int
    slopes: Floats
    personal: Information


def blinded(twin: Twin, build: Cohort, cohort: Cohort) -> Cohort:
    """The cohort with the median reading of the build patients in the place of each reading. Raises NotEvaluable."""
    name = followed(twin).observable
    found = [m.value for p in build.patients for m in p.measurements if m.observable == name]
    if not found:
        raise NotEvaluable(f"{build.name}: nobody has a reading of {name}")
    middle = float(median(found))
    return replace(cohort, patients=tuple(_blinded(patient, name, middle) for patient in cohort.patients))


def _blinded(patient: Patient, name: str, value: float) -> Patient:
    return replace(patient, measurements=tuple(
        replace(m, value=value) for m in patient.measurements if m.observable == name
    ))  # fmt: skip


def windows(twin: Twin, found: Tracking, cohort: Cohort, length: float) -> list[Window]:
    """The beginning of each patient's first stretch of readings that is so long; those who have none are left out."""
    out = []
    for patient in cohort.patients:
        whole = [s for s in stretches(twin, cohort, patient) if s.times[-1] - s.times[0] >= length]
        if whole:
            out.append(of_stretch(twin, found, whole[0], length))
    return out


def of_stretch(twin: Twin, found: Tracking, stretch: Stretch, length: float) -> Window:
    """The first `length` of a stretch; the observable's slopes come from the variational equations."""
    follow, model = followed(twin), twin.model
    begin = float(stretch.times[0])
    times = stretch.times[stretch.times <= begin + length]
    schedule = since(stretch.schedule, begin)
    mean, sd = follow.start(schedule, found.theta, float(stretch.values[0]))
    names = (*twin.personal, *follow.shared)
    unknown = [(name, float(s)) for name, s in zip(model.states, sd, strict=True) if s > 0.0]
    y, slopes = simulate_with_derivatives(
        model, schedule, found.theta, names, times, method=twin.method, x0=mean, initial=[name for name, _ in unknown]
    )
    channel, k = model.observable_index(follow.observable), len(names)
    noise = found.noise[channel]
    error = np.hypot(noise.sd, noise.cv * y[:, channel])[:, None]
    theta = np.array([found.theta[model.parameter_index(name)] for name in names])
    own = slopes[:, channel, :k] * theta / error
    others = slopes[:, channel, k:] * np.array([s for _, s in unknown]) / error
    left = eliminated(others, own)
    return Window(stretch.patient, times.size, left, information(left[:, : len(twin.personal)]))


def eliminated(others: Floats, own: Floats) -> Floats:
    """S (k, k) with S'S the information about what `own` (samples, k) are slopes of, where `others` (samples, n) are
    slopes of what is unknown with SD 1: the lower corner of a QR decomposition, which is a Schur complement."""
    n, k = others.shape[1], own.shape[1]
    prior = np.hstack([np.eye(n), np.zeros((n, k))])
    padded = np.vstack([np.hstack([others, own]), prior, np.zeros((k, n + k))])
    corner: Floats = np.linalg.qr(padded)[1]
    return corner[n : n + k, n:]


def parameters_table(twin: Twin, found: Tracking, seen: Sequence[Window]) -> Table:
    """Median relative standard errors of each parameter: the others known, the shared known, all unknown."""
    k, names = len(twin.personal), (*twin.personal, *followed(twin).shared)
    told = informed(seen)
    rows: list[tuple[Cell, ...]] = []
    for j, name in enumerate(names):
        alone = [float(np.linalg.norm(w.slopes[:, j])) for w in seen]
        personal = [float(w.personal.rse[j]) for w in seen] if j < k else []
        whole = [float(information(w.slopes[:, told]).rse[told.index(j)]) for w in seen] if j in told else []
        size = 100.0 * float(found.omega[j]) if j < k else None
        rows.append((name, _percent([1.0 / v if v > 0.0 else np.inf for v in alone]), _percent(personal),
                     _percent(whole), size))  # fmt: skip
    columns = ("parameter", "rse_alone", "rse_personal", "rse_all", "population_sd")
    title = "Median relative standard error: all others known, shared ones known, nothing known"
    return Table(title, columns, ("", "%", "%", "%", "%"), tuple(rows))


def pairs_table(twin: Twin, seen: Sequence[Window]) -> Table:
    """Correlations of estimates, the shared parameters unknown, too: median over patients, and the largest by size."""
    names, told = (*twin.personal, *followed(twin).shared), informed(seen)
    rows: list[tuple[Cell, ...]] = []
    for a, b in combinations(range(len(told)), 2):
        found = [c for w in seen if np.isfinite(c := _correlation(w.slopes[:, told], a, b))]
        middle = float(median(found)) if found else None
        largest = max(found, key=abs) if found else None
        rows.append((names[told[a]], names[told[b]], len(found), middle, largest))
    columns = ("parameter", "with", "patients", "correlation", "largest")
    return Table("Correlations of estimates, nothing known", columns, ("", "", "1", "1", "1"), tuple(rows))


def informed(seen: Sequence[Window]) -> list[int]:
    """The parameters that any reading depends on."""
    sizes = np.sum([np.linalg.norm(w.slopes, axis=0) for w in seen], axis=0)
    return [int(j) for j in np.flatnonzero(sizes > 0.0)]


def _correlation(slopes: Floats, a: int, b: int) -> float:
    if np.linalg.matrix_rank(slopes) < slopes.shape[1]:
        return float("nan")
    inverse = np.linalg.inv(np.linalg.qr(slopes)[1])
    covariance = inverse @ inverse.T
    return float(covariance[a, b] / np.sqrt(covariance[a, a] * covariance[b, b]))


def _percent(values: Sequence[float]) -> float | None:
    """The median in percent; None where it is not finite."""
    middle = float(median(values)) if values else float("inf")
    return 100.0 * middle if np.isfinite(middle) else None
