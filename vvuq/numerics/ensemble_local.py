"""The local ensemble transform: each row of a state is conditioned on the observables near it, by a small eigenproblem.

A row needs two functions of one symmetric matrix, each applied to one vector (symmetric.py).
Source: Hunt, Kostelich & Szunyogh, Physica D 230 (2007) 112."""

from __future__ import annotations

from math import sqrt

import numpy as np

from vvuq.numerics.jit import I8, INDICES, MATRIX, VECTOR, njit, types
from vvuq.numerics.lanes import dot
from vvuq.numerics.symmetric import diagonalize, tridiagonalize, undo

_OK, _SINGULAR = 0, 4


@njit(I8(I8, I8, INDICES, VECTOR, INDICES, INDICES, VECTOR), error_model="numpy", cache=True, nogil=True)
def _gather(first, last, index, weight, place, near, root):
    """Where the measured ones of some entries stand, and the roots of their weights; how many there are."""
    count = 0
    for e in range(first, last):
        if place[index[e]] >= 0:
            near[count], root[count] = place[index[e]], sqrt(weight[e])
            count += 1
    return count


@njit(
    types.void(I8, MATRIX, MATRIX, VECTOR, INDICES, VECTOR, VECTOR, MATRIX, MATRIX),
    error_model="numpy",
    cache=True,
    nogil=True,
)
def _few(n, observed, products, innovation, near, root, state, a, carried):
    """The problem of a row in the space of its n observables: a = Y Y', carried = (Y state, innovation)."""
    for i in range(n):
        y = observed[near[i]]
        carried[0, i], carried[1, i] = root[i] * dot(y, state), root[i] * innovation[near[i]]
        for j in range(i + 1):
            product = products[near[i], near[j]] if products.size else dot(y, observed[near[j]])
            a[i, j] = a[j, i] = root[i] * root[j] * product


@njit(
    types.void(I8, MATRIX, VECTOR, INDICES, VECTOR, VECTOR, MATRIX, MATRIX), error_model="numpy", cache=True, nogil=True
)
def _many(count, observed, innovation, near, root, state, a, carried):
    """The problem of a row in the space of the members: a = Y'Y, carried = (state, Y' innovation)."""
    n = state.size
    for i in range(n):
        carried[0, i], carried[1, i] = state[i], 0.0
        for j in range(n):
            a[i, j] = 0.0
    for k in range(count):
        y, weight = observed[near[k]], root[k] * root[k]
        for i in range(n):
            share = weight * y[i]
            carried[1, i] += share * innovation[near[k]]
            for j in range(n):
                a[i, j] += share * y[j]


@njit(
    I8(MATRIX, VECTOR, MATRIX, MATRIX, VECTOR, INDICES, INDICES, INDICES, VECTOR, INDICES),
    error_model="numpy",
    cache=True,
    nogil=True,
)
def local(states, shift, observed, products, innovation, rows, first, index, weight, place):
    """Conditions the listed rows of states (d, N) in place; adds to shift (d,) the way of their means. A code.

    Deviations are by sqrt(N - 1); observed (m, N) and innovation (m,) are whitened. products (m, m): of the rows of
    `observed`, or (0, 0): computed where needed. Row rows[r] sees the entries first[r] .. first[r + 1] - 1 of `index`,
    observables, whose error variances are divided by their weights; place (q,): where one stands among the m, or -1.
    The eigenproblem is of the size of the row's observables or of the members, whichever is less."""
    members, most = states.shape[1], 1
    for r in range(rows.size):
        most = max(most, first[r + 1] - first[r])
    size = min(most, members)
    a, reflected, turns = np.empty((size, size)), np.empty((size, size)), np.empty((8 * size * size + 64, 2))
    at, carried = np.empty(turns.shape[0], dtype=np.int64), np.empty((2, size))
    diagonal, off, work, x = np.empty(size), np.empty(size), np.empty(size), np.empty(size)
    near, root = np.empty(most, dtype=np.int64), np.empty(most)
    for r in range(rows.size):
        state, seen = states[rows[r]], _gather(first[r], first[r + 1], index, weight, place, near, root)
        few, n = seen <= members, min(seen, members)
        if seen == 0:
            continue
        if few:
            _few(n, observed, products, innovation, near, root, state, a, carried)
        else:
            _many(seen, observed, innovation, near, root, state, a, carried)
        tridiagonalize(a, n, reflected, diagonal, off, carried, work)
        count = diagonalize(n, diagonal, off, carried, at, turns)
        if count < 0:
            return _SINGULAR
        for k in range(n):
            variance = 1.0 + max(diagonal[k], 0.0)
            shift[rows[r]] += carried[0, k] * carried[1, k] / variance
            x[k] = carried[0, k] / (variance + sqrt(variance) if few else sqrt(variance))
        undo(n, x, count, at, turns, reflected)
        if few:
            for i in range(n):
                share, y = root[i] * x[i], observed[near[i]]
                for j in range(members):
                    state[j] -= share * y[j]
        else:
            for j in range(members):
                state[j] = x[j]
    return _OK
