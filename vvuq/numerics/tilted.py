"""A normal number weighed by how likely it made a fact: the probability of the fact, and where it moves the number.

z ~ N(mu, v) and p(fact | z); Z = E[p(fact | z)]. Returned are log Z, its slope `pull` = d log Z / d mu and its negative
curvature `hold` = -d^2 log Z / d mu^2. Given the fact, z has mean mu + v pull and variance v - v^2 hold, and anything
jointly normal with z moves in proportion to its covariance with z: exact in the first two moments. All links here are
log-concave, so that 0 <= hold <= 1 / v. Means and variances of the score and the curvature under the weighed normal
give both without a difference of near numbers, and for v = 0 too.

Sources: Rasmussen & Williams, Gaussian Processes for Machine Learning (2006), sections 3.6, 3.9 (probit; derivatives
by the mean); trapezoidal rule: Trefethen & Weideman, SIAM Rev. 56 (2014) 385."""

from __future__ import annotations

from math import erfc, exp, isfinite, log, log1p, pi, sqrt

from vvuq.numerics.jit import F8, I8, njit, types

PROBIT, LOGIT, INTENSITY = 0, 1, 2
_HALF = sqrt(0.5)
_LOG_ROOT = 0.5 * log(2.0 * pi)
_FAR = -5.0  # below, a continued fraction: differences of near numbers would lose digits
_TERMS = 48
_REACH = 8.2  # SDs of the prior either side of the weighed density's mode
_COARSE, _FINE, _FINER = 0.65, 0.42, 0.22  # steps of the trapezoidal rule: in SDs of the weighed density; by that of z
_WIDE = 40.0  # SD of z from which a logistic is as good as a step
_LOGISTIC = pi * pi / 3.0  # its variance
_NEWTON = 60

_THREE = types.UniTuple(F8, 3)
_options = {"error_model": "numpy", "cache": True, "nogil": True}


@njit(_THREE(F8), **_options)
def _normal(zeta):
    """log Phi(zeta), lam = phi / Phi, and lam (zeta + lam)."""
    if zeta < _FAR:  # Phi(-t) = phi(t) / (t + 1/(t + 2/(t + ...))); Abramowitz & Stegun 26.2.14
        rest = -zeta
        for k in range(_TERMS, 1, -1):
            rest = -zeta + k / rest
        lam = -zeta + 1.0 / rest
        return -0.5 * zeta * zeta - _LOG_ROOT - log(lam), lam, lam / rest
    upper = 0.5 * erfc(zeta * _HALF)
    chance = 1.0 - upper if zeta > 0.0 else 0.5 * erfc(-zeta * _HALF)
    lam = exp(-0.5 * zeta * zeta - _LOG_ROOT) / chance
    return (log1p(-upper) if zeta > 0.0 else log(chance)), lam, lam * (zeta + lam)


@njit(_THREE(F8, F8, F8), **_options)
def _probit(sign, mu, v):
    """p = Phi(sign z)."""
    sd = sqrt(v + 1.0)
    value, lam, hold = _normal(sign * mu / sd)
    return value, sign * lam / sd, hold / (v + 1.0)


@njit(types.UniTuple(F8, 4)(I8, F8), **_options)
def _density(link, z):
    """p = factor exp(power), as power and factor, the slope of log p and its negative curvature; the logistic of z, or
    no event at a rate of exp(z) in unit time."""
    if link == LOGIT:
        small = exp(-abs(z))
        share = 1.0 / (1.0 + small)  # of the larger of p and 1 - p
        other = small * share
        return min(z, 0.0), share, (other if z > 0.0 else share), share * other
    rate = exp(z)
    return -rate, 1.0, -rate, rate


@njit(F8(I8, F8, F8), **_options)
def _mode(link, mu, v):
    """Where a normal weighed by p is highest: Newton's steps on a concave function, halved where they overshoot."""
    z = mu if link == LOGIT else min(mu, 0.0)
    for _ in range(_NEWTON):
        _, _, slope, curve = _density(link, z)
        step = (mu - z + v * slope) / (1.0 + v * curve)
        z += step
        if abs(step) <= 1e-3 * (1.0 + abs(z)):  # a node need not lie on it
            break
    return z


@njit(_THREE(I8, F8, F8), **_options)
def _weighed(link, mu, v):
    """By the trapezoidal rule around the mode, in SDs of the prior; the density falls off at least as fast as that."""
    if v == 0.0:
        power, factor, slope, curve = _density(link, mu)
        return power + log(factor), slope, curve
    sd, z0 = sqrt(v), _mode(link, mu, v)
    power, factor, middle, sharp = _density(link, z0)
    step = min(_COARSE / sqrt(1.0 + v * sharp), (_FINE if link == LOGIT else _FINER) / sd)
    count, away = int(_REACH / step) + 1, (z0 - mu) / sd
    level = power + log(factor) - 0.5 * away * away
    total, first, second, curve = 0.0, 0.0, 0.0, 0.0
    for k in range(-count, count + 1):
        at = away + k * step
        power, factor, slope, hold = _density(link, mu + sd * at)
        weight, beyond = factor * exp(power - 0.5 * at * at - level), slope - middle
        total += weight
        first += weight * beyond
        second += weight * beyond * beyond
        curve += weight * hold
    beyond = first / total
    return log(total * step) + level - _LOG_ROOT, middle + beyond, (curve - second + first * beyond) / total


@njit(_THREE(I8, F8, F8, F8), **_options)
def tilted(link, sign, mu, v):
    """(log Z, pull, hold) of a fact: PROBIT, LOGIT: sign 1, it was done, or -1; INTENSITY: in an interval whose
    logarithm z includes, sign 1: an event came at its end, -1: none came. v >= 0. Not-a-number where mu or v is."""
    if not (isfinite(mu) and isfinite(v)):
        return mu - mu, mu - mu, v - v
    if link == PROBIT:
        return _probit(sign, mu, v)
    if link == LOGIT:
        if v > _WIDE * _WIDE:
            scale = 1.0 / sqrt(_LOGISTIC)
            value, pull, hold = _probit(sign, mu * scale, v / _LOGISTIC)
            return value, pull * scale, hold / _LOGISTIC
        value, pull, hold = _weighed(LOGIT, sign * mu, v)
        return value, sign * pull, hold
    if sign < 0.0:
        return _weighed(INTENSITY, mu, v)
    value, pull, hold = _weighed(INTENSITY, mu + v, v)  # e^z times a normal is a normal moved by v
    return value + mu + 0.5 * v, 1.0 + pull, hold
