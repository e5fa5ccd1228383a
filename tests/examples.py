"""Small models with known answers, and the reference twin, for tests of every floor."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from hypothesis import strategies as st

from vvuq.models import Additive, Bolus, Infusion, Level, LogNormal, Model, Observable, Parameter, Schedule, Twin
from vvuq.models.twin import load_twin

ROOT = Path(__file__).resolve().parent.parent


@lru_cache(maxsize=1)
def pk() -> Twin:
    """The reference twin, loaded by path as every twin is."""
    return load_twin(ROOT / "twins" / "pk")


def parameter(name: str, unit: str, median: float = 0.3, sd_log: float = 0.1) -> Parameter:
    return Parameter(name, unit, LogNormal(median, sd_log), source="test")


def logistic_rhs(t, x, u, theta, dx):
    (A,) = x
    r, K = theta
    dx[0] = r * A * (1 - A / K)


def amount(t, x, u, theta, y):
    y[0] = x[0]


LOGISTIC = Model(
    name="logistic",
    states={"A": "mg"},
    inputs={},
    parameters=(parameter("r", "1/h", 0.8), parameter("K", "mg", 2.0)),
    observables=(Observable("amount", "mg", amount, Additive(0.1)),),
    rhs=logistic_rhs,
)


def explosive_rhs(t, x, u, theta, dx):
    (A,) = x
    (k,) = theta
    dx[0] = k * A * A


EXPLOSIVE = Model(  # A(t) = 1 / (1 / A0 - k t): infinite at t = 1 / (k A0)
    name="explosive",
    states={"A": "mg"},
    inputs={},
    parameters=(parameter("k", "1/mg/h", 1.0),),
    observables=(Observable("amount", "mg", amount, Additive(0.1)),),
    rhs=explosive_rhs,
)


def hunt_rhs(t, x, u, theta, dx):
    prey, hunters = x
    birth, bite, death = theta
    dx[0] = birth * prey - bite * prey * hunters
    dx[1] = bite * prey * hunters - death * hunters


def prey_seen(t, x, u, theta, y):
    y[0] = x[0]


LOTKA_VOLTERRA = Model(
    name="lotka_volterra",
    states={"prey": "mg", "hunters": "mg"},
    inputs={},
    parameters=(parameter("birth", "1/h", 1.1), parameter("bite", "1/mg/h", 0.4), parameter("death", "1/h", 0.4)),
    observables=(Observable("prey_seen", "mg", prey_seen, Additive(0.1)),),
    rhs=hunt_rhs,
)


times = st.floats(0.0, 200.0, allow_nan=False).map(lambda v: round(v, 2))


@st.composite
def pk_schedules(draw: st.DrawFn) -> Schedule:
    """Boluses and overlapping infusions into the compartment of the reference twin."""
    boluses = draw(st.lists(st.tuples(times, st.floats(0.1, 50.0)), max_size=5))
    infusions = draw(st.lists(st.tuples(times, st.floats(0.1, 40.0), st.floats(0.01, 5.0)), max_size=4))
    weight, low = draw(st.floats(0.5, 4.0)), draw(st.sampled_from((0.0, 1.0)))
    return Schedule(
        0.0,
        tuple(Bolus(t, "A", a) for t, a in boluses),
        tuple(Infusion(t, t + d, "R", r) for t, d, r in infusions),
        (Level(0.0, "weight", weight), Level(0.0, "low_apgar", low)),
    )


pk_parameters = st.tuples(st.floats(0.002, 0.03), st.floats(0.4, 3.0), st.floats(-0.5, 0.8))
