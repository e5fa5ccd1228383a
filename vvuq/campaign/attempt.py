"""One chunk of runs: where it raises it is halved until the guilty columns are alone."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from vvuq.record import Floats

NOT_FINITE = "not finite"
_LONGEST = 500  # characters of a reason


@dataclass(frozen=True, slots=True)
class Attempt:
    """What became of a chunk of m columns: values (m,) or (k, m), not-a-number where a run failed; None where all did.

    reasons: column of the chunk -> why it failed. broken: where the function keeps no contract, in what way."""

    values: Floats | None
    reasons: dict[int, str] = field(default_factory=dict)
    seconds: float = 0.0
    broken: str = ""


class _Broken(Exception):
    """The function returned what no function of points may return."""


def attempt(function: Callable[[Floats], Floats], points: Floats) -> Attempt:
    """function applied to points (d, m). An exception costs the runs that raise it; a value that is not finite, its
    run."""
    begun, reasons = time.perf_counter(), dict[int, str]()
    try:
        pieces = list(_pieces(function, points, 0, reasons))
        values = _joined(pieces, points.shape[1])
    except _Broken as error:
        return Attempt(None, seconds=time.perf_counter() - begun, broken=str(error))
    if values is not None:
        bad = ~np.isfinite(np.atleast_2d(values)).all(axis=0)
        reasons |= {int(i): NOT_FINITE for i in np.flatnonzero(bad) if int(i) not in reasons}
        values[..., bad] = np.nan
    return Attempt(values, reasons, time.perf_counter() - begun)


_Piece = tuple[int, Floats]


def _pieces(function: Callable[[Floats], Floats], points: Floats, first: int, reasons: dict[int, str]) -> list[_Piece]:
    """(first column, values) of the parts that could be run."""
    width = points.shape[1]
    try:
        found = function(points)
    except Exception as error:
        if width == 1:
            reasons[first] = f"{type(error).__name__}: {error}"[:_LONGEST]
            return []
    else:
        return [(first, _checked(found, width))]
    half = width // 2
    left = _pieces(function, np.ascontiguousarray(points[:, :half]), first, reasons)
    return left + _pieces(function, np.ascontiguousarray(points[:, half:]), first + half, reasons)


def _checked(found: object, width: int) -> Floats:
    values = np.asarray(found)
    if values.dtype.kind not in "fiub" or values.ndim not in (1, 2) or values.shape[-1] != width or not values.size:
        told = f"{values.dtype.name} of shape {values.shape} for {width} points"
        raise _Broken(f"{told}; wanted are numbers ({width},) or (k, {width})")
    return values.astype(np.float64)


def _joined(pieces: list[_Piece], width: int) -> Floats | None:
    if not pieces:
        return None
    shape = pieces[0][1].shape[:-1]
    whole = np.full((*shape, width), np.nan)
    for first, values in pieces:
        if values.shape[:-1] != shape:
            raise _Broken(f"now {shape}, now {values.shape[:-1]} outputs a point; wanted is one shape")
        whole[..., first : first + values.shape[-1]] = values
    return whole
