"""The exact public names: a change of them is a decision, not an accident."""

from __future__ import annotations

import importlib
import pkgutil

import pytest

import vvuq
from vvuq import collect, errors, paths, record

FLOOR_ZERO = {
    collect: {"collect"},
    errors: {"InputError", "IntegrityError", "NotEvaluable", "VvuqError", "near"},
    paths: {"cache_folder", "data_folders", "folder_of", "shipped"},
    record: {
        "Analysis", "Belief", "Check", "Cohort", "Context", "Cost", "CriterionResult", "Diagnostics", "Dose",
        "Ensemble", "Evidence", "Finding", "Measurement", "Patient", "Quantity", "ReferenceFit", "Table", "Verdict",
    },
}  # fmt: skip
PACKAGES = sorted(f"vvuq.{info.name}" for info in pkgutil.iter_modules(vvuq.__path__) if info.ispkg)
# What each package offers at its top, where it offers anything; its modules are imported by their own names.
EXPECTED: dict[str, set[str]] = {
    "vvuq.analyses": {"analysis", "check", "evidence"},
    "vvuq.testing": {"PlanEnvelope", "Report", "Result", "check_conformance", "conformance", "envelope_of"},
    "vvuq.run": {"RunContext", "Step", "Study", "log_path", "open_study", "run_study"},
    "vvuq.interaction": {  # what is asked of a twin at the bedside
        "Actions",
        "Followed",
        "Forecast",
        "WhatIf",
        "assimilate",
        "forecast",
        "probability_below",
        "readings_of",
        "what_if",
    },
    "vvuq.models": {  # the vocabulary of a twin
        "Adaptive",
        "Additive",
        "Balance",
        "Bolus",
        "Care",
        "Channel",
        "Claims",
        "Driver",
        "Envelope",
        "Follow",
        "Infusion",
        "Known",
        "Level",
        "LogNormal",
        "Model",
        "Monotone",
        "Noise",
        "Normal",
        "Observable",
        "Parameter",
        "Paths",
        "Proportional",
        "RK4",
        "Range",
        "Reset",
        "Scenario",
        "Schedule",
        "StateSpace",
        "Twin",
        "Uniform",
        "simulate",
        "simulate_cohort",
    },
}


@pytest.mark.parametrize("module", FLOOR_ZERO, ids=lambda module: module.__name__)
def test_floor_zero(module: object) -> None:
    name = getattr(module, "__name__", "")
    own = {key for key, value in vars(module).items() if getattr(value, "__module__", None) == name and callable(value)}
    assert {key for key in own if not key.startswith("_")} == FLOOR_ZERO[module]  # type: ignore[index]


@pytest.mark.parametrize("package", PACKAGES)
def test_packages(package: str) -> None:
    module = importlib.import_module(package)
    offered = set(getattr(module, "__all__", ()))
    assert offered == EXPECTED.get(package, set())
    assert all(hasattr(module, name) for name in offered)
