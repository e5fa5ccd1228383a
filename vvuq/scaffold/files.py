"""Files made from templates: all of them or none, and never over one that is there."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from vvuq.errors import InputError
from vvuq.paths import shipped

_STUDY = re.compile(r"[a-z0-9][a-z0-9_-]*")


def filled(template: str, **values: Any) -> bytes:
    """The text of templates/new/TEMPLATE with its places filled in. Its filter `quoted` writes text for YAML."""
    loader = FileSystemLoader(shipped("templates") / "new")
    made = Environment(
        loader=loader, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,
        autoescape=False,
    )  # fmt: skip
    made.filters["quoted"] = lambda text: json.dumps(text, ensure_ascii=False)
    return made.get_template(template).render(values).encode()


def write_new(files: Mapping[Path, bytes]) -> None:
    """Writes every file, or none. Raises InputError where one exists or cannot be written."""
    for path in files:
        if path.exists():
            raise InputError("command line", "NAME", path.stem, f"a name that is free: {path} exists")
    folders = [parent for path in files for parent in reversed(path.parents) if not parent.exists()]
    begun: list[Path] = []
    try:
        for path, content in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            begun.append(path)
            with path.open("xb") as file:
                file.write(content)
    except OSError as error:
        for path in begun:
            path.unlink(missing_ok=True)
        for folder in reversed(folders):
            shutil.rmtree(folder, ignore_errors=True)
        remedy = f"a folder that can be written: {error.filename or Path.cwd()} ({error.strerror})"
        raise InputError("command line", "NAME", next(iter(files)).stem, remedy) from None


def study_name(name: str, into: Path) -> str:
    """`name`, if a study of that name may be made in `into`. Raises InputError; a shipped study would be hidden."""
    if not _STUDY.fullmatch(name):
        remedy = "lower-case letters, digits, - and _, beginning with a letter or digit"
        raise InputError("command line", "NAME", name, remedy)
    if (shipped("studies") / name).is_dir():
        raise InputError("command line", "NAME", name, "another name: a study that is shipped has this one")
    if (into / name).exists():
        raise InputError("command line", "NAME", name, f"a name that is free: {into / name} exists")
    return name
