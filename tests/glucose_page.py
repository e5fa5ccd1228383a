"""The tables of docs/glucose.md, computed from the twins. `python tests/glucose_page.py` writes them into the page."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from examples import ROOT
from home import record, structures

from vvuq.methods.fisher import information
from vvuq.models import Adaptive, Infusion, Schedule, Twin, simulate
from vvuq.models.sensitivity import simulate_with_derivatives
from vvuq.record import Dose, Floats

PAGE = ROOT / "docs" / "glucose.md"
WEIGHT, TARGET, SENSOR = 70.0, 119.13, 5.0  # kg, mg/dL, mg/dL
EXACT = Adaptive(rtol=1e-10, atol=1e-12)
MEALS = ((450.0, 60.0, 6.0), (750.0, 80.0, 8.0), (1110.0, 70.0, 7.0))  # min, g, IU
FURTHER = {"glucose": "basal_share", "hovorka": "F01"}  # a shared parameter that would compete with the personal ones
KINDS = ("rapid", "short", "intermediate", "long")


def parts(name: str) -> tuple[Twin, dict[str, float], Any]:
    """A structure, the medians of its priors, and its module."""
    twin = structures()[name]
    medians = {p.name: p.prior.quantile(0.5) for p in twin.model.parameters}
    return twin, medians, sys.modules[twin.model.rhs.__module__]


def basal(name: str) -> float:
    """Basal insulin that the typical patient needs, in the structure's own unit."""
    _, medians, module = parts(name)
    return float(module.basal_need(medians, WEIGHT)[0])


def day(name: str, *doses: Dose) -> tuple[Schedule, Floats]:
    """A day of the typical patient with its basal insulin, and the state that it begins with."""
    twin, medians, module = parts(name)
    cohort = record(*doses, weight=WEIGHT)
    plan = twin.schedule(cohort, cohort.patients[0])
    flow = Infusion(0.0, 1440.0, module.PORTS.basal, basal(name))
    plan = Schedule(0.0, plan.boluses, (flow, *plan.infusions), plan.levels, plan.resets)
    return plan, module.steady_start(Schedule(levels=plan.levels), medians, TARGET)[:, 0]


@cache
def insulin(name: str, kind: str) -> tuple[float, float, float]:
    """Of 10 IU under the skin: peak in plasma, mean residence time, time until 90 % is eliminated [min]."""
    twin, medians, module = parts(name)
    cohort = record(Dose(0.0, 10.0, 0.0, f"{kind}_insulin"), weight=WEIGHT)
    plan = twin.schedule(cohort, cohort.patients[0])
    x0 = 0.0 * module.steady_start(plan, medians, TARGET)[:, 0]  # nothing but this insulin
    times = np.arange(0.0, 4000.0, 1.0)
    plasma = simulate(twin.model, plan, medians, times, method=EXACT, x0=x0).states[:, :, 0]
    plasma = plasma[:, twin.model.state_index("Ip")]
    share = np.cumsum(plasma) / np.sum(plasma)
    return float(times[np.argmax(plasma)]), float(np.sum(times * plasma) / np.sum(plasma)), float(times[share > 0.9][0])


def meal(name: str) -> tuple[float, float, float, float]:
    """After 60 g with 6 IU: highest glucose and when, lowest after it [mg/dL]; the own step's error at readings."""
    twin, medians, _ = parts(name)
    plan, x0 = day(name, Dose(60.0, 60.0, 0.0, "carbohydrate"), Dose(60.0, 6.0, 0.0, "rapid_insulin"))
    times = np.arange(0.0, 601.0, 5.0)
    one, two = (
        simulate(twin.model, plan, medians, times, method=m, x0=x0).observed[:, :, 0] for m in (EXACT, twin.method)
    )
    top = int(np.argmax(one[:, 1]))
    return float(one[top, 1]), float(times[top] - 60.0), float(one[top:, 1].min()), float(np.abs(one - two)[::3].max())


def told(name: str, parameters: tuple[str, ...]) -> tuple[float, Floats]:
    """(condition, relative standard errors) of parameters by one day of a sensor with three meals and boluses."""
    twin, medians, _ = parts(name)
    doses = [Dose(t, g, 0.0, "carbohydrate") for t, g, _ in MEALS]
    doses += [Dose(t, units, 0.0, "rapid_insulin") for t, _, units in MEALS]
    plan, x0 = day(name, *doses)
    times = np.arange(15.0, 1441.0, 15.0)
    _, slopes = simulate_with_derivatives(twin.model, plan, medians, parameters, times, method=twin.method, x0=x0)
    found = information(slopes[:, 0] * np.array([medians[p] for p in parameters]) / SENSOR)
    return found.condition, found.rse


def parameter_table(name: str) -> str:
    """Every parameter with the quantiles of its prior; below, the sources by number."""
    rows = ["| Parameter | Meaning | Unit | Median | 95 % of the prior | Personal | Source |", "| --- " * 7 + "|"]
    twin, sources = structures()[name], list[str]()
    for p in twin.model.parameters:
        low, middle, high = (f"{p.prior.quantile(q):.3g}" for q in (0.025, 0.5, 0.975))
        sources += [p.source] if p.source not in sources else []
        cells = p.meaning, p.unit, middle, f"{low} to {high}", "yes" if p.name in twin.personal else ""
        rows.append(f"| `{p.name}` | {' | '.join(cells)} | {sources.index(p.source) + 1} |")
    return "\n".join([*rows, "", *(f"{i}. {text}" for i, text in enumerate(sources, 1))])


def typical_table() -> str:
    """What the typical patient of each structure does."""
    names = list(structures())
    rows = [["", *(f"`{name}`" for name in names)], ["---"] * (1 + len(names))]
    factor = {name: parts(name)[2].PORTS.mIU for name in names}
    rows.append(["Basal insulin that holds glucose, IU/kg a day",
                 *(f"{basal(n) / factor[n] * 1.44 / WEIGHT:.2f}" for n in names)])  # fmt: skip
    meals = {name: meal(name) for name in names}
    rows.append(["60 g with 6 IU: highest glucose, mg/dL", *(f"{meals[n][0]:.0f}" for n in names)])
    rows.append(["when, min after the meal began", *(f"{meals[n][1]:.0f}" for n in names)])
    rows.append(["lowest glucose after that, mg/dL", *(f"{meals[n][2]:.0f}" for n in names)])
    rows.append(
        ["largest error of the standard step at a reading every 15 min, mg/dL", *(f"{meals[n][3]:.0e}" for n in names)]
    )
    for kind in KINDS:
        found = [insulin(name, kind) for name in names]
        rows.append([f"{kind} insulin: mean residence time, min", *(f"{one[1]:.0f}" for one in found)])
        rows.append([f"{kind} insulin: 90 % eliminated after, h", *(f"{one[2] / 60:.1f}" for one in found)])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def identified_table() -> str:
    """How well a day of a sensor tells the personal parameters, and what one more would do."""
    rows = ["| Structure | Parameters | Condition | Relative standard errors, % |", "| --- | --- | --- | --- |"]
    for name, more in FURTHER.items():
        personal = structures()[name].personal
        for chosen in (personal, (*personal, more)):
            condition, errors = told(name, chosen)
            shown = ", ".join(f"{100 * e:.1f}" for e in errors)
            rows.append(f"| `{name}` | {', '.join(f'`{p}`' for p in chosen)} | {condition:.0f} | {shown} |")
    return "\n".join(rows)


def care_table() -> str:
    """The drivers of the care process."""
    care = structures()["glucose"].care
    assert care is not None
    sees = {"clock": "the clock", "orders": "earlier sticks", "shown": "earlier readings", "given": "earlier doses"}
    rows = ["| Driver | Meaning | Sees |", "| --- | --- | --- |"]
    return "\n".join((*rows, *(f"| `{d.name}` | {d.meaning} | {sees[d.uses]} |" for d in care.drivers)))


TABLES: dict[str, Callable[[], str]] = {
    "typical": typical_table,
    "identified": identified_table,
    "care": care_table,
    **{name: (lambda name=name: parameter_table(name)) for name in structures()},
}


def filled(page: str) -> str:
    """The page with every table computed anew."""
    for name, table in TABLES.items():
        mark = re.compile(rf"<!-- table: {name} -->.*?<!-- end -->", re.DOTALL)
        assert len(mark.findall(page)) == 1, name
        begin, end = next(mark.finditer(page)).span()
        page = f"{page[:begin]}<!-- table: {name} -->\n\n{table()}\n\n<!-- end -->{page[end:]}"
    return page


if __name__ == "__main__":
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
