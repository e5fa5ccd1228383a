"""What readers see for the names that analyses of uncertainty use."""

from __future__ import annotations

import re

_PARTS = {
    "population": "Ignorance of the population",
    "patient": "Ignorance of this patient",
    "change": "Random change still to come",
    "measurement": "Error of the measurement",
    "total": "All of the forecast",
}
_WHEN = {"first": "before the first values", "last": "after the last"}

VALUES = {
    "qoi_mean": "Quantity of interest, mean",
    "qoi_sd": "Quantity of interest, SD",
    "qoi_low95": "Quantity of interest, 95 % interval, low",
    "qoi_high95": "Quantity of interest, 95 % interval, high",
    "share_aleatory": "Share of the variance by aleatory inputs alone",
    "share_epistemic": "Share by epistemic inputs alone",
    "share_both": "Share by inputs that are both, alone",
    "share_mixed": "Share by inputs of several statuses together",
    "pce_error_bound": "Polynomial chaos, upper bound of its error (share of variance)",
    "pce_terms": "Polynomial chaos, terms",
    "widest_half_width": "Widest half-width of an index",
    "goal_reached": "Half-widths below the goal (1: yes)",
    "agreement_tells": "Agreement tells something: the expansion errs little (1: yes)",
    "distribution_stabilized": "Two digits of the distribution stand still (1: yes)",
    "n_trials": "Trials behind the distribution",
    "n_parameters": "Inputs that are varied",
    "n_repeated": "Runs of a second design, where the methods disagreed",
    "n_patients_lost": "Simulated patients that were lost",
    "n_populations": "Draws of what the fit leaves open",
    "n_runs": "Model runs",
    "narrowed": "95 % band narrower by",
    "coverage95": "Measured in the end within 95 % of the forecast",
    "numerical_sd": "Numerical error of the forecast, upper bound",
}
HEADS = {
    "status": "Status",
    "distribution": "Distribution",
    "runs": "Runs",
    "widest_half_width": "Widest half-width",
    "morris_mu_star": "Morris: mean size",
    "morris_sigma": "Morris: SD",
    "pawn": "PAWN",
    "pawn_unrelated": "PAWN, unrelated",
    "delta": "Delta",
    "delta_low": "95 % low",
    "delta_high": "95 % high",
    "rbd_fast_first": "RBD-FAST: first order",
    "shapley": "Shapley effect",
    "values": "Values",
    "last": "Last at",
    "patient_sd": "SD, patient",
    "change_sd": "SD, change",
    "measurement_sd": "SD, measurement",
    "total_sd": "SD, total",
    "epistemic_share": "Share of ignorance",
    "width95": "Width of the 95 % band",
    "coverage95": "Within 95 %",
    "low95": "95 % low",
    "high95": "95 % high",
    "ignorance_low95": "Ignorance, low",
    "ignorance_high95": "Ignorance, high",
}


def of_uncertainty(key: str) -> str:
    """The words for a value of these analyses, patient_sd_first for example; empty for other names."""
    if key in VALUES:
        return VALUES[key]
    found = re.fullmatch(rf"({'|'.join(_PARTS)})_sd_({'|'.join(_WHEN)})", key)
    if found:
        return f"{_PARTS[found[1]]}, SD {_WHEN[found[2]]}"
    found = re.fullmatch(rf"(epistemic_share|width95)_({'|'.join(_WHEN)})", key)
    if found:
        told = "Share of ignorance in the variance" if found[1] == "epistemic_share" else "Width of the 95 % band"
        return f"{told} {_WHEN[found[2]]}"
    return ""
