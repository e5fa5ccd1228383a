"""Hypothesis strategies of all that a twin is run on, inside an envelope: parameters, inputs, schedules, cohorts.

They draw round numbers, and few instants for many events, so that events coincide. They shrink to the medians of the
priors, to one event or none, and to small whole numbers."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from vvuq.data.cohort import make_cohort
from vvuq.errors import InputError
from vvuq.models.claims import Envelope, Range, check_envelope, dose_factor
from vvuq.models.model import Model
from vvuq.models.parameter import Parameter
from vvuq.models.schedule import Bolus, Infusion, Level, Schedule
from vvuq.models.twin import Twin
from vvuq.record import Cohort, Dose, Measurement, Patient

T = TypeVar("T")
MOST_EVENTS = 3  # of one kind in a course
SLOTS = 3  # different instants of all events of a course
SLOT = st.integers(0, SLOTS - 1)
TAIL = 499  # thousandths from the median: 0.1 % to 99.9 %
INSTANTS = 512  # the longest stay holds at least as many different instants


def envelope_for(twin: Twin, envelope: Envelope | None = None) -> Envelope:
    """`envelope`, held against the twin's model, else the one that the twin claims. Raises InputError without any."""
    if envelope is not None:
        check_envelope(f"twin {twin.name}", twin.model, envelope)
        return envelope
    if twin.claims.envelope is None:
        remedy = "claims=Claims(envelope=Envelope(...)): ranges of what the twin may be run on (docs/conformance.md)"
        raise InputError(f"twin {twin.name}", "claims.envelope", None, remedy)
    return twin.claims.envelope


def numbers(one: Range) -> SearchStrategy[float]:
    """Values of a range: whole numbers, numbers rounded to a hundredth or thousandth of its width, and its ends."""
    if one.whole:
        return _whole(one)
    if one.low == one.high:
        return st.just(one.low)
    digits = 2 - math.floor(math.log10(one.high - one.low))
    grid = Range(one.low * 10.0**digits, one.high * 10.0**digits, "1")
    rounded = _whole(grid).map(lambda count: min(max(round(count / 10.0**digits, digits), one.low), one.high))
    kinds = [_whole(one)] if digits > 0 else []
    return st.one_of([kind for kind in (*kinds, rounded) if not kind.is_empty] + [st.sampled_from((one.low, one.high))])


def _whole(one: Range) -> SearchStrategy[float]:
    low, high = math.ceil(one.low), math.floor(one.high)
    return st.integers(low, high).map(float) if low <= high else st.nothing()


def built(make: Callable[..., T], *parts: SearchStrategy[Any]) -> SearchStrategy[T]:
    """make(*parts), as st.builds, but shown by what it is and not by how it was made, which takes seconds to print."""
    return _made(make, st.tuples(*parts))


@st.composite
def _made(draw: DrawFn, make: Callable[..., T], parts: SearchStrategy[tuple[Any, ...]]) -> T:
    return make(*draw(parts))


def _named(values: dict[str, SearchStrategy[float]]) -> SearchStrategy[dict[str, float]]:
    """{name: value} in the order given."""
    return built(lambda *found: dict(zip(values, found, strict=True)), *values.values())


def parameters(twin: Twin) -> SearchStrategy[dict[str, float]]:
    """{name: value}, every value between the 0.1 % and 99.9 % quantiles of its prior and inside its bounds.

    Often all of them lie at such a quantile: what breaks, breaks in the corners first."""
    inside, corners = st.integers(-TAIL, TAIL), st.sampled_from((-TAIL, TAIL))
    return st.one_of([_named({p.name: _values(p, at) for p in twin.model.parameters}) for at in (inside, corners)])


def _values(parameter: Parameter, share: SearchStrategy[int]) -> SearchStrategy[float]:
    """The quantiles of a prior at shares, in thousandths from the median."""
    low, high = (parameter.prior.quantile(0.5 + tail / 1000) for tail in (-TAIL, TAIL))

    def value(thousandths: int) -> float:
        at = parameter.prior.quantile(0.5 + thousandths / 1000)
        return at if thousandths == 0 else min(max(float(f"{at:.3g}"), low), high)

    return share.map(value)


def inputs(twin: Twin, envelope: Envelope | None = None) -> SearchStrategy[dict[str, float]]:
    """{name: level} of every covariate, and of the inputs that have a level."""
    ranges = envelope_for(twin, envelope).levels
    return _named({name: numbers(one) for name, one in ranges.items()})


def initial_states(twin: Twin, envelope: Envelope | None = None) -> SearchStrategy[tuple[float, ...]]:
    """The state at the start, in the model's order; 0 where the envelope gives no range."""
    ranges = envelope_for(twin, envelope).initial
    return st.tuples(*(numbers(ranges[name]) if name in ranges else st.just(0.0) for name in twin.model.states))


def resolution(duration: float) -> float:
    """The distance of neighbouring instants: a power of two, so that shifting and adding times is exact."""
    return float(2.0 ** math.floor(math.log2(duration / INSTANTS)))


def times(duration: float, first: int = 0) -> SearchStrategy[float]:
    """Instants from `first` times the resolution up to `duration`, which are multiples of the resolution."""
    step = resolution(duration)
    return st.integers(first, int(duration / step)).map(lambda count: count * step)


def observed_times(duration: float) -> SearchStrategy[tuple[float, ...]]:
    """One to five ascending instants after 0."""
    return st.lists(times(duration, 1), min_size=1, max_size=5, unique=True).map(lambda found: tuple(sorted(found)))


def instants(duration: float, most: int = SLOTS) -> SearchStrategy[list[float]]:
    """One to `most` ascending instants for all events of a course, so that some coincide."""
    return st.lists(times(duration), min_size=1, max_size=most, unique=True).map(sorted)


def schedules(twin: Twin, envelope: Envelope | None = None, *, slots: int = SLOTS) -> SearchStrategy[Schedule]:
    """Schedules from 0 on: boluses, overlapping infusions and levels, at no more than `slots` different instants."""
    inside = envelope_for(twin, envelope)
    length = times(inside.duration, 1)
    given = [st.tuples(SLOT, st.just(name), numbers(one)) for name, one in inside.boluses.items()]
    flows = [st.tuples(SLOT, length, st.just(name), numbers(one)) for name, one in inside.rates.items()]
    later = [st.tuples(SLOT, st.just(name), numbers(inside.levels[name])) for name in inside.varying]
    when = instants(inside.duration, slots)
    return built(_schedule, when, _some(given), _some(flows), inputs(twin, inside), _some(later))


def _schedule(
    when: list[float],
    given: list[tuple[int, str, float]],
    flows: list[tuple[int, float, str, float]],
    levels: dict[str, float],
    later: list[tuple[int, str, float]],
) -> Schedule:
    """Events by the number of their instant. A later level of one input and instant replaces the earlier one."""
    at = _at(when)
    boluses = tuple(Bolus(at(slot), state, amount) for slot, state, amount in given)
    infusions = tuple(Infusion(at(slot), at(slot) + length, name, rate) for slot, length, name, rate in flows)
    changes = {(at(slot), name): value for slot, name, value in later if at(slot) > 0.0}
    held = tuple(Level(0.0, name, value) for name, value in levels.items())
    return Schedule(0.0, boluses, infusions, held + tuple(Level(t, name, v) for (t, name), v in changes.items()))


def _at(when: list[float]) -> Callable[[int], float]:
    return lambda slot: when[slot % len(when)]


def _some(kinds: list[SearchStrategy[T]]) -> SearchStrategy[list[T]]:
    return st.lists(st.one_of(kinds), max_size=MOST_EVENTS) if kinds else st.just([])


def cohort_units(model: Model, envelope: Envelope) -> dict[str, str]:
    """The units of a drawn cohort: those of the envelope and of the model."""
    covariates = {name: one.unit for name, one in envelope.covariates.items()}
    observables = {o.name: o.unit for o in model.observables}
    all_named = envelope.doses and set(envelope.doses) <= set(envelope.dose_units)
    doses = dict(envelope.dose_units) | ({} if all_named else {"dose": envelope.dose_unit})
    return {"time": model.time_unit, **doses, **covariates, **observables}


def cohorts(
    twin: Twin, envelope: Envelope | None = None, *, most: int = 2, slots: int = SLOTS
) -> SearchStrategy[Cohort]:
    """Valid cohorts of one to `most` patients, in the model's units, as the twin's `schedule` takes them.

    A patient's doses are given at no more than `slots` different instants."""
    inside = envelope_for(twin, envelope)
    units = cohort_units(twin.model, inside)

    def cohort(found: list[Patient]) -> Cohort:
        return make_cohort("drawn", [replace(one, id=str(i + 1)) for i, one in enumerate(found)], units)

    return built(cohort, st.lists(_patients(twin, inside, slots), min_size=1, max_size=most))


def _patients(twin: Twin, envelope: Envelope, slots: int) -> SearchStrategy[Patient]:
    covariates = _named({key: numbers(one) for key, one in envelope.covariates.items()})
    length = st.just(0.0) | numbers(envelope.infused) if envelope.infused else st.just(0.0)
    recorded = {key: key if key in envelope.dose_units else "dose" for key in envelope.doses}
    doses = [
        st.tuples(
            SLOT, numbers(one).map(_by(dose_factor(twin.name, envelope, key, one))), length, st.just(recorded[key])
        )
        for key, one in envelope.doses.items()
    ]
    sampled = st.one_of([_samples(o.name, envelope) for o in twin.model.observables])
    low, high = math.ceil(envelope.samples.low), math.floor(envelope.samples.high)
    samples = st.lists(sampled, min_size=low, max_size=high, unique_by=lambda m: (m.time, m.observable))

    def patient(
        known: dict[str, float],
        when: list[float],
        given: list[tuple[int, float, float, str]],
        found: list[Measurement],
    ) -> Patient:
        at, scale = _at(when), known.get(envelope.dose_per, 1.0)
        amounts = [
            Dose(at(slot), float(f"{amount * scale:.12g}"), lasting, what) for slot, amount, lasting, what in given
        ]
        ordered = sorted(found, key=lambda m: (m.time, m.observable))
        return Patient("1", tuple(known.items()), tuple(sorted(amounts, key=lambda d: d.time)), tuple(ordered))

    return built(patient, covariates, instants(envelope.duration, slots), _some(doses), samples)


def _by(scale: float) -> Callable[[float], float]:
    return lambda value: value * scale


def _samples(observable: str, envelope: Envelope) -> SearchStrategy[Measurement]:
    values = numbers(envelope.measured[observable]) if observable in envelope.measured else st.just(1.0)
    return built(Measurement, times(envelope.duration, 1), st.just(observable), values)
