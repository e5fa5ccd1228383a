"""Filters by name, with options in plain values: what a plan can ask for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any

from vvuq.assimilation.denkf import Denkf
from vvuq.assimilation.eakf import Eakf
from vvuq.assimilation.enkf import PerturbedObservations
from vvuq.assimilation.etkf import Etkf
from vvuq.assimilation.inflation import Adaptive, Relaxation
from vvuq.assimilation.kalman import Kalman
from vvuq.assimilation.letkf import Letkf
from vvuq.assimilation.localization import Localization, exponential, gaspari_cohn, localization
from vvuq.assimilation.method import Method
from vvuq.assimilation.particle import Auxiliary, Bootstrap
from vvuq.assimilation.reduced import ReducedUnscented
from vvuq.assimilation.ukf import Unscented
from vvuq.errors import InputError, near
from vvuq.record import Floats

METHODS: dict[str, Callable[..., Method]] = {
    "kalman": Kalman,
    "ukf": Unscented,
    "reduced_ukf": ReducedUnscented,
    "enkf": PerturbedObservations,
    "etkf": Etkf,
    "denkf": Denkf,
    "eakf": Eakf,
    "letkf": Letkf,
    "bootstrap": Bootstrap,
    "auxiliary": Auxiliary,
}
TAPERS: dict[str, Callable[[Floats, float], Floats]] = {"gaspari_cohn": gaspari_cohn, "exponential": exponential}


def method(name: str, options: Mapping[str, Any], distances: tuple[Floats, Floats] | None = None) -> Method:
    """The filter of this name. Options are its fields; `inflation` a factor, {relaxation: SHARE} or {adaptive: SD};
    `localization` {TAPER: LENGTH} with the distances (d, q) and (q, q) of a system that has places.

    Raises InputError for a name or option that does not exist, and what the filter itself refuses."""
    if name not in METHODS:
        raise InputError("filter", "method", name, f"one of {', '.join(METHODS)}{near(name, METHODS)}")
    made: Any = METHODS[name]
    known = [field.name for field in fields(made)]
    given = dict(options)
    for option in given:
        if option not in known:
            raise InputError("filter", f"option of {name}", option, f"one of {', '.join(known)}{near(option, known)}")
    if isinstance(given.get("inflation"), Mapping):
        given["inflation"] = _one(given["inflation"], "inflation", {"relaxation": Relaxation, "adaptive": Adaptive})
    if given.get("localization") is not None:
        given["localization"] = _localization(given["localization"], distances)
    try:
        found: Method = made(**given)
    except TypeError as error:
        raise InputError("filter", f"options of {name}", dict(options), str(error)) from None
    return found


def _localization(given: object, distances: tuple[Floats, Floats] | None) -> Localization:
    if distances is None:
        raise InputError("filter", "localization", given, "a system whose rows and observables have places")
    made = {name: lambda length, taper=taper: lambda apart: taper(apart, length) for name, taper in TAPERS.items()}
    return localization(*distances, _one(given, "localization", made))


def _one(given: object, field: str, known: Mapping[str, Callable[..., Any]]) -> Any:
    """known[name](value) of {name: value}."""
    if not (isinstance(given, Mapping) and len(given) == 1 and next(iter(given)) in known):
        raise InputError("filter", field, given, f"{{NAME: VALUE}} with one of {', '.join(known)}")
    ((name, value),) = given.items()
    return known[name](value)
