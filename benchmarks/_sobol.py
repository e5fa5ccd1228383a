"""Sobol' indices beside SALib: the indices of outputs that are there, and a campaign over a day of a glucose twin.

The peer's campaign is SALib's net, scipy's solve_ivp on a pool of two processes, and SALib's indices with their
bootstrap for each quantity. Of its runs a few are timed; two processes are taken to halve their time, which no pool
does. One net of all rows is more exact than sixteen of a sixteenth each, and says nothing of how exact it is."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from _days import cheapest, operations
from _harness import Row, agreed, compare, flop_rate, installed, race
from _hovorka import METHOD, MOST, TIGHT, Solver
from _hovorka_model import MEDIANS, MODEL, TIMES, patients, rhs, schedule
from _hovorka_peers import by_solve_ivp, compiled, slope
from scipy.special import ndtri

from vvuq.methods.sobol import Design, analyse, design
from vvuq.models import simulate
from vvuq.models.schedule import compile_grid
from vvuq.models.simulate import interval_steps

Floats = np.ndarray
SCRAMBLES, RESAMPLES = 16, 100
VARIED = ("EGP0", "VG", "ke", "SIT", "SID", "SIE", "tmaxI", "tmaxG")
WEIGHTS = np.array([0.0, 1.0, 4.5, 9.0, 99.0, 99.0, 99.0, 99.0])
PART = 4096  # runs at once, which the caches hold
FEW = 8
PROCESSES = 2


def rows(quick: bool) -> list[Row]:
    """Indices alone, then the campaign."""
    version = installed("SALib")
    if version is None:
        return []
    base = 64 if quick else 1024
    return [_indices(base, version), _campaign(32 if quick else 512, version)]


def g_function(points: Floats) -> Floats:
    """Sobol's function of eight inputs in the unit cube, whose indices are known."""
    a = WEIGHTS[:, None]
    return np.prod((np.abs(4.0 * points - 2.0) + a) / (1.0 + a), axis=0)


def g_indices() -> Floats:
    """Its first and total indices (2, 8)."""
    v = 1.0 / (3.0 * (1.0 + WEIGHTS) ** 2)
    total = np.array([v[i] * np.prod(np.delete(1.0 + v, i)) for i in range(8)])
    return np.array([v, total]) / (np.prod(1.0 + v) - 1.0)


def problem(d: int) -> dict[str, object]:
    """As SALib has it: d inputs between 0 and 1."""
    return {"num_vars": d, "names": [f"x{i}" for i in range(d)], "bounds": [[0.0, 1.0]] * d}


def salib_indices(values: Floats) -> Floats:
    """First and total indices (2, 8) by SALib, with its bootstrap."""
    from SALib.analyze import sobol

    found = sobol.analyze(problem(8), values, calc_second_order=False, num_resamples=RESAMPLES, seed=1)
    return np.array([found["S1"], found["ST"]])


def our_indices(of: Design, values: Floats) -> Floats:
    """The same by ours, intervals included."""
    found = analyse(of, values)
    return np.array([found.first, found.total])


def _indices(base: int, version: str) -> Row:
    from SALib.sample import sobol

    rows_ = SCRAMBLES * base
    of = design(8, base, SCRAMBLES, np.random.default_rng(1))
    mine, theirs = g_function(of.points), g_function(sobol.sample(problem(8), rows_, calc_second_order=False, seed=1).T)
    work = f"Sobol' indices with intervals, d=8, N={rows_}"
    row = compare(
        work, (f"SALib ({RESAMPLES} resamples)", version), lambda: our_indices(of, mine), lambda: salib_indices(theirs),
        flops=rows_ * 8 * 2 * 6, tolerance=0.1, goal=10.0,
    )  # fmt: skip
    truth = g_indices()
    errors = [float(np.abs(found - truth).max()) for found in (our_indices(of, mine), salib_indices(theirs))]
    return Row(*(getattr(row, name) for name in ("work", "peer", "peer_version", "ours_s", "peer_s", "ratio", "floor_s",
               "agreement", "goal")), *errors)  # fmt: skip


def parameters(points: Floats) -> Floats:
    """theta (p, n) of points (8, n) of the unit cube: log-normal, as patients vary."""
    theta = np.repeat(np.array([value for _, value in MEDIANS.values()])[:, None], points.shape[1], axis=1)
    rows_ = [list(MEDIANS).index(name) for name in VARIED]
    theta[rows_] *= np.exp(0.1 * ndtri(np.clip(points, 1e-9, 1.0 - 1e-9)))
    return theta


def quantities(glucose: Floats) -> Floats:
    """Lowest, highest and mean glucose (3, n) of (times, n)."""
    return np.array([glucose.min(axis=0), glucose.max(axis=0), glucose.mean(axis=0)])


def _campaign(base: int, version: str) -> Row:
    from SALib.sample import sobol

    plan, start = schedule(), patients(1)[1]
    net = SCRAMBLES * base
    points = sobol.sample(problem(8), net, calc_second_order=False, seed=1).T
    few = parameters(points[:, :FEW])
    x0 = np.repeat(start, FEW, axis=1)
    truth = by_solve_ivp(plan, compiled(), "DOP853")(few, x0, TIGHT)
    run = by_solve_ivp(plan, slope)

    def make(tolerance: float) -> Solver:
        return Solver(f"{tolerance:g}", "", FEW, lambda: run(few, x0, tolerance))

    peer = cheapest(make, truth, MOST)
    ours: Callable[[], object] = lambda: _whole(base, plan, start)  # noqa: E731
    work = f"Sobol' campaign, 24 h of Hovorka's model, {net * 10} runs, 3 quantities with intervals"
    agreement = agreed(work, quantities(_glucose(plan, few, start)), quantities(peer.run()), 1e-3)
    values = g_function(points)
    mine, one_run, one_analysis = race([ours, peer.run, lambda: salib_indices(values)])
    theirs = one_run / FEW * net * 10 / PROCESSES + 3 * one_analysis
    grid = compile_grid(MODEL, plan, TIMES)
    flops = operations(rhs, start[:, 0] + 1.0, np.ones(2), few[:, 0], int(interval_steps(grid.t, METHOD.step).sum()))
    name = f"SALib, solve_ivp RK45 ({peer.name}) on {PROCESSES} processes, {FEW} runs timed"
    return Row(work, name, version, mine, theirs, theirs / mine, net * 10 * flops / flop_rate(), agreement, 500.0)


def _whole(base: int, plan: object, start: Floats) -> Floats:
    """End to end: the nets, the runs a part at a time, three quantities, their indices with intervals."""
    of = design(8, base, SCRAMBLES, np.random.default_rng(1))
    n = of.points.shape[1]
    values = np.empty((3, n))
    for begin in range(0, n, PART):
        part = slice(begin, min(begin + PART, n))
        values[:, part] = quantities(_glucose(plan, parameters(of.points[:, part]), start))
    found = analyse(of, values)
    return np.array([found.first, found.total])


def _glucose(plan: object, theta: Floats, start: Floats) -> Floats:
    x0 = np.repeat(start, theta.shape[1], axis=1)
    paths = simulate(MODEL, plan, theta, TIMES, method=METHOD, x0=x0, tier="lanes", states=False)
    return paths.observed[:, 0]
