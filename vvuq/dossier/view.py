"""What a page is made of: frozen values that a template only has to place. No template computes anything."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vvuq.dossier.source import Source


@dataclass(frozen=True, slots=True)
class Number:
    """One printed number: `value` is what `key` holds in `source` (an evidence id, "plan", "twin" or "verdicts").

    None prints as "not evaluated"."""

    value: float | int | None
    text: str
    unit: str
    source: str
    key: str


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number of the evidence with its interval, the units behind it (`n`) and its one-sided bounds where known."""

    label: str
    number: Number
    low: Number | None = None
    high: Number | None = None
    level: Number | None = None
    n: Number | None = None
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Text:
    """A printed string of the evidence; it resolves to `source` and `key` as a Number does."""

    text: str
    source: str
    key: str


@dataclass(frozen=True, slots=True)
class Grid:
    """A table: heads with units, rows of Number, Text or plain strings; the first column heads its row."""

    caption: str
    heads: tuple[tuple[str, str], ...]
    rows: tuple[tuple[Number | Text | str, ...], ...]
    evidence: str = ""


@dataclass(frozen=True, slots=True)
class Figure:
    """A drawing (SVG text) with a short name, the words that replace it for those who cannot see it, and its source.

    Two drawings that are `half` stand side by side in print."""

    ident: str
    svg: str
    alt: str
    caption: str
    evidence: str = ""
    half: bool = False


@dataclass(frozen=True, slots=True)
class Criterion:
    """One acceptance criterion with all that defines it, and what was found. met is None where that cannot be said."""

    leaf: str
    title: str
    measure: str
    analysis: str
    statistic: str
    op: str
    threshold: Number
    observed: Number
    n: Number
    least: Number | None
    met: bool | None
    reason: str
    rationale: str
    evidence: str
    text: str


@dataclass(frozen=True, slots=True)
class Serves:
    """One leaf that an analysis was used for, with its state and the criteria that the analysis answers."""

    leaf: str
    title: str
    status: str
    criteria: tuple[Criterion, ...]


@dataclass(frozen=True, slots=True)
class Block:
    """One analysis on the page: question, what it serves, figures, numbers, tables, findings, evidence id.

    `gap` is empty where the analysis was done; else it says what is missing."""

    anchor: str
    title: str
    question: str
    evidence: str
    gap: str = ""
    serves: tuple[Serves, ...] = ()
    figures: tuple[Figure, ...] = ()
    estimates: tuple[Estimate, ...] = ()
    grids: tuple[Grid, ...] = ()
    findings: tuple[Text, ...] = ()
    negative: tuple[Text, ...] = ()
    withheld: tuple[str, ...] = ()
    stale: bool = False


@dataclass(frozen=True, slots=True)
class Section:
    """A section of the report: `build` turns the Source into the value that the template `sections/NAME.html` places.

    `order` is its number in the report and its place; `covers` holds further numbers that it answers as well;
    `mark` is printed instead of the number by annexes ("A")."""

    name: str
    order: int
    title: str
    build: Callable[[Source], Any]
    covers: tuple[int, ...] = ()
    mark: str | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """A built section: number as printed ("11", "A"), and the view value for its template."""

    name: str
    number: str
    title: str
    view: Any


@dataclass(frozen=True, slots=True)
class Dossier:
    """A whole report, ready to be rendered. Equal dossiers render to equal bytes."""

    study: str
    title: str
    public: bool
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Amended:
    """An earlier lock of the plan: when it held, why it was replaced, which values changed, what was known by then.

    None: not recorded. evidence: (analysis, evidence id)."""

    digest: str
    locked_at: str
    replaced_at: str
    reason: str
    changes: tuple[str, ...] | None = None
    openings: int | None = None
    evidence: tuple[tuple[str, str], ...] | None = None


@dataclass(frozen=True, slots=True)
class Reproduce:
    """Facts that someone needs to repeat the study; none may differ between two renderings of the same store.

    commands: (command, what it does); versions: (package, version); hashes: (what, sha256);
    locked_at: when the plan was locked ("" = not locked); amendments: the earlier locks; notes: what must be seen
    about lock and chain; tolerance: within what relative distance numbers must return on another machine."""

    commands: tuple[tuple[str, str], ...]
    versions: tuple[tuple[str, str], ...]
    hashes: tuple[tuple[str, str], ...]
    platform: str = ""
    locked_at: str = ""
    locked_digest: str = ""
    amendments: tuple[Amended, ...] = ()
    notes: tuple[str, ...] = ()
    tolerance: float | None = None
