"""Lines, tables and progress: rich on a terminal, plain elsewhere, JSON where it is asked for."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from vvuq.evidence.store import Store
    from vvuq.record import Verdict
    from vvuq.run.execute import Step

_SECONDS = 5.0  # between two lines about the runs of one analysis


def writable(study: str, given: str | None) -> Store:
    """The store of a study, made where there is none."""
    from vvuq.credibility.study import store_path
    from vvuq.evidence.store import Store

    return Store(store_path(study, given), create=True)


def readable(study: str, given: str | None) -> Store | None:
    """The store of a study for reading; None where nothing was run yet. A store that was named has to exist."""
    from vvuq.credibility.study import store_path
    from vvuq.errors import NotEvaluable
    from vvuq.evidence.store import Store

    try:
        return Store(store_path(study, given))
    except NotEvaluable:
        if given:
            raise
        return None


def say(arguments: argparse.Namespace, data: Any, lines: Sequence[str]) -> int:
    """Prints the data as JSON where that was asked for, else the lines; returns 0."""
    if arguments.json:
        print(json.dumps(data, indent=1, sort_keys=True, ensure_ascii=False))
    elif lines:
        print("\n".join(lines))
    return 0


def table(verdicts: Sequence[Verdict]) -> None:
    """The verdicts as a table on a terminal, as plain columns elsewhere."""
    rows = [(v.leaf, v.goal, v.achieved or "-", v.status.replace("_", " "), " ".join(v.evidence_ids)) for v in verdicts]
    heads = ("factor", "goal", "achieved", "status", "evidence")
    if not sys.stdout.isatty():
        wide = max((len(row[0]) for row in rows), default=6)
        for row in (heads, *rows):
            print(f"{row[0]:<{wide}}  {row[1]:<4}  {row[2]:<8}  {row[3]:<13}  {row[4]}".rstrip())
        return
    from rich.console import Console
    from rich.table import Table

    shown = Table(*heads)
    colours = {"met": "green", "not met": "red", "waived": "cyan"}
    for row in rows:
        shown.add_row(*row[:3], f"[{colours.get(row[3], 'yellow')}]{row[3]}[/]", row[4])
    Console().print(shown)


@contextmanager
def progress(quiet: bool) -> Iterator[Callable[[Step], None]]:
    """Shows the steps of a run: a bar under the lines on a terminal, lines alone elsewhere, on stderr beside JSON.

    How far the model runs of a step are stands beside the bar; elsewhere in a line of its own, every few seconds."""
    out = sys.stderr if quiet else sys.stdout
    if not out.isatty():
        yield _Lines(out)
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(file=out), transient=True) as bar:
        task = bar.add_task("run")

        def show(step: Step) -> None:
            finished = step.number - (step.state in ("running", "waiting"))
            runs = f"  {step.message}" if step.state == "running" and step.message else ""
            bar.update(task, total=step.total, completed=finished, description=f"{step.analysis}{runs}")
            if step.state != "running":
                bar.console.print(_line(step), highlight=False, markup=False)

        yield show


class _Lines:
    """A line for each step that ended, and one every few seconds of a long campaign."""

    def __init__(self, out: TextIO) -> None:
        self._out, self._told = out, time.monotonic()

    def __call__(self, step: Step) -> None:
        now = time.monotonic()
        if step.state == "running" and (not step.message or now - self._told < _SECONDS):
            return
        self._told = now
        print(_line(step), file=self._out, flush=True)


def _line(step: Step) -> str:
    head = f"[{step.number}/{step.total}] {step.analysis} ... "
    if step.state == "running":
        return f"{head}{step.message}"
    if step.state == "fresh":
        return f"{head}fresh  {step.evidence_id}"
    if step.state == "waiting":
        return f"{head}another run is at it: waiting"
    tail = "" if step.state == "done" else f"  {step.state.replace('_', ' ')}: {step.message}"
    return f"{head}{step.seconds:.1f} s  {step.evidence_id}{tail}"
