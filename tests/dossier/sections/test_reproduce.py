"""Openings, refused attempts and amendments stand on the page; who did it does not stand on the public one."""

from __future__ import annotations

from dataclasses import replace

import pytest
from dossier.factory import REPRODUCE, Logged, plan, twin, verdicts
from dossier.parsed import Element, parse

from vvuq.dossier.assemble import assemble
from vvuq.dossier.render import page
from vvuq.dossier.view import Amended, Reproduce

OPENED = {
    "analysis": "holdout", "reason": "internal validation", "plan": "1" * 64, "commit": "c0ffee" * 4 + "+changes",
    "who": "maria.curie",
}  # fmt: skip
EVENTS = (
    Logged(1, "2026-11-01T10:00:01.000000Z", "opened", OPENED),
    Logged(2, "2026-11-02T08:00:04.000000Z", "opened", OPENED | {"plan": "0" * 64}),
    Logged(3, "2026-10-01T08:00:04.000000Z", "opened", OPENED | {"who": None}),
    Logged(4, "2026-11-02T09:00:04.000000Z", "refused", OPENED | {"message": "patient 7 is sealed"}),
)


def section(events: tuple[Logged, ...] = EVENTS, *, public: bool = False, facts: Reproduce = REPRODUCE) -> Element:
    made = plan()
    dossier = assemble(made, verdicts(made, ()), (), events, twin(), public=public, reproduce=facts)
    return next(iter(parse(page(dossier)).all("section", id="reproduce")))


def rows(caption: str, **options: object) -> list[list[str]]:
    tables = [one for one in section(**options).all("table") if one.all("caption")[0].text().startswith(caption)]
    return [[cell.text() for cell in (*row.all("th"), *row.all("td"))] for row in tables[0].all("tr")[1:]]


def test_each_opening_says_who_when_which_commit_and_which_plan() -> None:
    first, second, third = rows("Each opening")
    assert first[:2] == ["1", "2026-11-01T10:00:01.000000Z"]
    assert first[3:] == ["internal validation", "maria.curie", "1" * 12, "c0ffeec0ffee and changes", "yes"]
    assert second[-1] == "yes"  # against the lock of the plan that it was made under
    assert (third[4], third[-1]) == ("not recorded", "NO")


def test_a_refused_attempt_is_shown() -> None:
    ((number, _, _, who, message),) = rows("Analyses that were stopped")
    assert (number, who, message) == ("4", "maria.curie", "patient 7 is sealed")
    assert not [one for one in section(EVENTS[:3]).all("caption") if "stopped" in one.text()]


def test_the_public_page_names_nobody() -> None:
    text = section(public=True).text()
    assert "maria.curie" not in text and "patient 7" not in text
    assert len(rows("Each opening", public=True)) == 3
    assert len(rows("Analyses that were stopped", public=True)) == 1


def test_an_amendment_says_what_changed_and_what_was_known() -> None:
    known = (("holdout", "E-0123456789ab"),)
    whole = Amended("a" * 64, "2026-10-01", "2026-11-01", "a coarser assay", ("seed: 1 -> 2",), 3, known)
    old = Amended("b" * 64, "2026-09-01", "2026-10-01", "before that was recorded")
    first, second = rows("Each lock", facts=replace(REPRODUCE, amendments=(whole, old)))
    assert first[:4] == ["a" * 12, "2026-10-01", "2026-11-01", "a coarser assay"]
    assert first[4:] == ["seed: 1 -> 2", "3", "holdout 0123456789ab"]
    assert second[4:] == ["not recorded"] * 3


@pytest.mark.parametrize("name", ["reproduce", "verdict"])
def test_what_must_be_seen_is_said_on_the_first_page_too(name: str) -> None:
    made, note = plan(), "rules changed since the lock: a file"
    facts = replace(REPRODUCE, notes=(note,))
    whole = parse(page(assemble(made, verdicts(made, ()), (), (), twin(), reproduce=facts)))
    assert note in whole.all("section", id=name)[0].text()
