"""A table is read as the card says, or refused with file, line, column, value and remedy."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from strategies import cohorts

from vvuq.data.layouts import Layout
from vvuq.data.readers.nonmem import read_nonmem
from vvuq.data.readers.rows import LONGEST_LINE
from vvuq.errors import InputError
from vvuq.record import Dose, Measurement

HEADER = "ID TIME AMT WGT APGR DV FA1 FA2"
DOSE = "1 0. 25.0 1.4 7 0 1 1"
SAMPLE = "1 2.0 0 1.4 7 17.3 0 0"
LAYOUT = {
    "format": "nonmem",
    "file": "t.dta",
    "id": "ID",
    "time": "TIME",
    "dose": "AMT",
    "observation": "DV",
    "observable": "concentration",
    "event": "FA1",
    "ignored": ["FA2"],
    "time_unit": "h",
    "dose_unit": "mg",
    "observation_unit": "mg/L",
    "covariates": [
        {"column": "WGT", "name": "weight", "unit": "kg", "meaning": "body weight", "low": 0.3, "high": 6.0},
        {"column": "APGR", "name": "apgar", "unit": "1", "meaning": "Apgar", "low": 0, "high": 10, "whole": True},
    ],
}


def read(tmp_path, *lines, **changes):
    content = "\n".join(lines).encode() if all(isinstance(line, str) for line in lines) else b"\n".join(lines)
    path = tmp_path / "t.dta"
    path.write_bytes(content)
    return read_nonmem(path, Layout(**(LAYOUT | changes)), "babies")


def refused(tmp_path, *lines, words, **changes):
    with pytest.raises(InputError) as caught:
        read(tmp_path, *lines, **changes)
    for word in ("t.dta", *words):
        assert word in str(caught.value)


def test_reads_doses_samples_and_covariates(tmp_path):
    cohort = read(tmp_path, HEADER, DOSE, SAMPLE, "2 1.5 3.5 0.9 10 . 1 1")
    one, two = cohort.patients
    assert one.id == "1"
    assert one.covariates == (("weight", 1.4), ("apgar", 7.0))
    assert one.doses == (Dose(0.0, 25.0),)
    assert one.measurements == (Measurement(2.0, "concentration", 17.3),)
    assert (two.id, two.doses, two.measurements) == ("2", (Dose(1.5, 3.5),), ())
    assert dict(cohort.units) == {"time": "h", "dose": "mg", "concentration": "mg/L", "weight": "kg", "apgar": "1"}


def test_other_writings_of_the_same_table_have_the_same_digest(tmp_path):
    plain = read(tmp_path, HEADER, DOSE, SAMPLE)
    comma = [line.replace(" ", " ,") for line in (HEADER, DOSE, SAMPLE)]
    assert read(tmp_path, *comma, separator="comma").digest == plain.digest
    windows = [b"\xef\xbb\xbf" + HEADER.encode() + b"\r", DOSE.encode() + b"\r", b"", SAMPLE.encode() + b"\r", b""]
    assert read(tmp_path, *windows).digest == plain.digest
    moved = ("DV ID TIME AMT WGT APGR FA1 FA2", "0 1 0 2.5E1 1.4 7 1 1", "17.3 1 2 . 1.4 7 0 0")
    assert read(tmp_path, *moved).digest == plain.digest


def test_without_an_event_column_the_amount_decides(tmp_path):
    cohort = read(tmp_path, HEADER, DOSE, SAMPLE, event=None, ignored=["FA1", "FA2"])
    assert cohort.digest == read(tmp_path, HEADER, DOSE, SAMPLE).digest


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(cohort=cohorts())
def test_what_is_written_is_read(tmp_path, cohort):
    lines = [HEADER]
    for patient in cohort.patients:
        fixed = f"{dict(patient.covariates)['weight']!r} {dict(patient.covariates)['apgar']!r}"
        rows = [(d.time, 1, f"{patient.id} {d.time!r} {d.amount!r} {fixed} . 1 1") for d in patient.doses]
        rows += [(m.time, 0, f"{patient.id} {m.time!r} . {fixed} {m.value!r} 0 0") for m in patient.measurements]
        lines += [text for _, _, text in sorted(rows, key=lambda row: row[:2])]
    kept = [p for p in cohort.patients if p.doses or p.measurements]
    if not kept:
        refused(tmp_path, *lines, words=["rows"])
        return
    again = read(tmp_path, *lines)
    assert [p.id for p in again.patients] == [p.id for p in kept]
    assert [p.measurements for p in again.patients] == [p.measurements for p in kept]
    assert [[(d.time, d.amount) for d in p.doses] for p in again.patients] == [
        [(d.time, d.amount) for d in p.doses] for p in kept
    ]


@pytest.mark.parametrize("text", ["abc", "NaN", "inf", "1_0", "1e999", "1,4", "0x10", "٣", "", "."])
@pytest.mark.parametrize(("column", "position"), [("TIME", 1), ("WGT", 3), ("APGR", 4), ("DV", 5), ("FA1", 6)])
def test_text_where_a_number_should_be(tmp_path, text, column, position):
    cells = SAMPLE.split()
    cells[position] = text
    if text:
        words = ["line 3", f"column {column}", repr(text), "finite number"]
        refused(tmp_path, HEADER, DOSE, " ".join(cells), words=words)
    else:
        refused(tmp_path, HEADER, DOSE, " ".join(cells), words=["line 3", "cells", "7", "8 cells"])


def test_text_where_an_amount_should_be(tmp_path):
    refused(tmp_path, HEADER, "1 0. x25 1.4 7 0 1 1", words=["line 2", "AMT", "'x25'"])


@pytest.mark.parametrize("column", HEADER.split())
def test_missing_column(tmp_path, column):
    names = [name if name != column else "OTHER" for name in HEADER.split()]
    rest = [name for name in HEADER.split() if name != column]
    refused(tmp_path, " ".join(names), DOSE, words=["line 1", "header", "OTHER", "ignored"])
    refused(tmp_path, " ".join(rest), words=["line 1", f"a column {column}"])


def test_unknown_and_repeated_columns(tmp_path):
    refused(tmp_path, HEADER + " SEX", DOSE + " 1", words=["line 1", "'SEX'", "ignored"])
    assert read(tmp_path, HEADER + " SEX", DOSE + " 1", ignored=["FA2", "SEX"]).patients
    refused(tmp_path, HEADER + " DV", DOSE + " 1", words=["line 1", "'DV'", "stands once"])


@pytest.mark.parametrize("content", [b"", b"\n \n"])
def test_empty_file(tmp_path, content):
    refused(tmp_path, content, words=["empty"])


def test_header_alone_and_no_file(tmp_path):
    refused(tmp_path, HEADER, words=["rows", "a row for each"])
    with pytest.raises(InputError, match=r"nothing\.dta.*can be read"):
        read_nonmem(tmp_path / "nothing.dta", Layout(**LAYOUT), "babies")
    with pytest.raises(InputError, match="can be read"):
        read_nonmem(tmp_path, Layout(**LAYOUT), "babies")


def test_doses(tmp_path):
    refused(tmp_path, HEADER, "1 0. -25 1.4 7 0 1 1", words=["line 2", "AMT", "'-25'", "above 0"])
    refused(tmp_path, HEADER, "1 0. 0 1.4 7 0 1 1", words=["line 2", "FA1", "'1'"])
    refused(tmp_path, HEADER, "1 0. 25 1.4 7 0 0 1", words=["line 2", "FA1", "'0'"])
    refused(tmp_path, HEADER, "1 0. 25 1.4 7 3.1 1 1", words=["line 2", "DV", "'3.1'", "row of its own"])


@pytest.mark.parametrize("value", ["0", "-2"])
def test_concentrations(tmp_path, value):
    refused(tmp_path, HEADER, DOSE, f"1 2.0 0 1.4 7 {value} 0 0", words=["line 3", "DV", "quantification"])


def test_covariates(tmp_path):
    refused(tmp_path, HEADER, DOSE, "1 2.0 0 1.5 7 17.3 0 0", words=["line 3", "WGT", "'1.5'", "1.4", "fixed"])
    refused(tmp_path, HEADER, DOSE, "1 2.0 0 1.4 8 17.3 0 0", words=["line 3", "APGR", "'8'"])
    refused(tmp_path, HEADER, "1 0. 25.0 1400 7 0 1 1", words=["line 2", "WGT", "'1400'", "0.3 to 6 kg"])
    refused(tmp_path, HEADER, "1 0. 25.0 1.4 11 0 1 1", words=["line 2", "APGR", "0 to 10"])
    refused(tmp_path, HEADER, "1 0. 25.0 1.4 6.5 0 1 1", words=["line 2", "APGR", "'6.5'", "whole"])


def test_order_of_rows(tmp_path):
    refused(tmp_path, HEADER, SAMPLE, DOSE, words=["line 3", "TIME", "'0.'", "sort"])
    refused(tmp_path, HEADER, DOSE, SAMPLE.replace("1 ", "2 ", 1), SAMPLE, words=["line 4", "ID", "'1'", "together"])
    refused(tmp_path, HEADER, SAMPLE, SAMPLE, words=["line 3", "DV", "measurement time"])


def test_a_sample_at_the_time_of_a_dose_is_written_above_it(tmp_path):
    at_once = "1 0. 0 1.4 7 3.3 0 0"
    patient = read(tmp_path, HEADER, at_once, DOSE, SAMPLE).patients[0]
    assert patient.measurements[0].time == patient.doses[0].time == 0.0
    refused(tmp_path, HEADER, DOSE, at_once, words=["line 3", "TIME", "above the dose"])


def test_odd_files(tmp_path):
    refused(tmp_path, b"x" * 10_000_000, words=["line 1", str(LONGEST_LINE)])
    refused(tmp_path, HEADER.encode(), b"1 0. " + b"9" * LONGEST_LINE, words=["line 2", str(LONGEST_LINE)])
    refused(tmp_path, HEADER.encode(), "1 0. 25 1,4 é".encode("latin-1"), words=["line 2", "UTF-8", "xe9"])
    refused(tmp_path, HEADER.encode(), b"\0" * 50, words=["line 2"])
    refused(tmp_path, HEADER, DOSE + " 9", words=["line 2", "cells", "9"])


def test_an_error_found_by_the_cohort_names_the_line(tmp_path):
    refused(tmp_path, HEADER, DOSE, "1 1 . 1.4 7 5 0 0", "1 1 . 1.4 7 6 0 0", words=["line 4", "DV", "1.0"])
