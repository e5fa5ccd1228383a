"""What `information_value` says: values, tables, and words, of a decision that is nearly tied as well."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from vvuq.analyses.uncertainty.layered import WORDS
from vvuq.methods.information_value import Value
from vvuq.models.twin import Twin
from vvuq.record import Cell, Floats, Quantity, Table

Z = float(ndtri(0.975))


@dataclass(frozen=True, eq=False, slots=True)
class Found:
    """Quantities of interest and benefits (actions, N), and the value of knowing everything, each measurement, and each
    learned parameter (None: it does not vary). worlds: draws of the population, 0 where there are none."""

    labels: tuple[str, ...]
    measurements: tuple[str, ...]
    outcome: Floats
    benefit: Floats
    limits: tuple[float, float]
    everything: Value
    seen: tuple[Value, ...]
    known: Mapping[str, Value | None]
    lost: int
    worlds: int
    runs: int

    @property
    def order(self) -> tuple[int, int]:
        """The action that is taken now, and the next best."""
        best, second = np.argsort(-self.benefit.mean(axis=1), kind="stable")[:2]
        return int(best), int(second)

    @property
    def sure(self) -> tuple[bool, ...]:
        """For each measurement whether it is worth more than 0. That any one is called so wrongly: 2.5 % at most, the
        choice of one of two smoothers counted."""
        return _surely(self.seen)

    @property
    def best(self) -> int:
        """The measurement of the greatest value."""
        return int(np.argmax([one.value for one in self.seen]))


def _surely(each: Sequence[Value]) -> tuple[bool, ...]:
    """Whether each of several values is above 0, by Bonferroni's bound over all of them and both smoothers."""
    z = float(-ndtri(0.025 / (2 * len(each))))
    return tuple(one.value - z * one.error > 0.0 for one in each)


def _of(value: float, error: float, unit: str = "1", n: int | None = None) -> Quantity:
    """With the error of a mean over members: about their number, not about what is known."""
    q = float(value), float(Z * error)
    one_sided = float(ndtri(0.95) * error)
    return Quantity(
        q[0], unit, q[0] - q[1], q[0] + q[1], 0.95, q[0] - one_sided, q[0] + one_sided, kind="numerical", n=n
    )


def _mean(each: Floats) -> Quantity:
    return _of(each.mean(), each.std(ddof=1) / np.sqrt(each.size))


def values(found: Found) -> dict[str, Quantity]:
    """All values; intervals are those of the number of members."""
    best, second = found.order
    out = {f"benefit_{i}": _mean(row) for i, row in enumerate(found.benefit, 1)}
    out["lead"] = _mean(found.benefit[best] - found.benefit[second])
    out["chosen"] = Quantity(best + 1.0, "1")
    out["evpi"] = _of(found.everything.value, found.everything.error)
    for i, one in enumerate(found.seen, 1):
        out[f"evsi_{i}"] = _of(one.value, one.error)
        out[f"changes_{i}"] = _of(100.0 * one.changes, 100.0 * one.changes_error, "%")
    for name, value in found.known.items():
        out[f"evppi_{name}"] = Quantity(0.0, "1") if value is None else _of(value.value, value.error)
    counts = {"n_members": found.benefit.shape[1], "n_members_lost": found.lost, "n_populations": found.worlds,
              "n_runs": found.runs}  # fmt: skip
    return out | {name: Quantity(float(count), "1") for name, count in counts.items()}


def tables(found: Found, twin: Twin) -> dict[str, Table]:
    """The actions as they stand now, and what knowing is worth, the greatest value first within each kind."""
    best, low, high = found.order[0], *found.limits
    rows: list[tuple[Cell, ...]] = []
    for i, label in enumerate(found.labels):
        q, outcome = _mean(found.benefit[i]), found.outcome[i]
        below, above = 100.0 * float((outcome < low).mean()), 100.0 * float((outcome > high).mean())
        rows.append((i + 1, label, q.value, q.low, q.high, below, above, i == best))
    columns = ("number", "action", "benefit", "benefit_low", "benefit_high", "below", "above", "chosen")
    title = f"Expected benefit by what is known now, and outcomes outside of {low:g} to {high:g}"
    actions = Table(title, columns, ("1", "", "1", "1", "1", "%", "%", ""), tuple(rows))
    names = ("kind", "what", "number", "value", "value_low", "value_high", "changes", "of_evpi")
    units = ("", "", "", "1", "1", "1", "%", "%")
    known = Table("What knowing is worth before deciding", names, units, _worth(found))
    return {"actions": actions, "information": known}


def _worth(found: Found) -> tuple[tuple[Cell, ...], ...]:
    ceiling, rows = found.everything.value, list[tuple[Cell, ...]]()

    def row(kind: str, what: str, number: str, one: Value) -> tuple[Cell, ...]:
        q, share = _of(one.value, one.error), 100.0 * one.value / ceiling if ceiling > 0.0 else None
        return kind, what, number, q.value, q.low, q.high, 100.0 * one.changes, share

    for i in np.argsort([-one.value for one in found.seen], kind="stable"):
        rows.append(row("measurement", found.measurements[i], str(i + 1), found.seen[i]))
    moving = [(name, one) for name, one in found.known.items() if one is not None]
    for name, one in sorted(moving, key=lambda pair: -pair[1].value):
        rows.append(row("parameter", name, "", one))
    return (*rows, row("all", "everything", "", found.everything))


def findings(found: Found, known: str, said: str) -> tuple[str, ...]:
    """What is decided now, which measurement is worth most, and which parameter would be."""
    best, second = found.order
    mean = found.benefit.mean(axis=1)
    now = (
        f"By {WORDS[known]}, {found.labels[best]} is decided now: its expected benefit is {mean[best]:.3g}, that of "
        f"{found.labels[second]} {mean[second]:.3g}. To know everything before were worth {_told(found.everything)}."
    )
    out = [now]
    if any(found.sure):
        i = found.best
        one, rest = found.seen[i], [j for j in range(len(found.seen)) if j != i]
        near = [found.measurements[j] for j in rest if _meet(one, found.seen[j])]
        text = f"The most valuable measurement is {found.measurements[i]}, worth {_told(one)}"
        share = f" or {100.0 * one.value / found.everything.value:.0f} % of that" if found.everything.value > 0 else ""
        again = f" Their intervals meet, so that it is not surely worth more than: {', '.join(near)}." if near else ""
        out.append(f"{text}{share}; it changes the decision of {100.0 * one.changes:.0f} % of patients.{again}")
    moving = {name: one for name, one in found.known.items() if one is not None}
    if moving and any(_surely(list(moving.values()))):
        name = max(moving, key=lambda key: moving[key].value)
        out.append(f"Of the parameters, to know {name} exactly were worth most: {_told(moving[name])}.")
    elif moving:
        out.append("No parameter alone is surely worth knowing exactly.")
    if found.worlds:
        out.append(f"Members have {found.worlds} sets of numbers of the population: {said}.")
    return tuple(out)


def negative(found: Found, known: str, moves: bool) -> tuple[str, ...]:
    """No measurement that is surely worth anything, a decision that is nearly tied, and what is left out."""
    best, second = found.order
    lead, out = _mean(found.benefit[best] - found.benefit[second]), list[str]()
    if not any(found.sure):
        out.append(
            "No measurement is surely worth anything for this decision: the best one, "
            f"{found.measurements[found.best]}, is worth {_told(found.seen[found.best])}."
        )
    if lead.low is not None and lead.low <= 0.0:
        out.append(
            f"The decision is nearly tied: {found.labels[best]} leads {found.labels[second]} by {lead.value:.2g} "
            f"({lead.low:.2g} to {lead.high:.2g}), so that the sample has a say in which is taken, and values may come "
            "out a little high."
        )
    if found.lost:
        out.append(f"{found.lost} members could not be simulated and are left out.")
    if moves:
        out.append("Random change of the patient until the outcome is left out: it makes each reading worth less.")
    if not found.worlds and known != "priors":
        out.append("Ignorance of the population is left out: its numbers are taken as the fit has them.")
    return tuple(out)


def _told(one: Value) -> str:
    return f"{one.value:.2g} ({one.value - Z * one.error:.2g} to {one.value + Z * one.error:.2g})"


def _meet(one: Value, other: Value) -> bool:
    return one.value - Z * one.error <= other.value + Z * other.error
