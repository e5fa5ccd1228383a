"""Variance-based indices read off the coefficients of an expansion: exact for the expansion, in microseconds.

Each squared coefficient is the part of the variance of one set of inputs, those of its multi-index; chaospy's own
Sens_m and Sens_t find the same by conditional expectations of symbolic polynomials, in seconds.

Sources: Sudret, Reliab Eng Syst Saf 93 (2008) 964; Owen, SIAM/ASA J Uncertain Quantif 2 (2014) 245 (Shapley effects of
independent inputs: each part shared equally among its inputs)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from vvuq.errors import InputError, NotEvaluable
from vvuq.methods.chaos.basis import Integers
from vvuq.methods.chaos.expansion import Expansion
from vvuq.record import Floats


def first_order(found: Expansion) -> Floats:
    """Share of the variance by each input alone, (d,)."""
    return shares(found.terms, found.coefficients)[0]


def total_order(found: Expansion) -> Floats:
    """Share of the variance in which each input takes part, (d,)."""
    return shares(found.terms, found.coefficients)[1]


def second_order(found: Expansion) -> Floats:
    """Share of the variance by each pair of inputs beyond what each gives alone: symmetric (d, d), diagonal 0."""
    there, parts = _parts(found.terms, found.coefficients)
    pairs = there[there.sum(axis=1) == 2]
    out = (pairs.T * parts[there.sum(axis=1) == 2]) @ pairs.astype(float)
    np.fill_diagonal(out, 0.0)
    return np.asarray(out)


def shapley_effects(found: Expansion) -> Floats:
    """Shapley effects (d,): shares of the variance that sum to 1, interactions divided equally among their inputs."""
    there, parts = _parts(found.terms, found.coefficients)
    return np.asarray((parts / there.sum(axis=1)) @ there)


def interaction(found: Expansion, inputs: Sequence[str]) -> float:
    """Share of the variance by exactly these inputs together."""
    there, parts = _parts(found.terms, found.coefficients)
    return float(parts[np.all(there == _mask(found, inputs), axis=1)].sum())


def closed(found: Expansion, inputs: Sequence[str]) -> float:
    """Share of the variance by these inputs and all interactions among them: what knowing them all would explain."""
    there, parts = _parts(found.terms, found.coefficients)
    return float(parts[~np.any(there & ~_mask(found, inputs), axis=1)].sum())


def shares(terms: Integers, coefficients: Floats) -> tuple[Floats, Floats]:
    """First-order and total indices (d,) of coefficients (terms,) of multi-indices (terms, d), the constant first."""
    there, parts = _parts(terms, coefficients)
    alone = there.sum(axis=1) == 1
    return parts[alone] @ there[alone], parts @ there


def _parts(terms: Integers, coefficients: Floats) -> tuple[NDArray[np.bool_], Floats]:
    """Which inputs each term but the constant has, and its share of the variance."""
    squares = coefficients[1:] ** 2
    variance = float(squares.sum())
    if not variance > 0.0:
        raise NotEvaluable("the expansion is constant: it has no variance to share")
    return terms[1:] > 0, squares / variance


def _mask(found: Expansion, inputs: Sequence[str]) -> NDArray[np.bool_]:
    names = found.basis.names
    wrong = [name for name in inputs if name not in names]
    if isinstance(inputs, str) or wrong or len(set(inputs)) != len(inputs) or not inputs:
        raise InputError("Sobol' index", "inputs", inputs, f"give different names out of {', '.join(names)}")
    return np.isin(names, list(inputs))
