"""The functions a model's equations may use. Each works on floats, complex numbers, sympy symbols and unit-carrying
values, and has compiled forms (of numbers, of several at once, of numbers with slopes), so that one text serves
simulation, exact derivatives, typesetting and unit checks.

`where(positive, a, b)` is a where positive > 0, else b. In complex arithmetic it chooses by the real part, and at a
real part of exactly 0 it refuses: a derivative does not exist at a kink."""

from __future__ import annotations

import cmath
import math
from typing import Any

__all__ = ["exp", "log", "maximum", "minimum", "pow", "sqrt", "tanh", "where"]


class KinkError(ArithmeticError):
    """A complex-step derivative was asked for exactly at a kink of the model."""


def _elementary(name: str, x: Any) -> Any:
    if isinstance(x, int | float):
        return _real(name, float(x))
    if isinstance(x, complex):
        return getattr(cmath, name)(x)
    own = getattr(x, "model_function", None)
    if own is not None:
        return own(name)
    import sympy

    if isinstance(x, sympy.Basic):
        return getattr(sympy, name)(x)
    import numpy as np

    return getattr(np, name)(x)


def _real(name: str, x: float) -> float:
    """As compiled code computes it: infinite or not-a-number instead of a Python exception."""
    try:
        return float(getattr(math, name)(x))
    except OverflowError:
        return math.inf
    except ValueError:
        return -math.inf if name == "log" and x == 0.0 else math.nan


def exp(x: Any) -> Any:
    """e to the power x; x dimensionless."""
    return _elementary("exp", x)


def log(x: Any) -> Any:
    """Natural logarithm of x; x dimensionless."""
    return _elementary("log", x)


def sqrt(x: Any) -> Any:
    """Square root of x."""
    return _elementary("sqrt", x)


def tanh(x: Any) -> Any:
    """Hyperbolic tangent of x; x dimensionless."""
    return _elementary("tanh", x)


def pow(x: Any, y: Any) -> Any:
    """x to the power y; y dimensionless, and a plain number where x carries a unit."""
    return x**y


def where(positive: Any, a: Any, b: Any) -> Any:
    """a where positive > 0, else b; a and b of one unit."""
    if isinstance(positive, complex):
        if positive.real == 0.0:
            raise KinkError("where() at exactly 0: the derivative does not exist there")
        return a if positive.real > 0.0 else b
    own = getattr(positive, "model_where", None)
    if own is not None:
        return own(a, b)
    if isinstance(positive, int | float):
        return a if positive > 0.0 else b
    import sympy

    return sympy.Piecewise((a, positive > 0), (b, True))


def minimum(a: Any, b: Any) -> Any:
    """The smaller of a and b; of one unit."""
    return where(b - a, a, b)


def maximum(a: Any, b: Any) -> Any:
    """The larger of a and b; of one unit."""
    return where(a - b, a, b)
