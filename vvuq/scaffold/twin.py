"""A twin to begin with: one compartment, valid as it stands, with claims and a test that tries them."""

from __future__ import annotations

import keyword
import re
from pathlib import Path

from vvuq.errors import InputError
from vvuq.paths import shipped
from vvuq.scaffold.files import filled, write_new

_NAME = re.compile(r"[a-z][a-z0-9_]*")


def new_twin(name: str, into: Path) -> tuple[Path, Path]:
    """Writes into/twins/NAME.py and into/tests/test_NAME.py; returns both. Raises InputError."""
    if not _NAME.fullmatch(name) or keyword.iskeyword(name):
        raise InputError("command line", "NAME", name, "lower-case letters, digits and _, beginning with a letter")
    if any((shipped("twins") / one).exists() for one in (name, f"{name}.py")):
        raise InputError("command line", "NAME", name, "another name: a twin that is shipped has this one")
    if (into / "twins" / name).exists():
        raise InputError("command line", "NAME", name, f"a name that is free: {into / 'twins' / name} exists")
    twin, test = into / "twins" / f"{name}.py", into / "tests" / f"test_{name}.py"
    write_new({twin: filled("twin.py", name=name), test: filled("test_twin.py", name=name)})
    return twin, test
