"""A linear tree of vessels with 1,000 nodes: large enough to need localization, and its exact answer is known.

Node i follows dx_i/dt = -leak x_i + exchange times the sum over its neighbours j of (x_j - x_i).
"""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array

from vvuq.assimilation.experiment import Experiment
from vvuq.assimilation.system import System, gaussian
from vvuq.models import Additive, Model, Observable, Parameter, Uniform
from vvuq.record import Floats

N, VESSEL = 1000, 5  # nodes; nodes of a vessel from one branching to the next


def parents(count: int, vessel: int) -> tuple[int, ...]:
    """The parent of each node of a tree of vessels, each of which branches into two; -1 for the root.

    Nodes are numbered from the root on, vessel by vessel, so that a parent comes before its children."""
    found, ends, place = [-1, *range(vessel - 1)], [vessel - 1], 0
    while len(found) < count:
        for _ in range(2):
            head = len(found)
            found += [ends[place], *range(head, head + vessel - 1)]
            ends.append(len(found) - 1)
        place += 1
    return tuple(found[:count])


PARENT = parents(N, VESSEL)


def exchange(t, x, u, theta, dx):
    """Every node leaks; every node but the root exchanges with its parent."""
    leak, rate = theta[0], theta[1]
    dx[0] = -leak * x[0]
    for i in range(1, N):
        flow = rate * (x[PARENT[i]] - x[i])
        dx[i] = flow - leak * x[i]
        dx[PARENT[i]] = dx[PARENT[i]] - flow


def root(t, x, u, theta, y):
    """The amount in the root."""
    y[0] = x[0]


def distances() -> Floats:
    """How many edges lie between two nodes, (N, N). exp(-distance / length) is a covariance on a tree."""
    found = np.zeros((N, N))
    for i in range(1, N):  # the path to an earlier node leads over the parent
        found[i, :i] = found[PARENT[i], :i] + 1.0
        found[:i, i] = found[i, :i]
    return found


def tree(*, every: int = 10, sd: float = 0.1, drift: float = 0.05) -> Experiment:
    """Each `every`-th node observed once an hour with error SD `sd` [mg]; the prior correlates near nodes.

    drift [mg/sqrt(h)]: random walk of every node."""
    source = "made up: a linear system with an exact answer"
    rates = (("leak", 0.1), ("exchange", 1.0))
    parameters = tuple(Parameter(name, "1/h", Uniform(0.5 * value, 1.5 * value), source) for name, value in rates)
    seen = Observable("root", "mg", root, Additive(sd))
    model = Model("tree", {f"x{i}": "mg" for i in range(N)}, {}, parameters, (seen,), exchange)
    observed = np.arange(0, N, every)
    operator = csr_array((np.ones(observed.size), (np.arange(observed.size), observed)), shape=(observed.size, N))
    theta, noise = np.array([value for _, value in rates]), (Additive(sd),) * observed.size
    system = System(model, theta, (), noise, np.full(N, drift), 0.1, operator=operator)
    apart = distances()
    prior = gaussian(system, 0.0, np.zeros(N), np.exp(-apart / (2.0 * VESSEL)))
    places = np.ascontiguousarray(apart[:, observed]), np.ascontiguousarray(apart[np.ix_(observed, observed)])
    return Experiment("linear tree, 1,000 nodes", system, prior, 1.0, 5, places)
