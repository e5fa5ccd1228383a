"""Population fit and Fisher information: recomputed by closed forms, and faults that they notice."""

from dataclasses import replace

import numpy as np
import pytest
from examples import pk
from strategies import UNITS, synthetic_neonates

from vvuq.analyses.identifiability.fisher import of_patient, separates
from vvuq.calibration.foce import fit_population
from vvuq.data.cohort import make_cohort
from vvuq.methods.fisher import Information
from vvuq.record import Dose, Measurement, Quantity


def test_the_fit_is_reported_as_it_is(found, parts):
    fit, v = fit_population(pk(), parts[0]), found["population_fit"].values
    for e in fit.estimates:
        assert (v[e.name].value, v[e.name].low, v[e.name].high, v[e.name].unit) == (e.value, e.low, e.high, e.unit)
    for j, name in enumerate(("CL", "V")):
        spread = np.sqrt(np.sum((fit.eta[:, j] - fit.eta[:, j].mean()) ** 2) / 17)
        assert v[f"shrinkage_{name}"].value == pytest.approx(100 * (1 - spread / fit.omega[j]))
    warned = " ".join(found["population_fit"].negative)
    for name in ("CL", "V"):
        assert (f"Shrinkage of {name}" in warned) == (v[f"shrinkage_{name}"].value > 30.0)


def test_information_is_that_of_the_closed_form(found, parts):
    build, fit = parts[0], fit_population(pk(), parts[0])
    rows = {row[0]: row for row in found["fisher"].tables["patients"].rows}
    for patient in build.patients:
        if len(patient.measurements) < 3:
            continue
        schedule, at = pk().schedule(build, patient), np.array([m.time for m in patient.measurements])
        y, slopes = pk().closed_form(schedule, fit.theta, at), []
        for j in range(2):
            shifted = fit.theta.astype(complex)
            shifted[j] += 1e-30j
            slopes.append(pk().closed_form(schedule, shifted, at).imag / 1e-30 * fit.theta[j])
        s = np.array(slopes).T / (0.1 * fit.noise_scale * y)[:, None]
        covariance = np.linalg.inv(s.T @ s)
        _, samples, rank, _, rse_CL, rse_V, correlation, _, apart = rows[patient.id]
        assert (samples, rank) == (len(at), 2)
        np.testing.assert_allclose([rse_CL, rse_V], 100 * np.sqrt(np.diag(covariance)), rtol=1e-5)
        expected = covariance[0, 1] / np.sqrt(covariance[0, 0] * covariance[1, 1])
        assert correlation == pytest.approx(expected, abs=1e-6)
        assert apart == (abs(expected) <= 0.95 and max(rse_CL, rse_V) <= 100.0)


def test_patients_with_one_sample_have_rank_one_and_are_counted(found, parts):
    rows = found["fisher"].tables["patients"].rows
    single = [row for row in rows if row[1] == 1]
    assert single and all(row[2] == 1 and row[3] == row[4] == "unbounded" and not row[8] for row in single)
    assert all("CL^" in row[7] for row in single), "an early sample says nothing of clearance"
    v = found["fisher"].values
    assert v["n_patients"].value == sum(bool(p.measurements) for part in parts for p in part.patients)
    assert v["n_rank_deficient"].value == sum(row[2] < 2 for row in rows) >= len(single)
    assert v["n_cannot_separate"].value == sum(not row[8] for row in rows)
    assert v["share_cannot_separate"].value == pytest.approx(100 * v["n_cannot_separate"].value / v["n_patients"].value)
    by = {row[0]: row for row in found["fisher"].tables["by_samples"].rows}
    assert by[1][2] == 0 and by[1][4] is None and sum(row[1] for row in by.values()) == len(rows)


def test_measured_values_of_held_out_patients_are_not_used(found, analyse, stand_in, parts):
    silenced = make_cohort("silenced", [
        replace(p, measurements=tuple(replace(m, value=1.0) for m in p.measurements)) for p in parts[1].patients
    ], UNITS)  # fmt: skip
    again = analyse("fisher", stand_in("fisher", sealed_cohort=silenced))
    assert (again.values, again.tables) == (found["fisher"].values, found["fisher"].tables)
    tables = analyse("cohort", stand_in("cohort", sealed_cohort=silenced)).tables
    assert tables == found["cohort"].tables


def test_a_sample_before_any_dose_teaches_nothing(parts):
    fit, first = fit_population(pk(), parts[0]), synthetic_neonates(1, 0).patients[0]
    late = replace(first, doses=(Dose(50.0, 20.0),), measurements=tuple(
        Measurement(t, "concentration", 1.0) for t in (10.0, 20.0, 60.0)
    ))  # fmt: skip
    assert of_patient(pk(), fit, parts[0], late).rank == 1


@pytest.mark.parametrize(
    ("correlation", "rse", "apart"),
    [(0.95, 0.9, True), (0.96, 0.9, False), (-0.96, 0.9, False), (0.0, 1.01, False), (float("nan"), 0.5, False)],
)
def test_the_limits_of_telling_apart(correlation, rse, apart):
    found = Information(2, 3.0, np.array([0.1, rse]), correlation, np.array([1.0, 0.0]))
    assert separates(found) == apart
    assert not separates(replace(found, rank=1))


def test_quantities_carry_their_direction_of_doubt(found):
    assert found["population_fit"].values["CL"].kind == "epistemic"
    assert found["sensitivity"].values["S1_CL"].kind == "numerical"
    assert isinstance(found["fisher"].values["median_rse_CL"], Quantity)
