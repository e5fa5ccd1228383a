"""Data cards: what a cohort is, whose it is, how to obtain and read it, who has seen it, what is not known of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from vvuq import paths
from vvuq.errors import InputError, near
from vvuq.strict_yaml import fault, read_yaml, validate

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]*$")]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


def _plain(path: str) -> str:
    """Refuses a path that could leave the folder it is unpacked to."""
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or ".." in parts or any(sign in path for sign in "\\:\0"):
        raise ValueError("a relative path with / between its parts and no ..")
    return path


def _bare(path: str) -> str:
    if len(PurePosixPath(_plain(path)).parts) != 1:
        raise ValueError("a file name without a folder")
    return path


InnerPath = Annotated[str, AfterValidator(_plain)]
FileName = Annotated[str, AfterValidator(_bare)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Licence(_Strict):
    """Licence of the data and of the package that carries them. `confirmed` is false where no licence text was seen."""

    data: Text
    package: Text | None = None
    confirmed: bool
    note: Text


class Citation(_Strict):
    """Where the data were first reported."""

    text: Text
    doi: Text | None = None
    pmid: Text | None = None


class DataFile(_Strict):
    """One file: its path inside the wheel, or its name if it is local; its digest, and what it is for."""

    path: InnerPath
    sha256: Sha256
    purpose: Text

    @property
    def name(self) -> str:
        """The name of the file once unpacked."""
        return PurePosixPath(self.path).name


class Obtain(_Strict):
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
    """How to read the table. `format`: "nonmem" (readers/nonmem.py) or "table" (readers/table.py).

    Of the first alone: `event` is a column with 1 on dose rows and 0 on measurement rows, if there is one. Of the
    second alone: `duration` is the column of a dose's length (empty: a bolus), `decimal` the sign in its numbers."""

    format: Literal["nonmem", "table"]
    file: FileName
    separator: Literal["blank", "comma", "semicolon", "tab"] = "blank"
    decimal: Literal["point", "comma"] = "point"
    id: Text
    time: Text
    dose: Text
    observation: Text
    observable: Name
    event: Text | None = None
    duration: Text | None = None
    ignored: tuple[Text, ...] = Field(default=(), strict=False)
    covariates: tuple[Covariate, ...] = Field(strict=False)
    time_unit: Text
    dose_unit: Text
    observation_unit: Text

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns that are read, in no order of the file."""
        others = tuple(column for column in (self.event, self.duration) if column)
        read = (self.id, self.time, self.dose, self.observation, *others)
        return read + tuple(covariate.column for covariate in self.covariates)

    @property
    def units(self) -> dict[str, str]:
        """{field of the cohort: unit}."""
        own = {"time": self.time_unit, "dose": self.dose_unit, self.observable: self.observation_unit}
        return own | {covariate.name: covariate.unit for covariate in self.covariates}

    @property
    def places(self) -> dict[str, tuple[str, str]]:
        """{field of the cohort: (kind, field of the layout that states its unit)}."""
        own = {"time": ("time", "time_unit"), "dose": ("dose", "dose_unit")}
        own[self.observable] = ("observable", "observation_unit")
        return own | {one.name: ("covariate", f"covariates.{i}.unit") for i, one in enumerate(self.covariates)}

    @model_validator(mode="after")
    def _distinct(self) -> Layout:
        named = [*self.columns, *self.ignored]
        if len(set(named)) != len(named):
            twice = next(column for column in named if named.count(column) > 1)
            raise fault("", twice, "a column that is named once in the layout")
        return self

    @model_validator(mode="after")
    def _fits_its_format(self) -> Layout:
        nonmem = self.format == "nonmem"
        separators = ("blank", "comma") if nonmem else ("comma", "semicolon", "tab")
        if self.separator not in separators:
            raise fault("separator", self.separator, f"{' or '.join(separators)}, in the format {self.format}")
        for name, value in (("duration", self.duration), ("event", self.event)):
            if value and nonmem == (name == "duration"):
                raise fault(name, value, f"no such field in the format {self.format}")
        if self.decimal == "comma" and (nonmem or self.separator == "comma"):
            raise fault("decimal", self.decimal, "point, unless format is table and separator semicolon or tab")
        return self


class DiaryRules(_Strict):
    """What a diary's reader drops, flags and assumes; each is counted in the cohort's notes.

    Glucose outside `low` to `high` [mg/dL] is dropped; sensor readings that change faster than `fastest` [mg/dL/min]
    and stand further apart than `gap` [min] are flagged. A pump's rate holds until the next entry, for at most
    `basal_hours`; a bag runs in at `drip` [mL/h]; an item above `largest_item` [g] of carbohydrate is a misprint."""

    low: float
    high: float
    fastest: float = Field(gt=0)
    gap: float = Field(gt=0)
    basal_hours: float = Field(gt=0)
    drip: float = Field(gt=0)
    largest_item: float = Field(gt=0)


DIARY_DOSES = {
    "carbohydrate": "g", "rapid_insulin": "IU", "short_insulin": "IU", "intermediate_insulin": "IU",
    "long_insulin": "IU", "basal_insulin": "IU", "intravenous_insulin": "IU", "intravenous_glucose": "g",
}  # fmt: skip


class Diary(_Strict):
    """How to read a diary of sensor readings, fingersticks, meals and insulin, a row a time, with a second table that
    has a row a record of a patient (readers/shanghai.py). Fields name columns.

    `meals_again` has the meals in another language: where its numbers differ, that is counted. `pump` is the kind of a
    pump's boluses. `glucose_unit` is the table's; the cohort has mg/dL. `slowed_by`: words of
    the column `oral` that set the covariate slowed_carbohydrate to 1 for the patient."""

    format: Literal["shanghai"]
    file: FileName
    covariates_file: FileName
    id: Text
    record: Text
    time: Text
    cgm: Text
    fingerstick: Text
    meals: Text
    meals_again: Text | None = None
    subcutaneous: Text
    intravenous: Text
    pump_bolus: Text
    pump_basal: Text
    oral: Text
    ignored: tuple[Text, ...] = Field(default=(), strict=False)
    pump: Literal["rapid_insulin", "short_insulin"]
    slowed_by: tuple[Text, ...] = Field(default=(), strict=False)
    glucose_unit: Text
    rules: DiaryRules
    covariates_id: Text
    covariates: tuple[Covariate, ...] = Field(strict=False)

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns that are read, in no order of the file."""
        named = (self.id, self.record, self.time, self.cgm, self.fingerstick, self.meals, self.subcutaneous)
        again = (self.meals_again,) if self.meals_again else ()
        return (*named, *again, self.intravenous, self.pump_bolus, self.pump_basal, self.oral)

    @property
    def observable(self) -> str:
        """What the measurements are of, in words."""
        return "cgm and fingerstick"

    @property
    def units(self) -> dict[str, str]:
        """{field of the cohort: unit}."""
        own = {"time": "min", **DIARY_DOSES, "cgm": "mg/dL", "fingerstick": "mg/dL", "slowed_carbohydrate": "1"}
        return own | {covariate.name: covariate.unit for covariate in self.covariates}

    @property
    def places(self) -> dict[str, tuple[str, str]]:
        """{field of the cohort: (kind, field of the layout that states its unit)}."""
        return {one.name: ("covariate", f"covariates.{i}.unit") for i, one in enumerate(self.covariates)}

    @model_validator(mode="after")
    def _distinct(self) -> Diary:
        named = [*self.columns, *self.ignored]
        if len(set(named)) != len(named):
            twice = next(column for column in named if named.count(column) > 1)
            raise fault("", twice, "a column that is named once in the layout")
        if not self.rules.low < self.rules.high:
            raise fault("rules.low", self.rules.low, f"a number below high, {self.rules.high:g}")
        return self


class ReferenceFitFile(_Strict):
    """The fit of the whole cohort by another program: its table of estimates, and which column is which estimate.

    typical: {estimate here: column}; variances: {SD here: column that holds its square}."""

    tool: Text
    format: Literal["nonmem_ext"]
    file: FileName
    typical: dict[str, Text]
    variances: dict[str, Text]


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
    """All that a study must say of its cohort. `load_card` sets `folder`, where the card lies, and `shown`, its path as
    it was named."""

    name: Name
    title: Text
    source: Text
    licence: Licence
    citation: Citation
    obtain: Obtain
    layout: Annotated[Layout | Diary, Field(discriminator="format")]
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
        named = {"file": self.layout.file}
        if isinstance(self.layout, Diary):
            named["covariates_file"] = self.layout.covariates_file
        for field, name in named.items():
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
