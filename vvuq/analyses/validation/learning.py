"""Shared by cross_validation and holdout: what a patient's own samples teach, on the same target throughout.

The target is the patient's third measurement, forecast after 0, 1 and 2 earlier ones: measured values differ in size
over a stay, so forecasts of different measurements cannot show a band narrow. Patients with fewer than three do not
count."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from vvuq.analyses.validation.next_measurement import Rows
from vvuq.methods.bootstrap import quantity
from vvuq.models.twin import Twin
from vvuq.record import Cell, Floats, Quantity, Table


def metrics(twin: Twin, unit: str) -> dict[str, str]:
    """Name and unit of what `learned` gives for an observable in `unit`."""
    target = {"epistemic_share": "1", "epistemic_sd": unit, "aleatory_sd": unit, "band90_width": unit}
    left = {f"left_{name}_{k}": "%" for name in twin.personal for k in (1, 3)}
    spread = {f"sd_log_{name}_{k}": "1" for name in twin.personal for k in range(4)}
    return {f"{name}_{k}": of for name, of in target.items() for k in range(3)} | left | spread


def learned(
    twin: Twin, unit: str, found: Sequence[Rows], rng: np.random.Generator, resamples: int
) -> dict[str, Quantity]:
    """epistemic_share_K, epistemic_sd_K, band90_width_K of the same target after K = 0 to 2 samples; sd_log_NAME_K, the
    mean SD of a log personal parameter after K = 0 to 3 samples; left_NAME_K, its share of the SD before any (paired).
    Means over patients, with bootstrap intervals; nothing where fewer than 3 patients have so many samples."""
    values: dict[str, Quantity] = {}
    units = metrics(twin, unit)

    def add(name: str, each: Floats) -> None:
        values[name] = _mean(each, units[name], rng, resamples)

    target = _by_patient([(r.patient.id, r.target) for r in found if r.target.size])
    for k in range(3 if len(target) >= 3 else 0):
        epistemic, aleatory, width = target[:, k].T
        add(f"epistemic_share_{k}", epistemic / (epistemic + aleatory))
        add(f"epistemic_sd_{k}", np.sqrt(epistemic))
        add(f"aleatory_sd_{k}", np.sqrt(aleatory))
        add(f"band90_width_{k}", width)
    for k in (1, 3):
        left = _by_patient([(r.patient.id, 100.0 * r.spread[k] / r.spread[0]) for r in found if len(r.spread) > k])
        for j, name in enumerate(twin.personal if len(left) >= 3 else ()):
            add(f"left_{name}_{k}", left[:, j])
    for k in range(4):
        spread = _by_patient([(r.patient.id, r.spread[k]) for r in found if len(r.spread) > k])
        for j, name in enumerate(twin.personal if len(spread) >= 3 else ()):
            add(f"sd_log_{name}_{k}", spread[:, j])
    return values


def _mean(each: Floats, unit: str, rng: np.random.Generator, resamples: int) -> Quantity:
    picks = rng.integers(0, len(each), size=(resamples, len(each)))
    return quantity(float(each.mean()), each[picks].mean(axis=1), unit, n=len(each))


def _by_patient(pairs: Sequence[tuple[str, Floats]]) -> Floats:
    """One entry a patient: the mean over repeats."""
    groups: dict[str, list[Floats]] = {}
    for patient, values in pairs:
        groups.setdefault(patient, []).append(values)
    return np.array([np.mean(parts, axis=0) for parts in groups.values()])


def narrowing_table(unit: str, values: dict[str, Quantity]) -> Table:
    """The band of the same target as samples arrive."""
    names = ("epistemic_sd", "aleatory_sd", "band90_width", "epistemic_share")
    rows = _rows(values, names, range(3))
    columns, units = ("samples", "patients", *names), ("1", "1", unit, unit, unit, "1")
    return Table("Forecasts of the third measurement as samples arrive", columns, units, rows)


def learning_table(twin: Twin, values: dict[str, Quantity]) -> Table:
    """The spread of the personal parameters as samples arrive."""
    names = tuple(f"sd_log_{name}" for name in twin.personal)
    title = "What is not known of a patient's own parameters as samples arrive"
    return Table(title, ("samples", "patients", *names), ("1",) * (2 + len(names)), _rows(values, names, range(4)))


def _rows(values: dict[str, Quantity], names: tuple[str, ...], counts: range) -> tuple[tuple[Cell, ...], ...]:
    found = [(k, [values[f"{name}_{k}"] for name in names]) for k in counts if f"{names[0]}_{k}" in values]
    return tuple((k, quantities[0].n, *(q.value for q in quantities)) for k, quantities in found)


def negative_learning(twin: Twin, values: dict[str, Quantity], who: str) -> list[str]:
    """A sentence for each parameter of which three samples leave more than half the SD that the population leaves."""
    out = []
    for name in twin.personal:
        one, three = values.get(f"left_{name}_1"), values.get(f"left_{name}_3")
        if one and three and three.value > 50.0:
            left = f"{one.value:.0f} % of the SD of log {name}, three samples {three.value:.0f} %"
            out.append(f"On {who} one sample leaves {left}.")
    return out
