"""Data cards that are wrong, read by `data show` and by `plan check`."""

from __future__ import annotations

from bad_input.case import CARD, CHECK, Case, content, edit, nothing

SHOW = f"data show {CARD}"


def card(what: str, old: str, new: str, at: str, field: str, value: str, remedy: str, command: str = SHOW) -> Case:
    """A text that stands once in the card became another."""
    return Case("data card", what, edit(CARD, old, new), command, CARD, field, value, remedy, at=at)


CASES = (
    card("typo in a field", "title: Four", "titel: Four", "titel", "titel", "'titel'", "did you mean title"),
    card("digest that is none", "    - path: toy.csv\n      sha256: ", "    - path: toy.csv\n      sha256: x", "sha256",
         "obtain.files.0.sha256", "'x", "[0-9a-f]{64}"),
    card("path that leaves the folder", "path: toy.csv", "path: ../toy.csv", "../", "obtain.files.0.path",
         "'../toy.csv'",
         "a relative path"),
    card("absolute path", "path: toy.csv", "path: /etc/toy.csv", "/etc", "obtain.files.0.path", "'/etc/toy.csv'",
         "a relative path"),
    card("unknown format", "format: table", "format: excel", "excel", "layout.format", "'excel'", "one of 'nonmem'"),
    card("table that is none of the files", "file: toy.csv", "file: boy.csv", "boy.csv", "layout.file", "'boy.csv'",
         "the name of one of obtain.files"),
    card("column named twice", "time: TIME", "time: ID", "layout:", "layout", "'ID'", "named once"),
    card("everybody held out", "count: 2", "count: 4", "count", "held_out.count", "4", "fewer than the 4 patients"),
    card("yes for true", "confirmed: false", "confirmed: yes", "yes", "licence.confirmed", "'yes'", "true or false"),
    card("count as text", "patients: 4", "patients: four", "four", "patients", "'four'", "a whole number"),
    card("card that hides its folder", "name: toy\n", "name: toy\nfolder: x\n", "folder", "folder", "'x'",
         "no such field"),
    card("neither local nor from a wheel", "  local: true\n", "", "obtain:", "obtain", "None", "or say local: true"),
    card("name of another file", "name: toy\n", "name: boy\n", "name: boy", "name", "'boy'",
         "the name of its file, toy",
         "data show toy"),
    card("plan with a wrong card", "unit: kg", "unti: kg", "unti", "layout.covariates.0.unti", "'unti'",
         "did you mean unit", CHECK),
    Case("data card", "not YAML", content(CARD, "name: [\n"), SHOW, CARD, "syntax", "", "YAML that can be read", at=""),
    Case("data card", "unknown card", nothing, "data show boy", "data card", "name", "'boy'", "did you mean toy"),
    Case("data card", "file that does not exist", nothing, "data show no.yaml", "no.yaml", "file", "'no.yaml'",
         "a file that can be read"),
    Case("data card", "unknown card to fetch", nothing, "data fetch boy", "data card", "name", "'boy'",
         "did you mean toy"),
)  # fmt: skip
