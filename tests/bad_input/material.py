"""A small study without a fault, to be broken: its plan, data card, table and twin as text."""

from __future__ import annotations

import hashlib
from pathlib import Path

import yaml
from plans import ORDER, plan_data

TABLE = """\
ID,TIME,AMT,DV,WGT,APGR
a,0,20,,1.2,8
a,2,,17.1,,
a,12,3,,,
a,30,,14.2,,
b,0,30,,1.9,3
b,2,,16.4,,
c,0,16,,0.9,7
c,4,,18.3,,
d,0,25,,1.4,9
d,5,,19.9,,
"""

CARD = """\
name: toy
title: Four simulated neonates
source: a simulation
licence:
  data: none
  confirmed: false
  note: made by a test
citation: {text: nobody}
obtain:
  local: true
  files:
    - path: toy.csv
      sha256: SHA256
      purpose: the cohort
layout:
  format: table
  file: toy.csv
  separator: comma
  id: ID
  time: TIME
  dose: AMT
  observation: DV
  observable: concentration
  time_unit: h
  dose_unit: mg
  observation_unit: mg/L
  covariates:
    - {column: WGT, name: weight, unit: kg, meaning: body weight, low: 0.3, high: 6}
    - {column: APGR, name: apgar, unit: "1", meaning: Apgar score, low: 0, high: 10, whole: true}
patients: 4
measurements: 5
visibility: nobody saw it
held_out: {salt: toy/, count: 2}
comparator:
  - {topic: assay, known: not reported, source: none}
limits: [simulated]
"""

TWIN = '''\
"""One compartment with first-order elimination."""

from vvuq.models import (
    RK4, Bolus, Level, LogNormal, Model, Observable, Parameter, Proportional, Scenario, Schedule, Twin
)


def rhs(t, x, u, theta, dx):
    A, B = x
    R, weight = u
    CL, V = theta
    dx[0] = R - CL * weight * A / (V * weight)
    dx[1] = CL * weight * A / (V * weight)


def concentration(t, x, u, theta, y):
    A, _ = x
    _, weight = u
    _, V = theta
    y[0] = A / (V * weight)


MODEL = Model(
    name="toy_model",
    states={"A": "mg", "B": "mg"},
    inputs={"R": "mg/h"},
    covariates={"weight": "kg"},
    parameters=(
        Parameter("CL", "L/h/kg", LogNormal(0.005, 0.3), source="made up", bounds=(0.0, 1.0)),
        Parameter("V", "L/kg", LogNormal(1.0, 0.2), source="made up"),
    ),
    observables=(Observable("concentration", "mg/L", concentration, noise=Proportional(0.1)),),
    rhs=rhs,
)


def schedule(cohort, patient):
    weight = dict(patient.covariates)["weight"]
    boluses = tuple(Bolus(dose.time, "A", dose.amount) for dose in patient.doses)
    return Schedule(0.0, boluses, levels=(Level(0.0, "weight", weight),))


def trough(*, dose_mg: float, low: bool = False) -> Scenario:
    plan = Schedule(0.0, (Bolus(0.0, "A", dose_mg),), levels=(Level(0.0, "weight", 1.5),))
    return Scenario(plan, 12.0, "concentration", "trough")


TWIN = Twin(
    name="toy", title="A toy", model=MODEL, personal=("CL", "V"), schedule=schedule, method=RK4(1.0),
    assumptions=("none",), scenarios={"trough": trough},
)
'''

ANALYSES = {
    "filter_exactness": {"settings": {"cases": 2, "observations": 3}},
    "cohort": {"settings": {"envelope": {"weight": [0.5, 4.0]}, "below": {"apgar": 5}}},
    "cross_validation": {
        "settings": {"folds": 2, "groups": [{"covariate": "weight", "below": 1.5}]},
        "quick": {"repeats": 1, "resamples": 200},
        "full": {"repeats": 2, "resamples": 400},
    },
    "sensitivity": {
        "settings": {
            "use": {"scenario": "trough", "dose_mg": 20.0},
            "known": "population_fit",
            "inputs": {"status": {"rest": "both"}, "independent": "as the population model has them"},
        },
    },
}


def plan_text() -> str:
    """The plan of the small study as YAML, its numeric criterion one on the filter."""
    data = plan_data()
    data |= {"twin": "toy", "analyses": ANALYSES}
    (criterion,) = data["factors"][ORDER]["criteria"]
    criterion |= {"analysis": "filter_exactness", "metric": "mean_difference", "value": 0.001}
    return yaml.safe_dump(data, sort_keys=False)


def write_study(folder: Path) -> None:
    """Writes the study into `folder`/studies/toy."""
    study = folder / "studies" / "toy"
    (study / "data").mkdir(parents=True)
    (study / "plan.yaml").write_text(plan_text())
    (study / "toy.py").write_text(TWIN)
    (study / "data" / "toy.yaml").write_text(CARD)
    write_table(folder, TABLE.encode())


def write_table(folder: Path, content: bytes) -> None:
    """Puts the cohort's table beside its data card, which pins it."""
    data = folder / "studies" / "toy" / "data"
    (data / "toy.csv").write_bytes(content)
    card = (data / "toy.yaml").read_text()
    before = next(line for line in card.splitlines() if "sha256:" in line)
    after = before.split("sha256:")[0] + "sha256: " + hashlib.sha256(content).hexdigest()
    (data / "toy.yaml").write_text(card.replace(before, after))
