"""Uncertain inputs with their status, source and dependence, and the way from a unit cube, or from germs, to values.

Each input says what its spread is: aleatory (it varies, and would vary if everything were known), epistemic (one value,
not known), or both. Dependence is a Gaussian copula: standard normal germs z, correlated as L z, give shares Phi(L z)
and values by each marginal's quantile function. Of correlated inputs a unit cube drives the germs, not the inputs.

Sources: Nelsen, An Introduction to Copulas (2006), 2.9; Lebrun & Dutfoy, Prob Eng Mech 24 (2009) 172 (Nataf as a
Gaussian copula); Der Kiureghian & Ditlevsen, Structural Safety 31 (2009) 105 (aleatory or epistemic)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from scipy import stats
from scipy.special import ndtr, ndtri

from vvuq.errors import InputError, near
from vvuq.record import Floats

Status = Literal["aleatory", "epistemic", "both"]
STATUSES: tuple[Status, ...] = ("aleatory", "epistemic", "both")
EDGE = 1e-12  # how near to 0 or 1 a share may come: its germ stays finite


def _triangular(low: float, mode: float, high: float) -> Any:
    return stats.triang((mode - low) / (high - low), loc=low, scale=high - low)


def _truncated(mean: float, sd: float, low: float, high: float) -> Any:
    return stats.truncnorm((low - mean) / sd, (high - mean) / sd, loc=mean, scale=sd)


# Each family: what it takes, in words for a message, and its scipy distribution.
FAMILIES: Mapping[str, tuple[tuple[str, ...], Callable[..., Any]]] = {
    "normal": (("mean", "sd"), lambda mean, sd: stats.norm(loc=mean, scale=sd)),
    "lognormal": (("median", "sd_log"), lambda median, sd_log: stats.lognorm(sd_log, scale=median)),
    "uniform": (("low", "high"), lambda low, high: stats.uniform(low, high - low)),
    "triangular": (("low", "mode", "high"), _triangular),
    "beta": (("a", "b", "low", "high"), lambda a, b, low, high: stats.beta(a, b, loc=low, scale=high - low)),
    "gamma": (("mean", "cv"), lambda mean, cv: stats.gamma(cv**-2, scale=mean * cv**2)),
    "student_t": (("mean", "scale", "dof"), lambda mean, scale, dof: stats.t(dof, loc=mean, scale=scale)),
    "truncated_normal": (("mean", "sd", "low", "high"), _truncated),
}


@dataclass(frozen=True, eq=False)
class Marginal:
    """The distribution of one input: a family of FAMILIES with its numbers, less a share `trim` in either tail.

    sample: values in ascending order in place of a family, "empirical": its quantiles are interpolated.
    Raises InputError for an unknown family, a missing or unknown number, and what gives no distribution."""

    family: str
    numbers: tuple[tuple[str, float], ...] = ()
    trim: float = 0.0
    sample: Floats | None = None

    def __post_init__(self) -> None:
        if not 0.0 <= self.trim < 0.5:
            raise InputError("input", "trim", self.trim, "a share from 0 to below 0.5")
        if self.family == "empirical":
            self._check_sample()
            return
        if self.family not in FAMILIES:
            raise InputError("input", "distribution", self.family, f"a family{near(self.family, FAMILIES)}")
        takes, given = FAMILIES[self.family][0], dict(self.numbers)
        if set(given) != set(takes):
            raise InputError("input", f"distribution.{self.family}", sorted(given), f"exactly {', '.join(takes)}")
        with np.errstate(all="ignore"):  # of numbers that cannot be, which is told below
            low, middle, high = (self._distribution.ppf(share) for share in (0.25, 0.5, 0.75))
        if not (np.all(np.isfinite(list(given.values()))) and low <= middle <= high and low < high):
            raise InputError("input", f"distribution.{self.family}", given, "finite numbers that give a spread above 0")

    def _check_sample(self) -> None:
        values = np.asarray(self.sample, dtype=float)
        fine = values.ndim == 1 and values.size > 1 and np.all(np.isfinite(values)) and np.all(np.diff(values) >= 0.0)
        if not fine or values[0] == values[-1]:
            remedy = "two or more finite values in ascending order, not all the same"
            raise InputError("input", "distribution.empirical", values.shape, remedy)

    @cached_property
    def _distribution(self) -> Any:
        return FAMILIES[self.family][1](**dict(self.numbers))

    def quantile(self, shares: Floats) -> Floats:
        """The values below which `shares` of the (trimmed) distribution lie."""
        kept = self.trim + (1.0 - 2.0 * self.trim) * np.asarray(shares, dtype=float)
        given = dict(self.numbers)
        if self.family == "lognormal":  # as scipy's, which takes ten times as long
            return np.asarray(given["median"] * np.exp(given["sd_log"] * ndtri(kept)))
        if self.family == "normal":
            return np.asarray(given["mean"] + given["sd"] * ndtri(kept))
        if self.sample is not None:
            return np.quantile(self.sample, kept)
        return np.asarray(self._distribution.ppf(kept))

    @property
    def told(self) -> str:
        """The distribution in words for a table."""
        of = "" if self.sample is None else f" of {self.sample.size} values"
        said = ", ".join(f"{name} {value:.4g}" for name, value in self.numbers)
        cut = f", the outer {100.0 * self.trim:g} % of either tail left out" if self.trim else ""
        return f"{self.family}{of}{': ' if said else ''}{said}{cut}"


@dataclass(frozen=True, slots=True)
class Input:
    """One uncertain input. n: how many independent units (patients, measurements) are behind its distribution."""

    name: str
    unit: str
    marginal: Marginal
    status: Status
    source: str
    n: int | None = None


@dataclass(frozen=True, eq=False)
class Inputs:
    """Uncertain inputs with their dependence. correlation (d, d): of the germs of a Gaussian copula; None: independent.
    why: the reason for independence, or where the correlation comes from.

    Raises InputError for a name or status that cannot be, no reason, or what is not a correlation matrix."""

    items: tuple[Input, ...]
    why: str
    correlation: Floats | None = None

    def __post_init__(self) -> None:
        names = self.names
        for one in self.items:
            if names.count(one.name) > 1:
                raise InputError("inputs", "name", one.name, "a name that occurs once")
            if one.status not in STATUSES:
                raise InputError("inputs", f"status of {one.name}", one.status, ", ".join(STATUSES))
            if not one.source.strip():
                raise InputError("inputs", f"source of {one.name}", one.source, "where its distribution comes from")
        if not names:
            raise InputError("inputs", "inputs", (), "one uncertain input or more")
        if len(names) > 1 and not self.why.strip():
            raise InputError("inputs", "why", self.why, "why the inputs are independent, or how they depend")
        if self.correlation is not None:
            _check(np.asarray(self.correlation, dtype=float), len(names))

    @property
    def names(self) -> tuple[str, ...]:
        """In the order of rows."""
        return tuple(one.name for one in self.items)

    @property
    def independent(self) -> bool:
        """True without a copula, or where it correlates nothing."""
        return self.correlation is None or bool(np.all(self.correlation == np.eye(len(self.items))))

    @cached_property
    def _lower(self) -> Floats:
        return np.linalg.cholesky(np.asarray(self.correlation, dtype=float))

    def from_cube(self, points: Floats) -> Floats:
        """Values (d, n) of points (d, n) in the unit cube."""
        shares = np.clip(points, EDGE, 1.0 - EDGE)
        if not self.independent:
            shares = np.clip(ndtr(self._lower @ ndtri(shares)), EDGE, 1.0 - EDGE)
        return self._values(shares)

    def from_germs(self, germs: Floats) -> Floats:
        """Values (d, n) of germs (d, n): uniform on [-1, 1] for independent inputs of a bounded family, else standard
        normal, as `normal_germs` tells."""
        if not self.independent:
            return self._values(np.clip(ndtr(self._lower @ germs), EDGE, 1.0 - EDGE))
        normal = np.array(self.normal_germs)[:, None]
        return self._values(np.clip(np.where(normal, ndtr(germs), 0.5 + 0.5 * germs), EDGE, 1.0 - EDGE))

    @property
    def normal_germs(self) -> tuple[bool, ...]:
        """For each input whether its germ is standard normal; else it is uniform on [-1, 1]."""
        flat = ("uniform", "triangular", "beta", "truncated_normal", "empirical")
        return tuple(not self.independent or one.marginal.family not in flat for one in self.items)

    def _values(self, shares: Floats) -> Floats:
        return np.array([one.marginal.quantile(row) for one, row in zip(self.items, shares, strict=True)])

    def of_status(self, *statuses: Status) -> tuple[int, ...]:
        """The rows of the inputs with one of these statuses."""
        return tuple(i for i, one in enumerate(self.items) if one.status in statuses)


def from_sample(items: Sequence[tuple[str, str, Status, str]], rows: Floats, why: str, n: int | None = None) -> Inputs:
    """Inputs from joint samples (d, m), as a filter's members or a posterior: empirical marginals, and the Gaussian
    copula of their normal scores. items: name, unit, status and source of each row.

    What a Gaussian copula does not carry of a sample's dependence is lost; a sample can be propagated itself."""
    ordered = np.sort(np.asarray(rows, dtype=float), axis=1)
    ranks = stats.rankdata(rows, axis=1) / (ordered.shape[1] + 1.0)
    correlation = np.atleast_2d(np.corrcoef(ndtri(ranks)))
    made = tuple(
        Input(name, unit, Marginal("empirical", sample=row), status, source, n)
        for (name, unit, status, source), row in zip(items, ordered, strict=True)
    )
    return Inputs(made, why, correlation)


def _check(matrix: Floats, d: int) -> None:
    remedy = f"a {d} by {d} correlation matrix: symmetric, 1 on the diagonal, positive definite"
    if matrix.shape != (d, d) or not np.all(np.isfinite(matrix)):
        raise InputError("inputs", "correlation", matrix.shape, remedy)
    if not (np.allclose(matrix, matrix.T) and np.allclose(np.diag(matrix), 1.0)):
        raise InputError("inputs", "correlation", matrix.tolist(), remedy)
    least = float(np.linalg.eigvalsh(matrix)[0])
    if not least > 1e-10:
        raise InputError("inputs", "correlation", f"least eigenvalue {least:.3g}", remedy)
