"""Forecasters of glucose that know no physiology: what they are told of meals and insulin."""

from __future__ import annotations

from vvuq.interaction.arx import ARX
from vvuq.interaction.course import Input
from vvuq.interaction.forecaster import Forecaster
from vvuq.interaction.recurrent import Recurrent

INPUTS = (
    Input("carbohydrate", ("carbohydrate",), lags=12),
    Input("fast insulin", ("rapid_insulin", "short_insulin", "intravenous_insulin"), lags=16),
    Input("slow insulin", ("intermediate_insulin", "long_insulin"), half_life=480.0),
    Input("basal insulin", ("basal_insulin",), flow=True),
)
DATA_DRIVEN: dict[str, Forecaster] = {one.name: one for one in (ARX(INPUTS), Recurrent(INPUTS))}
