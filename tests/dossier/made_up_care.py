"""Made-up evidence of the analyses of missing data: every number is invented."""

from __future__ import annotations

from vvuq.record import Cost, Evidence, Quantity, Table

SOMEBODY = "neonate-4711"


def care_process() -> Evidence:
    """Suite missingness."""
    drivers = Table(
        "Odds of a level in a slot", ("driver", "odds", "low", "high", "removed_of_prior", "separated", "meaning"),
        ("", "1", "1", "1", "%", "", ""),
        (
            ("night", 0.4, 0.2, 0.8, 99.0, False, "between 22 and 6 h"),
            ("habit", 210.0, 40.0, 900.0, 97.0, False, "as yesterday"),
            ("lonely", 3.0, None, None, 20.0, True, "nobody came"),
        ),
    )  # fmt: skip
    groups = Table(
        "Slots with a level by predicted probability",
        ("from", "to", "slots", "orders", "predicted", "observed", "low", "high"), ("%", "%", "1", "1", *("%",) * 4),
        (
            (0.0, 1.0, 400, 0, 0.4, 0.0, 0.0, 0.0),
            (1.0, 10.0, 200, 12, 5.0, 6.0, 3.0, 9.0),
            (10.0, 100.0, 20, 9, 40.0, 45.0, None, None),
        ),
    )  # fmt: skip
    informative = Table(
        "Do orders depend on what they would find?",
        ("what", "unit", "value", "low", "high", "would_be_seen", "patients"), ("", "", "", "", "", "", "1"),
        (
            ("mean at a level less that of all", "mg/L", 2.0, 0.5, 3.5, None, 8),
            ("odds by 5 mg/L more", "1", 1.3, 0.8, 2.1, 1.9, 8),
        ),
    )  # fmt: skip
    columns = ("patient", "slots", "orders", "gain", "per_day", "drawn_low", "drawn_high", "difference",
               "difference_low", "difference_high")  # fmt: skip
    patients = Table(
        "Each patient", columns, ("", "1", "1", "1", *("1/day",) * 3, *("mg/L",) * 3),
        ((SOMEBODY, 310, 21, 0.1, 6.5, 4.0, 9.0, None, -1.0, 4.0),), individual=True,
    )  # fmt: skip
    values = {
        "n_patients": Quantity(9.0, "1"),
        "n_without": Quantity(1.0, "1"),
        "n_slots": Quantity(620.0, "1"),
        "per_day": Quantity(3.3, "1/day", 1.0, 5.6, 0.95, 1.4, 5.2, "epistemic", 9),
        "odds_now": Quantity(1.3, "1", 0.8, 2.1, 0.95, 0.9, 1.9, "epistemic", 8),
        "odds_night": Quantity(0.4, "1", 0.2, 0.8, 0.95, 0.25, 0.7, "epistemic", 9),
    }
    tables = {"drivers": drivers, "calibration": groups, "informative": informative, "patients": patients}
    return Evidence(
        "When is a level ordered, and does that depend on what it would find?", "care_process", 1, "pk", {},
        "care_process", values, tables, findings=("Whether a level is ordered depends on habit.",),
        negative=("1 of 9 patients has no level on record.",), cost=Cost(1.0, 1.0, 0),
    )  # fmt: skip


def missingness_patterns() -> Evidence:
    """Suite missingness."""
    ends = ("measured", "measured_low", "measured_high", "per_day", "per_day_low", "per_day_high")
    over_time = Table(
        "Since the beginning", ("channel", "from", "to", "on_record", *ends),
        ("", "h", "h", "1", *("%",) * 3, *("1/day",) * 3),
        (
            ("level", 0.0, 12.0, 9, 88.0, 60.0, 99.0, 1.8, 1.1, 2.5),
            ("level", 12.0, 24.0, 8, 25.0, 4.0, 61.0, 0.5, 0.0, 1.2),
            ("level", 24.0, 36.0, 2, None, None, None, None, None, None),
            ("rate", 0.0, 12.0, 9, 100.0, 71.0, 100.0, 24.0, None, None),
            ("rate", 12.0, 24.0, 8, 0.0, 0.0, 31.0, 0.0, 0.0, 0.0),
            ("rate", 24.0, 36.0, 2, None, None, None, None, None, None),
        ),
    )  # fmt: skip
    seen = Table(
        "What is measured together", ("measured", "slots", "share", "patients"), ("", "1", "%", "1"),
        (("nothing", 40, 58.0, 8), ("level, rate", 29, 42.0, 9)),
    )  # fmt: skip
    groups = Table(
        "Slots by groups",
        ("channel", "covariate", "above", "patients_above", "patients_rest", "measured_above", "measured_rest", "odds",
         "low", "high"), ("", "", "", "1", "1", "%", "%", "1", "1", "1"),
        (("level", "weight", 1.2, 5, 6, 41.0, 44.0, 0.9, 0.5, 1.6),),
    )  # fmt: skip
    columns = Table(
        "Little's test: its columns", ("column", "logarithm", "seen", "skewness"), ("", "", "%", "1"),
        (("weight", True, 100.0, 0.3), ("level", False, 71.0, None)),
    )  # fmt: skip
    values = {
        "n_patients": Quantity(9.0, "1"),
        "slots_with_level": Quantity(42.0, "%", 36.0, 48.0, 0.95, 37.0, 47.0, "epistemic", 9),
        "without_level": Quantity(11.0, "%", n=9),
        "per_day_level": Quantity(0.6, "1/day", 0.4, 0.8, 0.95, 0.45, 0.75, "epistemic", 9),
        "little_p": Quantity(0.31, "1"),
        "little_power": Quantity(33.0, "%", 26.0, 40.0, 0.95, 27.0, 39.0, "numerical", 200),
    }
    tables = {"over_time": over_time, "by_day": over_time, "patterns": seen, "groups": groups,
              "little_columns": columns}  # fmt: skip
    return Evidence(
        "What is measured when?", "missingness_patterns", 1, "pk", {}, "missingness_patterns", values, tables,
        findings=("42 % of slots hold a level.",), negative=("That level was measured tells of death.",),
        cost=Cost(1.0, 1.0, 0),
    )  # fmt: skip


def sensor_gaps() -> Evidence:
    """Suite missingness."""
    lengths = Table(
        "Gaps by length", ("length", "gaps", "expected"), ("min", "1", "1"), ((15.0, 31, 29.0), (30.0, 7, 9.5)),
    )  # fmt: skip
    values = {
        "n_gaps": Quantity(38.0, "1"),
        "gap_begins": Quantity(0.7, "%", 0.4, 1.0, 0.95, 0.45, 0.95, "epistemic", 9),
        "odds_level": Quantity(1.9, "1", 1.2, 3.1, 0.95, 1.3, 2.8, "epistemic", 9),
    }
    return Evidence(
        "When is the sensor lost?", "sensor_gaps", 1, "pk", {}, "sensor_gaps", values, {"lengths": lengths},
        negative=("Gaps of the level depend on the last level.",), cost=Cost(1.0, 1.0, 0),
    )  # fmt: skip


def recovery() -> Evidence:
    """Suite missingness."""
    course = Table(
        "A typical simulated patient", ("time", "truth", "measured", "naive", "naive_sd", "aware", "aware_sd"),
        ("h", *("mg/L",) * 6),
        (
            (1.0, 30.0, 31.0, 30.5, 1.0, 30.4, 1.0),
            (2.0, 24.0, None, 29.5, 3.0, 26.0, 2.5),
            (3.0, 19.0, None, 28.5, 4.0, 21.5, 3.0),
        ),
    )  # fmt: skip
    silence = Table(
        "Errors by when the last level was",
        ("from", "to", "decisions", "naive_bias", "aware_bias", "naive_rmse", "aware_rmse"),
        ("1", "1", "1", *("mg/L",) * 4),
        ((0, 0, 90, 0.25, 0.125, 1.0, 0.9), (1, 1, 60, 3.5, 0.5, 4.0, 2.5), (2, 3, 30, 7.5, -0.75, 8.0, 3.0)),
    )  # fmt: skip
    values = {
        "n_patients": Quantity(50.0, "1"),
        "n_failed": Quantity(0.0, "1"),
        "measured_state": Quantity(41.0, "%", 38.0, 44.0, 0.95, 38.5, 43.5, "epistemic", 50),
        "bias_state_naive": Quantity(3.5, "mg/L", 2.5, 4.5, 0.95, 2.7, 4.3, "epistemic", 50),
        "coverage_state_aware": Quantity(94.5, "%", 93.0, 96.0, 0.95, 93.2, 95.8, "epistemic", 50),
    }
    tables = {"course": course, "silence": silence, "filters": _filters("state", ("naive", "aware"))}
    return Evidence(
        "Is the truth found?", "recovery", 1, "pk", {}, "recovery", values, tables,
        findings=("Orders by state: the filter of values alone errs by +3.5 mg/L.",),
        negative=("Orders by state: with twice the slope a filter errs more.",), cost=Cost(1.0, 1.0, 0),
    )  # fmt: skip


def _filters(why: str, arms: tuple[str, ...]) -> Table:
    columns = ("mechanism", "filter", "bias", "bias_low", "bias_high", "rmse", "coverage", "coverage_low",
               "coverage_high", "nees", "silent", "measured", "intercept", "slope")  # fmt: skip
    units = ("", "", *("mg/L",) * 4, *("%",) * 3, "1", "mg/L", "%", "1", "1/(mg/L)")
    rows = tuple(
        (why, arm, 3.5 / k, 2.5 / k, 4.5 / k, 5.0 / k, 94.5, 93.0, 96.0, 1.1, 4.5 / k, 41.0, None, None)
        for k, arm in enumerate(arms, 1)
    )
    return Table("Error by mechanism and filter", columns, units, rows)


def misuse() -> Evidence:
    """Suite missingness."""
    values = {
        "n_patients": Quantity(50.0, "1"),
        "n_failed": Quantity(0.0, "1"),
        "slope_share_completely_at_random": Quantity(0.03, "1"),
        "rmse_completely_at_random_believed": Quantity(4.5, "mg/L", 4.0, 5.0, 0.95, 4.1, 4.9, "epistemic", 50),
    }
    return Evidence(
        "What does it cost?", "misuse", 1, "pk", {}, "misuse", values,
        {"filters": _filters("completely_at_random", ("naive", "believed", "fitted"))},
        negative=("Orders completely at random: a filter that believes what is not there errs 1.4 times as much.",),
        cost=Cost(1.0, 1.0, 0),
    )  # fmt: skip


def orders_sensitivity() -> Evidence:
    """Suite missingness."""
    profile = Table(
        "By assumed slope", ("slope", "log_likelihood", "share", "share_low", "share_high", "level", "holds"),
        ("1/(mg/L)", "1", "%", "%", "%", "mg/L", ""),
        (
            (0.0, -4.5, 40.0, 36.0, 44.0, 3.0, False),
            (0.5, -0.5, 30.0, 26.0, 34.0, 2.0, False),
            (1.0, -1.5, 20.0, 16.0, 24.0, 1.0, True),
        ),
    )  # fmt: skip
    delta = Table(
        "By delta", ("delta", "share", "share_low", "share_high", "holds"), ("mg/L", "%", "%", "%", ""),
        ((-1.0, 24.0, 20.0, 28.0, True), (0.0, 40.0, 36.0, 44.0, False)),
    )  # fmt: skip
    flips = Table(
        "Where it flips", ("what", "unit", "tips_at"), ("", "", ""),
        (("slope of orders on A", "1/(mg/L)", 0.75), ("A where it was not measured, by", "mg/L", None)),
    )  # fmt: skip
    values = {
        "n_persons": Quantity(50.0, "1"),
        "share_naive": Quantity(40.0, "%", 36.0, 44.0, 0.95, 36.5, 43.5, "epistemic", 50),
        "band_low": Quantity(18.0, "%", n=50),
        "slope_A": Quantity(0.7, "1/(mg/L)", 0.25, 1.0, 0.95, kind="epistemic", n=50),
    }
    return Evidence(
        "Where does it flip?", "orders_sensitivity", 1, "pk", {"at_most": 25.0}, "orders_sensitivity", values,
        {"profile": profile, "delta": delta, "tipping": flips, "fit": _fit()},
        negative=("Within the slopes that were assumed the conclusion flips.",), cost=Cost(1.0, 1.0, 0),
    )  # fmt: skip


def _fit() -> Table:
    return Table(
        "How it comes to be measured", ("number", "naive", "naive_error", "aware", "aware_error"), ("",) * 5,
        (("intercept", -1.5, 0.25, -1.25, 0.5), ("slope_A", None, None, 0.75, 0.25)),
    )  # fmt: skip


def orders_ahead(name: str) -> Evidence:
    """Suite missingness: orders_comparison, orders_holdout."""
    ahead = Table(
        "The next slot", ("what", "unit", "naive", "aware", "gain", "low", "high"), ("",) * 7,
        (("CRPS of the next value", "mg/L", 2.5, 2.25, 0.25, 0.125, 0.375),),
    )  # fmt: skip
    values = {
        "n_persons": Quantity(50.0, "1"),
        "crps_gain": Quantity(0.25, "mg/L", 0.125, 0.375, 0.95, 0.15, 0.35, "epistemic", 50),
        "crps_naive": Quantity(2.5, "mg/L", 2.0, 3.0, 0.95, 2.1, 2.9, "epistemic", 50),
    }
    return Evidence(
        "Who foresees more?", name, 1, "pk", {}, name, values, {"comparison": ahead},
        negative=("That the aware twin forecasts the next value better is not shown.",), cost=Cost(1.0, 1.0, 0),
    )  # fmt: skip
