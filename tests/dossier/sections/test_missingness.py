"""What was measured, and when it is ordered: section 13, with what it does not answer; single patients stay inside."""

from __future__ import annotations

import re
from dataclasses import replace

from dossier.factory import REPRODUCE, plan, stored, twin, verdicts
from dossier.made_up_care import (
    SOMEBODY,
    care_process,
    missingness_patterns,
    misuse,
    orders_ahead,
    orders_sensitivity,
    recovery,
    sensor_gaps,
)
from dossier.parsed import Element, parse

from vvuq.credibility.plan import Plan
from vvuq.dossier.assemble import assemble
from vvuq.dossier.figures.care import care
from vvuq.dossier.figures.orders import orders
from vvuq.dossier.figures.patterns import patterns
from vvuq.dossier.figures.tipping import tipping
from vvuq.dossier.labels import head_label, value_label
from vvuq.dossier.render import page
from vvuq.record import Evidence, Quantity

FOUND = care_process()
PATTERNS = missingness_patterns()
COURSE = PATTERNS.tables["over_time"]
RECOVERED = recovery()
ASSUMED = ("orders_sensitivity", "orders_comparison", "orders_holdout")
TIPPED = orders_sensitivity()
PROFILE, DELTA = TIPPED.tables["profile"], TIPPED.tables["delta"]
PATIENT, SILENCE = RECOVERED.tables["course"], RECOVERED.tables["silence"]
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
    assert "1 of 9 patients has no level on record." in text


def test_a_public_page_says_nothing_of_single_patients() -> None:
    assert SOMEBODY in section(FOUND).text()
    public = section(FOUND, public=True).text()
    assert SOMEBODY not in public and "Withheld in this public edition" in public


def without(*names: str) -> Plan:
    """The made-up plan without some of its analyses."""
    made = plan()
    return made.model_copy(update={"analyses": {k: one for k, one in made.analyses.items() if k not in names}})


def test_without_evidence_and_without_a_plan_for_it_that_is_said() -> None:
    assert "This analysis was not run" in section(None).text()
    failed = replace(FOUND, status="not_evaluable", values={}, tables={}, message="nobody ordered anything")
    assert "nobody ordered anything" in section(failed).text()
    text = section(None, without("care_process", *ASSUMED)).text()
    assert "does not ask when measurements are ordered" in text and "Not in this report" in text


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


def test_simulated_orders_say_what_a_mechanism_is_and_what_cannot_be_tested() -> None:
    part = section(RECOVERED)
    text = part.text()
    for words in (
        "Missing completely at random", "At random, given the record", "By the state", "By the value",
        "deaf to silence", "rests on an assumption that these data cannot test", "Bias in silence",
        "Decisions with a measurement: state", "Errors by when the last level was", "a filter errs more.",
    ):  # fmt: skip
        assert words in text, words
    assert "bias_state_naive" not in text and "Mean error: state, values alone" not in text, "it stands in the table"
    told = next(iter(part.all("figure", id="figure-orders"))).text()
    assert "Orders by state" in told and "truth 19 mg/L, values alone 28.5, values and orders 21.5" in told
    assert "2 to 3 decisions ago 7.50 and \u22120.750" in told
    text = section(misuse()).text()
    assert "Fitted slope over the one believed: completely at random" in text and "1.4 times as much" in text
    text = section(None, without("recovery", "misuse")).text()
    assert "Here patients are simulated" not in text and "these data cannot test" in text
    assert "deaf to silence" not in section(None, without("recovery", "misuse", *ASSUMED)).text()


def test_values_of_simulated_orders_have_words() -> None:
    assert value_label("silent_completely_at_random_fitted") == (
        "Mean error where not measured: completely at random, its slope fitted"
    )
    assert value_label("coverage_value_double") == "Truths inside 95 % of the belief: value, twice the slope"
    assert value_label("coverage_90") == "Coverage of 90 % intervals" and head_label("naive_rmse") == "RMSE, naive"


def test_the_figure_of_simulated_orders_follows_its_numbers() -> None:
    drawn = orders("f", PATIENT, SILENCE, "alt")
    assert drawn == orders("f", PATIENT, SILENCE, "alt") and not re.search(r"https?:|<metadata|xmlns", drawn)
    text = parse(drawn).text()
    for words in ("values alone", "values and orders", "truth", "measured", "not measured", "Mean error [mg/L]",
                  "One simulated patient [mg/L]", "Time [h]", "2\u20133"):  # fmt: skip
        assert words in text, words
    for place in (1, 2, 3, 6):
        moved = tuple((*row[:place], 9.0, *row[place + 1 :]) for row in PATIENT.rows)
        assert orders("f", replace(PATIENT, rows=moved), SILENCE, "alt") != drawn, place
    for place in (4,):
        moved = tuple((*row[:place], 9.0, *row[place + 1 :]) for row in SILENCE.rows)
        assert orders("f", PATIENT, replace(SILENCE, rows=moved), "alt") != drawn, place
    bare = replace(RECOVERED, tables={**RECOVERED.tables, "silence": replace(SILENCE, rows=())})
    assert not list(section(bare).all("figure"))


def test_a_conclusion_is_told_with_its_tipping_point_and_without_the_gap() -> None:
    part = section(TIPPED)
    text = part.text()
    for words in (
        "Slots above the threshold, by values alone", "Slope of orders on the state: A", "Where it flips", "Tips at",
        "How it comes to be measured", "Its standard error", "the conclusion flips.", "Delta adjustment",
        "these data cannot test",
    ):  # fmt: skip
        assert words in text, words
    assert "Not in this report" not in text and "Not in this report" in section(None, without(*ASSUMED[:1])).text()
    told = next(iter(part.all("figure", id="figure-tipping"))).text()
    assert "0.500: log-likelihood \u22120.500, share 30 %" in told
    assert "at most 25 %, flips at a slope of 0.750 and a delta of nowhere" in told
    bare = replace(TIPPED, tables={**TIPPED.tables, "delta": replace(DELTA, rows=())})
    assert not list(section(bare).all("figure"))
    text = section(orders_ahead("orders_comparison")).text()
    assert "Gain in CRPS of the next value" in text and "CRPS of the next value: values alone" not in text
    assert value_label("crps_naive") == "CRPS of the next value: values alone"


def test_the_figure_of_the_tipping_point_follows_its_numbers() -> None:
    slope = TIPPED.values["slope_A"]

    def drawn(profile=PROFILE, delta=DELTA, slope=slope, at_most=25.0, tips=((0.75,), ())):
        return tipping("f", profile, delta, slope, at_most, tips, "alt")

    first = drawn()
    assert first == drawn() and not re.search(r"https?:|<metadata|xmlns", first)
    text = parse(first).text()
    for words in (
        "fitted slope", "its 95 % interval", "criterion", "tipping point", "0.75",
        "Slope of orders on the state [1/(mg/L)]", "State higher, where not measured, by [mg/L]",
    ):  # fmt: skip
        assert words in text, words
    for place in (1, 2, 4):
        rows = tuple((*row[:place], 9.0, *row[place + 1 :]) for row in PROFILE.rows)
        assert drawn(profile=replace(PROFILE, rows=rows)) != first, place
    assert drawn(delta=replace(DELTA, rows=DELTA.rows[:1])) != first and drawn(at_most=30.0) != first
    assert "tipping point" not in parse(drawn(tips=((), ()))).text()
    assert "fitted slope" not in parse(drawn(slope=None)).text()
