"""What the analysis of a care process counts: fits with patients left out, orders against what the slots hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vvuq.assimilation.care import drawn
from vvuq.calibration.care import CareFit, Trials, constant_rate, fit_trials, priors
from vvuq.methods.jackknife import jackknife
from vvuq.methods.logistic import fit_logistic, log_scores
from vvuq.models.care import Care
from vvuq.numerics.streams import Draws
from vvuq.record import Floats


@dataclass(frozen=True, slots=True)
class Scored:
    """Patients left out in turn: what was fitted to the others; by patient the probability of each slot (m,), and the
    mean log score (patients,) by the drivers and by a constant rate."""

    fits: tuple[CareFit, ...]
    chances: tuple[Floats, ...]
    by_drivers: Floats
    by_rate: Floats


@dataclass(frozen=True, slots=True)
class Redrawn:
    """Of each patient and member, (patients, members): orders in a slot, and their mean reading less that of all slots;
    not-a-number where a member has no order."""

    per_slot: Floats
    difference: Floats


def coefficients(care: Care, patients: Sequence[Trials]) -> tuple[Floats, Floats]:
    """The fit's coefficients (1 + d,) and their standard errors from leaving each patient out."""
    return jackknife(_places(patients), lambda rows: fit_trials(care, _of(patients, rows)).coefficients)


def left_out(care: Care, patients: Sequence[Trials]) -> Scored:
    """Each patient by what was fitted to the others."""
    fits, chances, scores, rates = [], [], [], []
    for i, one in enumerate(patients):
        others = [other for j, other in enumerate(patients) if j != i]
        fit, rate = fit_trials(care, others), constant_rate(care, others)
        fits.append(fit)
        chances.append(fit.probabilities(one))
        scores.append(log_scores(fit.logits(one), one.ordered).mean())
        rates.append(log_scores(np.full(one.times.size, rate), one.ordered).mean())
    return Scored(tuple(fits), tuple(chances), np.array(scores), np.array(rates))


def difference(ordered: Floats, now: Floats) -> float:
    """Mean reading of the slots (m,) with an order less that of all slots; not-a-number where one of them is empty."""
    there = np.isfinite(now)
    at = there & (ordered > 0.0)
    return float(now[at].mean() - now[there].mean()) if at.any() else float("nan")


def beyond(care: Care, patients: Sequence[Trials], *, with_shown: bool = True) -> tuple[float, float]:
    """The coefficient of the reading of the slot itself, by care.step of it, beside the drivers, and its standard error
    from leaving each patient out. Each patient has a constant of its own: that some are measured more often, and are
    also higher, does not count. with_shown: the drivers that use what is shown, earlier readings, too."""
    chosen = [j for j, driver in enumerate(care.drivers) if with_shown or driver.uses != "shown"]

    value, error = jackknife(_places(patients), lambda rows: np.array([_beyond(care, _of(patients, rows), chosen)]))
    return float(value[0]), float(error[0])


def _beyond(care: Care, patients: Sequence[Trials], chosen: Sequence[int]) -> float:
    kept = [np.isfinite(one.now) for one in patients]
    own = np.concatenate([np.eye(len(patients))[np.full(int(k.sum()), i)] for i, k in enumerate(kept)])
    now = np.concatenate([one.now[k] for one, k in zip(patients, kept, strict=True)])
    history = np.concatenate([one.columns[k][:, list(chosen)] for one, k in zip(patients, kept, strict=True)])
    events = np.concatenate([one.ordered[k] for one, k in zip(patients, kept, strict=True)])
    columns = np.column_stack([own, history, (now - now.mean()) / care.step])
    prior = np.concatenate([np.full(len(patients), priors(care, 0)[0]), np.full(len(chosen) + 1, care.prior)])
    return float(fit_logistic(columns, events, prior).coefficients[-1])


def redrawn(care: Care, patients: Sequence[Trials], fits: Sequence[CareFit], members: int, seed: int) -> Redrawn:
    """Orders of each patient drawn anew by what was fitted to the others, along its own readings and doses."""
    draws = Draws(seed, "care process")
    shares, moved = np.empty((len(patients), members)), np.empty((len(patients), members))
    for i, (one, fit) in enumerate(zip(patients, fits, strict=True)):
        for member in range(members):
            orders = np.isin(one.times, drawn(care, one.course, fit.coefficients, draws, member)).astype(float)
            shares[i, member], moved[i, member] = orders.mean(), difference(orders, one.now)
    return Redrawn(shares, moved)


def middle(each: Floats) -> tuple[float, float]:
    """The ends of the middle 90 % of draws (members,), some of them not-a-number: a further draw lies inside with that
    chance, given 19 draws or more. Not-a-number without any."""
    kept = each[np.isfinite(each)]
    if not kept.size:
        return float("nan"), float("nan")
    low, high = np.quantile(kept, (0.05, 0.95), method="weibull")
    return float(low), float(high)


def _places(patients: Sequence[Trials]) -> Floats:
    return np.arange(float(len(patients)))[:, None]


def _of(patients: Sequence[Trials], rows: Floats) -> list[Trials]:
    return [patients[int(row)] for row in rows[:, 0]]
