"""Dossier to one self-contained HTML file that carries its own digest, and the check of that digest."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from vvuq.dossier.standing import STATUSES, Unmet
from vvuq.dossier.view import Dossier, Estimate, Number, Text
from vvuq.errors import IntegrityError
from vvuq.evidence.files import write_whole
from vvuq.paths import shipped

_BLANK = "0" * 64
_FIELD = re.compile(rb'(<code id="page-digest">)([0-9a-f]{64})(</code>)')
_KINDS = {"a_number": Number, "a_text": Text, "an_estimate": Estimate, "unmet_goal": Unmet}


def render(dossier: Dossier, path: Path) -> str:
    """Writes the page to `path` at once (nobody sees half a file); returns the sha256 of the file."""
    data = seal(page(dossier).encode())
    write_whole(path, data)
    return hashlib.sha256(data).hexdigest()


def page(dossier: Dossier) -> str:
    """The page as text, its digest field blank."""
    environment = _environment()
    bodies = [
        (part, Markup(environment.get_template(f"sections/{part.name}.html").render(view=part.view, dossier=dossier)))
        for part in dossier.parts
    ]
    return environment.get_template("base.html").render(dossier=dossier, bodies=bodies, blank=_BLANK)


def seal(data: bytes) -> bytes:
    """The page with the sha256 of its blanked self in the digest field."""
    return _put(data, hashlib.sha256(data).hexdigest().encode())


def verify_page(path: Path) -> None:
    """Raises IntegrityError where the page is not what was written: any changed, added or missing byte shows."""
    data = path.read_bytes()
    found = _FIELD.findall(data)
    if len(found) != 1:
        raise IntegrityError(f"{path}: the page holds {len(found)} digest fields, one is expected: it was changed")
    stated = found[0][1].decode()
    actual = hashlib.sha256(_put(data, _BLANK.encode())).hexdigest()
    if stated != actual:
        raise IntegrityError(f"{path}: the page was changed: it states {stated[:12]}, its content has {actual[:12]}")


def _put(data: bytes, digest: bytes) -> bytes:
    return _FIELD.sub(lambda match: match[1] + digest + match[3], data)


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(shipped("templates")),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["markup"] = Markup
    environment.globals["STATUSES"] = STATUSES
    for name, kind in _KINDS.items():
        environment.tests[name] = lambda value, kind=kind: isinstance(value, kind)
    return environment
