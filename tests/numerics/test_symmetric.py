"""Functions of symmetric matrices applied to vectors, against numpy's eigenvectors."""

import numpy as np
import pytest

from vvuq.numerics.symmetric import diagonalize, tridiagonalize, undo

RNG = np.random.default_rng(4)


def matrices(n):
    """Full rank, rank one, zero, diagonal, equal eigenvalues, eigenvalues over twelve orders of magnitude."""
    wide, turned = RNG.normal(size=(n, 2 * n)), np.linalg.qr(RNG.normal(size=(n, n)))[0]
    yield wide @ wide.T
    yield np.outer(wide[:, 0], wide[:, 0])
    yield np.zeros((n, n))
    yield np.diag(np.arange(n, dtype=float))
    yield np.eye(n)
    yield turned * np.geomspace(1e-6, 1e6, n) @ turned.T


def applied(a, u, v, function):
    """function(a) u, the inner product of function(a) u and v, and the eigenvalues."""
    n = u.size
    work, diagonal, off, p = np.empty((n, n)), np.empty(n), np.empty(n), np.empty(n)
    at, turns = np.empty(8 * n * n + 64, dtype=np.int64), np.empty((8 * n * n + 64, 2))
    carried, reflected = np.array([u, v]), np.empty((n, n))
    work[:] = (a + a.T) / 2
    tridiagonalize(work, n, reflected, diagonal, off, carried, p)
    count = diagonalize(n, diagonal, off, carried, at, turns)
    assert count >= 0
    x = function(diagonal) * carried[0]
    product = float(x @ carried[1])
    undo(n, x, count, at, turns, reflected)
    return x, product, diagonal


@pytest.mark.parametrize("n", [1, 2, 3, 5, 12, 40])
def test_equals_numpy(n):
    for a in matrices(n):
        u, v = RNG.normal(size=(2, n))
        x, product, values = applied(a, u, v, lambda d: 1 / (1 + np.maximum(d, 0.0)))
        wanted = np.linalg.solve(np.eye(n) + a, u)
        size = max(1.0, np.abs(a).max())
        np.testing.assert_allclose(np.sort(values), np.linalg.eigvalsh(a), rtol=0, atol=1e-13 * n * size)
        np.testing.assert_allclose(x, wanted, rtol=0, atol=1e-13 * n * size * np.abs(u).max())
        assert product == pytest.approx(float(x @ v), abs=1e-12 * n * size)


def test_too_little_room_for_the_rotations_is_told():
    a = np.array([[2.0, 1.0, 0.5], [1.0, 3.0, 1.0], [0.5, 1.0, 4.0]])
    diagonal, off, carried = np.empty(3), np.empty(3), np.ones((2, 3))
    tridiagonalize(a, 3, np.empty((3, 3)), diagonal, off, carried, np.empty(3))
    assert diagonalize(3, diagonal, off, carried, np.empty(1, dtype=np.int64), np.empty((1, 2))) == -1
