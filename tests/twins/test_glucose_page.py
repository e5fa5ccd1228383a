"""docs/glucose.md says what the code computes, and the structures have their published values."""

import csv
import math

import pytest
from examples import ROOT
from glucose_page import FURTHER, PAGE, basal, filled, insulin, meal, parts, told
from home import structures
from tutorial import blocks

REFERENCES = ROOT / "tests" / "references"
MISSES = {("uva_padova", "short", "ninety_percent")}  # as the card says


def rows(name):
    with (REFERENCES / f"{name}.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_the_page_holds_what_the_code_computes():
    page = PAGE.read_text(encoding="utf-8")
    assert filled(page) == page, "python tests/glucose_page.py writes the tables anew"


def test_the_code_on_the_page_runs():
    (code,) = (block.text for block in blocks(PAGE.read_text(encoding="utf-8")) if block.language == "python")
    exec(compile(code, "glucose.md", "exec"), {})


@pytest.mark.parametrize("row", rows("glucose_parameters"), ids=lambda row: f"{row['structure']}-{row['quantity']}")
def test_the_median_of_a_prior_is_the_published_value(row):
    medians = parts(row["structure"])[1]
    value = math.prod(medians[name] for name in row["quantity"].split("*"))
    assert value == pytest.approx(float(row["value"]), rel=1e-12)


@pytest.mark.parametrize("row", rows("glucose_insulin_action"), ids=lambda row: f"{row['insulin']}-{row['statistic']}")
def test_insulin_stays_as_long_as_published(row):
    for name in structures():
        _, mean, ninety = insulin(name, row["insulin"])
        found = mean if row["statistic"] == "mean_residence" else ninety / 60.0
        inside = float(row["low"]) <= found <= float(row["high"])
        assert inside != ((name, row["insulin"], row["statistic"]) in MISSES), f"{name}: {found}"


def test_at_readings_the_standard_step_errs_by_less_than_a_tenth_of_a_unit_in_every_structure():
    assert max(meal(name)[3] for name in structures()) < 0.1


@pytest.mark.parametrize(
    ("name", "low", "high"), [("glucose", 0.2, 0.5), ("uva_padova", 0.2, 0.5), ("hovorka", 0.1, 0.2)]
)
def test_the_typical_basal_need_is_what_is_prescribed_but_for_hovorkas_patient(name, low, high):
    """Half of 0.4 to 1.0 IU/kg a day, Standards of Care of the American Diabetes Association."""
    assert low < basal(name) / parts(name)[2].PORTS.mIU * 1.44 / 70.0 < high


@pytest.mark.parametrize("name", FURTHER)
def test_a_day_tells_the_personal_parameters_apart_and_not_one_more(name):
    condition, errors = told(name, structures()[name].personal)
    assert condition < 20.0 and errors.max() < 0.06
    more, worse = told(name, (*structures()[name].personal, FURTHER[name]))
    assert more > 2.0 * condition and worse.max() > 2.0 * errors.max()
