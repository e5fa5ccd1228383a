"""When a filter counts as having lost the truth: late losses are found, healthy runs and short ones are left alone."""

from dataclasses import replace

import lorenz
import numpy as np
import pytest

from vvuq.assimilation.etkf import Etkf
from vvuq.assimilation.experiment import LOST, Score, first_stretch
from vvuq.models import Noise

BURN_IN = 400
RNG = np.random.default_rng(7)


def fared(error, error_sd=1.0, failed_at=-1):
    """A score of these errors."""
    error = np.asarray(error, dtype=float)
    return Score(error, error, error, 40, error_sd, BURN_IN, failed_at, 0.0)


def healthy(cycles=10_000):
    """Errors as those of a filter that keeps the truth: around 0.18, with single cycles above the limit."""
    error = 0.18 * np.exp(0.3 * RNG.standard_normal(cycles))
    error[BURN_IN + 100 :: 97] = 1.5
    return error


def test_a_late_loss_is_found_that_a_mean_over_time_misses():
    error = healthy()
    error[9800:] = 4.0
    late = fared(error)
    assert late.rmse < 1.0 and late.lost_at == 9800


def test_a_healthy_run_is_kept_and_a_loss_ends_it_exactly_at_the_named_length():
    error = healthy()
    assert fared(error).lost_at == -1
    for length, expected in ((LOST - 1, -1), (LOST, 3001)):
        stretch = np.full(10_000, 0.18)
        stretch[3001 : 3001 + length] = 1.01
        assert fared(stretch).lost_at == expected


def test_errors_in_the_burn_in_do_not_count_unless_they_last():
    error = healthy()
    error[:BURN_IN] = 9.0
    assert fared(error).lost_at == -1
    error[BURN_IN:] = 9.0
    assert fared(error).lost_at == BURN_IN


@pytest.mark.parametrize("failed_at", [3, BURN_IN - 1, BURN_IN, 5000, 9999])
def test_a_failure_is_a_loss_wherever_it_happens(failed_at):
    error = healthy()
    error[failed_at:] = np.nan
    assert fared(error, failed_at=failed_at).lost_at == failed_at


def test_a_filter_that_had_lost_the_truth_before_it_failed_lost_it_then():
    error = healthy()
    error[2000:] = 5.0
    error[2200:] = np.nan
    assert fared(error, failed_at=2200).lost_at == 2000


@pytest.mark.parametrize("cycles", [1, BURN_IN, BURN_IN + 1, BURN_IN + LOST - 1])
def test_a_run_too_short_to_tell_is_lost_by_a_failure_alone(cycles):
    assert fared(np.full(cycles, 9.0)).lost_at == -1
    assert fared(np.full(cycles, np.nan), failed_at=0).lost_at == 0
    assert fared(np.full(BURN_IN + LOST, 9.0)).lost_at == BURN_IN


def test_the_first_stretch_is_what_a_loop_finds():
    for _ in range(200):
        error, length = RNG.uniform(size=RNG.integers(1, 40)), int(RNG.integers(1, 6))
        error[RNG.uniform(size=error.size) < 0.1] = np.nan
        begins = [i for i in range(error.size - length + 1) if not np.any(error[i : i + length] <= 0.4)]
        assert first_stretch(error, 0.4, length) == (begins[0] if begins else -1)


def test_the_limit_is_the_sd_of_a_measurement_whatever_its_kind():
    for case, sd in (("lorenz96", 1.0), ("lorenz63", np.sqrt(2.0))):
        assert lorenz.run(case, Etkf(10, 1.02, True), 2, 1).error_sd == pytest.approx(sd, rel=1e-12)
    experiment = lorenz.experiment("lorenz63")
    relative = tuple(Noise(0.5, 0.1) for _ in experiment.system.noise)
    truth = lorenz.truth("lorenz63", 300, 1)
    found = lorenz.score(
        replace(experiment, system=replace(experiment.system, noise=relative)), truth, Etkf(10, 1.02, True),
        lorenz.Draws(1, "filter"),
    )  # fmt: skip
    measured = np.array([one.values for one in truth.observations])
    assert found.error_sd == pytest.approx(np.sqrt(np.mean(0.25 + 0.01 * measured**2)))


def test_errors_of_lorenz_63_stay_below_their_limit_often_enough():
    """Its errors are near 0.6 with single ones above 10; the limit is sqrt(2)."""
    found = lorenz.run("lorenz63", Etkf(10, 1.02, True), 3000, 1)
    after = found.error[found.burn_in :]
    assert found.lost_at == -1 and 0.5 < found.rmse < 0.7 and np.any(after > found.error_sd)
