"""Freshness: does evidence still speak of this plan, this code, these data, these libraries and these settings?

Left out of the source tree are the pages (vvuq/dossier, templates), the portal, the command line, vvuq/testing and the
parts of the run that report and verify: they show numbers and compute none, so mending a page must not ask for a new
run. Facts of version control are left out as well: a commit changes no number; they are written into events instead."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Iterable, Mapping
from functools import cache
from hashlib import sha256 as _sha256
from pathlib import Path
from typing import Any

from vvuq.evidence.canonical import canonical, sha256
from vvuq.paths import PACKAGE

_SHOWS_ONLY = (
    "dossier/",
    "scaffold/",
    "portal/",
    "cli/",
    "testing/",
    "__main__.py",
    "run/report.py",
    "run/verification.py",
)


def freshness_key(*, plan: str, source: str, data: str, lock: str, analysis: str, settings: Mapping[str, Any]) -> str:
    """sha256 over four digests, the analysis' name and its settings: any change of them makes evidence stale."""
    parts = {"plan": plan, "source": source, "data": data, "lock": lock, "analysis": analysis, "settings": settings}
    return sha256(canonical(parts))


def source_digest(twin: Path) -> str:
    """Digest of what computes: vvuq's modules except those that only show, the tables that its readers of cohorts use,
    and the twin's file or folder."""
    folder = twin if twin.is_dir() else twin.parent
    return sha256(package_digest() + tree_digest(folder, _modules(twin)))


def package_digest() -> str:
    """Digest of what computes in vvuq alone."""
    found = [*_modules(PACKAGE), *sorted((PACKAGE / "data").rglob("*.yaml"))]
    package = (path for path in found if not path.relative_to(PACKAGE).as_posix().startswith(_SHOWS_ONLY))
    return tree_digest(PACKAGE, package)


def tree_digest(root: Path, files: Iterable[Path]) -> str:
    """sha256 over relative names and contents (whatever their line ends) of `files` below `root`."""
    digests = {
        path.relative_to(root).as_posix(): _sha256(path.read_bytes().replace(b"\r\n", b"\n")).hexdigest()
        for path in files
    }
    return sha256(canonical(digests))


@cache
def lock_digest() -> str:
    """Digest of the runtime lock in a checkout with the versions installed of what it names; else of all that is."""
    lock = PACKAGE.parent / "requirements" / "runtime.txt"
    found = {
        distribution.name.lower().replace("_", "-"): distribution.version
        for distribution in importlib.metadata.distributions()
        if distribution.name
    }
    text = lock.read_text(encoding="utf-8") if lock.is_file() else ""
    named = {line.partition("==")[0].lower() for line in text.splitlines() if "==" in line and line[0].isalnum()}
    installed = [f"{name}=={version}" for name, version in found.items() if not named or name in named]
    return sha256("\n".join([text, *sorted(installed)]))


def _modules(place: Path) -> list[Path]:
    """The Python files of a folder, or the file itself; not what Python or an editor left there."""
    if place.is_file():
        return [place]
    found = (path for path in place.rglob("*.py") if not {"__pycache__"} & set(path.parts))
    return sorted(path for path in found if not _apart(path.relative_to(place).parts))


def _apart(parts: tuple[str, ...]) -> bool:
    """True for hidden folders, and for what the wheel carries beside the package's own modules."""
    return any(part.startswith(".") for part in parts) or parts[0] in ("_templates", "_studies", "_twins")
