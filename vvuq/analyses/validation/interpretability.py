"""Can what is inside of a forecaster be read: numbers with units, what is made of food and insulin, what was learned?

A number is readable where it has a unit and a meaning, and known where other patients would give nearly the same. What
has no such number can still be asked: what does a dose at a moment change?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from vvuq.analyses import analysis, evidence
from vvuq.analyses.settings import Interval, Name, refused
from vvuq.analyses.validation.answers import asked_at, each_answer
from vvuq.analyses.validation.forecast_comparison import Members, Stride
from vvuq.analyses.validation.forecasts import (
    HORIZONS,
    REFERENCES,
    Asked,
    Part,
    checked,
    chosen,
    fitted,
    left_out,
    seeded,
    slug,
    unit_of,
)
from vvuq.analyses.validation.learned_part import Learned, learned_of, learned_table, learned_values
from vvuq.analyses.validation.scaffold_answers import Action, action_label, dose_of
from vvuq.errors import NotEvaluable
from vvuq.interaction.forecaster import Fitted, Forecaster
from vvuq.interaction.inside import Inside, inside
from vvuq.methods.jackknife import errors_of, mean_quantity, raised, t_quantity
from vvuq.models.twin import Twin
from vvuq.record import Cell, Context, Evidence, Floats, Quantity, Table

KNOWN = 4.0  # a number is known where the ends of its 95 % interval differ by less than this factor
SURE = 90.0  # percent of moments at which an answer has to have the right direction


class Expected(Action):
    """A dose, and whether it raises what is read."""

    raises: bool


Actions = Annotated[list[Expected], Field(min_length=1)]
Told = Mapping[tuple[str, str], list[Floats]]  # of forecaster and action each patient's answers (moments, horizons)


def _metrics(twin: Twin, settings: Mapping[str, Any]) -> dict[str, str]:
    unit, told = unit_of(twin), [action_label(act) for act in settings["actions"]]
    out = {"n_patients": "1", "n_questions": "1"}
    for name, one in _candidates(twin, settings.get("forecasters")).items():
        key = slug(name)
        out |= dict.fromkeys((f"n_numbers_{key}", f"n_known_{key}", f"n_weights_{key}"), "1")
        for label in told:
            out |= {f"answer_{key}_{label}_{h}": unit for h in HORIZONS} | {f"right_{key}_{label}": "%"}
        if one.kind != "mechanistic":
            out[f"weights_alike_{key}"] = "1"
        if one.kind == "hybrid":
            out |= {f"learned_share_{key}": "%", f"learned_alike_{key}": "1"}
    return out


def _candidates(twin: Twin, names: Sequence[str] | None, *, short: bool = False) -> dict[str, Forecaster]:
    """Forecasters that are no baseline. Raises NotEvaluable where there is none."""
    known = chosen(twin, names, "interpretability.forecasters", short=short)
    kept = {name: one for name, one in known.items() if name not in REFERENCES and one.kind != "baseline"}
    if not kept:
        raise NotEvaluable(f"twin {twin.name} has no forecaster but baselines")
    return kept


@analysis(
    "Can what is inside of a forecaster be read, and what does it make of food and insulin?",
    suite="validation",
    metrics=_metrics,
)
def interpretability(
    twin: Twin,
    context: Context,
    *,
    actions: Actions,
    forecasters: list[Name] | None = None,
    folds: Annotated[int, Field(ge=2)] | None = None,
    bands: Interval | None = None,
    members: Members = 50,
    stride: Stride = 120.0,
    questions: Annotated[int, Field(ge=1)] = 6,
    short: bool = False,
) -> Evidence:
    """Each forecaster fitted to all build patients, and to all but each part of them, which says how well its numbers
    are known; each part is asked by what was fitted without it.

    bands: readings between which the learned part is told apart, 70 and 180 mg/dL where nothing else is said.
    questions, short, folds: as for scaffold_answers and forecast_comparison."""
    unit, build = unit_of(twin), context.build()
    cohort, asked = checked(build, unit, "interpretability"), seeded(context, members, stride, 70.0)
    for act in actions:
        if act["what"] not in dict(cohort.units):
            raise refused("interpretability.actions", act["what"], f"a kind of dose of {cohort.name}")
    known = _candidates(twin, forecasters, short=short)
    pairs, _ = left_out(known, cohort, folds, asked, "interpretability.folds")
    whole = fitted(known, cohort, asked, "all")
    moments = {p.id: asked_at(p, stride, questions) for p in cohort.patients}
    moments = {who: at for who, at in moments.items() if at.size}
    if len(moments) < 2:
        raise NotEvaluable(f"{len(moments)} patients with three hours to forecast: there must be 2")
    found = [_one(name, one, whole[name], pairs) for name, one in known.items()]
    told = {(name, action_label(act)): _asked(name, act, pairs, moments, asked) for name in known for act in actions}
    learned = [part for name in known if (part := learned_of(name, whole[name], pairs, cohort)) is not None]
    values = {
        "n_patients": Quantity(float(len(moments)), "1"),
        "n_questions": Quantity(float(sum(at.size for at in moments.values())), "1"),
    }
    for one in found:
        values |= one.values()
    values |= _answered(told, actions, unit) | learned_values(learned)
    inputs: dict[str, object] = {
        "cohort": cohort.digest, "forecasters": list(known), "folds": len(pairs), "members": members, "stride": stride,
        "actions": [dict(act) for act in actions], "bands": bands or [70.0, 180.0], "questions": questions,
        "short": short,
    }  # fmt: skip
    tables = {"inside": _inside(found, values), "numbers": _numbers(found),
              "answers": _answers(told, known, actions, values, unit)}  # fmt: skip
    if learned:
        tables["learned"] = learned_table(learned, bands or [70.0, 180.0], unit)
    return evidence(
        interpretability, twin.name, inputs, values=values, tables=tables, findings=_findings(found, values, learned),
        negative=_negative(known, actions, values),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class One:
    """A forecaster: its numbers with intervals, its weights by each fit (fits, w), the fit to all patients first."""

    name: str
    kind: str
    of: Inside
    numbers: tuple[Quantity, ...]
    weights: Floats

    def values(self) -> dict[str, Quantity]:
        """Counts, and the mean correlation of weights between the fit to all patients and the others."""
        key, known = slug(self.name), sum(_known(q) for q in self.numbers)
        counts = {"numbers": len(self.numbers), "known": known, "weights": self.weights.shape[1]}
        out = {f"n_{what}_{key}": Quantity(float(count), "1") for what, count in counts.items()}
        if self.kind != "mechanistic" and self.weights.shape[1] > 1:
            alike = [float(np.corrcoef(self.weights[0], row)[0, 1]) for row in self.weights[1:]]
            out[f"weights_alike_{key}"] = Quantity(float(np.mean(alike)), "1", n=len(alike))
        return out


def _known(q: Quantity) -> bool:
    return q.low is not None and q.high is not None and q.high < KNOWN * q.low


def _one(name: str, of: Forecaster, whole: Fitted, pairs: Sequence[Part]) -> One:
    first, others = inside(whole), [inside(fits[name]) for fits, _ in pairs]
    if first is None or any(one is None for one in others):
        raise NotEvaluable(f"forecaster {name} does not tell what it consists of: a method `inside` of what was fitted")
    rest = [one for one in others if one is not None]
    logs = np.log([one.value for one in first.numbers])
    errors = errors_of(np.log([[n.value for n in one.numbers] for one in rest]))
    numbers = tuple(
        raised(t_quantity(float(value), float(error), one.unit, len(rest)))
        for one, value, error in zip(first.numbers, logs, errors, strict=True)
    )
    return One(name, of.kind, first, numbers, np.array([first.weights, *(one.weights for one in rest)]))


def _asked(
    name: str, act: Expected, pairs: Sequence[Part], moments: Mapping[str, Floats], asked: Asked
) -> list[Floats]:
    """Of each patient the answers (moments, horizons) of what was fitted without that patient."""
    dose = dose_of(act)
    return [
        each_answer(fits[name], part, patient, moments[patient.id], dose, asked)
        for fits, part in pairs
        for patient in part.patients
        if patient.id in moments
    ]


def _answered(told: Told, actions: Sequence[Expected], unit: str) -> dict[str, Quantity]:
    """Mean answers, and how often the last one has the right direction; means over patients."""
    values, raises = {}, {action_label(act): act["raises"] for act in actions}
    for (name, label), each in told.items():
        means = np.array([rows.mean(axis=0) for rows in each])
        for place, h in enumerate(HORIZONS):
            values[f"answer_{slug(name)}_{label}_{h}"] = mean_quantity(means[:, place], unit)
        right = np.array([100.0 * _right(rows, raises[label])[-1] for rows in each])
        values[f"right_{slug(name)}_{label}"] = mean_quantity(right, "%", low=0.0, high=100.0)
    return values


def _right(each: Floats, raises: bool) -> Floats:
    """The share of answers (moments, horizons) with the right direction, by horizon."""
    return np.asarray(np.mean(each > 0.0 if raises else each < 0.0, axis=0))


def _inside(found: Sequence[One], values: Mapping[str, Quantity]) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for one in found:
        counts = (int(values[f"n_{what}_{slug(one.name)}"].value) for what in ("numbers", "known", "weights"))
        alike = values.get(f"weights_alike_{slug(one.name)}")
        rows.append((one.name, one.kind, *counts, "no weights" if alike is None else alike.value))
    columns = ("forecaster", "kind", "numbers", "known", "weights", "weights_alike")
    title = f"What forecasters consist of (known: the ends of the interval differ by less than a factor of {KNOWN:g})"
    return Table(title, columns, ("", "", "1", "1", "1", "1"), tuple(rows))


def _numbers(found: Sequence[One]) -> Table:
    """Each number once: forecasters that share a fit share its numbers."""
    owners: dict[tuple[Cell, ...], list[str]] = {}
    for one in found:
        for number, q in zip(one.of.numbers, one.numbers, strict=True):
            row = (number.name, number.unit, q.value, q.low, q.high, number.meaning)
            owners.setdefault(row, []).append(one.name)
    rows: list[tuple[Cell, ...]] = [(", ".join(names), *row) for row, names in owners.items()]
    columns = ("forecaster", "parameter", "unit", "estimate", "low", "high", "meaning")
    title = "Numbers with unit and meaning (95 % intervals: each part of the patients left out in turn)"
    return Table(title, columns, ("",) * len(columns), tuple(rows))


def _answers(
    told: Told, known: Mapping[str, Forecaster], actions: Sequence[Expected], values: Mapping[str, Quantity], unit: str
) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for act in actions:
        label = action_label(act)
        for name, one in known.items():
            right = 100.0 * np.mean([_right(each, act["raises"]) for each in told[name, label]], axis=0)
            for h, share in zip(HORIZONS, right.tolist(), strict=True):
                q = values[f"answer_{slug(name)}_{label}_{h}"]
                rows.append((label.replace("_", " "), name, one.kind, float(h), q.value, q.low, q.high, share))
    columns = ("action", "forecaster", "kind", "ahead", "answer", "low", "high", "right")
    title = "What a dose at a moment changes, by what was fitted to other patients (95 % intervals over patients)"
    return Table(title, columns, ("", "", "", "min", unit, unit, unit, "%"), tuple(rows))


def _findings(found: Sequence[One], values: Mapping[str, Quantity], learned: Sequence[Learned]) -> tuple[str, ...]:
    out = []
    for one in found:
        key = slug(one.name)
        n, known, weights = (int(values[f"n_{what}_{key}"].value) for what in ("numbers", "known", "weights"))
        readable = f"{n} numbers with a unit and a meaning, {known} of them known to within a factor of {KNOWN:g}"
        without = f"{weights} weights without" if weights else "nothing else"
        out.append(f"{one.name} consists of {readable if n else 'no number with a unit'}, and of {without}.")
    for part in learned:
        share = values[f"learned_share_{slug(part.forecaster)}"]
        told = f"an RMS of {share.value:.0f} % of the core's own slope of {part.state}"
        out.append(f"What {part.forecaster} learned adds, at readings of patients left out, {told}.")
    return tuple(out)


def _negative(
    known: Mapping[str, Forecaster], actions: Sequence[Expected], values: Mapping[str, Quantity]
) -> tuple[str, ...]:
    out = []
    for name in known:
        for act in actions:
            label = action_label(act)
            right, answer = values[f"right_{slug(name)}_{label}"], values[f"answer_{slug(name)}_{label}_{HORIZONS[-1]}"]
            if right.value < SURE:
                told = f"{answer.value:+.1f} {answer.unit} on average at {HORIZONS[-1]} min"
                wrong = f"in the wrong direction at {100.0 - right.value:.0f} % of moments"
                out.append(f"Asked what {label.replace('_', ' ')} change, {name} answers {wrong} ({told}).")
        alike = values.get(f"learned_alike_{slug(name)}")
        if alike is not None and (alike.low is None or alike.low < 0.5):
            ends = "" if alike.low is None else f", 95 % interval {alike.low:.2f} to {alike.high:.2f}"
            told = f"correlation {alike.value:.2f}{ends}"
            out.append(f"What {name} learned depends on who is left out of the fit ({told}).")
    return tuple(out)
