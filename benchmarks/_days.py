"""A patient's day by several solvers: each as cheap as it can be within the error that is allowed to all."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from _harness import Row, flop_rate, race

STAGES, COMBINED = 4, 13  # of RK4: slopes a step, and operations that combine them, for each state
LADDER = tuple(10.0**-k for k in range(3, 12))


@dataclass(frozen=True)
class Solver:
    """Runs the day of the first `patients` of a cohort and returns what their sensors show, (times, patients)."""

    name: str
    version: str
    patients: int
    run: Callable[[], np.ndarray]


def faster(
    work: str, ours: Solver, peer: Solver, truth: np.ndarray, most: float, *, flops: float, goal: float | None = None
) -> Row:
    """Seconds of a patient's day. truth (times, patients) may hold fewer patients than a solver runs.

    flops: of a patient's day. Raises SystemExit where either is further than `most` from the truth."""
    errors = [error(one, truth) for one in (ours, peer)]
    for one, found in zip((ours, peer), errors, strict=True):
        if not found <= most:
            sys.exit(f"{work}: {one.name} is off by {found:.1e}, more than {most:.0e}: no ratio")
    both = min(ours.patients, peer.patients)
    a, b = (np.asarray(one.run())[:, :both] for one in (ours, peer))
    agreement = float(np.abs(a - b).max() / np.abs(b).max())
    times = race([ours.run, peer.run])
    mine, other = (t / one.patients for t, one in zip(times, (ours, peer), strict=True))
    floor = flops / flop_rate()
    return Row(work, peer.name, peer.version, mine, other, other / mine, floor, agreement, goal, *errors)


def error(solver: Solver, truth: np.ndarray) -> float:
    """The largest difference from the truth, over the patients that both have."""
    found = np.asarray(solver.run())
    count = min(found.shape[1], truth.shape[1])
    worst = float(np.abs(found[:, :count] - truth[:, :count]).max())
    return worst if np.isfinite(worst) else float("inf")


def cheapest(
    make: Callable[[float], Solver], truth: np.ndarray, most: float, ladder: Iterable[float] = LADDER
) -> Solver:
    """The solver of the loosest tolerance that is within `most` of the truth."""
    for tolerance in ladder:
        solver = make(tolerance)
        if error(solver, truth) <= most:
            return solver
    sys.exit(f"{solver.name}: no tolerance brings it within {most:.0e} of the reference")


class Counted:
    """A number that counts what is done to it: an operation or a comparison is one, a hyperbolic tangent `TANH`; what
    parameters alone decide is `free`, since it is computed once."""

    TANH = 20
    done = 0

    def __init__(self, value: float, free: bool = False) -> None:
        self.value, self.free = value, free

    def _new(self, value: float, others: tuple[Any, ...] = (), cost: int = 1) -> Counted:
        free = all(getattr(one, "free", True) for one in (self, *others))
        Counted.done += 0 if free else cost
        return Counted(value, free)

    def __add__(self, other: Any) -> Counted:
        return self._new(self.value + _plain(other), (other,))

    def __sub__(self, other: Any) -> Counted:
        return self._new(self.value - _plain(other), (other,))

    def __rsub__(self, other: float) -> Counted:
        return self._new(other - self.value)

    def __mul__(self, other: Any) -> Counted:
        return self._new(self.value * _plain(other), (other,))

    def __truediv__(self, other: Any) -> Counted:
        return self._new(self.value / _plain(other), (other,))

    def __rtruediv__(self, other: float) -> Counted:
        return self._new(other / self.value)

    def __neg__(self) -> Counted:
        return self._new(-self.value, cost=0)

    def model_function(self, name: str) -> Counted:
        """vvuq.models.math asks for it."""
        return self._new(float(getattr(np, name)(self.value)), (), Counted.TANH)

    def model_where(self, a: Any, b: Any) -> Counted:
        """As above."""
        return self._new(_plain(a if self.value > 0.0 else b), (a, b))

    __radd__, __rmul__ = __add__, __mul__


def _plain(number: Any) -> float:
    return float(getattr(number, "value", number))


def operations(rhs: Callable[..., None], x: np.ndarray, u: np.ndarray, theta: np.ndarray, steps: int) -> float:
    """Floating-point operations of RK4 over `steps` steps from the state x."""
    numbers = [tuple(Counted(float(v), values is theta) for v in values) for values in (x, u, theta)]
    Counted.done = 0
    rhs(0.0, *numbers, [None] * len(x))
    return steps * (STAGES * Counted.done + COMBINED * len(x))
