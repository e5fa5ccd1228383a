"""Observed order of accuracy from a ladder of step halvings against an exact solution."""

from __future__ import annotations

import numpy as np
from scipy.stats import linregress, t

from vvuq.record import Floats

ROUNDING = 1e-11  # relative: below this the error is arithmetic, not method


def pairwise_orders(steps: Floats, errors: Floats) -> Floats:
    """log(e_k / e_k+1) / log(h_k / h_k+1); not-a-number first, to stand beside the finer step."""
    out = np.full(len(steps), np.nan)
    out[1:] = np.log(errors[:-1] / errors[1:]) / np.log(steps[:-1] / steps[1:])
    return out


def asymptotic(errors: Floats, scale: float) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Which rungs lie above rounding and below a tenth of the solution's scale."""
    return (errors > ROUNDING * scale) & (errors < 0.1 * scale)


def fitted_order(steps: Floats, errors: Floats) -> tuple[float, float, float]:
    """Slope of log error on log step with its 95 % interval. Needs three rungs or more."""
    fit = linregress(np.log(steps), np.log(errors))
    half = float(t.ppf(0.975, len(steps) - 2)) * float(fit.stderr)
    return float(fit.slope), float(fit.slope) - half, float(fit.slope) + half
