"""A long table as a spreadsheet saves it: what it says is read, whatever its separator; what it cannot say, refused."""

from __future__ import annotations

import hashlib

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from strategies import cohorts

from vvuq.data.cards import load_card
from vvuq.data.fetch import fetch_card
from vvuq.data.layouts import Layout
from vvuq.data.load import load_cohort
from vvuq.data.readers.table import SEPARATORS, read_table
from vvuq.data.show import show
from vvuq.errors import InputError, IntegrityError, NotEvaluable
from vvuq.record import Dose, Measurement

LAYOUT = Layout.model_validate({
    "format": "table", "file": "levels.csv", "separator": "comma", "id": "id", "time": "hour", "dose": "dose",
    "duration": "over", "observation": "level", "observable": "concentration", "time_unit": "h", "dose_unit": "mg",
    "observation_unit": "mg/L", "ignored": ["note"],
    "covariates": [
        {"column": "WT", "name": "weight", "unit": "kg", "meaning": "weight", "low": 1, "high": 200},
        {"column": "F", "name": "female", "unit": "1", "meaning": "1 = female", "low": 0, "high": 1, "whole": True},
    ],
})  # fmt: skip
HEADER = "id,hour,dose,over,level,WT,F,note"
GOOD = f"""{HEADER}
a,0,100,,,70,1,first
a,2,,,8.5,,,
a,12,50,0.5,3.1,70,1,"trough, then a dose"
a,24,0,,2.2,,,
,,,,,,,
b,0,80,,,55.5,0,
b,1.5,,,7e0,,,late
"""


def read(tmp_path, text, layout=LAYOUT):
    path = tmp_path / "levels.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_table(path, layout, "levels")


def test_rows_are_doses_measurements_or_both(tmp_path):
    cohort = read(tmp_path, GOOD)
    a, b = cohort.patients
    assert a.covariates == (("weight", 70.0), ("female", 1.0)) and b.covariates == (("weight", 55.5), ("female", 0.0))
    assert a.doses == (Dose(0.0, 100.0), Dose(12.0, 50.0, 0.5))
    assert [(m.time, m.value) for m in a.measurements] == [(2.0, 8.5), (12.0, 3.1), (24.0, 2.2)]
    assert b.measurements == (Measurement(1.5, "concentration", 7.0),)
    assert dict(cohort.units)["weight"] == "kg"


@pytest.mark.parametrize("separator", list(SEPARATORS))
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_separators_and_line_ends_change_nothing(tmp_path, separator, end):
    text = GOOD.replace('"trough, then a dose"', "trough").replace(",", SEPARATORS[separator]).replace("\n", end)
    layout = LAYOUT.model_copy(update={"separator": separator})
    assert read(tmp_path, text, layout).digest == read(tmp_path, GOOD).digest


def test_a_decimal_comma_and_the_mark_of_a_spreadsheet(tmp_path):
    text = GOOD.replace('"trough, then a dose"', "trough").replace(",", ";").replace(".", ",")
    layout = LAYOUT.model_copy(update={"separator": "semicolon", "decimal": "comma"})
    assert read(tmp_path, b"\xef\xbb\xbf" + text.encode(), layout).digest == read(tmp_path, GOOD).digest
    with pytest.raises(InputError, match=r"line 3, column level: concentration: '8\.5'.*decimal comma, as 17,3"):
        read(tmp_path, text.replace("8,5", "8.5"), layout)


@given(cohorts(), st.sampled_from(list(SEPARATORS)))
def test_any_cohort_survives_the_table(tmp_path_factory, cohort, separator):
    """Samples above doses of the same time, as the convention asks."""
    sign, lines = SEPARATORS[separator], [("id", "hour", "dose", "over", "level", "WT", "AP")]
    kept = []
    for p in cohort.patients:
        rows = [(d.time, 1, ("", d.amount, d.duration)) for d in p.doses]
        rows += [(m.time, 0, (m.value, "", "")) for m in p.measurements]
        covariates = dict(p.covariates)
        if rows:
            kept.append(p)
        lines += [
            (p.id, repr(t), dose, over, level, covariates["weight"], covariates["apgar"])
            for t, _, (level, dose, over) in sorted(rows, key=lambda row: row[:2])
        ]
    covariates = [
        {"column": "WT", "name": "weight", "unit": "kg", "meaning": "m", "low": 0, "high": 10},
        {"column": "AP", "name": "apgar", "unit": "1", "meaning": "m", "low": 0, "high": 10},
    ]
    body = LAYOUT.model_dump() | {"separator": separator, "covariates": covariates, "ignored": []}
    path = tmp_path_factory.mktemp("t") / "levels.csv"
    path.write_text("\n".join(sign.join(map(str, line)) for line in lines), encoding="utf-8")
    if kept:
        assert read_table(path, Layout.model_validate(body), "t").patients == tuple(kept)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("a,2,,,8.5", "a,2,,,eight", r"levels\.csv, line 3, column level: concentration: 'eight' .*finite number"),
        ("a,2,,,8.5", "a,2,,,nan", r"line 3, column level: concentration: 'nan'"),
        ("a,2,,,8.5", "a,2,,,<1", r"line 3, column level: concentration: '<1'"),
        ("a,2,,,8.5", "a,2,,,0", r"line 3, column level: concentration: 0\.0 .*above 0"),
        ("a,2,,,8.5", "a,,,,8.5", r"line 3, column hour: time: ''"),
        ("a,2,,,8.5", "a,2,,,", r"line 3, column dose: row: '' .*a dose in dose, a value in level, or no such row"),
        ("a,2,,,8.5", "a,-2,,,8.5", r"line 3, column hour: time: '-2' .*sort the rows"),
        ("a,2,,,8.5", "a,0,,,8.5", r"line 3, column hour: time: '0' .*drawn before it"),
        ("a,2,,,8.5", "a,2,-1,,8.5", r"line 3, column dose: dose amount: '-1'"),
        ("a,2,,,8.5", "a,2,,3,8.5", r"line 3, column over: dose duration: '3' .*an amount in dose"),
        ("a,12,50,0.5", "a,12,50,-1", r"line 4, column dose: dose duration: -1\.0"),
        ("a,2,,,8.5", ",2,,,8.5", r"line 3, column id: patient: ''"),
        ("a,24,0", "b,24,0", r"line 5, column WT: weight: ''"),
        ("b,1.5,", "a,30.5,", r"line 8, column id: patient: 'a' .*rows of one patient together"),
        ("a,0,100,,,70", "a,0,100,,,", r"line 2, column WT: weight: ''"),
        ("a,0,100,,,70", "a,0,100,,,700", r"line 2, column WT: weight: '700' .*from 1 to 200 kg"),
        (",70,1,\"trough", ",71,1,\"trough", r"line 4, column WT: weight: '71' .*fixed over the stay"),
        ("70,1,first", "70,0.5,first", r"line 2, column F: female: '0\.5' .*whole number"),
        ("a,2,,,8.5,,,", "a,2,,,8.5,,", r"levels\.csv, line 3: cells: 7 .*8 cells"),
        ("then a dose\"", "then a dose", r"line 4: line: .*quotes closed"),
        ("level,WT", "value,WT", r"line 1: header: 'value' .*under `ignored`"),
        (",note", ",WT", r"line 1: header: 'WT' .*stands once"),
        (",note", "", r"line 1: header: .*a column note"),
    ],
)  # fmt: skip
def test_what_a_table_may_not_say(tmp_path, old, new, message):
    assert old in GOOD
    with pytest.raises(InputError, match=message):
        read(tmp_path, GOOD.replace(old, new, 1))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the file is empty"),
        (HEADER, "a row for each dose and measurement"),
        (b"\xff\xfe" + GOOD.encode("utf-16-le"), "UTF-8"),
        (GOOD.replace("late", "x" * 20_000), "at most 10000 characters"),
        (GOOD.replace(",", ";"), "a column of the data card's layout"),
    ],
)
def test_what_is_no_table(tmp_path, text, message):
    with pytest.raises(InputError, match=message):
        read(tmp_path, text)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"separator": "blank"}, r"layout\.separator: 'blank' .*comma or semicolon or tab"),
        ({"event": "note", "ignored": []}, r"layout\.event: 'note' .*no such field in the format table"),
        ({"decimal": "comma"}, r"layout\.decimal: 'comma' .*semicolon or tab"),
        ({"format": "nonmem", "duration": None, "separator": "tab"}, r"layout\.separator: 'tab'"),
        ({"format": "nonmem"}, r"layout\.duration: 'over' .*no such field in the format nonmem"),
        ({"format": "csv"}, r"layout\.format: 'csv'"),
    ],
)
def test_a_layout_says_what_its_format_knows(own, change, message):
    with pytest.raises(InputError, match=message):
        own(layout=change)


@pytest.mark.parametrize(
    ("obtain", "message"),
    [
        ({"local": True, "wheel": "x.whl"}, r"obtain\.wheel: 'x\.whl' .*no such field where files are local"),
        ({"local": False}, r"obtain\.wheel: None .*local: true"),
    ],
)
def test_files_come_from_a_wheel_or_are_local(own, obtain, message):
    with pytest.raises(InputError, match=message):
        own(obtain=obtain)


@pytest.fixture
def own(tmp_path, monkeypatch):
    """Writes the card of a local table, with parts changed, beside the table; returns the card."""
    monkeypatch.setenv("VVUQ_DATA", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("VVUQ_CACHE", str(tmp_path / "cache"))
    (tmp_path / "levels.csv").write_text(GOOD)
    (tmp_path / "elsewhere").mkdir()

    def make(**parts):
        layout = {key: value for key, value in LAYOUT.model_dump(mode="json").items() if value is not None}
        digest = hashlib.sha256(GOOD.encode()).hexdigest()
        body = {
            "name": "levels", "title": "Levels", "source": "a test", "citation": {"text": "none"},
            "licence": {"data": "none", "confirmed": True, "note": "made up"},
            "obtain": {"local": True, "files": [{"path": "levels.csv", "sha256": digest, "purpose": "all"}]},
            "layout": layout, "patients": 2, "measurements": 4, "visibility": "nobody", "comparator": [],
            "held_out": {"salt": "s", "count": 1}, "limits": ["two patients"],
        }  # fmt: skip
        for key, change in parts.items():
            body[key] = {k: v for k, v in {**body[key], **change}.items() if v is not None}
        path = tmp_path / "levels.yaml"
        path.write_text(yaml.safe_dump(body))
        return load_card(path)

    return make


def test_a_local_cohort_lies_beside_its_card_or_in_a_data_folder(own, tmp_path):
    card = own()
    assert len(load_cohort(card).patients) == 2
    (tmp_path / "levels.csv").rename(tmp_path / "elsewhere" / "levels.csv")
    assert len(load_cohort(card).patients) == 2
    lines = []
    assert fetch_card(card, progress=lines.append) == tmp_path / "elsewhere" and "checked" in lines[0]
    (tmp_path / "elsewhere" / "levels.csv").unlink()
    for look in (load_cohort, fetch_card):
        with pytest.raises(NotEvaluable, match=r"levels\.csv lies neither beside its data card nor in VVUQ_DATA"):
            look(card)
    assert dict(show(card))["on this machine"] == "not found"


def test_a_changed_local_file_is_refused_with_its_digest(own, tmp_path):
    card = own()
    (tmp_path / "levels.csv").write_text(GOOD + "b,9,,,1.0,,,\n")
    for look in (load_cohort, fetch_card):
        with pytest.raises(IntegrityError, match=r"not the file the data card pins.*write its new sha256"):
            look(card)


def test_a_local_card_is_shown_without_a_wheel(own):
    rows = dict(show(own()))
    assert "local files" in rows["carried by"] and "licence of the package" not in rows


def test_the_digest_of_a_card_follows_the_layout(own):
    assert own().digest != own(layout={"time_unit": "min"}).digest


def test_without_a_column_of_durations_every_dose_is_a_bolus(tmp_path):
    layout = Layout.model_validate(LAYOUT.model_dump() | {"duration": None, "ignored": ("over", "note")})
    assert all(d.duration == 0.0 for p in read(tmp_path, GOOD, layout).patients for d in p.doses)
