"""What is asked of a twin at the bedside: assimilate a record, forecast what comes, compare actions."""

from vvuq.interaction.forecast import Forecast
from vvuq.interaction.patient import (
    Actions,
    Followed,
    WhatIf,
    assimilate,
    forecast,
    probability_below,
    readings_of,
    what_if,
)

__all__ = [
    "Actions",
    "Followed",
    "Forecast",
    "WhatIf",
    "assimilate",
    "forecast",
    "probability_below",
    "readings_of",
    "what_if",
]
