"""Functions of a symmetric matrix, applied to vectors, without its eigenvectors.

The reflections and rotations that lead to the eigenvalues are applied to the vectors on the way (tridiagonalize, then
diagonalize); what comes out are their coordinates along the eigenvectors, and `undo` leads back from such coordinates.

Sources: Golub & Van Loan, Matrix Computations, 4th ed. (2013), 8.3; QL, implicit shifts: Wilkinson & Reinsch, Linear
Algebra (1971), II/4."""

from __future__ import annotations

from math import copysign, sqrt

from vvuq.numerics.jit import I8, INDICES, MATRIX, VECTOR, njit, types

_EPSILON = 2.0**-52


@njit(types.void(VECTOR, I8, I8, VECTOR), error_model="numpy", cache=True, nogil=True)
def _mirror(v, first, n, x):
    """x - v v'x in place, of the entries from `first` to n."""
    along = 0.0
    for j in range(first, n):
        along += v[j] * x[j]
    for j in range(first, n):
        x[j] -= along * v[j]


@njit(types.void(MATRIX, I8, I8, VECTOR, VECTOR), error_model="numpy", cache=True, nogil=True)
def _mirror_both(a, first, n, v, p):
    """The symmetric a with I - v v' from both sides, in place, from row `first` on; p (n,) is workspace."""
    for j in range(first, n):
        p[j] = 0.0
    for i in range(first, n):
        for j in range(first, n):
            p[j] += v[i] * a[i, j]
    half = 0.0
    for j in range(first, n):
        half += 0.5 * v[j] * p[j]
    for j in range(first, n):
        p[j] -= half * v[j]
    for i in range(first, n):
        for j in range(first, n):
            a[i, j] -= v[i] * p[j] + p[i] * v[j]


@njit(types.void(MATRIX, I8, MATRIX, VECTOR, VECTOR, MATRIX, VECTOR), error_model="numpy", cache=True, nogil=True)
def tridiagonalize(a, n, reflected, diagonal, off, carried, p):
    """Reduces the symmetric a (n, n) by reflections I - v v', v in the rows of `reflected`.

    The rows of carried (2, n) are taken along; p (n,) is workspace."""
    for k in range(n - 2):
        v, total = reflected[k], 0.0
        for j in range(k + 1, n):
            v[j] = a[k, j]
            total += v[j] * v[j]
        off[k] = -copysign(sqrt(total), v[k + 1])
        if total > 0.0:
            v[k + 1] -= off[k]
            scale = 1.0 / sqrt(-off[k] * v[k + 1])
            for j in range(k + 1, n):
                v[j] *= scale
            _mirror_both(a, k + 1, n, v, p)
            _mirror(v, k + 1, n, carried[0])
            _mirror(v, k + 1, n, carried[1])
    for k in range(n):
        diagonal[k] = a[k, k]
    if n > 1:
        off[n - 2] = a[n - 2, n - 1]
    off[n - 1] = 0.0


@njit(I8(I8, VECTOR, VECTOR, MATRIX, INDICES, MATRIX), error_model="numpy", cache=True, nogil=True)
def diagonalize(n, diagonal, off, carried, at, turns):
    """Eigenvalues of a tridiagonal matrix into `diagonal`; the rows of carried (2, n) are turned with it.

    The rotations are kept: of the planes (at, at + 1), by cosine and sine turns[:, 0:2]. Returns how many, or -1 where
    they would not fit."""
    count = 0
    for first in range(n):
        while True:
            last = first
            while last < n - 1 and abs(off[last]) > _EPSILON * (abs(diagonal[last]) + abs(diagonal[last + 1])):
                last += 1
            if last == first:
                break
            if count + last - first > at.size:
                return -1
            g = (diagonal[first + 1] - diagonal[first]) / (2.0 * off[first])
            g = diagonal[last] - diagonal[first] + off[first] / (g + copysign(sqrt(g * g + 1.0), g))
            s, c, p, stopped = 1.0, 1.0, 0.0, False
            for i in range(last - 1, first - 1, -1):
                f, b = s * off[i], c * off[i]
                r = sqrt(f * f + g * g)
                off[i + 1] = r
                if r == 0.0:
                    diagonal[i + 1] -= p
                    stopped = True
                    break
                s, c = f / r, g / r
                g = diagonal[i + 1] - p
                r = (diagonal[i] - g) * s + 2.0 * c * b
                p = s * r
                diagonal[i + 1] = g + p
                g = c * r - b
                at[count], turns[count, 0], turns[count, 1] = i, c, s
                count += 1
                for row in range(2):
                    low, high = carried[row, i], carried[row, i + 1]
                    carried[row, i], carried[row, i + 1] = c * low - s * high, s * low + c * high
            if not stopped:
                diagonal[first] -= p
                off[first] = g
            off[last] = 0.0
    return count


@njit(types.void(I8, VECTOR, I8, INDICES, MATRIX, MATRIX), error_model="numpy", cache=True, nogil=True)
def undo(n, x, count, at, turns, reflected):
    """Brings x (n,) from the coordinates of the eigenvectors back to the original ones."""
    for k in range(count - 1, -1, -1):
        i, c, s = at[k], turns[k, 0], turns[k, 1]
        x[i], x[i + 1] = c * x[i] + s * x[i + 1], c * x[i + 1] - s * x[i]
    for k in range(n - 3, -1, -1):
        _mirror(reflected[k], k + 1, n, x)
