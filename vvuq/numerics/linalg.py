"""Small dense linear algebra in loops: compiles in a fraction of what np.linalg costs and runs faster below n = 30."""

from __future__ import annotations

from math import sqrt

from numba import njit

from vvuq.numerics.jit import MATRIX, types


@njit(types.void(MATRIX), error_model="numpy", cache=True)
def triangularize(a):
    """Turns the wide matrix a (r, c), c >= r, into lower-triangular form in place, with a a' unchanged.

    Householder reflections from the right; the diagonal comes out >= 0; a zero row stays zero (semidefinite a a')."""
    rows, columns = a.shape
    for k in range(rows):
        total = 0.0
        for j in range(k, columns):
            total += a[k, j] * a[k, j]
        norm = sqrt(total)
        if norm == 0.0:
            continue
        alpha = -norm if a[k, k] > 0.0 else norm
        head = a[k, k] - alpha
        scale = total - a[k, k] * alpha  # half of |v|^2 for v = row - alpha e_k
        for i in range(k + 1, rows):
            dot = a[i, k] * head
            for j in range(k + 1, columns):
                dot += a[i, j] * a[k, j]
            dot /= scale
            a[i, k] -= dot * head
            for j in range(k + 1, columns):
                a[i, j] -= dot * a[k, j]
        a[k, k] = alpha
        for j in range(k + 1, columns):
            a[k, j] = 0.0
        if alpha < 0.0:
            for i in range(k, rows):
                a[i, k] = -a[i, k]
