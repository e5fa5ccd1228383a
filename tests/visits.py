"""The Ornstein-Uhlenbeck state of ou.py in continuous time, measured at the events of a point process whose intensity
exp(-1 + 1.2 x) depends on it, and its exact filter on a grid of states."""

from __future__ import annotations

import numpy as np
import ou
from scipy.stats import norm

from vvuq.assimilation.aware import Aware
from vvuq.assimilation.system import Observations
from vvuq.assimilation.ukf import Unscented
from vvuq.assimilation.ukf_run import filter_record
from vvuq.data.missingness.intensity import Intensity
from vvuq.models import Schedule
from vvuq.record import Floats

A, C, DT = -1.0, 1.2, 0.02
MECHANISM = Intensity("seen", A, (("x", C),))
DRIFT = float(ou.system().drift[0])


def simulated(count: int, hours: float, seed: int = 2) -> ou.Chains:
    """States (C, T) on a grid of DT, exact in law; in a cell an event comes with probability 1 - exp(-rate DT)."""
    rng, length = np.random.default_rng(seed), round(hours / DT)
    keep = np.exp(-ou.RATE * DT)
    still = DRIFT**2 / (2.0 * ou.RATE)
    x, states = np.sqrt(still) * rng.normal(size=count), np.empty((count, length))
    for k in range(length):
        x = keep * x + np.sqrt(still * (1.0 - keep**2)) * rng.normal(size=count)
        states[:, k] = x
    events = rng.random(states.shape) < -np.expm1(-np.exp(A + C * states) * DT)
    return ou.Chains(states, states + np.sqrt(ou.R) * rng.normal(size=states.shape), events)


def grid_filter(chains: ou.Chains, nodes: int = 401, reach: float = 5.0) -> tuple[Floats, Floats, Floats]:
    """As ou.grid_filter: the density moves by DT, then meets an event and its value, or none."""
    x, keep = np.linspace(-reach, reach, nodes), np.exp(-ou.RATE * DT)
    spacing, still = x[1] - x[0], DRIFT**2 / (2.0 * ou.RATE)
    move = norm.pdf(x[:, None], keep * x[None, :], np.sqrt(still * (1.0 - keep**2))) * spacing
    silent = np.exp(-np.exp(A + C * x) * DT)
    density = np.repeat(norm.pdf(x, 0.0, np.sqrt(still))[:, None], chains.states.shape[0], axis=1)
    found = np.empty((3, *chains.states.shape))
    for k in range(chains.states.shape[1]):
        density = move @ density
        at = norm.pdf(chains.values[:, k][None, :], x[:, None], np.sqrt(ou.R)) * (1.0 - silent)[:, None]
        density *= np.where(chains.measured[:, k], at, silent[:, None])
        density /= density.sum(axis=0)
        middle = x @ density
        sd = np.sqrt(x**2 @ density - middle**2)
        found[:, :, k] = middle, middle - ou.Z95 * sd, middle + ou.Z95 * sd
    return found[0], found[1], found[2]


def compared(count: int, hours: float, burn_in: int = 500) -> dict[str, ou.Figures]:
    """Figures of the exact filter, of the one that takes values alone, and of the one aware of events and silence."""
    chains = simulated(count, hours)
    times = DT * np.arange(1, chains.states.shape[1] + 1)
    found = {"exact": ou.figures(chains.states, *grid_filter(chains), burn_in)}
    for name, method in (("naive", Unscented()), ("aware", Aware(Unscented(), (MECHANISM,)))):
        mean, sd = np.empty((2, *chains.states.shape))
        for c, values in enumerate(chains.shown):
            one = filter_record(method, ou.system(), Schedule(), ou.prior(), Observations(times, values[:, None]))
            mean[c], sd[c] = one.mean[:, 0], one.sd[:, 0]
        found[name] = ou.normal_figures(chains, (mean, sd), burn_in)
    return found
