"""FOCE-I on all 59 neonates against the NONMEM run that comes with the table. Code-to-code evidence, nothing else."""

import pytest
from examples import pk
from external import phenobarbital

from vvuq.calibration.foce import fit_population
from vvuq.data.load import load_cohort
from vvuq.data.reference_fit import load_reference_fit


@pytest.fixture(scope="module")
def comparison():
    """(fit here, fit there)."""
    card = phenobarbital()
    there = load_reference_fit(card)
    start = {name: value**0.5 if name in there.variances else value for name, value in there.start.items()}
    return fit_population(pk(), load_cohort(card), start=start, sealed_allowed=True), there


@pytest.mark.external
def test_the_objective_is_the_same_at_the_start_and_at_the_optimum(comparison):
    here, there = comparison
    assert there.start_objective == pytest.approx(587.366, abs=1e-3)
    assert here.start_objective == pytest.approx(there.start_objective, abs=1e-5)
    assert here.objective == pytest.approx(there.objective, abs=1e-5)


@pytest.mark.external
def test_typical_values_variances_and_standard_errors_are_the_same(comparison):
    here, there = comparison
    assert {e.name for e in here.estimates} == set(there.estimates)
    for e in here.estimates:
        squared = e.name in there.variances
        value, slope = (e.value**2, 2 * e.value) if squared else (e.value, 1.0)
        assert value == pytest.approx(there.estimates[e.name], rel=3e-4), e.name
        assert slope * e.robust_error == pytest.approx(there.errors[e.name], rel=2e-3), e.name
