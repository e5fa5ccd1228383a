"""How a linear predictor becomes the probability that a measurement is taken at a decision."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from scipy.special import expit, log_expit, log_ndtr, ndtr

from vvuq.errors import InputError
from vvuq.record import Floats

Link = Literal["probit", "logit"]


def probability(link: Link, predictor: Floats) -> Floats:
    """Of a measurement, given the predictor, any shape."""
    return np.asarray(ndtr(predictor) if link == "probit" else expit(predictor))


def log_probability(link: Link, predictor: Floats, measured: Floats) -> Floats:
    """The logarithm of the probability of what happened: measured 1, not measured 0; shapes broadcast."""
    signed = np.where(np.asarray(measured) > 0.0, predictor, np.negative(predictor))
    return np.asarray(log_ndtr(signed) if link == "probit" else log_expit(signed))


def check(where: str, link: str, numbers: dict[str, float]) -> None:
    """InputError for a link that does not exist, and for coefficients that are not finite."""
    if link not in get_args(Link):
        raise InputError(where, "link", link, f"one of {', '.join(get_args(Link))}")
    for field, value in numbers.items():
        if not np.isfinite(value):
            raise InputError(where, field, value, "a finite coefficient")
