"""Functions with the germs of their inputs: what expansions are judged by."""

from __future__ import annotations

import chaospy
import numpy as np
from known_functions import ISHIGAMI
from known_functions import g_function as weighted

_WEIGHTS = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 500.0)
_RANGES = ((63070, 115600), (990, 1110), (63.1, 116), (700, 820), (1120, 1680), (9855, 12045))
G = weighted(_WEIGHTS)
GERMS = {
    "ishigami": [chaospy.Uniform(-np.pi, np.pi)] * 3,
    "borehole": [
        chaospy.Normal(0.10, 0.0161812),
        chaospy.LogNormal(7.71, 1.0056),
        *(chaospy.Uniform(*ends) for ends in _RANGES),
    ],
    "g": [chaospy.Uniform(0.0, 1.0)] * 8,
}


def ishigami(x):
    return ISHIGAMI.function((x + np.pi) / (2.0 * np.pi))


def borehole(x):
    """Flow of water through a borehole (Harper & Gupta 1983)."""
    rw, r, tu, hu, tl, hl, length, k = x
    log = np.log(r / rw)
    return 2.0 * np.pi * tu * (hu - hl) / (log * (1.0 + 2.0 * length * tu / (log * rw**2 * k) + tu / tl))


def g_function(x):
    """The G-function of the first inputs."""
    return weighted(_WEIGHTS[: len(x)]).function(x)


FUNCTIONS = {"ishigami": ishigami, "borehole": borehole, "g": g_function}
INDICES = {"ishigami": (ISHIGAMI.first, ISHIGAMI.total), "g": (G.first, G.total)}


def relative_error(expansion, points, values):
    """Mean squared error over the variance."""
    return float(np.mean((expansion.predict(points) - values) ** 2) / np.var(values))
