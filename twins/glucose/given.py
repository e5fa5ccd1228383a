"""What a record gives to a glucose twin: food and insulin as boluses into states and flows into inputs.

Food is eaten at 5 g/min, as in public simulators of Dalla Man et al., IEEE TBME 2007;54:1740, unless the record says
how long it took. Subcutaneous insulin appears 8 min late (Cappon et al., IEEE TBME 2023;70:3227), unless a structure
says otherwise. The slower kinds are released evenly over a time and absorbed as a rapid analogue is after that: the
simplest form that has their published mean or length.

    short         136 min: the mean residence time is 217 min for human insulin, 149 min for aspart
                  (Home et al., Eur J Clin Pharmacol 1999;55:199), and an even release delays by half its length
    intermediate  12.7 h: duration of action of 0.3 IU/kg of NPH (Plank et al., Diabetes Care 2005;28:1107)
    long          24 h: one dose a day holds a level. Detemir lasts 20 h at 0.4 U/kg (Plank), glargine about 24 h,
                  degludec longer, of which a daily dose gives the same level once it is steady
"""

from __future__ import annotations

from dataclasses import dataclass

from vvuq.errors import InputError
from vvuq.models import Bolus, Infusion, Schedule
from vvuq.models.units import factor
from vvuq.record import Cohort, Dose, Patient

EATING = 5000.0  # mg/min
FOOD, PUMP, DRIP, SUGAR = "carbohydrate", "basal_insulin", "intravenous_insulin", "intravenous_glucose"
RELEASE = {  # min
    "rapid_insulin": 0.0,
    "short_insulin": 136.0,
    "intermediate_insulin": 12.7 * 60.0,
    "long_insulin": 24.0 * 60.0,
}
SLOW = ("intermediate_insulin", "long_insulin")
KINDS = (FOOD, *RELEASE, PUMP, DRIP, SUGAR)
PUSHED = 5.0  # min: how long glucose that is injected at once takes; assumed


@dataclass(frozen=True, slots=True)
class Ports:
    """Where a structure takes what is given: the input of food; of insulin under the skin the state of a bolus, the
    input of basal insulin and that of a slow bolus; of insulin into a vein the state and the input; of glucose into one
    the input.

    An amount in mg or mIU is multiplied by `mg` or `mIU` to have the structure's unit. lag: how late insulin under the
    skin appears [min]."""

    food: str = "carbohydrate"
    depot: str = "Isc1"
    basal: str = "basal"
    slow: str = "insulin"
    plasma: str = "Ip"
    drip: str = "intravenous"
    sugar: str = "dextrose"
    mg: float = 1.0
    mIU: float = 1.0
    lag: float = 8.0


@dataclass(frozen=True, slots=True)
class Given:
    """A patient's record in minutes: its start, the body weight in kg, and what is given."""

    start: float
    weight: float
    boluses: tuple[Bolus, ...]
    infusions: tuple[Infusion, ...]


def given(cohort: Cohort, patient: Patient, ports: Ports) -> Given:
    """A record as a structure takes it. Raises InputError for a dose of another kind, and without a weight."""
    units, where = dict(cohort.units), f"{cohort.name}, patient {patient.id}"
    covariates = dict(patient.covariates)
    if "weight" not in covariates:
        raise InputError(where, "covariate", sorted(covariates), "the body weight, as weight")
    minutes = factor(units["time"], "min", where)
    events: list[Bolus | Infusion] = []
    for dose in patient.doses:
        if dose.what not in KINDS:
            raise InputError(where, "dose name", dose.what, f"one of {', '.join(KINDS)}")
        own = factor(units[dose.what], "mg" if dose.what in (FOOD, SUGAR) else "mIU", where)
        events.append(_event(dose, minutes, dose.amount * own, ports))
    start = min([d.time for d in patient.doses] + [m.time for m in patient.measurements]) * minutes
    weight = covariates["weight"] * factor(units["weight"], "kg", where)
    boluses = tuple(event for event in events if isinstance(event, Bolus))
    return Given(start, weight, boluses, tuple(event for event in events if isinstance(event, Infusion)))


def _event(dose: Dose, minutes: float, amount: float, ports: Ports) -> Bolus | Infusion:
    """A dose of `amount` mg or mIU as one event."""
    time, lasting = dose.time * minutes, dose.duration * minutes
    if dose.what == FOOD:
        return flow(ports.food, time, lasting or amount / EATING, amount * ports.mg)
    if dose.what == SUGAR:
        return flow(ports.sugar, time, lasting or PUSHED, amount * ports.mg)
    amount *= ports.mIU
    if dose.what == DRIP:
        return flow(ports.drip, time, lasting, amount) if lasting else Bolus(time, ports.plasma, amount)
    lasting, time = lasting + RELEASE.get(dose.what, 0.0), time + ports.lag
    if not lasting:
        return Bolus(time, ports.depot, amount)
    return flow(ports.basal if dose.what in (*SLOW, PUMP) else ports.slow, time, lasting, amount)


def flow(port: str, time: float, lasting: float, amount: float) -> Infusion:
    """An amount that flows evenly into an input."""
    return Infusion(time, time + lasting, port, amount / lasting)


def weight_in(schedule: Schedule) -> float:
    """The body weight that a schedule gives [kg]."""
    return next(level.value for level in schedule.levels if level.input == "weight")


def basal_now(infusions: tuple[Infusion, ...], time: float, ports: Ports) -> float:
    """The basal insulin that flows at `time`, in the structure's unit; of what begins within the lag too."""
    return sum(i.rate for i in infusions if i.input == ports.basal and i.start <= time + ports.lag < i.stop)
