"""The challenge's long table becomes a cohort; what is dropped is counted, what is wrong named."""

from __future__ import annotations

import pytest
import yaml
from external import local_cohort
from icu import CINC, OUTCOMES, TABLE, card, cinc, rows_of, write_cinc

from vvuq.data.cards import load_card
from vvuq.data.load import load_cohort
from vvuq.data.readers.cinc import read_cinc
from vvuq.data.split import split
from vvuq.data.units import check_card
from vvuq.errors import InputError
from vvuq.record import Measurement


def read(folder, table=TABLE, outcomes=OUTCOMES, **changes):
    return read_cinc(write_cinc(folder, table, outcomes), cinc(**changes), "icu")


def test_the_line_counts_before_the_cuff_and_numbers_are_the_decimals_that_were_written(tmp_path):
    one, two = read(tmp_path).patients
    assert one.measurements == (
        Measurement(7 / 60, "heart_rate", 73.0), Measurement(7 / 60, "map", 70.0), Measurement(0.5, "lactate", 1.1),
        Measurement(1.5, "map", 72.0),
    )  # fmt: skip
    assert one.covariates == (("age", 54.0), ("male", 0.0), ("sofa", 1.0), ("died", 0.0))
    assert two.covariates == (("age", 90.0), ("male", -1.0), ("sofa", -1.0), ("died", 1.0))
    assert (one.id, two.id, one.group) == ("1", "2", "")


def test_what_was_dropped_is_counted(tmp_path):
    notes = dict(read(tmp_path).notes)
    assert {key: count for key, count in notes.items() if count} == {
        "descriptors that stand again for a patient, the first is taken": 1,
        "ages above 90, taken as that": 1,
        "male not recorded, written as -1": 1,
        "sofa not recorded, written as -1": 1,
        "map: kept": 2,
        "map: outside 30 to 180 mmHg, dropped": 1,
        "map: at a time that has one already, dropped": 1,
        "heart_rate: kept": 2,
        "heart_rate: outside 20 to 250 1/min, dropped": 1,
        "lactate: kept": 1,
        "patients without a value of any channel, left out": 1,
    }


def test_the_card_reads_it(tmp_path):
    fields = card(write_cinc(tmp_path), CINC, patients=2, measurements=5)
    (tmp_path / "icu.yaml").write_text(yaml.safe_dump(fields))
    loaded = load_card(tmp_path / "icu.yaml")
    check_card(loaded)
    assert loaded.layout.observable == "map, heart rate and lactate"
    assert load_cohort(loaded).digest == read(tmp_path).digest


WRONG = (
    (rows_of(1, (0, "HR", 80)), "row 1, column RecordID", "Age and Gender of each patient"),
    ([*TABLE, *rows_of(7, (0, "HR", 80))], "row 17, column RecordID", "a patient of outcomes.csv"),
    ([*TABLE, *rows_of(1, (3000, "HR", 80))], "row 17, column min", "0 to 2880"),
    ([*TABLE, *rows_of(1, (9, "HR", float("nan")))], "row 17, column Value", "a number on each row"),
    ([{**TABLE[0], "Value": 3}, *TABLE[1:]], "RecordID 1, column Age", "15 to 90"),
    ([{**row, "Value": "high"} for row in TABLE], "column Value", "numbers"),
    ([{**row, "RecordID": 1.5} for row in TABLE], "row 1, column RecordID", "a whole number"),
    ([row for row in TABLE if row["Parameter"] != "Lactate"], "Lactate", "a parameter that the table has: Age"),
    ([{k: v for k, v in row.items() if k != "min"} for row in TABLE], "set.parquet", "a column min"),
)


@pytest.mark.parametrize(("table", "where", "remedy"), WRONG)
def test_what_is_wrong_is_named_with_file_row_and_column(tmp_path, table, where, remedy):
    with pytest.raises(InputError) as caught:
        read(tmp_path, table)
    assert where in str(caught.value) and remedy in str(caught.value)


@pytest.mark.parametrize(
    ("outcomes", "said"),
    [
        (OUTCOMES.replace("SOFA", "sofa"), "a column SOFA"),
        (OUTCOMES.replace("2,16,-1", "2,x,-1"), "row 2, column SAPS-I"),
        (OUTCOMES + "1,6,1,5,-1,0\n", "row 5, column RecordID"),
        (OUTCOMES.replace("-1,1\n", "-1,2\n"), "RecordID 2, column In-hospital_death"),
        ("", "a CSV in UTF-8"),
    ],
)
def test_outcomes_that_are_wrong_are_refused(tmp_path, outcomes, said):
    with pytest.raises(InputError, match=said):
        read(tmp_path, outcomes=outcomes)


def test_a_covariate_of_a_column_that_is_not_read_is_refused(tmp_path):
    with pytest.raises(InputError, match="one of the columns Age"):
        read(tmp_path, covariates=[{**CINC["covariates"][0], "column": "Height"}])


@pytest.mark.external
def test_the_published_table_is_that_of_the_card():
    loaded = local_cohort("icu_lactate", "cinc2012_a")
    cohort = load_cohort(loaded)  # raises where the counts are not those of the card
    build, sealed = split(cohort, loaded.held_out)
    assert (len(build.patients), len(sealed.patients)) == (3175, 791)
