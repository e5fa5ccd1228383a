"""Many patients, one filter: each with a record of its own, ragged and irregular, and what became of each.

The result of a patient depends on that patient's job alone: not on the order of the batch, not on the threads."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import cast

import numpy as np

from vvuq.assimilation.aware import Aware
from vvuq.assimilation.filtered import Filtered, filter_steps
from vvuq.assimilation.method import Method
from vvuq.assimilation.system import Observation, System
from vvuq.assimilation.ukf import Unscented
from vvuq.assimilation.ukf_run import filter_record
from vvuq.errors import InputError
from vvuq.models.schedule import Schedule
from vvuq.numerics.streams import Draws
from vvuq.record import Belief


@dataclass(frozen=True, eq=False)
class Job:
    """One patient: what is given, what was measured in order of time, and the random numbers that are the patient's."""

    patient: str
    system: System
    schedule: Schedule
    prior: Belief
    observations: Sequence[Observation]
    draws: Draws


@dataclass(frozen=True, eq=False)
class Outcome:
    """What became of one patient: what the filter found, or the error that ended it, which names the patient."""

    patient: str
    found: Filtered | None
    error: InputError | None


def assimilate(jobs: Sequence[Job], method: Method, threads: int = 1, *, roots: bool = False) -> tuple[Outcome, ...]:
    """Filters every patient's record, in the order of the jobs; one that fails does not stop the others.

    Cycles that fail are told by their codes; invalid input and what a filter's arithmetic cannot do end a patient with
    an error. roots: keeps the covariance roots of Gaussian filters. Raises InputError for threads below 1, and for a
    patient named twice."""
    if threads < 1:
        raise InputError("batch", "threads", threads, "1 or more")
    names = [job.patient for job in jobs]
    if len(set(names)) != len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise InputError("batch", "patient", twice, "each patient once")
    run = partial(_outcome, method, roots)
    if threads == 1:
        return tuple(map(run, jobs))
    with ThreadPoolExecutor(threads) as pool:
        return tuple(pool.map(run, jobs))


def _outcome(method: Method, roots: bool, job: Job) -> Outcome:
    try:
        return Outcome(job.patient, _found(method, roots, job), None)
    except InputError as error:
        return Outcome(job.patient, None, error.inside(f"patient {job.patient}"))
    except (ArithmeticError, np.linalg.LinAlgError) as error:
        remedy = "a record and options that the filter's arithmetic can follow"
        return Outcome(job.patient, None, InputError(f"patient {job.patient}", "filter", str(error), remedy))


def _found(method: Method, roots: bool, job: Job) -> Filtered:
    if isinstance(method.method if isinstance(method, Aware) else method, Unscented):
        prior = method.init(job.prior, job.draws)
        return filter_record(
            cast("Unscented | Aware", method), job.system, job.schedule, prior, job.observations, roots=roots
        )
    return filter_steps(method, job.system, job.schedule, job.prior, job.observations, job.draws, roots=roots)
