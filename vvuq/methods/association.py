"""Two groups of patients and an event: risk difference and odds ratio with 95 % intervals.

Sources: Newcombe, Stat Med 17 (1998) 873, method 10 (difference); Woolf, Ann Hum Genet 19 (1955) 251, with a half in
each cell where one is empty (odds ratio)."""

from __future__ import annotations

import numpy as np
from scipy.special import ndtri

from vvuq.record import Quantity

TWO, ONE = float(ndtri(0.975)), float(ndtri(0.95))


def risk_difference(events: tuple[int, int], patients: tuple[int, int]) -> Quantity:
    """Risk in the first group less that in the second, in %; both groups hold a patient or more."""
    p, q = (k / n for k, n in zip(events, patients, strict=True))
    (low, high), (lower, upper) = (_newcombe(events, patients, z) for z in (TWO, ONE))
    value, low, high, lower, upper = (100.0 * end for end in (p - q, low, high, lower, upper))
    return Quantity(value, "%", low, high, 0.95, lower, upper, "epistemic", sum(patients))


def _newcombe(events: tuple[int, int], patients: tuple[int, int], z: float) -> tuple[float, float]:
    p, q = (k / n for k, n in zip(events, patients, strict=True))
    (low_p, high_p), (low_q, high_q) = (wilson(k, n, z) for k, n in zip(events, patients, strict=True))
    below, above = np.hypot(p - low_p, high_q - q), np.hypot(high_p - p, q - low_q)
    return p - q - float(below), p - q + float(above)


def wilson(events: int, n: int, z: float = TWO) -> tuple[float, float]:
    """The ends of Wilson's interval of a share; z: of the normal distribution."""
    p, square = events / n, z * z
    middle = (p + square / (2.0 * n)) / (1.0 + square / n)
    half = z * float(np.sqrt(p * (1.0 - p) / n + square / (4.0 * n * n))) / (1.0 + square / n)
    return max(0.0, middle - half), min(1.0, middle + half)


def odds_ratio(events: tuple[int, int], patients: tuple[int, int]) -> Quantity:
    """Odds in the first group over those in the second."""
    cells = np.array([events[0], patients[0] - events[0], events[1], patients[1] - events[1]], dtype=float)
    if (cells == 0.0).any():
        cells += 0.5
    log, error = float(np.log(cells[0] * cells[3] / (cells[1] * cells[2]))), float(np.sqrt((1.0 / cells).sum()))
    ends = [float(np.exp(log + step * error)) for step in (0.0, -TWO, TWO, -ONE, ONE)]
    return Quantity(ends[0], "1", ends[1], ends[2], 0.95, ends[3], ends[4], "epistemic", sum(patients))
