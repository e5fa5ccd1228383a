"""Shared by the analyses of forecasters: scores as values with intervals over patients, tables, and sentences.

Intervals are Student's t over patients (jackknife for what is no mean): few patients make them wide."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from vvuq.analyses.validation.forecasts import COLUMN, HORIZONS, REFERENCES, Scored, slug
from vvuq.interaction.forecaster import Forecaster
from vvuq.methods.events import calibration, decomposed
from vvuq.methods.jackknife import jackknife, t_quantity
from vvuq.record import Cell, Floats, Quantity, Table

EDGES = np.array([0.0, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9, 1.0])
PERSISTENCE, CLIMATOLOGY = REFERENCES
_LEAST = {"rmse": 0.0, "mard": 0.0, "crps": 0.0, "coverage90": 0.0, "width90": 0.0, "interval_score": 0.0, "brier": 0.0}


def units(names: Sequence[str], unit: str, suffix: str = "") -> dict[str, str]:
    """Name and unit of every number of `values`, for forecasters `names` and readings in `unit`."""
    out: dict[str, str] = {}
    for name in names:
        for h in HORIZONS:
            own = {"rmse": unit, "mard": "%", "crps": unit, "coverage90": "%", "width90": unit, "interval_score": unit}
            gains = {} if name == PERSISTENCE else {"crps_gain": unit, "rmse_gain": unit}
            out |= {f"{key}_{slug(name)}_{h}{suffix}": of for key, of in (own | gains).items()}
        skills = () if name == CLIMATOLOGY else ("brier_skill", "brier_skill_new")
        events = ("brier", *skills, "reliability", "resolution")
        out |= {f"{key}_{slug(name)}{suffix}": "1" for key in events}
        out[f"n_not_forecast_{slug(name)}{suffix}"] = "1"
    out |= {f"rmse_last_reading_{h}{suffix}": unit for h in HORIZONS}
    return out | dict.fromkeys((f"n_patients{suffix}", f"n_origins{suffix}", f"n_events{suffix}"), "1")


def _numbers(means: Floats, names: Sequence[str]) -> dict[str, float]:
    """What has an interval, from means (patients, forecasters, COLUMNS)."""

    def mean(at: int, column: str) -> float:
        return float(np.nanmean(means[:, at, COLUMN[column]]))

    persistence, climatology = names.index(PERSISTENCE), names.index(CLIMATOLOGY)
    out: dict[str, float] = {}
    for i, name in enumerate(names):
        for h in HORIZONS:
            key = f"{slug(name)}_{h}"
            out[f"rmse_{key}"] = mean(i, f"squared_{h}") ** 0.5
            out[f"mard_{key}"], out[f"crps_{key}"] = mean(i, f"relative_{h}"), mean(i, f"crps_{h}")
            out[f"coverage90_{key}"] = 100.0 * (1.0 - mean(i, f"under_{h}") - mean(i, f"over_{h}"))
            out[f"width90_{key}"], out[f"interval_score_{key}"] = mean(i, f"width_{h}"), mean(i, f"interval_{h}")
            if name != PERSISTENCE:
                out[f"crps_gain_{key}"] = mean(persistence, f"crps_{h}") - mean(i, f"crps_{h}")
                out[f"rmse_gain_{key}"] = mean(persistence, f"squared_{h}") ** 0.5 - mean(i, f"squared_{h}") ** 0.5
        out[f"brier_{slug(name)}"] = mean(i, "brier")
        if name != CLIMATOLOGY:
            out[f"brier_skill_{slug(name)}"] = 1.0 - mean(i, "brier") / max(mean(climatology, "brier"), 1e-300)
            new, base = mean(i, "low_now"), mean(climatology, "low_now")
            out[f"brier_skill_new_{slug(name)}"] = 1.0 - new / max(base, 1e-300)
    return out | {f"rmse_last_reading_{h}": mean(0, f"last_{h}") ** 0.5 for h in HORIZONS}


def values_of(found: Scored, unit: str, suffix: str = "") -> dict[str, Quantity]:
    """All of `units`: means over patients with intervals, and the counts. Parts of the Brier score are of all origins
    together and have none."""
    names, means = list(found.rows), found.means()
    of, flat = units(names, unit, suffix), means.reshape(len(means), -1)
    keys = list(_numbers(means, names))
    value, error = jackknife(
        flat, lambda rows: np.array(list(_numbers(rows.reshape(len(rows), *means.shape[1:]), names).values()))
    )
    values = {}
    for key, v, e in zip(keys, value, error, strict=True):
        high = 100.0 if key.startswith("coverage90_") else 1.0 if key.startswith("brier_skill") else np.inf
        low = next((least for head, least in _LEAST.items() if key.startswith(f"{head}_")), -np.inf)
        low = -np.inf if "_gain_" in key or "_skill_" in key else low
        values[key + suffix] = t_quantity(v, e, of[key + suffix], len(means), low=low, high=high)
    for name in names:
        rows = found.pooled(name)
        parts = decomposed(rows[:, COLUMN["probability"]], rows[:, COLUMN["event"]], EDGES)
        values[f"reliability_{slug(name)}{suffix}"] = Quantity(parts.reliability, "1", n=len(means))
        values[f"resolution_{slug(name)}{suffix}"] = Quantity(parts.resolution, "1", n=len(means))
        values[f"n_not_forecast_{slug(name)}{suffix}"] = Quantity(float(found.dropped[name]), "1")
    rows = found.pooled(names[0])
    counts = {"n_patients": len(means), "n_origins": len(rows), "n_events": int(rows[:, COLUMN["event"]].sum())}
    return values | {f"{key}{suffix}": Quantity(float(count), "1") for key, count in counts.items()}


def tables_of(
    found: Scored, kinds: Mapping[str, Forecaster], values: Mapping[str, Quantity], unit: str, suffix: str = ""
) -> dict[str, Table]:
    """by_horizon, by_given, events, calibration: aggregates; by_patient: single patients."""
    made = {
        "by_horizon": _by_horizon(found, kinds, values, unit, suffix),
        "by_given": _by_given(found, unit),
        "events": _events(found, kinds, values, suffix),
        "calibration": _calibration(found),
        "by_patient": _by_patient(found, unit),
    }
    return {f"{name}{suffix}": table for name, table in made.items()}


def _by_horizon(
    found: Scored, kinds: Mapping[str, Forecaster], values: Mapping[str, Quantity], unit: str, suffix: str
) -> Table:
    out: list[tuple[Cell, ...]] = []
    for h in HORIZONS:
        for name in found.rows:
            key = f"{slug(name)}_{h}{suffix}"
            crps, cover = values[f"crps_{key}"], values[f"coverage90_{key}"]
            gain = values.get(f"crps_gain_{key}")
            ends = (gain.value, gain.low, gain.high) if gain else (0.0, 0.0, 0.0)  # over itself
            scores = (values[f"{score}_{key}"].value for score in ("rmse", "mard"))
            sharp = (values[f"{score}_{key}"].value for score in ("width90", "interval_score"))
            out.append((h, name, kinds[name].kind, *scores, crps.value, crps.low, crps.high, *ends,
                        cover.value, cover.low, cover.high, *sharp))  # fmt: skip
    columns = (
        "ahead", "forecaster", "kind", "rmse", "mard", "crps", "crps_low", "crps_high", "gain", "gain_low", "gain_high",
        "coverage_90", "coverage_low", "coverage_high", "width_90", "interval_score",
    )  # fmt: skip
    of = ("min", "", "", unit, "%", *(unit,) * 6, *("%",) * 3, unit, unit)
    return Table("Forecasts by horizon (95 % intervals over patients)", columns, of, tuple(out))


def _by_given(found: Scored, unit: str) -> Table:
    """Whether a meal or another bolus came before the horizon: no forecast knows of it."""
    out: list[tuple[Cell, ...]] = []
    for h in HORIZONS:
        for name in found.rows:
            alone, fed = (_where(found.rows[name].values(), h, wanted) for wanted in (0.0, 1.0))
            out.append((h, name, *(cell for pair in zip(alone, fed, strict=True) for cell in pair)))
    columns = ("ahead", "forecaster", "forecasts_without", "forecasts_with", "crps_without", "crps_with",
               "coverage_90_without", "coverage_90_with")  # fmt: skip
    title = "Forecasts without and with a meal or another bolus before the horizon"
    return Table(title, columns, ("min", "", "1", "1", unit, unit, "%", "%"), tuple(out))


def _where(patients: Iterable[Floats], horizon: int, given: float) -> tuple[int, float | None, float | None]:
    """Forecasts, mean CRPS and coverage over patients, of the rows with this `given`."""
    parts = [part for rows in patients if len(part := rows[rows[:, COLUMN[f"given_{horizon}"]] == given])]
    if not parts:
        return 0, None, None
    means = np.mean([part.mean(axis=0) for part in parts], axis=0)
    missed = float(means[COLUMN[f"under_{horizon}"]] + means[COLUMN[f"over_{horizon}"]])
    return sum(map(len, parts)), float(means[COLUMN[f"crps_{horizon}"]]), 100.0 * (1.0 - missed)


def _events(found: Scored, kinds: Mapping[str, Forecaster], values: Mapping[str, Quantity], suffix: str) -> Table:
    out: list[tuple[Cell, ...]] = []
    for name in found.rows:
        key = f"{slug(name)}{suffix}"
        cells: list[Cell] = [values[f"brier_{key}"].value]
        for skill in ("brier_skill", "brier_skill_new"):
            q = values.get(f"{skill}_{key}")
            cells += [q.value, q.low, q.high] if q else [0.0, 0.0, 0.0]  # over itself
        parts = (values[f"{part}_{key}"].value for part in ("reliability", "resolution"))
        out.append((name, kinds[name].kind, *cells, *parts))
    columns = (
        "forecaster", "kind", "brier", "skill", "skill_low", "skill_high", "skill_new", "skill_new_low",
        "skill_new_high", "reliability", "resolution",
    )  # fmt: skip
    title = "Probability of a reading below the threshold within three hours (skill over climatology)"
    return Table(title, columns, ("", "", *("1",) * 9), tuple(out))


def _calibration(found: Scored) -> Table:
    out: list[tuple[Cell, ...]] = []
    for name in found.rows:
        rows = found.pooled(name)
        bins = calibration(rows[:, COLUMN["probability"]], rows[:, COLUMN["event"]], EDGES)
        for i in range(bins.count.size):
            ends, counts = (float(bins.low[i]), float(bins.high[i])), (int(bins.count[i]), int(bins.events[i]))
            share = _observed(found, name, *ends)
            out.append((name, *ends, *counts, float(bins.forecast[i]), float(bins.observed[i]), *share))
    columns = ("forecaster", "from", "to", "forecasts", "events", "forecast", "observed", "low", "high")
    title = "Forecast probability against the share of events (95 % intervals over patients)"
    return Table(title, columns, ("", *("1",) * 8), tuple(out))


def _observed(found: Scored, name: str, low: float, high: float) -> tuple[float | None, float | None]:
    """The interval of the share of events among forecasts of this bin; none with fewer than 3 patients in it."""
    counts = []
    for rows in found.rows[name].values():
        p = rows[:, COLUMN["probability"]]
        inside = (p >= low) & ((p < high) | (high == 1.0))
        if inside.any():
            counts.append([float(rows[inside, COLUMN["event"]].sum()), float(inside.sum())])
    if len(counts) < 3:
        return None, None
    value, error = jackknife(np.array(counts), lambda r: np.array([r[:, 0].sum() / r[:, 1].sum()]))
    q = t_quantity(value[0], error[0], "1", len(counts), low=0.0, high=1.0)
    return q.low, q.high


def _by_patient(found: Scored, unit: str) -> Table:
    out: list[tuple[Cell, ...]] = []
    for name, patients in found.rows.items():
        for patient, rows in patients.items():
            mean = rows.mean(axis=0)
            crps = (float(mean[COLUMN[f"crps_{h}"]]) for h in HORIZONS)
            inside = (100.0 * (1.0 - float(mean[COLUMN[f"under_{h}"]] + mean[COLUMN[f"over_{h}"]])) for h in HORIZONS)
            out.append((patient, name, len(rows), *crps, *inside, float(mean[COLUMN["brier"]])))
    columns = ("patient", "forecaster", "forecasts", *(f"crps_{h}" for h in HORIZONS),
               *(f"coverage_90_{h}" for h in HORIZONS), "brier")  # fmt: skip
    of = ("", "", "1", *(unit for _ in HORIZONS), *("%" for _ in HORIZONS), "1")
    return Table("Each patient's scores", columns, of, tuple(out), individual=True)
