"""How a linear predictor becomes the probability that a measurement is taken at a decision."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from numpy.polynomial.hermite_e import hermegauss
from scipy.special import expit, log_expit, log_ndtr, logsumexp, ndtr

from vvuq.errors import InputError
from vvuq.record import Floats

Link = Literal["probit", "logit"]
NODES = 64  # of Gauss-Hermite quadrature


def probability(link: Link, predictor: Floats) -> Floats:
    """Of a measurement, given the predictor, any shape."""
    return np.asarray(ndtr(predictor) if link == "probit" else expit(predictor))


def log_probability(link: Link, predictor: Floats, measured: Floats) -> Floats:
    """The logarithm of the probability of what happened: measured 1, not measured 0; shapes broadcast."""
    signed = np.where(np.asarray(measured) > 0.0, predictor, np.negative(predictor))
    return np.asarray(log_ndtr(signed) if link == "probit" else log_expit(signed))


def log_expected(link: Link, mean: Floats, variance: Floats, measured: Floats) -> Floats:
    """The logarithm of the mean probability of what happened, where the predictor is normal, by mean and variance.

    Selection of a value with forecast N(h, r): mean b0 + b1 h, variance b1^2 r; a shared parameter: b0 + b'm, b'Pb.
    Probit in closed form, Phi(s mean / sqrt(1 + variance)) with s = 1 or -1; logit by quadrature."""
    if link == "probit":
        return log_probability(link, mean / np.sqrt(1.0 + np.asarray(variance)), measured)
    nodes, weights = hermegauss(NODES)
    predictor = np.asarray(mean)[..., None] + np.sqrt(np.asarray(variance))[..., None] * nodes
    each = log_probability(link, predictor, np.asarray(measured)[..., None])
    return np.asarray(logsumexp(each, axis=-1, b=weights / weights.sum()))


def check_share(where: str, field: str, value: float) -> None:
    """InputError for a probability that is none."""
    if not 0.0 <= value <= 1.0:
        raise InputError(where, field, value, "a probability from 0 to 1")


def check_slopes(where: str, slopes: tuple[tuple[str, float], ...]) -> None:
    """InputError for no slope, a name given twice, a coefficient that is not finite."""
    names = [name for name, _ in slopes]
    if not names or len(set(names)) != len(names):
        raise InputError(where, "slopes", slopes, "one (name, coefficient) or more, each name once")
    check(where, "logit", dict(slopes))


def check(where: str, link: str, numbers: dict[str, float]) -> None:
    """InputError for a link that does not exist, and for coefficients that are not finite."""
    if link not in get_args(Link):
        raise InputError(where, "link", link, f"one of {', '.join(get_args(Link))}")
    for field, value in numbers.items():
        if not np.isfinite(value):
            raise InputError(where, field, value, "a finite coefficient")
