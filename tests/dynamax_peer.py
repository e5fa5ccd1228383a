"""The unscented filter of dynamax, in float64, on the model of turnover.py; as a program, writes what it finds.

    python tests/dynamax_peer.py

writes tests/references/dynamax_ukf.csv and its card. It needs dynamax, which nothing else here depends on."""

from __future__ import annotations

import csv
import datetime
import warnings
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import turnover

from vvuq.assimilation.system import Observation
from vvuq.record import Floats

FOLDER = Path(__file__).resolve().parent / "references"
COUNT = 20
# alpha, beta, kappa: cubature; a centre with weight; a centre that weighs more in covariances than in means
CASES = {"cubature": (1.0, 0.0, 0.0), "centre": (1.0, 0.0, 1.0), "kurtosis": (1.0, 2.0, 0.0)}
LOWER = [(i, j) for i in range(5) for j in range(i + 1)]
COLUMNS = (
    ("case", "time", "y0", "y1"),
    tuple(f"mean{i}" for i in range(5)),
    tuple(f"covariance{i}{j}" for i, j in LOWER),
    ("log_likelihood",),
)
CARD = """# The unscented Kalman filter of dynamax on the model of tests/turnover.py, after each measurement.
source: Linderman et al., Dynamax, J. Open Source Softw. 10 (2025) 7069; run, not published
command: python tests/dynamax_peer.py
date: {date}
versions: {{{versions}}}
precision: float64
columns: case (alpha, beta, kappa in CASES of the program), time [h], measured y0 and y1 [mg], mean of the five states
  [mg], lower triangle of their covariance [mg^2], log-likelihood of all measurements so far
"""


def runner(
    step: Callable[[Any], Any],
    look: Callable[[Any], Any],
    prior: tuple[Floats, Floats],
    noise: tuple[Floats, Floats],
    options: tuple[float, float, float],
) -> Callable[[Any], Any]:
    """dynamax's filter as a compiled function: measurements (T, q) -> means (T, n), covariances, likelihoods (T,).

    step and look work on jax arrays (n,); prior is (mean, covariance), noise (Q, R), options (alpha, beta, kappa)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import jax

        jax.config.update("jax_enable_x64", True)
        from dynamax.nonlinear_gaussian_ssm import ParamsNLGSSM, UKFHyperParams, unscented_kalman_filter

        parameters = ParamsNLGSSM(
            initial_mean=jax.numpy.asarray(prior[0]),
            initial_covariance=jax.numpy.asarray(prior[1]),
            dynamics_function=step,
            dynamics_covariance=jax.numpy.asarray(noise[0]),
            emission_function=look,
            emission_covariance=jax.numpy.asarray(noise[1]),
        )
    fields = ["filtered_means", "filtered_covariances", "marginal_loglik"]

    def run(values: Any) -> Any:
        found = unscented_kalman_filter(parameters, values, UKFHyperParams(*options), output_fields=fields)
        return found.filtered_means, found.filtered_covariances, found.marginal_loglik

    return jax.jit(run)


def turnover_runner(options: tuple[float, float, float]) -> Callable[[Any], Any]:
    """The runner on the model of five states."""
    Q, R = np.diag(turnover.DRIFT**2), np.diag(turnover.ERROR_SD**2)
    return runner(*turnover_functions(), (turnover.MEAN, turnover.COVARIANCE), (Q, R), options)


def turnover_functions() -> tuple[Callable[[Any], Any], Callable[[Any], Any]]:
    """One interval of ten RK4 steps, and what is measured. A loop that jax keeps runs 40 times faster than a text of
    ten steps."""
    import jax
    import jax.numpy as jnp

    h = turnover.INTERVAL / turnover.SUBSTEPS

    def slope(x: Any) -> Any:
        return jnp.stack(turnover.slope(*x))

    def once(_: Any, x: Any) -> Any:
        k1 = slope(x)
        k2 = slope(x + 0.5 * h * k1)
        k3 = slope(x + 0.5 * h * k2)
        k4 = slope(x + h * k3)
        return x + h / 6.0 * (k1 + 2.0 * k2 + 2.0 * k3 + k4)

    return (
        lambda x: jax.lax.fori_loop(0, turnover.SUBSTEPS, once, x),
        lambda x: jnp.stack(turnover.seen(*x)),
    )


def found(case: str, observations: Sequence[Observation]) -> tuple[Floats, Floats, Floats]:
    """Means (T, 5), covariances (T, 5, 5) and log-likelihoods (T,) after each of the observations."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        means, covariances, gains = turnover_runner(CASES[case])(np.array([o.values for o in observations]))
    return np.asarray(means), np.asarray(covariances), np.asarray(gains)


def main() -> None:
    """Writes the reference and its card."""
    observations = turnover.measured(COUNT)
    with (FOLDER / "dynamax_ukf.csv").open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([name for group in COLUMNS for name in group])
        for case in CASES:
            for o, mean, covariance, total in zip(observations, *found(case, observations), strict=True):
                numbers = [o.time, *o.values, *mean, *(covariance[i, j] for i, j in LOWER), total]
                writer.writerow([case, *(repr(float(number)) for number in numbers)])
    versions = ", ".join(f"{name}: {version(name)}" for name in ("dynamax", "jax", "numpy"))
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    (FOLDER / "dynamax_ukf.yaml").write_text(CARD.format(date=today, versions=versions))


if __name__ == "__main__":
    main()
