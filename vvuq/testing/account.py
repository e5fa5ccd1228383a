"""A counter-example in words: parameters, what was given, when, what was found and what was promised."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Any

from vvuq.models.model import Model
from vvuq.models.schedule import Schedule
from vvuq.models.twin import Twin
from vvuq.record import Cohort, Patient
from vvuq.testing.cases import Course, Stay, shown

WIDTH = 108


def account(twin: Twin, case: Any, *, found: str, promised: str, at: float | None = None) -> str:
    """A few labelled lines about one case that breaks a promise."""
    lines = [*parts(twin, case)]
    if at is not None:
        lines.append(("time", f"{shown(at)} {twin.model.time_unit}"))
    lines += [("found", found), ("promised", promised)]
    return "\n".join(_line(label, text) for label, text in lines)


def parts(twin: Twin, case: Any) -> list[tuple[str, str]]:
    """The labelled parts of a course or a stay; those of any other case are its fields that are one."""
    if isinstance(case, Course):
        return [("parameters", _theta(twin.model, case.theta)), ("given", _given(twin.model, case))]
    if isinstance(case, Stay):
        return [("parameters", _theta(twin.model, case.theta)), ("record", _record(case.cohort))]
    inner = [getattr(case, name) for name in getattr(case, "__dataclass_fields__", ())]
    return list(dict.fromkeys(part for one in inner if isinstance(one, Course | Stay) for part in parts(twin, one)))


def _line(label: str, text: str) -> str:
    return textwrap.fill(text, WIDTH, initial_indent=f"{label:<12}", subsequent_indent=" " * 12)


def _theta(model: Model, theta: Mapping[str, float]) -> str:
    moved = [p for p in model.parameters if theta[p.name] != p.prior.quantile(0.5)]
    told = [f"{p.name} {_of(theta[p.name], p.unit)} (median {shown(p.prior.quantile(0.5))})" for p in moved]
    if len(moved) == len(model.parameters):
        return ", ".join(told)
    return ", ".join([*told, ("the others" if moved else "all") + " at the medians of their priors"])


def _given(model: Model, course: Course) -> str:
    pairs = [(name, value) for name, value in zip(model.states, course.x0, strict=True) if value != 0.0]
    initial = [f"{name} {_of(value, model.states[name])} at the start" for name, value in pairs]
    return "; ".join([*initial, *events(model, course.schedule)]) or "nothing"


def events(model: Model, schedule: Schedule) -> list[str]:
    """The events of a schedule, each in a few words."""
    unit, levels = model.time_unit, {**model.inputs, **model.covariates}
    told = [f"bolus of {_of(b.amount, model.states[b.state])} into {b.state} at {_of(b.time, unit)}"
            for b in schedule.boluses]  # fmt: skip
    told += [f"infusion of {_of(i.rate, levels[i.input])} into {i.input} from {shown(i.start)} to {_of(i.stop, unit)}"
             for i in schedule.infusions]  # fmt: skip
    told += [f"{r.state} becomes {' + '.join(r.of)} at {_of(r.time, unit)}" for r in schedule.resets]
    for level in schedule.levels:
        since = "" if level.time <= schedule.start else f" from {_of(level.time, unit)} on"
        told.append(f"{level.input} {_of(level.value, levels[level.input])}{since}")
    return told


def _record(cohort: Cohort) -> str:
    units = dict(cohort.units)
    return "; ".join(f"patient {patient.id}: {_patient(patient, units)}" for patient in cohort.patients)


def _patient(patient: Patient, units: Mapping[str, str]) -> str:
    told = [f"{name} {_of(value, units[name])}" for name, value in patient.covariates]
    for dose in patient.doses:
        over = f" over {_of(dose.duration, units['time'])}" if dose.duration else ""
        name = "dose" if dose.what == "dose" else f"dose of {dose.what},"
        told.append(f"{name} of {_of(dose.amount, units[dose.what])} at {_of(dose.time, units['time'])}{over}")
    told += [f"sample of {m.observable} at {_of(m.time, units['time'])}" for m in patient.measurements]
    return ", ".join(told)


def _of(value: float, unit: str) -> str:
    return shown(value) if unit == "1" else f"{shown(value)} {unit}"
