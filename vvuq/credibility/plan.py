"""The plan: what is asked, of which use, with which goals, before anything is measured. Unknown fields are refused."""

from __future__ import annotations

import hashlib
import json
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from vvuq.credibility.standards import Ladders, Level, RiskMatrix, categories, editions, ladders, risk_matrix
from vvuq.errors import InputError, near
from vvuq.strict_yaml import Document, fault, read_yaml, validate

Text = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_./-]*$")]
Number = Annotated[float, Field(allow_inf_nan=False)]
Budget = Literal["quick", "full"]
BUDGETS: tuple[Budget, ...] = ("quick", "full")
Statistic = Literal["point", "lower95", "upper95"]
Op = Literal["<", "<=", ">", ">=", "=="]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Output(_Strict):
    """A quantity of interest: its unit, how far ahead it is predicted, and what it means."""

    name: Name
    unit: Text
    horizon: Text
    meaning: Text


class Range(_Strict):
    """One axis of the operating envelope, for example weight from 0.6 to 3.6 kg."""

    name: Name
    unit: Text
    low: Number
    high: Number

    @model_validator(mode="after")
    def _opens(self) -> Range:
        if not self.low < self.high:
            raise fault("low", self.low, f"a number below high, {self.high:g}")
        return self


class ContextOfUse(_Strict):
    """Who uses the model on whom, where, for which decision, with what at hand, and inside which numeric envelope."""

    statement: Text
    population: Text
    setting: Text
    decision: Text
    decision_maker: Text
    outputs: tuple[Output, ...] = Field(min_length=1)
    inputs_at_decision_time: tuple[Text, ...] = Field(min_length=1)
    other_evidence: tuple[Text, ...] = Field(min_length=1)
    envelope: tuple[Range, ...] = Field(min_length=1)


class Rating(_Strict):
    """A level with the reason for it."""

    level: Level
    rationale: Text


class Hazard(_Strict):
    """A hazard that a wrong decision can lead to, by the id it has in the risk file."""

    id: Name
    text: Text


class Risk(_Strict):
    """Model influence and decision consequence, rated apart. `deviation` overrides the matrix, and is printed."""

    model_influence: Rating
    decision_consequence: Rating
    hazards: tuple[Hazard, ...] = Field(min_length=1)
    deviation: Rating | None = None


class Profile(_Strict):
    """The editions of the standards that the study speaks of."""

    ladders: Name
    categories: Name
    risk_matrix: Name


class Splits(_Strict):
    """Which patients are held out: the `held_out_patients` lowest sha256(salt + patient id)."""

    held_out_patients: int = Field(ge=1)
    salt: Text
    relevance: Text


class Budgets(_Strict):
    """What the two sizes of a run are for."""

    quick: Text
    full: Text


class AnalysisPlan(_Strict):
    """Settings of one analysis, with what a budget changes in them."""

    settings: dict[str, Any] = Field(default_factory=dict)
    quick: dict[str, Any] = Field(default_factory=dict)
    full: dict[str, Any] = Field(default_factory=dict)

    def at(self, budget: Budget) -> dict[str, Any]:
        """The settings under a budget."""
        return self.settings | (self.quick if budget == "quick" else self.full)


class Numeric(_Strict):
    """A number of one analysis held against a threshold. `statistic`: the value, or a one-sided 95 % bound of it."""

    kind: Literal["numeric"]
    analysis: Name
    metric: Name
    statistic: Statistic
    op: Op
    value: Number
    unit: Text
    rationale: Text
    min_n: int | None = Field(default=None, ge=1)

    @property
    def text(self) -> str:
        """The criterion as one line: "mdape of holdout, upper 95 % bound <= 30 %"."""
        statistic = {"point": "", "lower95": ", lower 95 % bound", "upper95": ", upper 95 % bound"}[self.statistic]
        least = f", from {self.min_n} or more" if self.min_n else ""
        unit = "" if self.unit == "1" else f" {self.unit}"
        return f"{self.metric} of {self.analysis}{statistic} {self.op} {self.value:g}{unit}{least}"

    @model_validator(mode="after")
    def _severe(self) -> Numeric:
        lenient = {"<": "lower95", "<=": "lower95", ">": "upper95", ">=": "upper95"}.get(self.op)
        if self.statistic == lenient or (self.op == "==" and self.statistic != "point"):
            remedy = f"the other bound, or point: with {self.op} this one gets easier with fewer patients"
            raise fault("statistic", self.statistic, remedy)
        return self


class Judgemental(_Strict):
    """A question that people answer and sign: which roles, how independent, and for how many months it holds."""

    kind: Literal["judgement"]
    question: Text
    roles: tuple[Text, ...] = Field(min_length=1)
    independence: Text
    expires_months: int = Field(ge=1)


Criterion = Annotated[Numeric | Judgemental, Field(discriminator="kind")]


class Waiver(_Strict):
    """A leaf that is knowingly left undone until a date (YYYY-MM-DD), by somebody, for a reason."""

    reason: Text
    approver: Text
    expires: date


class Factor(_Strict):
    """One credibility leaf: the rung aimed at, why it suffices for the risk, and what decides."""

    goal: Literal["a", "b", "c", "d", "e", "f", "g", "h"]
    goal_rationale: Text
    fda_categories: tuple[int, ...] = Field(min_length=1)
    criteria: tuple[Criterion, ...] = ()
    waiver: Waiver | None = None

    @property
    def numeric(self) -> tuple[Numeric, ...]:
        """The criteria that evidence decides."""
        return tuple(c for c in self.criteria if isinstance(c, Numeric))

    @property
    def judgemental(self) -> tuple[Judgemental, ...]:
        """The criteria that people decide."""
        return tuple(c for c in self.criteria if isinstance(c, Judgemental))


class Plan(_Strict):
    """A study's plan. `digest` is over its values: comments, order and line breaks of the file do not count.

    A study without patients, of a model or a method alone, leaves out both `cohort` and `splits`. `external`: cohorts
    of other patients, none of them used in building, that are opened like held-out ones."""

    schema_version: Literal["1.0"]
    study: Name
    title: Text
    twin: Name
    seed: int = Field(ge=0)
    question_of_interest: Text
    context_of_use: ContextOfUse
    risk: Risk
    profile: Profile
    cohort: Name | None = None
    external: tuple[Name, ...] = ()
    splits: Splits | None = None
    budgets: Budgets
    analyses: dict[str, AnalysisPlan] = Field(min_length=1)
    factors: dict[str, Factor]

    @model_validator(mode="after")
    def _patients(self) -> Plan:
        for name, other in (("cohort", self.splits), ("splits", self.cohort)):
            if getattr(self, name) is None and other is not None:
                raise fault(name, None, "cohort and splits, or neither: a study without patients")
        for i, name in enumerate(self.external):
            if self.cohort in (None, name) or name in self.external[:i]:
                raise fault(f"external.{i}", name, "a cohort that is named once, beside the `cohort` of the study")
        return self

    @cached_property
    def canonical(self) -> str:
        """All values as canonical JSON: sorted keys, no white space. Without external cohorts that field is left out,
        so that plans locked before there was one stay as they were locked."""
        values = self.model_dump(mode="json", exclude=None if self.external else {"external"})
        return json.dumps(values, sort_keys=True, separators=(",", ":"), allow_nan=False)

    @cached_property
    def digest(self) -> str:
        """sha256 of `canonical`."""
        return hashlib.sha256(self.canonical.encode()).hexdigest()

    @property
    def ladders(self) -> Ladders:
        """The ladders of the profile."""
        return ladders(self.profile.ladders)

    @property
    def matrix(self) -> RiskMatrix:
        """The risk matrix of the profile."""
        return risk_matrix(self.profile.risk_matrix)

    @property
    def matrix_risk(self) -> Level:
        """Model risk by the matrix, whatever `risk.deviation` says."""
        return self.matrix.risk(self.risk.model_influence.level, self.risk.decision_consequence.level)

    @property
    def risk_level(self) -> Level:
        """Model risk: by the matrix, unless a deviation with its rationale says otherwise."""
        return self.risk.deviation.level if self.risk.deviation else self.matrix_risk


def load_plan(path: Path) -> Plan:
    """The plan in a file, sound in itself. Raises InputError with file, line, field, value and remedy."""
    return read_plan(path)[0]


def read_plan(path: Path) -> tuple[Plan, Document]:
    """As `load_plan`, with the document that knows the line of each field, for those who check on."""
    document = read_yaml(Path(path))
    plan = validate(document, Plan)
    _check_profile(plan, document)
    _check_factors(plan, document)
    _check_criteria(plan, document)
    return plan, document


def _check_profile(plan: Plan, document: Document) -> None:
    for kind, load in (("ladders", ladders), ("categories", categories), ("risk_matrix", risk_matrix)):
        name = getattr(plan.profile, kind)
        known = editions(load)
        if name not in known:
            remedy = f"an edition that there is{near(name, known)}"
            raise InputError(document.at(("profile", kind)), f"profile.{kind}", name, remedy)


def _check_factors(plan: Plan, document: Document) -> None:
    leaves = {leaf.id: leaf for leaf in plan.ladders.leaves}
    numbers = {category.number for category in categories(plan.profile.categories).categories}
    for name, factor in plan.factors.items():
        place = ("factors", name)
        if name not in leaves:
            remedy = f"a leaf of {plan.profile.ladders}{near(name, leaves)}"
            raise InputError(document.at(place), "factors", name, remedy)
        if factor.goal not in leaves[name].ladder:
            rungs = ", ".join(f"{rung} = {text}" for rung, text in leaves[name].ladder.items())
            raise InputError(document.at((*place, "goal")), f"factors.{name}.goal", factor.goal, f"a rung: {rungs}")
        if not set(factor.fda_categories) <= numbers or len(set(factor.fda_categories)) < len(factor.fda_categories):
            where = document.at((*place, "fda_categories"))
            remedy = f"different numbers out of {sorted(numbers)}"
            raise InputError(where, f"factors.{name}.fda_categories", factor.fda_categories, remedy)
    missing = [name for name in leaves if name not in plan.factors]
    if missing:
        remedy = f"a row for each of the {len(leaves)} leaves; add {', '.join(missing)}"
        raise InputError(document.at(("factors",)), "factors", f"{len(plan.factors)} rows", remedy)


def _check_criteria(plan: Plan, document: Document) -> None:
    for name, factor in plan.factors.items():
        for i, criterion in enumerate(factor.criteria):
            place = ("factors", name, "criteria", i)
            if isinstance(criterion, Numeric) and criterion.analysis not in plan.analyses:
                field = f"factors.{name}.criteria.{i}.analysis"
                remedy = f"an analysis of this plan{near(criterion.analysis, plan.analyses)}"
                raise InputError(document.at((*place, "analysis")), field, criterion.analysis, remedy)
            if criterion in factor.criteria[:i]:
                remedy = "a criterion that occurs once"
                raise InputError(document.at(place), f"factors.{name}.criteria.{i}", "...", remedy)
