"""The table of another program's estimates is read as it stands, and what is wrong in it is named."""

from __future__ import annotations

import pytest

from vvuq.data.readers.nonmem_ext import read_ext
from vvuq.errors import InputError, NotEvaluable

HEAD = "TABLE NO.     1: a title\n ITERATION    THETA1   OMEGA(1,1)   OBJ\n"
ROWS = (
    "            0  5.0E-03  4.0E-02  12.5\n"
    "  -1000000000  4.0E-03  9.0E-02  11.5\n"
    "  -1000000001  1.0E-04  1.0E-02   0.0\n"
)
TYPICAL, VARIANCES = {"CL": "THETA1"}, {"omega_CL": "OMEGA(1,1)"}


def read(folder, text, typical=TYPICAL):
    path = folder / "fit.ext"
    path.write_text(text)
    return read_ext(path, "a program", typical, VARIANCES)


def test_initial_values_estimates_errors_and_objectives_by_our_names(tmp_path):
    found = read(tmp_path, HEAD + ROWS)
    assert found.start == {"CL": 0.005, "omega_CL": 0.04}
    assert found.estimates == {"CL": 0.004, "omega_CL": 0.09}
    assert found.errors == {"CL": 1e-4, "omega_CL": 0.01}
    assert (found.start_objective, found.objective) == (12.5, 11.5)
    assert (found.variances, found.file) == (("omega_CL",), "fit.ext")


def test_the_last_of_several_tables_counts(tmp_path):
    assert read(tmp_path, HEAD + ROWS.replace("11.5", "99.0") + HEAD + ROWS).objective == 11.5


@pytest.mark.parametrize(
    ("text", "typical", "words"),
    [
        (HEAD + ROWS.replace("9.0E-02", "text"), TYPICAL, r"OMEGA\(1,1\).*text.*-1000000000"),
        (HEAD + ROWS.replace("9.0E-02", "nan"), TYPICAL, r"OMEGA\(1,1\)"),
        (HEAD + ROWS.replace("-1000000001", "-1000000009"), TYPICAL, "ITERATION.*-1000000001"),
        (HEAD + ROWS.replace("  0.0\n", "\n"), TYPICAL, "fit.ext:5.*4 numbers"),
        (HEAD + ROWS, {"CL": "THETA9"}, "THETA9"),
        ("", TYPICAL, "ITERATION"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, text, typical, words):
    with pytest.raises(InputError, match=words):
        read(tmp_path, text, typical)


def test_a_file_that_is_not_there_cannot_be_evaluated(tmp_path):
    with pytest.raises(NotEvaluable, match=r"fit\.ext"):
        read_ext(tmp_path / "fit.ext", "a program", TYPICAL, VARIANCES)
