"""From plan, verdicts and evidence to a Dossier: pure, and equal for equal input."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from vvuq.collect import collect
from vvuq.credibility.plan import Plan
from vvuq.dossier.source import Logged, Source, Stored
from vvuq.dossier.view import Dossier, Part, Reproduce, Section
from vvuq.record import Verdict

__all__ = ["Reproduce", "assemble", "sections"]


def sections() -> tuple[Section, ...]:
    """All sections there are, in the order of the report. Raises InputError where two share a name."""
    found = collect("vvuq.dossier.sections", Section).values()
    return tuple(sorted(found, key=lambda section: (section.order, section.name)))


def assemble(
    plan: Plan,
    verdicts: Sequence[Verdict],
    records: Iterable[Stored],
    events: Iterable[Logged],
    twin: Any,
    *,
    public: bool = False,
    reproduce: Reproduce,
    stale: Iterable[str] = (),
) -> Dossier:
    """Every section built from what the store holds. `public` keeps everything about single patients out.

    stale: ids of records that were made under a plan, source tree, data or lock of the past; the page says so.

    Events of kind "rendered" are left aside: a second rendering of the same store is the same page."""
    kept = tuple(event for event in events if event.kind != "rendered")
    source = Source(plan, tuple(verdicts), tuple(records), kept, twin, public, reproduce, frozenset(stale))
    parts = tuple(Part(item.name, _mark(item), item.title, item.build(source)) for item in sections())
    return Dossier(plan.study, plan.title, public, parts)


def _mark(section: Section) -> str:
    if section.mark is not None:
        return section.mark
    numbers = sorted((section.order, *section.covers))
    return str(numbers[0]) if len(numbers) == 1 else f"{numbers[0]}–{numbers[-1]}"
