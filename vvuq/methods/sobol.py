"""Sobol' indices with SALib, on independent scrambles: each scramble gives one estimate, the spread between scrambles
the interval. SALib's own bootstrap treats the rows of a scrambled net as independent, and its intervals do not cover.

Sources: Saltelli et al., Comput Phys Commun 181 (2010) 259; Owen, J Complexity 14 (1998) 466 (scrambling)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.stats import t

from vvuq.errors import NotEvaluable
from vvuq.record import Floats


@dataclass(frozen=True, slots=True)
class Indices:
    """First-order and total indices (d,) with 95 % half-widths (d,), and how many runs they took."""

    first: Floats
    first_half: Floats
    total: Floats
    total_half: Floats
    runs: int


def sobol_indices(
    function: Callable[[Floats], Floats], d: int, base: int, scrambles: int, rng: np.random.Generator
) -> Indices:
    """Indices of function(points (d, n) in the unit cube) -> (n,), from `scrambles` nets of `base` (a power of 2) rows.

    Raises NotEvaluable where a run fails: an index over the runs that worked would be another question's answer."""
    from SALib.analyze import sobol as analyze
    from SALib.sample import sobol as sample

    problem = {"num_vars": d, "names": [f"x{i}" for i in range(d)], "bounds": [[0.0, 1.0]] * d}
    first, total, runs = [], [], 0
    for seed in rng.integers(1, 2**31, size=scrambles):
        points = sample.sample(problem, base, calc_second_order=False, seed=int(seed))
        values = function(np.ascontiguousarray(np.clip(points, 1e-12, 1.0 - 1e-12).T))
        if not np.all(np.isfinite(values)):
            raise NotEvaluable(f"{int((~np.isfinite(values)).sum())} of {values.size} model runs failed")
        found = analyze.analyze(problem, values, calc_second_order=False, num_resamples=2, seed=int(seed))
        first.append(found["S1"])
        total.append(found["ST"])
        runs += values.size
    width = float(t.ppf(0.975, scrambles - 1)) / np.sqrt(scrambles)
    f, s = np.array(first), np.array(total)
    return Indices(f.mean(0), width * f.std(0, ddof=1), s.mean(0), width * s.std(0, ddof=1), runs)
