"""What was measured, and when it is ordered: section 13, with what it does not answer; single patients stay inside."""

from __future__ import annotations

import re
from dataclasses import replace

from dossier.factory import REPRODUCE, plan, stored, twin, verdicts
from dossier.made_up_care import SOMEBODY, care_process, missingness_patterns, sensor_gaps
from dossier.parsed import Element, parse

from vvuq.credibility.plan import Plan
from vvuq.dossier.assemble import assemble
from vvuq.dossier.figures.care import care
from vvuq.dossier.figures.patterns import patterns
from vvuq.dossier.render import page
from vvuq.record import Evidence, Quantity

FOUND = care_process()
PATTERNS = missingness_patterns()
COURSE = PATTERNS.tables["over_time"]
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


def test_patterns_have_words_and_figures() -> None:
    part = section(PATTERNS)
    text = part.text()
    for words in (
        "Slots with level", "Patients without any level", "Little's test: p", "level, rate", "Slots measured, above",
        "That level was measured tells of death.", "do patients in whom other things are missing have the same means?",
    ):  # fmt: skip
        assert words in text, words
    figures = [next(iter(part.all("figure", id=ident))).text() for ident in ("figure-patterns", "figure-patterns-day")]
    assert all("level 0 to 12: 88 %, 1.80 a day, of 9" in told and "24 to 36" not in told for told in figures)
    assert section(PATTERNS, public=True).text().count("level, rate") == 1, "nothing in it is about single patients"


def test_without_patterns_the_page_has_none() -> None:
    made = plan()
    others = {name: one for name, one in made.analyses.items() if name != "missingness_patterns"}
    assert "Little's test" not in section(FOUND, made.model_copy(update={"analyses": others})).text()
    bare = replace(PATTERNS, tables={name: one for name, one in PATTERNS.tables.items() if name != "by_day"})
    assert not list(section(bare).all("figure", id="figure-patterns-day"))


def test_the_figure_of_patterns_follows_its_numbers() -> None:
    drawn = patterns("f", COURSE, "alt")
    assert drawn == patterns("f", COURSE, "alt") and not re.search(r"https?:|<metadata|xmlns", drawn)
    text = parse(drawn).text()
    assert all(name in text for name in ("level", "rate", "Measured [%]", "Measurements [1/day]"))
    for place, value in ((4, 10.0), (7, 9.0)):
        moved = tuple((*row[:place], value, *row[place + 1 :]) for row in COURSE.rows)
        assert patterns("f", replace(COURSE, rows=moved), "alt") != drawn
    alone = replace(COURSE, rows=COURSE.rows[:3])
    assert "rate" not in parse(patterns("f", alone, "alt")).text()


def test_gaps_of_a_sensor_stand_there_where_the_plan_asks() -> None:
    text = section(sensor_gaps()).text()
    assert "Odds of a gap, last reading one SD higher" in text and "Gaps by length" in text
    assert "Gaps of the level depend on the last level." in text
    made = plan()
    others = {name: one for name, one in made.analyses.items() if name != "sensor_gaps"}
    assert "Gaps of the sensor" not in section(None, made.model_copy(update={"analyses": others})).text()
