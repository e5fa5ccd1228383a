"""The cohort's description with many kinds of doses and measurements, and with an external cohort beside."""

from __future__ import annotations

import pytest
from diaries import PEOPLE, SMALL, layout, row, write
from examples import pk

from vvuq.analyses.validation.cohort import cohort
from vvuq.data.cards import HeldOutRule
from vvuq.data.readers.shanghai import read_diary
from vvuq.data.split import split
from vvuq.errors import InputError
from vvuq.record import Analysis

DESCRIBE: Analysis = cohort


@pytest.fixture
def context(tmp_path, stand_in):
    whole = read_diary(*write(tmp_path), layout(), "diary")
    build, sealed = split(whole, HeldOutRule(salt="diary/", count=1))
    others = [row("9_0_20240109", f"2024-01-09 0{hour}:00:00", 100 + hour, csii_basal_IUh=1) for hour in range(3)]
    people = [*PEOPLE, {**PEOPLE[0], "Patient Number": "9_0_20240109"}]
    other = read_diary(*write(tmp_path, others, people), layout(), "other")
    return stand_in("cohort", build_cohort=build, sealed_cohort=sealed, external_cohorts={"other": other})


def test_what_the_reader_counted_reaches_the_evidence(context):
    found = DESCRIBE.run(pk(), context, bands={"cgm": [70.0, 180.0]}, external=["other"])
    assert dict(found.tables["reading"].rows)["rows read"] == len(SMALL)
    assert dict(found.tables["reading_other"].rows)["rows read"] == 3
    assert found.tables["flow"].rows[-1] == ("external other", 1, 3)
    assert found.tables["table1"].columns == ("characteristic", "unit", "build", "held_out", "other")
    rows = {one[0]: one[1:] for one in found.tables["table1"].rows}
    assert rows["total basal_insulin"][0] == "IU" and rows["total basal_insulin"][3] == "2 [2 to 2]"
    assert found.values["n_regimens_held_out"].value == float(bool(context.sealed_cohort.patients[0].doses))
    assert found.inputs["external"] == {"other": context.external_cohorts["other"].digest}
    assert [reason.split(":")[0] for reason in context.opened][-1] == "other"


def test_measured_values_are_those_of_build_patients(context):
    found = DESCRIBE.run(pk(), context, bands={"cgm": [70.0, 180.0]})
    values = [m.value for p in context.build_cohort.patients for m in p.measurements if m.observable == "cgm"]
    rows = {one[1]: one[3] for one in found.tables["within"].rows}
    assert rows["mean"] == f"{sum(values) / len(values):.3g}"
    assert "external" not in found.inputs and "within" not in DESCRIBE.run(pk(), context).tables


def test_a_band_of_what_is_not_measured_opens_nothing(context):
    with pytest.raises(InputError, match=r"cohort\.bands: 'cmg' is not valid: what is measured: cgm"):
        DESCRIBE.run(pk(), context, bands={"cmg": [70.0, 180.0]})
    assert context.opened == []
