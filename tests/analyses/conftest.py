"""A small stand-in for the run: streams by name, synthetic build and held-out patients, no store."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest
from examples import pk
from strategies import synthetic_neonates

from vvuq.analyses.calibration.population_fit import population_fit
from vvuq.analyses.identifiability.fisher import fisher
from vvuq.analyses.uncertainty.information_value import information_value
from vvuq.analyses.uncertainty.probability_bounds import probability_bounds
from vvuq.analyses.uncertainty.sensitivity import sensitivity
from vvuq.analyses.validation.cohort import cohort
from vvuq.analyses.validation.cross_validation import cross_validation
from vvuq.analyses.validation.holdout import holdout
from vvuq.analyses.verification.code_to_code import code_to_code
from vvuq.analyses.verification.convergence import convergence
from vvuq.analyses.verification.filter_consistency import filter_consistency
from vvuq.analyses.verification.filter_exactness import filter_exactness
from vvuq.analyses.verification.solver_agreement import solver_agreement
from vvuq.calibration.foce import fit_population
from vvuq.campaign.serial import evaluate
from vvuq.data.split import joined, subset
from vvuq.models import Twin
from vvuq.record import Analysis, Cohort, Evidence, ReferenceFit

WHOLE = synthetic_neonates(30, 3)
BUILD = subset(WHOLE, [p.id for p in WHOLE.patients[:18]], "build")
HELD_OUT = subset(WHOLE, [p.id for p in WHOLE.patients[18:]], "held out")
SEALED = replace(HELD_OUT, patients=tuple(replace(p, sealed=True) for p in HELD_OUT.patients))
START = {"CL": 0.006, "V": 1.1, "apgar_effect": 0.1, "omega_CL": 0.04, "omega_V": 0.04, "sigma": 0.01}
VARIANCES = ("omega_CL", "omega_V", "sigma")

TROUGH = {
    "scenario": "maintenance_trough", "dose_mg_per_kg": 2.5, "interval_h": 12.0, "weight_kg": 1.5, "low_apgar": True,
    "duration_h": 480.0,
}  # fmt: skip
LADDER = {"scenario": "verification", "horizon_h": 960.0, "weight_kg": 1.5, "low_apgar": True}
GROUPS = [{"covariate": "weight", "below": 1.5}, {"covariate": "apgar", "below": 5}]
FITTED = {"status": {"CL": "both", "V": "both", "rest": "epistemic"}, "independent": "as the population model has them"}
SETTINGS: dict[str, dict[str, Any]] = {
    "cohort": {"envelope": {"weight": [0.6, 3.6], "apgar": [1, 10]}, "below": {"apgar": 5}},
    "population_fit": {},
    "convergence": {"ladder": LADDER, "steps": [40.0, 20.0, 10.0, 5.0, 2.5], "use": TROUGH},
    "filter_exactness": {"cases": 20, "observations": 8},
    "filter_consistency": {"copies": 3, "folds": 3, "members": 16, "resamples": 100},
    "code_to_code": {},
    "cross_validation": {"folds": 3, "repeats": 1, "members": 32, "resamples": 100, "groups": GROUPS},
    "holdout": {"members": 32, "resamples": 100, "groups": GROUPS},
    "sensitivity": {
        "use": TROUGH,
        "known": "population_fit",
        "inputs": FITTED,
        "base": 32,
        "most_runs": 5000,
        "points": 60,
        "fresh": 64,
        "trials": 20_000,
        "bins": 10,
    },
    "fisher": {},
    "solver_agreement": {"use": LADDER, "patients": 16, "steps": [10.0, 5.0]},
    "information_value": {
        "known": "population_fit",
        "actions": [{"label": f"{dose:g} mg/kg", "use": TROUGH | {"dose_mg_per_kg": dose}} for dose in (1.5, 2.5)],
        "benefit": {"low": 15.0, "high": 40.0, "harm_low": 1.0, "harm_high": 1.0},
        "current": {"use": TROUGH},
        "measurements": [
            {"label": "early", "observable": "concentration", "times": [11.9]},
            {"label": "late", "observable": "concentration", "times": [11.9, 239.9]},
        ],
        "populations": 50,
        "samples": 400,
    },
    "probability_bounds": {
        "use": TROUGH,
        "known": "population_fit",
        "inputs": FITTED,
        "thresholds": [15.0, 40.0],
        "draws": 100,
        "points": 4,
        "local": 4,
        "fresh": 200,
    },
}
ANALYSES = {
    a.name: a
    for a in (
        cohort, population_fit, convergence, filter_exactness, filter_consistency, code_to_code, cross_validation,
        holdout, sensitivity, fisher, solver_agreement, information_value, probability_bounds,
    )
}  # fmt: skip


@dataclass
class StandIn:
    """A Context without side effects; `opened` holds the reasons for which held-out patients were asked for."""

    analysis: str
    build_cohort: Cohort = BUILD
    sealed_cohort: Cohort = SEALED
    seed: int = 1
    external_cohorts: dict[str, Cohort] = field(default_factory=dict)
    opened: list[str] = field(default_factory=list)
    runs: int = 0

    def stream(self, name: str) -> np.random.Generator:
        return np.random.default_rng([self.seed, zlib.crc32(f"{self.analysis}/{name}".encode())])

    def build(self) -> Cohort:
        return self.build_cohort

    def open_sealed(self, reason: str) -> Cohort:
        self.opened.append(reason)
        return self.sealed_cohort

    def external(self, name: str, reason: str = "external validation") -> Cohort:
        self.opened.append(f"{name}: {reason}")
        return self.external_cohorts[name]

    def reference_fit(self) -> ReferenceFit:
        return another_program()

    def evaluate(self, function: Callable[[Any], Any], points: Any) -> Any:
        self.runs += points.shape[1]
        return evaluate(function, points)


def another_program() -> ReferenceFit:
    """What a program that makes no error would report, from other initial values than the fit's own start."""
    begin = {name: value**0.5 if name in VARIANCES else value for name, value in START.items()}
    fit = fit_population(pk(), joined(BUILD, SEALED, "whole"), start=begin, sealed_allowed=True)
    there = {e.name: e.value**2 if e.name in VARIANCES else e.value for e in fit.estimates}
    errors = {e.name: e.robust_error * (2 * e.value if e.name in VARIANCES else 1.0) for e in fit.estimates}
    return ReferenceFit("twin program", "a.ext", VARIANCES, START, fit.start_objective, there, errors, fit.objective)


def run(name: str, context: StandIn | None = None, twin: Twin | None = None, **changes: Any) -> Evidence:
    """One analysis with the tests' small settings."""
    return ANALYSES[name].run(twin or pk(), context or StandIn(name), **{**SETTINGS[name], **changes})


@pytest.fixture(scope="session")
def stand_in() -> type[StandIn]:
    return StandIn


@pytest.fixture(scope="session")
def analyse() -> Callable[..., Evidence]:
    return run


@pytest.fixture(scope="session")
def analyses() -> dict[str, Analysis]:
    """Every analysis by its name."""
    return ANALYSES


@pytest.fixture(scope="session")
def settings_of() -> dict[str, dict[str, Any]]:
    """The tests' small settings of every analysis."""
    return SETTINGS


@pytest.fixture(scope="session")
def contexts() -> dict[str, StandIn]:
    """The Context with which each analysis of `found` ran."""
    return {name: StandIn(name) for name in ANALYSES}


@pytest.fixture(scope="session")
def found(contexts: dict[str, StandIn]) -> dict[str, Evidence]:
    """The Evidence of every analysis."""
    return {name: run(name, contexts[name]) for name in ANALYSES}


@pytest.fixture(scope="session")
def parts() -> tuple[Cohort, Cohort]:
    """Build and held-out patients."""
    return BUILD, SEALED
