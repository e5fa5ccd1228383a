"""The serial executor: model runs one chunk after another in this process."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from vvuq.record import Floats

CHUNK = 4096


def evaluate(function: Callable[[Floats], Floats], points: Floats, chunk: int = CHUNK) -> Floats:
    """function applied to points (d, n), `chunk` columns at a time -> (n,) or (k, n). A chunk that raises an
    ArithmeticError counts as failed: its values are not-a-number."""
    parts: list[Floats | None] = []
    for begin in range(0, points.shape[1], chunk):
        part = np.ascontiguousarray(points[:, begin : begin + chunk])
        try:
            parts.append(np.asarray(function(part), dtype=float))
        except ArithmeticError:
            parts.append(None)
    shape = next((part.shape[:-1] for part in parts if part is not None), ())
    widths = [min(chunk, points.shape[1] - begin) for begin in range(0, points.shape[1], chunk)]
    whole = [np.full((*shape, w), np.nan) if part is None else part for part, w in zip(parts, widths, strict=True)]
    return np.concatenate(whole, axis=-1)
