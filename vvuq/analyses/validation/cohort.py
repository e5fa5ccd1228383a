"""Which patients were analysed, how were they split, and how much of the envelope do the held-out ones cover?"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from statistics import median
from typing import Any

from pydantic import ConfigDict, with_config
from typing_extensions import TypedDict

from vvuq.analyses import analysis, check, evidence
from vvuq.analyses.settings import CovariateName, Finite, Interval, Name, has_covariate, refused
from vvuq.data import describe
from vvuq.models.twin import Twin
from vvuq.record import Cohort, Context, Dose, Evidence, Finding, Patient, Quantity

Steps = tuple[int | None, int | None, int | None]
REASON = "counts and covariates for the flow diagram and table 1; measured values are not used"
ALIKE = math.log(1.25)  # amounts or intervals of one regimen differ by less than a quarter


@with_config(ConfigDict(extra="forbid", strict=True))
class Unrecorded(TypedDict, total=False):
    """What matters for the use and is not on record, in the plan's words: of the patients, of their conditions."""

    patients: list[Name]
    conditions: list[Name]


def _metrics(twin: Twin, settings: Mapping[str, Any]) -> dict[str, str]:
    spans = {f"envelope_{name}_covered": "%" for name in settings.get("envelope") or {}}
    return dict.fromkeys((*describe.COUNTS, "n_regimens_held_out"), "1") | spans


@analysis("Which patients were analysed, and how were they split?", suite="data", version=4, metrics=_metrics)
def cohort(
    twin: Twin,
    context: Context,
    *,
    envelope: dict[CovariateName, Interval] | None = None,
    below: dict[CovariateName, Finite] | None = None,
    dose_per: CovariateName | None = None,
    unrecorded: Unrecorded | None = None,
    bands: dict[Name, Interval] | None = None,
    external: list[Name] | None = None,
) -> Evidence:
    """Counts, flow, table 1, what is missing. envelope: covariate -> [low, high] of the context of use; below:
    covariate -> limit for table 1; dose_per: covariate that doses are divided by to tell regimens apart; bands:
    observable -> [low, high], for the shares of build patients' readings; external: cohorts to describe beside."""
    build = context.build()
    for name in envelope or {}:
        has_covariate(build, name, "cohort.envelope")
    for name in below or {}:
        has_covariate(build, name, "cohort.below")
    if dose_per is not None:
        has_covariate(build, dose_per, "cohort.dose_per")
    for name in bands or {}:
        if name not in describe.observables(build):
            raise refused("cohort.bands", name, f"what is measured: {', '.join(describe.observables(build))}")
    sealed = context.open_sealed(REASON)
    others = {name: context.external(name, REASON) for name in external or ()}
    values = {name: Quantity(float(count), "1") for name, count in describe.counts(build, sealed).items()}
    for name, (low, high) in (envelope or {}).items():
        share = 100.0 * covered(sealed, name, low, high)
        values[f"envelope_{name}_covered"] = Quantity(share, "%", n=len(sealed.patients))
    regimens = {tuple(regimen(p, dose_per).items()) for p in sealed.patients if p.doses}
    values["n_regimens_held_out"] = Quantity(float(len(regimens)), "1")
    tables = {
        "flow": describe.flow(build, sealed, external=others),
        "table1": describe.table1(build, sealed, tuple((below or {}).items()), others),
        "missingness": describe.missingness(build, sealed, others),
    }
    tables |= {"reading": describe.reading(build)} if build.notes else {}
    tables |= {f"reading_{name}": describe.reading(one) for name, one in others.items() if one.notes}
    tables |= {"within": describe.within(build, bands)} if bands else {}
    inputs: dict[str, object] = {
        "build": build.digest, "sealed": sealed.digest, "envelope": envelope or {}, "dose_per": dose_per or "",
        "covariates": [name for name, _ in build.patients[0].covariates], "unrecorded": unrecorded or {},
        **({"external": {name: one.digest for name, one in others.items()}} if others else {}),
    }  # fmt: skip
    return evidence(cohort, twin.name, inputs, values=values, tables=tables)


def covered(part: Cohort, covariate: str, low: float, high: float) -> float:
    """The share of [low, high] between the smallest and largest value of the part's patients."""
    values = [dict(p.covariates)[covariate] for p in part.patients]
    return max(0.0, min(max(values), high) - max(min(values), low)) / (high - low)


def regimen(patient: Patient, dose_per: str | None = None) -> dict[str, Steps]:
    """For each kind of dose: first dose, median later dose (both divided by a covariate where one is named) and median
    interval, each to a quarter of its size: what makes regimens alike. None where there is no later dose, or two stand
    at one time."""
    size = dict(patient.covariates)[dose_per] if dose_per else 1.0
    kinds = sorted({dose.what for dose in patient.doses})
    return {what: _steps([d for d in patient.doses if d.what == what], size) for what in kinds}


def _steps(doses: Sequence[Dose], size: float) -> Steps:
    first, later = doses[0].amount / size, [d.amount / size for d in doses[1:]]
    gaps = [b.time - a.time for a, b in pairwise(doses)]
    return _step(first), _step(median(later) if later else 0.0), _step(median(gaps) if gaps else 0.0)


def _step(value: float) -> int | None:
    return round(math.log(value) / ALIKE) if value > 0.0 else None


@check("cohort")
def comparators_span_the_envelope(found: Evidence) -> tuple[Finding, ...]:
    """Comparator rows that the cohort's description decides; none where a patient stands in both parts.

    Of what is not recorded the check knows what the plan says, so that no row rises above b by its word."""
    if found.values["n_overlap"].value != 0:
        return ()
    return (*_of_samples(found), *_of_conditions(found))


def _of_samples(found: Evidence) -> tuple[Finding, ...]:
    leaf, known = "validation.comparator.samples.measurements", found.inputs["covariates"]
    recorded = f"recorded for every patient: {', '.join(known)}" if known else "no characteristic is recorded"
    rows = [Finding(leaf, "b" if known else "a", recorded + _missing(found, "patients"))]
    spans = {name: v.value for name, v in found.values.items() if name.startswith("envelope_")}
    if spans:
        least = min(spans.values())
        rung, equal = "c" if least >= 90.0 else "b" if least > 0.0 else "a", "c" if least >= 90.0 else "b"
        share = (f"{n.removeprefix('envelope_').removesuffix('_covered')} {v:.0f} %" for n, v in spans.items())
        text = f"share of the envelope that held-out patients span: {', '.join(share)}"
        rows.append(Finding("validation.comparator.samples.range", rung, text))
        rows.append(Finding("validation.assessment.input_equivalency", equal, f"inputs are of the same types; {text}"))
    return tuple(rows)


def _of_conditions(found: Evidence) -> tuple[Finding, ...]:
    regimens, per = found.values["n_regimens_held_out"].value, found.inputs["dose_per"]
    if regimens == 0:
        return ()
    rung = "c" if regimens > 4 else "b" if regimens >= 2 else "a"
    count = f"{regimens:.0f} {'regimen' if regimens == 1 else 'regimens'}"
    text = f"{count} of held-out patients, by dose{f' per {per}' if per else ''} and interval"
    recorded = "doses and their times are recorded" + _missing(found, "conditions")
    return (
        Finding("validation.comparator.conditions.quantity", rung, text),
        Finding("validation.comparator.conditions.measurements", "b", recorded),
    )


def _missing(found: Evidence, part: str) -> str:
    said: Sequence[str] = found.inputs["unrecorded"].get(part, ())
    return f"; not recorded: {', '.join(said)}" if said else ""
