"""A patient's result depends on that patient's record alone: not on threads, order or the rest of the batch."""

import numpy as np
import pytest
import turnover
from examples import pk

from vvuq.assimilation.batch import Job, assimilate
from vvuq.assimilation.enkf import PerturbedObservations
from vvuq.assimilation.etkf import Etkf
from vvuq.assimilation.filtered import Filtered
from vvuq.assimilation.system import Observation, System, gaussian
from vvuq.assimilation.ukf import Unscented
from vvuq.errors import InputError
from vvuq.models import Bolus, Level, Noise, Schedule
from vvuq.numerics.streams import Draws

METHODS = (Unscented(), Etkf(8, rotate=True), PerturbedObservations(8))
ARRAYS = ("mean", "sd", "innovation", "predicted", "spread", "nis", "n", "log_likelihood", "least_pivot", "codes")


def response(patient: str) -> Job:
    """Five states, two observables; as many samples as the name has letters."""
    observed = turnover.measured(len(patient))
    return Job(patient, turnover.system(), Schedule(), turnover.prior(), observed, Draws(1, "batch", patient))


def neonate(patient: str, times: tuple[float, ...]) -> Job:
    system = System(pk().model, np.array([0.006, 1.0, 0.0]), ("CL", "V"), (Noise(0.0, 0.1),), np.full(3, 0.01), 0.5)
    prior = gaussian(system, 0.0, np.array([0.0, np.log(0.006), 0.0]), np.diag([0.0, 0.09, 0.04]))
    levels = (Level(0.0, "weight", 1.5), Level(0.0, "low_apgar", 0.0))
    given = Schedule(0.0, (Bolus(0.0, "A", 30.0), Bolus(12.0, "A", 5.0)), (), levels)
    observed = tuple(Observation(t, np.array([17.0 if i % 3 else np.nan])) for i, t in enumerate(times))
    return Job(patient, system, given, prior, observed, Draws(1, "batch", patient))


def jobs() -> list[Job]:
    """Ragged: from no sample to six, of two models."""
    return [
        response("anna"),
        neonate("b", (3.0, 11.5, 12.0, 30.25)),
        response("celine"),
        neonate("d", ()),
        neonate("e", (12.0, 12.0)),
    ]


def equal(one: Filtered, other: Filtered) -> None:
    for name in ARRAYS:
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)
    assert one.last.log_likelihood == other.last.log_likelihood and one.last.time == other.last.time


@pytest.mark.parametrize("method", METHODS, ids=lambda m: type(m).__name__)
def test_threads_and_order_change_nothing(method):
    alone = {job.patient: assimilate([job], method)[0] for job in jobs()}
    for threads, batch in ((1, jobs()), (2, jobs()), (2, jobs()[::-1]), (3, [jobs()[i] for i in (2, 0, 4, 1, 3)])):
        found = assimilate(batch, method, threads)
        assert [one.patient for one in found] == [job.patient for job in batch]
        for one in found:
            assert one.error is None
            equal(one.found, alone[one.patient].found)


def test_lengths_are_those_of_the_records():
    found = assimilate(jobs(), Unscented(), roots=True)
    assert [one.found.mean.shape for one in found] == [(4, 5), (4, 3), (6, 5), (0, 3), (2, 3)]
    assert [one.found.roots.shape for one in found] == [(4, 5, 5), (4, 3, 3), (6, 5, 5), (0, 3, 3), (2, 3, 3)]
    assert [one.found.last.cycle for one in found] == [4, 4, 6, 0, 2]


@pytest.mark.parametrize("method", METHODS, ids=lambda m: type(m).__name__)
@pytest.mark.parametrize("threads", [1, 2])
def test_a_patient_that_fails_names_itself_and_stops_nobody(method, threads):
    late = neonate("late", (5.0, 4.0))
    found = assimilate([response("a"), late, response("bb")], method, threads)
    assert [one.error is None for one in found] == [True, False, True]
    assert found[1].found is None and isinstance(found[1].error, InputError)
    assert "patient late" in str(found[1].error) and "time" in str(found[1].error)


def test_arithmetic_that_breaks_down_is_an_error_of_the_patient():
    class Broken:
        def init(self, prior, draws):
            return prior

        def step(self, system, schedule, state, observation, draws):
            raise np.linalg.LinAlgError("did not converge")

    (found,) = assimilate([response("a")], Broken())
    assert "patient a" in str(found.error) and "did not converge" in str(found.error)


def test_a_batch_that_makes_no_sense_is_refused():
    with pytest.raises(InputError, match="threads"):
        assimilate(jobs(), Unscented(), 0)
    with pytest.raises(InputError, match="each patient once"):
        assimilate([response("a"), response("a")], Unscented())
