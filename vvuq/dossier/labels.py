"""What readers see for the names that analyses use, and what each measure means. Names of parameters and observables
are the twin's own."""

from __future__ import annotations

import re
from typing import Any

from vvuq.dossier.heads import HEADS
from vvuq.dossier.labels_orders import of_orders
from vvuq.dossier.labels_uncertainty import HEADS as UNCERTAIN_HEADS
from vvuq.dossier.labels_uncertainty import of_uncertainty

VALUES = {
    "n_moments": "Moments at which the reading was not low",
    "n_low_now": "Moments left out: low already",
    "n_episodes": "Lows with a moment before them",
    "prevalence": "Moments with the event after, mean over patients",
    "n_not_forecast": "Moments that could not be forecast from",
    "n_food": "Moments at which food is asked for",
    "n_bolus": "Boluses withheld",
    "n_bolus_prompted": "Boluses given where a prompt was due",
    "n_known_food": "Recorded meals with readings after them",
    "n_known_bolus": "Recorded boluses with readings after them",
    "n_wrong_way_food": "Members that stay above 0 and fall by food",
    "n_wrong_way_bolus": "Members that stay above 0 and fall without the bolus",
    "n_without": "Patients without any order",
    "n_slots": "Slots",
    "n_left_out": "Slots left out: a driver is not known",
    "n_orders": "Slots with an order",
    "n_separated": "Drivers that alone part orders from all other slots",
    "with_dose": "Slots with an order that have a dose written down",
    "with_dose_all": "The same of all slots",
    "reading_difference": "Mean reading at orders less that of all slots",
    "log_score": "Log score of a slot, patients left out",
    "log_score_constant": "The same by a constant rate",
    "log_score_gain": "Gain over the constant rate",
    "observed_by_predicted": "Orders over predicted ones, patients left out",
    "per_day": "Orders a day, mean over patients",
    "drawn_per_day": "Drawn anew: orders a day",
    "drawn_reading_difference": "Drawn anew: mean reading at orders less that of all slots",
    "n_within_per_day": "Patients whose orders a day lie within 90 % of those drawn",
    "n_within_reading": "Patients whose readings at orders lie within 90 % of those drawn",
    "n_channels": "Observables that were measured",
    "n_associations": "Comparisons of groups of patients",
    "n_associated": "Of them with an interval without 1",
    "n_readings": "Readings of the sensor",
    "n_gaps": "Gaps",
    "n_with_gaps": "Patients with a gap",
    "n_lost_readings": "Readings lost in gaps",
    "gap_begins": "A gap begins, of slots",
    "gap_ends": "A gap ends, of its slots",
    "gaps_per_day": "Gaps a day",
    "gap_length": "Mean length of a gap",
    "odds_level": "Odds of a gap, last reading one SD higher",
    "odds_slope": "Odds of a gap, rising by one SD more",
    "would_be_seen_level": "Odds by the last reading that would be seen",
    "would_be_seen_slope": "Odds by the slope that would be seen",
    "change_over_usual": "Squared change over gaps by the usual one",
    "little_statistic": "Little's test: statistic",
    "little_df": "Little's test: degrees of freedom",
    "little_p": "Little's test: p",
    "n_little_rows": "Little's test: patients",
    "n_little_patterns": "Little's test: patterns",
    "n_little_small": "Patients in patterns with no more of them than columns",
    "little_power": "A shift of 0.5 SD found, in simulated patients",
    "little_errs": "No shift, rejected all the same, in simulated patients",
    "n_screened": "Patients screened",
    "n_excluded": "Patients excluded",
    "n_analysed": "Patients analysed",
    "n_build": "Build patients",
    "n_held_out": "Held-out patients",
    "n_overlap": "Patients in both parts",
    "n_measurements": "Measurements",
    "n_leaked": "Compared patients who were among the fitted",
    "n_doses": "Doses",
    "n_patients": "Patients",
    "n_persons": "Persons",
    "n_records": "Records",
    "n_folds": "Folds",
    "n_not_converged": "Fits in which the search ended by its limit",
    "n_records_failed": "Records that could not be filtered to the end",
    "converged": "The search ended by itself (1) or by its limit (0)",
    "log_likelihood": "Log-likelihood of all records",
    "log_likelihood_before": "The same by the twin's declaration",
    "n_predictions": "Predictions",
    "n_origins": "Moments forecast from",
    "n_events": "Events that followed",
    "n_cases": "Random linear models",
    "horizon": "Time of the quantity of interest",
    "observed_median": "Time of the last sample, median of build patients",
    "observed_longest": "Time of the last sample, longest of build patients",
    "n_rank_deficient": "Patients with a singular information matrix",
    "n_cannot_separate": "Patients whose samples alone do not settle their parameters",
    "n_cannot_separate_with_shared": "The same where what patients share is unknown, too",
    "share_cannot_separate": "Share of patients whose samples alone do not settle their parameters",
    "n_runs_sobol": "Model runs for Sobol' indices",
    "n_runs_pce": "Model runs for the polynomial chaos",
    "objective": "Objective (−2 log marginal likelihood)",
    "start_objective_difference": "Difference of objectives at the initial values",
    "objective_difference": "Difference of objectives at the optimum",
    "largest_typical_difference": "Largest difference of a typical value",
    "largest_variance_difference": "Largest difference of a variance",
    "largest_error_difference": "Largest difference of a standard error",
    "sigma": "Residual error SD",
    "observed_order": "Observed order of accuracy",
    "theoretical_order": "Theoretical order",
    "order_deviation": "Deviation of observed from theoretical order",
    "finest_error": "Error at the finest step",
    "adaptive_error": "Error of the adaptive integrator",
    "adaptive_tolerance": "Its tolerance",
    "operating_error": "Error of the standard step, worst case of use",
    "solver_sensitivity": "Change of the result on tightening the tolerance",
    "largest_value": "Largest value in use",
    "largest_difference": "Largest difference of the standard step from the reference",
    "typical_difference": "The same, median of the patients",
    "adaptive_difference": "Largest difference of the adaptive pair at its usual tolerance",
    "n_patients_failed": "Patients for whom a solver failed",
    "n_parameters": "Parameters varied",
    "mean_nis": "Mean squared normalized innovation (1 is ideal)",
    "failed_members": "Failed ensemble members",
    "n_regimens_held_out": "Different regimens, held out",
    "mean_difference": "Largest difference of means",
    "covariance_difference": "Largest difference of covariances",
    "log_likelihood_difference": "Largest difference of log-likelihoods",
    "largest_excess": "Largest excess over a published error",
    "n_lost": "Filters that lost the truth in more than one run of six",
    "n_controls_missed": "Filters bound to fail that did not, or did not say so",
    "n_rows": "Filters held against published errors",
    "n_failed": "Filters that ended in a code",
    "cost_ratio_smallest": "Unscented over ensemble, smallest state",
    "cost_ratio_largest": "Unscented over ensemble, largest state",
    "model_runs_ratio_largest": "Model runs, unscented over ensemble, largest state",
    "nis": "Squared innovations over what the filter expects (NIS; 1 is ideal)",
    "spread_factor": "Innovations in SDs of the filter (1 is ideal)",
    "correlation": "Correlation of successive innovations",
    "p_nis": "p, size of innovations (NIS)",
    "p_nis_by_patient": "p, patients outside of their own bounds",
    "p_pit": "p, even spread over the forecasts (PIT)",
    "p_whiteness": "p, no correlation in sequence",
    "n_rejected": "Tests rejected",
    "failed_steps": "Measurements on which the filter failed",
    "detectable_overconfidence": "Found with 80 %: SDs too small by a factor of",
    "detectable_underconfidence": "Found with 80 %: SDs too large by a factor of",
    "detectable_correlation": "Found with 80 %: successive innovations with a correlation of",
    "simulated_patients": "Simulated patients",
    "simulated_nis": "Simulated: squared innovations over what the filter expects (NIS)",
    "simulated_innovation_factor": "Simulated: innovations in SDs of the filter",
    "simulated_state_factor": "Simulated: errors of states in SDs of the filter",
    "simulated_parameter_factor": "Simulated: errors of parameters in SDs of the filter",
    "simulated_correlation": "Simulated: correlation of successive innovations",
    "simulated_rejected": "Simulated cohorts of this size in which a test rejects",
    "n_questions": "Moments asked about, each action",
    "simulated_out_of_range": "Simulated patients that leave what the sensor can show",
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
    "qoi_mean": "Quantity of interest, mean",
    "qoi_sd": "Quantity of interest, SD",
    "qoi_p05": "Quantity of interest, 5 % quantile",
    "qoi_p95": "Quantity of interest, 95 % quantile",
    "largest_disagreement": "Largest disagreement Sobol' against chaos",
    "agreement": "Agreement within errors (1 = every index)",
    "pce_validation_error": "Chaos error on a fresh sample (relative)",
    "sum_first_order": "Sum of first-order indices",
    "evaluations": "Evaluations of the fit",
    "score": "Score of the fit's forecasts (CRPS over the error of persistence)",
    "score_before": "The same by the declared values",
}

MEANINGS = (
    ("MDPE", "median prediction error, (observed − predicted) / predicted: systematic error; 0 is best."),
    ("MDAPE", "median absolute prediction error, |observed − predicted| / predicted: typical miss; 0 is best."),
    ("CRPS", "continuous ranked probability score: distance of the whole forecast from the observed value; 0 is best."),
    ("Skill", "1 − CRPS / CRPS of the baseline: above 0 the twin forecasts better than the baseline."),
    ("Coverage", "share of measured values inside the forecast interval; it should equal the nominal level."),
    ("Baseline", "the population-only forecast: the same model that learns nothing from this patient's samples."),
)

ANALYSES = {
    "orders_sensitivity": "What the conclusion rests on: the slope of orders, and its tipping point",
    "orders_comparison": "The next value and the next order, persons left out",
    "orders_holdout": "The next value and the next order, held-out patients",
    "recovery": "Is the truth found where orders depend on the state?",
    "misuse": "The cost of a mechanism that is not there",
    "care_process": "When a measurement is ordered",
    "missingness_patterns": "What was measured when",
    "sensor_gaps": "Gaps of the sensor",
    "cohort": "Cohort, split and missing values",
    "population_fit": "Population fit",
    "convergence": "Order of accuracy of the integrator",
    "solver_agreement": "The standard step against a much better solver",
    "filter_exactness": "Exactness of the filter on linear models",
    "filter_consistency": "Consistency of the filter's uncertainty",
    "tracking_consistency": "Consistency of the filter that follows patients",
    "filter_skill": "Filters against published errors",
    "filter_reference": "Filters for large states against the exact one",
    "filter_cost": "Cost of a step as the state grows",
    "code_to_code": "The same fit by another program",
    "cross_validation": "Cross-validation on build patients",
    "interpretability": "What can be read inside of forecasters",
    "holdout": "Internal validation on held-out patients",
    "forecast_comparison": "Forecasters on build patients, each patient left out",
    "forecast_holdout": "The forecaster of the plan on patients it has never seen",
    "sample_efficiency": "Error against days of data",
    "scaffold_answers": "Answers to what-ifs over a mechanism that is wrong on purpose",
    "scaffold_bias": "Error over a mechanism that is wrong on purpose",
    "information_value": "What a measurement is worth to the decision",
    "probability_bounds": "Bounds of a probability over what is not known",
    "noise_and_ignorance": "Noise and ignorance of a forecast as values come in",
    "sensitivity": "Sobol' indices and polynomial chaos",
    "fisher": "Information in each patient's samples",
    "state_space_fit": "Fit of the state-space twin",
    "slot_forecast": "Forecasts of the next slot, each person left out of the fit",
    "tracking_fit": "Fit for following patients",
    "utility": "Prompts by the probability of a low reading",
    "what_if": "What another action would change, by the model",
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

_OF_EVENTS = {
    "brier": "Brier score",
    "brier_skill": "Brier skill",
    "brier_skill_new": "Brier skill, moments not low already",
    "reliability": "Reliability of the event's probability",
    "resolution": "Resolution of the event's probability",
    "n_not_forecast": "Moments it could not forecast from",
}
_SCORES = _OF_EVENTS | {
    "rmse": "RMSE",
    "mard": "MARD",
    "crps": "CRPS",
    "crps_gain": "Gain in CRPS over persistence",
    "rmse_gain": "Gain in RMSE over persistence",
    "crps_loss": "Change of CRPS over the scaffold",
    "bias": "Bias",
    "coverage90": "Coverage of the 90 % interval",
    "width90": "Width of the 90 % interval",
    "interval_score": "Interval score",
}
"""Scores of forecasters: their names end in the forecaster's, and the horizon where there is one."""

_OF = {
    "S1": "First-order index of",
    "ST": "Total index of",
    "omega": "SD between patients of log",
    "shrinkage": "Shrinkage of",
    "median_rse": "Median RSE of",
    "rse": "RSE of",
    "sd_log": "SD of log",
    "prior": "Prior median of",
    "percentile": "Percentile in its prior of",
    "drift": "Random change of",
    "error": "Error SD of",
    "between": "SD between patients' estimates of log",
    "own": "SD by the filter of log",
    "learned": "Prior variance that readings removed, of",
    "n_implausible": "Patients with an implausible",
    "slots_with": "Slots with",
    "persistence_rmse": "RMSE of persistence:",
    "spread_factor": "Errors in SDs of the filter:",
    "gain": "Gain in RMSE over persistence:",
    "coverage90": "Coverage of the 90 % interval:",
    "without": "Patients without any",
    "per_day": "A day, mean over patients:",
    "risk_difference": "Outcome where measured less where never:",
    "odds": "Odds of the outcome, measured over never:",
    "n_below_population": "Patients whose samples say less than the population does of",
}
"""Names of values and columns that end in the name of a parameter."""


def value_label(key: str, twin: Any = None) -> str:
    """The words for a value of an Evidence; a parameter of the twin has its meaning in front of its symbol."""
    meanings = {p.name: p.meaning for p in twin.model.parameters} if twin is not None else {}
    if key in meanings:
        return f"{meanings[key][:1].upper()}{meanings[key][1:]} ({key})" if meanings[key] else key
    if told := VALUES.get(key) or of_uncertainty(key):
        return told
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
    if key.startswith("baseline_"):
        return f"Baseline: {value_label(key.removeprefix('baseline_'))}"
    return of_orders(key) or _of_a_forecaster(key) or _of_a_parameter(key) or words(key)


def head_label(column: str) -> str:
    """The words for a column of a Table."""
    head, _, horizon = column.rpartition("_")
    if head in ("crps", "gain", "bias", "coverage_90") and horizon.isdigit():
        return f"{HEADS.get(head, words(head))}, {horizon} min"
    return HEADS.get(column) or UNCERTAIN_HEADS.get(column) or _of_a_parameter(column) or words(column)


def _of_a_forecaster(key: str) -> str:
    """The words for a score of a forecaster, crps_persistence_60 for example; empty where the name is none."""
    head = max((head for head in _SCORES if key.startswith(f"{head}_")), key=len, default="")
    who, *after = re.split(r"_(30|60|120|180)(?=_|$)", key.removeprefix(f"{head}_"), maxsplit=1)
    if not head or (head not in _OF_EVENTS and not after):
        return ""
    told = f"{_SCORES[head]}: {who.replace('_', ' ')}" + (f", {after[0]} min" if after else "")
    return told + (f" ({after[1].strip('_').replace('_', ' ')})" if after and after[1] else "")


def _of_a_parameter(key: str) -> str:
    """The words for a name of _OF, median_rse_CL for example; empty where the name is of no such kind."""
    heads = [head for head in _OF if key.startswith(f"{head}_") and len(key) > len(head) + 1]
    head = max(heads, key=len, default="")
    return f"{_OF[head]} {key.removeprefix(f'{head}_')}" if head else ""


def analysis_label(name: str) -> str:
    """The heading of an analysis."""
    return ANALYSES.get(name, words(name))


def words(name: str) -> str:
    """snake_case as words, the first letter capital."""
    text = name.replace("_", " ")
    return text[:1].upper() + text[1:]
