"""Our own twins are found and pass, each property a test of its own, as a user's twin would."""

import pytest

from vvuq.credibility.plan import load_plan
from vvuq.credibility.study import find_twin, studies, twins_in
from vvuq.models.twin import load_twin, rivals_of
from vvuq.paths import shipped
from vvuq.testing import check_conformance, conformance, envelope_of
from vvuq.testing.suite import properties

TWINS = {  # address: (path, rival)
    f"{name}/{rival}" if rival else name: (path, rival)
    for name, path in twins_in(shipped("twins")).items()
    for rival in ("", *rivals_of(path))
    if load_twin(path, rival).model.time_unit != "1"  # others are no patient
}
for name, (path, rival) in TWINS.items():
    suite = conformance(path, rival=rival)  # of rivals in the slow lane: it takes half a minute
    globals()[f"Test_{name.replace('/', '_')}"] = pytest.mark.slow(suite) if rival else suite


def test_the_reference_twin_is_among_them_and_declares_what_can_be_declared():
    claims = load_twin(*TWINS["pk"]).claims
    assert claims.nonnegative and claims.balances and claims.monotone and claims.lipschitz and claims.envelope


WITH_PATIENTS = [name for name, path in studies().items() if load_plan(path).cohort]


@pytest.mark.parametrize("study", WITH_PATIENTS)
def test_a_twin_claims_the_envelope_of_its_study(study):
    plan = load_plan(studies()[study])
    twin = load_twin(*find_twin(plan.twin, studies()[study]))
    found = envelope_of(plan, twin)
    assert found.unmapped == () and found.wider == ()
    assert found.envelope == twin.claims.envelope


@pytest.mark.slow
@pytest.mark.parametrize("property_", properties())
@pytest.mark.parametrize("name", TWINS)
def test_a_thorough_search_finds_nothing(name, property_):
    path, rival = TWINS[name]
    report = check_conformance(path, rival=rival, examples=1000, only=(property_,))
    assert report.ok, str(report)
