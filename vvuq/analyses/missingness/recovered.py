"""Simulated patients whose orders have a known reason, by filters that believe different things of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from pydantic import ConfigDict, ValidationError, validate_call
from scipy.optimize import minimize, minimize_scalar

from vvuq.analyses.missingness.units import after, per
from vvuq.analyses.settings import refused
from vvuq.assimilation.aware import Aware, Mechanism
from vvuq.assimilation.method import Method
from vvuq.assimilation.ordered import Judged, Ordered, Truths, belief_of, judged, offsets_of, shown, steeper, truths
from vvuq.assimilation.ukf import Unscented
from vvuq.data.missingness.record import Mechanism as Generative
from vvuq.data.missingness.selection import Selection
from vvuq.errors import NotEvaluable, near
from vvuq.methods.jackknife import mean_quantity
from vvuq.models.twin import Twin
from vvuq.numerics.streams import Draws
from vvuq.record import Cell, Floats, Quantity, Table
from vvuq.strict_yaml import value_and_remedy

PERCENT = 100.0
MEASURES = ("bias", "rmse", "coverage", "nees", "silent")
NAIVE, AWARE, HALF, DOUBLE, BELIEVED, FITTED = "naive", "aware", "half", "double", "believed", "fitted"
MEANT = {
    NAIVE: "values alone",
    AWARE: "values and orders, by the mechanism as it is",
    HALF: "the same with half the slope, the intercept fitted",
    DOUBLE: "the same with twice the slope, the intercept fitted",
    BELIEVED: "values and orders, by a mechanism that is not there, the intercept fitted",
    FITTED: "the same with the slope fitted too",
}
SOME = 60  # patients by whom numbers of a mechanism are fitted


@dataclass(frozen=True, eq=False, slots=True)
class Arm:
    """What a filter that believes `belief`, or nothing, made of orders by the mechanism `why`."""

    why: str
    name: str
    belief: Mechanism | None
    found: Judged
    silent: Floats  # mean error (N,) over decisions against measuring; not-a-number for a patient without one


@dataclass(frozen=True, eq=False, slots=True)
class Tried:
    """Patients drawn from a situation, what was shown of each by every mechanism, and how each filter fared."""

    of: Ordered
    truth: Truths
    shown: Mapping[str, Floats]
    arms: tuple[Arm, ...]

    @property
    def unit(self) -> str:
        """Of the watched row."""
        return str(self.of.system.model.states[self.of.watched])

    @property
    def after(self) -> str:
        """The unit as it stands behind a number: nothing where there is none."""
        return after(self.unit)

    def measured(self, why: str) -> Floats:
        """Whether the channel was measured (N, T)."""
        return ~np.isnan(self.shown[why][:, :, self.of.system.channels.index(self.of.channel)])


def situation(twin: Twin, choice: Mapping[str, Any], setting: str) -> Ordered:
    """The twin's situation that a plan names, {"situation": NAME, its settings}; `setting` is where it stands.

    Raises NotEvaluable where the twin declares none, InputError where it has not this one or refuses a value."""
    name, given = choice.get("situation"), {key: value for key, value in choice.items() if key != "situation"}
    if not twin.ordered:
        raise NotEvaluable(f"twin {twin.name} declares no situation, and {setting} needs one: Twin(ordered=...)")
    if not isinstance(name, str) or name not in twin.ordered:
        raise refused(f"{setting}.situation", name, f"a situation of {twin.name}{near(str(name), twin.ordered)}")
    try:
        made: Ordered = validate_call(config=ConfigDict(strict=True))(twin.ordered[name])(**given)
    except ValidationError as error:
        detail = error.errors()[0]
        value, remedy = value_and_remedy(detail)
        raise refused(".".join([setting, *map(str, detail["loc"])]), value, remedy) from None
    return made


def informative(of: Ordered) -> dict[str, Generative]:
    """Mechanisms that depend on the state or on the value."""
    return {name: one for name, one in of.mechanisms.items() if belief_of(one) is not None}


def ignorable(of: Ordered) -> dict[str, Generative]:
    """Mechanisms that have nothing to say of the state, given what is on record."""
    return {name: one for name, one in of.mechanisms.items() if belief_of(one) is None}


def metrics(of: Ordered, whys: Sequence[str], arms: Sequence[str]) -> dict[str, str]:
    """Every value by mechanism and arm, with its unit."""
    unit = str(of.system.model.states[of.watched])
    units = {"bias": unit, "rmse": unit, "coverage": "%", "nees": "1", "silent": unit}
    out = {f"{what}_{why}_{arm}": units[what] for why in whys for arm in arms for what in MEASURES}
    return out | {f"measured_{why}": "%" for why in whys} | {"n_patients": "1", "n_failed": "1"}


def tried(of: Ordered, mechanisms: Mapping[str, Generative], arms: Sequence[str], count: int, seed: int) -> Tried:
    """Every arm on `count` patients; all arms see the same patients, and of one mechanism the same measurements."""
    draws = Draws(seed, "ordered")
    truth = truths(of, count, draws)
    seen = {why: shown(of, one, truth, draws) for why, one in mechanisms.items()}
    found = [_arm(of, why, one, arm, truth, seen[why], draws) for why, one in mechanisms.items() for arm in arms]
    return Tried(of, truth, seen, tuple(found))


def _arm(of: Ordered, why: str, mechanism: Generative, arm: str, truth: Truths, values: Floats, draws: Draws) -> Arm:
    offsets = offsets_of(of, mechanism, values) if arm != NAIVE else None
    belief = believed(of, mechanism, arm, truth, values, offsets, draws)
    found = judged(of, _method(belief), truth, values, draws, offsets)
    silent = np.isnan(values[:, :, of.system.channels.index(of.channel)])
    error = np.where(silent, found.mean - truth.states[:, :, of.row], 0.0)
    count = silent.sum(axis=1)
    return Arm(why, arm, belief, found, np.where(count > 0, error.sum(axis=1) / np.maximum(count, 1), np.nan))


def _method(belief: Mechanism | None) -> Method:
    return Unscented() if belief is None else Aware(Unscented(), (belief,))


def believed(
    of: Ordered, mechanism: Generative, arm: str, truth: Truths, values: Floats, offsets: Floats | None, draws: Draws
) -> Mechanism | None:
    """What the filter of an arm takes for the mechanism; numbers are fitted to the first patients."""
    if arm == NAIVE:
        return None
    own = belief_of(mechanism)
    if arm == AWARE:
        return own
    start, some = own or of.believed, Truths(truth.states[:SOME], truth.values[:SOME])
    told = None if offsets is None else offsets[:SOME]

    def cost(shift: float, factor: float) -> float:
        belief = _moved(start, shift, factor)
        found = judged(of, _method(belief), some, values[:SOME], draws, told)
        return -float(found.log_likelihood.sum()) if not found.failed else 1e12

    if arm == FITTED:
        simplex = np.array([[0.0, 0.0], [0.5, 0.0], [0.0, 0.3]])

        def both(x: Floats) -> float:
            return cost(float(x[0]), float(x[1]))

        done = minimize(
            both, np.zeros(2), method="Nelder-Mead",
            options={"xatol": 0.02, "fatol": 0.02, "maxfev": 60, "initial_simplex": simplex},
        )  # fmt: skip
        return _moved(start, float(done.x[0]), float(done.x[1]))
    factor = {HALF: 0.5, DOUBLE: 2.0, BELIEVED: 1.0}[arm]
    best = minimize_scalar(lambda x: cost(x, factor), bounds=(-6.0, 6.0), method="bounded", options={"xatol": 0.02})
    return _moved(start, float(best.x), factor)


def _moved(one: Mechanism, shift: float, factor: float) -> Mechanism:
    """With the slopes times a factor; the intercept too, and moved: a predictor turns about where it is even."""
    return replace(steeper(one, factor), intercept=factor * one.intercept + shift)


def values_of(found: Tried) -> dict[str, Quantity]:
    """By mechanism and arm, with 95 % intervals over patients."""
    values, unit = {}, found.unit
    for arm in found.arms:
        one, end = arm.found, f"{arm.why}_{arm.name}"
        values[f"bias_{end}"] = mean_quantity(one.bias, unit)
        values[f"rmse_{end}"] = mean_quantity(one.rmse, unit, low=0.0)
        values[f"coverage_{end}"] = mean_quantity(PERCENT * one.coverage, "%", low=0.0, high=PERCENT)
        values[f"nees_{end}"] = mean_quantity(one.nees, "1", low=0.0)
        values[f"silent_{end}"] = mean_quantity(arm.silent, unit)
    for why in found.shown:
        values[f"measured_{why}"] = mean_quantity(
            PERCENT * found.measured(why).mean(axis=1), "%", low=0.0, high=PERCENT
        )
    failed = sum(arm.found.failed for arm in found.arms)
    return values | {
        "n_patients": Quantity(float(len(found.truth.states)), "1"),
        "n_failed": Quantity(float(failed), "1"),
    }


def rows_of(found: Tried, values: Mapping[str, Quantity]) -> Table:
    """A row for each mechanism and filter."""
    rows: list[tuple[Cell, ...]] = []
    for arm in found.arms:
        told: list[Cell] = [arm.why, arm.name]
        for what in MEASURES:
            q = values[f"{what}_{arm.why}_{arm.name}"]
            told += [q.value, q.low, q.high] if what in ("bias", "coverage") else [q.value]
        intercept = None if arm.belief is None else arm.belief.intercept
        rows.append((*told, values[f"measured_{arm.why}"].value, intercept, slope_of(arm.belief)))
    columns = ("mechanism", "filter", "bias", "bias_low", "bias_high", "rmse", "coverage", "coverage_low",
               "coverage_high", "nees", "silent", "measured", "intercept", "slope")  # fmt: skip
    unit = found.unit
    units = ("", "", *(unit,) * 4, *("%",) * 3, "1", unit, "%", "1", per(unit))
    title = f"Error of {found.of.meaning} by what decides on a {found.of.channel} and what the filter takes for it"
    return Table(title, columns, units, tuple(rows))


def slope_of(belief: Mechanism | None) -> float | None:
    """The first slope of a mechanism."""
    if belief is None:
        return None
    return belief.slope if isinstance(belief, Selection) else belief.slopes[0][1]
