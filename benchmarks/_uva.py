"""The 30 virtual patients of simglucose over a day of three meals, against simglucose itself.

What is run of simglucose is its class T1DPatient, unchanged, minute by minute as its users do; the gym environment
around it, which needs packages of its own, and its pump and sensor are left out. The reference is the same class with
its integrator exchanged for DOP853 at a relative and absolute tolerance of 1e-12."""

from __future__ import annotations

import csv
import sys
from functools import cache
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
from _days import Solver, faster, operations
from _harness import Row, installed

from vvuq.models import RK4, Infusion, Level, Schedule, Twin, simulate_cohort
from vvuq.models.schedule import compile_grid
from vvuq.models.simulate import interval_steps
from vvuq.models.twin import load_twin
from vvuq.paths import shipped

DAY, EVERY, MOST = 1440, 5, 1e-2  # min, min, mg/dL
TIMES = np.arange(0.0, DAY + 1.0, EVERY)
MEALS, RATIO = {420: 45.0, 720: 70.0, 1080: 80.0}, 15.0  # g at a minute, and g that one IU of the bolus covers
RATIOS = (RATIO, *np.linspace(10.0, 25.0, 15))  # of a trial of boluses
METHOD = RK4(5.0 / 3.0, least=2)  # two steps at least in each minute of a meal, where the stomach changes its mind
PER_KG = ("Ip", "Il", "Isc1", "Isc2")  # pmol in the twin, pmol/kg there
WORK = "UVA/Padova, {}, error in mg/dL"


def rows(quick: bool) -> list[Row]:
    """Ours, all patients at once, each with its own basal insulin and boluses, against one patient at a time."""
    version = installed("simglucose")
    if version is None:
        return []
    count = 2 if quick else 30
    truth = np.column_stack([by_simglucose(k + 1, tight=True) for k in range(count)])
    found = []
    for label, ratios in (
        ("a patient's day", RATIOS[:1]),
        ("a day of 30 patients with 16 ratios of bolus to meal", RATIOS),
    ):
        own, flops = _ours(ratios)
        for name, plain, goal in (("simglucose", False, 1e5), ("simglucose, plain attributes", True, None)):
            peer = Solver(name, version, 1, lambda plain=plain: by_simglucose(1, plain=plain)[:, None])
            if goal is not None or ratios is not RATIOS:
                found.append(faster(WORK.format(label), own, peer, truth, MOST, flops=flops, goal=goal))
    return found


def _ours(ratios: tuple[float, ...]) -> tuple[Solver, float]:
    """The solver of the 30 patients with each ratio, and the operations of one of these days."""
    twin, (schedules, theta, x0) = uva_padova(), cohort(ratios)
    options: dict[str, Any] = {"method": METHOD, "x0": x0, "tier": "lanes", "states": False}
    grid = compile_grid(twin.model, schedules[0], TIMES)
    steps = int(interval_steps(grid.t, METHOD.step, METHOD.least).sum())
    flops = operations(twin.model.rhs, x0[:, 0] + 1.0, grid.u[0], theta[:, 0], steps)

    def run() -> np.ndarray:
        return simulate_cohort(twin.model, schedules, theta, TIMES, **options).observed[:, 0]

    return Solver("ours", "", len(schedules), run), flops


# --- simglucose ----------------------------------------------------------------------------------------------------


@cache
def patient_module() -> ModuleType:
    """simglucose.patient.t1dpatient, with stand-ins for the two modules that it imports and does not use for this."""
    registration = ModuleType("gym.envs.registration")
    vars(registration)["register"] = lambda **options: None
    resources = ModuleType("pkg_resources")
    vars(resources)["resource_filename"] = _file
    stand_ins = {"gym": ModuleType("gym"), "gym.envs": ModuleType("gym.envs"), "gym.envs.registration": registration}
    for name, module in (stand_ins | {"pkg_resources": resources}).items():
        sys.modules.setdefault(name, module)
    from simglucose.patient import t1dpatient

    return t1dpatient


def _file(package: str, name: str) -> str:
    return str(Path(str(sys.modules[package].__file__)).parent / name)


def by_simglucose(patient: int, *, plain: bool = False, tight: bool = False) -> np.ndarray:
    """What the sensor of a patient (1 to 30) shows [mg/dL]. plain: parameters as attributes, not as a pandas series."""
    module = patient_module()
    one = module.T1DPatient.withID(patient)
    basal = one._params.u2ss * one._params.BW / 6000.0  # IU/min
    if plain or tight:
        one._params = SimpleNamespace(**one._params.to_dict())
    if tight:
        one._odesolver.set_integrator("dop853", rtol=1e-12, atol=1e-12, nsteps=100_000)
        one._odesolver.set_initial_value(one.init_state, 0)
    seen = [one.observation.Gsub]
    for minute in range(DAY):
        food = MEALS.get(minute, 0.0)
        one.step(module.Action(CHO=food, insulin=basal + food / RATIO))
        if (minute + 1) % EVERY == 0:
            seen.append(one.observation.Gsub)
    return np.array(seen)


# --- ours ----------------------------------------------------------------------------------------------------------


@cache
def uva_padova() -> Twin:
    """The twin of that structure."""
    return load_twin(shipped("twins") / "glucose", "uva_padova")


def cohort(ratios: tuple[float, ...]) -> tuple[list[Schedule], np.ndarray, np.ndarray]:
    """Schedules, parameters (p, m) and states (14, m) of the 30 patients with the first ratio, then with the next."""
    twin = uva_padova()
    module = sys.modules[twin.model.rhs.__module__]
    table = Path(str(patient_module().__file__)).parents[1] / "params" / "vpatient_params.csv"
    rows = list(csv.DictReader(table.open()))
    patients = [module.virtual_patient(row) for row in rows]
    schedules = [
        _schedule(module, float(row["u2ss"]), weight, ratio)
        for ratio in ratios
        for row, (_, weight) in zip(rows, patients, strict=True)
    ]
    names = [parameter.name for parameter in twin.model.parameters]
    theta = np.array([[theta[name] for name in names] for theta, _ in patients]).T
    states = [[float(row[key]) for key in list(row)[2:15]] + [0.0] for row in rows]
    x0 = np.array(states).T
    for name in PER_KG:
        x0[twin.model.state_index(name)] *= [weight for _, weight in patients]
    return schedules, np.tile(theta, len(ratios)), np.tile(x0, len(ratios))


def _schedule(module: ModuleType, need: float, weight: float, ratio: float) -> Schedule:
    """need: basal insulin [pmol/kg/min]. As simglucose does: food at 5 g/min, a bolus within its minute."""
    flows = [Infusion(0.0, DAY, "basal", need * weight)]
    for at, food in MEALS.items():
        flows.append(Infusion(at, at + food / 5.0, "carbohydrate", 5000.0))
        flows.append(Infusion(at, at + 1.0, "insulin", 6000.0 * food / ratio))
    plan = Schedule(0.0, infusions=tuple(flows), levels=(Level(0.0, "weight", weight),))
    return module.with_meals(plan, "carbohydrate")
