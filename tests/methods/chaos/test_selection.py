"""Sparse expansions: what they recover, how exact they are, and that their reported error can be believed."""

import chaospy
import numpy as np
import pytest
from chaos_functions import FUNCTIONS, GERMS, relative_error

from vvuq.errors import InputError, NotEvaluable
from vvuq.methods.chaos import Search, design, fit, fit_outputs
from vvuq.methods.chaos.basis import basis_of, multi_indices, products, tables
from vvuq.methods.chaos.paths import walk

SMALL = Search(degrees=(1, 2, 3, 4), norms=(0.5, 1.0))
MIXED = [chaospy.Uniform(-1.0, 2.0), chaospy.Normal(1.0, 0.5), chaospy.Triangle(0.0, 1.0, 3.0)]
COEFFICIENTS = {(0, 0, 0): 3.0, (1, 0, 0): 2.0, (0, 2, 0): -1.0, (1, 1, 0): 0.5, (0, 0, 3): 0.25, (1, 1, 1): 0.1}


def polynomial(points):
    basis = basis_of(MIXED, 4)
    return np.array(list(COEFFICIENTS.values())) @ products(tables(basis, points), np.array(list(COEFFICIENTS)))


def sample(name, n, seed, fresh=10_000, kind="latin"):
    rng = np.random.default_rng([n, seed])
    points, checks = design(GERMS[name], n, rng, kind), design(GERMS[name], fresh, rng, "random")
    return points, FUNCTIONS[name](points), checks, FUNCTIONS[name](checks), rng


@pytest.mark.parametrize("rule", ["ols", "lars"])
def test_a_sparse_polynomial_is_recovered_exactly(rule):
    rng = np.random.default_rng(1)
    points = design(MIXED, 60, rng)
    found = fit(MIXED, points, polynomial(points), rng, search=Search(SMALL.degrees, SMALL.norms, (rule,)))
    terms = {tuple(int(v) for v in k): c for k, c in zip(found.terms, found.coefficients, strict=True)}
    for term, value in COEFFICIENTS.items():
        assert terms.pop(term) == pytest.approx(value, abs=1e-12)
    assert all(abs(c) < 1e-12 for c in terms.values())
    assert found.error.reported < 1e-24 and found.mean == pytest.approx(3.0, abs=1e-12)
    assert found.variance == pytest.approx(sum(c**2 for c in COEFFICIENTS.values()) - 9.0, rel=1e-12)
    checks = design(MIXED, 1000, rng, "random")
    np.testing.assert_allclose(found.predict(checks), polynomial(checks), atol=1e-11)


def naive_lars(columns, values, steps):
    """Efron et al. (2004), section 2, step by step with all systems solved anew."""
    x = columns - columns.mean(axis=1, keepdims=True)
    x = (x / np.linalg.norm(x, axis=1, keepdims=True)).T
    mu, active = np.zeros(len(values)), []
    y = values - values.mean()
    for _ in range(steps):
        c = x.T @ (y - mu)
        most = max(np.abs(c))
        active.append(int(np.argmax(np.where(np.isin(np.arange(len(c)), active), -1.0, np.abs(c)))))
        signed = x[:, active] * np.sign(c[active])
        solved = np.linalg.solve(signed.T @ signed, np.ones(len(active)))
        scale = solved.sum() ** -0.5
        u = signed @ (scale * solved)
        a = x.T @ u
        rest = [j for j in range(len(c)) if j not in active]
        ahead = [g for j in rest for g in ((most - c[j]) / (scale - a[j]), (most + c[j]) / (scale + a[j])) if g > 1e-12]
        mu = mu + min([*ahead, most / scale]) * u
    return active


def naive_ols(columns, values, steps):
    """Each step adds the column with which least squares leaves the smallest residual."""
    active = []
    for _ in range(steps):
        left = {}
        for j in set(range(len(columns))) - set(active):
            x = np.vstack([np.ones(len(values)), columns[[*active, j]]]).T
            left[j] = np.linalg.norm(values - x @ np.linalg.lstsq(x, values, rcond=None)[0])
        active.append(min(left, key=left.get))
    return active


@pytest.mark.parametrize(("rule", "naive"), [("lars", naive_lars), ("ols", naive_ols)])
def test_paths_are_those_of_a_naive_walk_and_judge_rows_left_out(rule, naive):
    rng = np.random.default_rng(3)
    columns, values = rng.standard_normal((20, 40)), rng.standard_normal(40)
    weights, groups = np.ones((3, 40)), np.zeros((40, 2))
    weights[1, :10], weights[2, 10:15] = 0.0, 2.0
    groups[:10, 0], groups[10:, 1] = 1.0, 1.0
    paths = walk(columns, values, weights, groups, 8, rule, [(0, 1), (2, 1)])
    fits = np.zeros((3, 21))
    rows = {0: np.arange(40), 1: np.arange(10, 40), 2: np.concatenate([np.arange(40), np.arange(10, 15)])}
    for subset, used in rows.items():
        active = naive(columns[:, used], values[used], 8)
        assert list(paths.order[:, subset]) == active
        for m in (0, 3, 8):
            x = np.vstack([np.ones(40), columns[active[:m]]]).T
            fitted = x @ np.linalg.lstsq(x[used], values[used], rcond=None)[0]
            np.testing.assert_allclose(paths.squares[m, subset], (values - fitted) ** 2 @ groups, rtol=1e-9)
        fits[subset, [0, *(1 + j for j in active)]] = np.linalg.lstsq(x[used], values[used], rcond=None)[0]
    distances = [np.sum((fits[a] - fits[b]) ** 2) for a, b in ((0, 1), (2, 1))]
    np.testing.assert_allclose(paths.apart[8], distances, rtol=1e-9)
    x = np.vstack([np.ones(40), columns[naive(columns, values, 5)]]).T
    alone = [
        values[k] - x[k] @ np.linalg.lstsq(*(np.delete(v, k, 0) for v in (x, values)), rcond=None)[0] for k in range(40)
    ]
    assert paths.leave_one_out[5] == pytest.approx(np.sum(np.square(alone)), rel=1e-9)


def test_columns_that_add_nothing_do_not_enter():
    rng = np.random.default_rng(0)
    columns, values = rng.standard_normal((4, 30)), rng.standard_normal(30)
    columns[2], columns[3] = columns[0] - 2.0 * columns[1], 1.0
    for rule in ("lars", "ols"):
        paths = walk(columns, values, np.ones((1, 30)), np.ones((30, 1)), 4, rule)
        entered = [j for j in paths.order[:, 0] if j >= 0]
        assert len(entered) == 2 and 3 not in entered
        assert np.all(np.diff(paths.squares[:, 0, 0]) <= 1e-12)


def test_leave_one_out_is_optimistic_by_orders_of_magnitude_and_the_reported_error_is_not():
    """A forward path that may take nearly as many terms as there are points, its length chosen by leave-one-out."""
    points, values, checks, truth, rng = sample("borehole", 50, 1)
    basis, terms = basis_of(GERMS["borehole"], 5), multi_indices(8, 5, 0.75)
    columns = products(tables(basis, points), terms[1:])
    paths = walk(columns, values, np.ones((1, 50)), np.ones((50, 1)), 45, "ols")
    length = int(np.argmin(paths.leave_one_out))
    claimed = paths.leave_one_out[length] / 50 / np.var(values)
    kept = np.concatenate([[0], 1 + paths.order[:length, 0]])
    design_columns = products(tables(basis, points), terms[kept])
    solved = np.linalg.lstsq(design_columns.T, values, rcond=None)[0]
    true = np.mean((solved @ products(tables(basis, checks), terms[kept]) - truth) ** 2) / np.var(truth)
    assert claimed < 1e-3 * true
    honest = fit(GERMS["borehole"], points, values, rng)
    assert honest.error.reported > 0.1 * relative_error(honest, checks, truth)


def test_an_expansion_that_goes_astray_between_the_points_is_not_chosen():
    """A design on which cross-validation alone, at 0.002 of the variance, chose 25 terms with an error of 1.5."""
    points, values, checks, truth, rng = sample("ishigami", 50, 1032)
    found = fit(GERMS["ishigami"], points, values, rng)
    assert relative_error(found, checks, truth) < 0.05 and found.error.apart > found.error.selected


def test_noise_alone_is_reported_as_not_explained():
    rng = np.random.default_rng(8)
    points = design(MIXED, 60, rng)
    found = fit(MIXED, points, rng.standard_normal(60), rng)
    assert found.error.reported > 0.8 and found.error.upper > found.error.reported


def test_a_fresh_sample_counts_where_it_is_worse():
    points, values, checks, truth, _ = sample("g", 60, 0, fresh=200)
    alone = fit(GERMS["g"], points, values, np.random.default_rng(1), search=SMALL)
    good = fit(GERMS["g"], points, values, np.random.default_rng(1), search=SMALL, fresh=(checks, truth))
    bad = fit(GERMS["g"], points, values, np.random.default_rng(1), search=SMALL, fresh=(checks, truth[::-1]))
    assert good.error.fresh * np.var(values, ddof=1) == pytest.approx(np.mean((alone.predict(checks) - truth) ** 2))
    assert good.error.reported == max(alone.error.reported, good.error.fresh) and good.runs == 260
    assert bad.error.reported == bad.error.fresh > 1.0 and bad.error.upper > bad.error.fresh
    np.testing.assert_array_equal(bad.coefficients, alone.coefficients)


def test_equal_points_stay_in_one_fold():
    """Pure noise twice over: folds that split the pairs would find it predictable."""
    rng = np.random.default_rng(4)
    points, noise = design(MIXED, 40, rng), rng.standard_normal(40)
    twice = fit(MIXED, np.tile(points, 2), np.tile(noise, 2), rng)
    assert twice.error.reported > 0.8


def test_the_same_stream_gives_the_same_expansion_and_outputs_share_folds():
    points, values, *_ = sample("g", 50, 0)
    one, two = (fit(GERMS["g"], points, values, np.random.default_rng(7), search=SMALL) for _ in range(2))
    np.testing.assert_array_equal(one.coefficients, two.coefficients)
    both = fit_outputs(
        GERMS["g"], points, np.array([values, 2.0 * values + 1.0]), np.random.default_rng(7), search=SMALL
    )
    np.testing.assert_array_equal(both[0].coefficients, one.coefficients)
    np.testing.assert_array_equal(both[1].terms, one.terms)
    assert both[1].mean == pytest.approx(2.0 * one.mean + 1.0)


def test_what_cannot_be_fitted_is_said():
    points, values, *_ = sample("ishigami", 40, 0)
    germs, rng = GERMS["ishigami"], np.random.default_rng(0)
    failed = values.copy()
    failed[[3, 9]] = np.nan, np.inf
    with pytest.raises(NotEvaluable, match="2 of 40 model runs failed"):
        fit(germs, points, failed, rng)
    with pytest.raises(NotEvaluable, match="1 of 40 model runs failed"):
        fit(germs, points, values, rng, fresh=(points, np.where(np.arange(40) == 1, np.nan, values)))
    with pytest.raises(NotEvaluable, match=r"constant \(2\.5\) at all 40 points"):
        fit(germs, points, np.full(40, 2.5), rng)
    with pytest.raises(InputError, match=r"points: '15 different points'.*at least 16"):
        fit(germs, points[:, :15], values[:15], rng)
    with pytest.raises(InputError, match="different points"):
        fit(germs, np.repeat(points[:, :10], 4, axis=1), values, rng)
    with pytest.raises(InputError, match=r"values: \(39,\).*give 40 numbers"):
        fit(germs, points, values[1:], rng)
    with pytest.raises(InputError, match=r"points: \(40, 3\).*shape \(3, n\)"):
        fit(germs, points.T, values, rng)
    with pytest.raises(InputError, match=r"points, b: nan"):
        fit(germs, np.where(points == points[1, 2], np.nan, points), values, rng, names=("a", "b", "c"))
    with pytest.raises(InputError, match=r"points, x1: .*stay in \[-3\.14"):
        fit(germs, points * 2.0, values, rng)
    with pytest.raises(InputError, match="fresh values"):
        fit(germs, points, values, rng, fresh=(points[:, :5], values[:5]))
    with pytest.raises(InputError, match=r"share: 1\.0.*interpolates"):
        Search(share=1.0)
    with pytest.raises(InputError, match="folds: 2"):
        Search(folds=2)
    with pytest.raises(InputError, match="degrees, norms, rules"):
        Search(degrees=())
    with pytest.raises(InputError, match="most_terms: 3"):
        fit(germs, points, values, rng, search=Search(most_terms=3))
    with pytest.raises(InputError, match="kind: 'grid'"):
        design(germs, 10, rng, "grid")
    with pytest.raises(InputError, match="n: 0"):
        design(germs, 0, rng)


@pytest.mark.parametrize("kind", ["latin", "sobol", "random"])
def test_designs_follow_their_germs(kind):
    germs = [chaospy.Normal(5.0, 2.0), chaospy.LogNormal(0.0, 0.5), chaospy.Triangle(0.0, 1.0, 3.0)]
    points = design(germs, 400, np.random.default_rng(0), kind)
    assert points.shape == (3, 400)
    for germ, x in zip(germs, points, strict=True):
        gap = np.max(np.abs(np.sort(germ.fwd(x)) - (np.arange(400) + 0.5) / 400))
        assert gap < (0.1 if kind == "random" else 0.01)  # 0.1: Kolmogorov's distance at 400, passed by one in 1,500


GOALS = {"ishigami": 1e-10, "borehole": 4e-5, "g": 1.5e-2}


def test_200_runs_of_a_smooth_function_give_ten_digits():
    points, values, checks, truth, rng = sample("ishigami", 200, 0)
    found = fit(GERMS["ishigami"], points, values, rng, search=Search(degrees=(3, 14), norms=(0.75, 1.0)))
    true = relative_error(found, checks, truth)
    assert true < 1e-10 and 0.1 * true < found.error.reported < 1e-8


@pytest.mark.slow
@pytest.mark.parametrize("name", GOALS)
def test_relative_errors_of_200_runs(name):
    """The median of ten designs, on 100,000 fresh points."""
    errors = []
    for seed in range(10):
        points, values, checks, truth, rng = sample(name, 200, seed, 100_000)
        errors.append(relative_error(fit(GERMS[name], points, values, rng), checks, truth))
    assert np.median(errors) < GOALS[name]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["latin", "random"])
@pytest.mark.parametrize(("n", "designs"), [(50, 50), (100, 20), (200, 10)])
@pytest.mark.parametrize("name", GOALS)
def test_the_reported_error_is_never_a_tenth_of_the_true_one(name, n, designs, kind):
    reported, upper = [], []
    for seed in range(designs):
        points, values, checks, truth, rng = sample(name, n, 1000 + seed, kind=kind)
        found = fit(GERMS[name], points, values, rng)
        true = relative_error(found, checks, truth)
        reported.append(found.error.reported / true)
        upper.append(found.error.upper / true)
    assert min(reported) > 0.1
    assert np.mean(np.array(upper) >= 1.0) > 0.8
