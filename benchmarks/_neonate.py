"""The joint state-parameter UKF on one neonate's samples, against filterpy with the same compiled model.

filterpy's predict and update are given the same sigma points (cubature: kappa = 0, redrawn before the update)."""

from __future__ import annotations

import numpy as np
from _harness import Row, compare, installed

from vvuq.assimilation.system import Observation, System, gaussian
from vvuq.assimilation.ukf import Unscented
from vvuq.assimilation.ukf_run import filter_record
from vvuq.models import Additive, simulate
from vvuq.models.twin import load_twin
from vvuq.paths import shipped


def rows(quick: bool) -> list[Row]:
    """Log-likelihood after samples every 12 h under doses every 12 h; additive error, which filterpy can express."""
    peer_version = installed("filterpy")
    if peer_version is None:
        return []
    from filterpy.kalman import JulierSigmaPoints, UnscentedKalmanFilter

    twin = load_twin(shipped("twins") / "pk")
    model, count = twin.model, 5 if quick else 20
    case = twin.scenarios["maintenance_trough"](
        dose_mg_per_kg=5.0, interval_h=12.0, weight_kg=1.4, low_apgar=False, duration_h=12.0 * count
    )
    theta, names, sd = np.array([0.005, 1.0, 0.15]), ("CL", "V"), 2.0
    times = 12.0 * np.arange(1, count + 1)
    truth = simulate(model, case.schedule, theta, times, method=twin.method).observed[:, 0, 0]
    values = truth + np.random.default_rng(2).normal(0.0, sd, count)
    log_mean, spread = np.log(theta[:2]), np.diag([0.2**2, 0.16**2])
    system = System(model, theta, names, (Additive(sd),), np.zeros(3), twin.method.step)
    prior = gaussian(system, 0.0, np.array([1.0, *log_mean]), np.diag([1.0, *np.diag(spread)]))

    def ours() -> np.ndarray:
        observations = [Observation(float(t), np.array([y])) for t, y in zip(times, values, strict=True)]
        last = filter_record(Unscented(), system, case.schedule, prior, observations).last
        return np.append(last.mean, last.log_likelihood)

    def carried(z: np.ndarray, dt: float, start: float) -> np.ndarray:
        parameters = np.array([*np.exp(z[1:]), theta[2]])
        paths = simulate(
            model, case.schedule, parameters, [start + dt], method=twin.method, x0=z[:1].copy(), start=start
        )
        return np.array([paths.states[0, 0, 0], *z[1:]])

    def seen(z: np.ndarray) -> np.ndarray:
        return np.array([z[0] / (np.exp(z[2]) * 1.4)])

    def theirs() -> np.ndarray:
        points = JulierSigmaPoints(3, kappa=0.0)
        peer = UnscentedKalmanFilter(3, 1, 12.0, hx=seen, fx=carried, points=points)
        peer.x, peer.P = np.array([1.0, *log_mean]), np.diag([1.0, *np.diag(spread)])
        peer.R, peer.Q, likelihood = np.array([[sd**2]]), np.zeros((3, 3)), 0.0
        for t, y in zip(times, values, strict=True):
            peer.predict(start=float(t) - 12.0)
            peer.sigmas_f = points.sigma_points(peer.x, peer.P)
            peer.update(np.array([y]))
            likelihood += peer.log_likelihood
        return np.append(peer.x, likelihood)

    sweeps = count * 6 * int(np.ceil(12.0 / twin.method.step))
    flops = sweeps * (4 * 12 + 13) + count * 2 * 3 * 3 * 7 * 2  # model steps of 6 points, two triangularizations
    work = f"UKF, 1 state and 2 parameters, {count} samples"
    return [compare(work, ("filterpy", peer_version), ours, theirs, flops=flops, tolerance=1e-9)]
