"""What becomes of a campaign where a run fails."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from vvuq.errors import InputError
from vvuq.record import Floats

Then = Literal["stop", "skip", "replace"]
Draw = Callable[[int, int], Floats]


@dataclass(frozen=True, slots=True)
class Policy:
    """A failed run is tried again `retries` times, then the campaign stops, skips it, or replaces its point.

    draw(column, number) -> (d,): the `number`th replacement (from 1) for a column, which must depend on nothing else;
    `draws` of them are tried. Use STOP, SKIP, `retry` and `replace`."""

    then: Then
    retries: int = 0
    draw: Draw | None = None
    draws: int = 0

    def __post_init__(self) -> None:
        if self.then not in ("stop", "skip", "replace"):
            raise InputError("policy", "then", self.then, "stop, skip or replace")
        if not 0 <= self.retries <= 100:
            raise InputError("policy", "retries", self.retries, "0 to 100")
        if self.then == "replace" and (not callable(self.draw) or self.draws < 1):
            raise InputError("policy", "draw", self.draw, "a function (column, number) -> (d,), and 1 draw or more")

    @property
    def runs_failed_ones_again(self) -> bool:
        """True where a failure in the store is no result: it may have been the machine's, or is mended by now."""
        return self.then == "stop" or self.retries > 0


STOP = Policy("stop")
SKIP = Policy("skip")


def retry(times: int, then: Policy = STOP) -> Policy:
    """Every failed run is tried again, so many times, then as `then` says."""
    return Policy(then.then, times, then.draw, then.draws)


def replace(draw: Draw, draws: int = 10) -> Policy:
    """A failed run of a random sample is replaced by one at another point: what is found holds for points that can be
    run, and the outcome counts the others."""
    return Policy("replace", 0, draw, draws)


def worst_case(values: Floats, low: float, high: float) -> tuple[Floats, Floats]:
    """The values with what is not-a-number at its lowest possible value, and at its highest: whatever rises with the
    values (a mean, a quantile, a share above a limit) lies between what the two give.

    Raises InputError where low is not below high, or a value lies outside of them."""
    if not low < high:
        raise InputError("worst case", "low, high", (low, high), "low < high")
    with_failures = np.asarray(values, dtype=float)
    missing = np.isnan(with_failures)
    there = with_failures[~missing]
    if there.size and not (low <= there.min() and there.max() <= high):
        raise InputError(
            "worst case", "values", (float(there.min()), float(there.max())), f"within {low:g} to {high:g}"
        )
    return np.where(missing, low, with_failures), np.where(missing, high, with_failures)
