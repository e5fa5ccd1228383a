"""Ensemble filters on Lorenz-96 with 1,000 variables, 200 members, 500 measured values, against DAPPER.

A cycle is one RK4 step of every member and the analysis of one vector of measurements. Analyses alone are compared
beside it. The same members and measurements go in; the same members come out, without inflation or rotation."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from _dapper import HOW, Dapper, dapper
from _harness import Row, agreed, compare, flop_rate, installed, race
from large import ring

from vvuq.assimilation.eakf import Eakf
from vvuq.assimilation.etkf import Etkf
from vvuq.assimilation.letkf import Letkf
from vvuq.assimilation.localization import gaspari_cohn, localization
from vvuq.assimilation.method import Method
from vvuq.assimilation.system import Observation, propagate
from vvuq.models import Schedule
from vvuq.numerics.streams import Draws
from vvuq.record import Ensemble

RADIUS = 4.0  # where the weight is 0.63; the half-width of the taper is 1.82 of it
TOLERANCE = 1e-9


def rows(quick: bool) -> list[Row]:
    """The model's step, the transform filter, and two localized filters against the local transform filter."""
    version = installed("dapper", HOW)
    if version is None:
        return []
    n, count = (200, 40) if quick else (1000, 200)
    work = _Work(n, count)
    peer, name = dapper(n, 2, RADIUS), ("DAPPER", version)
    return [_model(work, peer, name), *_transform(work, peer, name), *_localized(work, peer, name)]


class _Work:
    """Members of a spread-out ensemble around a truth, its measurement after one step, and the filters."""

    def __init__(self, n: int, count: int) -> None:
        experiment, draws = ring(n), np.random.default_rng(6)
        self.system, self.size, self.count = experiment.system, n, count
        truth = 8.0 + 3.0 * draws.standard_normal(n)
        self.members = truth[:, None] + 0.5 * draws.standard_normal((n, count))
        self.values = truth[::2] + draws.standard_normal(n // 2)
        self.rows = np.ascontiguousarray(self.members.T)
        assert experiment.distances is not None
        near = localization(*experiment.distances, taper=lambda apart: gaspari_cohn(apart, 1.82 * RADIUS))
        self.near = int(np.count_nonzero(near.state_taper)), int(np.count_nonzero(near.observed_taper))
        self.letkf, self.eakf = Letkf(count, localization=near), Eakf(count, localization=near)
        self.label = f"n {n}, N {count}, m {n // 2}"

    def run(self, method: Method, cycle: bool) -> Callable[[], np.ndarray]:
        """One step of ours: of time, too, or the analysis alone."""
        state = Ensemble(0.0, self.system.names, self.members)
        observation, draws = Observation(0.05 if cycle else 0.0, self.values), Draws(1, "benchmark")

        def once() -> np.ndarray:
            after, seen = method.step(self.system, Schedule(), state, observation, draws)
            assert seen.code == 0
            return np.asarray(after.members)

        return once

    def model_flops(self) -> float:
        """4 slopes of 4 operations, and 13 to combine them, for each variable of each member."""
        return self.size * self.count * (4 * 4 + 13)


def _model(work: _Work, peer: Dapper, name: tuple[str, str]) -> Row:
    def ours() -> np.ndarray:
        return propagate(work.system, Schedule(), work.members, 0.0, 0.05)[0]

    return compare(
        f"Lorenz-96 step, n {work.size}, N {work.count}", name, ours, lambda: peer.step(work.rows).T,
        flops=work.model_flops(), tolerance=1e-12, goal=10.0,
    )  # fmt: skip


def _transform(work: _Work, peer: Dapper, name: tuple[str, str]) -> list[Row]:
    n, count, m = work.size, work.count, work.size // 2
    gram, transform = min(m, count) * max(m, count) * min(m, count), 2 * n * count * count
    flops = gram + 9 * min(m, count) ** 3 + transform
    found = []
    for cycle in (True, False):
        what, ours = f"ETKF, {'cycle' if cycle else 'analysis'}, {work.label}", work.run(Etkf(count), cycle)
        theirs = _theirs(peer, peer.etkf, work, cycle)
        total = flops + (work.model_flops() if cycle else 0.0)
        goal = 2.0 if cycle else None
        found.append(compare(what, name, ours, theirs, flops=total, tolerance=TOLERANCE, goal=goal))
    return found


def _localized(work: _Work, peer: Dapper, name: tuple[str, str]) -> list[Row]:
    """The serial filter finds what DAPPER's serial filter finds, and is timed against that and the local one."""
    local = work.near[0] / work.size  # measured values near one variable
    regression = 4.0 * work.count * (work.near[0] + work.near[1] / 2)
    gram = work.size * (local**2 * work.count + 9 * local**3 + 2 * local * work.count)
    found = []
    for cycle in (True, False):
        part, extra = ("cycle", work.model_flops()) if cycle else ("analysis", 0.0)
        serial, letkf = work.run(work.eakf, cycle), work.run(work.letkf, cycle)
        peer_serial, peer_letkf = (_theirs(peer, rule, work, cycle) for rule in (peer.eakf, peer.letkf))
        same_serial = agreed(f"serial EAKF, {part}", serial(), peer_serial(), TOLERANCE)
        same_letkf = agreed(f"LETKF, {part}", letkf(), peer_letkf(), TOLERANCE)
        a, b, c, d = race([serial, letkf, peer_serial, peer_letkf])
        of, floor_a, floor_b = name[1], (regression + extra) / flop_rate(), (gram + extra) / flop_rate()
        goals = (500.0, 20.0) if cycle else (None, None)
        found += [
            Row(f"serial EAKF, {part}, {work.label}", "DAPPER LETKF", of, a, d, d / a, floor_a, same_serial, goals[0]),
            Row(f"serial EAKF, {part}, {work.label}", "DAPPER SL_EAKF", of, a, c, c / a, floor_a, same_serial),
            Row(f"LETKF, {part}, {work.label}", "DAPPER LETKF", of, b, d, d / b, floor_b, same_letkf, goals[1]),
        ]
    return found


def _theirs(peer: Dapper, analysis: Callable[..., np.ndarray], work: _Work, cycle: bool) -> Callable[[], np.ndarray]:
    def once() -> np.ndarray:
        ahead = peer.step(work.rows) if cycle else work.rows
        return analysis(ahead, work.values).T

    return once
