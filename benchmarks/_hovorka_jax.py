"""The same day in JAX: diffrax with error control and jumps, and RK4 by scan; all patients at once (jit and vmap)."""

from __future__ import annotations

from collections.abc import Callable

import diffrax
import jax
import jax.numpy as jnp
import numpy as np
from _hovorka_model import TIMES
from _hovorka_peers import Run, pieces

from vvuq.models import Schedule

jax.config.update("jax_enable_x64", True)


def slope(t, x, u, theta):
    """_hovorka_peers.slope on vectors."""
    D1, D2, S1, S2, I, x1, x2, x3, Q1, Q2 = x  # noqa: E741
    F01, k12, EGP0, VG, VI, ke, ka1, ka2, ka3, SIT, SID, SIE, tmaxI, tmaxG, AG, low, high, kidney = theta
    fed, held, G = 1 / tmaxG, 1 / tmaxI, 1 / VG * Q1
    moved, back = x1 * Q1, k12 * Q2
    used, lost = F01 * jnp.minimum(1 / low * G, 1.0), kidney * VG * jnp.maximum(G - high, 0.0)
    return jnp.array([
        AG * u[0] - fed * D1, fed * (D1 - D2), u[1] - held * S1, held * (S1 - S2), held / VI * S2 - ke * I,
        ka1 * (SIT * I - x1), ka2 * (SID * I - x2), ka3 * (SIE * I - x3),
        back - moved - used - lost + fed * D2 + EGP0 * (1.0 - x3), moved - back - x2 * Q2,
    ])  # fmt: skip


def by_diffrax(plan: Schedule) -> Run:
    """Tsit5; the step size is restarted at each jump of an input."""
    begins, inputs = jnp.array([at[0] for at, *_ in pieces(plan)]), jnp.array([u for *_, u in pieces(plan)])
    jumps, times = begins[1:], jnp.array(TIMES)

    def field(t, x, theta):
        return slope(t, x, inputs[jnp.searchsorted(begins, t, side="right") - 1], theta)

    def one(theta, x0, tolerance):
        control = diffrax.PIDController(rtol=tolerance, atol=1e-3 * tolerance)
        found = diffrax.diffeqsolve(
            diffrax.ODETerm(field), diffrax.Tsit5(), TIMES[0], TIMES[-1], None, x0, theta,
            saveat=diffrax.SaveAt(ts=times), max_steps=100_000,
            stepsize_controller=diffrax.ClipStepSizeController(control, jump_ts=jumps),
        )  # fmt: skip
        return found.ys[:, 8] / theta[3]

    return _ran(jax.jit(jax.vmap(one, in_axes=(1, 1, None), out_axes=1)))


def by_scan(steps: tuple[np.ndarray, np.ndarray, np.ndarray]) -> Run:
    """RK4 over the steps that ours takes: begin, length and inputs of each."""
    begin, length, inputs = (jnp.array(part) for part in steps)
    last = np.searchsorted(np.append(steps[0], TIMES[-1]), TIMES)

    def one(theta, x0, tolerance):
        def step(x, now):
            t, h, u = now
            k1 = slope(t, x, u, theta)
            k2 = slope(t, x + 0.5 * h * k1, u, theta)
            k3 = slope(t, x + 0.5 * h * k2, u, theta)
            k4 = slope(t, x + h * k3, u, theta)
            x = x + h / 6.0 * (k1 + 2.0 * k2 + 2.0 * k3 + k4)
            return x, x[8]

        _, seen = jax.lax.scan(step, x0, (begin, length, inputs))
        return jnp.concatenate([x0[8:9], seen])[last] / theta[3]

    return _ran(jax.jit(jax.vmap(one, in_axes=(1, 1, None), out_axes=1)))


def _ran(function: Callable[..., jax.Array]) -> Run:
    return lambda theta, x0, tolerance: np.asarray(function(theta, x0, tolerance))
