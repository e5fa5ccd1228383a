"""How far apart places are: on a line, a plane or in space, on a periodic domain, along the edges of a graph."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra
from scipy.spatial.distance import cdist

from vvuq.errors import InputError
from vvuq.record import Floats


def euclidean(points_a: ArrayLike, points_b: ArrayLike) -> Floats:
    """Straight distances (n, m) between points (n, k) and (m, k); (n,) and (m,) are points of a line.

    Raises InputError for what is not finite and for points of different dimensions."""
    a, b = _points(points_a, points_b)
    return np.asarray(cdist(a, b), dtype=float)


def periodic(points_a: ArrayLike, points_b: ArrayLike, period: ArrayLike) -> Floats:
    """Distances (n, m) on a domain that closes on itself: in each of k dimensions the shorter way round.

    period: one number or (k,), above 0, infinite in a dimension that does not close. Points as in `euclidean`.
    Raises InputError for what is not finite, points of different dimensions and a period that is not positive."""
    a, b = _points(points_a, points_b)
    given = np.asarray(period, dtype=float)
    if given.ndim > 1 or given.size not in (1, a.shape[1]) or not np.all(given > 0.0):
        raise InputError("distance", "period", given.tolist(), f"{a.shape[1]} values > 0")
    squares = np.zeros((a.shape[0], b.shape[0]))
    for k, length in enumerate(np.broadcast_to(given, (a.shape[1],))):
        apart = np.abs(a[:, None, k] - b[None, :, k]) % length
        squares += np.minimum(apart, length - apart) ** 2
    return np.sqrt(squares)


def graph(nodes: int, edges: ArrayLike, lengths: ArrayLike, targets: Sequence[int] | None = None) -> Floats:
    """Shortest ways (nodes, t) along edges from every node to each of the t targets (default: to every node).

    edges (e, 2): pairs of nodes, walked both ways; lengths (e,) above 0, of parallel edges the shortest counts.
    Infinite where no way leads. Raises InputError for a node that does not exist and a length that is not positive.
    Source: Dijkstra, Numer. Math. 1 (1959) 269."""
    pairs, length = np.asarray(edges, dtype=np.int64).reshape(-1, 2), np.asarray(lengths, dtype=float)
    to = np.arange(nodes) if targets is None else np.asarray(targets, dtype=np.int64)
    if length.shape != (pairs.shape[0],) or not np.all((length > 0.0) & np.isfinite(length)):
        raise InputError("distance", "lengths", length.shape, f"{pairs.shape[0]} finite values > 0, one for each edge")
    for field, index in (("edges", pairs), ("targets", to)):
        if np.any((index < 0) | (index >= nodes)):
            raise InputError("distance", field, index.tolist(), f"nodes from 0 to {nodes - 1}")
    order = np.argsort(-length, kind="stable")  # the shortest of parallel edges is written last
    shortest = {(min(a, b), max(a, b)): v for (a, b), v in zip(pairs[order].tolist(), length[order], strict=True)}
    rows, columns = np.array(list(shortest), dtype=np.int64).reshape(-1, 2).T
    weights = csr_array((np.array(list(shortest.values()), dtype=float), (rows, columns)), shape=(nodes, nodes))
    return np.ascontiguousarray(np.asarray(dijkstra(weights, directed=False, indices=to), dtype=float).T)


def _points(points_a: ArrayLike, points_b: ArrayLike) -> tuple[Floats, Floats]:
    a, b = (_rows(points) for points in (points_a, points_b))
    if a.shape[1] != b.shape[1]:
        raise InputError("distance", "points", (a.shape, b.shape), "points of the same dimension")
    return a, b


def _rows(points: ArrayLike) -> Floats:
    array = np.asarray(points, dtype=float)
    array = array[:, None] if array.ndim == 1 else array
    if array.ndim != 2 or not np.all(np.isfinite(array)):
        raise InputError("distance", "points", array.shape, "finite coordinates (n, k)")
    return array
