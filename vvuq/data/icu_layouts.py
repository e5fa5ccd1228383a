"""How the tables of intensive care are laid out: long tables of many measured things; a card names channels of them."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from vvuq.data.fields import FileName, Name, Strict, Text
from vvuq.data.layouts import Covariate
from vvuq.strict_yaml import fault


class Channel(Strict):
    """One measured thing: its name here, its unit, and the range that a possible value lies in; others are dropped."""

    name: Name
    unit: Text
    low: float
    high: float

    @model_validator(mode="after")
    def _ranged(self) -> Channel:
        if not self.low < self.high:
            raise fault("low", self.low, f"a number below high, {self.high:g}")
        return self


class ClifChannel(Channel):
    """A category of the table of vitals or of laboratory values; `preferred`: which of the names in the table counts
    where several values stand at one time, the best first."""

    table: Literal["vitals", "labs"]
    category: Text
    preferred: tuple[Text, ...] = Field(default=(), strict=False)


class CincChannel(Channel):
    """Parameters of the table; where several stand at one time, the first of them counts."""

    parameters: tuple[Text, ...] = Field(min_length=1, strict=False)


class Clif(Strict):
    """Four tables of the Common Longitudinal ICU data Format (readers/clif.py), whose columns the format fixes.

    `file`: the vitals. A hospitalization's record begins with its first vital sign among the channels and ends before
    the first time that none was measured for more than `gap` [h]: then it was elsewhere."""

    format: Literal["clif"]
    file: FileName
    labs_file: FileName
    hospitalizations_file: FileName
    patients_file: FileName
    gap: float = Field(gt=0.0)
    channels: tuple[ClifChannel, ...] = Field(min_length=1, strict=False)
    covariates: tuple[Covariate, ...] = Field(strict=False)

    @property
    def files(self) -> dict[str, str]:
        """{field of the layout: file name}."""
        named = ("file", "labs_file", "hospitalizations_file", "patients_file")
        return {field: getattr(self, field) for field in named}

    @property
    def observable(self) -> str:
        """What the measurements are of, in words."""
        return in_words(self.channels)

    @property
    def units(self) -> dict[str, str]:
        """{field of the cohort: unit}."""
        return units_of(self.channels, self.covariates)

    @property
    def places(self) -> dict[str, tuple[str, str]]:
        """{field of the cohort: (kind, field of the layout that states its unit)}."""
        return places_of(self.channels, self.covariates)

    @model_validator(mode="after")
    def _distinct(self) -> Clif:
        check_names(self.channels, self.covariates)
        if not any(channel.table == "vitals" for channel in self.channels):
            raise fault("channels", self.channels[0].name, "at least one channel of the table vitals")
        return self


class Cinc(Strict):
    """The long table and the outcomes of the PhysioNet/Computing in Cardiology Challenge 2012 (readers/cinc.py), whose
    columns are fixed. An age above `oldest` [year] is taken as that: the database masks the highest as about 200."""

    format: Literal["cinc2012"]
    file: FileName
    outcomes_file: FileName
    oldest: float
    channels: tuple[CincChannel, ...] = Field(min_length=1, strict=False)
    covariates: tuple[Covariate, ...] = Field(strict=False)

    @property
    def files(self) -> dict[str, str]:
        """{field of the layout: file name}."""
        return {field: getattr(self, field) for field in ("file", "outcomes_file")}

    @property
    def observable(self) -> str:
        """What the measurements are of, in words."""
        return in_words(self.channels)

    @property
    def units(self) -> dict[str, str]:
        """{field of the cohort: unit}."""
        return units_of(self.channels, self.covariates)

    @property
    def places(self) -> dict[str, tuple[str, str]]:
        """{field of the cohort: (kind, field of the layout that states its unit)}."""
        return places_of(self.channels, self.covariates)

    @model_validator(mode="after")
    def _distinct(self) -> Cinc:
        check_names(self.channels, self.covariates)
        return self


def in_words(channels: tuple[Channel, ...]) -> str:
    """The names of the channels in a sentence."""
    *others, last = [channel.name.replace("_", " ") for channel in channels]
    return f"{', '.join(others)} and {last}" if others else last


def units_of(channels: tuple[Channel, ...], covariates: tuple[Covariate, ...]) -> dict[str, str]:
    """{field of the cohort: unit}; time is in hours."""
    own = {"time": "h"} | {channel.name: channel.unit for channel in channels}
    return own | {covariate.name: covariate.unit for covariate in covariates}


def places_of(channels: tuple[Channel, ...], covariates: tuple[Covariate, ...]) -> dict[str, tuple[str, str]]:
    """{field of the cohort: (kind, field of the layout that states its unit)}."""
    places = {one.name: ("observable", f"channels.{i}.unit") for i, one in enumerate(channels)}
    return places | {one.name: ("covariate", f"covariates.{i}.unit") for i, one in enumerate(covariates)}


def check_names(channels: tuple[Channel, ...], covariates: tuple[Covariate, ...]) -> None:
    """Raises a fault where two channels or covariates have one name."""
    names = [channel.name for channel in channels] + [covariate.name for covariate in covariates]
    for name in names:
        if names.count(name) > 1 or name == "time":
            raise fault("channels", name, "a name that no other channel or covariate has")
