"""A recurrent network with Gaussian outputs as a function of its weights: loss, gradient, prediction, training."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from vvuq.numerics import gru
from vvuq.record import Floats


@dataclass(frozen=True, slots=True)
class Shape:
    """Numbers of inputs, hidden states and targets; weights are one vector, in the order of `parts`."""

    inputs: int
    hidden: int
    targets: int

    def parts(self, theta: Floats) -> tuple[Floats, Floats, Floats, Floats, Floats, Floats]:
        """Views of theta: w, u, b, c, v and its constants, as numerics/gru.py has them."""
        d, k, q = self.inputs, self.hidden, 2 * self.targets
        shapes = ((3 * k, d), (3 * k, k), (3 * k,), (k,), (q, k), (q,))
        ends = np.cumsum([int(np.prod(s)) for s in shapes])
        pieces = np.split(theta, ends[:-1])
        w, u, b, c, v, o = (piece.reshape(s) for piece, s in zip(pieces, shapes, strict=True))
        return w, u, b, c, v, o

    @property
    def size(self) -> int:
        """How many weights there are."""
        d, k, q = self.inputs, self.hidden, 2 * self.targets
        return 3 * k * (d + k + 1) + k + q * (k + 1)

    def start(self, rng: np.random.Generator) -> Floats:
        """Weights to begin with: uniform, scaled by the number of what is summed; outputs and constants 0."""
        theta = np.zeros(self.size)
        w, u, *_ = self.parts(theta)
        w += rng.uniform(-1.0, 1.0, w.shape) / np.sqrt(self.inputs)
        u += rng.uniform(-1.0, 1.0, u.shape) / np.sqrt(self.hidden)
        return theta


@dataclass(frozen=True, slots=True)
class Sequences:
    """`width` sequences abreast (see numerics/gru.py): inputs (d, S), targets (q, S), the weight of each step (S)."""

    width: int
    inputs: Floats
    targets: Floats
    weight: Floats


def outputs(shape: Shape, theta: Floats, inputs: Floats, width: int) -> Floats:
    """Means and log SDs (2q, S) after each step of inputs (d, S)."""
    return _forward(shape, theta, inputs, width)[-1]


def _forward(shape: Shape, theta: Floats, inputs: Floats, width: int) -> tuple[Floats, Floats, Floats, Floats]:
    w, u, b, c, v, o = shape.parts(theta)
    k, size = shape.hidden, inputs.shape[1]
    h, gates, inner = np.zeros((k, width + size)), np.empty((3 * k, size)), np.empty((k, size))
    gru.states(w, u, b, c, inputs, width, h, gates, inner)
    out = np.empty((2 * shape.targets, size))
    gru.affine(v, o, h, width, out)
    return h, gates, inner, out


def loss(shape: Shape, theta: Floats, data: Sequences) -> float:
    """Mean negative log likelihood of a target, less constants."""
    out = outputs(shape, theta, data.inputs, data.width)
    return gru.gaussian_loss(data.targets, data.weight, out, np.empty_like(out)) / _count(shape, data)


def loss_and_gradient(shape: Shape, theta: Floats, data: Sequences) -> tuple[float, Floats]:
    """The loss and its gradient by theta, backward through time."""
    _, u, _, _, v, _ = shape.parts(theta)
    h, gates, inner, out = _forward(shape, theta, data.inputs, data.width)
    k, size = inner.shape
    d_out, d_h, d_gates, d_inner = np.empty_like(out), np.zeros_like(h), np.empty_like(gates), np.empty_like(inner)
    total = gru.gaussian_loss(data.targets, data.weight, out, d_out)
    direct = np.empty((k, size))
    gru.affine(np.ascontiguousarray(v.T), np.zeros(k), d_out, 0, direct)
    d_h[:, data.width :] = direct
    gru.backward(u, data.width, h, gates, inner, d_h, d_gates, d_inner)
    ones = np.ones(size)
    by_x, by_h = np.empty((3 * k, shape.inputs + 1)), np.empty((2 * k, k + 1))
    by_n, by_o = np.empty((k, k + 1)), np.empty((2 * shape.targets, k + 1))
    gru.gradient_rows(d_gates, ones, data.inputs, 0, by_x)
    gru.gradient_rows(d_gates[: 2 * k], ones, h, 0, by_h)
    gru.gradient_rows(d_inner, ones, h, 0, by_n)
    gru.gradient_rows(d_out, ones, h, data.width, by_o)
    pieces = (by_x[:, :-1], by_h[:, :-1], by_n[:, :-1], by_x[:, -1], by_n[:, -1], by_o[:, :-1], by_o[:, -1])
    count = _count(shape, data)
    return total / count, np.concatenate([piece.ravel() for piece in pieces]) / count


def _count(shape: Shape, data: Sequences) -> float:
    return max(float(data.weight.sum()), 1.0) * shape.targets


@dataclass(frozen=True, slots=True)
class Training:
    """Adam with decoupled weight decay (of all but constants), the gradient's length bounded, stopped early.

    epochs: the most; patience: epochs without a better loss on what is held back before it stops.
    Sources: Kingma & Ba, ICLR (2015); Loshchilov & Hutter, ICLR (2019)."""

    epochs: int = 40
    patience: int = 6
    rate: float = 0.01
    decay: float = 0.05
    longest: float = 1.0


def train(
    shape: Shape,
    theta: Floats,
    batches: Callable[[int], list[Sequences]],
    held_back: Sequences,
    how: Training,
) -> tuple[Floats, list[float]]:
    """The weights that did best on `held_back`, and the loss there after each epoch; batches(epoch) are the steps."""
    free = np.zeros(shape.size)
    w, u, _, _, v, _ = shape.parts(free)
    for part in (w, u, v):
        part += 1.0
    first, second, step = np.zeros(shape.size), np.zeros(shape.size), 0
    best, losses = theta, [loss(shape, theta, held_back)]
    for epoch in range(how.epochs):
        for batch in batches(epoch):
            step += 1
            _, g = loss_and_gradient(shape, theta, batch)
            g = g * min(1.0, how.longest / max(float(np.sqrt((g**2).sum())), 1e-300))
            first, second = 0.9 * first + 0.1 * g, 0.999 * second + 0.001 * g**2
            ahead = (first / (1.0 - 0.9**step)) / (np.sqrt(second / (1.0 - 0.999**step)) + 1e-8)
            theta = theta - how.rate * (ahead + how.decay * free * theta)
        losses.append(loss(shape, theta, held_back))
        if losses[-1] < min(losses[:-1]):
            best = theta
        elif len(losses) - 1 - int(np.argmin(losses)) >= how.patience:
            break
    return best, losses
