"""The hybrid glucose twin as one would write it in JAX: arrays of patients, RK4 in a scan, reverse mode, compiled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from vvuq.models import Model

jax.config.update("jax_enable_x64", True)


def free_living(x: dict[str, Any], u: dict[str, Any], p: dict[str, Any], constants: Any) -> dict[str, Any]:
    """The slopes of the free-living structure by name."""
    inside = jnp.minimum(jnp.maximum(x["G"], p["G60"]), p["Gb"])
    low, r2 = constants.LN60, constants.R2
    risk = (low + jnp.log(inside / p["G60"])) ** r2 - (low + jnp.log(p["Gb"] / p["G60"])) ** r2
    rho = 1 + 10 * constants.R1 * risk * risk
    food = (p["f"] * p["kabs"] * x["Qgut"] + u["dextrose"]) / (p["VG"] * u["weight"])
    action = p["SI"] * x["Ip"] / (p["VI"] * u["weight"]) - p["basal_share"] * p["SG"]
    return {
        "Q1": u["carbohydrate"] - p["kempt"] * x["Q1"],
        "Q2": p["kempt"] * (x["Q1"] - x["Q2"]),
        "Qgut": p["kempt"] * x["Q2"] - p["kabs"] * x["Qgut"],
        "Isc1": u["basal"] + u["insulin"] - p["kd"] * x["Isc1"],
        "Isc2": p["kd"] * x["Isc1"] - p["ka2"] * x["Isc2"],
        "Ip": u["intravenous"] + p["ka2"] * x["Isc2"] - p["ke"] * x["Ip"],
        "X": -p["p2"] * (x["X"] - action),
        "G": -(p["SG"] + rho * x["X"]) * x["G"] + p["SG"] * p["Gb"] + food + x["W"],
        "IG": (x["G"] - x["IG"]) / p["alpha"],
        "W": -p["fading"] * x["W"],
    }


def network(x: dict[str, Any], u: dict[str, Any], p: dict[str, Any], w: Any) -> Any:
    """What the network adds to the slope of glucose."""
    turnover, weight = p["SG"] * p["Gb"], u["weight"]
    insulin = p["SI"] * x["Ip"] / (p["VI"] * weight * p["SG"])
    food = p["kabs"] * x["Qgut"] / (p["VG"] * weight * turnover)
    z = jnp.stack([x["G"] / p["Gb"] - 1, x["X"] / p["SG"], insulin, food, u["day_sine"], u["day_cosine"]])
    units = w[:56].reshape(8, 7)
    return turnover * (w[56] + w[57:] @ jnp.tanh(units[:, :1] + units[:, 1:] @ z))


def lanes(blocks: np.ndarray, count: int) -> Any:
    """(blocks, ..., W) as (..., runs)."""
    moved = np.moveaxis(blocks, 0, -2)
    return jnp.asarray(moved.reshape(*moved.shape[:-2], -1)[..., :count])


def loss_and_gradient(
    data: Any, model: Model, constants: Any, scale: float, decay: float
) -> Callable[[np.ndarray], np.ndarray]:
    """By the weights: the gradient, then the loss; over the steps of `data`."""
    t, u, jump = (lanes(one, data.over.count) for one in (data.over.t, data.over.u, data.over.jump))
    x0, seen, at = jnp.asarray(data.x0), jnp.asarray(data.seen), data.over.places[1][0, :, 0] - 1
    states, inputs = list(model.states), [*model.inputs, *model.covariates]
    names = [one.name for one in model.parameters]
    p = dict(zip(names, jnp.asarray(data.core), strict=False))

    def slope(y: Any, u: Any, w: Any) -> Any:
        x, u = dict(zip(states, y, strict=True)), dict(zip(inputs, u, strict=True))
        dx = free_living(x, u, p, constants)
        dx["G"] = dx["G"] + network(x, u, p, w)
        return jnp.stack([dx[name] for name in states])

    def loss(w: Any) -> Any:
        def step(x: Any, given: Any) -> Any:
            h, u, jump = given
            y = x + jump
            k1 = slope(y, u, w)
            k2 = slope(y + 0.5 * h * k1, u, w)
            k3 = slope(y + 0.5 * h * k2, u, w)
            k4 = slope(y + h * k3, u, w)
            after = y + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
            return after, after[states.index("IG")]

        _, course = jax.lax.scan(step, x0, (t[1:, 0] - t[:-1, 0], u, jump))
        error = (course[at] - seen) / scale
        return 0.5 * jnp.mean(error * error) + 0.5 * decay * w @ w

    both = jax.jit(jax.value_and_grad(loss))

    def run(weights: np.ndarray) -> np.ndarray:
        value, gradient = jax.block_until_ready(both(weights))
        return np.append(np.asarray(gradient), value)

    return run
