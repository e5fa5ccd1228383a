"""Runs the properties on a twin: as a report, or as the items of a user's pytest file."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
from hypothesis import HealthCheck, Phase, find, settings
from hypothesis.errors import Flaky, NoSuchExample

from vvuq.collect import collect
from vvuq.errors import InputError, NotEvaluable, VvuqError
from vvuq.models.claims import Envelope
from vvuq.models.twin import Twin, load_twin
from vvuq.testing.account import account
from vvuq.testing.property import Property
from vvuq.testing.strategies import envelope_for

MOST_SMALLER = 400  # cases tried in search of a smaller counter-example
State = Literal["passed", "failed", "not declared"]


@dataclass(frozen=True, slots=True)
class Result:
    """What one property came to. account: the minimal counter-example; note: what was measured, or why it was not
    tried; cases: how many were tried, those of the search for a smaller counter-example included."""

    name: str
    question: str
    state: State
    cases: int = 0
    account: str = ""
    note: str = ""

    @property
    def text(self) -> str:
        """The result in a line, with the counter-example below it."""
        told = {"passed": f"passed ({self.cases} cases)", "failed": "failed", "not declared": "not declared"}[
            self.state
        ]
        line = f"{self.name:<14}{told}{': ' + self.note if self.note else ''}"
        return line + "".join(f"\n    {one}" for one in self.account.splitlines())


@dataclass(frozen=True, slots=True)
class Report:
    """What became of every property of a twin; `str` gives it in words."""

    twin: str
    results: tuple[Result, ...]

    @property
    def failed(self) -> tuple[Result, ...]:
        """The results with a counter-example."""
        return tuple(result for result in self.results if result.state == "failed")

    @property
    def ok(self) -> bool:
        """No property failed."""
        return not self.failed

    def __str__(self) -> str:
        states: tuple[State, ...] = ("passed", "failed", "not declared")
        counts = ", ".join(f"{sum(r.state == state for r in self.results)} {state}" for state in states)
        return "\n".join([f"conformance of twin {self.twin}: {counts}", *(r.text for r in self.results)])


def properties() -> dict[str, Property]:
    """The properties there are, by name."""
    return collect("vvuq.testing.properties", Property)


def check_conformance(
    twin: Twin | Path | str,
    *,
    rival: str = "",
    envelope: Envelope | None = None,
    examples: int | None = None,
    only: Sequence[str] = (),
) -> Report:
    """Tries every property (or `only` some) on a twin, given by its path or loaded.

    rival: of the path's RIVALS the one of this name.
    envelope: instead of the one the twin claims. examples: cases a property (default: hypothesis's profile).
    The same twin gives the same report. Raises InputError where there is no twin, no envelope or no such property."""
    found, known = loaded(twin, envelope, rival), properties()
    for name in only:
        if name not in known:
            raise InputError("conformance", "only", name, f"one of {', '.join(known)}")
    chosen = [known[name] for name in known if not only or name in only]
    return Report(found.name, tuple(check_property(one, found, examples) for one in chosen))


def loaded(twin: Twin | Path | str, envelope: Envelope | None = None, rival: str = "") -> Twin:
    """The twin, with its path where it is given by it, and the envelope it is tried in. Raises InputError for none."""
    if not isinstance(twin, Twin):
        twin = replace(load_twin(Path(twin), rival), path=str(Path(twin).resolve()))
    return replace(twin, claims=replace(twin.claims, envelope=envelope_for(twin, envelope)))


def check_property(one: Property, twin: Twin, examples: int | None = None) -> Result:
    """Looks for a counter-example of one property, and for the smallest."""
    reason = one.applies(twin)
    if reason:
        return Result(one.name, one.question, "not declared", note=reason)
    tried, worst, last = 0, (0.0, ""), ""
    smaller, smallest = 0, None

    def fails(case: Any) -> bool:
        nonlocal tried, worst, last, smaller, smallest
        if last and (not one.shrink or smaller >= MOST_SMALLER):
            return one.shrink and bool(case == smallest)  # the search ends with the smallest so far
        tried, smaller = tried + 1, smaller + bool(last)
        told, measured = judge(one, twin, case)
        worst, last, smallest = max(worst, measured), told or last, case if told else smallest
        return bool(told) and one.shrink

    chance = random.Random(one.name)  # the same for every run, and another for each property
    try:
        find(one.cases(twin, envelope_for(twin)), fails, settings=_settings(one, examples), random=chance)
    except NoSuchExample:
        if not last:
            note = f"largest estimate {worst[0]:.3g} {worst[1]}" if one.measure else ""
            return Result(one.name, one.question, "passed", tried, note=note)
    except Flaky:  # a twin that is not reproducible may fail at one try and pass at the next
        if not last:
            raise
    return Result(one.name, one.question, "failed", tried, last)  # hypothesis tries the smallest once more, as the last


def judge(one: Property, twin: Twin, case: Any) -> tuple[str, tuple[float, str]]:
    """The account of a case ("" where the property holds), and what was measured. An exception breaks a property."""
    try:
        with np.errstate(all="ignore"):  # the numbers tell, not the warnings on the way
            return one.run(twin, case) or "", one.measure(twin, case) if one.measure else (0.0, "")
    except Exception as error:  # noqa: BLE001 (a twin's code may raise anything, and that is a finding)
        first = (str(error).strip().splitlines() or [""])[0]
        found = f"{type(error).__name__}: {first}"
        return account(twin, case, found=found, promised=f"an answer to: {one.question}"), (0.0, "")


def _settings(one: Property, examples: int | None) -> settings:
    """The profile's number of examples, unless told otherwise; always the same cases, and no files."""
    wanted = examples or settings().max_examples
    phases = (Phase.generate, Phase.shrink) if one.shrink else (Phase.generate,)
    return settings(
        max_examples=min(wanted, one.most or wanted),
        derandomize=True,
        database=None,
        deadline=None,
        phases=phases,
        suppress_health_check=list(HealthCheck),
    )


def conformance(
    twin: Twin | Path | str, *, rival: str = "", envelope: Envelope | None = None, examples: int | None = None
) -> type[Any]:
    """A class of tests, one a property: `TestMine = conformance("mine.py")` in a pytest file runs the suite on a twin.

    rival: of the path's RIVALS the one of this name; each has a class of its own. A relative path is looked for
    beside that file, then in the working folder. A property that the twin does not declare is skipped, with the reason.
    Raises NotEvaluable where pytest is not installed."""
    try:
        import pytest
    except ModuleNotFoundError:
        raise NotEvaluable("conformance() needs pytest, which is not installed: pip install 'vvuq[testing]'") from None
    caller = sys._getframe(1).f_globals.get("__file__")
    where = twin if isinstance(twin, Twin) else _beside(Path(twin), caller)

    @cache
    def ready() -> Twin:
        return loaded(where, envelope, rival)

    def item(one: Property) -> Callable[[object], None]:
        def test(self: object) -> None:
            try:
                result = check_property(one, ready(), examples)
            except VvuqError as error:
                pytest.fail(str(error), pytrace=False)
            if result.state == "not declared":
                pytest.skip(f"not declared: {result.note}")
            if result.state == "failed":
                pytest.fail(f"{result.question}\n{result.text}", pytrace=False)

        test.__doc__ = one.question
        return test

    items = {f"test_{name}": item(one) for name, one in properties().items()}
    return type("Conformance", (), {"__doc__": f"Conformance of {twin}", **items})


def _beside(path: Path, caller: str | None) -> Path:
    near = Path(caller).parent / path if caller else path
    return near if near.exists() else path
