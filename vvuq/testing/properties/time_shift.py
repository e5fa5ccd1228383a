"""A clock that is set otherwise changes nothing, unless the equations themselves read the time."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable
from dataclasses import dataclass, replace

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from vvuq.models.claims import Envelope
from vvuq.models.lines import tree
from vvuq.models.twin import Twin
from vvuq.record import Patient
from vvuq.testing import strategies as draw
from vvuq.testing.account import account
from vvuq.testing.cases import Stay, stays
from vvuq.testing.compare import same
from vvuq.testing.property import Property
from vvuq.testing.strategies import resolution

MOST = 2048  # shifts, in steps of the resolution of the stay: exact in floating point


@dataclass(frozen=True, slots=True)
class Shifted:
    """A stay, and by how much all its records are moved."""

    stay: Stay
    shift: float


def reads_time(function: Callable[..., None]) -> bool:
    """True where the text of an equation uses its first argument, t."""
    name = next(iter(inspect.signature(function).parameters))
    nodes = (node for node in ast.walk(tree(function)) if isinstance(node, ast.Name))
    return any(node.id == name and isinstance(node.ctx, ast.Load) for node in nodes)


def timed(twin: Twin) -> list[str]:
    """The names of the twin's equations that read the time."""
    functions = [twin.model.rhs, *(o.function for o in twin.model.observables)]
    return [function.__name__ for function in functions if reads_time(function)]


def applies(twin: Twin) -> str:
    """The author may declare that the equations read the time."""
    return "" if twin.claims.autonomous else "claims.autonomous is False: the equations read the time"


def cases(twin: Twin, envelope: Envelope) -> SearchStrategy[Shifted]:
    """Stays with a shift to earlier or later."""
    step = resolution(envelope.duration)
    shifts = st.integers(-MOST, MOST).filter(bool).map(lambda count: count * step)
    return draw.built(Shifted, stays(twin, envelope), shifts)


def run(twin: Twin, case: Shifted) -> str | None:
    """No equation reads the time, and a moved record shows the same, moved."""
    reading = timed(twin)
    if reading:
        found = f"{', '.join(reading)} reads t"
        return account(twin, case, found=found, promised="equations without the time (claims.autonomous)")
    moved = replace(case.stay.cohort, patients=tuple(_moved(p, case.shift) for p in case.stay.cohort.patients))
    word = "later" if case.shift > 0.0 else "earlier"
    change = f"with every record {abs(case.shift):g} {twin.model.time_unit} {word}"
    promised = "only the time between records matters (claims.autonomous)"
    return same(twin, case.stay, replace(case.stay, cohort=moved), change, promised, shift=case.shift)


def _moved(patient: Patient, shift: float) -> Patient:
    return replace(
        patient,
        doses=tuple(replace(d, time=d.time + shift) for d in patient.doses),
        measurements=tuple(replace(m, time=m.time + shift) for m in patient.measurements),
    )


TIME_SHIFT = Property("time_shift", "Does the origin of time not matter?", cases, run, applies)
