"""What needs neither patients nor a closed form: a step against a much better solver."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from analyses.conftest import LADDER, SETTINGS, StandIn
from examples import pk

from vvuq.analyses.verification.solver_agreement import solver_agreement, solvers_agree
from vvuq.models import RK4


def agreement(twin=None, **changes):
    settings = SETTINGS["solver_agreement"] | changes
    found = solver_agreement.run(twin or pk(), StandIn("solver_agreement"), **settings)
    assert {name: q.unit for name, q in found.values.items()} == solver_agreement.metrics(twin or pk(), settings)
    return found


def test_the_difference_is_the_error_and_falls_at_the_order_of_the_method():
    found = agreement()
    errors = {row[0]: row[1] for row in found.tables["steps"].rows}
    assert list(errors) == [10.0, 5.0, 4.0] and errors[4.0] == found.values["largest_difference"].value
    assert np.log2(errors[10.0] / errors[5.0]) == pytest.approx(4.0, abs=0.3)
    assert found.values["adaptive_difference"].value < 1e-8 * found.values["largest_value"].value
    assert {f.leaf: f.gradation for f in solvers_agree.run(found)} == {
        "verification.code.numerical_code_verification": "b",
        "verification.calculation.discretization_error": "c",
        "verification.calculation.numerical_solver_error": "c",
    }


def test_a_coarse_step_is_not_called_negligible():
    found = agreement(replace(pk(), method=RK4(100.0)), use=LADDER | {"horizon_h": 9600.0}, steps=None)
    assert found.values["largest_difference"].value > 1e-3 * found.values["largest_value"].value
    assert {f.gradation for f in solvers_agree.run(found)} == {"a", "c"}


def test_patients_of_one_seed_are_the_same_and_of_another_are_not():
    assert agreement().values == agreement().values
    other = solver_agreement.run(pk(), StandIn("solver_agreement", seed=2), use=LADDER, patients=16)
    assert other.values["largest_value"].value != agreement().values["largest_value"].value
