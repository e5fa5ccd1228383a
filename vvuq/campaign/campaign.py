"""Many runs of a function: what is kept is read, the rest is run where the executor says, and kept as it ends."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from vvuq.campaign.course import Course, Settings
from vvuq.campaign.executors import Executor, Serial
from vvuq.campaign.function import AnyFunction, checked_points, code_of, has_key
from vvuq.campaign.shelf import Shelf
from vvuq.campaign.store import CampaignStore, State
from vvuq.errors import InputError
from vvuq.record import Floats

__all__ = ["Outcome", "Settings", "run_campaign"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a campaign found. values (n,) or (k, n), not-a-number where a run failed; points (d, n) as they were run.

    states and reasons by column. fresh runs were made, reused ones were read; replaced ones stand at another point;
    the counts of failed and quarantined ones are of those that are left so. seconds: as a clock on the wall tells."""

    values: Floats
    points: Floats
    states: tuple[State, ...]
    reasons: Mapping[int, str]
    fresh: int
    reused: int
    failed: int
    quarantined: int
    replaced: int
    seconds: float


def run_campaign(
    function: AnyFunction,
    points: Floats,
    *,
    store: CampaignStore | Path | str | None = None,
    executor: Executor | None = None,
    settings: Settings | None = None,
) -> Outcome:
    """function at points (d, n), a run a column. With a store (open, a SQLite file, or a URL of PostgreSQL), runs that
    ended before are read, and the function needs a key (see `Function`). executor: here, one after another, by default.

    From 32 runs on, one is made twice, in another chunk: it has to give the same bits.
    Raises NotEvaluable with the reason where the policy stops, InputError for bad points or a function that keeps no
    contract, StoreError where the store cannot serve."""
    begun, found, how = time.perf_counter(), checked_points(points), settings or Settings()
    with ExitStack() as stack:
        shelf = None
        if store is not None:
            if not has_key(function):
                raise InputError("campaign", "function", function, "one with key(), or no store")
            kept = store if isinstance(store, CampaignStore) else stack.enter_context(CampaignStore(store))
            code = code_of(function) if how.code is None else how.code
            shelf = Shelf(kept, function, found, code=code, seed=how.seed, from_seconds=how.keep_from)
        course = Course(found, shelf, executor or stack.enter_context(Serial()), how)
        course.run(function)
    ledger = course.ledger
    return Outcome(
        ledger.values, course.points, ledger.states(), dict(sorted(ledger.reasons.items())), course.fresh,
        ledger.n - course.fresh, ledger.count("failed"), ledger.count("quarantined"), course.replaced,
        time.perf_counter() - begun,
    )  # fmt: skip
