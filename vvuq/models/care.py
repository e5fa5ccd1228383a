"""The care process of a twin: when measurements are ordered, as far as the record so far tells.

That a measurement was taken is evidence of its own. Time is cut into slots; in each of them one is ordered or not, with
a probability that depends on drivers: plain functions of what was on record before the slot began."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

from vvuq.errors import InputError
from vvuq.models.model import Model
from vvuq.record import Floats

Uses = Literal["clock", "orders", "shown", "given"]
CONSTANT = "constant"
TAKEN = (CONSTANT, "now", "now_blind")  # names that values of an analysis have


@dataclass(frozen=True, slots=True)
class Known:
    """What a driver is shown: the record strictly before `time`, when a slot begins. Times in the model's unit.

    start: when the stretch of readings began that the slot lies in. orders (k,): times of earlier orders. times and
    values (n,): earlier readings of what is shown. given (g,): times at which a dose was written down. What a driver
    does not use is empty for it. Records that keep all events of a slot under one time, as diaries do, do not say
    what of them came first: nothing of the slot itself is known."""

    time: float
    start: float
    orders: Floats
    times: Floats
    values: Floats
    given: Floats


@dataclass(frozen=True, slots=True)
class Driver:
    """One driver: its name in tables, what it means, the part of the record that it uses beside the clock, and
    function(Known) -> float; not-a-number where it is not known."""

    name: str
    meaning: str
    uses: Uses
    function: Callable[[Known], float]


@dataclass(frozen=True, slots=True)
class Care:
    """How measurements of `orders` come about, in a record whose state another observable, `shows`, follows throughout.

    slot: length of a slot. gap: after so long without a reading of `shows` there are no slots until the next one.
    given: kinds of doses whose times drivers see, without what flows for a time. step: difference of `shows`, in its
    unit, for which an odds ratio of the present value is told. prior: SD of the normal prior of each coefficient; that
    of the constant is four times as wide."""

    orders: str
    shows: str
    slot: float
    gap: float
    drivers: tuple[Driver, ...]
    given: tuple[str, ...] = ()
    step: float = 1.0
    prior: float = 2.5

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the coefficients: the constant, then the drivers."""
        return (CONSTANT, *(driver.name for driver in self.drivers))


def check_care(where: str, model: Model, care: Care) -> None:
    """Raises InputError where the declaration speaks of what the model does not have, or cannot be."""
    for name in (care.orders, care.shows):
        model.observable_index(name)
    if care.orders == care.shows:
        raise InputError(where, "care.shows", care.shows, "an observable beside the one that is ordered")
    for field in ("slot", "step", "prior"):
        if not 0.0 < getattr(care, field) < float("inf"):
            raise InputError(where, f"care.{field}", getattr(care, field), "a finite value above 0")
    if not care.slot <= care.gap < float("inf"):
        raise InputError(where, "care.gap", care.gap, f"a finite time of a slot, {care.slot:g}, or longer")
    if not care.drivers:
        raise InputError(where, "care.drivers", (), "a Driver or more; the constant comes by itself")
    names = care.names
    for driver in care.drivers:
        if not driver.name.isidentifier() or names.count(driver.name) > 1 or driver.name in TAKEN:
            remedy = f"names that are identifiers, differ, and are none of {', '.join(TAKEN)}"
            raise InputError(where, "care.drivers", driver.name, remedy)
        _check_driver(where, care, driver)


def _check_driver(where: str, care: Care, driver: Driver) -> None:
    field = f"care.drivers, {driver.name}"
    if driver.uses not in get_args(Uses):
        raise InputError(where, f"{field}, uses", driver.uses, f"one of {', '.join(get_args(Uses))}")
    if driver.uses == "given" and not care.given:
        raise InputError(where, "care.given", (), f"the kinds of doses that {driver.name} speaks of")
    for known in _examples():
        try:
            value = float(driver.function(known))
        except Exception as error:
            said = f"{type(error).__name__}: {error}"
            raise InputError(
                where, field, said, "a function of Known that gives a number, an empty record's too"
            ) from error
        if value in (float("inf"), float("-inf")):
            raise InputError(where, field, value, "finite values, or not-a-number where nothing is known")


def _examples() -> tuple[Known, Known]:
    """The beginning of a record, and the middle of one."""
    import numpy as np

    none, some = np.zeros(0), np.array([100.0, 900.0, 1000.0])
    return Known(0.0, 0.0, none, none, none, none), Known(1015.0, 0.0, some, some, some, some)
