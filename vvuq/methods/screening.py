"""Which inputs matter at all, by few runs or by a given sample: Morris, PAWN, Borgonovo's delta and RBD-FAST, by SALib.

SALib answers without a word where it should refuse: one output that is not a number makes it return zeros, a constant
output as well, and its generators of random numbers are the process's own. Each function here looks at the outputs
first, seeds SALib by the given stream, and leaves the process's random numbers and warnings as they were. Its
intervals for delta and RBD-FAST are bootstraps whose coverage nobody certified; decision 0029 says which to trust."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import stdtrit
from scipy.stats import qmc

from vvuq.errors import InputError, NotEvaluable
from vvuq.methods.jackknife import errors_of
from vvuq.methods.scrambles import centred, checked_outputs, refuse_failed
from vvuq.record import Floats

Function = Callable[[Floats], Floats]


@dataclass(frozen=True, eq=False, slots=True)
class Morris:
    """Mean, mean size and spread of elementary effects (d,), each a change of the output for one of the input in the
    unit cube; 95 % intervals of mean size and spread by Student's t of the jackknife over trajectories."""

    mu: Floats
    mu_star: Floats
    mu_star_low: Floats
    mu_star_high: Floats
    sigma: Floats
    sigma_low: Floats
    sigma_high: Floats
    runs: int


@dataclass(frozen=True, eq=False, slots=True)
class Pawn:
    """Kolmogorov-Smirnov distances (d,) between the output's distribution and that within slices of an input: median,
    mean and maximum over the slices. `unrelated`: the median for an input that the function does not have."""

    median: Floats
    mean: Floats
    maximum: Floats
    unrelated: float
    runs: int


@dataclass(frozen=True, eq=False, slots=True)
class Delta:
    """Borgonovo's delta (d,) with SALib's 95 % bootstrap intervals; `unrelated`: that of an input that the function
    does not have."""

    value: Floats
    low: Floats
    high: Floats
    unrelated: float
    runs: int


@dataclass(frozen=True, eq=False, slots=True)
class FirstOrder:
    """First-order Sobol' indices (d,) with SALib's 95 % bootstrap intervals."""

    value: Floats
    low: Floats
    high: Floats
    runs: int


def morris(function: Function, d: int, trajectories: int, rng: np.random.Generator, *, levels: int = 4) -> Morris:
    """Elementary effects of function(points (d, n)) -> (n,) along random trajectories, d + 1 runs each.

    The grid's levels are the middles of `levels` cells, so that no point lies on the border of the cube. Raises
    InputError, and NotEvaluable where a run fails or the output is constant. Sources: Morris, Technometrics 33 (1991)
    161; Campolongo, Cariboni & Saltelli, Environ Model Softw 22 (2007) 1509 (the mean of sizes)."""
    from SALib.sample.morris import sample

    if levels < 2 or levels % 2:
        raise InputError("Morris screening", "levels", levels, "an even number, from 2 on")
    if trajectories < 4:
        raise InputError("Morris screening", "trajectories", trajectories, "4 or more: the interval is by their spread")
    edge = 0.5 / levels
    problem = _problem(d, edge, 1.0 - edge)
    points = np.ascontiguousarray(sample(problem, trajectories, num_levels=levels, seed=_seed(rng)).T)
    y = _outputs("Morris screening", function, points)
    effects = _effects(points.reshape(d, trajectories, d + 1), y.reshape(trajectories, d + 1))
    n, mu = trajectories, effects.mean(axis=0)
    apart = effects - mu  # sums to 0, so that the others' mean is -apart / (n - 1)
    others = (apart**2).sum(axis=0) - apart**2 * n / (n - 1.0)
    without = np.sqrt(np.maximum(others, 0.0) / (n - 2.0))
    mu_star, sigma = np.abs(effects).mean(axis=0), effects.std(axis=0, ddof=1)
    star_half = float(stdtrit(n - 1, 0.975)) * np.abs(effects).std(axis=0, ddof=1) / np.sqrt(n)
    sigma_half = float(stdtrit(n - 1, 0.975)) * errors_of(without)
    low, high = np.maximum(sigma - sigma_half, 0.0), sigma + sigma_half
    return Morris(mu, mu_star, mu_star - star_half, mu_star + star_half, sigma, low, high, y.size)


def pawn(function: Function, d: int, n: int, rng: np.random.Generator, *, slices: int = 10) -> Pawn:
    """PAWN distances from n runs on a Latin hypercube.

    No interval: an input counts as found where it lies clearly above `unrelated`, which has the noise of so many runs
    and nothing else. Raises InputError and NotEvaluable. Source: Pianosi & Wagener, Environ Model Softw 108 (2018) 197.
    """
    from SALib.analyze import pawn as analyze

    if slices < 2 or n // slices < 8 or np.arange(0.0, 1.0 + 1.0 / slices, 1.0 / slices).max() > 1.0:
        remedy = f"from 2 on, {n} / 8 at most, and not among the few (6, 9, 21, ...) whose steps add up to more than 1"
        raise InputError("PAWN", "slices", slices, remedy)
    points = _sample("PAWN", d + 1, n, rng)
    y = _outputs("PAWN", function, points[:d])
    with _as_it_was():
        found = analyze.analyze(_problem(d + 1), points.T, y, S=slices, seed=_seed(rng))
    each = _finite("PAWN", *(np.asarray(found[key], dtype=float) for key in ("median", "mean", "maximum")))
    return Pawn(each[0][:d], each[1][:d], each[2][:d], float(each[0][d]), n)


def borgonovo(function: Function, d: int, n: int, rng: np.random.Generator, *, resamples: int = 100) -> Delta:
    """Borgonovo's delta: half the mean area between the output's density and that given an input; n runs on
    a Latin hypercube.

    SALib corrects the bias by the bootstrap; what is left makes the delta of an unrelated input positive. Raises
    InputError and NotEvaluable. Sources: Borgonovo, Reliab Eng Syst Saf 92 (2007) 771; Plischke, Borgonovo & Smith, Eur
    J Oper Res 226 (2013) 536."""
    from SALib.analyze import delta as analyze

    _checked("delta", resamples)
    points = _sample("delta", d + 1, n, rng)
    y = _outputs("delta", function, points[:d])
    with _as_it_was():
        found = analyze.analyze(_problem(d + 1), points.T, y, num_resamples=resamples, method="delta", seed=_seed(rng))
    key = "delta_raw" if "delta_raw" in found else "delta"  # its name before SALib 1.6
    value, half = _finite("delta", *(np.asarray(found[k], dtype=float) for k in (key, f"{key}_conf")))
    return Delta(value[:d], (value - half)[:d], (value + half)[:d], float(value[d]), n)


def rbd_fast(
    function: Function, d: int, n: int, rng: np.random.Generator, *, harmonics: int = 10, resamples: int = 100
) -> FirstOrder:
    """First-order Sobol' indices from n runs on a Latin hypercube, whatever d: the output's spectrum along each input.

    SALib's bootstrap draws half the runs, some of them twice: its intervals are wide. Raises InputError and
    NotEvaluable. Sources: Tarantola, Gatelli & Mara, Reliab Eng Syst Saf 91 (2006) 717; Plischke, Reliab Eng Syst Saf
    95 (2010) 354; Tissot & Prieur, Reliab Eng Syst Saf 107 (2012) 205 (bias)."""
    from SALib.analyze import rbd_fast as analyze

    _checked("RBD-FAST", resamples)
    if not 1 <= harmonics <= n // 16:
        raise InputError("RBD-FAST", "harmonics", harmonics, f"from 1 to {n // 16}, a sixteenth of the {n} runs")
    points = _sample("RBD-FAST", d, n, rng)
    y = _outputs("RBD-FAST", function, points)
    with _as_it_was():
        found = analyze.analyze(_problem(d), points.T, y, M=harmonics, num_resamples=resamples, seed=_seed(rng))
    value, half = _finite("RBD-FAST", *(np.asarray(found[k], dtype=float) for k in ("S1", "S1_conf")))
    return FirstOrder(value, value - half, value + half, n)


def _effects(points: Floats, y: Floats) -> Floats:
    """Elementary effects (trajectories, d): between successive points one input changes, each once."""
    steps, changes = np.diff(points, axis=2), np.diff(y, axis=1)
    which = np.abs(steps).argmax(axis=0)
    taken = np.take_along_axis(steps, which[None], axis=0)[0]
    effects = np.empty_like(changes)
    np.put_along_axis(effects, which, changes / taken, axis=1)
    return effects


def _problem(d: int, low: float = 0.0, high: float = 1.0) -> dict[str, Any]:
    return {"num_vars": d, "names": [f"x{i}" for i in range(d)], "bounds": [[low, high]] * d}


def _seed(rng: np.random.Generator) -> int:
    return int(rng.integers(1, 2**31))  # not 0, which SALib takes for none


def _sample(where: str, d: int, n: int, rng: np.random.Generator) -> Floats:
    """A Latin hypercube: the columns are paired at random, as these methods suppose; those of a net are not."""
    if d < 1 or n < 64:
        raise InputError(where, "d, n", (d, n), "an input or more, and 64 runs or more")
    return np.ascontiguousarray(qmc.LatinHypercube(d, rng=rng).random(n).T)


def _checked(where: str, resamples: int) -> None:
    if resamples < 2:
        raise InputError(where, "resamples", resamples, "2 or more: SALib fails without")


def _outputs(where: str, function: Function, points: Floats) -> Floats:
    """Outputs (n,) as they were given, once they are known to be finite and to vary."""
    found = checked_outputs(where, function(points), points.shape[1])
    if len(found) != 1:
        raise InputError(where, "outputs", len(found), "one output: screening takes a single quantity of interest")
    refuse_failed(found)
    centred(found, found)
    return found[0]


def _finite(where: str, *found: Floats) -> tuple[Floats, ...]:
    if not all(np.isfinite(part).all() for part in found):
        raise NotEvaluable(f"{where}: SALib finds no number for these outputs; too few of them differ")
    return found


@contextmanager
def _as_it_was() -> Iterator[None]:
    """SALib seeds numpy's own stream, and changes how warnings are shown: both are put back."""
    shown, state = warnings.formatwarning, np.random.get_state()  # noqa: NPY002 (it is SALib that uses it)
    try:
        with warnings.catch_warnings():
            yield
    finally:
        warnings.formatwarning = shown
        np.random.set_state(state)  # noqa: NPY002 (as above)
