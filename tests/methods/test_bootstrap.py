"""Intervals over patients: whole patients are drawn, the same draws for the same stream."""

import numpy as np
import pytest

from vvuq.methods.bootstrap import patient_bootstrap, quantity


def mean(rows):
    return np.array([rows[:, 0].mean()])


def clustered(patients=30, samples=8, seed=0):
    """Samples of a patient share most of their deviation."""
    rng = np.random.default_rng(seed)
    return [rng.normal() + 0.1 * rng.normal(size=(samples, 1)) for _ in range(patients)]


def interval(groups, seed=1):
    observed, replicates = patient_bootstrap(groups, mean, np.random.default_rng(seed), 1000)
    return quantity(observed[0], replicates[:, 0], "1", n=len(groups))


def test_patients_not_rows_are_drawn():
    groups = clustered()
    rows = [row[None, :] for group in groups for row in group]
    by_patient, by_row = interval(groups), interval(rows)
    assert by_patient.value == by_row.value
    ratio = (by_patient.high - by_patient.low) / (by_row.high - by_row.low)
    assert 2.0 < ratio < np.sqrt(8.0) * 1.3, "the design effect of 8 nearly equal samples is sqrt(8)"


def test_every_draw_holds_whole_patients():
    groups = [np.full((i + 1, 1), float(i)) for i in range(4)]

    def whole(rows):
        values, counts = np.unique(rows, return_counts=True)
        return np.array([float(all(c % (v + 1) == 0 for v, c in zip(values, counts, strict=True)))])

    _, replicates = patient_bootstrap(groups, whole, np.random.default_rng(0), 200)
    assert np.all(replicates == 1.0)


def test_stacking_a_patient_on_itself_changes_nothing_in_a_median_of_equal_rows():
    """A patient listed twice counts twice in the point value; every patient listed twice changes nothing."""
    groups = clustered()
    assert interval(groups * 2).value == pytest.approx(interval(groups).value, rel=1e-12)
    narrow = interval(groups * 2)
    assert narrow.high - narrow.low < interval(groups).high - interval(groups).low


def test_the_interval_is_that_of_the_mean_of_patients():
    groups = clustered(200)
    found = interval(groups)
    error = np.std([g.mean() for g in groups], ddof=1) / np.sqrt(200)
    assert (found.high - found.low) / (2 * 1.96 * error) == pytest.approx(1.0, abs=0.1)
    assert found.low < found.lower95 < found.value < found.upper95 < found.high
    assert (found.upper95 - found.lower95) / (2 * 1.645 * error) == pytest.approx(1.0, abs=0.1)
    assert found.n == 200 and found.level == 0.95 and found.kind == "epistemic"


def test_the_same_stream_gives_the_same_interval_and_another_another():
    groups = clustered()
    assert interval(groups, 5) == interval(groups, 5)
    assert interval(groups, 5) != interval(groups, 6)


@pytest.mark.slow
def test_the_interval_over_patients_covers_and_the_one_over_rows_does_not():
    covered = np.zeros(2)
    for seed in range(300):
        groups = clustered(25, 6, seed)
        rows = [row[None, :] for group in groups for row in group]
        for i, units in enumerate((groups, rows)):
            observed, replicates = patient_bootstrap(units, mean, np.random.default_rng(seed), 400)
            q = quantity(observed[0], replicates[:, 0], "1", n=len(units))
            covered[i] += q.low <= 0.0 <= q.high
    assert 0.88 <= covered[0] / 300 <= 0.98
    assert covered[1] / 300 < 0.75
