"""When measurements are ordered stands in section 13, with what it does not answer; single patients stay inside."""

from __future__ import annotations

import re
from dataclasses import replace

from dossier.factory import REPRODUCE, plan, stored, twin, verdicts
from dossier.made_up_care import SOMEBODY, care_process
from dossier.parsed import Element, parse

from vvuq.credibility.plan import Plan
from vvuq.dossier.assemble import assemble
from vvuq.dossier.figures.care import care
from vvuq.dossier.render import page
from vvuq.record import Evidence, Quantity

FOUND = care_process()
DRIVERS, GROUPS = FOUND.tables["drivers"], FOUND.tables["calibration"]


def section(found: Evidence | None, made: Plan | None = None, *, public: bool = False) -> Element:
    made = made or plan()
    records = (stored(found),) if found else ()
    dossier = assemble(made, verdicts(made, records), records, (), twin(), public=public, reproduce=REPRODUCE)
    return next(iter(parse(page(dossier)).all("section", id="missingness")))


def test_values_have_words_of_their_own_and_odds_stand_in_the_table() -> None:
    text = section(FOUND).text()
    assert "Patients without any order" in text and "Orders a day, mean over patients" in text
    assert text.count("habit") >= 2 and "as yesterday" in text and "odds_now" not in text
    assert "1 of 9 patients has no level on record." in text and "point at which it flips" in text


def test_a_public_page_says_nothing_of_single_patients() -> None:
    assert SOMEBODY in section(FOUND).text()
    public = section(FOUND, public=True).text()
    assert SOMEBODY not in public and "Withheld in this public edition" in public


def test_without_evidence_and_without_a_plan_for_it_that_is_said() -> None:
    assert "This analysis was not run" in section(None).text()
    failed = replace(FOUND, status="not_evaluable", values={}, tables={}, message="nobody ordered anything")
    assert "nobody ordered anything" in section(failed).text()
    made = plan()
    others = {name: one for name, one in made.analyses.items() if name != "care_process"}
    text = section(None, made.model_copy(update={"analyses": others})).text()
    assert "does not ask when measurements are ordered" in text and "point at which it flips" in text


def test_the_figure_is_the_same_each_time_and_follows_its_numbers() -> None:
    drawn = care("f", DRIVERS, FOUND.values["odds_now"], GROUPS, "alt")
    assert drawn == care("f", DRIVERS, FOUND.values["odds_now"], GROUPS, "alt")
    assert not re.search(r"https?:|<\?xml|<metadata|DOCTYPE|xmlns", drawn)
    text = parse(drawn).text()
    assert all(name in text for name in ("night", "habit", "lonely", "own reading", "Odds ratio", "Predicted [%]"))
    assert drawn != care("f", DRIVERS, Quantity(2.0, "1"), GROUPS, "alt")
    moved = replace(GROUPS, rows=tuple((*row[:5], 9.0, *row[6:]) for row in GROUPS.rows))
    assert drawn != care("f", DRIVERS, FOUND.values["odds_now"], moved, "alt")
    assert "own reading" not in parse(care("f", DRIVERS, None, GROUPS, "alt")).text()


def test_its_description_says_what_it_shows() -> None:
    figure = next(iter(section(FOUND).all("figure", id="figure-care")))
    told = figure.text()
    for part in (
        "habit 210 (40 to 900)",
        "the slot's own reading 1.30",
        "5 % predicted, 6 % observed in 200 slots",
    ):
        assert part in told, told
    assert "lonely 3; the slot" in told


def test_without_rows_there_is_no_figure() -> None:
    bare = replace(FOUND, tables={**FOUND.tables, "drivers": replace(DRIVERS, rows=())})
    assert not list(section(bare).all("figure"))
