"""Where a study lies: found by name or path, its store of evidence, and a copy of it under another name."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

from vvuq.credibility.plan import near
from vvuq.errors import InputError
from vvuq.paths import shipped

PLAN = "plan.yaml"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")


def studies() -> dict[str, Path]:
    """{name: plan file} of the studies in ./studies, and of the shipped ones that none there hides."""
    found: dict[str, Path] = {}
    for folder in (Path("studies"), shipped("studies")):
        for path in sorted(folder.glob(f"*/{PLAN}")):
            found.setdefault(path.parent.name, path)
    return found


def find_plan(where: str) -> Path:
    """The plan file of a study by name, by its folder, or by the file itself. Raises InputError with what there is."""
    path = Path(where)
    if path.is_file() and path.suffix in (".yaml", ".yml"):
        return path
    if (path / PLAN).is_file():
        return path / PLAN
    known = studies()
    if where not in known:
        remedy = f"the name of a study or the path of its folder{near(where, known)}"
        raise InputError("command line", "STUDY", where, remedy)
    return known[where]


def find_twin(name: str, plan: Path) -> Path:
    """The folder or file of a twin: beside the plan, in ./twins, or shipped. Raises InputError."""
    for folder in (plan.parent, Path("twins"), shipped("twins")):
        for path in (folder / name, folder / f"{name}.py"):
            if path.is_file() or (path / "__init__.py").is_file():
                return path
    raise InputError(str(plan), "twin", name, "a twin beside the plan, in ./twins, or one that is shipped")


def store_path(study: str, given: str | None = None) -> Path:
    """Where the evidence of a study lies: as given, else below $VVUQ_HOME, else below ./.vvuq."""
    if given:
        return Path(given)
    home = os.environ.get("VVUQ_HOME")
    return (Path(home) if home else Path(".vvuq")) / study / "evidence.sqlite"


def copy_study(name: str, source: Path, into: Path) -> Path:
    """A copy of the study whose plan is `source`, as into/NAME, without its lock and judgements; returns its plan."""
    target = into / name
    if not _NAME.fullmatch(name):
        raise InputError("command line", "NAME", name, "letters, digits, - and _, beginning with a letter or digit")
    if target.exists():
        raise InputError("command line", "NAME", name, f"a name that is free: {target} exists")
    ignored = shutil.ignore_patterns("plan.lock.json", "judgements", "__pycache__", ".*")
    try:
        shutil.copytree(source.parent, target, ignore=ignored)
    except OSError as error:
        raise InputError("command line", "NAME", name, f"a folder that can be written: {target} ({error})") from None
    plan = target / PLAN
    text, number = re.subn(r"(?m)^study:.*$", f"study: {name}", source.read_text(encoding="utf-8"), count=1)
    if number == 0:
        raise InputError(str(source), "study", None, "a line that begins with study:")
    plan.write_text(text, encoding="utf-8", newline="\n")
    return plan
