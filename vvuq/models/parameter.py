"""Parameters with prior, bounds and source, observables with their noise."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


def _normal_quantile(p: float) -> float:
    from scipy.special import ndtri  # heavy, and a declaration that passed before needs none

    return float(ndtri(p))


@dataclass(frozen=True, slots=True)
class LogNormal:
    """log(value) is normal around log(median) with standard deviation sd_log."""

    median: float
    sd_log: float

    def quantile(self, p: float) -> float:
        """The value below which a share p lies."""
        return self.median * math.exp(self.sd_log * _normal_quantile(p))


@dataclass(frozen=True, slots=True)
class Normal:
    """Normal with mean and standard deviation."""

    mean: float
    sd: float

    def quantile(self, p: float) -> float:
        """The value below which a share p lies."""
        return self.mean + self.sd * _normal_quantile(p)


@dataclass(frozen=True, slots=True)
class Uniform:
    """Uniform between low and high."""

    low: float
    high: float

    def quantile(self, p: float) -> float:
        """The value below which a share p lies."""
        return self.low + (self.high - self.low) * p


Prior = LogNormal | Normal | Uniform


@dataclass(frozen=True, slots=True)
class Parameter:
    """A constant of the model: its unit, what is known of it beforehand and from where, the bounds it cannot leave."""

    name: str
    unit: str
    prior: Prior
    source: str
    meaning: str = ""
    bounds: tuple[float, float] = (-math.inf, math.inf)


@dataclass(frozen=True, slots=True)
class Noise:
    """Independent normal measurement error with variance sd^2 + (cv y)^2."""

    sd: float = 0.0
    cv: float = 0.0


def Additive(sd: float) -> Noise:
    """Measurement error of constant standard deviation, in the observable's unit."""
    return Noise(sd=sd)


def Proportional(cv: float) -> Noise:
    """Measurement error proportional to the true value."""
    return Noise(cv=cv)


@dataclass(frozen=True, slots=True)
class Observable:
    """What can be measured: function(t, x, u, theta, y) writes y[0] in `unit`."""

    name: str
    unit: str
    function: Callable[[Any, Any, Any, Any, Any], None]
    noise: Noise
