"""Kernels of a gated recurrent unit (GRU) with Gaussian outputs: forward, likelihood, and backward through time.

Sequences of T steps run abreast, `width` of them: column t width + m of a matrix is step t of sequence m. With inputs x
and states h (zero before the first step), * by element:
  r = s(Wr x + br + Ur h)   z = s(Wz x + bz + Uz h)   n = tanh(Wn x + bn + r * (Un h + c))   h' = (1 - z) * n + z * h
  o = V h' + v;  the first half of o are means, the second half logarithms of SDs.
W (3k, d), U (3k, k) and b (3k) hold the rows of r, z and n in this order; s is the logistic function.

Source: Cho et al., EMNLP (2014) 1724, with the reset gate after the product, as in Chung et al., arXiv 1412.3555."""

from __future__ import annotations

from math import exp, tanh

from vvuq.numerics.jit import F8, I8, MATRIX, VECTOR, njit, types
from vvuq.numerics.lanes import dot

_ROWS = types.void(MATRIX, VECTOR, MATRIX, I8, MATRIX)


@njit(types.void(F8, VECTOR, VECTOR), error_model="numpy", cache=True, nogil=True, inline="always")
def _add(factor, x, out):
    """out += factor x."""
    for m in range(out.size):
        out[m] += factor * x[m]


@njit(_ROWS, error_model="numpy", cache=True, nogil=True)
def affine(weights, constants, x, skip, out):
    """out (m, S) = constants (m) + weights (m, k) x (k, skip + S)."""
    for i in range(out.shape[0]):
        out[i] = constants[i]
        for j in range(x.shape[0]):
            _add(weights[i, j], x[j, skip:], out[i])


@njit(
    types.void(MATRIX, MATRIX, VECTOR, VECTOR, MATRIX, I8, MATRIX, MATRIX, MATRIX),
    error_model="numpy",
    cache=True,
    nogil=True,
)
def states(w, u, b, c, x, width, h, gates, inner):
    """States h (k, width + S), the first `width` columns as given; gates (3k, S) r, z, n; inner (k, S) = Un h + c."""
    k = h.shape[0]
    affine(w, b, x, 0, gates)
    for s in range(0, x.shape[1], width):
        end = s + width
        for i in range(k):
            inner[i, s:end] = c[i]
            for j in range(k):
                now = h[j, s:end]
                _add(u[i, j], now, gates[i, s:end])
                _add(u[k + i, j], now, gates[k + i, s:end])
                _add(u[2 * k + i, j], now, inner[i, s:end])
        for i in range(k):
            reset, update, new = gates[i, s:end], gates[k + i, s:end], gates[2 * k + i, s:end]
            now, after, part = h[i, s:end], h[i, end : end + width], inner[i, s:end]
            for m in range(width):
                r, z = 1.0 / (1.0 + exp(-reset[m])), 1.0 / (1.0 + exp(-update[m]))
                n = tanh(new[m] + r * part[m])
                reset[m], update[m], new[m] = r, z, n
                after[m] = (1.0 - z) * n + z * now[m]


@njit(F8(MATRIX, VECTOR, MATRIX, MATRIX), error_model="numpy", cache=True, nogil=True)
def gaussian_loss(y, weight, o, d_o):
    """Sum of weight (S) times the negative log likelihood of y (q, S), less constants, under o (2q, S).

    d_o (2q, S) becomes its gradient. Columns of weight 0 are not looked at."""
    q, total = y.shape[0], 0.0
    for i in range(q):
        target, mean, spread, d_mean, d_spread = y[i], o[i], o[q + i], d_o[i], d_o[q + i]
        for s in range(weight.size):
            d_mean[s], d_spread[s] = 0.0, 0.0
            if weight[s] > 0.0:
                precision = exp(-spread[s])
                e = (target[s] - mean[s]) * precision
                total += weight[s] * (0.5 * e * e + spread[s])
                d_mean[s] = -weight[s] * e * precision
                d_spread[s] = weight[s] * (1.0 - e * e)
    return total


@njit(
    types.void(MATRIX, I8, MATRIX, MATRIX, MATRIX, MATRIX, MATRIX, MATRIX),
    error_model="numpy",
    cache=True,
    nogil=True,
)
def backward(u, width, h, gates, inner, d_h, d_gates, d_inner):
    """Gradients of what stands before each gate, d_gates (3k, S), and of inner, d_inner (k, S).

    d_h (k, width + S) holds the gradient of each state by the outputs alone and becomes the whole one."""
    k, size = inner.shape
    for s in range(size - width, -1, -width):
        end = s + width
        for i in range(k):
            reset, update, new = gates[i, s:end], gates[k + i, s:end], gates[2 * k + i, s:end]
            now, part, by_now, by_after = h[i, s:end], inner[i, s:end], d_h[i, s:end], d_h[i, end : end + width]
            d_reset, d_update = d_gates[i, s:end], d_gates[k + i, s:end]
            d_new, d_part = d_gates[2 * k + i, s:end], d_inner[i, s:end]
            for m in range(width):
                r, z, n, d = reset[m], update[m], new[m], by_after[m]
                before = d * (1.0 - z) * (1.0 - n * n)
                d_reset[m] = before * part[m] * r * (1.0 - r)
                d_update[m] = d * (now[m] - n) * z * (1.0 - z)
                d_new[m], d_part[m] = before, before * r
                by_now[m] += d * z
        for i in range(k):
            for j in range(k):
                _add(u[i, j], d_gates[i, s:end], d_h[j, s:end])
                _add(u[k + i, j], d_gates[k + i, s:end], d_h[j, s:end])
                _add(u[2 * k + i, j], d_inner[i, s:end], d_h[j, s:end])


@njit(_ROWS, error_model="numpy", cache=True, nogil=True)
def gradient_rows(d_out, ones, x, skip, out):
    """out (m, k + 1): the gradients of weights (m, k), and of the constants in the last column, of out = W x + b.

    d_out (m, S), x (k, skip + S); ones (S) holds ones."""
    k, size = x.shape[0], d_out.shape[1]
    for i in range(d_out.shape[0]):
        for j in range(k):
            out[i, j] = dot(d_out[i], x[j, skip : skip + size])
        out[i, k] = dot(d_out[i], ones)
