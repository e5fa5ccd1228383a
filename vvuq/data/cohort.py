"""Makes a Cohort from records, and refuses what no analysis could trust.

Convention for one instant: a sample drawn at the time of a dose was drawn before that dose."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from numbers import Real

from vvuq.data import units as unit_rules
from vvuq.errors import InputError
from vvuq.record import Cohort, Dose, Measurement, Patient

Place = Callable[[str, str, int], str]


def make_cohort(
    name: str,
    patients: Iterable[Patient],
    units: Mapping[str, str],
    *,
    place: Place | None = None,
    notes: Iterable[tuple[str, int]] = (),
) -> Cohort:
    """The validated cohort of `patients`, numbers as floats, with its digest.

    `units` gives a pint unit for "time", each kind of dose, covariate and observable. `place` (patient id, "dose",
    "measurement" or "covariate", index from 0) names where a record came from in messages; the default names the
    cohort, the patient and the record. Raises InputError with that place, the field, its value and a remedy."""
    records = tuple(patients)
    if not records:
        raise InputError(f"cohort {name}", "patients", 0, "at least one patient")
    locate = place or (lambda patient, what, index: f"cohort {name}, patient {patient}, {what} {index + 1}")
    dimensions = unit_rules.check_units(f"cohort {name}", units, _kinds(name, records))
    _check_ids(name, records)
    names = tuple(key for key, _ in records[0].covariates)
    checked = tuple(_checked(patient, names, dimensions, locate) for patient in records)
    ordered = tuple(sorted(units.items()))
    return Cohort(name, checked, ordered, digest(checked, ordered), tuple(notes))


def digest(patients: Iterable[Patient], units: Iterable[tuple[str, str]]) -> str:
    """sha256 of the canonical JSON of units and records in their order; the cohort's name is not part of it."""
    records = [
        {
            "id": patient.id,
            "covariates": patient.covariates,
            "doses": [_told(dose) for dose in patient.doses],
            "measurements": [(m.time, m.observable, m.value) for m in patient.measurements],
            **({"group": patient.group} if patient.group else {}),
        }
        for patient in patients
    ]
    body = {"units": dict(units), "patients": records}
    text = json.dumps(body, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _told(dose: Dose) -> tuple[float | str, ...]:
    """A dose in the digest; the name of an unnamed one is left out, so that old digests stay as they were."""
    plain = (dose.time, dose.amount, dose.duration)
    return plain if dose.what == "dose" else (*plain, dose.what)


def _kinds(name: str, records: tuple[Patient, ...]) -> dict[str, str]:
    """What each named field is: "time", "dose", "covariate" or "observable"; a name may be only one of them."""
    named = {("time", "time")} | {(dose.what, "dose") for patient in records for dose in patient.doses}
    named |= {(key, "covariate") for patient in records for key, _ in patient.covariates}
    named |= {(sample.observable, "observable") for patient in records for sample in patient.measurements}
    kinds = dict(sorted(named))
    for field, kind in sorted(named):
        if kinds[field] != kind:
            remedy = f"a name of its own; {field} already names a {kind}"
            raise InputError(f"cohort {name}", kinds[field], field, remedy)
    return kinds


def _check_ids(name: str, records: tuple[Patient, ...]) -> None:
    seen: set[str] = set()
    for number, patient in enumerate(records, 1):
        where = f"cohort {name}, patient number {number}"
        if not isinstance(patient.id, str) or not patient.id or patient.id != patient.id.strip():
            raise InputError(where, "id", patient.id, "a text that is not empty, without blanks around it")
        if patient.id in seen:
            raise InputError(where, "id", patient.id, "an id that no other patient of the cohort has")
        seen.add(patient.id)


def _checked(patient: Patient, names: tuple[str, ...], dimensions: Mapping[str, str], place: Place) -> Patient:
    doses = tuple(_dose(d, place(patient.id, "dose", i)) for i, d in enumerate(patient.doses))
    samples = tuple(
        _measurement(m, dimensions[m.observable], place(patient.id, "measurement", i))
        for i, m in enumerate(patient.measurements)
    )
    _check_ascending("dose", [d.time for d in doses], patient.id, place)
    _check_ascending("measurement", [m.time for m in samples], patient.id, place)
    _check_unique(samples, patient.id, place)
    covariates = _covariates(patient, names, dimensions, place)
    return replace(patient, covariates=covariates, doses=doses, measurements=samples)


def _dose(dose: Dose, where: str) -> Dose:
    time = _finite(dose.time, where, "dose time")
    amount = _finite(dose.amount, where, "dose amount")
    duration = _finite(dose.duration, where, "dose duration")
    if amount <= 0.0:
        raise InputError(where, "dose amount", amount, "an amount above 0; leave out what was not given")
    if duration < 0.0:
        raise InputError(where, "dose duration", duration, "0 for a bolus, else the length of the infusion")
    if not isinstance(dose.what, str) or not dose.what.strip():
        raise InputError(where, "dose name", dose.what, "what was given, as carbohydrate; dose where there is one kind")
    return Dose(time, amount, duration, dose.what)


def _measurement(sample: Measurement, dimension: str, where: str) -> Measurement:
    """A concentration of 0 is refused: an assay reports "below its limit", and no proportional error fits 0."""
    time = _finite(sample.time, where, "measurement time")
    value = _finite(sample.value, where, sample.observable)
    if dimension == unit_rules.CONCENTRATION and value <= 0.0:
        remedy = "a concentration above 0; a result below the limit of quantification is no value: leave it out"
        raise InputError(where, sample.observable, value, remedy)
    return Measurement(time, sample.observable, value)


def _check_ascending(what: str, times: list[float], patient: str, place: Place) -> None:
    for index in range(1, len(times)):
        if times[index] < times[index - 1]:
            remedy = f"a time not before {times[index - 1]:g}, the one above; sort the records, none is sorted here"
            raise InputError(place(patient, what, index), f"{what} time", times[index], remedy)


def _check_unique(samples: tuple[Measurement, ...], patient: str, place: Place) -> None:
    seen: set[tuple[float, str]] = set()
    for index, sample in enumerate(samples):
        if (sample.time, sample.observable) in seen:
            remedy = f"one value of {sample.observable} a time; decide which of the two is meant"
            raise InputError(place(patient, "measurement", index), "measurement time", sample.time, remedy)
        seen.add((sample.time, sample.observable))


def _covariates(
    patient: Patient, names: tuple[str, ...], dimensions: Mapping[str, str], place: Place
) -> tuple[tuple[str, float], ...]:
    """The patient's covariates in the order of the cohort's first patient."""
    where = place(patient.id, "covariate", 0)
    given = [key for key, _ in patient.covariates]
    if sorted(given) != sorted(names) or len(set(given)) != len(given):
        raise InputError(where, "covariates", given, f"each of {list(names)} once, as the first patient has them")
    values = {key: _finite(value, where, key) for key, value in patient.covariates}
    for key, value in values.items():
        if dimensions[key] == unit_rules.MASS and value <= 0.0:
            raise InputError(where, key, value, "a mass above 0")
    return tuple((key, values[key]) for key in names)


def _finite(value: object, where: str, field: str) -> float:
    if type(value) is float and math.isfinite(value):  # nearly all are, and large cohorts have a million of them
        return value + 0.0
    if isinstance(value, bool) or not isinstance(value, Real):
        raise InputError(where, field, value, "a number")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise InputError(where, field, value, "a finite number; a missing value is left out, not written as NaN")
    return number + 0.0  # a negative zero becomes 0, so that equal records have equal digests
