"""The rendered page as a whole: complete, honest about gaps, self-contained, accessible, the same every time."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
from dataclasses import replace
from itertools import pairwise

import pytest
from dossier.factory import EVENTS, REPRODUCE, ROOT, Logged, dossier, html, plan, stored, tree, twin, verdicts
from dossier.made_up import SECRET, all_evidence
from dossier.parsed import parse

from vvuq.dossier.assemble import assemble, sections
from vvuq.dossier.catalogue import SECTIONS
from vvuq.dossier.render import page
from vvuq.record import Table


def test_every_section_stands_in_order_with_its_number() -> None:
    heads = [head.text().split()[0] for head in tree().all("h2")]
    assert heads == [
        "1",
        "2",
        "3",
        "4",
        "5",
        "6",
        "7",
        "9",
        "10",
        "11",
        "12",
        "13",
        "14",
        "15",
        "16",
        "18",
        "19",
        "20",
        "21",
        "22",
        "–",
        "A",
    ]
    assert [section.attributes["id"] for section in tree().all("section")] == [item.name for item in sections()]


def test_sections_that_nobody_builds_are_listed_as_gaps() -> None:
    missing = next(section for section in tree().all("section", id="not_produced"))
    covered = {number for item in sections() for number in (item.order, *item.covers)}
    listed = [int(item.all("b")[0].text().split()[0]) for item in missing.all("li")]
    assert listed == [number for number in SECTIONS if number not in covered]
    assert all(item.all("span", **{"class": "status s-gap"}) for item in missing.all("li"))


def test_each_section_has_the_template_of_its_name_and_no_template_is_left_over() -> None:
    assert {path.stem for path in (ROOT / "templates" / "sections").glob("*.html")} == {
        item.name for item in sections()
    }
    for item in sections():
        assert (ROOT / "vvuq" / "dossier" / "sections" / f"{item.name}.py").is_file()


def test_all_leaves_are_rows_and_no_gap_looks_met() -> None:
    rows = [row for row in tree().all("tr") if "data-leaf" in row.attributes]
    assert len(rows) == len({row.attributes["data-leaf"] for row in rows}) == 23
    for row in rows:
        shown = {name for span in row.all("span") for name in span.classes() if name.startswith("s-")}
        assert shown == {f"s-{row.attributes['data-status']}"}
        reached = [span for span in row.all("span") if "reached" in span.classes()]
        assert not reached or row.attributes["data-status"] in ("met", "not_met")
    assert {row.attributes["data-status"] for row in rows} == {"met", "not_met", "gap", "pending"}


def test_green_is_for_met_alone() -> None:
    style = (ROOT / "templates" / "style.css").read_text()
    rules = {
        line.split("{")[0].strip() for line in style.splitlines() if "var(--good-bg)" in line or "var(--good)" in line
    }
    assert rules == {".d-met", ".s-met"}


def test_eight_categories_and_none_is_empty() -> None:
    section = tree().all("section", id="evidence_categories")[0]
    rows = section.all("tbody")[0].all("tr")
    assert len(rows) == 8
    for row in rows:
        cell = row.all("td")[-1]
        assert cell.all("a") or re.match(r"none, because \w+", cell.text().strip())


def test_nothing_is_loaded_from_anywhere() -> None:
    for element in tree().walk():
        assert element.tag not in {"script", "link", "iframe", "img", "object", "embed", "image"}
        assert "src" not in element.attributes
        assert element.attributes.get("href", "#").startswith("#")
    assert not re.search(r"@import|url\((?!#)|https?://", html())


def test_references_inside_the_page_resolve_and_ids_are_unique() -> None:
    ids = [element.attributes["id"] for element in tree().walk() if "id" in element.attributes]
    assert len(ids) == len(set(ids))
    named = [
        element.attributes[name][1:] for element in tree().walk() for name in ("href",) if name in element.attributes
    ]
    named += [name for element in tree().walk() for name in element.attributes.get("aria-labelledby", "").split()]
    named += re.findall(r"url\(#([^)]+)\)", html())
    assert set(named) <= set(ids)


def test_headings_never_skip_a_level() -> None:
    levels = [int(element.tag[1]) for element in tree().walk() if re.fullmatch(r"h[1-6]", element.tag)]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_tables_and_drawings_speak_to_those_who_cannot_see() -> None:
    for table in tree().all("table"):
        assert table.all("caption")
        assert all(cell.attributes.get("scope") in {"col", "row", "colgroup", "rowgroup"} for cell in table.all("th"))
    drawings = tree().all("svg")
    assert len(drawings) >= 8
    for drawing in drawings:
        assert drawing.attributes["role"] == "img"
        assert drawing.all("title")[0].text() and len(drawing.all("desc")[0].text()) > 40
    assert [len(tree().all(tag)) for tag in ("main", "nav", "header", "footer")] == [1, 1, 1, 1]
    assert tree().all("a", href="#content") and tree().all("html", lang="en")


def _luminance(colour: str) -> float:
    full = colour if len(colour) == 7 else "#" + "".join(2 * digit for digit in colour[1:])
    parts = [int(full[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize(
    ("ink", "ground"),
    [
        ("ink", "hatch"),
        ("muted", "paper"),
        ("muted", "tint"),
        ("accent", "tint"),
        ("good", "good-bg"),
        ("bad", "bad-bg"),
    ],
)
def test_contrast(ink: str, ground: str) -> None:
    style = (ROOT / "templates" / "style.css").read_text()
    colours = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{3,6})", style))
    light, dark = sorted((_luminance(colours[ink]), _luminance(colours[ground])), reverse=True)
    assert (light + 0.05) / (dark + 0.05) >= 4.5


def test_equations_are_set_as_mathml() -> None:
    lines = tree().all("section", id="model")[0].all("math", display="block")
    assert len(lines) == 2
    assert lines[0].text().startswith("dAdt=")
    assert all(line.all("mfrac") for line in lines)


def test_the_words_never_promise_too_much() -> None:
    text = tree().text().lower()
    assert "not adequate for this context of use" in text
    assert not re.search(r"\bvalidated\b(?! quantit| range)|compliant|\bnan\b|\binf\b", text)
    assert "no signature has been given" in text and "this is internal validation" in text


def test_size() -> None:
    assert len(html().encode()) < 5_000_000


def test_the_same_store_gives_the_same_bytes_in_another_process() -> None:
    code = (
        "import sys, hashlib; from dossier.factory import dossier; from vvuq.dossier.render import page;"
        "sys.stdout.write(hashlib.sha256(page(dossier()).encode()).hexdigest())"
    )
    paths = os.pathsep.join((str(ROOT), str(ROOT / "tests")))
    environment = os.environ | {"PYTHONHASHSEED": "4242", "PYTHONPATH": paths}
    found = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert found.stdout == hashlib.sha256(html().encode()).hexdigest()


def test_a_rendering_does_not_change_the_next_one() -> None:
    rendered = Logged(9, "2026-11-03T00:00:00.000000Z", "rendered", {"path": "x", "sha256": "0" * 64})
    assert page(dossier((), events=(*EVENTS, rendered))) == page(dossier(()))
    assert page(dossier((), events=EVENTS[:1])) != page(dossier(()))


def test_a_public_page_speaks_of_no_single_patient() -> None:
    assert SECRET in html()
    assert SECRET not in html(public=True)
    text = tree(public=True).text()
    assert "public edition" in text
    held_out = next(found for found in all_evidence() if found.analysis == "holdout")
    for table in (item for item in held_out.tables.values() if item.individual):
        assert table.title in text  # said to be withheld
    figures = {figure.attributes["id"] for figure in tree(public=True).all("figure")}
    assert not [name for name in figures if "scatter" in name or "bands" in name]
    assert {"figure-scatter-holdout", "figure-bands-holdout"} <= {f.attributes["id"] for f in tree().all("figure")}


def test_a_new_table_of_single_patients_stays_out_of_the_public_page_unasked() -> None:
    secret = Table("A later table", ("patient", "x"), ("", "1"), ((SECRET, 1.0),), individual=True)
    kept = tuple(stored(replace(item, tables={"later": secret}), place) for place, item in enumerate(all_evidence()))
    assert SECRET not in page(dossier(kept, public=True))
    assert page(dossier(kept)).count("<caption>A later table") == len(kept)


def test_without_any_evidence_everything_is_a_gap() -> None:
    bare = parse(page(dossier(())))
    rows = [row for row in bare.all("tr") if "data-leaf" in row.attributes]
    assert len(rows) == 23
    assert {row.attributes["data-status"] for row in rows} == {"gap", "pending", "not_evaluable"}
    assert not [span for span in bare.all("span") if "s-met" in span.classes()]
    assert not bare.all("figure")
    assert "no evidence" in bare.text()


def test_an_analysis_that_failed_says_so_and_shows_no_numbers() -> None:
    message = "the <solver> gave up"
    found = [replace(item, status="failed", message=message, values={}, tables={}) for item in all_evidence()]
    text = page(dossier(tuple(stored(item, place) for place, item in enumerate(found))))
    assert "the &lt;solver&gt; gave up" in text and "<solver>" not in text
    blocks = [block for block in parse(text).all("article") if "analysis" in block.classes()]
    assert len(blocks) == len(found) + 2  # the two validations stand in two sections
    for block in blocks:
        shown = [number for number in block.all("data") if number.attributes.get("data-source") != "plan"]
        assert "Failed" in block.text() and not shown and not block.all("figure")


def test_stale_evidence_is_marked() -> None:
    made, kept = plan(), tuple(stored(replace(item, tables={}), place) for place, item in enumerate(all_evidence()))
    old = next(record.id for record in kept if record.evidence.analysis == "fisher")
    report = assemble(made, verdicts(made, kept), kept, EVENTS, twin(), reproduce=REPRODUCE, stale=[old])
    block = parse(page(report)).all("article", id="calibration-fisher")[0]
    assert [span for span in block.all("span") if "s-stale" in span.classes()]
    assert not [span for span in tree().all("span") if "s-stale" in span.classes()]
