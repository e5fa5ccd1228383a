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
    "chosen": "Number of the action that is decided now",
    "lead": "Its lead over the next best",
    "evpi": "Value of knowing everything (EVPI, the ceiling)",
    "n_members": "Members drawn from what is known",
    "n_members_lost": "Members that could not be simulated",
    "n_drawn": "Inputs that vary by chance",
    "n_both": "Of them inputs that are partly not known",
    "n_intervals": "Inputs in intervals",
    "n_held_at_middle": "Inputs held at the middle of their interval",
    "n_draws": "Draws by chance at each place",
    "n_places": "Places tried in the box of intervals",
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
    "population_part_sd": "SD, population",
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
    "action": "Action",
    "benefit": "Expected benefit",
    "below": "Outcome below",
    "above": "Outcome above",
    "chosen": "Decided now",
    "kind": "Kind",
    "what": "What is known",
    "statistic": "Statistic",
    "changes": "Decided otherwise",
    "of_evpi": "Of the ceiling",
    "threshold": "Threshold",
    "below_low": "Below it, at least",
    "below_high": "Below it, at most",
    "below_precise": "Below it, by distributions",
    "search_low": "Least of the search",
    "search_high": "Greatest of the search",
    "lowest": "Least found",
    "highest": "Greatest found",
    "precise": "By distributions",
    "mean_at_low": "Mean at the low end",
    "mean_at_middle": "Mean at the middle",
    "mean_at_high": "Mean at the high end",
    "interval": "Interval",
    "use": "Use",
}
_ENDS = {"low": "least found", "high": "greatest found", "precise": "by distributions"}


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
    return _of_decisions(key) or _of_bounds(key)


def _of_decisions(key: str) -> str:
    if found := re.fullmatch(r"(benefit|evsi|changes)_(\d+)", key):
        told = {"benefit": "Expected benefit of action", "evsi": "Value of measurement (EVSI), number",
                "changes": "Decided otherwise by measurement"}[found[1]]  # fmt: skip
        return f"{told} {found[2]}"
    found = re.fullmatch(r"evppi_(.+)", key)
    return f"Value of knowing {found[1]} exactly (EVPPI)" if found else ""


def _of_bounds(key: str) -> str:
    if found := re.fullmatch(r"below_(\d+)_(low|high|precise)", key):
        return f"Probability below threshold {found[1]}, {_ENDS[found[2]]}"
    if found := re.fullmatch(r"width_(\d+)", key):
        return f"Percentage points between these bounds, threshold {found[1]}"
    if found := re.fullmatch(r"(mean|q\d\d)_(low|high|precise)", key):
        what = "Mean" if found[1] == "mean" else f"{int(found[1][1:])} % quantile"
        return f"{what} of the quantity, {_ENDS[found[2]]}"
    return ""
