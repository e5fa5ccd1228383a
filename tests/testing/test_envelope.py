"""A plan's envelope is mapped by name; what has no place, goes too far or does not fit is said."""

from dataclasses import replace

import pytest
from testing.broken import good

from vvuq.credibility.plan import Plan, load_plan
from vvuq.credibility.plan import Range as Axis
from vvuq.errors import InputError
from vvuq.models import Claims, Range
from vvuq.paths import shipped
from vvuq.testing import envelope_of

PLAN = load_plan(shipped("studies") / "phenobarbital" / "plan.yaml")


def plan_with(*axes: Axis) -> Plan:
    return PLAN.model_copy(update={"context_of_use": PLAN.context_of_use.model_copy(update={"envelope": axes})})


def test_names_are_mapped_and_units_converted():
    found = envelope_of(
        plan_with(
            Axis(name="weight", unit="g", low=600.0, high=3600.0),
            Axis(name="dose", unit="ug/g", low=2.0, high=5.0),
            Axis(name="samples", unit="1", low=0.0, high=2.0),
            Axis(name="duration", unit="day", low=0.0, high=3.0),
            Axis(name="R", unit="mg/h", low=0.0, high=7.0),
        ),
        good(),
    )
    assert found.unmapped == found.wider == ()
    inside = found.envelope
    for where in (inside.covariates, inside.levels):
        assert where["weight"].low == pytest.approx(0.6) and where["weight"].high == pytest.approx(3.6)
        assert where["weight"].unit == "kg"
    assert inside.doses["dose"].low == pytest.approx(2.0) and inside.doses["dose"].high == pytest.approx(5.0)
    assert inside.samples == Range(1.0, 2.0, "1", whole=True) and inside.duration == 72.0
    assert inside.rates["R"].high == 7.0
    assert inside.boluses == good().claims.envelope.boluses


def test_what_the_twin_has_no_name_for_is_reported():
    found = envelope_of(plan_with(Axis(name="height", unit="cm", low=30.0, high=60.0)), good())
    assert found.unmapped == ("height",) and found.envelope == good().claims.envelope


@pytest.mark.parametrize(
    ("name", "unit", "low", "high"),
    [
        ("weight", "kg", 0.1, 1.0),
        ("dose", "mg/kg", 1.0, 200.0),
        ("samples", "1", 1.0, 9.0),
        ("duration", "h", 0.0, 97.0),
    ],
)
def test_what_goes_beyond_the_claims_is_reported(name, unit, low, high):
    found = envelope_of(plan_with(Axis(name=name, unit=unit, low=low, high=high)), good())
    assert found.wider == (name,) and found.unmapped == ()


def test_a_unit_of_another_dimension_is_refused():
    with pytest.raises(InputError, match="envelope: weight: unit: 'h' is not valid"):
        envelope_of(plan_with(Axis(name="weight", unit="h", low=1.0, high=2.0)), good())


def test_a_twin_without_an_envelope_has_nothing_to_map_onto():
    with pytest.raises(InputError, match=r"claims\.envelope: None"):
        envelope_of(PLAN, replace(good(), claims=Claims()))
