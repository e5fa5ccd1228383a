"""Inflation: how an ensemble's deviations from its mean are widened, against the spread that sampling loses.

A plain number is a fixed factor on the analysis' deviations: on standard deviations, not on variances."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from vvuq.errors import InputError
from vvuq.record import Floats


@dataclass(frozen=True, slots=True)
class Relaxation:
    """Each row's analysis SD is drawn towards its forecast SD by a share of their difference, 0 <= share <= 1.

    Source: Whitaker & Hamill, Mon. Weather Rev. 140 (2012) 3078 (relaxation to prior spread)."""

    share: float

    def __post_init__(self) -> None:
        if not 0.0 <= self.share <= 1.0:
            raise InputError("filter", "inflation", self.share, "a share between 0 and 1")


@dataclass(frozen=True, slots=True)
class Adaptive:
    """A factor on the forecast's deviations, learned from the size of the innovations; carried in the ensemble.

    The factor on variances is uncertain by `sd` before each step and is conditioned on what the step's innovations say
    of it, for the next step: a larger sd learns faster and is noisier. The factor on deviations stays from low to high.
    Source: Miyoshi, Mon. Weather Rev. 139 (2011) 1519, section 2, as one factor for all rows."""

    sd: float = 0.1
    low: float = 1.0
    high: float = 2.0

    def __post_init__(self) -> None:
        if not 0.0 < self.sd < math.inf:
            raise InputError("filter", "inflation", self.sd, "a standard deviation above 0")
        if not 0.0 < self.low <= 1.0 <= self.high < math.inf:
            raise InputError("filter", "inflation", (self.low, self.high), "0 < low <= 1 <= high")


Inflation = float | Relaxation | Adaptive


def check(inflation: Inflation) -> None:
    """InputError for a fixed factor that is not positive and finite."""
    if isinstance(inflation, int | float) and not 0.0 < inflation < math.inf:
        raise InputError("filter", "inflation", inflation, "a factor above 0: 1 changes nothing")


def before(inflation: Inflation, carried: float) -> float:
    """The factor on the forecast's deviations, given the one that the ensemble carries."""
    return carried if isinstance(inflation, Adaptive) else 1.0


def after(inflation: Inflation, wide: Floats, analysis: Floats) -> Floats:
    """The factors on the analysis' deviations (d, N) by sqrt(N - 1): one (1,), or one for each row (d,).

    wide (d,): the SDs before."""
    if isinstance(inflation, Relaxation):
        narrow = np.sqrt(np.einsum("ij,ij->i", analysis, analysis))
        ratio = np.divide(wide - narrow, narrow, out=np.zeros_like(narrow), where=narrow > 0.0)
        return np.asarray(1.0 + inflation.share * ratio)
    return np.array([1.0 if isinstance(inflation, Adaptive) else float(inflation)])


def learned(inflation: Inflation, carried: float, innovation: Floats, observed: Floats) -> float:
    """The factor to carry on, after whitened innovations (m,) of whitened members' deviations by sqrt(N - 1), (m, N).

    `observed` is as the factor `carried` has widened it already."""
    if not isinstance(inflation, Adaptive):
        return carried
    m, total = innovation.size, float(np.sum(observed**2)) / carried**2
    if m == 0 or total == 0.0:
        return carried
    seen = (float(innovation @ innovation) - m) / total
    doubt = 2.0 / m * (carried**2 + m / total) ** 2  # variance of `seen` where the innovations are independent
    known = inflation.sd**2
    factor = (doubt * carried**2 + known * seen) / (doubt + known)
    return float(np.clip(math.sqrt(max(factor, 0.0)), inflation.low, inflation.high))
