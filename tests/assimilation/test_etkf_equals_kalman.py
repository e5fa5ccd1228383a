"""The square-root ensemble filters give the exact Kalman update of the ensemble's own mean and covariance."""

import ensembles
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vvuq.assimilation import eakf, etkf
from vvuq.assimilation.eakf import Eakf
from vvuq.assimilation.etkf import Etkf
from vvuq.models import Schedule
from vvuq.numerics.streams import Draws

DRAWS = Draws(1, "test")
sizes = st.tuples(st.integers(1, 12), st.integers(1, 12), st.integers(2, 15))


@pytest.mark.parametrize("method", [Etkf, Eakf])
@pytest.mark.parametrize("correlated", [False, True])
@pytest.mark.parametrize("count", [3, 4, 9, 40])
@pytest.mark.parametrize("gone", [(), (1,), (0, 2, 3)])
def test_moments_and_likelihood(method, correlated, count, gone):
    q = 5
    system = ensembles.system(q, correlation=ensembles.correlation(q) if correlated else None)
    state = ensembles.ensemble(system, count)
    seen = ensembles.missing(ensembles.observation(system), *gone)
    after, said = method(count).step(system, Schedule(), state, seen, DRAWS)
    mean, covariance, density, nis = ensembles.kalman(system, *ensembles.moments(state), seen)
    found = ensembles.moments(after)
    scale = np.abs(ensembles.moments(state)[1]).max()
    np.testing.assert_allclose(found[0], mean, rtol=0, atol=1e-12 * scale)
    np.testing.assert_allclose(found[1], covariance, rtol=0, atol=1e-12 * scale)
    assert said.log_likelihood == pytest.approx(density, rel=1e-12)
    assert after.log_likelihood == said.log_likelihood
    assert said.nis == pytest.approx(nis, rel=1e-11)
    assert (said.n, said.ess, said.code, after.cycle) == (q - len(gone), count, 0, 1)
    assert said.least_pivot >= 1.0


@given(sizes=sizes, seed=st.integers(0, 10**6), size=st.sampled_from([0.01, 1.0, 30.0]))
def test_serial_equals_transform(sizes, seed, size):
    ahead = ensembles.random_ahead(*sizes, seed, size)
    one, other = etkf.update(ahead), eakf.update(ahead)
    scale = np.abs(ahead.deviations).max()
    np.testing.assert_allclose(one.mean, other.mean, rtol=0, atol=1e-12 * scale * np.abs(ahead.innovation).max())
    products = [new.deviations @ new.deviations.T for new in (one, other)]
    np.testing.assert_allclose(*products, rtol=0, atol=1e-12 * np.abs(ahead.deviations @ ahead.deviations.T).max())
    assert one.evidence.log_likelihood == pytest.approx(other.evidence.log_likelihood, rel=1e-11)
    assert one.evidence.nis == pytest.approx(other.evidence.nis, rel=1e-10)


@given(sizes=sizes, seed=st.integers(0, 10**6))
def test_symmetric_root_changes_no_more_than_it_must(sizes, seed):
    """Of all roots of one covariance the symmetric, definite one lies nearest to what it is applied to."""
    d, m, count = sizes
    ahead = ensembles.random_ahead(count - 1, m, count, seed)
    transform = np.linalg.lstsq(
        np.vstack([ahead.deviations, np.ones(count)]), np.vstack([etkf.update(ahead).deviations, np.ones(count)])
    )[0]
    np.testing.assert_allclose(transform, transform.T, atol=1e-8)
    assert d and np.linalg.eigvalsh((transform + transform.T) / 2).min() > 0.0


@pytest.mark.parametrize("scale", [1e6, 1e12])
@pytest.mark.parametrize(("m", "count"), [(3, 8), (8, 3), (5, 5), (1, 2)])
@pytest.mark.parametrize("rule", [etkf.update, eakf.update])
def test_nearly_exact_measurements(rule, m, count, scale):
    """Error SDs of 1e-12 of the spread: what is measured is known afterwards, and nothing becomes not-a-number."""
    ahead = ensembles.random_ahead(6, m, count, 5, scale)
    new = rule(ahead)
    before, left = (np.linalg.norm(deviations) for deviations in (ahead.deviations, new.deviations))
    assert np.all(np.isfinite(new.deviations)) and np.all(np.isfinite(new.mean))
    assert left <= before * (1 + 1e-9)
    assert np.isfinite(new.evidence.log_likelihood) and new.evidence.nis >= 0.0
    if m >= count - 1:
        assert left < 1e-3 * before
