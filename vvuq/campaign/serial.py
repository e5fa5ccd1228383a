"""The serial executor: model runs one chunk after another in this process."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from vvuq.record import Floats

CHUNK = 4096


def evaluate(function: Callable[[Floats], Floats], points: Floats, chunk: int = CHUNK) -> Floats:
    """function applied to points (d, n), `chunk` columns at a time -> (n,) or (k, n). A chunk that raises an
    ArithmeticError counts as failed: its values are not-a-number."""
    parts = []
    for begin in range(0, points.shape[1], chunk):
        part = np.ascontiguousarray(points[:, begin : begin + chunk])
        try:
            parts.append(np.asarray(function(part), dtype=float))
        except ArithmeticError:
            parts.append(np.full(part.shape[1], np.nan))
    return np.concatenate(parts, axis=-1)
