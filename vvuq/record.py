"""Floor 0: the frozen values and protocols that every floor speaks in. No behaviour lives here."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Kind = Literal["aleatory", "epistemic", "numerical"]
EvidenceStatus = Literal["done", "failed", "not_evaluable"]
LeafStatus = Literal["met", "not_met", "gap", "stale", "not_evaluable", "pending", "expired", "waived"]
Cell = str | float | int | bool | None


# --- patients ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Dose:
    """An amount of `what` given at `time`: at once (duration 0, a bolus) or evenly over `duration`."""

    time: float
    amount: float
    duration: float = 0.0
    what: str = "dose"


@dataclass(frozen=True, slots=True)
class Measurement:
    """One measured value of the named observable."""

    time: float
    observable: str
    value: float


@dataclass(frozen=True, slots=True)
class Patient:
    """One patient's record. Times ascend; units are the cohort's. Covariates are (name, value), fixed over the stay.

    `sealed` marks a held-out patient wherever the record goes, so that calibration can refuse it. Records of one
    `group`, as the hospitalizations of a person, are held out together; empty: the record stands alone."""

    id: str
    covariates: tuple[tuple[str, float], ...]
    doses: tuple[Dose, ...]
    measurements: tuple[Measurement, ...]
    sealed: bool = False
    group: str = ""


@dataclass(frozen=True, slots=True)
class Cohort:
    """Patients with the units of every field: {"time": "h", "dose": "mg", "weight": "kg", "concentration": "mg/L"}.

    A dose's field is its `what`: the units name each kind that is given."""

    name: str
    patients: tuple[Patient, ...]
    units: tuple[tuple[str, str], ...]
    digest: str  # sha256 of the canonical records: two cohorts with the same digest hold the same patients
    notes: tuple[tuple[str, int], ...] = ()  # what the reader of the whole table kept, dropped and flagged, counted


@dataclass(frozen=True, slots=True)
class ReferenceFit:
    """A population fit of the whole cohort by another program: values by the names of this project's estimates.

    variances: names whose value here is an SD and there, in all three mappings, a variance. start: where it began, with
    the objective there; errors: its standard errors; objective is -2 log likelihood without n log 2 pi.
    For a comparison of codes only: never a prior, never the start of the study's own fit."""

    tool: str
    file: str
    variances: tuple[str, ...]
    start: Mapping[str, float]
    start_objective: float
    estimates: Mapping[str, float]
    errors: Mapping[str, float]
    objective: float


# --- beliefs -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Belief:
    """Gaussian belief about a patient at `time`: mean (n,), lower-triangular root (n, n) with covariance = root root'.

    `names` lists states first, then the learned parameters as transformed ("log NAME"); `cycle` counts the steps."""

    time: float
    names: tuple[str, ...]
    mean: Floats
    root: Floats
    log_likelihood: float = 0.0
    cycle: int = 0


@dataclass(frozen=True, slots=True)
class Ensemble:
    """Belief about a patient at `time` as members (n, N), one in each column, with normalized log weights (N,).

    log_weights None: all members weigh the same. Rows and `cycle` as in Belief."""

    time: float
    names: tuple[str, ...]
    members: Floats
    log_weights: Floats | None = None
    log_likelihood: float = 0.0
    cycle: int = 0
    inflation: float = 1.0  # the factor that an adaptive filter has learned so far


@dataclass(frozen=True, slots=True)
class Diagnostics:
    """What one assimilation step saw, apart from the belief that it returned.

    By observable (q,), not-a-number where it was not measured: innovation (measured minus predicted); predicted and
    spread, the forecast mean and SD of the measured value, its error included. Over the n measured ones: nis, the
    innovation squared by the forecast covariance; the gain in log-likelihood. least_pivot: the smallest diagonal of
    the roots the step computed. ess: effective number of members. inflation: the factor applied to deviations from
    the mean. code: numerics/codes.py; where it is not 0 the belief is the one before the step."""

    time: float
    innovation: Floats
    predicted: Floats
    spread: Floats
    nis: float
    n: int
    log_likelihood: float
    least_pivot: float = math.nan
    ess: float = math.nan
    inflation: float = 1.0
    code: int = 0


# --- evidence ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number with its unit. low, high: two-sided interval at `level`; lower95, upper95: one-sided 95 % bounds.

    `kind` says what the interval expresses; `n` counts the independent units (patients) behind the value."""

    value: float
    unit: str
    low: float | None = None
    high: float | None = None
    level: float | None = None
    lower95: float | None = None
    upper95: float | None = None
    kind: Kind | None = None
    n: int | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """Named columns of equal length. `individual` marks rows about single patients, kept out of public pages."""

    title: str
    columns: tuple[str, ...]
    units: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    individual: bool = False


@dataclass(frozen=True, slots=True)
class Cost:
    """What an analysis cost: processor and wall seconds, and how many model runs."""

    cpu_seconds: float = 0.0
    wall_seconds: float = 0.0
    model_runs: int = 0


@dataclass(frozen=True, slots=True)
class Evidence:
    """What one analysis found, for one twin. Its value digest leaves out cost; the store adds time and freshness key.

    findings are sentences a reader must not miss, `negative` those that speak against the twin."""

    question: str
    analysis: str
    version: int
    twin: str
    inputs: Mapping[str, Any]
    stream: str
    values: Mapping[str, Quantity]
    tables: Mapping[str, Table] = field(default_factory=dict)
    artifacts: Mapping[str, str] = field(default_factory=dict)
    findings: tuple[str, ...] = ()
    negative: tuple[str, ...] = ()
    status: EvidenceStatus = "done"
    message: str = ""
    cost: Cost = Cost()


# --- judgement ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check concludes from one Evidence: the rung it substantiates on the leaf's ladder, and why."""

    leaf: str
    gradation: str
    reason: str


@dataclass(frozen=True, slots=True)
class CriterionResult:
    """One numeric criterion of the plan, applied. met is None where it could not be evaluated; `reason` says why."""

    text: str
    metric: str
    analysis: str
    statistic: str
    observed: float | None
    op: str
    threshold: float
    unit: str
    n: int | None
    met: bool | None
    reason: str
    evidence_id: str | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """The state of one credibility leaf: its goal, the rung achieved, and what decided it."""

    leaf: str
    goal: str
    achieved: str | None
    status: LeafStatus
    reasons: tuple[str, ...]
    criteria: tuple[CriterionResult, ...]
    evidence_ids: tuple[str, ...]


# --- protocols ---------------------------------------------------------------------------------------------------


class Context(Protocol):
    """What the run hands to an analysis: everything that has a side effect or a source of chance."""

    def stream(self, name: str) -> np.random.Generator:
        """A random stream of its own, keyed by (plan seed, analysis, name): adding a stream never changes another."""

    def build(self) -> Cohort:
        """The build patients. Raises NotEvaluable where the cohort is not at hand."""

    def open_sealed(self, reason: str) -> Cohort:
        """The held-out patients; needs a locked plan and records the opening."""

    def external(self, name: str, reason: str = "external validation") -> Cohort:
        """The patients of an external cohort of the plan, sealed; needs a locked plan and records the opening."""

    def reference_fit(self) -> ReferenceFit:
        """What another program found on the whole cohort. Raises NotEvaluable where the data card names none."""

    def evaluate(self, function: Callable[[Floats], Floats], points: Floats) -> Floats:
        """function applied to points (d, n) -> (n,) or (k, n), failures as NaN; counts the model runs.

        Runs of a function with key() may be kept, and made elsewhere (see `vvuq.models.portable`)."""


@dataclass(frozen=True, slots=True)
class Analysis:
    """A named question with the pure function that answers it: run(twin, context, **settings) -> Evidence.

    metrics(twin, settings) names every value that it will report, with its unit, before anything is run."""

    name: str
    suite: str
    question: str
    version: int
    run: Callable[..., Evidence]
    metrics: Callable[[Any, Mapping[str, Any]], Mapping[str, str]] | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """A pure function that reads the Evidence of one analysis and says what it substantiates, leaf by leaf."""

    name: str
    analysis: str
    run: Callable[[Evidence], Sequence[Finding]]
