"""What readers see for the names that analyses of orders use."""

from __future__ import annotations

import re

VALUES = {
    "n_fitted": "Persons fitted to",
    "share_ordered": "Slots with an order",
    "order_log_score_rate": "Log score of orders: a constant rate",
    "order_gain": "Gain in log score of orders, by the state",
    "crps_gain": "Gain in CRPS of the next value",
    "value_gain": "Gain in log score of the next value",
    "share_naive": "Slots above the threshold, by values alone",
    "share_aware": "Slots above the threshold, slope fitted",
    "band_low": "The same over the slope's 95 % interval, lowest",
    "band_high": "The same over the slope's 95 % interval, highest",
    "assumed_low": "The same over all assumed slopes, lowest",
    "assumed_high": "The same over all assumed slopes, highest",
    "n_flips": "Slopes at which the conclusion flips",
    "n_delta_flips": "Deltas at which the conclusion flips",
    "log_likelihood_gain": "Log-likelihood gained by orders that know of the state",
}

FARED = {
    "bias": "Mean error",
    "rmse": "RMSE",
    "coverage": "Truths inside 95 % of the belief",
    "nees": "NEES (1 is ideal)",
    "silent": "Mean error where not measured",
    "crps": "CRPS of the next value",
    "coverage90": "Values within 90 % of the forecast",
    "value_log_score": "Log score of the next value",
    "order_log_score": "Log score of orders",
    "share_expected": "Expected slots with an order",
}
ARMS = {
    "naive": "values alone",
    "aware": "values and orders",
    "half": "half the slope",
    "double": "twice the slope",
    "believed": "a mechanism that is not there",
    "fitted": "its slope fitted",
}
"""How filters fared: names are measure, mechanism where patients were simulated, filter."""

ORDERED = {
    "measured": "Decisions with a measurement",
    "slope_share": "Fitted slope over the one believed",
    "slope": "Slope of orders on the state",
}
"""Names of values that end in the name of a mechanism or of a state."""


def of_orders(key: str) -> str:
    """The words for how a filter fared under a mechanism, bias_state_naive for example; empty for other names."""
    if key in VALUES:
        return VALUES[key]
    found = re.fullmatch(rf"({'|'.join(FARED)})_(?:(\w+?)_)?({'|'.join(ARMS)})", key)
    if found:
        why = f"{found[2].replace('_', ' ')}, " if found[2] else ""
        return f"{FARED[found[1]]}: {why}{ARMS[found[3]]}"
    found = re.fullmatch(rf"({'|'.join(ORDERED)})_(\w+)", key)
    return f"{ORDERED[found[1]]}: {found[2].replace('_', ' ')}" if found else ""
