"""YAML that says where it is wrong: no duplicate keys, no anchors, no YAML 1.1 surprises, the line of every field."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from vvuq.errors import InputError

M = TypeVar("M", bound=BaseModel)
Path_ = tuple[str | int, ...]
_LARGEST = 1_000_000  # bytes: a plan is a few pages, not a library
_DEEPEST = 24
_NUMBER = re.compile(r"^[-+]?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?$")
_INTEGER = re.compile(r"^[-+]?(?:0|[1-9][0-9]*)$")


@dataclass(frozen=True, slots=True)
class Document:
    """Plain data (dict, list, str, int, float, bool, None) with the line of every field in the file it came from."""

    where: str
    data: Any
    lines: Mapping[Path_, int]

    def at(self, place: Path_) -> str:
        """The file, and the line of the field at `place` or of the closest field around it."""
        while place and place not in self.lines:
            place = place[:-1]
        return f"{self.where}:{self.lines.get(place, 1)}"


def read_yaml(path: Path) -> Document:
    """The document in a file. Raises InputError with file, line, field, value and remedy."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise InputError(str(path), "file", path.name, f"a file that can be read ({error.strerror})") from None
    if len(raw) > _LARGEST:
        raise InputError(str(path), "size", len(raw), f"a file of at most {_LARGEST} bytes")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise InputError(f"{path}:{line}", "encoding", raw[error.start : error.end], "text in UTF-8") from None
    return parse_yaml(text, str(path))


def parse_yaml(text: str, where: str) -> Document:
    """The document in a text that came from `where`. Raises InputError like `read_yaml`."""
    try:
        _refuse_tricks(text, where)
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise InputError(f"{where}:{line}", "syntax", error.problem, "YAML that can be read") from None
    except yaml.YAMLError as error:
        raise InputError(where, "syntax", str(error).splitlines()[0], "YAML that can be read") from None
    lines: dict[Path_, int] = {}
    return Document(where, None if node is None else _plain(node, where, (), lines), lines)


def validate(document: Document, model: type[M]) -> M:
    """The document as a strict pydantic model. Raises InputError that names every wrong field with its line."""
    try:
        return model.model_validate_json(json.dumps(document.data, ensure_ascii=False))
    except ValidationError as error:
        problems = [_problem(document, detail) for detail in error.errors()]
        where, field, value, remedy = problems[0]
        others = "".join(f"\n  also {w}: {f}: {v!r}: {r}" for w, f, v, r in problems[1:])
        raise InputError(where, field, value, remedy + others) from None


def _problem(document: Document, detail: Any) -> tuple[str, str, object, str]:
    place = tuple(detail["loc"])
    value = detail["input"] if isinstance(detail["input"], str | int | float | bool | None) else "..."
    message = detail["msg"].removeprefix("Value error, ")
    if detail["type"] == "extra_forbidden":
        message = "remove it, or look for a misspelling: no field of this name is known here"
    if detail["type"] == "missing":
        value, message = None, "add this field, it is required"
    return document.at(place), ".".join(str(part) for part in place) or "document", value, message


def _refuse_tricks(text: str, where: str) -> None:
    """Anchors let a small file grow without bound, tags make values other than they look, depth exhausts the stack."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        line = f"{where}:{event.start_mark.line + 1 if event.start_mark else 1}"
        anchor = getattr(event, "anchor", None)
        if anchor is not None:
            raise InputError(line, "anchor", anchor, "the value written out; anchors (&) and aliases (*) are refused")
        tag = getattr(event, "tag", None)
        if tag is not None:
            raise InputError(line, "tag", tag, "a value without a tag")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        if isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > _DEEPEST:
            raise InputError(line, "nesting", depth, f"at most {_DEEPEST} levels")


def _plain(node: yaml.Node, where: str, place: Path_, lines: dict[Path_, int]) -> Any:
    lines.setdefault(place, node.start_mark.line + 1)
    if isinstance(node, yaml.SequenceNode):
        return [_plain(item, where, (*place, i), lines) for i, item in enumerate(node.value)]
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, where, place, lines)
    return _scalar(node, where, place)


def _mapping(node: yaml.MappingNode, where: str, place: Path_, lines: dict[Path_, int]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key_node, value_node in node.value:
        line = key_node.start_mark.line + 1
        key = key_node.value
        if not isinstance(key_node, yaml.ScalarNode) or key == "<<":
            raise InputError(f"{where}:{line}", "key", str(key)[:40], "a plain name as a key")
        if key in found:
            raise InputError(f"{where}:{line}", ".".join(map(str, (*place, key))), key, "a key that occurs once")
        lines[(*place, key)] = line
        found[key] = _plain(value_node, where, (*place, key), lines)
    return found


def _scalar(node: yaml.Node, where: str, place: Path_) -> str | int | float | bool | None:
    """Plain scalars by the rules of YAML 1.2: `no`, `12:30` and `2027-01-01` stay text, `1e-3` is a number."""
    text = str(node.value)
    if not text.isprintable() and any("\ud800" <= character <= "\udfff" for character in text):
        raise InputError(f"{where}:{node.start_mark.line + 1}", "text", text, "characters that UTF-8 can write")
    if getattr(node, "style", None) is not None:
        return text
    if text in ("", "~", "null"):
        return None
    if text in ("true", "false"):
        return text == "true"
    if _INTEGER.match(text) and len(text) < 40:
        return int(text)
    number = float(text) if _NUMBER.match(text) else 0.0
    if text.lower().lstrip("+-") in (".nan", ".inf") or not math.isfinite(number):
        raise InputError(f"{where}:{node.start_mark.line + 1}", ".".join(map(str, place)), text, "a finite number")
    return number if _NUMBER.match(text) else text
