"""Sparse expansions: terms are chosen by cross-validation, and the error is that of folds left out of the choice.

Every candidate is a set of terms (degree, hyperbolic norm), a rule of the order in which they enter, and a length. All
are scanned. Paths leave out no fold, each one, and each pair: the model chosen without fold j by errors on the other
folds i of paths without i and j is judged on fold j, so that the error counts the whole selection, and each pair of
folds serves twice. Points alone do not see what an expansion does between them; its distance over the germs from those
that lack a fold, exact from the coefficients, does.

Sources: Blatman & Sudret, J Comput Phys 230 (2011) 2345; Varma & Simon, BMC Bioinformatics 7 (2006) 91 (nested
cross-validation)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import chaospy
import numpy as np
from scipy.stats import t

from vvuq.errors import InputError, NotEvaluable
from vvuq.methods.chaos.basis import Basis, Integers, basis_of, few_indices, products, tables
from vvuq.methods.chaos.expansion import Error, Expansion, checked_points
from vvuq.methods.chaos.paths import ROUNDING, Paths, Rule, walk
from vvuq.record import Floats

_WHERE = "polynomial chaos"


@dataclass(frozen=True, slots=True)
class Search:
    """What is scanned: degrees x norms (sets of more than `most_terms` are left out) x rules x lengths.

    share: the most terms, as a share of the points; at 1 an expansion would interpolate, and is refused."""

    degrees: tuple[int, ...] = (1, 2, 3, 4, 5, 6, 8, 10, 12, 14, 16, 18, 20)
    norms: tuple[float, ...] = (0.4, 0.5, 0.6, 0.75, 0.85, 1.0)
    rules: tuple[Rule, ...] = ("ols",)
    folds: int = 5
    share: float = 0.5
    most_terms: int = 2000

    def __post_init__(self) -> None:
        if not 0.0 < self.share <= 0.8:
            remedy = "give more than 0 and at most 0.8: with as many terms as points an expansion interpolates"
            raise InputError(_WHERE, "share", self.share, remedy)
        if self.folds < 3:
            raise InputError(_WHERE, "folds", self.folds, "give at least 3: one judges, one chooses, the rest fit")
        if not self.degrees or min(self.degrees) < 1 or not self.norms or not self.rules:
            scanned = (self.degrees, self.norms, self.rules)
            raise InputError(_WHERE, "degrees, norms, rules", scanned, "give at least one of each, degrees from 1")


@dataclass(frozen=True, slots=True)
class _Candidate:
    degree: int
    norm: float
    rule: Rule
    terms: Integers
    paths: Paths


def fit(
    germs: Sequence[chaospy.Distribution], points: Floats, values: Floats, rng: np.random.Generator, *,
    search: Search = Search(), fresh: tuple[Floats, Floats] | None = None, names: Sequence[str] = (),
) -> Expansion:  # fmt: skip
    """The sparse expansion of values (n,) at points (d, n) of independent germs; `rng` draws the folds.

    fresh: points (d, m) and values (m,) that the fit does not see, drawn from the germs; m at least 10.
    Raises NotEvaluable for failed runs and a constant output, InputError for shapes and too few points."""
    basis = basis_of(germs, max(search.degrees), names)
    points, values = checked(basis, points, values)
    groups = _groups(points, rng, search.folds)
    return _fit(basis, points, values, groups, search, checked_fresh(basis, fresh))


def fit_outputs(
    germs: Sequence[chaospy.Distribution], points: Floats, values: Floats, rng: np.random.Generator, *,
    search: Search = Search(), names: Sequence[str] = (),
) -> tuple[Expansion, ...]:  # fmt: skip
    """An expansion for each row of values (outputs, n), on the same points and folds."""
    basis, values = basis_of(germs, max(search.degrees), names), np.atleast_2d(np.asarray(values, dtype=float))
    rows = [checked(basis, points, row) for row in values]
    groups = _groups(rows[0][0], rng, search.folds)
    return tuple(_fit(basis, x, y, groups, search, None) for x, y in rows)


def checked(basis: Basis, points: Floats, values: Floats) -> tuple[Floats, Floats]:
    """Points (d, n) and values (n,) that an expansion can be fitted to."""
    points, values, d = checked_points(basis, points), np.asarray(values, dtype=float), len(basis.germs)
    if values.shape != points.shape[1:]:
        raise InputError(_WHERE, "values", values.shape, f"give {points.shape[1]} numbers, one for each point")
    _all_ran(values)
    least, distinct = 4 * (d + 1), len(np.unique(points, axis=1).T)
    if distinct < least:
        remedy = f"give at least {least} different points of {d} inputs: a linear fit would rest on fewer than it needs"
        raise InputError(_WHERE, "points", f"{distinct} different points", remedy)
    for germ, x in zip(basis.germs, points, strict=True):
        low, high = germ.bounds
        if x.min() < low or x.max() > high:
            worst = float(x.min() if x.min() < low else x.max())
            raise InputError(
                _WHERE, f"points, {germ.name}", worst, f"stay in [{low:g}, {high:g}], where the germ lives"
            )
    if not np.ptp(values) > 1e-13 * np.abs(values).max():
        raise NotEvaluable(f"the output is constant ({values[0]:.6g}) at all {values.size} points: nothing to expand")
    return points, values


def checked_fresh(basis: Basis, fresh: tuple[Floats, Floats] | None) -> tuple[Floats, Floats] | None:
    """A validation sample that can be used: points (d, m), values (m,), m at least 10."""
    if fresh is None:
        return None
    points, values = checked_points(basis, fresh[0], "fresh points"), np.asarray(fresh[1], dtype=float)
    if values.shape != points.shape[1:] or values.size < 10:
        raise InputError(_WHERE, "fresh values", values.shape, f"give a number for each of {points.shape[1]} >= 10")
    _all_ran(values)
    return points, values


def _all_ran(values: Floats) -> None:
    failed = int((~np.isfinite(values)).sum())
    if failed:
        raise NotEvaluable(f"{failed} of {values.size} model runs failed")


def _groups(points: Floats, rng: np.random.Generator, folds: int) -> Floats:
    """Fold of each row as indicators (n, folds): equal points stay together, or a fold would know its answers."""
    _, same = np.unique(points, axis=1, return_inverse=True)
    same = np.asarray(same).ravel()
    fold = rng.permutation(same.max() + 1) % folds
    return np.asarray(np.eye(folds)[fold[same]])


def scan(
    basis: Basis, points: Floats, values: Floats, weights: Floats, groups: Floats, search: Search,
    couples: Sequence[tuple[int, int]],
) -> list[_Candidate]:  # fmt: skip
    """The paths of all candidates along subsets of weights (subsets, n), and how far apart couples of subsets are."""
    polynomials, found = tables(basis, points), []
    most = max(1, int(search.share * np.count_nonzero(weights[0])))
    for degree, norm, terms in _sets(len(basis.germs), search):
        columns = products(polynomials, terms[1:])
        for rule in search.rules:
            steps = min(most, len(columns))
            paths = walk(columns, values, weights, groups, steps, rule, couples)
            found.append(_Candidate(degree, norm, rule, terms, paths))
    return found


def _sets(d: int, search: Search) -> list[tuple[int, float, Integers]]:
    """Different sets of terms, the smaller first."""
    found: dict[bytes, tuple[int, float, Integers]] = {}
    for degree in search.degrees:
        for norm in search.norms:
            terms = few_indices(d, degree, norm, search.most_terms)
            if terms is not None:
                found.setdefault(terms.tobytes(), (degree, norm, terms))
    if not found:
        remedy = f"give at least {d + 1}, the terms of a linear expansion, or lower degrees"
        raise InputError(_WHERE, "most_terms", search.most_terms, remedy)
    return sorted(found.values(), key=lambda one: len(one[2]))


@dataclass(frozen=True, slots=True)
class _Folds:
    """Subsets of the rows by number: 0 has all, then those without one fold, then those without two.

    couples: each subset with those that lack one fold more."""

    count: int
    left_out: Floats
    without: dict[frozenset[int], int]
    couples: tuple[tuple[int, int], ...]


def _subsets(folds: int, pairs: bool) -> _Folds:
    sets = [frozenset[int](), *(frozenset((j,)) for j in range(folds))]
    sets += [frozenset(pair) for pair in combinations(range(folds), 2)] if pairs else []
    without = {one: number for number, one in enumerate(sets)}
    couples = tuple(
        (without[a], without[a | {i}]) for a in sets for i in range(folds) if i not in a and a | {i} in without
    )
    return _Folds(folds, np.array([[float(k in one) for k in range(folds)] for one in sets]), without, couples)


def _choose(
    candidates: list[_Candidate], of: _Folds, out: frozenset[int], sizes: Floats, floor: float
) -> tuple[int, int]:
    """Candidate and length for the rows outside the folds `out`, from those rows alone: the least sum of the mean
    squared error on each further fold, left out too, and of the squared distance over the germs to the fit without it.

    The distance sees what no point does: that a fit differs from its like between the points."""
    others = [i for i in range(of.count) if i not in out]
    subsets = [of.without[out | {i}] for i in others]
    couples = [of.couples.index((of.without[out], s)) for s in subsets]
    curves = []
    for c in candidates:
        errors = c.paths.squares[:, subsets, others].sum(axis=1) / sizes[others].sum()
        curves.append(errors + c.paths.apart[:, couples].mean(axis=1))
    return _best(_padded(curves), floor)


def _fit(
    basis: Basis, points: Floats, values: Floats, groups: Floats, search: Search,
    fresh: tuple[Floats, Floats] | None,
) -> Expansion:  # fmt: skip
    of, sizes, n = _subsets(search.folds, True), groups.sum(axis=0), values.size
    candidates = scan(basis, points, values, (1.0 - of.left_out) @ groups.T, groups, search, of.couples)
    spread, floor = float(values.var(ddof=1)), ROUNDING * float(np.mean(values**2))
    which, length = _choose(candidates, of, frozenset(), sizes, floor)
    chosen, ones = candidates[which], np.ones(n)
    terms, coefficients = _solve(basis, points, values, ones, chosen, length, 0)
    outer, apart = np.empty(of.count), np.empty(of.count)
    for j in range(of.count):
        other, steps = _choose(candidates, of, frozenset((j,)), sizes, floor)
        outer[j] = candidates[other].paths.squares[steps, 1 + j, j] / sizes[j]
        rival = _solve(basis, points, values, ones - groups[:, j], candidates[other], steps, 1 + j)
        apart[j] = _distance(terms, coefficients, *rival)
    errors = [max(float(sizes @ outer) / n, floor), max(float(apart.mean()), floor)]
    bounds = [e + float(t.ppf(0.95, of.count - 1)) * float(v.std(ddof=1)) / of.count**0.5
              for e, v in zip(errors, (outer, apart), strict=True)]  # fmt: skip
    selected = float(sum(chosen.paths.squares[length, 1 + j, j] for j in range(of.count))) / n
    alone = float(chosen.paths.leave_one_out[length]) / n
    error = Error(max(errors) / spread, max(bounds) / spread, errors[0] / spread, errors[1] / spread, None,
                  selected / spread, alone / spread)  # fmt: skip
    words = f"degree {chosen.degree}, norm {chosen.norm:g}, {chosen.rule}, {len(terms)} terms of {len(chosen.terms)}"
    domain = np.array([points.min(axis=1), points.max(axis=1)]).T
    found = Expansion(basis, terms, coefficients, error, domain, n, words)
    return found if fresh is None else validated(found, *fresh, spread)


def reselected(
    basis: Basis, points: Floats, values: Floats, counts: Floats, search: Search, rng: np.random.Generator
) -> tuple[Integers, Floats]:
    """Terms and coefficients selected by plain cross-validation where point k counts counts[k] times."""
    of, groups = _subsets(search.folds, False), _groups(points, rng, search.folds)
    weights, groups = (1.0 - of.left_out) @ groups.T * counts, groups * counts[:, None]
    candidates = scan(basis, points, values, weights, groups, search, of.couples)
    floor = ROUNDING * float(np.average(values**2, weights=counts))
    which, length = _choose(candidates, of, frozenset(), groups.sum(axis=0), floor)
    return _solve(basis, points, values, counts, candidates[which], length, 0)


def _distance(terms: Integers, coefficients: Floats, others: Integers, those: Floats) -> float:
    """The squared distance over the germs of two expansions in one orthonormal basis."""
    sums = dict(zip(map(tuple, terms), coefficients, strict=True))
    for term, c in zip(map(tuple, others), those, strict=True):
        sums[term] = sums.get(term, 0.0) - c
    return float(sum(c**2 for c in sums.values()))


def validated(found: Expansion, points: Floats, values: Floats, spread: float) -> Expansion:
    """The expansion with its error on a validation sample counted in, relative to the variance `spread`."""
    squares = (found.predict(points) - values) ** 2 / spread
    m, mean = squares.size, float(squares.mean())
    bound = mean + float(t.ppf(0.95, m - 1)) * float(squares.std(ddof=1)) / np.sqrt(m)
    old = found.error
    error = replace(old, reported=max(old.reported, mean), upper=max(old.upper, bound), fresh=mean)
    return replace(found, error=error, runs=found.runs + m)


def _padded(curves: list[Floats]) -> Floats:
    """Curves of different lengths as rows, infinite beyond their ends."""
    longest = max(c.size for c in curves)
    return np.array([np.concatenate([c, np.full(longest - c.size, np.inf)]) for c in curves])


def _best(errors: Floats, floor: float) -> tuple[int, int]:
    """Candidate and length of the least error; of those at the rounding floor the first, which is the simplest."""
    which, length = np.unravel_index(np.argmin(np.maximum(errors, floor)), errors.shape)
    return int(which), int(length)


def _solve(
    basis: Basis, points: Floats, values: Floats, weights: Floats, chosen: _Candidate, length: int, subset: int
) -> tuple[Integers, Floats]:
    """Weighted least squares on the first terms of a subset's path, the constant first."""
    order, used = chosen.paths.order[:length, subset], weights > 0.0
    terms = chosen.terms[np.concatenate([[0], 1 + order[order >= 0]])]
    columns, roots = products(tables(basis, points[:, used]), terms), np.sqrt(weights[used])
    return terms, np.asarray(np.linalg.lstsq((columns * roots).T, values[used] * roots, rcond=None)[0], dtype=float)
