"""The rules of a grade: the files that decide which rung given evidence substantiates.

They are those of the grading and of what reports it, the ladders, and all of vvuq/analyses, where checks live beside
their analyses and share helpers. So a change that touches no check is named as well: whether a rung became easier to
reach, a reader has to see. How evidence is computed is no rule: a change there makes evidence stale."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from hashlib import sha256
from pathlib import Path

from vvuq.credibility.lock import Lock, changed_files
from vvuq.paths import PACKAGE
from vvuq.record import Check

_GRADING = (
    "credibility/criteria.py", "credibility/gate.py", "credibility/grade.py", "credibility/history.py",
    "credibility/lock.py", "credibility/plan.py", "credibility/rules.py", "run/report.py", "run/verification.py",
    "cli/commands.py",
)  # fmt: skip


def rules(checks: Mapping[str, Check]) -> dict[str, str]:
    """{file: sha256} of all rules today; those outside of vvuq are named by their module."""
    shared = [PACKAGE / name for name in _GRADING]
    shared += sorted((PACKAGE / "credibility" / "standards").glob("*.yaml")) + sorted(
        (PACKAGE / "analyses").rglob("*.py")
    )
    found = {path.relative_to(PACKAGE.parent).as_posix(): path for path in shared}
    found |= {name: path for name, path in _declared(checks.values()) if not path.is_relative_to(PACKAGE)}
    return {name: sha256(path.read_bytes().replace(b"\r\n", b"\n")).hexdigest() for name, path in found.items()}


def changed_since(held: Lock | None, today: Mapping[str, str]) -> list[str]:
    """A line for each rule that is another than when the plan was locked; none where that was not recorded."""
    if held is None or held.rules is None:
        return []
    return [f"rules changed since the lock of {held.locked_at}: {line}" for line in changed_files(held.rules, today)]


def _declared(checks: Iterable[Check]) -> Iterable[tuple[str, Path]]:
    for check in checks:
        source = inspect.getsourcefile(check.run)
        if source is not None:
            yield check.run.__module__, Path(source).resolve()
