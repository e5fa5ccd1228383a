"""A recurrent network that learns courses from the readings and what was given, with no model behind it.

At every reading it gives means and SDs of the next 12; paths take whole standardized residuals of patients that were
held back from the training of that network, which keeps the horizons' dependence and the tails. Several networks, each
with other patients held back, share the paths: their difference is ignorance.

It knows no cause and no unit: outside the scope of guidance for mechanistic models."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from vvuq.errors import NotEvaluable
from vvuq.interaction.course import Course, Input, course
from vvuq.interaction.empirical import Library, current, library, span
from vvuq.interaction.forecaster import (
    AHEAD,
    STEPS,
    Kind,
    around,
    check_units,
    cycle_of,
    eligible,
    own,
    readings,
    truths,
)
from vvuq.interaction.inside import Inside
from vvuq.interaction.network import Sequences, Shape, Training, outputs, train
from vvuq.numerics.streams import Draws
from vvuq.record import Cohort, Floats, Patient

DAY = 1440.0
WARM, SPAN = 24, 96  # steps of a training sequence that only fill the state, and that are learned from
ABREAST = 16


@dataclass(frozen=True, slots=True)
class Scale:
    """What numbers are divided by: readings (mean, SD), each input, the change to each of the 12 readings."""

    reading: tuple[float, float]
    given: Floats
    change: Floats


@dataclass(frozen=True, slots=True)
class FittedNetworks:
    """Networks that share the paths; `residuals` are standardized paths by the reading at their origin."""

    inputs: tuple[Input, ...]
    shape: Shape
    scale: Scale
    weights: tuple[Floats, ...]
    residuals: Library
    range: tuple[float, float]
    units: tuple[tuple[str, str], ...]

    def inside(self) -> Inside:
        """Weights alone, of all networks."""
        return Inside((), np.concatenate(self.weights))

    def moments(self, patient: Patient, origins: Floats) -> tuple[Floats, Floats]:
        """Means and SDs (networks, k, 12) of readings; not-a-number where there is no forecast."""
        steps = course(patient, self.inputs, lead=WARM)
        places = steps.places(origins)
        mean, sd = (np.full((len(self.weights), origins.size, STEPS), np.nan) for _ in range(2))
        if not steps.times.size:
            return mean, sd
        can, columns = np.flatnonzero(places >= 0), features(steps, self.scale)
        for j, theta in enumerate(self.weights):
            out = outputs(self.shape, theta, columns, 1)[:, places[can]].T
            mean[j, can] = steps.values[places[can], None] + self.scale.change * out[:, :STEPS]
            sd[j, can] = self.scale.change * np.exp(out[:, STEPS:])
        return mean, sd

    def paths(self, cohort: Cohort, patient: Patient, origins: Floats, members: int, draws: Draws) -> Floats:
        """Paths (k, 12, members) of readings. Raises InputError for a cohort in other units."""
        check_units(self.units, cohort)
        (mean, sd), mine, now = self.moments(patient, origins), own(draws, patient), current(patient, origins)
        of = np.arange(members) % len(self.weights)
        out = np.full((origins.size, STEPS, members), np.nan)
        for row in np.flatnonzero(np.isfinite(mean).all(axis=(0, 2))):
            rng = mine.generator(cycle_of(float(origins[row])), "residuals")
            path = mean[of, row].T + sd[of, row].T * self.residuals.draw(float(now[row]), members, rng)
            out[row] = np.clip(path, *self.range)
        return out


@dataclass(frozen=True, slots=True)
class Recurrent:
    """A gated recurrent unit of `hidden` states; `networks` of them, each stopped on other patients held back."""

    inputs: tuple[Input, ...]
    hidden: int = 12
    networks: int = 5
    training: Training = field(default_factory=Training)
    name: str = "recurrent network"
    kind: Kind = "data-driven"

    def short(self) -> Recurrent:
        """The same with a training of a few seconds, for a first look."""
        quick = replace(self.training, epochs=min(self.training.epochs, 10))
        return replace(self, networks=min(self.networks, 2), training=quick)

    def fit(self, cohort: Cohort, draws: Draws) -> FittedNetworks:
        """Trains on all patients but those held back; where there is one patient alone, its last days are."""
        steps = {p.id: course(p, self.inputs, lead=WARM) for p in cohort.patients}
        scale = _scale(cohort, list(steps.values()))
        pieces = {p.id: _pieces(steps[p.id], p, scale) for p in cohort.patients}
        shape = Shape(len(self.inputs) + 5, self.hidden, STEPS)
        weights, keys, paths = [], [], []
        for number, held in enumerate(_held_back(cohort, self.networks, draws)):
            learned = [piece for i in pieces for piece in pieces[i] if i not in held]
            kept = [piece for i in pieces for piece in pieces[i] if i in held]
            if not learned:
                cut = max(len(kept) // 4, 1)
                learned, kept = kept[:-cut] or kept, kept[-cut:]
            theta = self._trained(shape, learned, kept, draws, number)
            weights.append(theta)
            alone = FittedNetworks(self.inputs, shape, scale, (theta,), _NONE, (0.0, 0.0), cohort.units)
            for patient in cohort.patients:
                if patient.id in held:
                    origins = eligible(patient)
                    mean, sd = alone.moments(patient, origins)
                    keys.append(current(patient, origins))
                    paths.append((truths(patient, origins) - mean[0]) / sd[0])
        residuals = library(keys, paths)
        return FittedNetworks(self.inputs, shape, scale, tuple(weights), residuals, span(cohort), cohort.units)

    def _trained(self, shape: Shape, learned: list[Piece], kept: list[Piece], draws: Draws, number: int) -> Floats:
        begin = shape.start(draws.generator(number, "weights"))

        def batches(epoch: int) -> list[Sequences]:
            order = draws.generator(1000 * number + epoch, "order").permutation(len(learned))
            return [_abreast([learned[i] for i in order[j : j + ABREAST]]) for j in range(0, len(order), ABREAST)]

        theta, _ = train(shape, begin, batches, _abreast(kept), self.training)
        return theta


Piece = tuple[Floats, Floats, Floats]  # inputs (d, T), targets (12, T), weight (T)
_NONE = Library(np.empty(0), np.empty((0, STEPS)), 0)


def features(steps: Course, scale: Scale) -> Floats:
    """Inputs (5 + inputs, n) of the network: the reading, its last change, whether it is missing, the hour, what was
    given."""
    held = steps.held()
    value = np.nan_to_num((held - scale.reading[0]) / scale.reading[1])
    change = np.diff(value, prepend=value[:1])
    clock = 2.0 * np.pi * (steps.times % DAY) / DAY
    missing = np.isnan(steps.values).astype(float)
    rows = [value, 4.0 * change, missing, np.sin(clock), np.cos(clock), *(steps.given / scale.given).T]
    return np.ascontiguousarray(rows)


def _scale(cohort: Cohort, steps: Sequence[Course]) -> Scale:
    low, high = span(cohort)
    values = np.concatenate([s.values[np.isfinite(s.values)] for s in steps])
    given = np.concatenate([s.given for s in steps])
    sizes = np.sqrt((given**2).sum(axis=0) / np.maximum((given > 0.0).sum(axis=0), 1))
    changes = [truths(p, t) - current(p, t)[:, None] for p in cohort.patients for t in [eligible(p)]]
    change = np.concatenate(changes).std(axis=0) if any(c.size for c in changes) else np.zeros(STEPS)
    if not high > low or not np.all(change > 0.0):
        raise NotEvaluable("a network needs readings that change, three hours or more without a gap")
    return Scale((float(values.mean()), float(values.std())), np.where(sizes > 0.0, sizes, 1.0), change)


def _pieces(steps: Course, patient: Patient, scale: Scale) -> list[Piece]:
    """Sequences of WARM + SPAN steps that overlap by WARM, the last of a stretch filled up with weight 0."""
    x, out = features(steps, scale), []
    ahead = around(readings(patient), steps.times, AHEAD)
    y = ((ahead - steps.values[:, None]) / scale.change).T
    good = np.where(np.isfinite(y), 1.0, 0.0).min(axis=0)
    for number in np.unique(steps.stretch):
        (of,) = np.nonzero(steps.stretch == number)
        for begin in range(0, max(of.size - WARM, 1), SPAN):
            part = of[begin : begin + WARM + SPAN]
            weight = good[part]
            weight[:WARM] = 0.0
            if weight.any():
                out.append(_filled(x[:, part], np.where(good > 0.0, y, 0.0)[:, part], weight))
    return out


def _filled(x: Floats, y: Floats, weight: Floats) -> Piece:
    more = WARM + SPAN - weight.size
    return np.pad(x, ((0, 0), (0, more))), np.pad(y, ((0, 0), (0, more))), np.pad(weight, (0, more))


def _abreast(pieces: Sequence[Piece]) -> Sequences:
    """Pieces side by side, as numerics/gru.py takes them."""
    x, y, weight = (np.ascontiguousarray(np.stack(part, axis=-1)) for part in zip(*pieces, strict=True))
    return Sequences(len(pieces), x.reshape(x.shape[0], -1), y.reshape(y.shape[0], -1), weight.reshape(-1))


def _held_back(cohort: Cohort, networks: int, draws: Draws) -> list[set[str]]:
    """For each network the patients that it does not learn from; there are no more networks than patients."""
    ids = [p.id for p in cohort.patients]
    order = draws.generator(0, "held back").permutation(len(ids))
    count = min(networks, len(ids))
    share = max(len(ids) // max(count, 3), 1)
    return [{ids[i] for i in order[j * share : (j + 1) * share]} for j in range(count)]
