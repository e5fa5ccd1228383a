"""Would a wrong scaffold be seen in forecasts, and what does it do to the answers of what-ifs?

Each forecaster that stands on equations is fitted over the right scaffold and over wrong ones. No one knows the true
answer to a what-if of a patient: those of the first mechanistic forecaster over the right one are the reference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from pydantic import ConfigDict, Field, with_config
from typing_extensions import TypedDict

from vvuq.analyses import analysis, check, evidence
from vvuq.analyses.settings import Name, Positive, refused
from vvuq.analyses.validation.answers import answers, asked_at
from vvuq.analyses.validation.forecasts import (
    COLUMN,
    HORIZONS,
    REFERENCES,
    Scored,
    checked,
    chosen,
    fitted,
    scored,
    seeded,
    slug,
    unit_of,
)
from vvuq.analyses.validation.scaffolds import RIGHT, Wrong, WrongOnes, change_of, explored
from vvuq.errors import NotEvaluable
from vvuq.interaction.forecaster import Forecaster, over, shortened
from vvuq.methods.jackknife import mean_quantity
from vvuq.models.twin import Twin
from vvuq.record import Cell, Cohort, Context, Dose, Evidence, Finding, Floats, Quantity, Table

HARDLY, MUCH = 5.0, 30.0  # percent that a score is worse, and that an answer is off


@with_config(ConfigDict(extra="forbid", strict=True))
class Action(TypedDict):
    """A dose at the moment of the question: its kind, and how much in the cohort's unit."""

    what: Name
    amount: Positive


Actions = Annotated[list[Action], Field(min_length=1)]
DEFAULT: tuple[Action, ...] = ({"what": "carbohydrate", "amount": 20.0}, {"what": "rapid_insulin", "amount": 2.0})


@dataclass(frozen=True, slots=True)
class One:
    """A forecaster over one scaffold."""

    forecaster: str
    scaffold: str
    kind: str

    @property
    def key(self) -> str:
        """As it stands in names of values."""
        return f"{slug(self.forecaster)}_{slug(self.scaffold)}"


def _metrics(twin: Twin, settings: Mapping[str, Any]) -> dict[str, str]:
    unit, told = unit_of(twin), [action_label(a) for a in settings.get("actions") or DEFAULT]
    out = {"n_patients": "1", "n_origins": "1", "n_questions": "1"}
    for one in candidates(twin, settings.get("forecasters"), settings["wrong"]):
        out |= {f"crps_{one.key}_{h}": unit for h in HORIZONS}
        if one.scaffold != RIGHT:
            out[f"worse_{one.key}"] = "%"
        for label in told:
            out |= {f"answer_{one.key}_{label}": unit, f"bias_{one.key}_{label}": unit, f"off_{one.key}_{label}": "%"}
    return out


def action_label(action: Action) -> str:
    """As it stands in names of values: 20_carbohydrate."""
    return f"{action['amount']:g}_{action['what']}"


def candidates(twin: Twin, names: Sequence[str] | None, wrong: Sequence[Wrong]) -> dict[One, Forecaster]:
    """Each forecaster that is no baseline over the right scaffold, mechanistic ones first, then over the wrong ones
    those that have one. Raises NotEvaluable without a mechanistic forecaster, InputError as change_of."""
    known = chosen(twin, names, "scaffold_answers.forecasters")
    kept = {name: one for name, one in known.items() if name not in REFERENCES and one.kind != "baseline"}
    kept = dict(sorted(kept.items(), key=lambda item: item[1].kind != "mechanistic"))
    if not any(one.kind == "mechanistic" for one in kept.values()):
        raise NotEvaluable(f"twin {twin.name} has no mechanistic forecaster whose answers could be the reference")
    out = {One(name, RIGHT, one.kind): one for name, one in kept.items()}
    for place, scaffold in enumerate(wrong):
        change = change_of(twin, scaffold, f"scaffold_answers.wrong.{place}")
        for name, one in kept.items():
            moved = over(one, change)
            if moved is not None:
                out[One(name, scaffold["name"], one.kind)] = moved
    return out


@analysis(
    "Would a wrong scaffold be seen in forecasts, and what does it do to the answers of what-ifs?",
    suite="validation",
    metrics=_metrics,
)
def scaffold_answers(
    twin: Twin,
    context: Context,
    *,
    wrong: WrongOnes,
    forecasters: list[Name] | None = None,
    actions: Actions | None = None,
    members: Annotated[int, Field(ge=20)] = 50,
    stride: Annotated[float, Field(ge=15.0, allow_inf_nan=False)] = 120.0,
    questions: Annotated[int, Field(ge=1)] = 6,
    short: bool = False,
) -> Evidence:
    """All are fitted to all build patients and asked about the same ones, so that scaffolds alone differ.

    questions: moments of each patient at which a what-if is asked, evenly among the origins. Answers and biases are at
    the last horizon. short: with the shorter fits, for a first look."""
    unit, build = unit_of(twin), context.build()
    cohort, asked = checked(build, unit, "scaffold_answers"), seeded(context, members, stride, 70.0)
    acts = list(actions or DEFAULT)
    for act in acts:
        if act["what"] not in dict(cohort.units):
            raise refused("scaffold_answers.actions", act["what"], f"a kind of dose of {cohort.name}")
    known = candidates(twin, forecasters, wrong)
    named = {one.key: shortened(f) if short else f for one, f in known.items()}
    fits = fitted(named, cohort, asked, "all")
    scores = scored([(fits, cohort)], asked)
    moments = {p.id: asked_at(p, stride, questions) for p in cohort.patients if p.id in scores.rows[next(iter(fits))]}
    effects = {
        (one, action_label(act)): answers(fits[one.key], cohort, moments, dose_of(act), asked)
        for one in known
        for act in acts
    }
    values = _values(list(known), scores, effects, unit)
    values["n_questions"] = Quantity(float(sum(m.size for m in moments.values())), "1")
    tables = {
        "forecasts": _forecasts(list(known), scores, values, unit),
        "answers": _answers(effects, values, unit),
    }
    inputs: dict[str, object] = {
        "cohort": cohort.digest, "forecasters": list(dict.fromkeys(one.forecaster for one in known)),
        "wrong": [dict(one) for one in wrong], "actions": [dict(act) for act in acts], "members": members,
        "stride": stride, "questions": questions, "short": short,
    }  # fmt: skip
    return evidence(
        scaffold_answers, twin.name, inputs, values=values, tables=tables, findings=_findings(list(known), cohort),
        negative=_negative(effects, values),
    )  # fmt: skip


def dose_of(action: Action) -> Dose:
    """The dose, for `answers` to give at a moment."""
    return Dose(0.0, action["amount"], what=action["what"])


Effects = Mapping[tuple[One, str], Floats]  # (patients, horizons): mean answers


def _values(known: Sequence[One], scores: Scored, effects: Effects, unit: str) -> dict[str, Quantity]:
    means, names = scores.means(), list(scores.rows)
    n = len(means)
    values = {
        "n_patients": Quantity(float(n), "1"),
        "n_origins": Quantity(float(len(scores.pooled(names[0]))), "1"),
    }
    for one in known:
        mine = means[:, names.index(one.key)]
        for h in HORIZONS:
            values[f"crps_{one.key}_{h}"] = mean_quantity(mine[:, COLUMN[f"crps_{h}"]], unit)
        right = means[:, names.index(One(one.forecaster, RIGHT, one.kind).key)]
        if one.scaffold != RIGHT:
            columns = [COLUMN[f"crps_{h}"] for h in HORIZONS]
            values[f"worse_{one.key}"] = mean_quantity(
                100.0 * (mine[:, columns] / right[:, columns] - 1.0).mean(axis=1), "%"
            )
    reference = known[0]
    for (one, label), effect in effects.items():
        values[f"answer_{one.key}_{label}"] = mean_quantity(effect[:, -1], unit)
        ideal = effects[reference, label]
        values[f"bias_{one.key}_{label}"] = mean_quantity(effect[:, -1] - ideal[:, -1], unit)
        values[f"off_{one.key}_{label}"] = Quantity(_off(effect, ideal), "%", n=n)
    return values


def _off(effect: Floats, ideal: Floats) -> float:
    """The largest error of the mean answer over the horizons, in percent of the largest reference answer."""
    mine, right = np.nanmean(effect, axis=0), np.nanmean(ideal, axis=0)
    return 100.0 * float(np.max(np.abs(mine - right)) / max(float(np.max(np.abs(right))), 1e-12))


def _forecasts(known: Sequence[One], scores: Scored, values: Mapping[str, Quantity], unit: str) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for one in known:
        crps = (values[f"crps_{one.key}_{h}"].value for h in HORIZONS)
        worse = values.get(f"worse_{one.key}")
        ends = (worse.value, worse.low, worse.high) if worse else (None, None, None)
        rows.append((one.forecaster, one.kind, one.scaffold, *crps, *ends))
    columns = ("forecaster", "kind", "scaffold", *(f"crps_{h}" for h in HORIZONS), "worse", "worse_low", "worse_high")
    units = ("", "", "", *(unit for _ in HORIZONS), "%", "%", "%")
    return Table("Forecasts over the right and over wrong scaffolds", columns, units, tuple(rows))


def _answers(effects: Effects, values: Mapping[str, Quantity], unit: str) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for (one, label), effect in effects.items():
        means = (float(v) for v in np.nanmean(effect, axis=0))
        bias, worse = values[f"bias_{one.key}_{label}"], values.get(f"worse_{one.key}")
        rows.append((one.forecaster, one.kind, one.scaffold, label.replace("_", " "), *means, bias.value, bias.low,
                     bias.high, values[f"off_{one.key}_{label}"].value, worse.value if worse else None))  # fmt: skip
    columns = ("forecaster", "kind", "scaffold", "action", *(f"answer_{h}" for h in HORIZONS), "bias", "bias_low",
               "bias_high", "off", "worse")  # fmt: skip
    units = ("", "", "", "", *(unit for _ in HORIZONS), unit, unit, unit, "%", "%")
    title = f"Answers to what-ifs by horizon, and their bias at {HORIZONS[-1]} min against the reference"
    return Table(title, columns, units, tuple(rows))


def _findings(known: Sequence[One], cohort: Cohort) -> tuple[str, ...]:
    reference = f"The reference are the answers of {known[0].forecaster} over the scaffold {RIGHT}"
    return (
        f"{reference}: no true answer is known, and a bias here is a difference between structures.",
        f"All are fitted to the {len(cohort.patients)} patients whom they forecast: scores compare scaffolds, no more.",
    )


def _negative(effects: Effects, values: Mapping[str, Quantity]) -> tuple[str, ...]:
    """Answers that are far off: those that forecasts do not betray, and those of other kinds of forecasters."""
    out, (reference, _) = [], next(iter(effects))
    for one, label in effects:
        worse, off = values.get(f"worse_{one.key}"), values[f"off_{one.key}_{label}"].value
        if one == reference or off <= MUCH:
            continue
        who, told = f"{one.forecaster} ({one.scaffold})", f"{off:.0f} % off the reference"
        if worse is None:
            sign = ", with the wrong sign" if _opposed(values, one, reference, label) else ""
            out.append(f"{who} answers {label.replace('_', ' ')} up to {told}{sign}.")
        elif worse.value < HARDLY:
            change = f"{worse.value:+.1f} % in CRPS"
            out.append(f"{who} forecasts hardly worse ({change}), yet answers {label.replace('_', ' ')} up to {told}.")
    return tuple(out)


def _opposed(values: Mapping[str, Quantity], one: One, reference: One, label: str) -> bool:
    """Has an answer surely the other sign than the reference?"""
    mine, right = (values[f"answer_{of.key}_{label}"] for of in (one, reference))
    ends = [v * right.value for v in (mine.lower95, mine.upper95) if v is not None]
    return len(ends) == 2 and max(ends) < 0.0


@check("scaffold_answers")
def wrong_scaffolds_were_asked(found: Evidence) -> tuple[Finding, ...]:
    """Model form: what wrong assumptions do to forecasts and to answers is known."""
    return explored(found, "bias", "what they do to answers of what-ifs is reported with its interval")
