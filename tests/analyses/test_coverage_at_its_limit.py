"""Where every patient is covered, resampling patients has no spread; the interval must not pretend to know."""

import pytest
from scipy.stats import binomtest

from vvuq.analyses.validation.report import _bounded
from vvuq.record import Quantity


@pytest.mark.parametrize("n", [3, 18, 200])
def test_the_bounds_are_the_exact_binomial_ones(n):
    found = _bounded(Quantity(100.0, "%", 100.0, 100.0, 0.95, 100.0, 100.0, "epistemic", n))
    exact = binomtest(n, n).proportion_ci(0.95, method="exact")
    assert found.low == pytest.approx(100.0 * exact.low) and found.high == 100.0
    one_sided = binomtest(n, n, alternative="greater").proportion_ci(0.95, method="exact")
    assert found.lower95 == pytest.approx(100.0 * one_sided.low) and found.upper95 == 100.0


def test_no_coverage_is_the_mirror_image():
    all_, none = (_bounded(Quantity(v, "%", v, v, 0.95, v, v, "epistemic", 18)) for v in (100.0, 0.0))
    assert (none.low, none.lower95) == (0.0, 0.0)
    assert none.high == pytest.approx(100.0 - all_.low) and none.upper95 == pytest.approx(100.0 - all_.lower95)


def test_a_share_between_the_limits_keeps_its_interval():
    share = Quantity(97.0, "%", 91.0, 100.0, 0.95, 92.0, 100.0, "epistemic", 18)
    assert _bounded(share) == share
