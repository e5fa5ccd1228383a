"""The jackknife over patients against the t interval, the delta method, and its own coverage."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import ttest_1samp

from vvuq.methods.jackknife import jackknife, ratio, t_quantity

rows = st.integers(2, 12).flatmap(
    lambda n: st.lists(st.lists(st.floats(0.1, 100.0), min_size=2, max_size=2), min_size=n, max_size=n).map(np.array)
)


@given(rows)
def test_for_a_mean_it_is_the_t_interval(x):
    value, error = jackknife(x, lambda r: r.mean(axis=0))
    np.testing.assert_allclose(error, x.std(axis=0, ddof=1) / np.sqrt(len(x)), rtol=1e-7, atol=1e-10)
    q = t_quantity(value[0], error[0], "mg/dL", len(x))
    if error[0] > 1e-6:
        test = ttest_1samp(x[:, 0], 0.0)
        two, one = test.confidence_interval(0.95), test.confidence_interval(0.90)
        assert (q.low, q.high) == pytest.approx(tuple(two), rel=1e-6, abs=1e-6)
        assert (q.lower95, q.upper95) == pytest.approx(tuple(one), rel=1e-6, abs=1e-6)
    assert (q.unit, q.n, q.level, q.kind) == ("mg/dL", len(x), 0.95, "epistemic")


def test_for_a_ratio_of_means_it_is_near_the_delta_method():
    rng = np.random.default_rng(0)
    x = np.column_stack([rng.normal(8.0, 1.0, 200), rng.normal(10.0, 1.0, 200)])
    value, error = jackknife(x, lambda r: np.array([1.0 - r[:, 0].mean() / r[:, 1].mean()]))
    (a, b), ratio = x.mean(axis=0), x[:, 0].mean() / x[:, 1].mean()
    delta = np.std(x[:, 0] - ratio * x[:, 1], ddof=1) / b / np.sqrt(200)
    assert value[0] == pytest.approx(1.0 - a / b) and error[0] == pytest.approx(delta, rel=0.02)


def test_bounds_hold_and_one_patient_has_no_interval():
    q = t_quantity(98.0, 3.0, "%", 4, low=0.0, high=100.0)
    assert q.high == q.upper95 == 100.0 and q.low < q.lower95 < 98.0
    assert t_quantity(1.0, float("nan"), "1", 1) == t_quantity(1.0, 0.0, "1", 1)
    assert t_quantity(1.0, 0.0, "1", 1).low is None


def test_six_normal_patients_are_covered_as_promised():
    rng = np.random.default_rng(1)
    inside = 0
    for _ in range(2000):
        x = rng.normal(3.0, 2.0, (6, 1))
        value, error = jackknife(x, lambda r: r.mean(axis=0))
        q = t_quantity(value[0], error[0], "1", 6)
        inside += q.low <= 3.0 <= q.high
    assert inside / 2000 == pytest.approx(0.95, abs=0.02)


def test_a_ratio_of_sums_is_what_leaving_each_patient_out_finds():
    rng = np.random.default_rng(4)
    above, below = rng.random((7, 3)), 1.0 + rng.random((7, 3))
    value, error = ratio(above, below)
    for j in range(3):
        rows = np.column_stack([above[:, j], below[:, j]])
        v, e = jackknife(rows, lambda part: np.array([part[:, 0].sum() / part[:, 1].sum()]))
        assert (value[j], error[j]) == pytest.approx((v[0], e[0]))
    assert not np.isfinite(ratio(above[:1], below[:1])[1]).any()
    alone = ratio(np.array([[1.0], [0.0]]), np.array([[1.0], [0.0]]))
    assert alone[0][0] == 1.0 and not np.isfinite(alone[1][0]), "one patient has all there is"
