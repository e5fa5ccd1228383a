"""The compiled forms of vvuq.models.math: importing this module teaches numba what each of them means."""

# mypy: disable-error-code="no-untyped-def"
from __future__ import annotations

import math as real
from typing import Any

from numba.extending import overload

from vvuq.models import math
from vvuq.numerics import elementary
from vvuq.numerics.vectors import PLAIN, Wide, choose

_choose: Any = choose


def _elementary(name: str) -> None:
    real_function = getattr(real, name)
    own_function = getattr(elementary, name, real_function)

    @overload(getattr(math, name), jit_options={"error_model": "numpy", "forceinline": True})
    def choose(x):
        function = own_function if isinstance(x, (*PLAIN, Wide)) else real_function
        return lambda x: function(x)  # noqa: PLW0108 (numba wants the argument's own name)


for _name in ("exp", "log", "sqrt", "tanh"):
    _elementary(_name)


@overload(math.pow)
def _pow(x, y):
    return lambda x, y: x**y


@overload(math.where)
def _where(positive, a, b):
    if isinstance(positive, Wide):
        return lambda positive, a, b: _choose(positive, a, b)  # noqa: PLW0108 (as above)
    return lambda positive, a, b: a + 0.0 if positive > 0.0 else b + 0.0


@overload(math.minimum)
def _minimum(a, b):
    return lambda a, b: math.where(b - a, a, b)


@overload(math.maximum)
def _maximum(a, b):
    return lambda a, b: math.where(a - b, a, b)
