"""Where a study lies: found by name or path, and its store of evidence."""

from __future__ import annotations

from pathlib import Path

from vvuq.credibility.plan import Plan
from vvuq.errors import InputError, near
from vvuq.paths import folder_of, shipped
from vvuq.strict_yaml import Document

PLAN = "plan.yaml"


def studies() -> dict[str, Path]:
    """{name: plan file} of the studies in ./studies, and of the shipped ones that none there hides."""
    found: dict[str, Path] = {}
    for folder in (Path("studies"), shipped("studies")):
        for path in sorted(folder.glob(f"*/{PLAN}")):
            found.setdefault(path.parent.name, path)
    return found


def find_plan(where: str) -> Path:
    """The plan file of a study by name, by its folder, or by the file itself. Raises InputError with what there is."""
    path, known = Path(where), studies()
    try:
        if path.is_file() and path.suffix in (".yaml", ".yml"):
            return path
        if (path / PLAN).is_file():
            return path / PLAN
        there = path.is_dir()
    except OSError as error:
        raise InputError("command line", "STUDY", where, f"a path that can be read ({error.strerror})") from None
    if where not in known:
        remedy = f"the name of a study or the path of its folder{near(where, known)}"
        raise InputError("command line", "STUDY", where, f"a folder with a {PLAN}" if there else remedy)
    return known[where]


def check_folder(plan: Plan, document: Document, path: Path) -> None:
    """Raises InputError where a study has another name than its folder: two folders would share a store."""
    folder = path.absolute().parent.name
    if plan.study != folder:
        remedy = f"{folder}, the name of its folder; evidence is kept by this name"
        raise InputError(document.at(("study",)), "study", plan.study, remedy)


def find_twin(name: str, plan: Path, where: str = "") -> Path:
    """The folder or file of a twin: beside the plan, in ./twins, or shipped. Raises InputError at `where`."""
    folders = (plan.parent, Path("twins"), shipped("twins"))
    for folder in folders:
        for path in (folder / name, folder / f"{name}.py"):
            if path.is_file() or (path / "__init__.py").is_file():
                return path
    known = {path.stem for folder in folders for path in folder.glob("*.py")}
    known |= {path.parent.name for folder in folders for path in folder.glob("*/__init__.py")}
    remedy = f"a twin beside the plan, in ./twins, or one that is shipped{near(name, known)}"
    raise InputError(where or str(plan), "twin", name, remedy)


def store_path(study: str, given: str | None = None) -> Path:
    """Where the evidence of a study lies: as given, else below $VVUQ_HOME, else below ./.vvuq."""
    if given:
        return Path(given)
    return (folder_of("VVUQ_HOME") or Path(".vvuq")) / study / "evidence.sqlite"
