"""How the table of a cohort is laid out: one class a format, read by the reader of that format."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from vvuq.data.fields import FileName, Name, Strict, Text
from vvuq.strict_yaml import fault


class Covariate(Strict):
    """A patient's fixed property: its column, its name here, unit, meaning, and the range a valid value lies in."""

    column: Text
    name: Name
    unit: Text
    meaning: Text
    low: float
    high: float
    whole: bool = False


class Layout(Strict):
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
    def files(self) -> dict[str, str]:
        """{field of the layout: file name}."""
        return {"file": self.file}

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


class DiaryRules(Strict):
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


class Diary(Strict):
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
    def files(self) -> dict[str, str]:
        """{field of the layout: file name}."""
        return {"file": self.file, "covariates_file": self.covariates_file}

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
