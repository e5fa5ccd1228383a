"""vvuq.models.math means the same on floats, complex numbers, sympy symbols and unit-carrying values, and compiled."""

import math
import sys

import numpy as np
import pytest
import sympy
from examples import parameter
from hypothesis import assume, given
from hypothesis import strategies as st

from vvuq.errors import InputError
from vvuq.models import Additive, Model, Observable
from vvuq.models import math as mm
from vvuq.models.kernels import observe_kernel
from vvuq.models.math import KinkError, exp, log, maximum, minimum, pow, sqrt, tanh, where  # noqa: A004
from vvuq.models.units import Measured, UnitError, unit
from vvuq.models.variational import observe_with_slopes


def still(t, x, u, theta, dx):
    dx[0] = -theta[0] * x[0]


def f_exp(t, x, u, theta, y):
    y[0] = exp(x[0])


def f_log(t, x, u, theta, y):
    y[0] = log(x[0])


def f_sqrt(t, x, u, theta, y):
    y[0] = sqrt(x[0])


def f_tanh(t, x, u, theta, y):
    y[0] = tanh(x[0])


def f_pow(t, x, u, theta, y):
    y[0] = pow(x[0], x[1])


def f_where(t, x, u, theta, y):
    y[0] = where(x[0] - x[1], 2 * x[0], x[1])


def f_minimum(t, x, u, theta, y):
    y[0] = minimum(x[0], x[1])


def f_maximum(t, x, u, theta, y):
    y[0] = maximum(x[0], x[1])


def still_two(t, x, u, theta, dx):
    dx[0] = -theta[0] * x[0]
    dx[1] = -theta[0] * x[1]


FUNCTIONS = {f.__name__[2:]: f for f in (f_exp, f_log, f_sqrt, f_tanh, f_pow, f_where, f_minimum, f_maximum)}
TRUTH = {
    "exp": lambda a, b: math.exp(a),
    "log": lambda a, b: math.log(a),
    "sqrt": lambda a, b: math.sqrt(a),
    "tanh": lambda a, b: math.tanh(a),
    "pow": lambda a, b: a**b,
    "where": lambda a, b: 2 * a if a > b else b,
    "minimum": min,
    "maximum": max,
}
SLOPE = {  # by the first argument
    "exp": lambda a, b: math.exp(a),
    "log": lambda a, b: 1 / a,
    "sqrt": lambda a, b: 0.5 / math.sqrt(a),
    "tanh": lambda a, b: 1 / math.cosh(a) ** 2,
    "pow": lambda a, b: b * a ** (b - 1),
    "where": lambda a, b: 2.0 if a > b else 0.0,
    "minimum": lambda a, b: 1.0 if a < b else 0.0,
    "maximum": lambda a, b: 1.0 if a > b else 0.0,
}
MODEL = Model(
    name="mathematics",
    states={"a": "1", "b": "1"},
    inputs={},
    parameters=(parameter("k", "1/h"),),
    observables=tuple(Observable(name, "1", f, Additive(0.1)) for name, f in FUNCTIONS.items()),
    rhs=still_two,
)
values = st.floats(0.05, 20.0)


def compiled(a, b):
    """All functions at (a, b) by their compiled form."""
    out = np.empty(len(FUNCTIONS))
    observe_kernel(MODEL)(0.0, np.array([a, b]), np.empty(0), np.array([0.3]), out)
    return dict(zip(FUNCTIONS, out, strict=True))


def compiled_with_slopes(a, b):
    """All functions at (a, b), and their slopes by a and by b, by their compiled form."""
    width, q = 4, len(FUNCTIONS)
    x, theta, out = np.zeros(2 + 2 * width), np.zeros(1 + width), np.empty(q * (1 + width))
    x[[0, 1, 2, 2 + width + 1]] = a, b, 1.0, 1.0
    observe_with_slopes(MODEL, width)(0.0, x, np.empty(0), theta, out)
    slopes = out[q:].reshape(q, width)
    return {name: (out[i], *slopes[i, :2]) for i, name in enumerate(FUNCTIONS)}


def interpreted(name, a, b):
    y = [None]
    FUNCTIONS[name](0.0, (a, b), (), (), y)
    return y[0]


@given(a=values, b=values)
def test_floats_and_compiled_form_give_the_true_value(a, b):
    machine = compiled(a, b)
    for name, truth in TRUTH.items():
        assert interpreted(name, a, b) == pytest.approx(truth(a, b), rel=1e-14)
        assert machine[name] == pytest.approx(truth(a, b), rel=1e-14), name


@given(a=values, b=values)
def test_the_complex_step_and_the_compiled_slopes_are_the_true_derivative(a, b):
    assume(abs(a - b) > 1e-6)
    machine = compiled_with_slopes(a, b)  # 1 - tanh^2 loses digits, not size
    for name, slope in SLOPE.items():
        assert complex(interpreted(name, a + 1e-30j, complex(b))).imag / 1e-30 == pytest.approx(slope(a, b), rel=1e-12)
        by_b = complex(interpreted(name, complex(a), b + 1e-30j)).imag / 1e-30
        assert machine[name] == pytest.approx((TRUTH[name](a, b), slope(a, b), by_b), rel=1e-12, abs=1e-15), name


def test_a_complex_step_at_a_kink_is_refused():
    with pytest.raises(KinkError):
        where(0j, 1.0, 2.0)
    with pytest.raises(KinkError):
        minimum(1 + 1e-30j, 1 + 0j)
    assert compiled(1.0, 1.0)["minimum"] == 1.0


@given(a=values, b=values)
def test_symbols_mean_the_same(a, b):
    x, y = sympy.symbols("x y")
    for name, truth in TRUTH.items():
        expression = interpreted(name, x, y)
        assert float(expression.subs({x: sympy.Float(a, 30), y: sympy.Float(b, 30)})) == pytest.approx(truth(a, b))


def test_symbols_stay_exact():
    x = sympy.Symbol("x", positive=True)
    assert sympy.simplify(log(exp(x)) - x) == 0
    assert sqrt(x) ** 2 == x
    assert tanh(x).diff(x) == 1 - tanh(x) ** 2
    assert where(x - 1, x, sympy.Integer(0)).subs(x, 0.5) == 0


def test_units_pass_where_they_agree_and_only_there():
    area, length, plain = Measured(4.0, unit("m^2")), Measured(2.0, unit("m")), Measured(2.0, unit("1"))
    root = sqrt(area)
    assert root.magnitude == 2.0 and root.unit == unit("m")
    assert exp(plain).magnitude == math.exp(2.0) and log(plain).unit == unit("1")
    assert minimum(length, root + length).magnitude == 2.0
    assert pow(length, 2).unit == unit("m^2")
    assert pow(plain, plain).magnitude == 4.0
    for wrong in (
        lambda: exp(length),
        lambda: tanh(area),
        lambda: minimum(length, area),
        lambda: where(length, area, length),
        lambda: pow(length, plain) + plain,
        lambda: length + 1.0,
        lambda: 1.0 - length,
        lambda: 2.0**length,
    ):
        with pytest.raises(UnitError):
            wrong()


def test_a_literal_zero_has_every_unit_and_numbers_scale():
    length = Measured(2.0, unit("m"))
    assert (0 + length) == length == (length + 0.0) == (length - 0)
    assert (0 - length).magnitude == -2.0
    assert maximum(length, 0).magnitude == 2.0
    assert (3 * length / 2).magnitude == 3.0 and (1 / length).unit == unit("1/m")


@given(a=st.one_of(st.floats(-1e308, 1e308), st.sampled_from([0.0, -1.0, 1e308, 710.0, -745.0])))
def test_floats_overflow_as_compiled_code_does(a):
    """No Python exception where the machine gives an infinity or not-a-number."""
    machine = compiled(a, 1.0)
    for name in ("exp", "log", "sqrt", "tanh"):
        assert getattr(mm, name)(a) == pytest.approx(machine[name], rel=1e-14, nan_ok=True), name


def test_the_choice_is_by_sign_and_zero_takes_the_second():
    assert where(1e-300, 1, 2) == 1 and where(0.0, 1, 2) == 2 and where(-1.0, 1, 2) == 2
    assert where(sys.float_info.min + 1e-30j, 1, 2) == 1


def test_numpy_arrays_pass_through_elementary_functions():
    np.testing.assert_array_equal(exp(np.array([0.0, 1.0])), np.exp([0.0, 1.0]))


def test_equations_may_use_nothing_else():
    def uses_numpy(t, x, u, theta, y):
        y[0] = np.float64(1.0) * x[0]

    model = Model(
        name="foreign", states={"a": "1"}, inputs={}, parameters=(parameter("k", "1/h"),), rhs=still,
        observables=(Observable("seen", "1", uses_numpy, Additive(0.1)),),
    )  # fmt: skip
    with pytest.raises(InputError, match=r"foreign.uses_numpy: global name: 'np'"):
        observe_kernel(model)
