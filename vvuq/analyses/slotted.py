"""What analyses of state-space twins share: the records they take, and folds of persons."""

from __future__ import annotations

from collections.abc import Sequence

from vvuq.analyses.settings import refused
from vvuq.calibration.slots import Slots, all_slots
from vvuq.errors import NotEvaluable
from vvuq.models.twin import Twin
from vvuq.record import Context


def persons(records: Sequence[Slots]) -> tuple[str, ...]:
    """Who the records are of, each once, in their order."""
    return tuple(dict.fromkeys(one.group for one in records))


def build_records(twin: Twin, context: Context, most: int) -> tuple[Slots, ...]:
    """The build patients in slots; of more than `most` persons that many, drawn at random. most 0: all of them."""
    records = all_slots(twin, context.build())
    if not records:
        raise NotEvaluable("no build patient has a value of one of the twin's channels")
    known = persons(records)
    if not 0 < most < len(known):
        return records
    order = context.stream("persons").permutation(len(known))[:most]
    chosen = {known[i] for i in order.tolist()}
    return tuple(one for one in records if one.group in chosen)


def person_folds(records: Sequence[Slots], folds: int, setting: str) -> tuple[frozenset[str], ...]:
    """Persons dealt out to folds in turn. Raises InputError for more folds than persons, naming the setting."""
    known = persons(records)
    if not 2 <= folds <= len(known):
        raise refused(setting, folds, f"2 to {len(known)} folds of {len(known)} persons")
    return tuple(frozenset(known[fold::folds]) for fold in range(folds))
