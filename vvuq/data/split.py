"""Who is held out, and patient-level folds of the rest."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from vvuq.data.cards import HeldOutRule
from vvuq.data.cohort import digest
from vvuq.errors import InputError
from vvuq.record import Cohort

Folds = tuple[tuple[str, ...], ...]


def held_out_ids(ids: Sequence[str], rule: HeldOutRule) -> frozenset[str]:
    """The `rule.count` ids with the lowest sha256(salt + id), whatever the order of `ids`."""
    if len(set(ids)) != len(ids):
        raise InputError("held-out rule", "ids", len(ids) - len(set(ids)), "ids that differ; some stand twice")
    if not 0 < rule.count < len(ids):
        raise InputError("held-out rule", "count", rule.count, f"1 to {len(ids) - 1} of {len(ids)} patients")
    ranked = sorted(ids, key=lambda one: hashlib.sha256((rule.salt + one).encode()).hexdigest())
    return frozenset(ranked[: rule.count])


def split(cohort: Cohort, rule: HeldOutRule) -> tuple[Cohort, Cohort]:
    """(build, held out): every patient is in exactly one of them, in the cohort's order; the held-out are sealed. The
    rule ranks groups, so that no group has records in both."""
    groups = {patient.id: patient.group or patient.id for patient in cohort.patients}
    chosen = held_out_ids([*dict.fromkeys(groups.values())], rule)
    build = [one for one, group in groups.items() if group not in chosen]
    held_out = subset(cohort, [one for one, group in groups.items() if group in chosen], "held out")
    sealed = tuple(replace(patient, sealed=True) for patient in held_out.patients)
    return subset(cohort, build, "build"), replace(held_out, patients=sealed)


def joined(one: Cohort, other: Cohort, label: str) -> Cohort:
    """The patients of both, `one` first, as "NAME (label)"; those that are sealed stay so. Raises InputError."""
    patients = (*one.patients, *other.patients)
    if one.units != other.units or {p.id for p in one.patients} & {p.id for p in other.patients}:
        raise InputError(f"cohort {one.name}", "other", other.name, "a cohort in the same units without its patients")
    name = one.name.partition(" (")[0]
    return Cohort(f"{name} ({label})", patients, one.units, digest(patients, one.units))


def subset(cohort: Cohort, ids: Sequence[str], label: str) -> Cohort:
    """The patients named by `ids`, in the cohort's order, as "NAME (label)". Raises InputError for an unknown id."""
    wanted = set(ids)
    kept = tuple(patient for patient in cohort.patients if patient.id in wanted)
    unknown = sorted(wanted - {patient.id for patient in kept})
    if unknown or not kept:
        raise InputError(f"cohort {cohort.name}", "ids", unknown, "ids of patients of the cohort, at least one")
    return replace(cohort, name=f"{cohort.name} ({label})", patients=kept, digest=digest(kept, cohort.units))


def overlap(one: Cohort, other: Cohort) -> tuple[str, ...]:
    """Ids in `one` of patients that `other` holds too: by id, or by the very same record under another id."""
    ids = {patient.id for patient in other.patients}
    records = {replace(patient, id="", group="", sealed=False) for patient in other.patients}
    return tuple(p.id for p in one.patients if p.id in ids or replace(p, id="", group="", sealed=False) in records)


def patient_folds(ids: Sequence[str], k: int, repeats: int, rng: np.random.Generator) -> tuple[Folds, ...]:
    """`repeats` partitions of `ids` into `k` folds of patients (the ones left out in turn), sizes equal to one.

    Within a fold the ids keep the order of `ids`. Raises InputError unless 2 <= k <= number of patients."""
    if len(set(ids)) != len(ids):
        raise InputError("patient folds", "ids", len(ids) - len(set(ids)), "ids that differ; some stand twice")
    if not 2 <= k <= len(ids):
        raise InputError("patient folds", "k", k, f"2 to {len(ids)} folds for {len(ids)} patients")
    if repeats < 1:
        raise InputError("patient folds", "repeats", repeats, "at least 1")
    orders = [rng.permutation(len(ids)) for _ in range(repeats)]
    return tuple(tuple(tuple(ids[i] for i in sorted(order[fold::k])) for fold in range(k)) for order in orders)


def same_folds(ids: Sequence[str], k: int | None) -> Folds:
    """`ids` dealt out to `k` folds in turn (None: one each), the same in every analysis, which so can share their fits.

    Raises InputError unless 2 <= k <= number of patients."""
    count = len(ids) if k is None else k
    if not 2 <= count <= len(ids):
        raise InputError("patient folds", "k", count, f"2 to {len(ids)} folds for {len(ids)} patients")
    return tuple(tuple(ids[fold::count]) for fold in range(count))
