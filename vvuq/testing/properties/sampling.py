"""Looking more often changes nothing at the instants that were looked at before."""

from __future__ import annotations

from dataclasses import dataclass, replace

from hypothesis.strategies import SearchStrategy

from vvuq.models.claims import Envelope
from vvuq.models.twin import Twin
from vvuq.record import Measurement, Patient
from vvuq.testing import strategies as draw
from vvuq.testing.cases import Stay, stays
from vvuq.testing.compare import same
from vvuq.testing.property import Property


@dataclass(frozen=True, slots=True)
class Sampled:
    """A stay, and further samples of the first observable."""

    stay: Stay
    more: tuple[Measurement, ...]


def cases(twin: Twin, envelope: Envelope) -> SearchStrategy[Sampled]:
    """Stays with one to five further samples."""
    name = twin.model.observables[0].name
    further = draw.observed_times(envelope.duration)
    value = envelope.measured[name].low if name in envelope.measured else 1.0
    return draw.built(
        lambda stay, at: Sampled(stay, tuple(Measurement(time, name, value) for time in at)),
        stays(twin, envelope),
        further,
    )


def run(twin: Twin, case: Sampled) -> str | None:
    """By the reference solver nothing changes; by the twin's own step no more than twice its promised error."""
    patients = tuple(_sampled(patient, case.more) for patient in case.stay.cohort.patients)
    other = replace(case.stay, cohort=replace(case.stay.cohort, patients=patients))
    plural = "s" if len(case.more) > 1 else ""
    change = f"with sample{plural} also at {', '.join(f'{m.time:g}' for m in case.more)} {twin.model.time_unit}"
    promised = "a further sample changes nothing at the others"
    return same(twin, case.stay, other, change, promised) or same(
        twin, case.stay, other, change, promised, method=twin.method, share=2 * twin.claims.solver_error
    )


def _sampled(patient: Patient, more: tuple[Measurement, ...]) -> Patient:
    taken = {(m.time, m.observable) for m in patient.measurements}
    further = tuple(m for m in more if (m.time, m.observable) not in taken)
    ordered = sorted((*patient.measurements, *further), key=lambda m: m.time)
    return replace(patient, measurements=tuple(ordered))


SAMPLING = Property("sampling", "Does sampling more often change nothing?", cases, run)
