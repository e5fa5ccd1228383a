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


def find_twin(name: str, plan: Path, where: str = "") -> tuple[Path, str]:
    """(the folder or file of a twin, the rival in it): beside the plan, in ./twins, or shipped.

    In "glucose/hovorka", hovorka is a rival in the twin glucose, as `load_twin` takes it; else the rival is "".
    Raises InputError at `where`."""
    folders = (plan.parent, Path("twins"), shipped("twins"))
    package, _, rival = name.rpartition("/")
    for folder in folders:
        if package and (folder / package / "__init__.py").is_file():
            return folder / package, rival
        for path in (folder / name, folder / f"{name}.py"):
            if path.is_file() or (path / "__init__.py").is_file():
                return path, ""
        if package and (folder / f"{package}.py").is_file():
            return folder / f"{package}.py", rival
    remedy = f"a twin beside the plan, in ./twins, or one that is shipped{near(name, twins_in(*folders))}"
    raise InputError(where or str(plan), "twin", name, remedy)


def twins_in(*folders: Path) -> dict[str, Path]:
    """{name: folder or file} of the twins in some folders (default: ./twins and the shipped ones); the first counts."""
    found: dict[str, Path] = {}
    for folder in folders or (Path("twins"), shipped("twins")):
        places = [path.parent for path in folder.glob("*/__init__.py")] + list(folder.glob("*.py"))
        for path in sorted(places):
            found.setdefault(path.stem, path)
    found.pop("__init__", None)  # a folder of twins is no twin
    return found


def store_path(study: str, given: str | None = None) -> Path:
    """Where the evidence of a study lies: as given, else below $VVUQ_HOME, else below ./.vvuq."""
    if given:
        return Path(given)
    return (folder_of("VVUQ_HOME") or Path(".vvuq")) / study / "evidence.sqlite"
