"""What the reader of a cohort dropped stands in the flow diagram and in a table of its own."""

from __future__ import annotations

from dataclasses import replace

from dossier.factory import REPRODUCE, plan, stored, twin, verdicts
from dossier.made_up import cohort, table
from dossier.parsed import Element, parse

from vvuq.dossier.assemble import assemble
from vvuq.dossier.render import page
from vvuq.record import Evidence

READING = table(
    "What the reader kept, dropped and flagged", "what count", ("rows read", 12758),
    ("rows without a time, dropped", 1200), ("readings outside 20 to 600 mg/dL, dropped", 34),
    ("readings that changed fast, flagged", 5),
)  # fmt: skip


def section(found: Evidence) -> Element:
    made, records = plan(), (stored(found),)
    dossier = assemble(made, verdicts(made, records), records, (), twin(), public=True, reproduce=REPRODUCE)
    return next(iter(parse(page(dossier)).all("section", id="data")))


def test_what_was_dropped_by_rule_stands_in_the_flow_and_in_a_table() -> None:
    found = cohort()
    shown = section(replace(found, tables={**found.tables, "reading": READING}))
    (figure,) = [one for one in shown.all("figure") if "1234 rows and readings dropped by rule" in one.text()]
    assert "3 patients" in figure.text()
    captions = [one.text() for one in shown.all("caption")]
    assert [caption.split(" ")[0] for caption in captions][1:4] == ["Flow", "What", "Characteristics"]


def test_a_reader_that_counts_nothing_leaves_the_flow_as_it_was() -> None:
    assert "dropped by rule" not in section(cohort()).text()
