"""Shared by `what_if`: its rows as values with intervals over patients, tables, and sentences."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from vvuq.analyses.validation.what_if_rows import CHANGES, GAINS, NOTED, SCORED, SHOWN, Question, Rows
from vvuq.methods.jackknife import jackknife, t_quantity
from vvuq.record import Cell, Floats, Quantity, Table

Values = Mapping[str, Quantity]
ACTIONS = {"food": "carbohydrate now", "bolus": "bolus withheld"}
UNTESTED = (
    "What-ifs are predictions of the model, not effects that were observed: the records cannot test them, since food "
    "was eaten and insulin given because of what glucose was and was expected to do (confounding by indication). Only "
    "their consistency can be tested: whether knowing of a recorded dose makes forecasts better."
)
_COUNTS = ("n_patients", "n_origins", "n_food", "n_bolus", "n_bolus_prompted", "n_known_food", "n_known_bolus",
           "n_not_forecast", "n_wrong_way_food", "n_wrong_way_bolus")  # fmt: skip


def units(unit: str) -> dict[str, str]:
    """Name and unit of every number of `values`, for readings in `unit`."""
    out = dict.fromkeys(_COUNTS, "1")
    for name in ACTIONS:
        for h in SHOWN:
            out |= {f"{key}_{name}_{h}": unit for key in ("change", "member_low", "member_high")}
            out[f"pairing_{name}_{h}"] = "1"
        out |= {
            f"{key}_{name}": "%"
            for key in ("before", "after", "probability_change", "members_rising", "members_below_zero")
        }
        out[f"pairing_event_{name}"] = "1"
        for h in SCORED:
            keys = ("gain", "crps_knowing", "crps_ignoring", "bias_knowing", "bias_ignoring")
            out |= {f"{key}_{name}_{h}": unit for key in keys}
    return out


def values_of(rows: Mapping[str, Rows], unit: str) -> dict[str, Quantity]:
    """All of `units` that can be told: means over patients of each patient's mean; none where nobody has such rows."""
    of = units(unit)
    changes = {"food": [r.food for r in rows.values()], "bolus": [r.bolus for r in rows.values()]}
    gains = {"food": [r.knows_food for r in rows.values()], "bolus": [r.knows_bolus for r in rows.values()]}
    counts = {
        "n_patients": len(rows), "n_origins": sum(r.looked for r in rows.values()),
        "n_bolus_prompted": sum(r.prompts for r in rows.values()),
        "n_not_forecast": sum(r.failed for r in rows.values()),
    }  # fmt: skip
    out: dict[str, Quantity] = {}
    for name in ACTIONS:
        counts[f"n_{name}"] = sum(map(len, changes[name]))
        counts[f"n_known_{name}"] = sum(map(len, gains[name]))
        counts[f"n_wrong_way_{name}"] = int(sum(row[CHANGES.index("wrong")] for part in changes[name] for row in part))
        out |= _means(changes[name], name, _changed, of) | _means(gains[name], name, _gained, of)
    return out | {key: Quantity(float(count), "1") for key, count in counts.items()}


def _means(
    parts: Sequence[Sequence[Floats]],
    name: str,
    numbers: Callable[[Floats, str], dict[str, float]],
    of: Mapping[str, str],
) -> dict[str, Quantity]:
    means = np.array([np.mean(part, axis=0) for part in parts if part])
    if not len(means):
        return {}
    told = numbers(means, name)
    value, error = told.values(), np.full(len(told), np.nan)
    if len(means) > 1:
        error = jackknife(means, lambda rows: np.array(list(numbers(rows, name).values())))[1]
    found = {key: (v, e) for key, v, e in zip(told, value, error, strict=True) if np.isfinite(v)}
    return {
        key: t_quantity(v, e, of[key], len(means), **_range(key, of[key])) for key, (v, e) in found.items()
    }  # fmt: skip


def _range(key: str, unit: str) -> dict[str, float]:
    if key.startswith(("crps", "pairing")):
        return {"low": 0.0}
    return {"low": 0.0, "high": 100.0} if unit == "%" and not key.startswith("probability_change") else {}


def _changed(means: Floats, name: str) -> dict[str, float]:
    """From means (patients, CHANGES). Pairing: the variance of an unpaired difference over that of a paired one."""
    mean = dict(zip(CHANGES, means.mean(axis=0).tolist(), strict=True))
    out: dict[str, float] = {}
    for h in SHOWN:
        out[f"change_{name}_{h}"] = mean[f"change_{h}"]
        out[f"member_low_{name}_{h}"], out[f"member_high_{name}_{h}"] = mean[f"low_{h}"], mean[f"high_{h}"]
        out[f"pairing_{name}_{h}"] = _over(mean[f"unpaired_{h}"], mean[f"paired_{h}"])
    out |= {f"before_{name}": mean["before"], f"after_{name}": mean["after"]}
    out |= {f"probability_change_{name}": mean["after"] - mean["before"], f"members_rising_{name}": mean["raised"]}
    out[f"members_below_zero_{name}"] = mean["below_zero"]
    return out | {f"pairing_event_{name}": _over(mean["unpaired_event"], mean["paired_event"])}


def _gained(means: Floats, name: str) -> dict[str, float]:
    mean = dict(zip(GAINS, means.mean(axis=0).tolist(), strict=True))
    out: dict[str, float] = {}
    for h in SCORED:
        knows, ignores = mean[f"knowing_{h}"], mean[f"ignoring_{h}"]
        out |= {f"gain_{name}_{h}": ignores - knows, f"crps_knowing_{name}_{h}": knows}
        out |= {f"crps_ignoring_{name}_{h}": ignores}
        out |= {f"bias_{what}_{name}_{h}": mean[f"bias_{what}_{h}"] for what in ("knowing", "ignoring")}
    return out


def _over(a: float, b: float) -> float:
    return a / b if b > 0.0 else float("nan")


def tables_of(rows: Mapping[str, Rows], values: Values, unit: str) -> dict[str, Table]:
    """Changes by action and horizon, the events' probabilities, what knowing a dose gains, and each patient's."""
    told = [name for name in ACTIONS if f"before_{name}" in values]
    made = {"changes": _changes(told, values, unit), "events": _events(told, values), "known": _known(values, unit),
            "by_patient": _by_patient(rows, unit)}  # fmt: skip
    return {name: table for name, table in made.items() if table.rows}


def _cells(values: Values, key: str) -> tuple[Cell, ...]:
    q = values.get(key)
    return (q.value, q.low, q.high) if q else (None, None, None)


def _changes(told: Sequence[str], values: Values, unit: str) -> Table:
    rows = [
        (ACTIONS[name], h, *_cells(values, f"change_{name}_{h}"), values[f"member_low_{name}_{h}"].value,
         values[f"member_high_{name}_{h}"].value, _cells(values, f"pairing_{name}_{h}")[0])
        for name in told for h in SHOWN
    ]  # fmt: skip
    columns = ("action", "ahead", "change", "low", "high", "member_low", "member_high", "variance_ratio")
    title = "Change of glucose by the model (95 % intervals over patients; 90 % of the members of a forecast)"
    return Table(title, columns, ("", "min", *(unit,) * 5, "1"), tuple(rows))


def _events(told: Sequence[str], values: Values) -> Table:
    rows = [
        (ACTIONS[name], values[f"before_{name}"].value, values[f"after_{name}"].value,
         *_cells(values, f"probability_change_{name}"), values[f"members_rising_{name}"].value,
         values[f"members_below_zero_{name}"].value,
         _cells(values, f"pairing_event_{name}")[0])
        for name in told
    ]  # fmt: skip
    columns = ("action", "before", "after", "change", "low", "high", "members_rising", "below_zero",
               "variance_ratio")  # fmt: skip
    title = "Probability of a reading below the threshold within three hours (95 % intervals over patients)"
    return Table(title, columns, ("", *("%",) * 7, "1"), tuple(rows))


def _known(values: Values, unit: str) -> Table:
    recorded = {"food": "meal", "bolus": "bolus"}
    rows = [
        (recorded[name], h, values[f"crps_knowing_{name}_{h}"].value, values[f"crps_ignoring_{name}_{h}"].value,
         *_cells(values, f"gain_{name}_{h}"), values[f"bias_knowing_{name}_{h}"].value,
         values[f"bias_ignoring_{name}_{h}"].value)
        for name in ACTIONS if f"gain_{name}_{SCORED[0]}" in values for h in SCORED
    ]  # fmt: skip
    columns = ("recorded", "ahead", "crps_knowing", "crps_ignoring", "gain", "low", "high", "bias_knowing",
               "bias_ignoring")  # fmt: skip
    title = "Forecasts that know of a dose recorded at their origin, and that do not (95 % intervals over patients)"
    return Table(title, columns, ("", "min", *(unit,) * 7), tuple(rows))


def _by_patient(rows: Mapping[str, Rows], unit: str) -> Table:
    out: list[tuple[Cell, ...]] = []
    for patient, mine in rows.items():
        for name, changes, gains in (("food", mine.food, mine.knows_food), ("bolus", mine.bolus, mine.knows_bolus)):
            told = _changed(np.array([np.mean(changes, axis=0)]), name) if changes else {}
            known = _gained(np.array([np.mean(gains, axis=0)]), name) if gains else {}
            out.append((patient, ACTIONS[name], len(changes), *(told.get(f"change_{name}_{h}") for h in SHOWN),
                        told.get(f"before_{name}"), told.get(f"after_{name}"), len(gains),
                        *(known.get(f"gain_{name}_{h}") for h in (60, 120))))  # fmt: skip
    columns = ("patient", "action", "origins", *(f"change_{h}" for h in SHOWN), "before", "after", "recorded",
               "gain_60", "gain_120")  # fmt: skip
    return Table(
        "Each patient's what-ifs", columns, ("", "", "1", *(unit,) * 3, "%", "%", "1", unit, unit), tuple(out), True
    )


def findings(asked: Question, values: Values) -> tuple[str, ...]:
    """What the twin says that an action would change, how surely, and what pairing saves."""
    out = []
    said = {"food": f"{asked.grams:g} g of {asked.food} now", "bolus": "withholding a recorded bolus"}
    where = {
        "food": f"where it gives a reading below {asked.threshold:g} within three hours "
        f"{100.0 * asked.prompted:g} % or more",
        "bolus": "at the origins where one was given",
    }
    for name in ACTIONS:
        if f"before_{name}" not in values:
            out.append(f"There is no moment in the records at which {said[name]} is asked for.")
            continue
        at = ", ".join(f"{_told(values[f'change_{name}_{h}'])} at {h} min" for h in SHOWN)
        count = int(values[f"n_{name}"].value)
        out.append(
            f"By the twin, {said[name]} ({count} moments, {where[name]}) changes glucose by {at}, and the event's "
            f"probability from {values[f'before_{name}'].value:.0f} to {values[f'after_{name}'].value:.0f} %; "
            f"{values[f'members_rising_{name}'].value:.1f} % of members are higher at all of these times."
        )
    ratios = [values[key].value for key in values if key.startswith("pairing_") and "event" not in key]
    if ratios:
        out.append(
            f"Both forecasts share their random numbers: the variance of a change is smaller than with numbers of "
            f"their own by a factor of {min(ratios):.0f} to {max(ratios):.0f}."
        )
    return (*out, *_tested(values))


def _tested(values: Values) -> list[str]:
    out = []
    for name, what in (("food", "a meal"), ("bolus", "a bolus")):
        if f"gain_{name}_60" in values:
            at = ", ".join(f"{_told(values[f'gain_{name}_{h}'], '.1f')} at {h} min" for h in SCORED)
            count = int(values[f"n_known_{name}"].value)
            out.append(f"Knowing of {what} recorded at the origin ({count} of them) lowers the CRPS by {at}.")
    return out


def negative(asked: Question, values: Values) -> tuple[str, ...]:
    """That a what-if was not observed; tests of consistency that the twin does not pass; members that move wrongly."""
    out = [UNTESTED]
    for name, what in (("food", "meal"), ("bolus", "bolus")):
        there = [h for h in SCORED if f"gain_{name}_{h}" in values]
        unsure = [str(h) for h in there if not _sure(values[f"gain_{name}_{h}"])]
        worse = [str(h) for h in there if (values[f"gain_{name}_{h}"].upper95 or 0.0) < 0.0]
        if unsure:
            out.append(f"It is not certain that knowing of a recorded {what} makes forecasts better at "
                       f"{', '.join(unsure)} min.")  # fmt: skip
        if worse:
            out.append(f"Forecasts that know of a recorded {what} are certainly worse at {', '.join(worse)} min.")
        wrong = int(values[f"n_wrong_way_{name}"].value)
        if wrong:
            out.append(
                f"{wrong} members that stay above 0 fall under {ACTIONS[name]} by more than {NOTED:g}, although the "
                "action can only raise glucose: the solver's fixed step is too long for them."
            )
        below = values.get(f"members_below_zero_{name}")
        if below and below.value > 0.0:
            out.append(f"{below.value:.1f} % of the members of these forecasts ({ACTIONS[name]}) come below 0, where "
                       "glucose cannot be and the effect of insulin turns round.")  # fmt: skip
    return tuple(out)


def _told(q: Quantity, form: str = ".0f") -> str:
    ends = f" [{q.low:{form}} to {q.high:{form}}]" if q.low is not None and q.high is not None else ""
    return f"{q.value:{form}}{ends} {q.unit}"


def _sure(q: Quantity) -> bool:
    return q.lower95 is not None and q.lower95 > 0.0
