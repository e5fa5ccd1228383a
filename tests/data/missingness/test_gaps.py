"""Steps of a sensor by hand and against loops; the chain's counts are the maximum of the likelihood of bursts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from vvuq.data.missingness.bursts import Bursts
from vvuq.data.missingness.gaps import steps_of
from vvuq.data.missingness.record import Complete
from vvuq.data.missingness.together import log_likelihood, thin
from vvuq.errors import InputError
from vvuq.numerics.streams import Draws


def test_by_hand() -> None:
    times = np.array([0.0, 15.0, 30.5, 60.0, 75.0, 500.0, 515.0, 530.0])
    values = np.array([1.0, 2.0, 4.0, 9.0, 8.0, 5.0, 5.0, 6.0])
    found = steps_of(times, values, 15.0, 100.0)
    assert found.slots.tolist() == [1.0, 1.0, 2.0, 1.0, 1.0, 1.0]
    assert found.before.tolist() == [1.0, 2.0, 4.0, 9.0, 5.0, 5.0] and found.after.tolist() == [
        2.0,
        4.0,
        9.0,
        8.0,
        5.0,
        6.0,
    ]
    assert found.slope[[1, 2, 5]].tolist() == [1.0, 2.0, 0.0] and np.isnan(found.slope[[0, 3, 4]]).all()
    assert found.around[2] == pytest.approx((9.0 + 1.0) / 2.0), "from 0 to 30, and from 500 to 530"
    assert found.counts.tolist() == [6.0, 1.0, 1.0]


@given(seed=st.integers(0, 200), begins=st.floats(0.0, 0.5))
@settings(max_examples=30)
def test_against_loops(seed: int, begins: float) -> None:
    rng = np.random.default_rng(seed)
    kept = np.flatnonzero(rng.random(60) > begins)
    values = rng.normal(size=60)
    if kept.size < 2:
        return
    found = steps_of(15.0 * kept, values[kept], 15.0, 75.0)
    place = 0
    for a, b in zip(kept, kept[1:], strict=False):
        if b - a > 5:
            continue
        assert found.slots[place] == b - a and found.before[place] == values[a] and found.after[place] == values[b]
        whole = [j for j in range(60 - (b - a)) if set(range(j, j + b - a + 1)) <= set(kept.tolist())]
        usual = np.mean([(values[j + b - a] - values[j]) ** 2 for j in whole]) if whole else np.nan
        assert found.around[place] == pytest.approx(usual, nan_ok=True)
        place += 1
    assert place == found.slots.size


def test_shares_are_the_maximum_of_the_likelihood_of_bursts() -> None:
    n = 4000
    record = Complete("a", 15.0 * np.arange(float(n)), ("cgm",), np.zeros((n, 1)))
    seen = thin(record, [Bursts("cgm", 0.03, 0.4)], Draws(1, "x"))
    there = np.flatnonzero(seen[:, 0])
    counts = steps_of(15.0 * there, np.zeros(there.size), 15.0, 1e9).counts
    begins, ends = counts[1] / counts[0], counts[1] / counts[2]
    part = slice(there[0], there[-1] + 1)  # from the first reading to the last
    cut = Complete("a", record.times[part], ("cgm",), record.values[part])

    def loss(at: np.ndarray) -> float:
        chain = Bursts("cgm", float(1.0 / (1.0 + np.exp(-at[0]))), float(1.0 / (1.0 + np.exp(-at[1]))))
        return -(log_likelihood(cut, seen[part], [chain]) - np.log1p(-chain.lost))  # the first reading is given

    found = minimize(loss, [-2.0, 0.0], method="Nelder-Mead", options={"xatol": 1e-6, "fatol": 1e-9}).x
    assert 1.0 / (1.0 + np.exp(-found)) == pytest.approx([begins, ends], rel=1e-4)
    assert begins == pytest.approx(0.03, abs=0.01) and ends == pytest.approx(0.4, abs=0.1)


@pytest.mark.parametrize(("slot", "longest", "field"), [(0.0, 9.0, "slot"), (15.0, 20.0, "longest")])
def test_bad_input(slot: float, longest: float, field: str) -> None:
    with pytest.raises(InputError) as found:
        steps_of(np.array([0.0, 15.0]), np.zeros(2), slot, longest)
    assert found.value.field == field
