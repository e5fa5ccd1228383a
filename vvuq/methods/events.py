"""Scores of probabilities of an event.

Sources: Brier, Mon Weather Rev 78 (1950) 1; Murphy, J Appl Meteorol 12 (1973) 595 (reliability, resolution,
uncertainty); Stephenson, Coelho & Jolliffe, Weather Forecast 23 (2008) 752 (what remains within bins)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vvuq.record import Floats


@dataclass(frozen=True, slots=True)
class Calibration:
    """By bin of the probability, empty bins left out: ends, how many forecasts and events, mean probability, and the
    share of events among them."""

    low: Floats
    high: Floats
    count: Floats
    events: Floats
    forecast: Floats
    observed: Floats


@dataclass(frozen=True, slots=True)
class Parts:
    """The Brier score as reliability - resolution + uncertainty + within, exactly.

    Reliability: how far the probabilities are from what happened, 0 is best; resolution: how far what happens differs
    between probabilities, high is good; within: what the bins do not tell apart."""

    brier: float
    reliability: float
    resolution: float
    uncertainty: float
    within: float


def brier(probability: Floats, event: Floats) -> Floats:
    """The squared error (n,) of each probability; event is 1 where it happened, else 0."""
    return (probability - event) ** 2


def calibration(probability: Floats, event: Floats, edges: Floats) -> Calibration:
    """Forecast against observed by bins of probability between `edges` (ascending from 0 to 1)."""
    of = np.clip(np.searchsorted(edges, probability, side="right") - 1, 0, edges.size - 2)
    there = np.unique(of)
    count, events, total = (
        np.array([weights[of == i].sum() for i in there]) for weights in (np.ones(of.size), event, probability)
    )
    return Calibration(edges[there], edges[there + 1], count, events, total / count, events / count)


def decomposed(probability: Floats, event: Floats, edges: Floats) -> Parts:
    """The parts of the mean Brier score, by bins of probability between `edges`."""
    bins, base, n = calibration(probability, event, edges), event.mean(), event.size
    score = float(brier(probability, event).mean())
    reliability = float((bins.count * (bins.forecast - bins.observed) ** 2).sum() / n)
    resolution = float((bins.count * (bins.observed - base) ** 2).sum() / n)
    uncertainty = float(base * (1.0 - base))
    return Parts(score, reliability, resolution, uncertainty, score - reliability + resolution - uncertainty)
