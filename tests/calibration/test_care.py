"""The fit of a care process: known coefficients come back, and what cannot be fitted is told."""

from dataclasses import replace

import caring
import numpy as np
import pytest
from scipy.optimize import minimize

from vvuq.calibration.care import constant_rate, fit_care, fit_trials, priors, trials_of, with_constant
from vvuq.data.cohort import make_cohort
from vvuq.data.split import subset
from vvuq.errors import IntegrityError, NotEvaluable
from vvuq.methods.logistic import objective
from vvuq.models import Driver

COHORT = caring.cohort(6, days=8.0)
FOUND = fit_care(caring.TWIN, COHORT)


def of(cohort, twin=caring.TWIN):
    return [trials_of(twin, cohort, patient) for patient in cohort.patients]


def changed(change, twin=caring.TWIN):
    patients = [change(patient) for patient in COHORT.patients]
    return fit_care(twin, make_cohort("changed", patients, caring.UNITS))


def test_known_coefficients_come_back():
    errors = np.sqrt(np.diag(FOUND.found.covariance))
    assert (np.abs(FOUND.coefficients - caring.TRUE) < 3.0 * errors).all()
    assert (errors < 0.35).all() and (FOUND.informed > 0.95).all() and FOUND.separated == ()
    assert FOUND.patients == 6 and FOUND.slots == 6 * (8 * 96 - 1)  # in the first slot no reading is known


def test_another_maximizer_finds_the_same():
    columns = with_constant(np.concatenate([one.columns for one in of(COHORT)]))
    events = np.concatenate([one.ordered for one in of(COHORT)])
    prior = priors(caring.CARE, 4)
    other = minimize(lambda b: -objective(b, columns, events, prior), np.zeros(5), method="Nelder-Mead",
                     options={"xatol": 1e-7, "fatol": 1e-9, "maxiter": 5000, "maxfev": 5000})  # fmt: skip
    assert FOUND.coefficients == pytest.approx(other.x, abs=1e-4)
    assert list(prior) == [10.0, 2.5, 2.5, 2.5, 2.5]


def test_the_order_of_patients_does_not_matter():
    assert fit_trials(caring.CARE, of(COHORT)[::-1]).coefficients == pytest.approx(FOUND.coefficients, abs=1e-9)


def test_one_patient_alone_can_be_fitted():
    one = fit_care(caring.TWIN, subset(COHORT, ["c0"], "one"))
    assert one.patients == 1 and np.isfinite(one.coefficients).all()
    assert (np.diag(one.found.covariance) > np.diag(FOUND.found.covariance)).all()


def test_a_constant_rate_is_the_share_of_slots():
    trials = of(COHORT)
    share = np.concatenate([one.ordered for one in trials]).mean()
    assert 1.0 / (1.0 + np.exp(-constant_rate(caring.CARE, trials))) == pytest.approx(share, rel=1e-3)


def test_without_any_stick_there_is_nothing_to_fit():
    with pytest.raises(NotEvaluable, match=r"no fingerstick in any of \d+ slots.*Use records"):
        changed(lambda patient: caring.without(patient, "fingerstick"))


def test_a_stick_in_every_slot_is_as_little():
    def always(patient):
        kept = caring.without(patient, "fingerstick").measurements
        taken = [(m, replace(m, observable="fingerstick")) for m in kept]
        return replace(patient, measurements=tuple(one for pair in taken for one in pair))

    with pytest.raises(NotEvaluable, match=r"a fingerstick in (\d+) of \1 slots"):
        changed(always)


def test_without_a_sensor_there_are_no_slots():
    with pytest.raises(NotEvaluable, match="no reading of cgm"):
        changed(lambda patient: caring.without(patient, "cgm"))


def test_a_driver_that_is_never_known_is_named():
    blind = Driver("blind", "never known", "clock", lambda known: np.nan)
    twin = replace(caring.TWIN, care=replace(caring.CARE, drivers=(*caring.CARE.drivers, blind)))
    with pytest.raises(NotEvaluable, match=r"blind known in none.*Leave out a driver"):
        fit_care(twin, COHORT)


def test_a_driver_that_parts_sticks_from_the_rest_is_named():
    def only_fed(patient):
        meals = {dose.time for dose in patient.doses}
        after = [m for m in patient.measurements if m.observable == "cgm" and any(0 < m.time - t <= 30 for t in meals)]
        kept = (*caring.without(patient, "fingerstick").measurements, *(replace(m, observable="fingerstick")
                                                                        for m in after[::3]))  # fmt: skip
        return replace(patient, measurements=tuple(sorted(kept, key=lambda m: (m.time, m.observable))))

    found = changed(only_fed)
    assert found.separated == ("lately", "fed") and np.isfinite(found.coefficients).all()
    assert found.coefficients[3] > 3.0


def test_a_held_out_patient_is_refused():
    sealed = replace(COHORT, patients=(*COHORT.patients[:-1], replace(COHORT.patients[-1], sealed=True)))
    with pytest.raises(IntegrityError, match="held-out"):
        fit_care(caring.TWIN, sealed)
    with pytest.raises(IntegrityError, match="held-out"):
        constant_rate(caring.CARE, of(sealed))
