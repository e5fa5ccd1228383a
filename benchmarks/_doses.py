"""Neonates under repeated doses: our RK4 on all members at once, against scipy's solve_ivp restarted at every dose."""

from __future__ import annotations

import numpy as np
import scipy
from _harness import Row, compare
from scipy.integrate import solve_ivp

from vvuq.models import simulate
from vvuq.models.kernels import rhs_kernel
from vvuq.models.twin import load_twin
from vvuq.paths import shipped


def rows(quick: bool) -> list[Row]:
    """Members x 60 doses over 30 days, the trough after the last; at matched accuracy (1e-6)."""
    twin = load_twin(shipped("twins") / "pk")
    model, members = twin.model, 4 if quick else 20
    case = twin.scenarios["maintenance_trough"](
        dose_mg_per_kg=1.5, interval_h=12.0, weight_kg=1.4, low_apgar=False, duration_h=720.0
    )
    medians = np.array([p.prior.quantile(0.5) for p in model.parameters])
    theta = medians[:, None] * np.exp(np.random.default_rng(1).normal(0.0, 0.2, (3, members)))
    rhs = rhs_kernel(model)
    u = np.array([0.0, 1.4, 0.0])

    def ours() -> np.ndarray:
        return simulate(model, case.schedule, theta, [case.time], method=twin.method).observed[0, 0]

    def one(parameters: np.ndarray) -> float:
        dx, x = np.empty(1), np.zeros(1)

        def field(t: float, y: np.ndarray) -> np.ndarray:
            rhs(t, y, u, parameters, dx)
            return dx

        for bolus in case.schedule.boluses:
            x = x + bolus.amount
            x = solve_ivp(field, (bolus.time, bolus.time + 12.0), x, rtol=1e-6, atol=1e-8).y[:, -1].copy()
        return float(x[0] / (parameters[1] * 1.4))

    def theirs() -> np.ndarray:
        return np.array([one(theta[:, m].copy()) for m in range(members)])

    steps = 60 * int(np.ceil(12.0 / twin.method.step))
    flops = members * steps * (4 * 12 + 13)  # 12 operations in rhs, 13 to combine the stages
    work = f"{members} members, 60 doses, compiled right-hand side"
    return [compare(work, ("scipy solve_ivp", scipy.__version__), ours, theirs, flops=flops, tolerance=1e-5)]
