"""Shared by `utility`: its counts as values with intervals over patients, tables, and sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from vvuq.analyses.validation.forecast_report import PERSISTENCE
from vvuq.analyses.validation.forecasts import slug
from vvuq.analyses.validation.utility_rows import EARLY, PERCENT, Prompted
from vvuq.interaction.forecaster import Forecaster
from vvuq.methods.jackknife import jackknife, t_quantity
from vvuq.record import Cell, Floats, Quantity, Table

Values = Mapping[str, Quantity]
_ALARMS = {
    "sensitivity": "%", "specificity": "%", "predictive_value": "%", "prompts_per_day": "1/day", "prompts_right": "%",
    "warned": "%", f"warned_{EARLY:g}": "%", "lead_time": "min",
}  # fmt: skip
_COUNTS = ("n_patients", "n_moments", "n_low_now", "n_events", "n_episodes")


def units(names: Sequence[str]) -> dict[str, str]:
    """Name and unit of every number of `values`."""
    at = ("", *(f"_{one}" for one in PERCENT))
    out = {f"net_benefit_all{one}": "1" for one in at} | {"prevalence": "%"} | dict.fromkeys(_COUNTS, "1")
    for name in names:
        over = ("net_benefit", "over_all", *(() if name == PERSISTENCE else ("over_persistence",)))
        out |= {f"{key}_{slug(name)}{one}": "1" for key in over for one in at}
        out |= {f"{key}_{slug(name)}": unit for key, unit in _ALARMS.items()}
    return out


def values_of(seen: Prompted) -> dict[str, Quantity]:
    """All of `units` that can be told: shares of no prompt or of no low are left out."""
    names, ids = list(seen.by), list(seen.base)
    parts = [seen.base, *seen.by.values()]
    keys = [list(next(iter(part.values()))) for part in parts]
    flat = np.array([[part[i][k] for part, ks in zip(parts, keys, strict=True) for k in ks] for i in ids])
    cuts = np.cumsum([len(ks) for ks in keys])[:-1]

    def numbers(rows: Floats) -> dict[str, float]:
        base, *by = (
            dict(zip(ks, m, strict=True)) for ks, m in zip(keys, np.split(rows.mean(axis=0), cuts), strict=True)
        )
        return _numbers(base, dict(zip(names, by, strict=True)))

    of, told = units(names), numbers(flat)
    value, error = jackknife(flat, lambda rows: np.array(list(numbers(rows).values())))
    ends = {"%": (0.0, 100.0), "1/day": (0.0, np.inf), "min": (0.0, np.inf)}
    out = {}
    for key, v, e in zip(told, value, error, strict=True):
        if np.isfinite(v):
            low, high = ends.get(of[key], (-np.inf, np.inf))
            out[key] = t_quantity(v, e, of[key], len(ids), low=low, high=high)
    sums = {"n_moments": "moments", "n_low_now": "low_now", "n_events": "events"}
    counts = {key: sum(one[column] for one in seen.base.values()) for key, column in sums.items()}
    counts |= {"n_patients": float(len(ids)), "n_episodes": sum(p["episodes"] for p in seen.by[names[0]].values())}
    return out | {key: Quantity(float(count), "1") for key, count in counts.items()}


def _numbers(base: Mapping[str, float], by: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    """What has an interval, from means over patients: of shares, so that patients weigh alike, and of counts."""
    out = {"prevalence": 100.0 * base["prevalence"]}
    for at in ("", *(f"_{one}" for one in PERCENT)):
        out[f"net_benefit_all{at}"] = base[f"all{at}"]
        for name, mine in by.items():
            out[f"net_benefit_{slug(name)}{at}"] = mine[f"benefit{at}"]
            out[f"over_all_{slug(name)}{at}"] = mine[f"benefit{at}"] - base[f"all{at}"]
            if name != PERSISTENCE:
                gained = mine[f"benefit{at}"] - by[PERSISTENCE][f"benefit{at}"]
                out[f"over_persistence_{slug(name)}{at}"] = gained
    for name, mine in by.items():
        needless = mine["acted"] - mine["right"]
        told = {
            "sensitivity": _percent(mine["right"], base["prevalence"]),
            "specificity": 100.0 - _percent(needless, 1.0 - base["prevalence"]),
            "predictive_value": _percent(mine["right"], mine["acted"]),
            "prompts_per_day": mine["raised"] / mine["days"],
            "prompts_right": _percent(mine["raised_right"], mine["raised"]),
            "warned": _percent(mine["warned"], mine["episodes"]),
            f"warned_{EARLY:g}": _percent(mine["early"], mine["episodes"]),
            "lead_time": 0.01 * _percent(mine["lead"], mine["warned"]),
        }
        out |= {f"{key}_{slug(name)}": value for key, value in told.items()}
    return out


def _percent(part: float, whole: float) -> float:
    return float(100.0 * part / whole) if whole > 0.0 else float("nan")


def tables_of(seen: Prompted, known: Mapping[str, Forecaster], values: Values) -> dict[str, Table]:
    """The decision curve, `gains` of it for what is no baseline, what prompts at the operating threshold were worth,
    and each patient's."""
    curve = _curve(known, values)
    gains = tuple(row for row in curve.rows if row[2] != "baseline")
    made = {"decision_curve": curve, "gains": replace(curve, rows=gains), "prompts": _prompts(list(seen.by), values)}
    return {name: table for name, table in made.items() if table.rows} | {"by_patient": _by_patient(seen)}


def _curve(known: Mapping[str, Forecaster], values: Values) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for at in PERCENT:
        every = values[f"net_benefit_all_{at}"]
        rows.append((at, "prompt always", "baseline", every.value, every.low, every.high, *(None,) * 6))
        for name, one in known.items():
            mine = [values.get(f"{key}_{slug(name)}_{at}") for key in ("net_benefit", "over_all", "over_persistence")]
            cells = [end for q in mine for end in ((q.value, q.low, q.high) if q else (None,) * 3)]
            rows.append((at, name, one.kind, *cells))
    columns = ("threshold", "forecaster", "kind", "net_benefit", "low", "high", "over_always", "always_low",
               "always_high", "over_persistence", "persistence_low", "persistence_high")  # fmt: skip
    title = "Net benefit by threshold; never to prompt gains 0 (95 % intervals over patients)"
    return Table(title, columns, ("%", "", "", *("1",) * 9), tuple(rows))


def _prompts(names: Sequence[str], values: Values) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for name in names:
        cells: list[Cell] = [name]
        for key in _ALARMS:
            q = values.get(f"{key}_{slug(name)}")
            cells += [q.value, q.low, q.high] if q else [None, None, None]
        rows.append(tuple(cells))
    columns = ("forecaster", *(part for key in _ALARMS for part in (key, f"{key}_low", f"{key}_high")))
    title = "Prompts at the operating threshold (95 % intervals over patients)"
    return Table(title, columns, ("", *(unit for unit in _ALARMS.values() for _ in range(3))), tuple(rows))


def _by_patient(seen: Prompted) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for name, patients in seen.by.items():
        for patient, mine in patients.items():
            base = seen.base[patient]
            right = 100.0 * mine["right"] / base["prevalence"] if base["prevalence"] else None
            rows.append((patient, name, base["moments"], base["events"], mine["benefit"], base["all"], right,
                         mine["raised"] / mine["days"], mine["episodes"], mine["warned"]))  # fmt: skip
    columns = ("patient", "forecaster", "moments", "events", "net_benefit", "net_benefit_always", "sensitivity",
               "prompts_per_day", "lows", "lows_warned")  # fmt: skip
    return Table("Each patient's prompts", columns, ("", "", *("1",) * 4, "%", "1/day", "1", "1"), tuple(rows), True)


def findings(seen: Prompted, values: Values) -> tuple[str, ...]:
    """What is at stake, where each forecaster gains, and what its prompts are like."""
    rule = seen.rule
    n, before = int(values["n_moments"].value), values["prevalence"]
    first = (
        f"At {n} moments of build patients the reading was not below {rule.threshold:g}; within three hours of "
        f"{before.value:.0f} % of them one was (mean over patients{_ends(before, '.0f')}). Moments at which it was low "
        f"already, {values['n_low_now'].value:.0f}, are left out: there is nothing to forecast."
    )
    out = [first]
    for name in seen.by:
        better = [at for at in PERCENT if min(_over(values, name, at)) > 0.0]
        where = f"at thresholds of {_spans(better)} %" if better else "at no threshold from 5 to 60 %"
        told = f"Over these patients prompts by {name} gain on average more than to prompt always or never {where}."
        out.append(f"{told} {_alarms(name, values, rule.operating)}" if f"warned_{slug(name)}" in values else told)
    out.append(
        "Net benefit counts a low that was prompted for as gained: whether a prompt prevents it was not observed."
    )
    return tuple(out)


def negative(seen: Prompted, known: Mapping[str, Forecaster], values: Values) -> tuple[str, ...]:
    """Forecasters whose prompts at the operating threshold are not certainly worth more than simpler rules."""
    out, at = [], f"{100.0 * seen.rule.operating:g} %"
    for name, one in known.items():
        if one.kind == "baseline":
            continue
        rules = {
            "net_benefit": "never to prompt",
            "over_all": "to prompt always",
            "over_persistence": "prompts by persistence",
        }
        unsure = [said for key, said in rules.items() if not _sure(values[f"{key}_{slug(name)}"])]
        if unsure:
            out.append(f"At {at} it is not certain that prompts by {name} gain more than {' or '.join(unsure)}.")
    return tuple(out)


def _over(values: Values, name: str, at: int) -> tuple[float, float]:
    return values[f"net_benefit_{slug(name)}_{at}"].value, values[f"over_all_{slug(name)}_{at}"].value


def _alarms(name: str, values: Values, operating: float) -> str:
    def told(key: str, form: str = ".0f") -> str:
        q = values.get(f"{key}_{slug(name)}")
        return f"{q.value:{form}}{_ends(q, form)}" if q else "no"

    lows = int(values["n_episodes"].value)
    return (
        f"From {100.0 * operating:g} % on it prompts {told('prompts_per_day', '.1f')} times a day, "
        f"{told('prompts_right')} % of them rightly, and before {told('warned')} % of {lows} lows, "
        f"{told('lead_time')} min ahead on average where it does."
    )


def _ends(q: Quantity, form: str) -> str:
    return f" [{q.low:{form}} to {q.high:{form}}]" if q.low is not None and q.high is not None else ""


def _spans(steps: Sequence[int]) -> str:
    """5, 10, 15, 30 as "5 to 15, 30"."""
    runs: list[list[int]] = []
    for one in steps:
        if runs and one - runs[-1][-1] == 5:
            runs[-1].append(one)
        else:
            runs.append([one])
    return ", ".join(f"{run[0]} to {run[-1]}" if len(run) > 1 else str(run[0]) for run in runs)


def _sure(q: Quantity) -> bool:
    return q.lower95 is not None and q.lower95 > 0.0
