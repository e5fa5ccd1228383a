"""Convergence and filter exactness: right on the right code, and they notice a wrong one."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from examples import pk

import vvuq.analyses.verification.convergence as convergence_module
import vvuq.analyses.verification.filter_exactness as exactness_module
from vvuq.errors import InputError, NotEvaluable
from vvuq.models.schedule import compile_grid
from vvuq.models.simulate import RK4, Paths, interval_steps, simulate
from vvuq.record import Quantity

CODE = "verification.code.numerical_code_verification"


def rungs(check, evidence):
    return {f.leaf: f.gradation for f in check.run(evidence)}


def euler(model, schedule, theta, times, *, method):
    """A first-order integrator in the place of RK4."""
    if not isinstance(method, RK4):
        return simulate(model, schedule, theta, times, method=method)
    grid = compile_grid(model, schedule, times)
    x, dx, y, states, seen = [0.0], [0.0], [0.0], [], []
    for s, t in enumerate(grid.t):
        if s > 0:
            count = int(interval_steps(grid.t, method.step)[s - 1])
            h = (t - grid.t[s - 1]) / count
            for _ in range(count):
                model.rhs(t, x, grid.u[s - 1], theta, dx)
                x = [x[0] + h * dx[0]]
        if grid.record[s] >= 0:
            model.observables[0].function(t, x, grid.u[max(s - 1, 0)], theta, y)
            states.append([[x[0]]])
            seen.append([[y[0]]])
        x = [x[0] + grid.jump[s, 0]]
    return Paths(np.asarray(times), np.array(states), np.array(seen), np.zeros(1, dtype=np.int64))


def test_the_order_is_observed_and_the_errors_are_small(found):
    v = found["convergence"].values
    assert v["observed_order"].value == pytest.approx(4.0, abs=0.1) and v["observed_order"].n >= 4
    assert v["order_deviation"].value == abs(v["observed_order"].value - 4.0)
    assert v["finest_error"].value < 1e-8 and v["adaptive_error"].value < 1e-6
    assert v["operating_error"].value < 1e-3 and v["operating_error"].n == 8
    check = convergence_module
    assert rungs(check.converges_at_its_order, found["convergence"]) == {CODE: "d"}
    assert set(rungs(check.error_is_estimated_in_use, found["convergence"]).values()) == {"c"}


def test_the_refinement_is_what_the_solver_does(found):
    table = found["convergence"].tables["refinement"]
    rows = {row[0]: row for row in table.rows}
    twin = pk()
    problem = twin.scenarios["verification"](horizon_h=960.0, weight_kg=1.5, low_apgar=True)
    theta = np.array([p.prior.quantile(0.5) for p in twin.model.parameters])
    times = np.linspace(0.0, 960.0, 13)[1:]
    exact = twin.closed_form(problem.schedule, theta, times)
    for step in (40.0, 10.0):
        paths = simulate(twin.model, problem.schedule, theta, times, method=RK4(step))
        assert rows[step][1] == pytest.approx(np.abs(paths.observed[:, 0, 0] - exact).max(), rel=1e-9)
    assert [row[0] for row in table.rows] == [40.0, 20.0, 10.0, 5.0, 2.5] and table.rows[0][2] is None


def test_a_first_order_integrator_is_noticed(analyse, monkeypatch):
    monkeypatch.setattr(convergence_module, "simulate", euler)
    evidence = analyse("convergence")
    assert evidence.values["observed_order"].value == pytest.approx(1.0, abs=0.15)
    assert rungs(convergence_module.converges_at_its_order, evidence) == {CODE: "a"}


def wrong_form(schedule, theta, times):
    return pk().closed_form(schedule, theta * np.array([1.001, 1.0, 1.0]), times)


def test_a_solution_that_is_not_the_exact_one_is_noticed(analyse):
    wrong = replace(pk(), closed_form=wrong_form)
    try:
        evidence = analyse("convergence", twin=wrong)
    except NotEvaluable:
        return
    assert rungs(convergence_module.converges_at_its_order, evidence) == {CODE: "a"}


def test_too_few_rungs_or_no_closed_form_or_no_scenario_is_not_evaluable(analyse):
    with pytest.raises(NotEvaluable, match="only 2 of 2 steps"):
        analyse("convergence", steps=[20.0, 10.0])
    with pytest.raises(NotEvaluable, match=r"twin pk declares no scenario, and convergence\.ladder needs one"):
        analyse("convergence", twin=replace(pk(), scenarios={}))
    with pytest.raises(NotEvaluable, match="no closed form"):
        analyse("convergence", twin=replace(pk(), closed_form=None))


@pytest.mark.parametrize("steps", [[160.0, 80.0, 40.0, 20.0], [40.0, 30.0, 20.0, 10.0, 5.0]])
def test_a_step_that_would_not_be_taken_as_it_is_named_is_refused(analyse, steps):
    """Every interval of 80 h is cut into equal steps: 160 becomes 80, 30 becomes 26.7, and the order would be wrong."""
    with pytest.raises(InputError, match=r"plan: analyses\.convergence\.steps: (160|30)\.0 "):
        analyse("convergence", steps=steps)


def test_a_solver_whose_settings_move_the_result_is_noticed(found):
    evidence, check = found["convergence"], convergence_module.error_is_estimated_in_use
    largest, leaf = evidence.values["largest_value"].value, "verification.calculation.numerical_solver_error"
    for share, rung in ((1e-5, "c"), (0.01, "a")):
        values = {**evidence.values, "solver_sensitivity": Quantity(share * largest, "mg/L")}
        assert rungs(check, replace(evidence, values=values))[leaf] == rung


@pytest.mark.parametrize(("order", "n", "rung"), [(4.1, 5, "d"), (4.1, 3, "a"), (4.3, 5, "a"), (3.7, 8, "a")])
def test_the_rung_asks_for_the_order_and_for_enough_steps(found, order, n, rung):
    values = {
        **found["convergence"].values,
        "observed_order": Quantity(order, "1", n=n),
        "order_deviation": Quantity(abs(order - 4.0), "1"),
    }
    changed = replace(found["convergence"], values=values)
    assert rungs(convergence_module.converges_at_its_order, changed) == {CODE: rung}


def test_the_filter_is_exact(found):
    v = found["filter_exactness"].values
    for name in ("mean_difference", "covariance_difference", "log_likelihood_difference"):
        assert 0.0 < v[name].value < 1e-10 and v[name].n == 20
    assert rungs(exactness_module.equals_the_kalman_filter, found["filter_exactness"]) == {CODE: "b"}
    worst = max(max(row[2:]) for row in found["filter_exactness"].tables["cases"].rows)
    assert worst == max(v[n].value for n in v if n.endswith("difference"))


@pytest.mark.parametrize("error", [0.5, 1.0 + 1e-6])
def test_a_wrong_noise_is_noticed(analyse, monkeypatch, error):
    right = exactness_module.one_case
    assert max(right(np.random.default_rng(0), 5)) < 1e-10
    assert max(right(np.random.default_rng(0), 5, noise_error=error)) > 1e-9
    monkeypatch.setattr(exactness_module, "one_case", partial(right, noise_error=error))
    evidence = analyse("filter_exactness", cases=3)
    assert rungs(exactness_module.equals_the_kalman_filter, evidence) == {CODE: "a"}
