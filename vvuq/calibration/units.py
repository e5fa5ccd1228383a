"""Measurements in the units of a twin's model."""

from __future__ import annotations

from collections.abc import Sequence

from vvuq.models.twin import Twin
from vvuq.models.units import factor
from vvuq.record import Cohort, Measurement


def in_model_units(twin: Twin, cohort: Cohort, measurements: Sequence[Measurement]) -> tuple[Measurement, ...]:
    """Measurements with time and value in the units of the twin's model."""
    units, model = dict(cohort.units), twin.model
    hours = factor(units["time"], model.time_unit, cohort.name)
    out = []
    for m in measurements:
        unit = model.observables[model.observable_index(m.observable)].unit
        out.append(Measurement(m.time * hours, m.observable, m.value * factor(units[m.observable], unit, cohort.name)))
    return tuple(out)
