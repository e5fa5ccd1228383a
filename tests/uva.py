"""The UVA/Padova twin, its modules, and days of virtual patients whose numbers are made up."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from types import ModuleType

import numpy as np
from examples import ROOT

from vvuq.models import Infusion, Level, Schedule, Twin
from vvuq.models.twin import load_twin

MEALS = {60: 40.0, 66: 30.0, 200: 25.0}  # g; the second begins while the first is still being eaten
BOLUSES = {60: 4.0, 210: 2.0}  # IU, over one minute


@cache
def uva() -> Twin:
    return load_twin(ROOT / "twins" / "glucose", "uva_padova")


def module(name: str = "uva_padova") -> ModuleType:
    """A module of the twin's folder."""
    return import_module(f"{uva().schedule.__module__.rpartition('.')[0]}.{name}")


def drawn(seed: int) -> tuple[dict[str, float], float]:
    """Parameters between the 10 % and 90 % quantiles of their priors, and a body weight [kg]."""
    random = np.random.default_rng(seed)
    theta = {p.name: p.prior.quantile(float(random.uniform(0.1, 0.9))) for p in uva().model.parameters}
    return theta, float(random.uniform(30.0, 100.0))


def eaten_in_turn(meals: dict[int, float]) -> list[tuple[int, float]]:
    """(minute, g) of what is eaten in each minute, at most 5 g: a meal waits until the one before is eaten."""
    waiting, found = 0.0, []
    for minute in range(max(meals) + int(sum(meals.values()))):
        waiting += meals.get(minute, 0.0)
        if waiting > 0.0:
            found.append((minute, min(5.0, waiting)))
            waiting -= min(5.0, waiting)
    return found


def day(basal: float, weight: float, meals: dict[int, float], boluses: dict[int, float], end: float) -> Schedule:
    """Basal insulin [pmol/min], meals [g] and boluses [IU] by the minute."""
    flows = [Infusion(0.0, end, "basal", basal)]
    flows += [Infusion(float(m), m + 1.0, "carbohydrate", 1000.0 * g) for m, g in eaten_in_turn(meals)]
    flows += [Infusion(float(m), m + 1.0, "insulin", 6000.0 * IU) for m, IU in boluses.items()]
    plan = Schedule(0.0, (), tuple(flows), (Level(0.0, "weight", weight),))
    return module("stomach").with_meals(plan, "carbohydrate")
