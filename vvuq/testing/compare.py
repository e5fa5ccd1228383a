"""Two records that say the same must show the same."""

from __future__ import annotations

from vvuq.models.simulate import RK4
from vvuq.models.twin import Twin
from vvuq.testing.account import account
from vvuq.testing.cases import SAME, Seen, Stay, apart, see, shown


def same(
    twin: Twin,
    one: Stay,
    other: Stay,
    change: str,
    promised: str,
    *,
    shift: float = 0.0,
    method: RK4 | None = None,
    share: float = SAME,
) -> str | None:
    """None where `other` shows what `one` shows, patient by patient, at every instant of a sample of `one`.

    change: what was done to get `other`, in words; shift: how much later it shows it, in the model's time."""
    for a, b in zip(see(twin, one, method), see(twin, other, method), strict=True):
        found = _differ(twin, a, b, shift, share)
        if found is not None:
            at, words = found
            return account(twin, one, found=f"{words} {change}", promised=promised, at=at)
    return None


def _differ(twin: Twin, a: Seen, b: Seen, shift: float, share: float) -> tuple[float, str] | None:
    """The first instant at which they differ, and what each shows there."""
    rows = [_nearest(b.course.times, time + shift) for time in a.course.times]
    wrong = apart(a.observed, b.observed[rows], a.scale, share)
    if wrong is None:
        return None
    row, column = wrong
    observable = twin.model.observables[column]
    before, after = (f"{shown(v)} {observable.unit}" for v in (a.observed[row, column], b.observed[rows[row], column]))
    return a.course.times[row], f"{observable.name} = {before}, but {after}"


def _nearest(times: tuple[float, ...], wanted: float) -> int:
    return min(range(len(times)), key=lambda i: abs(times[i] - wanted))
