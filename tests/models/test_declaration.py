"""A model with anything wrong in its declaration is refused by an InputError that names the field."""

import math
from dataclasses import replace

import pytest
from examples import LOGISTIC, LOTKA_VOLTERRA, amount, parameter

from vvuq.errors import InputError
from vvuq.models import Additive, LogNormal, Model, Normal, Observable, Parameter, Uniform
from vvuq.models import math as mm


def two_compartments(t, x, u, theta, dx):
    A, B = x
    R, weight = u
    k, back = theta
    dx[0] = R - k * A + back * B * (weight / weight)
    dx[1] = k * A - back * B


def sound(**changes):
    """A model without a fault, but for the `changes`."""
    fields = {
        "name": "m",
        "states": {"A": "mg", "B": "mg"},
        "inputs": {"R": "mg/h"},
        "covariates": {"weight": "kg"},
        "parameters": (parameter("k", "1/h"), parameter("back", "1/h")),
        "observables": (Observable("amount", "mg", amount, Additive(0.1)),),
        "rhs": two_compartments,
    }
    return Model(**{**fields, **changes})


def swapped_x(t, x, u, theta, dx):
    B, A = x
    k, back = theta
    dx[0] = -k * A
    dx[1] = -back * B


def swapped_theta(t, x, u, theta, dx):
    A, B = x
    back, k = theta
    dx[0] = -k * A
    dx[1] = -back * B


def swapped_u(t, x, u, theta, dx):
    _, R = u
    dx[0] = R - theta[0] * x[0]
    dx[1] = -theta[1] * x[1]


def swapped_under_other_names(t, state, given, p, out):
    B, A = state
    out[0] = -p[0] * A
    out[1] = -p[1] * B


def too_short(t, x, u, theta, dx):
    (A,) = x
    dx[0] = -theta[0] * A
    dx[1] = -theta[1] * x[1]


@pytest.mark.parametrize(
    ("rhs", "field"),
    [
        (swapped_x, "unpacking of x"),
        (swapped_theta, "unpacking of theta"),
        (swapped_u, "unpacking of u"),
        (swapped_under_other_names, "unpacking of state"),
        (too_short, "unpacking of x"),
    ],
)
def test_unpacking_in_another_order_is_refused(rhs, field):
    with pytest.raises(InputError, match=rf"m\.{rhs.__name__}: {field}: .*the declared order"):
        sound(rhs=rhs)


def unused(t, x, u, theta, dx):
    A, _ = x
    k, _ = theta
    dx[0] = -k * A
    dx[1] = k * A


def test_a_sound_model_and_unused_names_are_accepted():
    assert sound().state_index("B") == 1
    assert sound(rhs=unused).parameter_index("back") == 1


def test_swapped_unpacking_in_an_observable_is_refused():
    def seen(t, x, u, theta, y):
        B, A = x
        y[0] = A + B

    with pytest.raises(InputError, match="seen: unpacking of x"):
        sound(observables=(Observable("amount", "mg", seen, Additive(0.1)),))


def adds_rate_to_amount(t, x, u, theta, dx):
    dx[0] = u[0] + x[0]
    dx[1] = -theta[1] * x[1]


def exp_of_an_amount(t, x, u, theta, dx):
    dx[0] = theta[0] * mm.exp(x[0])
    dx[1] = -theta[1] * x[1]


def not_written(t, x, u, theta, dx):
    dx[0] = -theta[0] * x[0]


def times_squared(t, x, u, theta, dx):
    dx[0] = theta[0] * theta[0] * x[0]
    dx[1] = -theta[1] * x[1]


@pytest.mark.parametrize(
    ("rhs", "field"),
    [
        (adds_rate_to_amount, "units"),
        (exp_of_an_amount, "units"),
        (not_written, "B"),
        (times_squared, "unit of A"),
    ],
)
def test_equations_that_do_not_fit_their_units_are_refused(rhs, field):
    with pytest.raises(InputError, match=rf"m\.{rhs.__name__}: {field}: "):
        sound(rhs=rhs)


def test_a_wrong_scale_is_refused_though_the_dimension_is_right():
    with pytest.raises(InputError, match=r"unit of amount.*gram"):
        sound(observables=(Observable("amount", "g", amount, Additive(0.1)),))
    with pytest.raises(InputError, match=r"two_compartments: units: .*gram"):
        sound(states={"A": "mg", "B": "g"})
    with pytest.raises(InputError, match="two_compartments: units"):
        sound(inputs={"R": "mg/min"})


@pytest.mark.parametrize(
    "changes",
    [
        {"states": {"A": "mg", "B": "bananas"}},
        {"time_unit": "bananas"},
        {"parameters": (parameter("k", "bananas"), parameter("back", "1/h"))},
        {"observables": (Observable("amount", "bananas", amount, Additive(0.1)),)},
        {"covariates": {"weight": "bananas"}},
    ],
)
def test_an_unknown_unit_is_refused_by_name(changes):
    with pytest.raises(InputError, match="unit: 'bananas' is not valid"):
        sound(**changes)


def infinite(t, x, u, theta, dx):
    dx[0] = x[0] / (theta[0] - theta[0]) * theta[0] * theta[0]
    dx[1] = -theta[1] * x[1]


def infinite_in_a_corner(t, x, u, theta, dx):
    (k, _) = theta
    dx[0] = k * mm.exp(400 * k / theta[1]) * x[0]
    dx[1] = -k * x[1]


def test_a_derivative_that_is_not_finite_is_refused():
    with pytest.raises(InputError, match="infinite: value"):
        sound(rhs=infinite)
    wide = parameter("k", "1/h"), parameter("back", "1/h", 0.3, 0.5)
    with pytest.raises(InputError, match=r"infinite_in_a_corner: value: \[inf"):
        sound(rhs=infinite_in_a_corner, parameters=wide)
    narrow = parameter("k", "1/h"), parameter("back", "1/h", 0.3, 0.01)
    assert sound(rhs=infinite_in_a_corner, parameters=narrow)


def test_a_division_by_a_median_of_zero_is_refused():
    def divides(t, x, u, theta, dx):
        dx[0] = -theta[0] * x[0] / theta[1]
        dx[1] = -theta[0] * x[1]

    zero = Parameter("effect", "1", Normal(0.0, 1.0), source="test")
    with pytest.raises(InputError, match="divides: value"):
        sound(rhs=divides, parameters=(parameter("k", "1/h"), zero))


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"inputs": {"A": "mg/h"}}, "name: 'A'"),
        ({"covariates": {"k": "kg"}}, "name: 'k'"),
        ({"parameters": (parameter("k", "1/h"), parameter("k", "1/h"))}, "name: 'k'"),
        ({"states": {"A": "mg", "b b": "mg"}}, "name: 'b b'"),
        ({"observables": (LOGISTIC.observables[0], LOGISTIC.observables[0])}, "observable: 'amount'"),
        ({"observables": (replace(LOGISTIC.observables[0], name="an amount"),)}, "observable: 'an amount'"),
        ({"observables": ()}, "states and observables"),
        ({"states": {}}, "states and observables"),
    ],
)
def test_names_are_identifiers_and_differ(changes, field):
    with pytest.raises(InputError, match=f"m: {field}"):
        sound(**changes)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"source": "  "}, "source"),
        ({"bounds": (0.3, 0.2)}, "bounds"),
        ({"bounds": (math.nan, 1.0)}, "bounds"),
        ({"bounds": (0.25, math.inf)}, "prior"),
        ({"bounds": (-math.inf, 0.35)}, "prior"),
        ({"prior": Uniform(0.0, math.inf)}, "prior"),
        ({"prior": LogNormal(0.3, -0.1)}, "prior"),
        ({"prior": LogNormal(-0.3, 0.1)}, "prior"),
        ({"prior": Uniform(2.0, 1.0)}, "prior"),
    ],
)
def test_a_parameter_with_a_fault_is_refused(changes, field):
    with pytest.raises(InputError, match=rf"m\.k: {field}: "):
        sound(parameters=(replace(parameter("k", "1/h"), **changes), parameter("back", "1/h")))


def test_priors_have_the_quantiles_they_claim():
    assert LogNormal(2.0, 0.5).quantile(0.5) == 2.0
    assert math.log(LogNormal(2.0, 0.5).quantile(0.975) / 2.0) == pytest.approx(0.5 * 1.959963984540054)
    assert Normal(1.0, 2.0).quantile(0.025) == pytest.approx(1.0 - 2.0 * 1.959963984540054)
    assert Uniform(1.0, 3.0).quantile(0.25) == 1.5


@pytest.mark.parametrize("kind", ["parameter", "state", "input", "observable"])
def test_positions_are_by_declaration_and_unknown_names_are_refused(kind):
    with pytest.raises(InputError, match=f"lotka_volterra: {kind}: 'nobody'"):
        getattr(LOTKA_VOLTERRA, f"{kind}_index")("nobody")
    assert LOTKA_VOLTERRA.parameter_index("death") == 2
    assert sound().input_index("weight") == 1


def test_many_parameters_are_checked_at_their_corners_too():
    def rhs(t, x, u, theta, dx):
        dx[0] = mm.exp(500 * theta[11] / theta[0]) * theta[1] * x[0]
        dx[1] = theta[0] * x[1]

    many = tuple(parameter(f"k{i}", "1/h", 0.3, 0.15) for i in range(12))
    with pytest.raises(InputError, match="rhs: value"):
        sound(rhs=rhs, parameters=many)
