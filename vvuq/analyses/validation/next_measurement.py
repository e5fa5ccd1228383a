"""Shared by cross_validation and holdout: each patient's next measurement, forecast from the earlier ones.

A row is one forecast; headline metrics are over rows with at least one earlier measurement of that patient. One
observable is compared, in its unit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri
from scipy.stats import qmc

from vvuq.calibration.foce import Population
from vvuq.calibration.personal import assimilate, personal_system, prior_belief
from vvuq.calibration.units import in_model_units
from vvuq.errors import NotEvaluable
from vvuq.interaction.forecast import Forecast, forecast_from
from vvuq.methods.scores import crps_mixture, mixture_cdf, prediction_error
from vvuq.models.twin import Twin
from vvuq.record import Cohort, Floats, Patient

COLUMNS = (
    "earlier", "time", "observed", "median", "low90", "high90", "epistemic_low90", "epistemic_high90", "crps", "pit",
    "epistemic_variance", "aleatory_variance", "nis",
    "baseline_median", "baseline_low90", "baseline_high90", "baseline_crps", "baseline_pit",
)  # fmt: skip
COLUMN = {name: i for i, name in enumerate(COLUMNS)}
CENTRAL90 = np.array([0.05, 0.5, 0.95])


@dataclass(frozen=True, slots=True)
class Rows:
    """The forecasts for one patient: values (forecasts, columns), COLUMNS in order; the SD of the log personal
    parameters after 0, 1, 2 ... measurements (beliefs, personal); the third measurement as forecast after 0, 1, 2 ones
    (3; epistemic and aleatory variance, width of the 90 % band; empty without a third); members that failed."""

    patient: Patient
    values: Floats
    spread: Floats
    target: Floats
    failed: int


def normals(twin: Twin, members: int, rng: np.random.Generator) -> Floats:
    """Standard normal draws (d, members) for forecasts, a scrambled Sobol' net; members a power of 2."""
    d = len(twin.model.states) + len(twin.personal)
    net = qmc.Sobol(d, rng=rng).random(members).T
    return np.asarray(ndtri(np.clip(net, 1e-12, 1.0 - 1e-12)))


def of_cohort(twin: Twin, population: Population, cohort: Cohort, draws: Floats) -> list[Rows]:
    """Forecasts for every patient of `cohort` that has a measurement."""
    return [of_patient(twin, population, cohort, p, draws) for p in cohort.patients if p.measurements]


def of_patient(twin: Twin, population: Population, cohort: Cohort, patient: Patient, draws: Floats) -> Rows:
    """Each measurement forecast from those before it, by the twin and by the population alone."""
    system = personal_system(twin, population)
    schedule = twin.schedule(cohort, patient)
    taken = in_model_units(twin, cohort, patient.measurements)
    beliefs, seen = assimilate(system, prior_belief(twin, population, schedule), schedule, taken)
    rows, failed, third = [], 0, []
    for k, m in enumerate(taken):
        if seen[k].code != 0:
            raise NotEvaluable(f"the filter failed on measurement {k + 1} of a patient: code {seen[k].code}")
        ahead, alone = (
            forecast_from(system, belief, schedule, m.observable, np.array([m.time]), draws)
            for belief in (beliefs[k], beliefs[0])
        )
        failed += ahead.failed
        rows.append([k, m.time, m.value, *_twin(ahead, m.value), seen[k].nis, *_baseline(alone, m.value)])
    for belief in beliefs[:3] if len(taken) >= 3 else ():
        ahead = forecast_from(system, belief, schedule, taken[2].observable, np.array([taken[2].time]), draws)
        low, _, high = ahead.total_quantiles(CENTRAL90)[0]
        third.append([ahead.epistemic_sd()[0] ** 2, ahead.aleatory_sd()[0] ** 2, high - low])
    n = len(twin.model.states)
    spread = np.array([np.sqrt((belief.root[n:] ** 2).sum(axis=1)) for belief in beliefs])
    return Rows(patient, np.array(rows, dtype=float), spread, np.array(third), failed)


def _twin(ahead: Forecast, value: float) -> list[float]:
    low, median, high = ahead.total_quantiles(CENTRAL90)[0]
    inner_low, _, inner_high = ahead.epistemic_quantiles(CENTRAL90)[0]
    mean, sd = ahead.values[0], ahead.error_sd[0]
    scores = [crps_mixture(value, mean, sd), mixture_cdf(value, mean, sd)]
    variances = [float(ahead.epistemic_sd()[0] ** 2), float(ahead.aleatory_sd()[0] ** 2)]
    return [median, low, high, inner_low, inner_high, *scores, *variances]


def _baseline(alone: Forecast, value: float) -> list[float]:
    low, median, high = alone.total_quantiles(CENTRAL90)[0]
    mean, sd = alone.values[0], alone.error_sd[0]
    return [median, low, high, crps_mixture(value, mean, sd), mixture_cdf(value, mean, sd)]


def covered(pit: Floats, level: float) -> Floats:
    """1 where the central interval of `level` (0 to 1) holds the observation, else 0."""
    return (np.abs(pit - 0.5) <= 0.5 * level).astype(float)


def statistics(rows: Floats) -> Floats:
    """The numbers of `metrics` over rows with an earlier measurement (mean_nis over all rows), in order."""
    c = COLUMN
    later = rows[rows[:, c["earlier"]] >= 1.0]
    error = prediction_error(later[:, c["observed"]], later[:, c["median"]])
    base = prediction_error(later[:, c["observed"]], later[:, c["baseline_median"]])
    crps, base_crps = later[:, c["crps"]].mean(), later[:, c["baseline_crps"]].mean()
    mdape, base_mdape = np.median(np.abs(error)), np.median(np.abs(base))
    coverage = [100.0 * covered(later[:, c["pit"]], level).mean() for level in LEVELS]
    base_coverage = [100.0 * covered(later[:, c["baseline_pit"]], level).mean() for level in LEVELS]
    widths = [_mean(later[:, c[f"{p}high90"]] - later[:, c[f"{p}low90"]]) for p in ("", "baseline_")]
    return np.array([
        np.median(error), mdape, crps, *coverage, np.median(base), base_mdape, base_crps, 1.0 - crps / base_crps,
        base_mdape - mdape, *widths, rows[:, c["nis"]].mean(), *base_coverage,
    ])  # fmt: skip


LEVELS = (0.5, 0.8, 0.9, 0.95)


def metrics(unit: str) -> dict[str, str]:
    """Name and unit of each number of `statistics`, in order, for an observable in `unit`."""
    coverage = {f"coverage_{100 * v:.0f}": "%" for v in LEVELS}
    return {
        "mdpe": "%", "mdape": "%", "crps": unit, **coverage, "baseline_mdpe": "%", "baseline_mdape": "%",
        "baseline_crps": unit, "crps_skill": "1", "mdape_gain": "%", "interval90_width": unit,
        "baseline_interval90_width": unit, "mean_nis": "1", **{f"baseline_{name}": "%" for name in coverage},
    }  # fmt: skip


def _mean(values: Floats) -> float:
    return float(values.mean()) if values.size else float("nan")


def pooled(found: Sequence[Rows]) -> list[Floats]:
    """One array of rows for each patient, in the order of first appearance; repeats of a patient stacked."""
    groups: dict[str, list[Floats]] = {}
    for rows in found:
        groups.setdefault(rows.patient.id, []).append(rows.values)
    return [np.concatenate(parts) for parts in groups.values()]
