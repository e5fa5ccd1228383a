"""Every random stream is its own: what others draw changes no forecast, and the twin's code touches no global one."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from vvuq.assimilation.system import System, gaussian
from vvuq.calibration.personal import assimilate
from vvuq.calibration.units import in_model_units
from vvuq.errors import VvuqError
from vvuq.interaction.forecast import forecast_from
from vvuq.models.claims import Envelope
from vvuq.models.twin import Twin
from vvuq.record import Belief, Floats, Measurement
from vvuq.run.context import RunContext
from vvuq.testing import strategies as draw
from vvuq.testing.account import account
from vvuq.testing.cases import Seen, Stay, see, stays
from vvuq.testing.property import Property

SHARED: Any = np.random  # its stubs do not name the generator that all code shares
MEMBERS = 16
OFF = 1.1  # a sample is this times what the model gives
SPREAD = 0.2  # SD of the log of each personal parameter: the forecasts need some


@dataclass(frozen=True, slots=True)
class Drawn:
    """A stay whose last sample is forecast, the seed, and how much other streams draw before."""

    stay: Stay
    seed: int
    others: int


def cases(twin: Twin, envelope: Envelope) -> SearchStrategy[Drawn]:
    """Stays with a seed and a number of foreign draws."""
    return draw.built(Drawn, stays(twin, envelope), st.integers(0, 2**32 - 1), st.integers(1, 8))


def run(twin: Twin, case: Drawn) -> str | None:
    """The forecast with its stream alone is the one among other streams; the global ones stay as they were."""
    _draw_globally(case.others)  # away from any seed that a twin might set
    before = _global()
    alone, again = _forecast(twin, case, others=0), _forecast(twin, case, others=0)
    if _global() != before:
        found = "the twin's code draws from, or reseeds, a random generator that others use"
        return account(twin, case, found=found, promised="streams by name only (Context.stream)")
    _draw_globally(case.others)
    among = _forecast(twin, case, others=case.others)
    if _bits(alone) == _bits(among) or _bits(alone) != _bits(again):  # the latter is for determinism to tell
        return None
    found = f"another forecast once other streams have drawn {case.others} numbers"
    return account(twin, case, found=found, promised="what other streams draw changes no number")


def _forecast(twin: Twin, case: Drawn, others: int) -> Floats | str:
    """The members' values at the last sample after the earlier ones, or why there is no forecast."""
    context = _context(case.seed)
    context.stream("before").random(others)
    normals = context.stream("forecast").standard_normal((len(twin.model.states) + len(twin.personal), MEMBERS))
    context.stream("after").random(others)
    (patient,) = case.stay.cohort.patients
    (seen,), plan = see(twin, case.stay, twin.method), twin.schedule(case.stay.cohort, patient)
    samples = _samples(twin, case.stay, seen)
    system, belief = _personal(twin, case.stay, plan.start)
    beliefs, _ = assimilate(system, belief, plan, samples[:-1])
    last = samples[-1]
    try:
        found = forecast_from(system, beliefs[-1], plan, last.observable, np.array([last.time]), normals)
    except VvuqError as reason:
        return str(reason)
    return np.concatenate([found.values, found.error_sd])


def _samples(twin: Twin, stay: Stay, seen: Seen) -> list[Measurement]:
    """The samples of the stay, a little above what the model gives for them: values that it can learn from."""
    (patient,) = stay.cohort.patients
    found = []
    for m in in_model_units(twin, stay.cohort, patient.measurements):
        row, column = seen.course.times.index(m.time), twin.model.observable_index(m.observable)
        found.append(replace(m, value=OFF * float(seen.observed[row, column])))
    return found


def _personal(twin: Twin, stay: Stay, start: float) -> tuple[System, Belief]:
    """A system that learns the personal parameters around those of the stay, and what it believes at the start."""
    noise, n, k = tuple(o.noise for o in twin.model.observables), len(twin.model.states), len(twin.personal)
    theta = np.array([stay.theta[p.name] for p in twin.model.parameters])
    system = System(twin.model, theta, twin.personal, noise, np.zeros(n + k), twin.method.step)
    typical = [math.log(stay.theta[name]) for name in twin.personal]
    covariance = np.diag([0.0] * n + [SPREAD**2] * k)
    return system, gaussian(system, start, np.array([0.0] * n + typical), covariance)


def _context(seed: int) -> RunContext:
    """A run's context, of which the streams alone are used: they need the plan's seed."""
    study: Any = SimpleNamespace(plan=SimpleNamespace(seed=seed))
    store: Any = None
    return RunContext(study, store, "conformance")


def _draw_globally(count: int) -> None:
    random.random()
    np.random.Generator(SHARED.get_bit_generator()).random(count)


def _global() -> tuple[Any, ...]:
    """The state of the generators that all code of a process shares."""
    state = SHARED.get_bit_generator().state
    return random.getstate(), np.asarray(state["state"]["key"]).tobytes(), state["state"]["pos"]


def _bits(found: Floats | str) -> bytes:
    return found.encode() if isinstance(found, str) else np.ascontiguousarray(found).tobytes()


STREAMS = Property("streams", "Is every random stream independent of the others?", cases, run)
