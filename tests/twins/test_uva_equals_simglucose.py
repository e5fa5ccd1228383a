"""A day of each of the 30 virtual patients by the twin, and by the equations of simglucose 0.2.11, solved far better
than it solves them itself. The wheel is unpacked for the test; nothing in it is installed."""

from __future__ import annotations

import csv
import sys
import zipfile
from importlib import import_module
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
import tables
from external import simglucose
from scipy.integrate import solve_ivp
from uva import day, module, uva

from vvuq.models import Adaptive, simulate

pytestmark = [pytest.mark.external, pytest.mark.slow, pytest.mark.timeout(1800)]
MINUTES = 1440
MEALS = {420: 45.0, 750: 70.0, 1110: 80.0}  # g
TIGHT = Adaptive(1e-10, 1e-10)
TOLERANCE = 1e-10


@pytest.fixture(scope="module")
def peer(tmp_path_factory):
    """(T1DPatient's module, the rows of the table) from the wheel, with a stand-in for what only finds files."""
    folder = tmp_path_factory.mktemp("simglucose")
    with zipfile.ZipFile(simglucose()) as archive:
        archive.extractall(folder)
    finder = ModuleType("pkg_resources")
    finder.resource_filename = lambda package, path: str(folder / package / path)
    outer = ModuleType("simglucose")  # its own registers an environment of a package that is not here
    outer.__path__ = [str(folder / "simglucose")]
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "pkg_resources", finder)
        patch.setitem(sys.modules, "simglucose", outer)
        patient = import_module("simglucose.patient.t1dpatient")
        text = (folder / "simglucose" / "params" / "vpatient_params.csv").read_text()
        yield patient, list(csv.DictReader(text.splitlines()))
    for name in [name for name in sys.modules if name.startswith("simglucose.")]:
        del sys.modules[name]


def numbers(row):
    """A row's columns as attributes, as the peer takes them: a frame of pandas would cost a hundred times as much."""
    return SimpleNamespace(**{key: value if key == "Name" else float(value) for key, value in row.items()})


def start_of(row):
    return np.array([float(value) for value in list(row.values())[2:15]])


def bolus(p, grams):
    """IU for a meal by the rule of 500, of twice the basal insulin a day."""
    return grams * 2.0 * p.u2ss * p.BW / 6000.0 * MINUTES / 500.0


def by_its_equations(peer, row):
    """The states (MINUTES + 1, 13) of T1DPatient.model; T1DPatient.step's bookkeeping of meals, once more."""
    p, x = numbers(row), start_of(row)
    found, waiting, eaten_before, content, taken = [x], 0.0, 0.0, 0.0, 0.0
    for minute in range(MINUTES):
        meal = MEALS.get(minute, 0.0)
        waiting += meal
        bite = min(5.0, waiting)
        waiting -= bite
        if bite > 0.0 and eaten_before == 0.0:
            content, taken = x[0] + x[1], 0.0
        taken, eaten_before = taken + bite, bite
        action = peer.Action(CHO=bite, insulin=p.u2ss * p.BW / 6000.0 + (bolus(p, meal) if meal else 0.0))
        given = (action, p, content, taken)
        span = (minute, minute + 1.0)
        x = solve_ivp(peer.T1DPatient.model, span, x, method="DOP853", rtol=TOLERANCE, atol=TOLERANCE, args=given).y[
            :, -1
        ]
        found.append(x)
    return np.array(found)


def by_its_solver(peer, row):
    """The states as simglucose itself computes them."""
    p = numbers(row)
    patient = peer.T1DPatient(p, init_state=start_of(row))
    found = [patient.state.copy()]
    for minute in range(MINUTES):
        meal = MEALS.get(minute, 0.0)
        insulin = p.u2ss * p.BW / 6000.0 + (bolus(p, meal) if meal else 0.0)
        patient.step(peer.Action(CHO=meal, insulin=insulin))
        found.append(patient.state.copy())
    return np.array(found)


def by_the_twin(row, method):
    """cgm and fingerstick (MINUTES + 1, 2)."""
    theta, weight = module().virtual_patient(row)
    p = numbers(row)
    basal = float(module().basal_need(theta, weight)[0])
    plan = day(basal, weight, MEALS, {minute: bolus(p, grams) for minute, grams in MEALS.items()}, float(MINUTES))
    x0 = module().steady_start(plan, theta, theta["Gb"])
    return simulate(uva().model, plan, theta, np.arange(MINUTES + 1.0), method=method, x0=x0).observed[:, :, 0]


@pytest.fixture(scope="module")
def differences(peer):
    """The largest difference [mg/dL] from its well solved equations: of the twin, tight and fast, and of simglucose."""
    code, rows = peer
    found = {}
    for row in rows:
        exact = by_its_equations(code, row)[:, [12, 3]] / float(row["Vg"])
        own = by_its_solver(code, row)[:, [12, 3]] / float(row["Vg"])
        ways = by_the_twin(row, TIGHT), by_the_twin(row, uva().method), own
        found[row["Name"]] = [float(np.abs(way - exact).max()) for way in ways]
    return found


@pytest.fixture(scope="module")
def largest(differences):
    return np.max(list(differences.values()), axis=0)


def test_all_patients_of_the_table_are_there(differences):
    assert len(differences) == 30
    columns = ("patient", "verification setting", "twin's step", "simglucose's solver")
    for name, values in differences.items():
        row = (name, *(f"{value:.1e}" for value in values))
        tables.report("UVA/Padova: largest difference from the peer's equations in a day [mg/dL]", columns, row)


def test_the_verification_setting_agrees_to_a_ten_thousandth(largest):
    assert largest[0] < 1e-4


def test_the_twins_own_step_agrees_to_a_hundredth(largest):
    assert largest[1] < 1e-2


def test_the_solver_of_simglucose_is_no_better_than_the_verification_setting(largest):
    """It is the equations that are compared: its own error is larger than the twin's when both are tight."""
    assert largest[2] > largest[0]
