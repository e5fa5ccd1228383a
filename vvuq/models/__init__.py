"""Models: what a twin's author declares, and how a model is run."""

from vvuq.models.care import Care, Driver, Known
from vvuq.models.claims import Balance, Claims, Envelope, Monotone, Range
from vvuq.models.cohort import simulate_cohort
from vvuq.models.follow import Follow
from vvuq.models.model import Model
from vvuq.models.parameter import Additive, LogNormal, Noise, Normal, Observable, Parameter, Proportional, Uniform
from vvuq.models.schedule import Bolus, Infusion, Level, Reset, Schedule
from vvuq.models.simulate import RK4, Adaptive, Paths, simulate
from vvuq.models.state_space import Channel, StateSpace
from vvuq.models.twin import Scenario, Twin

__all__ = [
    "RK4",
    "Adaptive",
    "Additive",
    "Balance",
    "Bolus",
    "Care",
    "Channel",
    "Claims",
    "Driver",
    "Envelope",
    "Follow",
    "Infusion",
    "Known",
    "Level",
    "LogNormal",
    "Model",
    "Monotone",
    "Noise",
    "Normal",
    "Observable",
    "Parameter",
    "Paths",
    "Proportional",
    "Range",
    "Reset",
    "Scenario",
    "Schedule",
    "StateSpace",
    "Twin",
    "Uniform",
    "simulate",
    "simulate_cohort",
]
