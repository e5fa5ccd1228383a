"""Analyses: one file, one question. Each is a pure function of a twin and its context that returns Evidence, with the
check that reads this Evidence beside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from vvuq.record import Analysis, Check, Evidence, Finding

Metrics = Callable[[Any, Mapping[str, Any]], Mapping[str, str]]


def analysis(
    question: str, *, suite: str, version: int = 1, metrics: Metrics | None = None
) -> Callable[[Callable[..., Evidence]], Analysis]:
    """Declares a function run(twin, context, **settings) -> Evidence as the analysis of its name.

    metrics(twin, settings) -> {name: unit} says what it will report, so that a plan can be checked before a run.
    The version rises whenever the meaning of a value changes."""
    return lambda run: Analysis(run.__name__, suite, question, version, run, metrics)


def check(of: str) -> Callable[[Callable[[Evidence], Sequence[Finding]]], Check]:
    """Declares a function of the named analysis' Evidence as a check."""
    return lambda run: Check(run.__name__, of, run)


def evidence(of: Analysis, twin: str, inputs: dict[str, object], **found: Any) -> Evidence:
    """The Evidence of an analysis that is declared in the same file as its `run`."""
    return Evidence(of.question, of.name, of.version, twin, inputs, of.name, **found)


__all__ = ["analysis", "check", "evidence"]
