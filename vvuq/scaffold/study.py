"""A study to begin with: plan, data card and README around a user's twin and table, or a copy of another study."""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from vvuq.credibility.plan import read_plan
from vvuq.credibility.study import PLAN, find_twin
from vvuq.data.layouts import Layout
from vvuq.data.readers.table import read_table
from vvuq.errors import InputError, NotEvaluable, VvuqError
from vvuq.models.schedule import compile_grid
from vvuq.models.twin import Scenario, Twin, load_twin
from vvuq.record import Cohort
from vvuq.scaffold.files import filled, study_name, write_new
from vvuq.scaffold.guess import guess
from vvuq.scaffold.unwritten import texts, unwritten

HALVINGS = 5
SAMPLED = 12  # intervals of the order analysis over a scenario; its steps have to divide them
LEAST_HELD_OUT = 3  # an interval over patients needs as many


@dataclass(frozen=True, slots=True)
class Made:
    """What was made: the files, what was guessed as (word, sentence), and how many places are to be written."""

    files: tuple[Path, ...]
    guessed: tuple[tuple[str, str], ...]
    patients: int
    measurements: int
    held_out: int
    to_write: int


def new_study(name: str, twin_name: str, data: Path, into: Path) -> Made:
    """Writes into/NAME with plan.yaml, README.md, data/NAME.yaml and a copy of the table, pinned by its sha256.

    Raises InputError where a name, the twin or the table is wrong; nothing is written then."""
    folder = into / study_name(name, into)
    twin = load_twin(*find_twin(twin_name, folder / PLAN, "command line"), "command line")
    layout, guessed = guess(data, twin)
    cohort = read_table(data, layout, name)
    _fits(twin, cohort)
    values = _values(name, twin_name, twin, cohort, layout)
    content = data.read_bytes()
    card = filled("study/card.yaml", **values, file=data.name, sha256=hashlib.sha256(content).hexdigest())
    files = {
        folder / PLAN: filled("study/plan.yaml", **values),
        folder / "README.md": filled("study/README.md", **values),
        folder / "data" / f"{name}.yaml": card,
        folder / "data" / data.name: content,
        folder / ".gitignore": f"/data/{data.name}\n".encode(),
    }
    write_new(files)
    places = unwritten(texts(read_plan(folder / PLAN)[0], folder / PLAN))
    shown = tuple(path for path in files if path.name != ".gitignore")
    counts = values["patients"], values["measurements"], values["held_out"]
    return Made(shown, guessed, *counts, len(places))


def copy_study(name: str, source: Path, into: Path) -> Path:
    """A copy of the study whose plan is `source`, as into/NAME, without its lock, judgements and history; returns its
    plan. Raises InputError."""
    target = into / study_name(name, into)
    old = source.absolute().parent.name
    text, number = re.subn(r"(?m)^study:.*$", f"study: {name}", source.read_text(encoding="utf-8"), count=1)
    if number == 0:
        raise InputError(str(source), "study", None, "a line that begins with study:")
    text = re.sub(r"(?m)^#.*$", lambda line: line[0].replace(old, name), text)
    ignored = shutil.ignore_patterns("plan.lock.json", "judgements", "README.md", "__pycache__", ".*")
    try:
        shutil.copytree(source.parent, target, ignore=ignored)
        (target / PLAN).write_text(text, encoding="utf-8", newline="\n")
        (target / "README.md").write_bytes(filled("copy/README.md", name=name, source=old))
    except OSError as error:
        shutil.rmtree(target, ignore_errors=True)
        raise InputError("command line", "NAME", name, f"a folder that can be written: {target} ({error})") from None
    return target / PLAN


def _fits(twin: Twin, cohort: Cohort) -> None:
    """The twin can be given what the table holds: tried on the first patient."""
    try:
        twin.schedule(cohort, cohort.patients[0])
    except VvuqError:
        raise
    except (LookupError, TypeError, ValueError, ArithmeticError, AttributeError) as error:
        held = ", ".join(name for name, _ in cohort.units)
        remedy = f"a schedule from what the table holds: {held}"
        raise InputError(f"twin {twin.name}", "schedule", f"{type(error).__name__}: {error}", remedy) from None


def _values(name: str, twin_name: str, twin: Twin, cohort: Cohort, layout: Layout) -> dict[str, Any]:
    """What the templates place."""
    patients = len(cohort.patients)
    held_out = max(LEAST_HELD_OUT, round(patients / 3))
    least = LEAST_HELD_OUT + 2 * len(twin.personal) + 1
    if patients < least:
        remedy = f"{least} or more: a fit of {len(twin.personal)} personal parameters, and {LEAST_HELD_OUT} held out"
        raise InputError(layout.file, "patients", patients, remedy)
    covariates = [
        {"name": c.name, "unit": c.unit, "low": c.low, "high": c.high} for c in layout.covariates if c.low < c.high
    ]
    ladder, use = _scenarios(twin)
    steps, no_steps = _steps(twin, ladder)
    return {
        "name": name, "twin": twin_name, "layout": layout, "patients": patients, "held_out": held_out,
        "measurements": sum(len(p.measurements) for p in cohort.patients),
        "salt": f"{name}/v1/", "seed": int(hashlib.sha256(name.encode()).hexdigest()[:7], 16),
        "observable": twin.model.observables[twin.model.observable_index(layout.observable)],
        "covariates": covariates, "envelope": [*covariates, *_doses(cohort)], "folds": min(5, patients - held_out),
        "ladder": ladder, "use": use, "steps": steps, "no_steps": no_steps,
        "no_use": f"twin {twin.name} declares no scenario that has a value for each of its settings",
    }  # fmt: skip


def _doses(cohort: Cohort) -> Sequence[dict[str, object]]:
    """The axis of the envelope that every cohort with doses has."""
    amounts = [d.amount for p in cohort.patients for d in p.doses]
    if not amounts:
        return ()
    low, high = min(amounts), max(amounts)
    unit = dict(cohort.units)["dose"]
    return ({"name": "dose", "unit": unit, "low": low if low < high else 0.0, "high": high},)


def _scenarios(twin: Twin) -> tuple[str, str]:
    """Names of the scenarios for the solver's order and for the quantity of interest, that need no settings."""
    ready = [name for name in twin.scenarios if _plain(twin, name) is not None]
    ladder = "verification" if "verification" in ready else next(iter(ready), "")
    use = next((name for name in ready if name != ladder), ladder)
    return ladder, use


def _plain(twin: Twin, name: str) -> Scenario | None:
    """The scenario with its own values; None where it needs others."""
    try:
        return twin.scenarios[name]()
    except (TypeError, InputError, NotEvaluable):
        return None


def _steps(twin: Twin, ladder: str) -> tuple[list[float], str]:
    """A ladder of steps that divide the intervals of the scenario, or why there is none."""
    problem = _plain(twin, ladder) if ladder else None
    if problem is None or twin.closed_form is None:
        what = "closed form" if problem is not None else "scenario that has a value for each of its settings"
        return [], f"twin {twin.name} declares no {what}"
    if problem.observable != twin.model.observables[0].name:
        return [], f"the closed form is not that of {problem.observable}"
    times = np.linspace(problem.schedule.start, problem.time, SAMPLED + 1)[1:]
    lengths = np.diff(compile_grid(twin.model, problem.schedule, times).t)
    longest = float(lengths.min())
    if np.any(np.abs(lengths / longest - np.round(lengths / longest)) > 1e-9):
        return [], f"no step divides all intervals of the scenario {ladder}: choose `steps`"
    return [longest / 4.0 / 2.0**k for k in range(HALVINGS)], ""  # the coarsest are outside the asymptotic range
