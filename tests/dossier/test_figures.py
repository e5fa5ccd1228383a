"""Figures are well formed, ids are apart, missing cells are left out. That equal input gives equal bytes is asked of
all of them at once, in another process, by test_page.py."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache

from dossier.made_up import all_evidence, convergence, filter_consistency, fisher, forecasts, sensitivity
from dossier.made_up_decision import decisions
from dossier.made_up_following import scaffold_answers, tracking_fit
from dossier.made_up_forecasters import by_days as days_table
from dossier.made_up_forecasters import interpretability_tables
from dossier.made_up_forecasters import tables as forecast_tables
from dossier.made_up_uncertainty import information_value, noise_and_ignorance, probability_bounds
from dossier.parsed import parse

from vvuq.dossier.figures.bands import density, example, narrowing
from vvuq.dossier.figures.box import box
from vvuq.dossier.figures.canvas import column
from vvuq.dossier.figures.consistency import consistency
from vvuq.dossier.figures.decision import changes, decision_curve
from vvuq.dossier.figures.following import following
from vvuq.dossier.figures.forecast import predicted_observed, reliability
from vvuq.dossier.figures.forecasters import by_horizon, by_step, event_reliability, sharpness
from vvuq.dossier.figures.indices import along, index_plot
from vvuq.dossier.figures.information import by_samples
from vvuq.dossier.figures.interpretability import interpretability
from vvuq.dossier.figures.layers import layers
from vvuq.dossier.figures.order import order_plot
from vvuq.dossier.figures.scaffolds import scaffolds
from vvuq.dossier.figures.worth import PARAMETERS, worth
from vvuq.record import Table

HELD_OUT = forecasts("holdout", "?", 12, 1.0).tables
INDICES = sensitivity().tables
FILTER = filter_consistency().tables
AHEAD, DAYS = forecast_tables(), days_table()
DECISION, WHAT_IF = (one.tables for one in decisions())
INSIDE = interpretability_tables()
FOLLOWED = tracking_fit().tables
SPLIT, BOUNDS, WORTH = (one().tables for one in (noise_and_ignorance, probability_bounds, information_value))


@cache
def drawings(prefix: str) -> dict[str, str]:
    """One of each figure."""
    return {
        "order": order_plot(f"{prefix}1", convergence().tables["refinement"], 4.0, "alt"),
        "scatter": predicted_observed(f"{prefix}2", HELD_OUT["predictions"], "alt"),
        "coverage": reliability(f"{prefix}3", HELD_OUT["coverage"], "alt"),
        "narrowing": narrowing(f"{prefix}4", HELD_OUT["narrowing"], HELD_OUT["learning"], "alt"),
        "bands": example(f"{prefix}5", HELD_OUT["bands"], "Concentration", "alt"),
        "density": density(f"{prefix}6", INDICES["density"], "alt"),
        "indices": index_plot(f"{prefix}7", INDICES["indices"], {}, "alt"),
        "along": along(f"{prefix}8", INDICES["course"], {}, "alt"),
        "information": by_samples(f"{prefix}9", fisher().tables["by_samples"], 100.0, 0.95, "alt"),
        "consistency": consistency(f"{prefix}10", FILTER["pit"], FILTER["nis"], "alt"),
        "by_horizon": by_horizon(f"{prefix}11", AHEAD["by_horizon"], "alt"),
        "sharpness": sharpness(f"{prefix}12", AHEAD["by_horizon"], "alt"),
        "event": event_reliability(f"{prefix}13", AHEAD["calibration"], ["walk", "net"], "alt"),
        "days": by_step(f"{prefix}14", DAYS, "days", "Days", "alt"),
        "decision": decision_curve(f"{prefix}21", DECISION["decision_curve"], 25.0, "alt"),
        "changes": changes(f"{prefix}22", WHAT_IF["changes"], WHAT_IF["known"], "alt"),
        "interpretability": interpretability(f"{prefix}41", INSIDE["inside"], INSIDE["answers"], "alt"),
        "scaffolds": scaffolds(f"{prefix}31", scaffold_answers().tables["answers"], "alt"),
        "layers": layers(f"{prefix}51", SPLIT["layers"], SPLIT["band"], "alt"),
        "box": box(f"{prefix}52", BOUNDS["band"], BOUNDS["bounds"], "Concentration", "alt"),
        "worth": worth(f"{prefix}53", WORTH["information"], "alt"),
        "following": following(f"{prefix}20", FOLLOWED["estimates"], FOLLOWED["patients"], "alt"),
    }


def test_figures_are_well_formed_and_self_contained() -> None:
    for text in drawings("a").values():
        assert parse(text).all("text")  # letters stay letters
        assert not re.search(r"https?:|<\?xml|<metadata|DOCTYPE|xmlns", text)
        assert "system-ui" in text


def test_ids_of_two_figures_never_meet() -> None:
    pages = [parse(text) for text in (*drawings("a").values(), *drawings("b").values())]
    ids = [{element.attributes["id"] for element in page.walk() if "id" in element.attributes} for page in pages]
    assert sum(len(found) for found in ids) == len(set().union(*ids))


def test_the_drawing_follows_its_numbers() -> None:
    table = convergence().tables["refinement"]
    moved = replace(table, rows=tuple((row[0], 3.0 * float(str(row[1])), *row[2:]) for row in table.rows))
    assert order_plot("f", table, 4.0, "alt") != order_plot("f", moved, 4.0, "alt")
    assert order_plot("f", table, 4.0, "alt") != order_plot("f", table, 2.0, "alt")


def test_the_consistency_figure_shows_simulated_patients_where_there_are_no_others() -> None:
    """What is drawn is what the tables hold: build patients where they are there."""
    both = consistency("f", FILTER["pit"], FILTER["nis"], "alt")
    alone = [replace(table, rows=tuple(row for row in table.rows if row[0] == "simulated")) for table in
             (FILTER["pit"], FILTER["nis"])]  # fmt: skip
    drawn = consistency("f", *alone, "alt")
    assert "build patients" in parse(both).text() and "build" not in parse(drawn).text()
    assert "simulated patients" in parse(drawn).text()
    moved = replace(FILTER["nis"], rows=tuple((*row[:3], 2.0, *row[4:]) for row in FILTER["nis"].rows))
    assert consistency("f", FILTER["pit"], moved, "alt") != both


def test_missing_cells_are_left_out_of_every_table() -> None:
    table = fisher().tables["by_samples"]
    bare = replace(table, rows=((*table.rows[0][:4], None, None, None), *table.rows[1:]))
    assert "<svg" in by_samples("f", bare, 100.0, 0.95, "alt")
    empty = Table("t", ("x",), ("1",), ((None,), (2.0,)))
    assert [value == value for value in column(empty, "x")] == [False, True]
    assert column(empty, "absent") == []


def test_every_table_that_a_figure_draws_is_in_the_made_up_evidence() -> None:
    names = {name for found in all_evidence() for name in found.tables}
    assert {"predictions", "bands", "density", "coverage", "refinement", "by_samples", "pit", "nis"} <= names


def test_a_forecaster_far_off_does_not_flatten_the_others() -> None:
    """The axes hold what is near the best; the others' lines leave them."""
    table = AHEAD["by_horizon"]
    place = table.columns.index("crps")
    rows = tuple((*row[:place], 100.0 * row[place], *row[place + 1 :]) if row[1] == "climatology" else row
                 for row in table.rows)  # fmt: skip
    ticks = [e.text() for e in parse(by_horizon("f", replace(table, rows=rows), "alt")).all("text")]
    assert max(float(t) for t in ticks if t.replace(".", "").isdigit()) < 200.0
    assert all(name in ticks for name in ("persistence", "walk", "net"))


def test_a_panel_is_drawn_for_each_forecaster_that_is_named() -> None:
    drawn = parse(event_reliability("f", AHEAD["calibration"], ["walk"], "alt")).text()
    assert "walk" in drawn and "net" not in drawn


def test_a_decision_curve_holds_what_is_near_the_best_and_names_every_forecaster() -> None:
    drawn = parse(decision_curve("f", DECISION["decision_curve"], 25.0, "alt")).text()
    assert all(name in drawn for name in ("walk", "persistence", "climatology", "prompt always"))
    assert decision_curve("f", DECISION["decision_curve"], 30.0, "alt") != decision_curve(
        "f", DECISION["decision_curve"], 25.0, "alt"
    )


def test_layers_name_the_parts_that_are_there_and_their_share() -> None:
    drawn = parse(layers("f", SPLIT["layers"], SPLIT["band"], "alt")).text()
    assert "ignorance of the population" in drawn and "random change" in drawn and "83 %" in drawn
    place = SPLIT["layers"].columns.index("population_part_sd")
    still = replace(SPLIT["layers"], rows=tuple((*r[:place], 0.0, *r[place + 1 :]) for r in SPLIT["layers"].rows))
    assert "ignorance of the population" not in parse(layers("f", still, SPLIT["band"], "alt")).text()


def test_a_box_shows_each_threshold_with_its_bounds() -> None:
    drawn = parse(box("f", BOUNDS["band"], BOUNDS["bounds"], "Concentration", "alt")).text()
    assert "1.2 to 34 %" in drawn and "Concentration [mg/L]" in drawn
    row = BOUNDS["bounds"].rows[0]
    sure = replace(BOUNDS["bounds"], rows=((*row[:2], 5.0, 5.0, *row[4:]), (2, 60.0, 99.0, 100.0, 99.5, 99.0, 100.0)))
    drawn = parse(box("f", BOUNDS["band"], sure, "Concentration", "alt")).text()
    assert "5 %" in drawn and "5 to 5" not in drawn and "99 to 100 %" in drawn and "60" in drawn
    moved = replace(BOUNDS["band"], rows=tuple((x, 0.5 * a, b, c) for x, a, b, c in BOUNDS["band"].rows))
    assert box("f", moved, sure, "Concentration", "alt") != box("f", BOUNDS["band"], sure, "Concentration", "alt")


def test_what_knowing_is_worth_names_measurements_and_the_first_parameters() -> None:
    table = WORTH["information"]
    drawn = parse(worth("f", table, "alt")).text()
    assert all(name in drawn for name in ("one late", "one early", "CL", "everything (ceiling)"))
    many = tuple(("parameter", f"p{i}", "", 0.01, 0.0, 0.02, 1.0, 10.0) for i in range(PARAMETERS + 1))
    drawn = parse(worth("f", replace(table, rows=(*table.rows[:2], *many)), "alt")).text()
    assert f"p{PARAMETERS - 1}" in drawn and f"p{PARAMETERS}" not in drawn and "ceiling" not in drawn
    lower = replace(table, rows=tuple((*r[:3], *(0.5 * float(v) for v in r[3:6]), *r[6:]) for r in table.rows))
    assert worth("f", lower, "alt") != worth("f", table, "alt")
