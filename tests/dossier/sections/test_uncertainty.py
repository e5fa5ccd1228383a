"""Section 14: the split first, then bounds and worths where they are planned; gaps are told; no number twice."""

from __future__ import annotations

from dossier.factory import REPRODUCE, plan, stored, twin, verdicts
from dossier.made_up_uncertainty import information_value, noise_and_ignorance, probability_bounds, unknowns
from dossier.parsed import Element, parse

from vvuq.dossier.assemble import assemble
from vvuq.dossier.render import page
from vvuq.record import Evidence

NAMES = ("noise_and_ignorance", "probability_bounds", "information_value")


def section(found: tuple[Evidence, ...], planned: tuple[str, ...] = NAMES) -> Element:
    """Section 14 of a study with this evidence."""
    records, made = tuple(stored(one, place) for place, one in enumerate(found)), plan()
    made = made.model_copy(update={"analyses": {name: made.analyses[name] for name in planned}})
    whole = parse(page(assemble(made, verdicts(made, records), records, (), twin(), public=False, reproduce=REPRODUCE)))
    return next(one for one in whole.all("section") if one.attributes.get("id") == "uncertainty")


def test_all_three_stand_with_their_figures() -> None:
    found = section(unknowns())
    ids = [one.attributes["id"] for one in found.walk() if one.attributes.get("id", "").startswith("figure-")]
    for name in ("figure-layers", "figure-box", "figure-worth"):
        assert any(one.startswith(name) for one in ids), name
    text = found.text()
    assert "The bounds are inner ones." in text and "The decision is nearly tied." in text
    assert "ends of intervals alone" in text and "changes no decision is worth nothing" in text
    order = [text.index(title) for title in ("Noise and ignorance of a forecast", "Bounds of a probability",
                                             "What a measurement is worth")]  # fmt: skip
    assert order == sorted(order)


def test_probabilities_stand_in_order_and_what_a_table_says_stands_there_alone() -> None:
    text = section((probability_bounds(), information_value())).text()
    places = [text.index(f"Probability below threshold 1, {end}")
              for end in ("least found", "greatest found", "by distributions")]  # fmt: skip
    assert places == sorted(places)
    assert "quantile of the quantity" not in text and "5 % quantile" in text
    assert "one late" in text and "Value of measurement (EVSI)" not in text and "EVPPI" not in text
    assert "Value of knowing everything" in text


def test_what_was_planned_and_not_run_is_a_gap_and_what_was_not_planned_is_silent() -> None:
    text = section((noise_and_ignorance(),)).text()
    assert text.count("This analysis was not run") == 2
    alone = section((noise_and_ignorance(),), NAMES[:1]).text()
    assert "was not run" not in alone and "ends of intervals alone" not in alone and "decision" not in alone
