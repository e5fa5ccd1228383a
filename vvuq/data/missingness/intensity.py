"""MNAR by time: measurements are events of a marked point process whose intensity depends on the patient's state.

Where there are no decisions at known times, as with visits, the times themselves are the evidence. Source: Daley &
Vere-Jones, An Introduction to the Theory of Point Processes I, 2nd ed. (2003), ch. 7 (conditional intensity)."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from vvuq.data.missingness.links import check, check_slopes
from vvuq.data.missingness.record import Chances, Complete, memoryless
from vvuq.numerics.streams import Draws
from vvuq.record import Floats


@dataclass(frozen=True, slots=True)
class Intensity:
    """Measurements of `observable` come at a rate exp(intercept + offset + sum of slopes times what they stand before),
    per unit of the model's time.

    slopes: as in SharedParameter. Raises InputError for no slope, a name given twice, what is not finite."""

    observable: str
    intercept: float
    slopes: tuple[tuple[str, float], ...]

    def __post_init__(self) -> None:
        where = f"missingness of {self.observable}"
        check(where, "logit", {"intercept": self.intercept})
        check_slopes(where, self.slopes)

    @property
    def channels(self) -> tuple[str, ...]:
        """The observable."""
        return (self.observable,)

    @property
    def looks_back(self) -> bool:
        """Never."""
        return False

    def chances(self, record: Complete, seen: Floats, rows: slice) -> Chances:
        """Of one event or more from each time of the record until the next, the intensity as at its beginning."""
        return memoryless(-np.expm1(-self.expected(record)[rows]))

    def expected(self, record: Complete) -> Floats:
        """Events (T,) from each time until the next; the last stretch is as long as the one before it."""
        rates = np.exp(self.intercept + record.weighted(self.slopes, slice(0, len(record.times))))
        return np.asarray(rates * record.lengths)


def times_of(intensity: Intensity, record: Complete, draws: Draws) -> Floats:
    """Times (k,) of events, ascending, with the intensity constant from each time of the record until the next."""
    own = replace(draws, patient=record.patient).generator(0, f"Intensity {intensity.observable}")
    expected = intensity.expected(record)
    ends = np.append(0.0, np.cumsum(expected))
    # A rate of 1 in the time in which expected events are what passes: the gaps are exponential.
    marks = np.sort(own.random(own.poisson(ends[-1]))) * ends[-1]
    stretch = np.minimum(np.searchsorted(ends, marks, side="right") - 1, len(expected) - 1)
    return np.asarray(record.times[stretch] + record.lengths[stretch] * (marks - ends[stretch]) / expected[stretch])


def log_likelihood_of_times(intensity: Intensity, record: Complete, events: Floats) -> float:
    """Of events (k,) from the first time of the record until its end: sum of log intensities less their integral."""
    expected = intensity.expected(record)
    stretch = np.searchsorted(record.times, events, side="right") - 1
    return float(np.log(expected[stretch] / record.lengths[stretch]).sum() - expected.sum())
