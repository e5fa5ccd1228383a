"""Consistency of the filter that follows patients: drawn patients pass, a wrong filter is found, nobody meets a fit to
themselves."""

from dataclasses import replace

import freeliving
import numpy as np
import pytest
from home import structures

from vvuq.analyses.verification import tracking_consistency as module
from vvuq.analyses.verification.tracking_consistency import (
    simulate_stretch,
    tracking_consistency,
    tracks_where_the_truth_is_known,
)
from vvuq.calibration.stretches import stretches
from vvuq.calibration.tracking import declared
from vvuq.errors import InputError, NotEvaluable
from vvuq.numerics.streams import Draws

TWIN = structures()["glucose"]
BUILD = freeliving.cohort(3, days=1.0)
FEW = {"every": 480.0, "evaluations": 2, "copies": 4, "readings": 60, "drawn": 12, "resamples": 100}


@pytest.fixture(scope="module")
def found(stand_in):
    return tracking_consistency.run(TWIN, stand_in("tracking_consistency", build_cohort=BUILD), **FEW)


def test_it_reports_what_it_declares(found):
    declares, got = tracking_consistency.metrics(TWIN, FEW), {key: q.unit for key, q in found.values.items()}
    assert got.items() <= declares.items() and {"nis", "simulated_state_factor", "simulated_out_of_range"} <= set(got)
    assert found.values["n_patients"].value == 3.0 and found.values["simulated_patients"].value == 12.0
    with pytest.raises(NotEvaluable, match="follows nobody"):
        tracking_consistency.metrics(freeliving.TWIN, FEW)


def drawn(wrong=lambda known: known, copies=150):
    """Factors of the errors of parameters and innovations, of patients drawn as declared and met by another filter."""
    (stretch,) = stretches(TWIN, BUILD, BUILD.patients[0])
    stretch = replace(stretch, times=stretch.times[:16], values=stretch.values[:16])
    original, truth = module.filter_record, declared(TWIN)

    def filtered(method, system, *others, **settings):
        assert system.drift.tobytes() == truth.drift.tobytes()
        return original(method, wrong(system), *others, **settings)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "filter_record", filtered)
        seen, _ = simulate_stretch(TWIN, truth, stretch, copies, Draws(5, "t"))
    squared = sum(w.parameters[0] for w in seen) / sum(w.parameters[1] for w in seen)
    return squared**0.5, np.nanmean([np.nanmean(w.nis) for w in seen]) ** 0.5, seen


def test_on_patients_drawn_from_the_twin_the_filter_is_as_uncertain_as_it_should_be():
    parameters, innovations, seen = drawn()
    assert parameters == pytest.approx(1.0, abs=0.15) and innovations == pytest.approx(1.0, abs=0.1)
    states = np.array([w.states for w in seen])
    assert np.isfinite(states).any() and np.nanmax(np.abs(states)) < 10.0


@pytest.mark.parametrize(("error", "above"), [(0.4, True), (2.5, False)])
def test_a_filter_with_a_wrong_error_of_the_sensor_is_found(error, above):
    def wrong(system):
        return replace(system, noise=tuple(replace(n, sd=error * n.sd) for n in system.noise))

    _, innovations, _ = drawn(wrong, 40)
    assert (innovations > 1.15) if above else (innovations < 0.9)


def test_more_copies_leave_the_first_ones_as_they_are():
    (stretch,) = stretches(TWIN, BUILD, BUILD.patients[1])
    stretch = replace(stretch, times=stretch.times[:8], values=stretch.values[:8])
    few, many = (simulate_stretch(TWIN, declared(TWIN), stretch, n, Draws(5, "t"))[0] for n in (2, 5))
    for one, other in zip(few, many, strict=False):
        np.testing.assert_allclose(one.innovations, other.innovations, rtol=1e-9)


def test_each_real_patient_meets_a_population_fitted_to_others(stand_in, monkeypatch):
    met = []
    original = module.watched
    monkeypatch.setattr(
        module, "watched", lambda twin, known, one: met.append((known, one)) or original(twin, known, one)
    )
    tracking_consistency.run(TWIN, stand_in("tracking_consistency", build_cohort=BUILD), **FEW)
    assert sorted(one.patient for _, one in met) == ["p0", "p1", "p2"]
    assert all(one.patient not in known.patients and len(known.patients) == 2 for known, one in met)


def test_the_check_can_fail(found):
    (good,) = tracks_where_the_truth_is_known.run(
        replace(found, values=found.values | {f"simulated_{n}_factor": replace(found.values["nis"], value=1.0,
                lower95=0.95, upper95=1.05) for n in ("innovation", "state", "parameter")})
    )  # fmt: skip
    (bad,) = tracks_where_the_truth_is_known.run(
        replace(found, values={k: q for k, q in found.values.items() if k != "simulated_state_factor"})
    )
    assert (good.gradation, bad.gradation) == ("b", "a")


def test_implausible_patients_are_named_and_too_many_folds_refused(stand_in):
    assert module._implausible(1, 60, 48) == () and "60 patients" in module._implausible(30, 60, 48)[0]
    with pytest.raises(InputError, match="folds"):
        tracking_consistency.run(TWIN, stand_in("tracking_consistency", build_cohort=BUILD), **FEW, folds=9)
