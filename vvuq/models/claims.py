"""What the author of a twin promises, and inside which envelope; `vvuq.testing` tries to break it."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from vvuq.errors import InputError
from vvuq.models.model import Model
from vvuq.models.units import Measured, UnitError, factor, unit

Amount = Callable[[Any, Any, Any, Any], Any]


@dataclass(frozen=True, slots=True)
class Range:
    """All values from `low` to `high`, both included, in `unit`; `whole`: whole numbers only."""

    low: float
    high: float
    unit: str
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Balance:
    """What is inside changes only by what is given and by what passes the system's border.

    content(t, x, u, theta) -> amount inside, in `unit`; gain(t, x, u, theta) -> its rate of change through the border
    (inflow less outflow), in `unit` per time. A bolus counts by what it adds to the content."""

    name: str
    unit: str
    content: Amount
    gain: Amount


@dataclass(frozen=True, slots=True)
class Monotone:
    """More of `given` (a bolus into a state, an infusion into an input) never lowers `observable`, or never raises it
    where `rises` is false."""

    given: str
    observable: str
    rises: bool = True


@dataclass(frozen=True, slots=True)
class Envelope:
    """Where the claims hold. `duration`: the longest stay, in the model's unit of time.

    Of a patient's record, by the names it has there: `covariates`; `doses`, each kind by its name, in `dose_unit`, or
    in that per unit of the covariate `dose_per`; those in `dose_units` are recorded under their own name and in that
    unit, the others all as "dose"; `infused`: how long a dose takes that is no bolus (None: all are
    boluses); `measured`: values of the observables' samples; `samples`: how many there are.
    Of a schedule, by the model's names and units: `levels` of covariates and inputs, those in `varying` may change over
    the stay; `boluses` into states; `rates` of infusions into inputs; `initial` states, the others begin at 0."""

    duration: float
    covariates: Mapping[str, Range] = field(default_factory=dict)
    doses: Mapping[str, Range] = field(default_factory=dict)
    dose_unit: str = "mg"
    dose_per: str = ""
    dose_units: Mapping[str, str] = field(default_factory=dict)
    infused: Range | None = None
    measured: Mapping[str, Range] = field(default_factory=dict)
    samples: Range = Range(1.0, 3.0, "1", whole=True)
    levels: Mapping[str, Range] = field(default_factory=dict)
    varying: tuple[str, ...] = ()
    boluses: Mapping[str, Range] = field(default_factory=dict)
    rates: Mapping[str, Range] = field(default_factory=dict)
    initial: Mapping[str, Range] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Claims:
    """Promises of a twin's author; names are checked when the twin is declared.

    nonnegative: states and observables. continuous: the right-hand side is so in the states; where it is not, its slope
    has no bound. lipschitz: largest |f(x) - f(y)| / |x - y| of the right-hand side, per unit of
    time, in the maximum norm of the states in their declared units (None: it is only estimated). autonomous: neither
    the right-hand side nor an observable reads t. solver_error: the largest error of the twin's own step, as a share
    of the largest value of the course, for parameters within the central share `solver_prior` of each prior."""

    nonnegative: tuple[str, ...] = ()
    balances: tuple[Balance, ...] = ()
    monotone: tuple[Monotone, ...] = ()
    continuous: bool = True
    lipschitz: float | None = None
    autonomous: bool = True
    solver_error: float = 0.01
    solver_prior: float = 0.998
    envelope: Envelope | None = None


def check_claims(twin: str, model: Model, claims: Claims) -> None:
    """Raises InputError where claims name what the model has not, or hold numbers or units without meaning."""
    where = f"twin {twin}"
    observables = [o.name for o in model.observables]
    _known(where, "claims.nonnegative", claims.nonnegative, [*model.states, *observables])
    _known(where, "claims.monotone", [m.given for m in claims.monotone], [*model.states, *model.inputs])
    _known(where, "claims.monotone", [m.observable for m in claims.monotone], observables)
    if not 0.0 < claims.solver_prior < 1.0:
        raise InputError(where, "claims.solver_prior", claims.solver_prior, "a share between 0 and 1")
    for name in ("lipschitz", "solver_error"):
        value = getattr(claims, name)
        if value is not None and not 0.0 < value < math.inf:
            raise InputError(where, f"claims.{name}", value, "a positive number")
    if not claims.continuous and claims.lipschitz is not None:
        raise InputError(where, "claims.lipschitz", claims.lipschitz, "no bound where claims.continuous is false")
    for balance in claims.balances:
        _units(where, model, balance)
    if claims.envelope is not None:
        check_envelope(where, model, claims.envelope)


def check_envelope(where: str, model: Model, envelope: Envelope) -> None:
    """Raises InputError where an envelope does not fit the model, lacks a covariate, or has an impossible range."""
    observables = {o.name: o.unit for o in model.observables}
    inside = {**model.inputs, **model.covariates}
    homes: dict[str, Mapping[str, str]] = {
        "levels": inside, "boluses": model.states, "rates": model.inputs, "initial": model.states,
        "measured": observables,
    }  # fmt: skip
    for name, units in homes.items():
        ranges = getattr(envelope, name)
        _known(where, f"claims.envelope.{name}", ranges, units)
        for key, one in ranges.items():
            if unit(one.unit, where) != unit(units[key]):
                raise InputError(where, f"claims.envelope.{name}.{key}", one.unit, f"the model's unit, {units[key]}")
    _known(where, "claims.envelope.varying", envelope.varying, envelope.levels)
    for name in model.covariates:
        if name not in envelope.levels:
            raise InputError(where, "claims.envelope.levels", list(envelope.levels), f"a range of covariate {name}")
    if not 0.0 < envelope.duration < math.inf:
        raise InputError(where, "claims.envelope.duration", envelope.duration, f"a positive time in {model.time_unit}")
    if envelope.infused is not None and unit(envelope.infused.unit, where) != unit(model.time_unit):
        remedy = f"the model's unit of time, {model.time_unit}"
        raise InputError(where, "claims.envelope.infused", envelope.infused.unit, remedy)
    _ranges(where, envelope)
    _known(where, "claims.envelope.dose_units", envelope.dose_units, envelope.doses)
    for key, one in envelope.doses.items():
        dose_factor(where, envelope, key, one)


def dose_factor(where: str, envelope: Envelope, key: str, one: Range) -> float:
    """The number that turns a dose of this range, times the covariate `dose_per` if there is one, into the unit that
    the record has for its kind.

    Raises InputError where the units do not fit."""
    if envelope.dose_per and envelope.dose_per not in envelope.covariates:
        _known(where, "claims.envelope.dose_per", [envelope.dose_per], envelope.covariates)
    target = envelope.dose_units.get(key, envelope.dose_unit)
    if envelope.dose_per and envelope.covariates[envelope.dose_per].unit != "1":
        target += f"/{envelope.covariates[envelope.dose_per].unit}"
    return factor(one.unit, target, f"{where}: claims.envelope.doses.{key}")


def _ranges(where: str, envelope: Envelope) -> None:
    """Every range holds a value; amounts, durations and counts are possible ones."""
    positive, counted = ("doses", "infused"), ("samples",)
    for name in (f.name for f in fields(envelope) if f.name != "dose_units"):
        found = getattr(envelope, name)
        ranges = {name: found} if isinstance(found, Range) else found if isinstance(found, Mapping) else {}
        for key, one in ranges.items():
            place = f"claims.envelope.{name}" + (f".{key}" if key != name else "")
            holds = math.ceil(one.low) <= math.floor(one.high) if one.whole else one.low <= one.high
            if not (-math.inf < one.low and one.high < math.inf and holds):
                raise InputError(where, place, (one.low, one.high), "finite low <= high, with a value between them")
            if (name in positive and not one.low > 0.0) or (name in counted and not (one.whole and one.low >= 1.0)):
                remedy = "whole counts from 1 on" if name in counted else "values above 0"
                raise InputError(where, place, one.low, remedy)
            unit(one.unit, f"{where}: {place}")


def _known(where: str, field_: str, names: Collection[str], known: Collection[str]) -> None:
    for name in names:
        if name not in known:
            raise InputError(where, field_, name, f"one of {', '.join(known) or 'none declared'}")


def _units(where: str, model: Model, balance: Balance) -> None:
    """The content has the balance's unit, the gain that per time."""
    here = f"{where}: claims.balances.{balance.name}"
    time, own = unit(model.time_unit), unit(balance.unit, here)
    x = tuple(Measured(1.0, unit(u)) for u in model.states.values())
    u = tuple(Measured(1.0, unit(v)) for v in (*model.inputs.values(), *model.covariates.values()))
    theta = tuple(Measured(p.prior.quantile(0.5), unit(p.unit)) for p in model.parameters)
    for name, wanted in (("content", own), ("gain", own / time)):
        try:
            found = getattr(balance, name)(Measured(1.0, time), x, u, theta)
            Measured(1.0, wanted)._agree(found, f"the wanted unit and {name}")
        except (UnitError, ArithmeticError) as error:
            raise InputError(here, name, str(error), f"a value in {wanted}") from error
