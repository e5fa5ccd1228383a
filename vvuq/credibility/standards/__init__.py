"""Ladders, categories of evidence and risk matrices: versioned data files, and their strict loader."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, model_validator

from vvuq.errors import InputError
from vvuq.strict_yaml import read_yaml, validate

FOLDER = Path(__file__).resolve().parent
Level = Literal["low", "medium", "high"]
M = TypeVar("M", bound=BaseModel)


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Leaf(_Strict):
    """One credibility factor or sub-factor: its ladder maps gradation letters, low to high, to what they mean."""

    id: str
    group: str
    title: str
    source: str
    decided_by: Literal["machine", "mixed", "human"]
    ladder: dict[str, str]

    @property
    def rungs(self) -> tuple[str, ...]:
        """The letters of the ladder, lowest first."""
        return tuple(self.ladder)

    @model_validator(mode="after")
    def _ordered(self) -> Leaf:
        if self.rungs != tuple("abcdefgh"[: len(self.ladder)]) or len(self.ladder) < 2:
            raise ValueError("the letters of a ladder run a, b, c ... without a hole, two at least")
        return self


class Ladders(_Strict):
    """All leaves of one edition of a standard, in the order in which they are shown."""

    edition: str
    title: str
    source: str
    tailoring: str
    leaves: tuple[Leaf, ...] = Field(min_length=1)

    def leaf(self, name: str) -> Leaf:
        """The leaf of this id. Raises InputError where the edition has none."""
        for leaf in self.leaves:
            if leaf.id == name:
                return leaf
        raise InputError(self.edition, "leaf", name, "a leaf of this edition")

    @model_validator(mode="after")
    def _distinct(self) -> Ladders:
        if len({leaf.id for leaf in self.leaves}) != len(self.leaves):
            raise ValueError("every leaf has an id of its own")
        return self


class Category(_Strict):
    """A category of credibility evidence, and what we count in it."""

    number: int
    title: str
    counts: str


class Categories(_Strict):
    """The categories of evidence of one edition of a guidance."""

    edition: str
    title: str
    source: str
    categories: tuple[Category, ...] = Field(min_length=1)


class RiskMatrix(_Strict):
    """Model risk by model influence (rows) and decision consequence (columns)."""

    edition: str
    title: str
    source: str
    levels: tuple[Level, ...]
    influence: dict[Level, dict[Level, Level]]

    def risk(self, influence: Level, consequence: Level) -> Level:
        """The level of model risk."""
        return self.influence[influence][consequence]

    @model_validator(mode="after")
    def _complete_and_monotone(self) -> RiskMatrix:
        rows = [[self.influence.get(i, {}).get(c) for c in self.levels] for i in self.levels]
        ranks = [[self.levels.index(risk) if risk in self.levels else -1 for risk in row] for row in rows]
        pairs = [(a, b) for row in (*ranks, *zip(*ranks, strict=True)) for a, b in pairwise(row)]
        if min(min(row) for row in ranks) < 0 or any(a > b for a, b in pairs):
            raise ValueError("every pair of levels has a risk, which never falls as influence or consequence rise")
        return self


@cache
def ladders(edition: str) -> Ladders:
    """The credibility factors of an edition, for example "vv40_2018". Raises InputError for an unknown one."""
    return _load(edition, Ladders)


@cache
def categories(edition: str) -> Categories:
    """The categories of evidence of an edition, for example "fda_cms_2023"."""
    return _load(edition, Categories)


@cache
def risk_matrix(edition: str) -> RiskMatrix:
    """The risk matrix of this name, for example "risk_matrix"."""
    return _load(edition, RiskMatrix)


@cache
def editions(load: Callable[[str], BaseModel]) -> tuple[str, ...]:
    """The editions that `load` (ladders, categories or risk_matrix) finds."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.yaml") if _is(load, path.stem)))


def _is(load: Callable[[str], BaseModel], edition: str) -> bool:
    try:
        return bool(load(edition))
    except InputError:
        return False


def _load(edition: str, model: type[M]) -> M:
    known = sorted(path.stem for path in FOLDER.glob("*.yaml"))
    if edition not in known:
        raise InputError("profile", "edition", edition, f"one of {', '.join(known)}")
    return validate(read_yaml(FOLDER / f"{edition}.yaml"), model)
