"""Made-up evidence of the analyses: every number is invented."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise
from typing import Any

from dossier.made_up_decision import decisions
from dossier.made_up_following import followers
from dossier.made_up_forecasters import forecasters
from dossier.made_up_uncertainty import unknowns

from vvuq.record import Cost, Evidence, Quantity, Table

SECRET = "neonate-4711"  # the id of the made-up patients' records: it must never stand on a public page


def q(value: float, unit: str = "1", half: float | None = None, n: int | None = None, kind: Any = None) -> Quantity:
    """A quantity with a symmetric 95 % interval."""
    if half is None:
        return Quantity(value, unit, n=n)
    ends = (value - half, value + half, 0.95, value - 0.84 * half, value + 0.84 * half)
    return Quantity(value, unit, *ends, kind, n)


def table(title: str, columns: str, *rows: tuple[Any, ...], individual: bool = False) -> Table:
    """columns: "step[h] error[mg/L] order"."""
    names = [entry.partition("[") for entry in columns.split()]
    units = tuple(unit.rstrip("]") or "1" for _, _, unit in names)
    return Table(title, tuple(name for name, _, _ in names), units, tuple(rows), individual)


def evidence(analysis: str, question: str, values: dict[str, Quantity], **more: Any) -> Evidence:
    """An Evidence of the made-up twin."""
    base = Evidence(
        question, analysis, 1, "pk", {"budget": "quick"}, f"{analysis}/main", values, cost=Cost(1.25, 1.5, 640)
    )
    return replace(base, **more)


def cohort() -> Evidence:
    """Suite data."""
    names = "screened excluded analysed build held_out overlap measurements doses"
    counts = dict(zip(names.split(), (45, 3, 42, 28, 14, 0, 111, 420), strict=True))
    flow = table(
        "Flow",
        "step patients measurements",
        ("screened", 45, 118),
        ("excluded", 3, 7),
        ("analysed", 42, 111),
        ("build", 28, 74),
        ("held out", 14, 37),
    )
    table1 = table(
        "Characteristics at birth",
        "characteristic unit build held_out",
        ("weight", "kg", "1.4 [0.7 to 3.4]", "1.5 [0.8 to 3.1]"),
        ("Apgar score, 5 min", "–", "7 [1 to 10]", "6 [2 to 9]"),
    )
    missing = table("Missing values", "field missing_build missing_held_out", ("weight", 0, 0), ("apgar", 1, 0))
    return evidence(
        "cohort",
        "Who was screened, excluded and analysed, and is no patient in both parts?",
        {f"n_{name}": q(float(count)) for name, count in counts.items()},
        tables={"flow": flow, "table1": table1, "missingness": missing},
        findings=("No patient is in both parts.",),
    )


def population_fit() -> Evidence:
    """Suite calibration."""
    rows = (
        ("CL", "L/h/kg", 0.0051, 0.0003, "clearance"),
        ("V", "L/kg", 0.91, 0.03, "volume"),
        ("apgar_effect", "1", 0.13, 0.07, "effect of a low Apgar score on V"),
        ("omega_CL", "1", 0.21, 0.05, "spread of CL"),
        ("omega_V", "1", 0.15, 0.03, "spread of V"),
        ("sigma", "1", 0.115, 0.011, "residual error"),
    )
    values = {name: q(value, unit, 1.96 * se, 28, "epistemic") for name, unit, value, se, _ in rows}
    values |= {
        "objective": q(312.4),
        "n_patients": q(28.0),
        "n_measurements": q(74.0),
        "shrinkage_CL": q(31.0, "%"),
        "shrinkage_V": q(12.0, "%"),
    }
    estimates = table(
        "Population estimates",
        "parameter unit estimate standard_error rse_percent[%] low high meaning",
        *((n, u, v, se, 100 * se / v, v - 1.96 * se, v + 1.96 * se, meaning) for n, u, v, se, meaning in rows),
    )
    return evidence(
        "population_fit",
        "What do the build patients say about the population's parameters?",
        values,
        tables={"estimates": estimates},
        negative=("The effect of a low Apgar score is poorly known.",),
    )


def convergence() -> Evidence:
    """Suite verification."""
    steps = [8.0 / 2**power for power in range(7)]
    errors = [3e-4 * (step / 8) ** 4.05 for step in steps]
    orders = [None, *(math.log2(a / b) for a, b in pairwise(errors))]
    rows = tuple((s, e, o, index > 0) for index, (s, e, o) in enumerate(zip(steps, errors, orders, strict=True)))
    values = {
        "observed_order": q(4.03, "1", 0.06),
        "theoretical_order": q(4.0),
        "order_deviation": q(0.03),
        "finest_error": q(errors[-1], "mg/L"),
        "adaptive_error": q(3.1e-9, "mg/L"),
        "adaptive_tolerance": q(1e-8, "mg/L"),
    }
    return evidence(
        "convergence",
        "Does the integrator converge at the order it claims?",
        values,
        tables={
            "refinement": table("Step halvings", "step[h] error[mg/L] order in_asymptotic_range", *rows),
            "cases": table(
                "Cases", "case observed_order finest_error[mg/L]", ("bolus", 4.03, 7e-12), ("infusion", 4.01, 9e-12)
            ),
        },
    )


def filter_exactness() -> Evidence:
    """Suite verification."""
    values = {
        f"{name}_difference": q(size)
        for name, size in (("mean", 3.2e-13), ("covariance", 8.1e-13), ("log_likelihood", 1.4e-12))
    }
    columns = "states observations mean_difference covariance_difference log_likelihood_difference"
    rows = tuple((n, 5 * n, n * 1e-13, n * 2e-13, n * 3e-13) for n in range(1, 5))
    return evidence(
        "filter_exactness",
        "Does the filter equal the Kalman filter where that one is exact?",
        values | {"n_cases": q(40.0)},
        tables={"cases": table("Worst by size", columns, *rows)},
    )


def filter_consistency() -> Evidence:
    """Suite verification."""
    real = {"n_patients": 28.0, "n_measurements": 74.0, "failed_steps": 0.0, "n_rejected": 1.0, "correlation": 0.08}
    real |= {"p_nis": 0.031, "p_nis_by_patient": 0.4, "p_pit": 0.22, "p_whiteness": 0.61}
    could = {"overconfidence": 1.3, "underconfidence": 1.34, "correlation": 0.41}
    values = {name: q(value, n=28) for name, value in real.items()}
    values |= {f"detectable_{name}": q(value, n=74) for name, value in could.items()}
    values |= {"nis": q(1.42, "1", 0.3, 28, "epistemic"), "spread_factor": q(1.19, "1", 0.13, 28, "epistemic")}
    names = ("innovation", "state", "parameter")
    values |= {f"simulated_{name}_factor": q(1.01, "1", 0.02, 1400, "numerical") for name in names}
    values |= {"simulated_patients": q(1400.0), "simulated_nis": q(1.02, "1", 0.04, 1400, "numerical")}
    values |= {"simulated_correlation": q(0.01, n=2300), "simulated_rejected": q(6.0, "%", 5.0, 50, "numerical")}
    real_tests = ("nis", 1.42, 0.71, 1.34, 0.7, 1.4, 0.031, 74, "rejected: overconfident", "1.42 times")
    drawn_tests = ("nees", 1.04, 0.95, 1.05, 0.3, 1400, "consistent", "1.04 times")
    parts = (("simulated", 3700, 1.2), ("build", 74, 4.0))
    labels = ("0", "1", "2", "3 or more")
    by_history = [(part, at, n // 4, 1.1, 1.0 - half / 8, 1.0 + half / 8) for part, n, half in parts for at in labels]
    shares = [
        (part, place / 10, (place + 1) / 10, n // 10, 10.0 + half * math.sin(place), 10.0 - half, 10.0 + half)
        for part, n, half in parts
        for place in range(10)
    ]
    columns = "test statistic bound_low bound_high {} adjusted_p n decision reason"
    return evidence(
        "filter_consistency",
        "Is the filter's own uncertainty consistent with what it then sees?",
        values,
        tables={
            "decisions": table("Tests", columns.format("usual_low usual_high"), real_tests),
            "simulated": table("Tests, simulated", columns.format(""), drawn_tests),
            "nis": table("By earlier samples", "patients_of earlier_samples n nis bound_low bound_high", *by_history),
            "pit": table("PIT", "patients_of pit_from pit_to count share[%] bound_low[%] bound_high[%]", *shares),
            "power": table("Power", "test departure size power[%] n", ("nis", "overconfident", 1.3, 80.0, 74)),
        },
        findings=("With a probability of 80 % these numbers would have shown SDs too small by a factor of 1.30.",),
        negative=("On build patients, nis: overconfident, 1.42 times.",),
    )


def forecasts(name: str, question: str, patients: int, shift: float) -> Evidence:
    """The validation suite; single patients are shown where they were held out."""
    shown = single_patients(patients) if name == "holdout" else {}
    return evidence(
        name,
        question,
        scores(patients, shift),
        tables={**groups(patients), **shown},
        findings=("After one sample the twin forecasts better than the population.",),
        negative=("Intervals of patients with a low Apgar score are too narrow.",),
    )


def scores(n: int, shift: float) -> dict[str, Quantity]:
    """Values of the validation suite for n patients."""
    values = {"n_patients": q(float(n)), "n_predictions": q(float(3 * n)), "failed_members": q(0.0), "n_leaked": q(0.0)}
    own = {
        "mdpe": -2.1,
        "mdape": 17.3,
        "mdape_gain": 9.4,
        "coverage_50": 46.0,
        "coverage_80": 76.0,
        "coverage_90": 87.0,
    }
    base = {
        "mdpe": 4.0,
        "mdape": 26.7,
        "coverage_50": 53.0,
        "coverage_80": 83.0,
        "coverage_90": 92.0,
        "coverage_95": 97.0,
    }
    values |= {key: q(value + shift, "%", 5.2, n) for key, value in {**own, "coverage_95": 91.0}.items()}
    values |= {f"baseline_{key}": q(value, "%", 6.0, n) for key, value in base.items()}
    values |= {
        "crps": q(2.31, "mg/L", 0.44, n),
        "baseline_crps": q(3.5, "mg/L", 0.6, n),
        "crps_skill": q(0.34, "1", 0.1, n),
    }
    values |= {"interval90_width": q(13.2, "mg/L", 1.1, n), "baseline_interval90_width": q(22.9, "mg/L", 1.6, n)}
    values |= {f"sd_log_CL_{k}": q(0.4 / (1 + k), "1", 0.02, n) for k in range(4)}
    return values | {f"epistemic_share_{k}": q(share, "1", 0.06, n) for k, share in enumerate((0.81, 0.42, 0.24))}


def groups(n: int) -> dict[str, Table]:
    """Tables of the validation suite that speak of groups."""
    history = []
    for k in range(4):
        sds = (math.hypot(6 / (1 + k), 3.0), 6 / (1 + k), 3.0)
        label = "3 or more" if k == 3 else str(k)
        history.append((label, n - 3 * k, n - 2 * k, -2.0 + k, 26.0 - 5 * k, 3.4 - 0.5 * k, 3.5, 88.0 + k, *sds))
    cover = [
        (float(level), level - 2.0, level - 9.0, min(100.0, level + 5.0), level + 3.0) for level in (50, 80, 90, 95)
    ]
    columns = (
        "earlier_samples patients predictions mdpe[%] mdape[%] crps[mg/L] baseline_crps[mg/L] coverage_90[%] "
        "total_sd[mg/L] epistemic_sd[mg/L] aleatory_sd[mg/L]"
    )
    parts = (("weight below 1.2 kg", 9, 27, 19.2, 2.6, 85.0), ("low Apgar score", 0, 0, None, None, None))
    target = [(k, n - 6, 3.5 / (1 + k), 2.6, 14.0 - 2 * k, 0.6 / (1 + k)) for k in range(3)]
    learning = [(k, n - 3 * k, 0.4 / (1 + k), 0.3 / (1 + k)) for k in range(4)]
    return {
        "by_history": table("By number of earlier samples", columns, *history),
        "coverage": table("Coverage", "nominal[%] observed[%] low[%] high[%] baseline[%]", *cover),
        "by_group": table("By group", "group patients predictions mdape[%] crps[mg/L] coverage_90[%]", *parts),
        "narrowing": table(
            "Third measurement",
            "samples patients epistemic_sd[mg/L] aleatory_sd[mg/L] band90_width[mg/L] epistemic_share",
            *target,
        ),
        "learning": table("What is not known", "samples patients sd_log_CL sd_log_V", *learning),
    }


def single_patients(n: int) -> dict[str, Table]:
    """Tables of the validation suite that speak of single patients."""
    rows = []
    for i in range(n):
        middle = 20 * 1.15 ** (i % 7)
        rows.append(
            (f"{SECRET}-{i}", 10.0 * i, i % 4, middle * (1 + 0.1 * math.sin(i)), middle, 12.0, 31.0, 15.0, 26.0)
        )
    columns = "patient time[h] earlier_samples observed[mg/L] median[mg/L] low90[mg/L] high90[mg/L]"
    inner = " epistemic_low90[mg/L] epistemic_high90[mg/L]"
    course = "patient earlier_samples time[h] median[mg/L] low90[mg/L] high90[mg/L]"
    worst = [(f"{SECRET}-{i}", 3, 60.0 - 4 * i) for i in range(10)]
    return {
        "predictions": table("Every forecast", columns + inner, *rows, individual=True),
        "worst": table("The ten worst", "patient predictions mdape[%]", *worst, individual=True),
        "bands": table("Forecast bands of one patient", course + inner, *bands(), individual=True),
    }


def bands() -> tuple[tuple[Any, ...], ...]:
    """Nested bands that narrow with the number of samples."""
    rows = []
    for count in range(4):
        for step in range(25):
            middle = 18 + 6 * math.sin(step / 4) ** 2
            inner = 9 / (1 + count)
            outer = math.hypot(inner, 4.0)
            rows.append(
                (SECRET, count, 6.0 * step, middle, middle - outer, middle + outer, middle - inner, middle + inner)
            )
    return tuple(rows)


def sensitivity() -> Evidence:
    """Suite uncertainty."""
    names, first = ("CL", "V", "apgar_effect"), (0.86, 0.11, 0.01)
    values = {
        "qoi_mean": q(24.1, "mg/L"),
        "qoi_sd": q(5.9, "mg/L"),
        "qoi_low95": q(15.8, "mg/L"),
        "qoi_high95": q(34.9, "mg/L"),
        "share_both": q(0.99),
        "share_epistemic": q(0.01),
        "pce_error_bound": q(5.1e-5),
        "largest_disagreement": q(0.012),
        "agreement": q(1.0),
        "pce_validation_error": q(3.4e-5),
        "n_runs_sobol": q(81920.0),
        "n_runs_pce": q(600.0),
        "sum_first_order": q(0.98, "1", 0.02),
    }
    values |= {f"S1_{name}": q(value, "1", 0.02) for name, value in zip(names, first, strict=True)}
    values |= {f"ST_{name}": q(value + 0.02, "1", 0.02) for name, value in zip(names, first, strict=True)}
    indices = tuple(
        (name, order, v, v - 0.02, v + 0.02, v + 0.004, v - 0.01, v + 0.01, 0.004, True)
        for order, more in (("first", 0.0), ("total", 0.02))
        for name, v in zip(names, (one + more for one in first), strict=True)
    )
    course = tuple(
        (name, 12.0 * step, v * step / 9, v * step / 9 - 0.02, v * step / 9 + 0.02, v, v - 0.02, v + 0.03)
        for name, v in zip(names, first, strict=True)
        for step in range(1, 10)
    )
    density = tuple((5.0 + step, math.exp(-(((step - 19) / 7) ** 2)) / 12.4) for step in range(45))
    inputs = (
        ("CL", "L/h/kg", "both", "log-normal", "population fit", 28),
        ("V", "L/kg", "both", "log-normal", "population fit", 28),
        ("apgar_effect", "1", "epistemic", "normal", "population fit", 28),
    )
    return evidence(
        "sensitivity",
        "Which uncertain parameter moves the steady-state trough, and do two methods agree?",
        values,
        tables={
            "indices": table(
                "Indices", "parameter order sobol low high pce pce_low pce_high difference agree", *indices
            ),
            "inputs": table("Uncertain inputs", "parameter unit status distribution source n_behind", *inputs),
            "looks": table("Half-widths", "runs widest_half_width", (2560, 0.11), (5120, 0.04)),
            "course": table("Course", "parameter time first first_low first_high total total_low total_high", *course),
            "shapley": table("Shapley effects", "parameter shapley low high", ("CL", 0.87, 0.85, 0.89)),
            "density": table("Density of the trough", "value[mg/L] density[L/mg]", *density),
        },
    )


def fisher() -> Evidence:
    """Suite identifiability."""
    rows = (
        (1, 6, 0, 6, 240.0, 35.0, 0.99),
        (2, 12, 12, 4, 62.0, 21.0, 0.71),
        (3, 16, 16, 1, 33.0, 14.0, 0.48),
        (4, 8, 8, 0, 24.0, 11.0, 0.39),
    )
    people = tuple(
        (f"{SECRET}-{i}", 1 + i % 4, 1 + (i % 4 > 0), 10.0 ** (i % 5), 20.0 + i, 11.0, 0.4, "log CL − log V", i % 4 > 0)
        for i in range(42)
    )
    values = {
        "n_patients": q(42.0),
        "n_rank_deficient": q(6.0),
        "n_cannot_separate": q(11.0),
        "share_cannot_separate": q(26.2, "%", 13.0, 42),
        "median_rse_CL": q(44.0, "%", 9.0, 42),
        "median_rse_V": q(17.0, "%", 3.0, 42),
    }
    return evidence(
        "fisher",
        "Can each patient's own samples tell the parameters apart?",
        values,
        tables={
            "by_samples": table(
                "By number of samples",
                "samples patients full_rank cannot_separate median_rse_CL[%] median_rse_V[%] median_abs_correlation",
                *rows,
            ),
            "patients": table(
                "Patient by patient",
                "patient samples rank condition rse_CL[%] rse_V[%] correlation weakest_combination separates",
                *people,
                individual=True,
            ),
        },
        negative=("One sample never tells clearance from volume.",),
    )


def all_evidence() -> tuple[Evidence, ...]:
    """All analyses, in the order in which they would run."""
    return (
        *(cohort(), population_fit(), convergence(), filter_exactness()),
        filter_consistency(),
        forecasts("cross_validation", "Does the twin forecast build patients it was not fitted to?", 28, 0.0),
        forecasts("holdout", "Does the twin forecast patients whom nobody had looked at?", 14, 3.0),
        *(sensitivity(), fisher(), *forecasters(), *followers(), *decisions(), *unknowns()),
    )
