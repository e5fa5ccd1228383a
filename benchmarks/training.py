"""The hybrid glucose twin, one loss with its gradient by 65 weights, 20 patients over a day: our passes forwards and
backwards against a scan of JAX, compiled, over the very same steps in the same precision."""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module
from typing import Any

import numpy as np
from _harness import Row, compare, installed, main

from vvuq.models import Bolus, Infusion, Level, Schedule
from vvuq.models.twin import load_twin
from vvuq.paths import shipped

TWIN = load_twin(shipped("twins") / "glucose")
PACKAGE = TWIN.model.rhs.__module__.rpartition(".")[0]
hybrid, training, freeliving = (import_module(f"{PACKAGE}.{name}") for name in ("hybrid", "training", "freeliving"))
MODEL, CORE = hybrid.HYBRID_MODEL, hybrid.CORE
READ = 15.0 * np.arange(1.0, 97.0)
SAME = 1e-9


def day(draws: np.random.Generator) -> Schedule:
    """Basal insulin, three meals with their boluses; all events lie on the grid of 5 minutes."""
    meals = [5.0 * round((at + draws.uniform(0.0, 60.0)) / 5.0) for at in (420.0, 750.0, 1130.0)]
    food = tuple(Infusion(at, at + 15.0, "carbohydrate", draws.uniform(2000.0, 5000.0)) for at in meals)
    boluses = tuple(Bolus(at + 10.0, "Isc1", draws.uniform(3000.0, 9000.0)) for at in meals)
    weight = Level(0.0, "weight", draws.uniform(55.0, 85.0))
    return Schedule(0.0, boluses, (Infusion(0.0, 1440.0, "basal", 14.0), *food), (weight,))


def lesson(patients: int) -> tuple[Any, np.ndarray]:
    """Windows of a day for each patient, with what a sensor reads, and weights."""
    draws = np.random.default_rng(1)
    schedules = [day(draws) for _ in range(patients)]
    core = np.repeat([[p.prior.quantile(0.5)] for p in CORE.parameters], patients, axis=1)
    core[CORE.parameter_index("SI")] *= np.exp(draws.normal(0.0, 0.3, patients))
    x0 = np.stack([freeliving.steady_start(s, core[:, i], 120.0)[:, 0] for i, s in enumerate(schedules)], axis=1)
    weights = draws.normal(0.0, 0.3, hybrid.WEIGHTS)
    blank = training.windows(MODEL, schedules, [0.0] * patients, core, x0, np.empty((READ.size, patients)), READ)
    theta = np.concatenate([core, np.repeat(weights[:, None], patients, axis=1)])
    seen = training.go(blank.over, theta, x0).states[:, 0] + draws.normal(0.0, 10.0, (READ.size, patients))
    return replace(blank, seen=seen), weights


def rows(quick: bool) -> list[Row]:
    """One row: 20 patients (quick: 4), 288 steps of 5 minutes."""
    version = installed("jax")
    if version is None:
        return []
    from _training_peer import loss_and_gradient

    (data, weights), decay, memory = lesson(4 if quick else 20), 1e-3, []
    theirs = loss_and_gradient(data, MODEL, freeliving, training.SCALE, decay)

    def ours() -> np.ndarray:
        value, gradient = training.loss_and_gradient(data, weights, decay, memory)
        return np.append(gradient, value)

    steps = data.over.u.shape[1]
    slope = 60 + 2 * 57 + 8 * 20 + 5 * 20  # core, network, and 20 for each tanh, exp and log
    flops = 20 * steps * 4 * 3 * slope  # a way back costs two ways forward
    work = f"hybrid, 65 weights, {data.over.count} patients x {steps} steps, loss and gradient"
    tools = ("JAX scan", version), ours, lambda: theirs(weights)
    return [compare(work, *tools, flops=flops, tolerance=SAME, goal=6.0)]


if __name__ == "__main__":
    main(rows)
