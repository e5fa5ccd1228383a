"""What a complete report would hold and this one does not: each missing section as a gap."""

from __future__ import annotations

from dataclasses import dataclass

from vvuq.collect import collect
from vvuq.dossier.catalogue import SECTIONS
from vvuq.dossier.source import Source
from vvuq.dossier.view import Section


@dataclass(frozen=True, slots=True)
class Missing:
    """One section that no file builds."""

    number: str
    title: str
    content: str


@dataclass(frozen=True, slots=True)
class View:
    """All missing sections, in their order."""

    rows: tuple[Missing, ...]


def build(source: Source) -> View:
    """The catalogue without the numbers that sections of this package cover."""
    found = collect("vvuq.dossier.sections", Section).values()
    covered = {number for section in found for number in (section.order, *section.covers)}
    rows = (Missing(str(order), *entry) for order, entry in SECTIONS.items() if order not in covered)
    return View(tuple(rows))


SECTION = Section("not_produced", 98, "Sections not yet produced", build, mark="–")
