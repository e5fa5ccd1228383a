"""Derivatives against those of the closed form, and the typeset equations against the code."""

import numpy as np
import pytest
import sympy
from examples import LOGISTIC, LOTKA_VOLTERRA, ROOT, pk, pk_parameters, pk_schedules, times
from hypothesis import given
from hypothesis import strategies as st

from vvuq.models import RK4, simulate
from vvuq.models.equations import equations, named_equations
from vvuq.models.sensitivity import simulate_with_derivatives
from vvuq.models.twin import load_twin

NAMES = ("CL", "V", "apgar_effect")


@given(schedule=pk_schedules(), theta=pk_parameters, at=st.lists(times, min_size=1, max_size=5).map(sorted))
def test_derivatives_equal_those_of_the_closed_form(schedule, theta, at):
    twin, theta = pk(), np.array(theta)
    y, slopes = simulate_with_derivatives(twin.model, schedule, theta, NAMES, at, method=RK4(0.1))
    for j in range(3):
        shifted = theta.astype(complex)
        shifted[j] += 1e-30j
        exact = twin.closed_form(schedule, shifted, np.array(at))
        scale = max(float(np.abs(exact.imag).max()) / 1e-30, 1e-6)
        np.testing.assert_allclose(slopes[:, 0, j], exact.imag / 1e-30, rtol=1e-9, atol=1e-9 * scale)
        np.testing.assert_allclose(y[:, 0], exact.real, rtol=1e-9, atol=1e-9)


@given(schedule=pk_schedules(), theta=pk_parameters)
def test_derivatives_are_of_the_discrete_solution_itself(schedule, theta):
    """At a coarse step, too: central differences of the very same solver."""
    twin, theta, h = pk(), np.array(theta), 1e-5
    y, slopes = simulate_with_derivatives(twin.model, schedule, theta, NAMES[:2], [60.0, 150.0], method=RK4(10.0))
    plain = simulate(twin.model, schedule, theta, [60.0, 150.0], method=RK4(10.0))
    np.testing.assert_allclose(y, plain.observed[:, :, 0], rtol=1e-13)
    for j in range(2):
        step = np.zeros(3)
        step[j] = h * theta[j]
        up, down = (
            simulate(twin.model, schedule, theta + s * step, [60.0, 150.0], method=RK4(10.0)).observed[:, 0, 0]
            for s in (1, -1)
        )
        scale = max(1.0, float(np.abs(y).max()))
        np.testing.assert_allclose(slopes[:, 0, j] * theta[j], (up - down) / (2 * h), rtol=1e-6, atol=1e-7 * scale)


def test_no_parameter_gives_predictions_alone():
    from vvuq.models import Bolus, Level, Schedule

    levels = Level(0.0, "weight", 1.0), Level(0.0, "low_apgar", 0.0)
    schedule = Schedule(0.0, (Bolus(0.0, "A", 1.0),), (), levels)
    y, slopes = simulate_with_derivatives(pk().model, schedule, np.array([0.01, 1.0, 0.0]), (), [1.0], method=RK4(0.1))
    assert y[0, 0] == pytest.approx(np.exp(-0.01)) and slopes.shape == (1, 1, 0)


@pytest.mark.parametrize("model", [pk().model, LOGISTIC, LOTKA_VOLTERRA], ids=lambda m: m.name)
@given(seed=st.integers(0, 2**32 - 1))
def test_typeset_equations_have_the_values_of_the_code(model, seed):
    rng = np.random.default_rng(seed)
    n, k, p = len(model.states), len(model.inputs) + len(model.covariates), len(model.parameters)
    x, u, theta = (tuple(float(v) for v in rng.uniform(0.1, 3.0, size)) for size in (n, k, p))
    t = sympy.Symbol("t")
    at = {sympy.Function(name)(t): value for name, value in zip(model.states, x, strict=True)}
    at |= {sympy.Symbol(name): v for name, v in zip((*model.inputs, *model.covariates), u, strict=True)}
    at |= {sympy.Symbol(q.name): v for q, v in zip(model.parameters, theta, strict=True)}
    lines = equations(model)
    dx, y = [0.0] * n, [0.0]
    model.rhs(0.0, x, u, theta, dx)
    for line, name, value in zip(lines, model.states, dx, strict=False):
        assert line.lhs == sympy.Derivative(sympy.Function(name)(t), t)
        assert float(line.rhs.subs(at)) == pytest.approx(value, rel=1e-12)
    assert len(lines) == n + len(model.observables)
    for line, observable in zip(lines[n:], model.observables, strict=True):
        observable.function(0.0, x, u, theta, y)
        assert line.lhs == sympy.Symbol(observable.name)
        assert float(line.rhs.subs(at)) == pytest.approx(y[0], rel=1e-12)


GLUCOSE = [load_twin(ROOT / "twins" / "glucose", name).model for name in ("", "uva_padova", "hovorka")]


@pytest.mark.parametrize("model", [pk().model, *GLUCOSE], ids=lambda m: m.name)
def test_what_is_named_on_the_way_put_back_gives_the_equations(model):
    named, lines = named_equations(model)
    back = {}
    for one in named:  # each in terms of earlier ones
        back[one.lhs] = one.rhs.xreplace(back)
    known = {sympy.Symbol(name) for name in (*model.inputs, *model.covariates, *(p.name for p in model.parameters))}
    for line, whole in zip(lines, equations(model), strict=True):
        assert line.lhs == whole.lhs
        assert line.rhs.free_symbols <= known | set(back) | {sympy.Symbol("t")}
        random = np.random.default_rng(1)
        atoms = sorted(whole.rhs.free_symbols | whole.rhs.atoms(sympy.core.function.AppliedUndef), key=str)
        at = {atom: float(random.uniform(0.1, 3.0)) for atom in atoms}
        both = [float(rhs.subs(at)) for rhs in (line.rhs.xreplace(back), whole.rhs)]
        assert both[0] == pytest.approx(both[1], rel=1e-9)
