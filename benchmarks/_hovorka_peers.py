"""The same day by other solvers: each is restarted where an input jumps, and has the slope as its users would write it.

A solver takes the patients' parameters (p, m), states (n, m) and a tolerance, and returns glucose (times, m)."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numba
import numpy as np
from _hovorka_model import MODEL, TIMES
from scipy.integrate import odeint, solve_ivp

from vvuq.models.schedule import Schedule, compile_grid

Pieces = list[tuple[np.ndarray, int, np.ndarray]]
Run = Callable[[np.ndarray, np.ndarray, float], np.ndarray]


def slope(t, x, u, theta):
    """The model of _hovorka_model.py as one expression for each state; plain, and compiled below."""
    D1, D2, S1, S2, I, x1, x2, x3, Q1, Q2 = x  # noqa: E741
    F01, k12, EGP0, VG, VI, ke, ka1, ka2, ka3, SIT, SID, SIE, tmaxI, tmaxG, AG, low, high, kidney = theta
    fed, held, G = 1 / tmaxG, 1 / tmaxI, 1 / VG * Q1
    moved, back = x1 * Q1, k12 * Q2
    used, lost = F01 * min(1 / low * G, 1.0), kidney * VG * max(G - high, 0.0)
    return (
        AG * u[0] - fed * D1,
        fed * (D1 - D2),
        u[1] - held * S1,
        held * (S1 - S2),
        held / VI * S2 - ke * I,
        ka1 * (SIT * I - x1),
        ka2 * (SID * I - x2),
        ka3 * (SIE * I - x3),
        back - moved - used - lost + fed * D2 + EGP0 * (1.0 - x3),
        moved - back - x2 * Q2,
    )


@cache
def pieces(plan: Schedule) -> Pieces:
    """Between one jump of an input and the next: the times of begin, records and end, how many of those after the begin
    are to be shown, and the inputs."""
    found = []
    jumps = sorted({0.0, *(t for i in plan.infusions for t in (i.start, i.stop))})
    grid = compile_grid(MODEL, plan, jumps)
    for k, (begin, end) in enumerate(zip(jumps, jumps[1:], strict=False)):
        shown = TIMES[(begin < TIMES) & (end >= TIMES)]
        found.append((np.unique([begin, *shown, end]), shown.size, grid.u[k]))
    return found


def by_pieces(plan: Schedule, advance: Callable[..., np.ndarray]) -> Run:
    """advance(at, x, u, theta, tolerance) -> the states at the times `at`, the first left out."""

    def run(theta: np.ndarray, x0: np.ndarray, tolerance: float) -> np.ndarray:
        found = np.empty((TIMES.size, theta.shape[1]))
        for m in range(theta.shape[1]):
            x, own, seen = x0[:, m].copy(), theta[:, m].copy(), [x0[8:9, m]]
            for at, shown, u in pieces(plan):
                states = advance(at, x, u, own, tolerance)
                seen.append(states[:shown, 8])
                x = states[-1].copy()
            found[:, m] = np.concatenate(seen) / own[3]
        return found

    return run


def in_lists(t: float, x: np.ndarray, u: np.ndarray, theta: np.ndarray) -> tuple[float, ...]:
    """The slope on plain floats: the fastest form without a compiler."""
    return slope(t, x.tolist(), u.tolist(), theta.tolist())


@cache
def compiled() -> Callable[..., Any]:
    """The slope compiled by numba, from arrays to an array."""
    inner = numba.njit(slope, error_model="numpy")

    @numba.njit(error_model="numpy")
    def whole(t, x, u, theta):
        a = (x[0], x[1], x[2], x[3], x[4], x[5], x[6], x[7], x[8], x[9])
        b = (theta[0], theta[1], theta[2], theta[3], theta[4], theta[5], theta[6], theta[7], theta[8], theta[9])
        c = (theta[10], theta[11], theta[12], theta[13], theta[14], theta[15], theta[16], theta[17])
        return np.array(inner(t, a, (u[0], u[1]), b + c))

    return whole


def by_solve_ivp(plan: Schedule, field: Callable[..., Any], method: str = "RK45") -> Run:
    """scipy.integrate.solve_ivp."""

    def advance(at, x, u, theta, tolerance):
        within = {"rtol": tolerance, "atol": 1e-3 * tolerance}
        return solve_ivp(field, (at[0], at[-1]), x, method, at[1:], args=(u, theta), **within).y.T

    return by_pieces(plan, advance)


def by_odeint(plan: Schedule, field: Callable[..., Any]) -> Run:
    """scipy.integrate.odeint (LSODA)."""

    def advance(at, x, u, theta, tolerance):
        return odeint(field, x, at, (u, theta), tfirst=True, rtol=tolerance, atol=1e-3 * tolerance, tcrit=at[-1:])[1:]

    return by_pieces(plan, advance)


def by_numbalsoda(plan: Schedule) -> Run:
    """numbalsoda.lsoda, slope and loop over pieces compiled."""
    from numbalsoda import lsoda, lsoda_sig

    inner = numba.njit(slope, error_model="numpy")

    @numba.cfunc(lsoda_sig, error_model="numpy")
    def field(t, x, dx, data):
        a, v = numba.carray(x, 10), numba.carray(data, 20)
        state = (a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7], a[8], a[9])
        one = (v[2], v[3], v[4], v[5], v[6], v[7], v[8], v[9], v[10])
        two = (v[11], v[12], v[13], v[14], v[15], v[16], v[17], v[18], v[19])
        found = inner(t, state, (v[0], v[1]), one + two)
        for i in range(10):
            dx[i] = found[i]

    address = field.address
    at, sizes = np.concatenate([one for one, *_ in pieces(plan)]), np.array([one.size for one, *_ in pieces(plan)])
    counts, u = np.array([shown for _, shown, _ in pieces(plan)]), np.array([u for *_, u in pieces(plan)])

    @numba.njit(error_model="numpy")
    def day(theta, x0, tolerance, found):
        data = np.empty(20)
        for m in range(theta.shape[1]):
            data[2:] = theta[:, m]
            x, first, row = x0[:, m].copy(), 0, 1
            found[0, m] = x[8] / theta[3, m]
            for k in range(sizes.size):
                data[:2] = u[k]
                states, ok = lsoda(address, x, at[first : first + sizes[k]], data, tolerance, 1e-3 * tolerance)
                for i in range(counts[k]):
                    found[row + i, m] = states[1 + i, 8] / theta[3, m] if ok else np.nan
                x = states[-1].copy()
                first += sizes[k]
                row += counts[k]

    def run(theta: np.ndarray, x0: np.ndarray, tolerance: float) -> np.ndarray:
        found = np.empty((TIMES.size, theta.shape[1]))
        day(theta, x0, tolerance, found)
        return found

    return run


def by_cvodes(plan: Schedule) -> Run:
    """CVODES of SUNDIALS by scikit-sundae (BDF), the slope compiled."""
    from sksundae.cvode import CVODE

    field, now = compiled(), {}

    def slopes(t, y, yp):
        yp[:] = field(t, y, now["u"], now["theta"])

    def advance(at, x, u, theta, tolerance):
        now.update(u=u, theta=theta)
        solver = CVODE(slopes, rtol=tolerance, atol=1e-3 * tolerance, max_num_steps=100_000)
        found = solver.solve(at, x).y
        return found[1:] if at.size > 2 else found[-1:]  # of two times it shows its own steps between them, too

    return by_pieces(plan, advance)
