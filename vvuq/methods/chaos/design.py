"""Where to run a model before an expansion is fitted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import chaospy
import numpy as np
from scipy.stats import qmc

from vvuq.errors import InputError
from vvuq.methods.chaos.basis import basis_of
from vvuq.record import Floats

Kind = Literal["latin", "sobol", "random"]


def design(germs: Sequence[chaospy.Distribution], n: int, rng: np.random.Generator, kind: Kind = "latin") -> Floats:
    """n points (d, n) of independent germs: a Latin hypercube, a scrambled Sobol' net, or plain random points."""
    if n < 1:
        raise InputError("polynomial chaos", "n", n, "give at least 1 point")
    d, low = len(basis_of(germs, 1).germs), np.finfo(float).eps
    if kind == "latin":
        cube = qmc.LatinHypercube(d, rng=rng).random(n)
    elif kind == "sobol":
        cube = qmc.Sobol(d, rng=rng).random_base2((n - 1).bit_length())[:n]
    elif kind == "random":
        cube = rng.random((n, d))
    else:
        raise InputError("polynomial chaos", "kind", kind, "give latin, sobol or random")
    cube = np.clip(cube, low, 1.0 - low)
    return np.array([np.asarray(g.inv(u)).ravel() for g, u in zip(germs, cube.T, strict=True)])
