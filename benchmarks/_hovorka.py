"""The model of Hovorka over a day of three meals, glucose every 5 min within 1e-3 mmol/L, against other solvers.

The reference is scipy's DOP853 at a relative tolerance of 1e-12, restarted at each jump of an input. Each peer takes
the loosest tolerance of 1e-3, 1e-4 ... that is within the allowed error."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from _days import Solver, cheapest, faster, operations
from _harness import Row, installed
from _hovorka_model import MODEL, TIMES, patients, rhs, schedule
from _hovorka_peers import Run, by_cvodes, by_numbalsoda, by_odeint, by_solve_ivp, compiled, in_lists, slope

from vvuq.models import RK4, Schedule, simulate
from vvuq.models.schedule import Grid, compile_grid
from vvuq.models.simulate import interval_steps

MOST = 1e-3  # mmol/L
METHOD, FINE = RK4(5.0), RK4(0.25)
FEW, MANY = 8, 1024  # patients of a peer that takes one at a time, and of those who take many
DAYS = {"3 meals": schedule(), "3 meals, insulin anew every 15 min": schedule(15.0)}  # as the paper's controller
WORK = "Hovorka, a patient's day, {}, error in mmol/L"
TIGHT = 1e-12


def rows(quick: bool) -> list[Row]:
    """Ours, all patients at once, against each peer that is installed, on both days."""
    return [row for label, plan in DAYS.items() for row in _day(label, plan, quick)]


def _day(label: str, plan: Schedule, quick: bool) -> list[Row]:
    few, many = (2, 64) if quick else (FEW, MANY)
    theta, x0 = patients(many)
    truth = by_solve_ivp(plan, compiled(), "DOP853")(theta[:, :few], x0[:, :few], TIGHT)
    own = Solver("ours", "", many, lambda: _ours(plan, theta, x0, METHOD))
    off = np.abs(own.run() - _ours(plan, theta, x0, FINE)).max(axis=0)
    print(f"Hovorka, {label}: of {many} patients {np.mean(off > MOST):.1%} are beyond {MOST:g}, up to {off.max():.1e}")
    grid = compile_grid(MODEL, plan, TIMES)
    steps = interval_steps(grid.t, METHOD.step)
    flops = operations(rhs, x0[:, 0] + 1.0, np.ones(2), theta[:, 0], int(steps.sum()))
    found = []
    for name, package, make, goal in _peers(plan, grid, steps):
        version = installed(package, "pip, with a Fortran compiler" if package == "numbalsoda" else "make bench")
        if version is not None:
            count = many if package in ("diffrax", "jax") else few
            peer = _cheapest(name, version, make(), theta[:, :count], x0[:, :count], truth)
            found.append(faster(WORK.format(label), own, peer, truth, MOST, flops=flops, goal=goal))
    return found


def _peers(plan: Schedule, grid: Grid, steps: np.ndarray) -> list[tuple[str, str, Callable[[], Run], float | None]]:
    """Name, package, what makes it run, and the goal."""
    return [
        ("solve_ivp RK45", "scipy", lambda: by_solve_ivp(plan, slope), 5000.0),
        ("solve_ivp RK45, plain floats", "scipy", lambda: by_solve_ivp(plan, in_lists), None),
        ("solve_ivp RK45, compiled slope", "scipy", lambda: by_solve_ivp(plan, compiled()), None),
        ("odeint", "scipy", lambda: by_odeint(plan, slope), None),
        ("odeint, compiled slope", "scipy", lambda: by_odeint(plan, compiled()), None),
        ("CVODES BDF, compiled slope", "scikit-sundae", lambda: by_cvodes(plan), None),
        ("numbalsoda", "numbalsoda", lambda: by_numbalsoda(plan), 80.0),
        ("diffrax Tsit5, jit and vmap", "diffrax", lambda: _jax().by_diffrax(plan), None),
        ("JAX scan of RK4, jit and vmap", "jax", lambda: _jax().by_scan(_steps(grid.t, grid.u, steps)), None),
    ]


def _jax() -> Any:
    import _hovorka_jax

    return _hovorka_jax


def _ours(plan: Schedule, theta: np.ndarray, x0: np.ndarray, method: RK4) -> np.ndarray:
    paths = simulate(MODEL, plan, theta, TIMES, method=method, x0=x0, tier="lanes", states=False)
    return paths.observed[:, 0]


def _cheapest(name: str, version: str, run: Run, theta: np.ndarray, x0: np.ndarray, truth: np.ndarray) -> Solver:
    def make(tolerance: float) -> Solver:
        return Solver(f"{name} ({tolerance:g})", version, theta.shape[1], partial(run, theta, x0, tolerance))

    return cheapest(make, truth, MOST)


def _steps(t: np.ndarray, u: np.ndarray, steps: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Begin, length and inputs of each step."""
    parts = [np.linspace(a, b, n + 1) for a, b, n in zip(t, t[1:], steps, strict=False)]
    begin, length = np.concatenate([p[:-1] for p in parts]), np.concatenate([np.diff(p) for p in parts])
    return begin, length, np.repeat(u, steps, axis=0)
