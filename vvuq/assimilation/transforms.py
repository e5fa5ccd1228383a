"""How a learned parameter is laid on the whole line, so that no step of a filter leaves its range; never clipping."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vvuq.errors import InputError
from vvuq.record import Floats


@dataclass(frozen=True, slots=True)
class Identity:
    """Any value."""

    def label(self, name: str) -> str:
        """What the transformed parameter is called."""
        return name

    def forward(self, value: Floats) -> Floats:
        """From the parameter to the line."""
        return value

    def back(self, line: Floats) -> Floats:
        """From the line to the parameter."""
        return line


@dataclass(frozen=True, slots=True)
class Log:
    """Values above zero."""

    def label(self, name: str) -> str:
        """What the transformed parameter is called."""
        return f"log {name}"

    def forward(self, value: Floats) -> Floats:
        """From the parameter to the line."""
        return np.log(value)

    def back(self, line: Floats) -> Floats:
        """From the line to the parameter; infinite where it overflows."""
        with np.errstate(over="ignore"):
            return np.exp(line)


@dataclass(frozen=True, slots=True)
class Logit:
    """Values between low and high."""

    low: float
    high: float

    def __post_init__(self) -> None:
        if not (np.isfinite([self.low, self.high]).all() and self.low < self.high):
            raise InputError("transform", "bounds", (self.low, self.high), "finite bounds, low < high")

    def label(self, name: str) -> str:
        """What the transformed parameter is called."""
        return f"logit {name}"

    def forward(self, value: Floats) -> Floats:
        """From the parameter to the line."""
        share = (np.asarray(value) - self.low) / (self.high - self.low)
        return np.log(share / (1.0 - share))

    def back(self, line: Floats) -> Floats:
        """From the line to the parameter."""
        return self.low + (self.high - self.low) * 0.5 * (1.0 + np.tanh(0.5 * np.asarray(line)))


Transform = Identity | Log | Logit
