"""Random rotations of an ensemble that leave its mean and its covariance as they are."""

from __future__ import annotations

import numpy as np

from vvuq.record import Floats


def mean_preserving(normals: Floats) -> Floats:
    """An orthogonal matrix (N, N) with Q 1 = 1, uniform among these, from standard normals (N - 1, N - 1).

    A uniform rotation of the members' differences, seen through the reflection that turns the first axis into the
    direction of the mean. Source: Sakov & Oke, Mon. Weather Rev. 136 (2008) 1042; uniformity: Mezzadri, Notices of the
    AMS 54 (2007) 592."""
    rotation, triangle = np.linalg.qr(normals)
    rotation *= np.where(np.diag(triangle) < 0.0, -1.0, 1.0)
    size = normals.shape[0] + 1
    inner = np.eye(size)
    inner[1:, 1:] = rotation
    axis = np.full(size, -1.0 / np.sqrt(size))
    axis[0] += 1.0
    axis *= np.sqrt(2.0 / (axis @ axis))
    inner -= np.outer(inner @ axis, axis)
    inner -= np.outer(axis, axis @ inner)
    return inner
