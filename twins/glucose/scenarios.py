"""What-ifs that every structure of a glucose twin can run, through its own ports.

States begin empty, so a day of basal insulin precedes what is asked: at its end nothing is left of the beginning."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from vvuq.errors import InputError
from vvuq.models import Bolus, Infusion, Level, Range, Scenario, Schedule

from .given import EATING, Ports, flow

DAY = 1440.0  # min
WEIGHT = Range(40.0, 120.0, "kg")  # of the envelope of use
DOSES = {
    "carbohydrate": Range(0.1, 1.5, "g/kg"),
    "rapid_insulin": Range(0.01, 0.2, "IU/kg"),
    "short_insulin": Range(0.01, 0.2, "IU/kg"),
    "intermediate_insulin": Range(0.05, 0.5, "IU/kg"),
    "long_insulin": Range(0.05, 0.5, "IU/kg"),
    "basal_insulin": Range(0.01, 0.2, "IU/kg"),
    "intravenous_insulin": Range(0.01, 0.1, "IU/kg"),
}
DOSE_UNITS = {kind: one.unit.removesuffix("/kg") for kind, one in DOSES.items()}
INFUSED = Range(15.0, 480.0, "min")
READING = Range(40.0, 400.0, "mg/dL")


def _check(scenario: str, *, zero: tuple[str, ...] = (), **settings: float) -> None:
    for name, value in settings.items():
        least = value >= 0.0 if name in zero else value > 0.0
        if not (math.isfinite(value) and least):
            words = "a number, 0 or more" if name in zero else "a positive number"
            raise InputError(f"scenario {scenario}", name, value, words)


def scenarios(ports: Ports) -> Mapping[str, Callable[..., Scenario]]:
    """The scenarios by name, for a structure with these ports and the covariate `weight`."""

    def meal(weight: float, food: float, bolus: float, basal: float, ahead: float, meaning: str) -> Scenario:
        given = (Bolus(DAY + ports.lag, ports.depot, 1000.0 * bolus * ports.mIU),) if bolus else ()
        flows = [Infusion(0.0, DAY + ahead, ports.basal, 1000.0 * basal * ports.mIU / 60.0)]
        if food:
            flows.append(flow(ports.food, DAY, 1000.0 * food / EATING, 1000.0 * food * ports.mg))
        plan = Schedule(0.0, given, tuple(flows), (Level(0.0, "weight", weight),))
        return Scenario(plan, DAY + ahead, "cgm", meaning)

    def meal_with_bolus(
        *, weight_kg: float = 70.0, carbohydrate_g: float = 60.0, bolus_IU: float = 6.0, basal_IU_per_h: float = 0.86,
        ahead_min: float = 180.0,
    ) -> Scenario:  # fmt: skip
        """The sensor's reading `ahead_min` after a meal with its bolus, after a day of basal insulin."""
        _check("meal_with_bolus", zero=("carbohydrate_g", "bolus_IU"), weight_kg=weight_kg, bolus_IU=bolus_IU,
               carbohydrate_g=carbohydrate_g, basal_IU_per_h=basal_IU_per_h, ahead_min=ahead_min)  # fmt: skip
        meaning = f"{ahead_min:g} min after {carbohydrate_g:g} g with {bolus_IU:g} IU"
        return meal(weight_kg, carbohydrate_g, bolus_IU, basal_IU_per_h, ahead_min, meaning)

    def bolus_withheld(
        *, weight_kg: float = 70.0, carbohydrate_g: float = 60.0, basal_IU_per_h: float = 0.86, ahead_min: float = 180.0
    ) -> Scenario:
        """The sensor's reading `ahead_min` after a meal without a bolus, after a day of basal insulin."""
        _check("bolus_withheld", zero=("carbohydrate_g",), weight_kg=weight_kg, carbohydrate_g=carbohydrate_g,
               basal_IU_per_h=basal_IU_per_h, ahead_min=ahead_min)  # fmt: skip
        meaning = f"{ahead_min:g} min after {carbohydrate_g:g} g, the bolus withheld"
        return meal(weight_kg, carbohydrate_g, 0.0, basal_IU_per_h, ahead_min, meaning)

    def verification(*, weight_kg: float = 70.0, horizon_min: float = 480.0) -> Scenario:
        """A bolus at 0, a meal over the third quarter: one jump of the state, two of the inputs, from empty states."""
        _check("verification", weight_kg=weight_kg, horizon_min=horizon_min)
        food = Infusion(0.5 * horizon_min, 0.75 * horizon_min, ports.food, 60_000.0 * ports.mg / (0.25 * horizon_min))
        basal = Infusion(0.0, horizon_min, ports.basal, 14.3 * ports.mIU)
        levels = (Level(0.0, "weight", weight_kg),)
        plan = Schedule(0.0, (Bolus(0.0, ports.depot, 3000.0 * ports.mIU),), (basal, food), levels)
        return Scenario(plan, horizon_min, "cgm", f"3 IU at once and 60 g over {0.25 * horizon_min:g} min")

    return {"meal_with_bolus": meal_with_bolus, "bolus_withheld": bolus_withheld, "verification": verification}
