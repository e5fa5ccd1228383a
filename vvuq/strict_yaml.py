"""Floor 0: YAML that says where it is wrong: each field's line, no key twice, no anchors, no YAML 1.1 surprises."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, cast

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import PydanticCustomError

from vvuq.errors import InputError, near

M = TypeVar("M", bound=BaseModel)
Path_ = tuple[str | int, ...]
_LARGEST = 1_000_000  # bytes: a plan is a few pages, not a library
_DEEPEST = 24
_MOST = 10  # problems that one message lists
_NUMBER = re.compile(r"^[-+]?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?$")
_INTEGER = re.compile(r"^[-+]?(?:0|[1-9][0-9]*)$")
_REMEDIES = {  # what pydantic found, as what would be right; {..} are its limits
    "bool_type": "true or false",
    "date_from_datetime_inexact": "a day, as YYYY-MM-DD, without a time",
    "date_from_datetime_parsing": "a day that exists, as YYYY-MM-DD",
    "date_parsing": "a day that exists, as YYYY-MM-DD",
    "date_type": "a day, as YYYY-MM-DD",
    "dict_type": "fields below it, as name: value",
    "extra_forbidden": "a field that is known here, or none",
    "finite_number": "a finite number",
    "float_type": "a number with a decimal point and no unit, as 17.3",
    "greater_than": "more than {gt}",
    "greater_than_equal": "{ge} or more",
    "int_from_float": "a whole number",
    "int_type": "a whole number in plain digits, as 12",
    "less_than": "less than {lt}",
    "less_than_equal": "{le} or less",
    "list_type": "a list, as [a, b]",
    "literal_error": "one of {expected}",
    "missing": "add this field, it is required",
    "model_type": "fields below it, as name: value",
    "multiple_of": "a multiple of {multiple_of}",
    "string_pattern_mismatch": "text that matches {pattern}",
    "string_too_short": "text that is not empty",
    "string_type": 'text; put a number in quotes, as "1"',
    "too_long": "{max_length} entries or fewer",
    "too_short": "{min_length} or more entries",
    "tuple_type": "a list, as [a, b]",
    "union_tag_invalid": "one of {expected_tags}",
    "union_tag_not_found": "add this field, it is required",
}


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
        size = path.stat().st_size
        if size > _LARGEST:
            raise InputError(str(path), "size", size, f"a file of at most {_LARGEST} bytes")
        raw = path.read_bytes()
    except OSError as error:
        raise InputError(str(path), "file", path.name, f"a file that can be read ({error.strerror})") from None
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        remedy = "text in UTF-8; save the file again in that encoding"
        raise InputError(f"{path}:{line}", "encoding", raw[error.start : error.end], remedy) from None
    return parse_yaml(text, str(path))


def parse_yaml(text: str, where: str) -> Document:
    """The document in a text that came from `where`. Raises InputError like `read_yaml`."""
    try:
        node = _Composer(text, where).get_single_node()
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        remedy = "YAML that can be read: blanks (no tabs) indent, brackets and quotes are closed"
        raise InputError(f"{where}:{line}", "syntax", error.problem, remedy) from None
    except yaml.reader.ReaderError as error:
        line = text[: error.position].count("\n") + 1
        raise InputError(f"{where}:{line}", "text", chr(error.character), "text without control characters") from None
    lines: dict[Path_, int] = {}
    return Document(where, None if node is None else _plain(node, where, (), lines), lines)


def validate(document: Document, model: type[M]) -> M:
    """The document as a strict pydantic model. Raises InputError that names every wrong field with its line."""
    try:
        return model.model_validate_json(json.dumps(document.data, ensure_ascii=False))
    except ValidationError as error:
        raise refusal(list(problems(document, error.errors(), set(_properties(model.model_json_schema()))))) from None


def fault(field: str, value: object, remedy: str) -> PydanticCustomError:
    """What a validator of a whole model raises: `field`, dotted below that model, is at fault."""
    return PydanticCustomError("fault", "{remedy}", {"field": field, "value": value, "remedy": remedy})


Problem = tuple[str, str, object, str]


def problems(
    document: Document, found: Iterable[Any], fields: Collection[str], before: Path_ = ()
) -> Iterator[Problem]:
    """(where, field, value, remedy) of what pydantic found in that which lies at `before`; `fields`: names it knows."""
    for detail in sorted(_causes(list(found)), key=lambda detail: detail["type"] != "extra_forbidden"):
        place = _place(document, before, detail)
        yield document.at(place), ".".join(map(str, place)) or "document", *value_and_remedy(detail, fields)


def refusal(found: list[Problem]) -> InputError:
    """One error that says all of the problems, the first ones in full."""
    (where, field, value, remedy), *others = found
    also = [f"\n  also {w}: {f}: {v!r}: {r}" for w, f, v, r in others[: _MOST - 1]]
    more = f"\n  and {len(others) - len(also)} more" if len(others) > len(also) else ""
    return InputError(where, field, value, remedy + "".join(also) + more)


def _causes(found: list[Any]) -> Iterator[Any]:
    """Without what merely follows: a list counts as too short where an entry of it is wrong."""
    places = [detail["loc"] for detail in found]
    for detail in found:
        own = detail["loc"]
        below = any(place[: len(own)] == own and len(place) > len(own) for place in places)
        if not (detail["type"] == "too_short" and below):
            yield detail


def _place(document: Document, before: Path_, detail: Any) -> Path_:
    """The place in the file: pydantic's, without the words that it puts in for the branches of a union."""
    place, last = before, len(detail["loc"]) - 1
    for i, part in enumerate(detail["loc"]):
        if (*place, part) in document.lines or (i == last and detail["type"] == "missing"):
            place = (*place, part)
    if detail["type"].startswith("union_tag"):
        return (*place, detail["ctx"]["discriminator"].strip("'"))
    if detail["type"] == "fault" and detail["ctx"]["field"]:
        return (*place, *detail["ctx"]["field"].split("."))
    return place


def value_and_remedy(detail: Any, fields: Collection[str] = ()) -> tuple[object, str]:
    """The value that one detail of a ValidationError is about, and what would be right, in our words."""
    kind, value = detail["type"], detail["input"]
    if kind in ("missing", "union_tag_not_found"):
        return None, _REMEDIES[kind]
    context = detail.get("ctx", {})
    known = _REMEDIES.get(kind)
    remedy = known.format(**context) if known else detail["msg"].removeprefix("Value error, ")
    if kind == "extra_forbidden":
        return detail["loc"][-1], remedy + near(str(detail["loc"][-1]), fields)
    if kind in ("union_tag_invalid", "fault"):
        value = context["tag" if kind == "union_tag_invalid" else "value"]
    return value if isinstance(value, str | int | float | bool | None) else "...", remedy


def _properties(schema: Any) -> Iterator[str]:
    """The names of all fields in a JSON Schema."""
    if isinstance(schema, dict):
        yield from schema.get("properties", {})
        for part in schema.values():
            yield from _properties(part)
    elif isinstance(schema, list):
        for part in schema:
            yield from _properties(part)


class _Composer(yaml.SafeLoader):
    """Composes nodes while it refuses what tricks a reader.

    Anchors let a small file grow without bound, tags make values other than they look, depth exhausts the stack."""

    def __init__(self, text: str, where: str) -> None:
        super().__init__(text)
        self._where, self._depth = where, 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        event = cast("Any", self).peek_event()
        line = f"{self._where}:{event.start_mark.line + 1}"
        anchor, tag = getattr(event, "anchor", None), getattr(event, "tag", None)
        if anchor is not None:
            raise InputError(line, "anchor", anchor, "the value written out; anchors (&) and aliases (*) are refused")
        if tag is not None:
            raise InputError(line, "tag", tag, "a value without a tag")
        if self._depth > _DEEPEST:
            raise InputError(line, "nesting", self._depth, f"at most {_DEEPEST} levels")
        self._depth += 1
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node


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
            first = lines[(*place, key)]
            remedy = f"a key that occurs once; it stands in line {first} already"
            raise InputError(f"{where}:{line}", ".".join(map(str, (*place, key))), key, remedy)
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
