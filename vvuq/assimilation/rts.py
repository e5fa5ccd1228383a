"""The Rauch-Tung-Striebel smoother: beliefs at past times, given everything measured since.

It goes backwards over the beliefs of a Gaussian filter in square-root form, for any filter that says how a state and
its forecast vary together: the Kalman filter by its matrices (then it is exact), the unscented one by its sigma points.

Sources: Rauch, Tung & Striebel, AIAA J. 3 (1965) 1445; Sarkka, IEEE TAC 53 (2008) 845 (unscented)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from vvuq.assimilation.joint import Smoothable
from vvuq.assimilation.system import System
from vvuq.errors import InputError
from vvuq.models.schedule import Schedule
from vvuq.numerics import unscented
from vvuq.record import Belief


def smooth(system: System, schedule: Schedule, filtered: Sequence[Belief], method: Smoothable) -> tuple[Belief, ...]:
    """What is known at the time of each of `filtered`, the beliefs after successive steps of `method`, given them all.

    The last one stays as it is; log-likelihoods and cycles are kept. Learned parameters are smoothed with the states.
    Raises InputError for beliefs out of order, or that the method cannot carry from one to the next."""
    found = list(filtered)
    for k in range(len(found) - 2, -1, -1):
        now, later = found[k], found[k + 1]
        if not now.time <= later.time:
            raise InputError("smoother", "filtered", later.time, f"times in ascending order, from {now.time} on")
        found[k] = replace(now, mean=later.mean, root=later.root)
        if now.time < later.time:
            found[k] = _backwards(system, schedule, now, later, method)
    return tuple(found)


def _backwards(system: System, schedule: Schedule, now: Belief, later: Belief, method: Smoothable) -> Belief:
    both = method.joint(system, schedule, now, later.time)
    d, code = now.mean.size, both.code
    mean, root, rows = np.empty(d), np.empty((d, d)), np.empty((2 * d, d))
    if code == 0:
        work = unscented.triangle(max(both.now.shape[0], d), 2 * d)
        unscented.smooth(
            now.mean, both.mean, both.now, both.ahead, both.noise, both.rounding, later.mean, later.root, mean, rows,
            work,
        )  # fmt: skip
        code = unscented.lower_root(rows, np.zeros(d), root, work)
    if code != 0 or not np.all(np.isfinite(mean)):
        remedy = f"beliefs that the filter itself carried to {later.time}; here that ends in code {code}"
        raise InputError("smoother", "filtered", now.time, remedy)
    return replace(now, mean=mean, root=root)
