"""Small dense linear algebra in loops: compiles in a fraction of what np.linalg costs and runs faster below n = 30.

Rows are taken as slices: an index into the whole matrix could count from its end, which keeps a loop from
vectorising."""

from __future__ import annotations

from math import sqrt

from vvuq.numerics.jit import F8, I8, MATRIX, VECTOR, njit, types


@njit(F8(MATRIX, MATRIX, I8, I8, F8), error_model="numpy", cache=True, nogil=True)
def _pivoted(top, bottom, k, size, floor):
    """Returns the size of column k's largest entry, which is brought into top[k, k] where it is above the floor."""
    largest, at = abs(top[k, k]), -1
    for i in range(bottom.shape[0]):
        if abs(bottom[i, k]) > largest:
            largest, at = abs(bottom[i, k]), i
    if at >= 0 and largest > floor:
        for j in range(k, size):
            top[k, j], bottom[at, j] = bottom[at, j], top[k, j]
    return largest


@njit(types.void(MATRIX, I8, VECTOR), error_model="numpy", cache=True, nogil=True)
def _project(bottom, k, total):
    """Adds to total (columns right of k,) the rows of bottom, each times its entry in column k; four rows at once."""
    count = bottom.shape[0]
    four = count - count % 4
    for i in range(0, four, 4):
        p, q, r, s = bottom[i, k], bottom[i + 1, k], bottom[i + 2, k], bottom[i + 3, k]
        a, b, c, d = bottom[i, k + 1 :], bottom[i + 1, k + 1 :], bottom[i + 2, k + 1 :], bottom[i + 3, k + 1 :]
        for j in range(total.size):
            total[j] += p * a[j] + q * b[j] + r * c[j] + s * d[j]
    for i in range(four, count):
        p, a = bottom[i, k], bottom[i, k + 1 :]
        for j in range(total.size):
            total[j] += p * a[j]


@njit(types.void(MATRIX, MATRIX, VECTOR, VECTOR), error_model="numpy", cache=True, nogil=True)
def absorb(top, bottom, floor, work):
    """Turns [top; bottom] into [upper triangle; 0] by an orthogonal matrix from the left (Householder), in place.

    top (k, k), upper-triangular or zero, holds the triangle afterwards, its diagonal >= 0; bottom (c, k) is used up;
    work (k,). Both matrices may be larger: floor (k,) says how many columns, and rows of top, take part.
    top' top + bottom' bottom is unchanged and may be singular: a column of which nothing is left above floor in size
    is taken for zero, and its row waits for the next ones. The entries must be finite. The largest entry of a column is
    its pivot: small rows keep their own relative accuracy beside large ones (Cox & Higham, BIT 38 (1998) 34). No sum
    runs along a row, so the innermost loops vectorise."""
    count, size = bottom.shape[0], floor.size
    for k in range(size):
        largest = _pivoted(top, bottom, k, size, floor[k])
        if largest <= floor[k]:
            continue
        pivot = top[k, k] / largest  # 1 or -1; scaled, the squares can neither overflow nor vanish
        total = 1.0
        for i in range(count):
            bottom[i, k] /= largest
            total += bottom[i, k] * bottom[i, k]
        norm = sqrt(total)
        head = pivot * (1.0 + norm)
        row, step = top[k, k + 1 :], work[k + 1 :]
        for j in range(step.size):
            step[j] = head * row[j]
        _project(bottom, k, step)
        scale = norm + total  # half of |v|^2 for v = [head; bottom[:, k]]
        for j in range(step.size):
            step[j] /= scale
            row[j] = -pivot * (row[j] - head * step[j])
        for i in range(count):
            v, below = bottom[i, k], bottom[i, k + 1 :]
            for j in range(step.size):
                below[j] -= v * step[j]
        top[k, k] = norm * largest
