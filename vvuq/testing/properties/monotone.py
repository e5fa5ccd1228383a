"""More of what is given never lowers (or never raises) the observables that are said to follow it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import chain

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from vvuq.models.claims import Envelope, Monotone
from vvuq.models.schedule import Bolus, Infusion, Schedule
from vvuq.models.twin import Twin
from vvuq.testing import strategies as draw
from vvuq.testing.account import account, events
from vvuq.testing.cases import SAME, Course, courses, scales, shown, solve
from vvuq.testing.property import Property


@dataclass(frozen=True, slots=True)
class More:
    """A course, and what is given on top of it."""

    claim: Monotone
    course: Course
    extra: Bolus | Infusion

    @property
    def with_it(self) -> Course:
        """The course with the extra in its schedule."""
        plan = self.course.schedule
        if isinstance(self.extra, Bolus):
            more = replace(plan, boluses=(*plan.boluses, self.extra))
        else:
            more = replace(plan, infusions=(*plan.infusions, self.extra))
        return replace(self.course, schedule=more)


def applies(twin: Twin) -> str:
    """The author names the responses that are monotone, and the envelope what may be given."""
    envelope = twin.claims.envelope
    named = {m.given for m in twin.claims.monotone}
    given = set(chain(envelope.boluses, envelope.rates)) if envelope else set()
    if not named:
        return "claims.monotone names nothing"
    return "" if named <= given else f"the envelope gives no range of {', '.join(sorted(named - given))}"


def cases(twin: Twin, envelope: Envelope) -> SearchStrategy[More]:
    """Courses with one more bolus or infusion."""
    return st.one_of([_more(twin, envelope, claim) for claim in twin.claims.monotone])


def _more(twin: Twin, envelope: Envelope, claim: Monotone) -> SearchStrategy[More]:
    when, length = draw.times(envelope.duration), draw.times(envelope.duration, 1)
    name = st.just(claim.given)
    extra: SearchStrategy[Bolus | Infusion]
    if claim.given in twin.model.states:
        extra = st.builds(Bolus, when, name, draw.numbers(envelope.boluses[claim.given]))
    else:
        rates = draw.numbers(envelope.rates[claim.given])
        extra = st.builds(lambda t, d, rate: Infusion(t, t + d, claim.given, rate), when, length, rates)
    return draw.built(More, st.just(claim), courses(twin, envelope), extra)


def run(twin: Twin, case: More) -> str | None:
    """The observable with the extra lies nowhere on the wrong side of the one without it."""
    index = twin.model.observable_index(case.claim.observable)
    less, more = (solve(twin, one).observed[:, index, 0] for one in (case.course, case.with_it))
    scale = max(scales(twin, one)[1][index] for one in (case.course, case.with_it))
    gain = (more - less) * (1.0 if case.claim.rises else -1.0)
    wrong = gain < -SAME * scale
    if not np.any(wrong):
        return None
    first = int(np.argmax(wrong))
    name, unit = case.claim.observable, twin.model.observables[index].unit
    empty = Schedule(case.course.schedule.start)
    only = (
        replace(empty, boluses=(case.extra,))
        if isinstance(case.extra, Bolus)
        else replace(empty, infusions=(case.extra,))
    )
    (told,) = events(twin.model, only)
    found = f"with one more {told}, {name} goes from {shown(less[first])} to {shown(more[first])} {unit}"
    word = "lowers" if case.claim.rises else "raises"
    promised = f"more {case.claim.given} never {word} {name} (claims.monotone)"
    return account(twin, case, found=found, promised=promised, at=case.course.times[first])


MONOTONE = Property(
    "monotone", "Does more of a dose never lower (or never raise) what follows it?", cases, run, applies
)
