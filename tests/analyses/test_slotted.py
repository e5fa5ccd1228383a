"""Fits and forecasts of a state-space twin on made-up persons: values as declared, persons whole, no leak."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from vvuq.analyses.calibration import state_space_fit as fitting
from vvuq.analyses.calibration.state_space_fit import state_space_fit
from vvuq.analyses.slotted import build_records, person_folds, persons
from vvuq.analyses.validation import slot_forecast as forecasting
from vvuq.analyses.validation.slot_forecast import slot_forecast
from vvuq.calibration.slots import all_slots
from vvuq.calibration.state_space import declared, first_belief, follow_slots, system_of
from vvuq.data.cohort import make_cohort
from vvuq.errors import InputError, NotEvaluable
from vvuq.models.twin import load_twin
from vvuq.paths import shipped
from vvuq.record import Measurement, Patient

TWIN = load_twin(shipped("twins") / "icu_vitals")
UNITS = {"time": "h", "map": "mmHg", "heart_rate": "1/min", "lactate": "mmol/L"}
FEW = {"iterations": 1, "most": 0}


def drawn(count: int, hours: int = 5, seed: int = 1):
    """Hospitalizations with a slow wave in pressure and heart rate, two of every third person."""
    rng, patients = np.random.default_rng(seed), []
    for i in range(count):
        walk = np.cumsum(rng.normal(size=(hours, 2)), axis=0)
        samples = [Measurement(float(t), "heart_rate", 85.0 + 4.0 * walk[t, 0]) for t in range(hours)]
        samples += [Measurement(float(t), "map", 75.0 + 5.0 * walk[t, 1]) for t in range(hours)]
        samples += [Measurement(float(t), "lactate", float(np.exp(0.5 + 0.3 * rng.normal()))) for t in range(hours)]
        ordered = tuple(sorted(samples, key=lambda m: (m.time, m.observable)))
        patients.append(Patient(f"h{i}", (), (), ordered, group=f"p{i - (i % 3 == 2)}"))
    return make_cohort("drawn", patients, UNITS)


COHORT = drawn(120)


def test_the_fit_reports_what_it_declares(stand_in):
    found = state_space_fit.run(TWIN, stand_in("state_space_fit", build_cohort=COHORT), **FEW)
    assert {key: q.unit for key, q in found.values.items()} == state_space_fit.metrics(TWIN, FEW)
    assert found.values["n_persons"].value == 80.0 and found.values["n_records"].value == 120.0
    assert found.values["n_slots"].value == 120.0 * 5
    assert len(found.tables["estimates"].rows) == 23
    assert found.values["log_likelihood"].value >= found.values["log_likelihood_before"].value
    assert any("ended by its limit" in told for told in found.negative)
    assert all(q.low < q.value < q.high for key, q in found.values.items() if key.startswith(("k_", "sd_", "error_")))
    assert all(q.low > 0.0 for key, q in found.values.items() if key.startswith(("k_", "sd_", "error_", "drift_")))


def test_the_forecast_reports_what_it_declares_and_persistence_is_that_of_the_data(stand_in):
    settings = {**FEW, "folds": 2}
    found = slot_forecast.run(TWIN, stand_in("slot_forecast", build_cohort=COHORT), **settings)
    assert {key: q.unit for key, q in found.values.items()} == slot_forecast.metrics(TWIN, settings)
    steps = [
        b.value - a.value
        for p in COHORT.patients
        for a, b in zip(*[[m for m in p.measurements if m.observable == "map"][i:] for i in (0, 1)], strict=False)
    ]
    q = found.values["persistence_rmse_map"]
    assert q.value == pytest.approx(np.sqrt(np.mean(np.square(steps))), rel=1e-9)
    assert found.values["n_map"].value == len(steps) and q.n == 80 and q.low < q.value < q.high
    assert found.values["n_records_failed"].value == 0.0


def test_a_person_is_scored_by_a_fit_that_has_not_seen_that_person(stand_in, monkeypatch):
    seen = []
    whole = forecasting.fit_state_space

    def spied(twin, records, **settings):
        seen.append({one.group for one in records})
        return whole(twin, records, **settings)

    scored = forecasting._scored

    def checked(twin, fit, records):
        assert not {one.group for one in records} & set(fit.groups)
        return scored(twin, fit, records)

    monkeypatch.setattr(forecasting, "fit_state_space", spied)
    monkeypatch.setattr(forecasting, "_scored", checked)
    slot_forecast.run(TWIN, stand_in("slot_forecast", build_cohort=COHORT), folds=3, **FEW)
    assert len(seen) == 3 and set.union(*seen) == set(persons(all_slots(TWIN, COHORT)))


def test_scores_are_those_of_the_filter_slot_by_slot():
    records = all_slots(TWIN, COHORT)[:3]
    fit = replace(_untouched(), groups=())
    rows, failed = forecasting._scored(TWIN, fit, records)
    assert failed == 0
    system, prior = system_of(TWIN, fit.candidate), first_belief(TWIN, fit.candidate)
    squares = 0.0
    for one in records:
        found = follow_slots(system, prior, one)
        squares += sum((found.predicted[t, 1] - one.values[t, 1]) ** 2 for t in range(1, 5))
    assert sum(row.reshape(3, -1)[1, 1] for row in rows.values()) == pytest.approx(squares, rel=1e-12)


def _untouched():
    """The declaration as if it had been fitted."""
    candidate = declared(TWIN)
    return fitting.Fit(candidate, (), 0.0, 0.0, 0, True, (), candidate, np.zeros(0), np.zeros((0, 0)))


def test_of_many_persons_some_are_drawn_whole(stand_in):
    context = stand_in("state_space_fit", build_cohort=COHORT)
    some = build_records(TWIN, context, 5)
    assert len(persons(some)) == 5
    assert {one.patient for one in some} == {p.id for p in COHORT.patients if p.group in persons(some)}
    assert len(build_records(TWIN, context, 0)) == 120 == len(build_records(TWIN, context, 200))


def test_folds_deal_out_persons_and_refuse_too_many():
    records = all_slots(TWIN, COHORT)
    parts = person_folds(records, 3, "x")
    assert set.union(*map(set, parts)) == set(persons(records)) and sum(map(len, parts)) == 80
    with pytest.raises(InputError, match="2 to 80 folds"):
        person_folds(records, 81, "x")


def test_a_twin_without_slots_and_a_cohort_without_channels_are_not_evaluable(stand_in):
    with pytest.raises(NotEvaluable, match="not followed in slots"):
        state_space_fit.metrics(replace(TWIN, state_space=None), FEW)
    other = make_cohort(
        "other", [Patient("1", (), (), (Measurement(0.0, "sodium", 140.0),))], {"time": "h", "sodium": "1"}
    )
    with pytest.raises(NotEvaluable, match="no build patient has a value"):
        build_records(TWIN, stand_in("state_space_fit", build_cohort=other), 0)


def test_findings_can_speak_against_the_twin():
    values = {
        "n_not_converged": forecasting.Quantity(1.0, "1"),
        **{f"gain_{o.name}": forecasting.Quantity(1.0, "%", lower95=-1.0) for o in TWIN.model.observables},
        **{f"spread_factor_{o.name}": forecasting.Quantity(1.3, "1", 1.2, 1.4) for o in TWIN.model.observables},
    }
    told = forecasting._negative(TWIN, values)
    assert len(told) == 1 + 3 + 3 and sum("too sure" in one for one in told) == 3
