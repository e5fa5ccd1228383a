"""A header is read as people write it; everything guessed is said, and what cannot be read is refused."""

from __future__ import annotations

import pytest
from examples import pk

from vvuq.data.readers.table import read_table
from vvuq.errors import InputError
from vvuq.scaffold.guess import guess

ROWS = [
    ("id", "time", "dose", "conc", "weight", "note"),
    ("1", "0", "100", "", "3.5", "x"),
    ("1", "2", "", "8.5", "3.5", ""),
    ("2", "0", "80", "", "2", ""),
    ("2", "4.5", "", "7.25", "", "y"),
]


def text(rows, sign=","):
    return "\n".join(sign.join(row) for row in rows) + "\n"


def guessed(tmp_path, content):
    path = tmp_path / "levels.csv"
    path.write_text(content, encoding="utf-8")
    return guess(path, pk())


def with_header(*header):
    return text([header, *ROWS[1:]])


def test_a_plain_table(tmp_path):
    layout, said = guessed(tmp_path, text(ROWS))
    assert (layout.id, layout.time, layout.dose, layout.observation) == ("id", "time", "dose", "conc")
    assert (layout.observable, layout.time_unit, layout.dose_unit, layout.observation_unit) == (
        "concentration", "h", "mg", "mg/L",
    )  # fmt: skip
    (weight,) = layout.covariates
    assert (weight.name, weight.unit, weight.low, weight.high, weight.whole) == ("weight", "kg", 2.0, 3.5, False)
    assert layout.ignored == ("note",)
    cohort = read_table(tmp_path / "levels.csv", layout, "levels")
    assert len(cohort.patients) == 2
    told = dict(said)
    assert "the twin's unit" in told["time"] and "holds text" in told["not read"] and "weight [kg]" in told["covariate"]


def test_everything_that_a_layout_says_is_told(tmp_path):
    """Nothing is guessed silently: each column and each unit stands in what is printed."""
    layout, said = guessed(tmp_path, text(ROWS))
    told = " ".join(sentence for _, sentence in said)
    for word in (*layout.columns, *layout.ignored, *layout.units.values(), layout.separator, layout.decimal):
        assert word in told


@pytest.mark.parametrize(
    ("header", "found"),
    [
        (("Subject", "Time (h)", "AMT", "DV", "WT [kg]", "note"), ("Subject", "Time (h)", "AMT", "DV")),
        (("Patient ID", "HOURS", "Dose [mg]", "Concentration [mg/L]", "BW", "note"),
         ("Patient ID", "HOURS", "Dose [mg]", "Concentration [mg/L]")),
    ],
)  # fmt: skip
def test_headers_as_people_write_them(tmp_path, header, found):
    layout, _ = guessed(tmp_path, with_header(*header))
    assert (layout.id, layout.time, layout.dose, layout.observation) == found
    assert layout.covariates[0].name == "weight" and layout.covariates[0].unit == "kg"


def test_units_of_the_header_come_before_those_of_the_twin(tmp_path):
    header = ("id", "time [min]", "dose [g]", "conc (ug/L)", "weight [g]", "note")
    layout, said = guessed(tmp_path, with_header(*header))
    assert (layout.time_unit, layout.dose_unit, layout.observation_unit) == ("min", "g", "ug/L")
    assert layout.covariates[0].unit == "g" and "as its header says" in dict(said)["time"]
    layout, said = guessed(tmp_path, with_header("id", "time [moons]", "dose", "conc", "weight", "note"))
    assert layout.time_unit == "h" and "the twin's unit" in dict(said)["time"]


@pytest.mark.parametrize(("sign", "name"), [(";", "semicolon"), ("\t", "tab")])
@pytest.mark.parametrize("decimal", [".", ","])
def test_the_sign_between_cells_and_in_numbers(tmp_path, sign, name, decimal):
    layout, _ = guessed(tmp_path, text(ROWS, sign).replace(".", decimal))
    assert (layout.separator, layout.decimal) == (name, {".": "point", ",": "comma"}[decimal])
    assert read_table(tmp_path / "levels.csv", layout, "levels").patients[1].measurements[0].value == 7.25
    assert layout.covariates[0].high == 3.5


@pytest.mark.parametrize(
    ("column", "cells", "reason"),
    [
        ("sex", ("F", "F", "M", ""), "holds text"),
        ("EVID", ("1", "0", "1", "0"), "a code of other programs"),
        ("rate", ("0", "0", "0", "."), "a code of other programs"),
        ("height", ("", "", "", ""), "it is empty"),
        ("creatinine", ("1", "2", "3", "3"), "changes over a stay"),
        ("age", ("", "3", "4", "4"), "lack it on their first row"),
    ],
)
def test_what_is_no_covariate_is_left_out_with_the_reason(tmp_path, column, cells, reason):
    rows = [(*row, cell) for row, cell in zip(ROWS, (column, *cells), strict=True)]
    layout, said = guessed(tmp_path, text(rows))
    assert column in layout.ignored
    assert any(reason in sentence and repr(column) in sentence for word, sentence in said if word == "not read")


def test_an_infusion_has_its_duration(tmp_path):
    rows = [(*row, cell) for row, cell in zip(ROWS, ("duration", "0.5", "", "", ""), strict=True)]
    layout, _ = guessed(tmp_path, text(rows))
    assert layout.duration == "duration"
    assert read_table(tmp_path / "levels.csv", layout, "levels").patients[0].doses[0].duration == 0.5


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "the file is empty"),
        (
            with_header("id", "when", "dose", "conc", "weight", "note"),
            r"line 1: header: .*a column for time, named",
        ),
        (
            with_header("id", "time", "dose", "colour", "weight", "note"),
            r"for observation, named concentration",
        ),
        (text([(*row, "") for row in ROWS]), r"line 1: header: .*a name for each column"),
        (text([*ROWS, ("3", "0")]), r"line 6: cells: 2 .*6 cells"),
        (
            text([(*ROWS[0], "rate"), *((*row, "5") for row in ROWS[1:])]),
            r"header: 'rate' .*with its duration",
        ),
        (text([(*ROWS[0], "ADDL"), *((*row, "3") for row in ROWS[1:])]), r"header: 'ADDL' .*a row of its own"),
    ],
)
def test_what_cannot_be_guessed(tmp_path, content, message):
    with pytest.raises(InputError, match=message):
        guessed(tmp_path, content)
