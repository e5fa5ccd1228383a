"""What the UVA/Padova structure promises, and inside which envelope."""

from __future__ import annotations

from vvuq.models import Balance, Claims, Envelope, Monotone, Range

from .scenarios import DOSE_UNITS, DOSES, INFUSED, READING, WEIGHT


def food_inside(t, x, u, theta):
    """Carbohydrate between mouth and blood [mg]."""
    q1, q2, q3, _, _, _, _, _, _, _, _, _, _, _ = x
    return q1 + q2 + q3


def food_gained(t, x, u, theta):
    """Eaten less absorbed [mg/min]."""
    return u[0] - theta[18] * x[2]


def insulin_inside(t, x, u, theta):
    """Insulin under the skin, in plasma and in the liver [pmol]."""
    _, _, _, _, _, Ip, _, _, _, Il, Isc1, Isc2, _, _ = x
    return Ip + Il + Isc1 + Isc2


def insulin_gained(t, x, u, theta):
    """Given less cleared by the periphery and by the liver [pmol/min]."""
    _, basal, insulin, intravenous, _, titrated, weight = u
    Ib, Vi, m1, m2, HEb = theta[2], theta[22], theta[23], theta[24], theta[25]
    need = (m2 + (1 - HEb) * m2 - m1 * m2 / (m1 + HEb * m1 / (1 - HEb))) * Ib * Vi * weight
    return basal + titrated * need + insulin + intravenous - (1 - HEb) * m2 * x[5] - HEb * m1 / (1 - HEb) * x[9]


ENVELOPE = Envelope(
    duration=480.0,  # a meal and what follows
    covariates={"weight": WEIGHT},
    doses=DOSES,
    dose_units=DOSE_UNITS,
    dose_per="weight",
    infused=INFUSED,
    measured={"cgm": READING, "fingerstick": READING},
    samples=Range(1.0, 8.0, "1", whole=True),
    levels={"weight": WEIGHT},
    boluses={
        "q1": Range(0.0, 60_000.0, "mg"), "Db": Range(0.0, 100_000.0, "mg"), "Isc1": Range(0.0, 60_000.0, "pmol"),
        "Ip": Range(0.0, 30_000.0, "pmol"),
    },
    rates={
        "carbohydrate": Range(0.0, 5_000.0, "mg/min"), "basal": Range(0.0, 300.0, "pmol/min"),
        "insulin": Range(0.0, 600.0, "pmol/min"), "intravenous": Range(0.0, 600.0, "pmol/min"),
        "dextrose": Range(0.0, 500.0, "mg/min"), "titrated": Range(0.0, 2.0, "1"),
    },
    initial={
        "q2": Range(0.0, 60_000.0, "mg"), "Gp": Range(80.0, 700.0, "mg/kg"),
        "Gt": Range(20.0, 600.0, "mg/kg"), "Ip": Range(0.0, 3_000.0, "pmol"), "X": Range(-100.0, 500.0, "pmol/L"),
        "I1": Range(0.0, 500.0, "pmol/L"), "Id": Range(0.0, 500.0, "pmol/L"), "Il": Range(0.0, 2_000.0, "pmol"),
        "Isc1": Range(0.0, 30_000.0, "pmol"), "Isc2": Range(0.0, 30_000.0, "pmol"), "Gc": Range(80.0, 700.0, "mg/kg"),
        "Db": Range(0.0, 100_000.0, "mg"),
    },
)  # fmt: skip

CLAIMS = Claims(
    nonnegative=("q1", "q2", "q3", "Ip", "Il", "Isc1", "Isc2"),  # glucose falls below 0 by what a solver's step takes
    balances=(
        Balance("carbohydrate", "mg", food_inside, food_gained),
        Balance("insulin", "pmol", insulin_inside, insulin_gained),
    ),
    monotone=tuple(
        Monotone(given, seen, rises=False)
        for given in ("Isc1", "Ip", "basal", "insulin", "intravenous", "titrated")
        for seen in ("cgm", "fingerstick")
    ),
    continuous=False,  # what is not led below zero stops there at once
    solver_prior=0.95,
    solver_error=0.02,  # of the standard step where the gut absorbs fastest
    envelope=ENVELOPE,
)
