"""What is known of a patient before the first value, whatever the twin: a system, a first belief and a schedule; and
the same under other numbers of the population that its fit cannot tell from the ones it found."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from vvuq.assimilation.eakf import Eakf
from vvuq.assimilation.method import Method
from vvuq.assimilation.system import System, gaussian
from vvuq.assimilation.transforms import Identity, Log, Logit, Transform
from vvuq.assimilation.ukf import Unscented
from vvuq.calibration import state_space, tracking
from vvuq.calibration.foce import Population
from vvuq.calibration.personal import personal_system, prior_belief
from vvuq.calibration.stretches import Stretch
from vvuq.calibration.tracking import Tracking
from vvuq.errors import NotEvaluable
from vvuq.models.parameter import LogNormal, Parameter, Uniform
from vvuq.models.schedule import Schedule
from vvuq.models.twin import Twin
from vvuq.record import Belief, Floats

FLAT = float(np.pi / np.sqrt(3.0))  # SD of the logit of a uniform share: a logistic distribution


@dataclass(frozen=True, eq=False, slots=True)
class Subject:
    """A patient of whom nothing is measured yet: how they are seen, the belief at its time, what is given when, and the
    filter that follows them."""

    system: System
    prior: Belief
    schedule: Schedule
    method: Method = field(default_factory=Unscented)


def personal_subject(twin: Twin, known: Population, schedule: Schedule) -> Subject:
    """A patient whose personal parameters are learned, of a population that was fitted."""
    return Subject(personal_system(twin, known), prior_belief(twin, known, schedule), schedule)


def tracked_subject(twin: Twin, known: Tracking, schedule: Schedule, reading: float, time: float) -> Subject:
    """A patient who is followed from a first `reading` on, at `time`; what was given before has its steady effect."""
    stretch = Stretch("subject", schedule, np.array([time]), np.array([reading]))
    return Subject(tracking.tracking_system(twin, known), tracking.first_belief(twin, known, stretch), schedule)


def slot_subject(twin: Twin, known: state_space.Candidate) -> Subject:
    """A patient who is followed in slots from time 0, to whom nothing is given."""
    return Subject(state_space.system_of(twin, known), state_space.first_belief(twin, known), Schedule())


def prior_subject(twin: Twin, schedule: Schedule, members: int) -> Subject:
    """A patient of whom the declared priors are all that is known: every parameter with a spread is learned, by
    `members` of a serial ensemble filter, since so wide a belief reaches, with sigma points, where no patient is.

    Log-normal ones by their logarithm, uniform ones by their logit, with its mean and SD; states begin where the twin
    rests at the priors' medians, exactly, or empty. Raises NotEvaluable where no prior has a spread."""
    model = twin.model
    learned = tuple(p for p in model.parameters if p.prior.quantile(0.25) < p.prior.quantile(0.75))
    if not learned:
        raise NotEvaluable(f"twin {twin.name}: no prior has a spread, so that there is nothing to learn")
    theta = np.array([p.prior.quantile(0.5) for p in model.parameters])
    transforms, means, sds = zip(*(_on_the_line(p) for p in learned), strict=True)
    begin = np.zeros(len(model.states)) if twin.rest is None else twin.rest(schedule, theta)[:, 0]
    noise = tuple(o.noise for o in model.observables)
    size = len(model.states) + len(learned)
    system = System(
        model, theta, tuple(p.name for p in learned), noise, np.zeros(size), twin.method.step, transforms=transforms
    )
    spread = np.concatenate([np.zeros(len(model.states)), sds])
    prior = gaussian(system, schedule.start, np.concatenate([begin, means]), np.diag(spread**2))
    return Subject(system, prior, schedule, Eakf(members))


def _on_the_line(parameter: Parameter) -> tuple[Transform, float, float]:
    """How a parameter is laid on the whole line, and the mean and SD of its prior there."""
    prior = parameter.prior
    if isinstance(prior, LogNormal):
        return Log(), float(np.log(prior.median)), prior.sd_log
    if isinstance(prior, Uniform):
        return Logit(prior.low, prior.high), 0.0, FLAT
    return Identity(), prior.mean, prior.sd


def left_out(found: Tracking, without: tuple[Tracking, ...]) -> tuple[Tracking, ...]:
    """Numbers of a population as uncertain as leaving out one patient in turn shows: for each left out one the fit
    moved away from their mean, on the scale of logarithms, so that over them the variance is the jackknife's.

    As many as there are patients, not more: of six patients six draws. Raises NotEvaluable for fewer than two."""
    if len(without) < 2:
        raise NotEvaluable(f"{len(without)} fits that leave a patient out: two are the least that show a spread")
    logs, n = np.array([_log_numbers(one) for one in without]), len(without)
    away = (n - 1.0) / np.sqrt(n) * (logs - logs.mean(axis=0))
    return tuple(_with(found, _log_numbers(found) + row) for row in away)


def _log_numbers(one: Tracking) -> Floats:
    """Logarithms of theta, drift and the errors' SDs; of a drift of 0 the logarithm of 1, which stays out of it."""
    numbers = np.concatenate([one.theta, one.drift, [n.sd for n in one.noise]])
    return np.log(np.where(numbers > 0.0, numbers, 1.0))


def _with(found: Tracking, logs: Floats) -> Tracking:
    p, d = found.theta.size, found.drift.size
    theta = np.where(found.theta > 0.0, np.exp(logs[:p]), found.theta)
    drift = np.where(found.drift > 0.0, np.exp(logs[p : p + d]), 0.0)
    noise = tuple(
        replace(n, sd=float(np.exp(log)) if n.sd > 0.0 else 0.0)
        for n, log in zip(found.noise, logs[p + d :], strict=True)
    )
    return replace(found, theta=theta, drift=drift, noise=noise)
