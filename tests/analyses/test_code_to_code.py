"""The comparison with another program: what it reports, that it can fail, and that it reads the file as it is."""

from dataclasses import replace

import pytest

from vvuq.analyses.verification import code_to_code as module
from vvuq.analyses.verification.code_to_code import agrees_with_an_independent_program
from vvuq.calibration.foce import fit_population
from vvuq.data.split import joined
from vvuq.errors import IntegrityError

judged = agrees_with_an_independent_program.run


def test_two_programs_that_agree_reach_the_rung_of_another_verified_code(found, contexts, parts):
    evidence = found["code_to_code"]
    assert [v.value for name, v in evidence.values.items() if name.endswith("difference")] == pytest.approx(
        [0.0] * 5, abs=1e-9
    )
    assert evidence.values["n_patients"].value == sum(len(part.patients) for part in parts)
    assert [row[0] for row in evidence.tables["comparison"].rows] == [
        "CL", "V", "apgar_effect", "omega_CL²", "omega_V²", "sigma²",
    ]  # fmt: skip
    assert [f.gradation for f in judged(evidence)] == ["b"]
    assert len(contexts["code_to_code"].opened) == 1, "the held-out patients it fits are opened on record"


@pytest.mark.parametrize(
    ("field", "name", "factor", "reported"),
    [
        ("estimates", "CL", 1.01, "largest_typical_difference"),
        ("estimates", "omega_V", 1.05, "largest_variance_difference"),
        ("start", "V", 1.02, "start_objective_difference"),
    ],
)
def test_a_disagreement_is_reported_and_reaches_no_rung(analyse, stand_in, field, name, factor, reported):
    context = stand_in("code_to_code")
    reference = context.reference_fit()
    values = getattr(reference, field)
    other = replace(reference, **{field: values | {name: values[name] * factor}})
    context.reference_fit = lambda: other
    evidence = analyse("code_to_code", context)
    assert evidence.values[reported].value > 0.05
    assert [f.gradation for f in judged(evidence)] == ["a"]


def test_an_objective_that_differs_reaches_no_rung(analyse, stand_in):
    context = stand_in("code_to_code")
    reference = context.reference_fit()
    context.reference_fit = lambda: replace(reference, objective=reference.objective + 0.2)
    assert [f.gradation for f in judged(analyse("code_to_code", context))] == ["a"]


def test_no_other_caller_may_fit_a_held_out_patient(analyse, stand_in, parts, monkeypatch):
    whole = joined(*parts, "whole")
    with pytest.raises(IntegrityError, match="leakage: 12 held-out patients"):
        analyse("population_fit", stand_in("population_fit", build_cohort=whole))
    monkeypatch.setattr(module, "fit_population", lambda *a, sealed_allowed, start: fit_population(*a, start=start))
    with pytest.raises(IntegrityError, match="leakage"):
        analyse("code_to_code")
