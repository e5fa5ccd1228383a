"""The unscented filter against filterpy and dynamax: five states with ten RK4 steps an interval, and Lorenz-96.

All filter the same measurements from the same prior; what is compared is the mean and the covariance after each of
them. filterpy is not asked for its likelihood, which would cost it more; the other two always find it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import turnover
from _harness import Contestant, Row, compare, installed
from _unscented_peers import by_dynamax, by_filterpy
from large import ring
from numba import njit

from vvuq.assimilation.filtered import Filtered
from vvuq.assimilation.system import Observation, Observations, System
from vvuq.assimilation.ukf import Unscented
from vvuq.assimilation.ukf_run import Tier, filter_record
from vvuq.models import Schedule
from vvuq.record import Belief

TOLERANCE = 1e-9
PEERS = ("filterpy", "dynamax")
Function = Callable[[Any], Any]


@dataclass(frozen=True)
class Work:
    """What is filtered, and the goals against filterpy with a compiled model, with a plain one, and dynamax."""

    label: str
    system: System
    prior: Belief
    noise: tuple[np.ndarray, np.ndarray]
    observations: Observations
    flops: float
    goals: tuple[float | None, float | None, float | None]
    tier: Tier


def rows(quick: bool) -> list[Row]:
    """Both models against every peer that is installed."""
    found = {name: version for name in PEERS if (version := installed(name)) is not None}
    five, forty = _five(50 if quick else 1000), _forty(5 if quick else 100)
    compiled, plain = (five_compiled, five_measured), (five_plain, lambda x: np.array(turnover.seen(*x)))
    return [
        *_against_filterpy(five, found, ", compiled model", compiled, five.goals[0]),
        *_against_filterpy(five, found, ", Python model", plain, five.goals[1]),
        *_against_dynamax(five, found, _five_in_jax),
        *_against_filterpy(forty, found, ", compiled model", (forty_compiled, forty_measured), forty.goals[0]),
        *_against_dynamax(forty, found, _forty_in_jax),
    ]


def _against_filterpy(
    work: Work, versions: dict[str, str], how: str, functions: tuple[Function, Function], goal: float | None
) -> list[Row]:
    if "filterpy" not in versions:
        return []
    theirs = by_filterpy(*functions, work.prior, work.noise, work.observations)
    return [_row(work, f"filterpy{how}", versions["filterpy"], theirs, goal)]


def _against_dynamax(
    work: Work, versions: dict[str, str], functions: Callable[[], tuple[Function, Function]]
) -> list[Row]:
    if "dynamax" not in versions:
        return []
    theirs = by_dynamax(*functions(), work.prior, work.noise, work.observations)
    return [_row(work, "dynamax (jit, float64)", versions["dynamax"], theirs, work.goals[2])]


def _row(work: Work, peer: str, version: str, theirs: Contestant, goal: float | None) -> Row:
    """Seconds of one step, forecast and update."""
    label = f"UKF, {work.label}, a step"
    row = compare(
        label, (peer, version), ours(work), theirs, flops=work.flops, tolerance=TOLERANCE, goal=goal, read=moments
    )
    count = len(work.observations)
    return replace(row, ours_s=row.ours_s / count, peer_s=row.peer_s / count)


def ours(work: Work) -> Contestant:
    """Our filter over all observations."""
    given = Unscented(), work.system, Schedule(), work.prior, work.observations
    return lambda: filter_record(*given, roots=True, tier=work.tier)


def moments(found: object) -> np.ndarray:
    """Means and covariances (T, n + n^2) of our record, which holds roots."""
    assert isinstance(found, Filtered)
    assert found.roots is not None
    covariances = found.roots @ found.roots.transpose(0, 2, 1)
    return np.concatenate([found.mean, covariances.reshape(len(found.mean), -1)], axis=1)


def linear_algebra(n: int, m: int) -> float:
    """Operations of one step in square-root form: the forecast's root from 2 n points, and the update's array."""
    return 2.0 * 2 * n * n * n + 2.0 * (m + n) ** 2 * n


# --- five states ---------------------------------------------------------------------------------------------------


def _five(count: int) -> Work:
    """A slope takes 19 operations; there are 10 points, each carried through 10 steps of 4 slopes."""
    noise = np.diag(turnover.DRIFT**2), np.diag(turnover.ERROR_SD**2)
    flops = 10 * turnover.SUBSTEPS * (4 * 19 + 13 * 5) + linear_algebra(5, 2)
    observations, label = as_arrays(turnover.measured(count)), "5 states, 10 RK4 steps"
    return Work(
        label, turnover.system(), turnover.prior(), noise, observations, flops, (100.0, 1000.0, 6.0), "straight"
    )


def as_arrays(observations: Sequence[Observation]) -> Observations:
    """As dynamax is given them, too."""
    return Observations(np.array([one.time for one in observations]), np.array([one.values for one in observations]))


H, SUBSTEPS, TOP, HALF = turnover.INTERVAL / turnover.SUBSTEPS, turnover.SUBSTEPS, turnover.TOP, turnover.HALF
slope = njit(turnover.slope, error_model="numpy")


@njit(error_model="numpy")
def _along(x, k, h):
    return x[0] + h * k[0], x[1] + h * k[1], x[2] + h * k[2], x[3] + h * k[3], x[4] + h * k[4]


@njit(error_model="numpy")
def five_compiled(x):
    """One interval, compiled as a user of filterpy would do it."""
    at = (x[0], x[1], x[2], x[3], x[4])
    for _ in range(SUBSTEPS):
        k1 = slope(*at)
        k2 = slope(*_along(at, k1, 0.5 * H))
        k3 = slope(*_along(at, k2, 0.5 * H))
        k4 = slope(*_along(at, k3, H))
        at = _along(_along(_along(_along(at, k1, H / 6.0), k2, H / 3.0), k3, H / 3.0), k4, H / 6.0)
    return np.array(at)


@njit(error_model="numpy")
def five_measured(x):
    """What is measured, compiled."""
    return np.array((x[1], TOP * x[4] / (HALF + x[4])))


def five_plain(x: np.ndarray) -> np.ndarray:
    """One interval, in plain Python."""
    return np.array(turnover.advance(tuple(x)))


def _five_in_jax() -> tuple[Function, Function]:
    from dynamax_peer import turnover_functions

    return turnover_functions()


# --- Lorenz-96 -----------------------------------------------------------------------------------------------------


def _forty(count: int) -> Work:
    """Forty variables, all measured with variance 1, one RK4 step an interval, process noise of SD 0.1."""
    experiment, draws = ring(40, 1), np.random.default_rng(8)
    system = replace(experiment.system, drift=np.full(40, 0.1 / np.sqrt(0.05)))
    truth = 8.0 * (np.arange(40) % 3 == 0)
    prior = replace(experiment.prior, time=0.05, mean=truth + draws.standard_normal(40), root=np.eye(40))
    observations = []
    for k in range(count):
        observations.append(Observation(0.05 * (k + 1), truth + draws.standard_normal(40)))
        truth = forty_compiled(truth) + 0.1 * draws.standard_normal(40)
    flops = 80 * 40 * (4 * 4 + 13) + linear_algebra(40, 40)
    noise = 0.01 * np.eye(40), np.eye(40)
    goals = 30.0, None, 10.0
    return Work("Lorenz-96, 40 variables", system, prior, noise, as_arrays(observations), flops, goals, "lanes")


@njit(error_model="numpy")
def _ring(x, out):
    n = x.size
    for i in range(n):
        out[i] = (x[i + 1 - n] - x[i - 2]) * x[i - 1] - x[i] + 8.0


@njit(error_model="numpy")
def forty_compiled(x):
    """One RK4 step, compiled as a user of filterpy would do it."""
    h, k1, k2, k3, k4 = 0.05, np.empty_like(x), np.empty_like(x), np.empty_like(x), np.empty_like(x)
    _ring(x, k1)
    _ring(x + 0.5 * h * k1, k2)
    _ring(x + 0.5 * h * k2, k3)
    _ring(x + h * k3, k4)
    return x + h / 6.0 * (k1 + 2.0 * k2 + 2.0 * k3 + k4)


def forty_measured(x: np.ndarray) -> np.ndarray:
    """All of it is measured."""
    return x


def _forty_in_jax() -> tuple[Function, Function]:
    import jax.numpy as jnp

    def slope(x: Any) -> Any:
        return (jnp.roll(x, -1) - jnp.roll(x, 2)) * jnp.roll(x, 1) - x + 8.0

    def step(x: Any) -> Any:
        h = 0.05
        k1 = slope(x)
        k2 = slope(x + 0.5 * h * k1)
        k3 = slope(x + 0.5 * h * k2)
        k4 = slope(x + h * k3)
        return x + h / 6.0 * (k1 + 2.0 * k2 + 2.0 * k3 + k4)

    return step, lambda x: x
