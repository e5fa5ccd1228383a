"""An Ornstein-Uhlenbeck state whose measurements are selected, as many chains, and its exact filter on a grid.

x' = 0.95 x + q, Var q = 0.1, y = x + e, Var e = 0.25; measured with probability Phi(-1.5 + 1.5 z), where z is the state
(shared parameter) or the value y itself (selection)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from scipy.sparse import csr_array
from scipy.special import ndtr
from scipy.stats import norm

from vvuq.assimilation.aware import Aware
from vvuq.assimilation.eakf import Eakf
from vvuq.assimilation.filtered import filter_steps
from vvuq.assimilation.localization import Localization
from vvuq.assimilation.particle import Bootstrap
from vvuq.assimilation.system import Observation, Observations, System, gaussian
from vvuq.assimilation.ukf_run import filter_record
from vvuq.data.missingness.selection import Selection
from vvuq.data.missingness.shared import SharedParameter
from vvuq.models import Additive, LogNormal, Model, Observable, Parameter, Schedule
from vvuq.numerics.streams import Draws
from vvuq.record import Belief, Floats

KEEP, Q, R, INTERCEPT, SLOPE = 0.95, 0.1, 0.25, -1.5, 1.5
RATE, STATIONARY = -np.log(KEEP), Q / (1.0 - KEEP**2)
MECHANISMS = {
    "state": SharedParameter("seen", INTERCEPT, (("x", SLOPE),)),
    "value": Selection("seen", INTERCEPT, SLOPE),
}
Z95 = 1.959963984540054


def decay(t, x, u, theta, dx):
    dx[0] = -theta[0] * x[0]


def decay_all(t, x, u, theta, dx):
    for i in range(len(x)):
        dx[i] = -theta[0] * x[i]


def seen(t, x, u, theta, y):
    y[0] = x[0]


@lru_cache(maxsize=1)
def system() -> System:
    """One chain. The integrator's error is below 1e-9 of the state a step."""
    rate = Parameter("rate", "1/h", LogNormal(0.05, 0.1), source="made up for tests")
    error = Observable("seen", "mg", seen, Additive(np.sqrt(R)))
    model = Model("chain", {"x": "mg"}, {}, (rate,), (error,), decay)
    return System(model, np.array([RATE]), (), (Additive(np.sqrt(R)),), np.array([np.sqrt(Q)]), 0.5)


def prior() -> Belief:
    """The stationary distribution."""
    return gaussian(system(), 0.0, np.zeros(1), np.array([[STATIONARY]]))


@dataclass(frozen=True, eq=False)
class Chains:
    """States and values (C, T), and which values were measured."""

    states: Floats
    values: Floats
    measured: np.ndarray[tuple[int, int], np.dtype[np.bool_]]

    @property
    def shown(self) -> Floats:
        """The values that were measured, else not-a-number."""
        return np.where(self.measured, self.values, np.nan)


def simulated(kind: str, count: int, length: int, seed: int = 1) -> Chains:
    """Chains from the stationary distribution, by plain numpy."""
    rng = np.random.default_rng(seed)
    x, states = np.sqrt(STATIONARY) * rng.normal(size=count), np.empty((count, length))
    for k in range(length):
        x = KEEP * x + np.sqrt(Q) * rng.normal(size=count)
        states[:, k] = x
    values = states + np.sqrt(R) * rng.normal(size=states.shape)
    looked = {"state": states, "value": values, "random": np.zeros_like(states)}[kind]
    return Chains(states, values, rng.random(states.shape) < ndtr(INTERCEPT + SLOPE * looked))


def grid_filter(kind: str, chains: Chains, nodes: int = 241, reach: float = 6.5) -> tuple[Floats, Floats, Floats]:
    """Mean (C, T) and the ends of the central 95 % of the exact filter: the density on a grid, all chains at once."""
    x = np.linspace(-reach, reach, nodes)
    move = norm.pdf(x[:, None], KEEP * x[None, :], np.sqrt(Q)) * (x[1] - x[0])
    missing = ndtr(-(INTERCEPT + SLOPE * x) / (1.0 if kind == "state" else np.sqrt(1.0 + SLOPE**2 * R)))
    there = ndtr(INTERCEPT + SLOPE * x) if kind == "state" else np.ones(nodes)
    density = np.repeat(norm.pdf(x, 0.0, np.sqrt(STATIONARY))[:, None], chains.states.shape[0], axis=1)
    found = np.empty((3, *chains.states.shape))
    for k in range(chains.states.shape[1]):
        density = move @ density
        y, measured = chains.values[:, k], chains.measured[:, k]
        density *= np.where(measured, there[:, None] * norm.pdf(y[None, :], x[:, None], np.sqrt(R)), missing[:, None])
        density /= density.sum(axis=0)
        found[0, :, k] = x @ density
        below = np.cumsum(density, axis=0)
        for row, share in ((1, 0.025), (2, 0.975)):  # half a cell: a node stands for the cell around it
            at = np.argmax(below >= share, axis=0)
            over = np.take_along_axis(below, at[None], 0)[0] - share
            mass = np.take_along_axis(density, at[None], 0)[0]
            found[row, :, k] = x[at] + (x[1] - x[0]) * (0.5 - over / mass)
    return found[0], found[1], found[2]


@dataclass(frozen=True)
class Figures:
    """Of estimates against the truth: bias, root of the mean square, share of the truth inside the 95 % interval."""

    bias: float
    rmse: float
    coverage: float


def figures(states: Floats, mean: Floats, low: Floats, high: Floats, burn_in: int) -> Figures:
    """Over all chains, without the first cycles."""
    kept = slice(burn_in, None)
    error = (mean - states)[:, kept]
    inside = ((low <= states) & (states <= high))[:, kept]
    return Figures(float(error.mean()), float(np.sqrt((error**2).mean())), float(inside.mean()))


def many(count: int) -> tuple[System, Belief, Localization]:
    """All chains as one system, each seen by an observable of its own, and a localization that keeps them apart."""
    rate = Parameter("rate", "1/h", LogNormal(0.05, 0.1), source="made up for tests")
    first = Observable("first", "mg", seen, Additive(np.sqrt(R)))
    model = Model("chains", {f"x{i}": "mg" for i in range(count)}, {}, (rate,), (first,), decay_all)
    one = csr_array(np.eye(count))
    noise = (Additive(np.sqrt(R)),) * count
    whole = System(model, np.array([RATE]), (), noise, np.full(count, np.sqrt(Q)), 0.5, operator=one)
    start = gaussian(whole, 0.0, np.zeros(count), STATIONARY * np.eye(count))
    return whole, start, Localization(np.eye(count), np.eye(count), np.zeros(0, dtype=np.int64))


def shown_to(kind: str, method: Any, chains: Chains) -> tuple[Floats, Floats]:
    """Mean and SD (C, T) of the unscented filter, or of one aware, chain by chain."""
    times, found = np.arange(1.0, chains.states.shape[1] + 1.0), np.empty((2, *chains.states.shape))
    for c, values in enumerate(chains.shown):
        one = filter_record(method, system(), Schedule(), prior(), Observations(times, values[:, None]))
        assert not one.codes.any(), kind
        found[:, c] = one.mean[:, 0], one.sd[:, 0]
    return found[0], found[1]


def stepped(method: Any, chains: Chains) -> tuple[Floats, Floats]:
    """As shown_to, step by step, for the Kalman filter."""
    found = np.empty((2, *chains.states.shape))
    for c, values in enumerate(chains.shown):
        seen = [Observation(k + 1.0, values[k : k + 1]) for k in range(values.size)]
        one = filter_steps(method, system(), Schedule(), prior(), seen, Draws(0, "unused"))
        found[:, c] = one.mean[:, 0], one.sd[:, 0]
    return found[0], found[1]


def by_members(kind: str, members: int, chains: Chains) -> tuple[Floats, Floats]:
    """Mean and SD (C, T) of an aware serial ensemble filter, all chains at once and kept apart by localization."""
    count, length = chains.states.shape
    whole, start, local = many(count)
    mechanisms = tuple(
        Selection(str(i), INTERCEPT, SLOPE)
        if kind == "value"
        else SharedParameter(str(i), INTERCEPT, ((f"x{i}", SLOPE),))
        for i in range(count)
    )
    method, draws = Aware(Eakf(members, localization=local), mechanisms), Draws(1, "members")
    found = np.empty((2, *chains.states.shape))
    state = method.init(start, draws)
    for k in range(length):
        state, seen_now = method.step(whole, Schedule(), state, Observation(k + 1.0, chains.shown[:, k]), draws)
        assert seen_now.code == 0
        found[:, :, k] = state.members.mean(axis=1), state.members.std(axis=1, ddof=1)
    return found[0], found[1]


def by_particles(kind: str, members: int, chains: Chains) -> tuple[Floats, Floats, Floats]:
    """Mean and the ends of the central 95 % (C, T) of an aware particle filter."""
    method, found = Aware(Bootstrap(members), (MECHANISMS[kind],)), np.empty((3, *chains.states.shape))
    for c, values in enumerate(chains.shown):
        draws = Draws(1, "particles", str(c))
        state = method.init(prior(), draws)
        for k in range(values.size):
            state, _ = method.step(system(), Schedule(), state, Observation(k + 1.0, values[k : k + 1]), draws)
            x, weight = state.members[0], np.full(members, 1.0 / members)
            if state.log_weights is not None:
                weight = np.exp(state.log_weights)
            order = np.argsort(x)
            ends = np.searchsorted(np.cumsum(weight[order]), (0.025, 0.975))
            found[:, c, k] = x @ weight, *x[order][np.minimum(ends, members - 1)]
    return found[0], found[1], found[2]


def normal_figures(chains: Chains, found: tuple[Floats, Floats], burn_in: int) -> Figures:
    """figures() of a mean and an SD."""
    mean, sd = found
    return figures(chains.states, mean, mean - Z95 * sd, mean + Z95 * sd, burn_in)
