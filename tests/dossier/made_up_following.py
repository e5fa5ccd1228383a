"""Made-up evidence of analyses of twins that follow patients: every number is invented."""

from __future__ import annotations

from dossier.made_up_care import (
    care_process,
    missingness_patterns,
    misuse,
    orders_ahead,
    orders_sensitivity,
    recovery,
    sensor_gaps,
)

from vvuq.record import Cost, Evidence, Quantity, Table

SOMEBODY = "neonate-4711"


def followers() -> tuple[Evidence, ...]:
    """All of them, of when measurements are ordered, of what was measured when, of gaps, and of orders."""
    return (
        tracking_fit(),
        tracking_consistency(),
        scaffold_answers(),
        care_process(),
        missingness_patterns(),
        sensor_gaps(),
        recovery(),
        misuse(),
        orders_sensitivity(),
        orders_ahead("orders_comparison"),
        orders_ahead("orders_holdout"),
    )


def scaffold_answers() -> Evidence:
    """Suite validation."""
    names = ("crps_30", "crps_60", "crps_120", "crps_180", "worse", "worse_low", "worse_high")
    forecasts = Table(
        "Scaffolds", ("forecaster", "kind", "scaffold", *names), ("", "", "", *("mg/L",) * 4, "%", "%", "%"),
        (
            ("walk", "mechanistic", "as declared", 8.0, 15.0, 27.0, 33.0, None, None, None),
            ("walk", "mechanistic", "doses ignored", 8.1, 15.2, 27.5, 33.5, 1.4, -1.0, 4.0),
            ("net", "data-driven", "as declared", 7.9, 14.0, 25.0, 31.0, None, None, None),
        ),
    )  # fmt: skip
    columns = ("answer_30", "answer_60", "answer_120", "answer_180", "bias", "bias_low", "bias_high", "off", "worse")
    answers = Table(
        "Answers", ("forecaster", "kind", "scaffold", "action", *columns),
        ("", "", "", "", *("mg/L",) * 7, "%", "%"),
        (
            ("walk", "mechanistic", "as declared", "2 dose", 1.0, 2.0, 8.0, 11.0, 0.0, 0.0, 0.0, 0.0, None),
            ("walk", "mechanistic", "doses ignored", "2 dose", 0.0, 0.0, 0.0, 0.0, -11.0, -16.0, -6.0, 100.0, 1.4),
            ("net", "data-driven", "as declared", "2 dose", 0.1, 0.3, 0.5, 1.0, -10.0, -15.0, -5.0, 91.0, None),
            ("walk", "mechanistic", "as declared", "1 other", 1.0, 2.0, 8.0, 11.0, 0.0, 0.0, 0.0, 0.0, None),
        ),
    )  # fmt: skip
    values = {"n_patients": Quantity(6.0, "1"), "off_walk_doses_ignored_2_dose": Quantity(100.0, "%", n=6)}
    return Evidence(
        "Would a wrong scaffold be seen in forecasts?", "scaffold_answers", 1, "pk", {}, "scaffold_answers", values,
        {"forecasts": forecasts, "answers": answers}, negative=("walk (doses ignored) is off.",),
        cost=Cost(1.0, 1.0, 0),
    )  # fmt: skip


def tracking_consistency() -> Evidence:
    """Suite verification."""
    ends = ("1",) * 5
    nis = Table(
        "NIS", ("patients_of", "earlier_samples", "n", "nis", "bound_low", "bound_high"), ("", *ends),
        (("simulated", "0", 60, 1.1, 0.7, 1.4), ("build", "0", 6, 2.5, 0.2, 2.4), ("build", "1", 6, 0.8, 0.2, 2.4)),
    )  # fmt: skip
    pit = Table(
        "PIT", ("patients_of", "pit_from", "pit_to", "count", "share", "bound_low", "bound_high"),
        ("", "1", "1", "1", "%", "%", "%"),
        (("build", 0.0, 0.5, 40, 44.0, 41.0, 59.0), ("build", 0.5, 1.0, 50, 56.0, 41.0, 59.0)),
    )  # fmt: skip
    values = {"nis": Quantity(0.84, "1", 0.6, 1.0, 0.95, 0.65, 0.98, "epistemic", 6)}
    values["simulated_out_of_range"] = Quantity(61.7, "%", n=60)
    return Evidence(
        "Is the filter that follows patients as uncertain as it should be?", "tracking_consistency", 1, "pk", {},
        "tracking_consistency", values, {"nis": nis, "pit": pit}, cost=Cost(1.0, 1.0, 0),
    )  # fmt: skip


def tracking_fit() -> Evidence:
    """Suite calibration."""
    estimates = Table(
        "The population",
        ("parameter", "unit", "declared", "estimate", "low", "high", "prior_percentile", "meaning"),
        ("", "", "", "", "", "", "%", ""),
        (
            ("k", "1/h", 0.1, 0.12, 0.1, 0.15, 64.0, "rate"),
            ("drift_k", "1/h^0.5", 0.01, 0.02, None, None, None, "random change"),
        ),
    )
    names = ("parameter", "unit", "patients", "median", "prior_sd", "between_sd", "own_sd", "learned", "implausible")
    one, other = ("k", "1/h", 9, 0.11, 0.4, 0.3, 0.2, 75.0, 1), ("f", "1", 9, 0.8, 0.4, None, 0.3, 44.0, 0)
    patients = Table("Patients", names, ("", "", "1", "", "1", "1", "1", "%", "1"), (one, other))
    columns = ("patient", "day", "k", "k_low", "k_high")
    days = Table("Days", columns, ("", "1", "1/h", "1/h", "1/h"), ((SOMEBODY, 1, 0.1, 0.05, 0.2),), individual=True)
    counts = {"n_patients": 9.0, "evaluations": 151.0, "score": 0.6, "score_before": 0.7}
    values = {key: Quantity(value, "1") for key, value in counts.items()}
    values["k"] = Quantity(0.12, "1/h", 0.1, 0.15, 0.95, 0.105, 0.145, "epistemic", 9)
    tables = {"estimates": estimates, "patients": patients, "days": days}
    return Evidence(
        "Which population do patients give?", "tracking_fit", 1, "pk", {}, "tracking_fit", values, tables,
        negative=("The typical k is hardly known.",), cost=Cost(1.0, 1.0, 0),
    )  # fmt: skip
