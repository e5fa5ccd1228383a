"""Counts and tables against the same numbers counted another way; no measured value shows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from strategies import UNITS, synthetic_neonates

from vvuq.data.cards import HeldOutRule
from vvuq.data.cohort import make_cohort
from vvuq.data.describe import counts, flow, missingness, reading, table1, within
from vvuq.data.split import split
from vvuq.record import Dose, Measurement, Patient

COHORT = synthetic_neonates(30, 7)
BUILD, HELD = split(COHORT, HeldOutRule(salt="t", count=8))


def patient(name: str, samples: int) -> Patient:
    measured = tuple(Measurement(float(k), "concentration", 1.0) for k in range(samples))
    return Patient(name, (("weight", 1.0), ("apgar", 4.0)), (Dose(0.0, 10.0),), measured)


def test_counts_and_flow_agree():
    extra = (patient("x", 2),)
    found = counts(BUILD, HELD, extra)
    samples = sum(len(p.measurements) for p in COHORT.patients)
    assert found == {
        "n_screened": 31,
        "n_excluded": 1,
        "n_analysed": 30,
        "n_build": 22,
        "n_held_out": 8,
        "n_overlap": 0,
        "n_measurements": samples,
        "n_doses": sum(len(p.doses) for p in COHORT.patients),
    }
    table = flow(BUILD, HELD, extra)
    assert table.columns == ("step", "patients", "measurements")
    rows = {step: (patients, concentrations) for step, patients, concentrations in table.rows}
    assert rows["screened"] == (31, samples + 2)
    assert rows["excluded"] == (1, 2)
    assert rows["analysed"] == (30, samples)
    assert rows["build"][0] + rows["held out"][0] == 30
    assert rows["build"][1] + rows["held out"][1] == samples
    assert flow(BUILD, HELD).rows[1] == ("excluded", 0, 0)


def test_overlap_is_counted():
    assert counts(BUILD, replace(HELD, patients=(*HELD.patients, BUILD.patients[0])))["n_overlap"] == 1


def test_table_1_against_numpy():
    table = table1(BUILD, HELD, below=(("apgar", 5.0),))
    assert table.columns == ("characteristic", "unit", "build", "held_out")
    assert not table.individual
    rows = {row[0]: row[1:] for row in table.rows}
    weights = np.array([dict(p.covariates)["weight"] for p in HELD.patients])
    assert rows["weight"][0] == "kg"
    assert rows["weight"][2] == f"{np.median(weights):.3g} [{weights.min():.3g} to {weights.max():.3g}]"
    low = np.array([dict(p.covariates)["apgar"] < 5 for p in BUILD.patients])
    assert rows["apgar < 5"][1] == f"{low.sum()} ({100 * low.mean():.0f} %)"
    assert rows["patients"] == ("1", "22", "8")
    totals = np.array([sum(d.amount for d in p.doses) for p in BUILD.patients])
    assert rows["total dose"][:2] == ("mg", f"{np.median(totals):.3g} [{totals.min():.3g} to {totals.max():.3g}]")


def test_table_1_does_not_depend_on_measured_values():
    def blinded(part):
        hidden = [replace(p, measurements=tuple(replace(m, value=1.0) for m in p.measurements)) for p in part.patients]
        return replace(part, patients=tuple(hidden))

    assert table1(blinded(BUILD), blinded(HELD)) == table1(BUILD, HELD)


def test_missingness_counts_those_who_lack_a_field():
    build = replace(BUILD, patients=(patient("a", 0), patient("b", 1), replace(patient("c", 2), doses=())))
    held = replace(HELD, patients=(replace(patient("d", 3), covariates=(("apgar", 5.0),)),))
    table = missingness(build, held)
    assert table.columns == ("field", "missing_build", "missing_held_out")
    assert {row[0]: row[1:] for row in table.rows} == {
        "weight": (0, 1),
        "apgar": (0, 0),
        "any dose": (1, 0),
        "any measurement": (1, 0),
        "a second measurement": (2, 0),
    }


@pytest.mark.parametrize("make", [flow, table1, missingness])
def test_tables_are_regular_and_hold_no_patient(make):
    table = make(BUILD, HELD)
    assert len(table.columns) == len(table.units)
    assert all(len(row) == len(table.columns) for row in table.rows)
    assert not table.individual


def test_table_1_has_a_total_for_each_kind_of_dose():
    doses = (Dose(0.0, 10.0, what="insulin"), Dose(1.0, 50.0, what="carbohydrate"), Dose(2.0, 2.5, what="insulin"))
    part = make_cohort("mixed", [replace(patient("1", 2), doses=doses)], UNITS | {"insulin": "IU", "carbohydrate": "g"})
    rows = {row[0]: row[1:3] for row in table1(part, part).rows}
    assert rows["total insulin"] == ("IU", "12.5 [12.5 to 12.5]") and rows["total carbohydrate"][0] == "g"
    assert "total dose" not in rows


def diary(name: str, cgm: list[float], *sticks: float) -> Patient:
    values = [(float(15 * k), "cgm", value) for k, value in enumerate(cgm)]
    values += [(float(k), "fingerstick", value) for k, value in enumerate(sticks)]
    return Patient(name, (("weight", 70.0),), (), tuple(Measurement(*one) for one in sorted(values)))


GLUCOSE = {"time": "min", "weight": "kg", "cgm": "mg/dL", "fingerstick": "mg/dL"}


def test_time_in_range_against_numpy_over_readings_and_over_patients():
    rng = np.random.default_rng(4)
    values = [rng.lognormal(4.9, 0.4, n).round(1) for n in (50, 90, 7)]
    build = make_cohort("g", [diary(str(i), list(one)) for i, one in enumerate(values)], GLUCOSE)
    table = within(build, {"cgm": (70.0, 180.0)})
    rows = {row[1]: row[2:] for row in table.rows}
    together = np.concatenate(values)
    assert rows["below 70"][:2] == ("%", f"{100 * (together < 70).mean():.3g}")
    assert rows["70 to 180"][1] == f"{100 * ((together >= 70) & (together <= 180)).mean():.3g}"
    assert rows["mean"][:2] == ("mg/dL", f"{together.mean():.3g}") and rows["SD"][1] == f"{together.std():.3g}"
    above = np.array([100 * (one > 180).mean() for one in values])
    assert rows["above 180"][2] == f"{np.median(above):.3g} [{above.min():.3g} to {above.max():.3g}]"


def test_tables_count_each_observable_and_describe_external_cohorts_beside():
    build = make_cohort("g", [diary("1", [100.0] * 4, 90.0), diary("2", [80.0])], GLUCOSE, notes=(("rows read", 5),))
    other = make_cohort("o", [diary("9", [100.0] * 3, 95.0, 96.0)], {**GLUCOSE, "weight": "g"})
    rows = {row[0]: row[2:] for row in table1(build, build, (("weight", 71.0),), {"o": other}).rows}
    assert rows["measurements of cgm a patient"] == ("2.5 [1 to 4]", "2.5 [1 to 4]", "3 [3 to 3]")
    assert rows["weight"][2] == "", "another unit is not set beside"
    assert rows["weight < 71"] == ("2 (100 %)", "2 (100 %)", "")
    missing = {row[0]: row[1:] for row in missingness(build, build, {"o": other}).rows}
    assert missing["any measurement of fingerstick"] == (1, 1, 0)
    assert flow(build, build, external={"o": other}).rows[-1] == ("external o", 1, 5)
    assert reading(build).rows == (("rows read", 5),)
