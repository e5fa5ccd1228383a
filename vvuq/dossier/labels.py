"""What readers see for the names that analyses use, and what each measure means."""

from __future__ import annotations

VALUES = {
    "n_screened": "Patients screened",
    "n_excluded": "Patients excluded",
    "n_analysed": "Patients analysed",
    "n_build": "Build patients",
    "n_held_out": "Held-out patients",
    "n_overlap": "Patients in both parts",
    "n_concentrations": "Concentrations",
    "n_doses": "Doses",
    "n_patients": "Patients",
    "n_predictions": "Predictions",
    "n_cases": "Random linear models",
    "n_neonates": "Neonates",
    "n_below_population_CL": "Neonates whose samples say less of CL than the population does",
    "n_below_population_V": "Neonates whose samples say less of V than the population does",
    "horizon": "Time of the quantity of interest",
    "observed_median": "Time of the last sample, median of build neonates",
    "observed_longest": "Time of the last sample, longest of build neonates",
    "n_rank_deficient": "Neonates with a singular information matrix",
    "n_cannot_separate": "Neonates whose samples alone do not settle CL and V",
    "share_cannot_separate": "Share of neonates whose samples alone do not settle CL and V",
    "n_runs_sobol": "Model runs for Sobol' indices",
    "n_runs_pce": "Model runs for the polynomial chaos",
    "objective": "Objective (−2 log marginal likelihood)",
    "shrinkage_CL": "Shrinkage of CL",
    "shrinkage_V": "Shrinkage of V",
    "CL": "Clearance CL",
    "V": "Volume V",
    "apgar_effect": "Effect of low Apgar score on V",
    "omega_CL": "Between-neonate SD of log CL",
    "omega_V": "Between-neonate SD of log V",
    "sigma": "Residual error SD (relative)",
    "observed_order": "Observed order of accuracy",
    "theoretical_order": "Theoretical order",
    "order_deviation": "Deviation of observed from theoretical order",
    "finest_error": "Error at the finest step",
    "adaptive_error": "Error of the adaptive integrator",
    "adaptive_tolerance": "Its tolerance",
    "operating_error": "Error of the standard step, worst case of use",
    "solver_sensitivity": "Change of the result on tightening the tolerance",
    "mean_nis": "Mean squared normalized innovation (1 is ideal)",
    "failed_members": "Failed ensemble members",
    "n_regimens_held_out": "Different regimens, held out",
    "mean_difference": "Largest difference of means",
    "covariance_difference": "Largest difference of covariances",
    "log_likelihood_difference": "Largest difference of log-likelihoods",
    "mdpe": "Bias (MDPE)",
    "mdape": "Imprecision (MDAPE)",
    "mdape_gain": "Gain in MDAPE over the baseline",
    "crps": "Forecast score (CRPS)",
    "crps_skill": "CRPS skill over the baseline",
    "coverage_50": "Coverage of 50 % intervals",
    "coverage_80": "Coverage of 80 % intervals",
    "coverage_90": "Coverage of 90 % intervals",
    "coverage_95": "Coverage of 95 % intervals",
    "baseline_mdpe": "Baseline bias (MDPE)",
    "baseline_mdape": "Baseline imprecision (MDAPE)",
    "baseline_crps": "Baseline CRPS",
    "interval90_width": "Width of the 90 % interval",
    "baseline_interval90_width": "Baseline width of the 90 % interval",
    "trough_mean": "Trough, mean",
    "trough_sd": "Trough, SD",
    "trough_p05": "Trough, 5 % quantile",
    "trough_p95": "Trough, 95 % quantile",
    "largest_disagreement": "Largest disagreement Sobol' against chaos",
    "agreement": "Agreement within errors (1 = every index)",
    "pce_validation_error": "Chaos error on a fresh sample (relative)",
    "sum_first_order": "Sum of first-order indices",
    "median_rse_CL": "Median RSE of CL",
    "median_rse_V": "Median RSE of V",
}

HEADS = {
    "standard_error": "Standard error",
    "rse_percent": "RSE",
    "low": "95 % low",
    "high": "95 % high",
    "held_out": "Held out",
    "missing_build": "Missing, build",
    "missing_held_out": "Missing, held out",
    "earlier_samples": "Earlier samples",
    "baseline_crps": "Baseline CRPS",
    "coverage_90": "Coverage of 90 %",
    "mdpe": "MDPE",
    "mdape": "MDAPE",
    "crps": "CRPS",
    "total_sd": "Total SD",
    "epistemic_sd": "Ignorance SD",
    "epistemic_share": "Ignorance share",
    "band90_width": "90 % band",
    "aleatory_sd": "Noise SD",
    "in_asymptotic_range": "In asymptotic range",
    "sobol": "Sobol'",
    "pce": "Chaos",
    "pce_low": "Chaos, low",
    "pce_high": "Chaos, high",
    "n_behind": "n behind it",
    "status": "Uncertainty is",
    "rank_two": "Full rank (2)",
    "cannot_separate": "Not settled",
    "median_rse_CL": "Median RSE of CL",
    "median_rse_V": "Median RSE of V",
    "median_abs_correlation": "Median |correlation|",
    "rse_CL": "RSE of CL",
    "rse_V": "RSE of V",
    "n": "N",
    "separates": "Settled",
    "operating_error": "Error",
    "sd_log_CL": "SD of log CL",
    "sd_log_V": "SD of log V",
    "weakest_combination": "Least known combination",
    "log_likelihood_difference": "Log-likelihood difference",
}

MEANINGS = (
    ("MDPE", "median prediction error, (observed − predicted) / predicted: systematic error; 0 is best."),
    ("MDAPE", "median absolute prediction error, |observed − predicted| / predicted: typical miss; 0 is best."),
    ("CRPS", "continuous ranked probability score: distance of the whole forecast from the observed value; 0 is best."),
    ("Skill", "1 − CRPS / CRPS of the baseline: above 0 the twin forecasts better than the baseline."),
    ("Coverage", "share of observed concentrations inside the forecast interval; it should equal the nominal level."),
    ("Baseline", "the population-only forecast: the same model that learns nothing from this neonate's samples."),
)

ANALYSES = {
    "cohort": "Cohort, split and missing values",
    "population_fit": "Population fit",
    "convergence": "Order of accuracy of the integrator",
    "filter_exactness": "Exactness of the filter on linear models",
    "cross_validation": "Cross-validation on build patients",
    "holdout": "Internal validation on held-out patients",
    "sensitivity": "Sobol' indices and polynomial chaos",
    "fisher": "Information in each neonate's samples",
}

_TARGET = {
    "epistemic_share": "Third measurement, ignorance share of variance",
    "epistemic_sd": "Third measurement, ignorance SD",
    "aleatory_sd": "Third measurement, noise SD",
    "band90_width": "Third measurement, width of the 90 % band",
}
UNCERTAINTY = tuple(f"{name}_{count}" for name in _TARGET for count in range(3)) + (
    "interval90_width",
    "baseline_interval90_width",
)
"""Values of the validation analyses that belong to the section on uncertainty."""

_SIGNS = {"S1": "First-order index of", "ST": "Total index of"}


def value_label(key: str) -> str:
    """The words for a value of an Evidence; index keys such as S1_CL are put together from their parts."""
    head, _, rest = key.partition("_")
    if key in VALUES:
        return VALUES[key]
    name, _, count = key.rpartition("_")
    after = f"after {count} sample{'' if count == '1' else 's'}"
    if name in _TARGET:
        return f"{_TARGET[name]} {after}"
    if key.startswith("left_"):
        return f"SD of log {name.removeprefix('left_')} left {after}"
    if key.startswith("sd_log_"):
        return f"SD of log {name.removeprefix('sd_log_')} {after}"
    if key.startswith("envelope_") and key.endswith("_covered"):
        return f"Envelope that held-out patients span: {words(key.removeprefix('envelope_').removesuffix('_covered'))}"
    if head == "baseline":
        return f"Baseline: {value_label(rest)}"
    return f"{_SIGNS[head]} {value_label(rest)}" if head in _SIGNS and rest else words(key)


def head_label(column: str) -> str:
    """The words for a column of a Table."""
    return HEADS.get(column, words(column))


def analysis_label(name: str) -> str:
    """The heading of an analysis."""
    return ANALYSES.get(name, words(name))


def words(name: str) -> str:
    """snake_case as words, the first letter capital; names that are symbols (CL, V) stay."""
    text = name.replace("_", " ")
    return text[:1].upper() + text[1:]
