"""The recurrent network: against itself written out in complex numbers, its gradient against the complex step, and
training against what it must be able to learn."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vvuq.interaction.network import Sequences, Shape, Training, loss, loss_and_gradient, outputs, train


def sequences(shape, width, steps, rng):
    size = width * steps
    weight = (rng.random(size) < 0.7) * rng.uniform(0.5, 2.0, size)
    return Sequences(width, rng.normal(size=(shape.inputs, size)), rng.normal(size=(shape.targets, size)), weight)


def naive(shape, theta, inputs, width):
    """The outputs step by step and sequence by sequence, in whatever numbers theta has."""
    w, u, b, c, v, o = shape.parts(theta)
    k, size = shape.hidden, inputs.shape[1]
    out = np.empty((2 * shape.targets, size), dtype=theta.dtype)
    for lane in range(width):
        h = np.zeros(k, dtype=theta.dtype)
        for s in range(lane, size, width):
            a, m = w @ inputs[:, s] + b, u @ h
            r, z = (1 / (1 + np.exp(-(a[i * k : (i + 1) * k] + m[i * k : (i + 1) * k]))) for i in range(2))
            n = np.tanh(a[2 * k :] + r * (m[2 * k :] + c))
            h = (1 - z) * n + z * h
            out[:, s] = v @ h + o
    return out


def naive_loss(shape, theta, data):
    out, q = naive(shape, theta, data.inputs, data.width), shape.targets
    e = (data.targets - out[:q]) / np.exp(out[q:])
    return (data.weight * (0.5 * e**2 + out[q:])).sum() / (data.weight.sum() * q)


@settings(max_examples=15)
@given(
    d=st.integers(1, 4), k=st.integers(1, 5), q=st.integers(1, 3), width=st.integers(1, 6), steps=st.integers(1, 9),
    seed=st.integers(0, 2**32 - 1),
)  # fmt: skip
def test_it_is_the_network_written_out_and_its_gradient_is_the_complex_step(d, k, q, width, steps, seed):
    rng, shape = np.random.default_rng(seed), Shape(d, k, q)
    theta, data = 0.5 * rng.normal(size=shape.size), sequences(shape, width, steps, rng)
    data.weight[0] = 1.0
    expected = naive(shape, theta, data.inputs, width)
    np.testing.assert_allclose(outputs(shape, theta, data.inputs, width), expected, rtol=1e-12, atol=1e-13)
    value, gradient = loss_and_gradient(shape, theta, data)
    assert value == pytest.approx(naive_loss(shape, theta, data), rel=1e-12)
    assert value == loss(shape, theta, data)
    step = 1e-30
    slopes = [naive_loss(shape, theta + 1j * step * one, data).imag / step for one in np.eye(shape.size)]
    np.testing.assert_allclose(gradient, slopes, rtol=1e-9, atol=1e-11)


def test_what_lies_in_no_loss_is_not_looked_at():
    rng, shape = np.random.default_rng(0), Shape(2, 3, 2)
    theta, data = shape.start(rng), sequences(shape, 4, 5, rng)
    data.targets[:, data.weight == 0.0] = np.nan
    value, gradient = loss_and_gradient(shape, theta, data)
    assert np.isfinite(value) and np.isfinite(gradient).all()


def test_a_state_knows_nothing_of_later_inputs():
    rng, shape = np.random.default_rng(1), Shape(3, 4, 2)
    theta, inputs = 0.5 * rng.normal(size=shape.size), rng.normal(size=(3, 20))
    changed = inputs.copy()
    changed[:, 12:] = 9.0
    before, after = (outputs(shape, theta, x, 1) for x in (inputs, changed))
    np.testing.assert_array_equal(before[:, :12], after[:, :12])
    assert not np.array_equal(before[:, 12:], after[:, 12:])


def test_training_learns_a_memory_and_a_spread_and_keeps_the_best_weights():
    """Target: the input two steps ago, with an SD of 0.2 or 0.6 by the sign of the present one."""
    rng, shape = np.random.default_rng(2), Shape(1, 8, 1)

    def made(width, steps=40):
        x = rng.normal(size=(steps, width))
        sd = np.where(x > 0.0, 0.6, 0.2)
        y = np.concatenate([np.zeros((2, width)), x[:-2]]) + sd * rng.normal(size=x.shape)
        weight = np.repeat((np.arange(steps) >= 2).astype(float), width)
        return Sequences(width, x.reshape(1, -1), y.reshape(1, -1), weight)

    data, held_back = [made(16) for _ in range(8)], made(64)
    theta, losses = train(shape, shape.start(rng), lambda epoch: data, held_back, Training(epochs=60, decay=0.0))
    assert loss(shape, theta, held_back) == min(losses)
    best = 0.5 + 0.5 * (np.log(0.6) + np.log(0.2))  # of the law that made them, on average
    assert losses[0] > best + 0.9 and min(losses) < best + 0.25
    out = outputs(shape, theta, held_back.inputs, 64)
    later = held_back.weight > 0.0
    assert np.corrcoef(out[0, later], held_back.targets[0, later])[0, 1] > 0.85
    positive = held_back.inputs[0] > 1.0
    assert np.exp(out[1, later & positive]).mean() > 1.6 * np.exp(out[1, later & (held_back.inputs[0] < -1.0)]).mean()


def test_training_stops_where_nothing_more_is_gained():
    rng, shape = np.random.default_rng(3), Shape(1, 2, 1)
    noise = sequences(shape, 8, 20, rng)
    _, losses = train(shape, shape.start(rng), lambda epoch: [noise], sequences(shape, 8, 20, rng), Training(200, 3))
    assert len(losses) < 100 and len(losses) - 1 - int(np.argmin(losses)) == 3
