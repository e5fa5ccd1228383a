"""A diary becomes a cohort: records on one timeline, doses by kind, and a count of all that was dropped or flagged."""

from __future__ import annotations

import gzip
from dataclasses import replace

import pytest
import yaml
from diaries import COVARIATES, LAYOUT, PEOPLE, RULES, SMALL, card, layout, row, write
from hypothesis import given, settings
from hypothesis import strategies as st

from vvuq.data.cards import load_card
from vvuq.data.load import load_cohort
from vvuq.data.readers.shanghai import LABELS, read_diary
from vvuq.data.split import split
from vvuq.data.units import check_card
from vvuq.errors import InputError, IntegrityError, NotEvaluable
from vvuq.record import Dose, Measurement

PUMPED = "pump rates whose end is not recorded, held for at most 6 h"


def read(folder, rows=SMALL, people=PEOPLE, columns=None, **changes):
    files = write(folder, rows, people, *([columns] if columns else []))
    return read_diary(*files, layout(**changes), "diary")


def noted(cohort) -> dict[str, int]:
    return dict(cohort.notes)


def test_all_records_of_a_patient_are_one_timeline_from_midnight_before_its_first_row(tmp_path):
    one, two = read(tmp_path).patients
    days = 60 * 1440  # 1 January to 1 March 2024
    cgm = [m.time for m in one.measurements if m.observable == "cgm"]
    assert cgm == [600.0, 615.0, 630.0, 690.0, 705.0, days + 480.0]
    assert Measurement(615.0, "fingerstick", 111.6) in one.measurements
    assert two.measurements == (Measurement(1445.0, "cgm", 72.0),)
    assert one.covariates == (("weight", 61.5), ("age", 40.0), ("slowed_carbohydrate", 0.0))
    assert dict(two.covariates)["slowed_carbohydrate"] == 1.0


def test_each_kind_of_dose_has_its_name_and_amount(tmp_path):
    cohort = read(tmp_path)
    at = 60 * 1440 + 480.0
    assert [replace(dose, amount=round(dose.amount, 9)) for dose in cohort.patients[0].doses] == [
        Dose(600.0, 0.3, 30.0, "basal_insulin"),  # 0.6 IU/h until delivery is suspended
        Dose(600.0, 26.0, what="carbohydrate"),
        Dose(615.0, 4.0, what="short_insulin"),
        Dose(690.0, 0.3, 15.0, "basal_insulin"),  # 1.2 IU/h to the end of the record
        Dose(705.0, 25.0, 200.0, "intravenous_glucose"), Dose(705.0, 3.0, 200.0, "intravenous_insulin"),
        Dose(at, 7.0, what="intermediate_insulin"), Dose(at, 12.0, what="long_insulin"),
        Dose(at, 3.0, what="short_insulin"),
    ]  # fmt: skip
    assert {d.what for p in cohort.patients for d in p.doses} <= set(dict(cohort.units))


def test_what_was_dropped_flagged_or_not_understood_is_counted(tmp_path):
    notes = noted(read(tmp_path))
    rules = layout().rules.model_dump()
    expected = {
        "rows": 8, "records": 3, "cgm kept": 7, "cgm range": 1, "jumps": 1, "gaps": 1, "between": 1,
        "fingerstick kept": 1, "read": 1, "not read": 1, "differ": 1, "amount not recorded": 1, "subcutaneous": 1,
        "bags": 1,
        "boluses": 1, "rates": 3, "suspended": 1, "held": 1, "changed": 1,
    }  # fmt: skip
    assert {text.format(**rules): expected.get(key, 0) for key, text in LABELS.items()} == {
        key: count for key, count in notes.items() if not key.startswith("food")
    }
    assert notes["food not known: mystery"] == 1


def test_two_readings_of_one_time_are_one_and_the_other_is_counted(tmp_path):
    twice = (*SMALL[:2], {**SMALL[1], "cgm_mgdl": "90.0", "csii_bolus_IU": ""}, *SMALL[2:])
    cohort = read(tmp_path, twice)
    assert noted(cohort)["sensor readings at a time that has one already, dropped"] == 1
    assert noted(cohort)["fingersticks at a time that has one already, dropped"] == 1
    assert cohort.patients == read(tmp_path).patients


def test_records_are_put_in_order_of_time_and_rows_without_a_time_left_out(tmp_path):
    timeless = {**SMALL[0], "time": "", "cgm_mgdl": "55"}
    moved = (SMALL[5], *SMALL[:5], timeless, *SMALL[6:])
    cohort = read(tmp_path, moved)
    assert cohort.patients == read(tmp_path).patients
    assert noted(cohort)["rows without a time, dropped"] == 1


def test_a_pump_rate_is_held_no_longer_than_the_rules_say(tmp_path):
    rows = [row("7_0_20240101", f"2024-01-01 {hour:02d}:00:00", 100) for hour in range(24)]
    rows[0]["csii_basal_IUh"], rows[10]["csii_basal_IUh"], rows[12]["csii_basal_IUh"] = "1", "2", "0"
    cohort = read(tmp_path, rows)
    assert cohort.patients[0].doses == (
        Dose(0.0, 6.0, 360.0, "basal_insulin"), Dose(600.0, 4.0, 120.0, "basal_insulin"),
    )  # fmt: skip
    assert noted(cohort)[PUMPED] == 1


def test_a_table_in_mmol_per_litre_is_the_same_patient(tmp_path):
    def molar(one):
        names = ("cgm_mgdl", "cbg_mgdl")
        return {**one, **{name: repr(float(one[name]) / 18.0156) for name in names if one[name]}}

    found, same = read(tmp_path, [molar(one) for one in SMALL], glucose_unit="mmol/L"), read(tmp_path)
    assert dict(found.units)["cgm"] == "mg/dL"
    for one, other in zip(found.patients, same.patients, strict=True):
        assert [m.value for m in one.measurements] == pytest.approx([m.value for m in other.measurements])
        assert one.doses == other.doses


@pytest.mark.parametrize(
    ("at", "column", "value", "words"),
    [
        (1, "cgm_mgdl", "nan", "line 4, column cgm_mgdl: cgm: 'nan' is not valid"),
        (1, "cgm_mgdl", "high", "'high' is not valid: a finite number"),
        (1, "cbg_mgdl", "1e999", "fingerstick: '1e999'"),
        (1, "time", "2024-01-01 09:00:00", "'2024-01-01 09:00:00' is not valid: a time not before 2024-01-01 10:00"),
        (1, "time", "10:15", "time: '10:15' is not valid: a local time, as"),
        (1, "time", "01/01/2024 10:15", "a local time, as"),
        (1, "time", "2024-01-01T10:15:00+08:00", "a local time, as"),
        (1, "record", "9_9_9", "record: '9_9_9' is not valid: a record that people.csv has"),
        (1, "patient", "", "patient: '' is not valid"),
        (7, "patient", "7", "patient: '7' is not valid: the rows of one patient together"),
        (1, "insulin_sc", "Novolin R, -5 IU", "insulin: '-5' is not valid: units of 0 or above"),
        (1, "insulin_sc", "Wonderlin, 5 IU", "insulin: 'wonderlin' is not valid: a known insulin"),
        (1, "insulin_sc", "Novolin R", "brand, units and IU"),
        (1, "insulin_iv", "500ml 5% glucose, 3 IU Wonderlin", "insulin: 'wonderlin' is not valid"),
        (1, "csii_bolus_IU", "-4", "csii_bolus_IU: '-4' is not valid: units of 0 or above"),
        (1, "csii_basal_IUh", "some", "'some' is not valid: a finite number"),
    ],
)  # fmt: skip
def test_a_table_that_cannot_be_trusted_is_refused_with_line_and_remedy(tmp_path, at, column, value, words):
    rows = [dict(one) for one in SMALL]
    rows[at][column] = value
    with pytest.raises(InputError) as caught:
        read(tmp_path, rows)
    assert "diary.csv.gz" in str(caught.value) and words in str(caught.value)


def test_columns_and_covariates_have_to_be_those_of_the_card(tmp_path):
    with pytest.raises(InputError, match="header: 'steps'"):
        read(tmp_path, columns=(*SMALL[0], "steps"))
    with pytest.raises(InputError, match="a column oral_agents"):
        read(tmp_path, columns=tuple(SMALL[0])[:-1])
    for changed, words in (
        ({"Weight (kg)": "61,5"}, "weight: '61,5'"), ({"Weight (kg)": "/"}, "weight: '/'"),
        ({"Age (years)": "140"}, "from 18 to 100"), ({"Patient Number": "7_1_20240301"}, "stands once"),
    ):  # fmt: skip
        with pytest.raises(InputError, match=f"people.csv, line .*{words}"):
            read(tmp_path, people=[{**PEOPLE[0], **changed}, *PEOPLE[1:]])
    with pytest.raises(InputError, match="Weight"):
        read(tmp_path, people=[{k: v for k, v in one.items() if k != "Weight (kg)"} for one in PEOPLE])


@pytest.mark.parametrize(
    "content",
    [b"", b"no gzip", *(gzip.compress(one, mtime=0) for one in (b"", b"\xff\xfe")), gzip.compress(b"a", mtime=0)[:-3]],
    ids=["empty", "no gzip", "of nothing", "no text", "cut off"],  # the same for every worker
)
def test_a_file_that_is_no_gzipped_table_is_refused(tmp_path, content):
    files = write(tmp_path)
    files[0].write_bytes(content)
    with pytest.raises(InputError, match=r"diary\.csv\.gz"):
        read_diary(*files, layout(), "diary")


@given(content=st.binary(max_size=200), packed=st.booleans())
@settings(max_examples=60)
def test_any_bytes_give_a_cohort_or_an_input_error(tmp_path_factory, content, packed):
    files = write(tmp_path_factory.mktemp("any"))
    files[0].write_bytes(gzip.compress(content) if packed else content)
    with pytest.raises(InputError):
        read_diary(*files, layout(), "diary")


# --- behind a data card ------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("VVUQ_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("VVUQ_DATA", raising=False)
    write(tmp_path)
    return tmp_path


def carded(folder, **changes):
    (folder / "diary.yaml").write_text(yaml.safe_dump(card(folder, **changes)))
    return load_card(folder / "diary.yaml")


def test_a_card_leads_to_the_cohort_and_its_parts_keep_the_notes(folder):
    made = carded(folder)
    check_card(made)
    cohort = load_cohort(made)
    assert cohort.notes == read(folder).notes and cohort.digest == read(folder).digest
    build, sealed = split(cohort, made.held_out)
    assert build.notes == sealed.notes == cohort.notes


def test_without_a_file_the_message_names_it_and_where_it_was_published(folder):
    made = carded(folder)
    (folder / "people.csv").rename(folder / "away.csv")
    with pytest.raises(NotEvaluable, match=r"(?s)people\.csv .*VVUQ_DATA.*Ask the test\."):
        load_cohort(made)
    (folder / "people.csv").write_text("Patient Number\n")
    with pytest.raises(IntegrityError, match=r"people\.csv"):
        load_cohort(made)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"patients": 3}, "patients: 3 is not valid: 2"),
        ({"layout": {**LAYOUT, "glucose_unit": "mmHg"}}, "glucose_unit"),
        ({"layout": {**LAYOUT, "covariates": [{**COVARIATES[0], "unit": "m"}]}}, r"covariates\.0\.unit: 'm'"),
        ({"layout": {**LAYOUT, "covariates_file": "other.csv"}}, r"layout\.covariates_file: 'other\.csv'"),
        ({"layout": {**LAYOUT, "meals": "record"}}, "'record' .* named once"),
        ({"layout": {**LAYOUT, "rules": {**RULES, "low": 700.0}}}, r"rules\.low: 700"),
        ({"layout": {**LAYOUT, "rules": {**RULES, "drip": 0.0}}}, r"rules\.drip: 0"),
        ({"layout": {**LAYOUT, "dose_unit": "mg"}}, r"layout\.dose_unit"),
    ],
)
def test_a_card_that_does_not_fit_is_refused_with_its_line(folder, changes, words):
    def used() -> None:
        made = carded(folder, **changes)
        check_card(made)
        load_cohort(made)

    with pytest.raises(InputError, match=rf"diary\.yaml:\d+: .*{words}"):
        used()
