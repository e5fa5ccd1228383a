"""Decisions by the probability of an event: what acting on it gains, and how early an alarm comes.

Source: Vickers & Elkin, Med Decis Making 26 (2006) 565 (net benefit, decision curves)."""

from __future__ import annotations

import numpy as np

from vvuq.record import Floats

Flags = np.ndarray[tuple[int], np.dtype[np.bool_]]


def benefit(acted: Flags, event: Floats, threshold: float) -> Floats:
    """What each case (n,) adds to the net benefit, whose mean is true positives - odds of the threshold x false ones.

    Who acts from a probability of `threshold` on takes so many needless acts for a right one that the odds weigh them:
    at 0.2 four. Acting in no case gains 0."""
    return np.where(acted, event - (1.0 - event) * threshold / (1.0 - threshold), 0.0)


def onsets(times: Floats, values: Floats, threshold: float, apart: float) -> Floats:
    """Times (m,) of the first values below the threshold; one is new where none in the time `apart` before was below.

    times ascend."""
    low = times[values < threshold]
    return low[np.diff(low, prepend=-np.inf) > apart]


def raised(times: Floats, alarm: Flags, quiet: float) -> Flags:
    """The alarms (n,) that are raised where each keeps the next ones silent for the time `quiet`; times ascend."""
    out, last = np.zeros(times.size, dtype=bool), -np.inf
    for i in np.flatnonzero(alarm):
        if times[i] - last >= quiet:
            out[i], last = True, times[i]
    return out


def lead_times(begins: Floats, times: Floats, alarm: Flags, lows: Floats, within: float) -> Floats:
    """For each of the events that begin at `begins`, the time (m,) from its first alarm until then.

    times (n,): when there could have been one; alarm (n,): there was; lows: times at which an event went on: an alarm
    before the last of them belongs to that one. 0: no alarm; not-a-number: no time in the `within` before."""
    out = np.full(begins.size, np.nan)
    for i, begin in enumerate(begins):
        since = max([begin - within, *lows[lows < begin][-1:]])
        there = (times >= since) & (times < begin)
        if there.any():
            first = times[there & alarm]
            out[i] = begin - first[0] if first.size else 0.0
    return out
