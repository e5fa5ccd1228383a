"""Tables of patients that are wrong; the data card pins each, so that only its content is at fault."""

from __future__ import annotations

from bad_input.case import CARD, COHORT, Case, Make, both, edit, table, whole_table
from bad_input.material import TABLE

FILE = "toy.csv"


def cell(what: str, old: str, new: str, where: str, field: str, value: str, remedy: str) -> Case:
    """A text that stands once in the table became another; `where` is the place in the file."""
    return Case("cohort", what, table(old, new), COHORT, f"{FILE}{where}", field, value, remedy)


def whole(what: str, data: bytes, where: str, field: str, value: str, remedy: str) -> Case:
    """The whole table is another."""
    return Case("cohort", what, whole_table(data), COHORT, f"{FILE}{where}", field, value, remedy)


def unit(what: str, key: str, new: str, remedy: str) -> Case:
    """The card gives a field another unit."""
    old = {"time_unit": "h", "dose_unit": "mg", "observation_unit": "mg/L"}[key]
    make = edit(CARD, f"  {key}: {old}\n", f"  {key}: {new}\n")
    return Case("cohort", what, make, COHORT, CARD, f"layout.{key}", f"'{new}'", remedy, at=key)


ONE = b"ID,TIME,AMT,DV,WGT,APGR\na,0,20,,1.2,8\na,2,,17.1,,\n"
COUNTS: Make = both(edit(CARD, "patients: 4", "patients: 2"), edit(CARD, "count: 2", "count: 1"))
NONMEM: Make = both(
    edit(CARD, "format: table", "format: nonmem"),
    edit(CARD, "separator: comma", "separator: blank"),
    edit(CARD, "measurements: 5", "measurements: 1"),
)
BLANKS = b"ID TIME AMT DV WGT APGR\na 0 20 0 1.2 8\na 2 0 17.1 1.2 8\n"

CASES = (
    cell("column left out", "ID,TIME,AMT,DV,", "ID,TIME,AMT,D,", ", line 1", "header", "'D'",
         "a column of the data card"),
    whole("column missing", b"ID,TIME,AMT,DV,WGT\na,0,20,,1.2\n", ", line 1", "header", "'WGT'", "a column APGR"),
    cell("column named twice", "WGT,APGR", "WGT,WGT", ", line 1", "header", "'WGT'", "a column name that stands once"),
    cell("times not sorted", "a,12,3", "a,1,3", ", line 4, column TIME", "time", "'1'", "sort the rows"),
    cell("two values at one time", "b,2,,16.4,,\n", "b,2,,16.4,,\nb,2,,16.5,,\n", ", line 8, column DV",
         "measurement time", "2.0", "one value of concentration a time"),
    cell("sample written below its dose", "a,2,,17.1,,", "a,0,,17.1,,", ", line 3, column TIME", "time", "'0'",
         "write it above the dose"),
    cell("negative dose", "b,0,30", "b,0,-30", ", line 6, column AMT", "dose amount", "'-30'", "an amount above 0"),
    cell("NaN in a number", "17.1", "NaN", ", line 3, column DV", "concentration", "'NaN'", "a finite number with"),
    cell("text in a number", "17.1", "high", ", line 3, column DV", "concentration", "'high'", "a finite number with"),
    cell("infinite value", "17.1", "inf", ", line 3, column DV", "concentration", "'inf'", "a finite number"),
    cell("number that overflows", "17.1", "1e999", ", line 3, column DV", "concentration", "'1e999'",
         "a finite number"),
    cell("decimal comma, unquoted", "17.1", "17,1", ", line 3", "cells", "7", "6 cells, as the header has"),
    cell("decimal comma in quotes", "17.1", '"17,1"', ", line 3, column DV", "concentration", "'17,1'",
         "with a decimal point, as 17.3"),
    cell("concentration of 0", "17.1", "0", ", line 3, column DV", "concentration", "0.0", "leave it out"),
    cell("negative concentration", "17.1", "-17.1", ", line 3, column DV", "concentration", "-17.1", "above 0"),
    cell("below the limit, as text", "17.1", "<5", ", line 3, column DV", "concentration", "'<5'", "a finite number"),
    cell("zero weight", "20,,1.2,8", "20,,0,8", ", line 2, column WGT", "weight", "'0'", "a number from 0.3 to 6 kg"),
    cell("score of 11", "20,,1.2,8", "20,,1.2,11", ", line 2, column APGR", "apgar", "'11'",
         "from 0 to 10 (Apgar score)"),
    cell("weight in grams", "20,,1.2,8", "20,,1200,8", ", line 2, column WGT", "weight", "'1200'", "from 0.3 to 6 kg"),
    cell("weight left out", "20,,1.2,8", "20,,,8", ", line 2, column WGT", "weight", "''", "a finite number"),
    cell("weight that changes", "a,2,,17.1,,", "a,2,,17.1,1.3,", ", line 3, column WGT", "weight", "'1.3'",
         "the value of the patient's first row"),
    cell("score with a fraction", "20,,1.2,8", "20,,1.2,8.5", ", line 2, column APGR", "apgar", "'8.5'",
         "a whole number"),
    cell("row that says nothing", "a,12,3,,,", "a,12,,,,", ", line 4, column AMT", "row", "''", "or no such row"),
    cell("ragged row", "a,12,3,,,", "a,12,3", ", line 4", "cells", "3", "6 cells, as the header has"),
    cell("patient in two blocks", "d,0,25", "a,40,25", ", line 10, column ID", "patient", "'a'",
         "rows of one patient together"),
    cell("patient without an id", "b,2,,16.4", ",2,,16.4", ", line 7, column ID", "patient", "''", "the patient's id"),
    cell("quote left open", "17.1", '"17.1', ", line 3", "line", "", "quotes closed"),
    cell("NUL byte", "17.1", "17\x00", ", line 3", "", "\\x00", ""),
    cell("not UTF-8", "17.1", "17\udcb7", ", line 3", "text", "b'\\xb7'", "a file in UTF-8"),
    whole("line of 10 MB", b"ID,TIME,AMT,DV,WGT,APGR\n" + b"a" * 10_000_000 + b"\n", ", line 2", "line", "'aaaa",
          "at most 10000 characters"),
    Case("cohort", "empty file", whole_table(b""), COHORT, "toy.csv", "file", "''", "the file is empty"),
    Case("cohort", "header alone", whole_table(b"ID,TIME,AMT,DV,WGT,APGR\n"), COHORT, "toy.csv", "rows", "0",
         "a row for each dose and measurement"),
    Case("cohort", "one patient where the card says four", whole_table(ONE), COHORT, CARD, "patients", "4",
         "1, as toy.csv holds", at="patients: 4"),
    Case("cohort", "fewer patients than the card says", both(COUNTS), "run toy", "studies/toy/plan.yaml",
         "splits.held_out_patients", "2", "1, the rule of the data card"),
    Case("cohort", "measurements that were lost", table("c,4,,18.3,,\n", ""), COHORT, CARD, "measurements",
         "5", "4, as toy.csv holds", at="measurements: 5"),
    Case("cohort", "file changed since it was pinned", lambda folder: (folder / "studies/toy/data/toy.csv").write_text(
        TABLE.replace("17.1", "17.2")), COHORT, "toy.csv", "sha256", "expected", "write its new sha256", exit=4,
        noted=True),
    Case("cohort", "file that is not there", lambda folder: (folder / "studies/toy/data/toy.csv").unlink(), COHORT,
         "toy.csv", "VVUQ_DATA", "cohort toy", "Put the file", exit=3, noted=True),
    unit("unit that nobody knows", "observation_unit", "mg/Litre?", "a unit that pint knows"),
    unit("dose in hours", "dose_unit", "h", "an amount, as mg"),
    unit("time in mg", "time_unit", "mg", "a time, as h or min"),
    unit("concentration in kg", "observation_unit", "kg", "a concentration, as mg/L"),
    Case("cohort", "NONMEM table with a decimal comma", both(NONMEM, whole_table(BLANKS.replace(b"17.1", b"17,1"))),
         COHORT, "toy.csv, line 3, column DV", "concentration", "'17,1'", "with a decimal point, as 17.3"),
    Case("cohort", "NONMEM row with dose and value", both(NONMEM, whole_table(BLANKS.replace(b"20 0", b"20 9"))),
         COHORT, "toy.csv, line 2, column DV", "concentration", "'9'", "a row of its own"),
)  # fmt: skip
