"""The unscented filter against dynamax (float64) on a nonlinear model of five states with two measured quantities.

dynamax raises the diagonal of the forecast covariance of the measured values by 1e-9 before it solves with it; here
that covariance is of the order of 1e3, so that the difference stays below what is asked for."""

import csv

import dynamax_peer
import numpy as np
import pytest
import turnover

from vvuq.assimilation.system import Observation
from vvuq.assimilation.ukf import Unscented
from vvuq.models import Schedule
from vvuq.numerics.streams import Draws


@pytest.fixture(scope="module")
def table():
    with (dynamax_peer.FOLDER / "dynamax_ukf.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def numbers(row, name):
    return np.array([float(value) for key, value in row.items() if key.startswith(name)])


def ours(case, observations):
    """Means, lower triangles of covariances, and log-likelihoods after each of the observations."""
    alpha, beta, kappa = dynamax_peer.CASES[case]
    method, system, draws = Unscented(kappa=kappa, alpha=alpha, beta=beta), turnover.system(), Draws(1, "unused")
    state, found = method.init(turnover.prior(), draws), []
    for observation in observations:
        state, seen = method.step(system, Schedule(), state, observation, draws)
        assert seen.code == 0
        covariance = state.root @ state.root.T
        found.append((state.mean, [covariance[i, j] for i, j in dynamax_peer.LOWER], state.log_likelihood))
    return [np.array(column) for column in zip(*found, strict=True)]


@pytest.mark.parametrize("case", dynamax_peer.CASES)
def test_it_finds_what_dynamax_found(table, case):
    rows = [row for row in table if row["case"] == case]
    observations = [Observation(float(row["time"]), numbers(row, "y")) for row in rows]
    means, covariances, gains = ours(case, observations)
    assert len(rows) == dynamax_peer.COUNT
    assert means == pytest.approx(np.array([numbers(row, "mean") for row in rows]), rel=1e-9)
    assert covariances == pytest.approx(np.array([numbers(row, "covariance") for row in rows]), rel=1e-9, abs=1e-8)
    assert gains == pytest.approx(np.array([float(row["log_likelihood"]) for row in rows]), rel=1e-9)


def test_the_reference_holds_the_measurements_of_the_model(table):
    rows = [row for row in table if row["case"] == "cubature"]
    made = np.array([o.values for o in turnover.measured(dynamax_peer.COUNT)])
    assert np.array([numbers(row, "y") for row in rows]) == pytest.approx(made, rel=1e-12)


@pytest.mark.external
@pytest.mark.parametrize("case", dynamax_peer.CASES)
def test_it_finds_what_dynamax_finds_now(case):
    pytest.importorskip("dynamax", reason="dynamax is not installed", exc_type=ImportError)
    observations = turnover.measured(100, seed=5)
    means, covariances, gains = ours(case, observations)
    peer_means, peer_covariances, peer_gains = dynamax_peer.found(case, observations)
    lower = peer_covariances[:, *zip(*dynamax_peer.LOWER, strict=True)]
    assert means == pytest.approx(peer_means, rel=1e-9)
    assert covariances == pytest.approx(lower, rel=1e-9, abs=1e-8)
    assert gains == pytest.approx(peer_gains, rel=1e-9)
