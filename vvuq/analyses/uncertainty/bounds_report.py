"""What `probability_bounds` says: values, tables, and words; and that its bounds are inner ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import beta

from vvuq.methods.inputs import Inputs
from vvuq.methods.probability_box import ProbabilityBox
from vvuq.record import Cell, Floats, Quantity, Table

WIDE = 20.0  # percentage points between the bounds, from which on the probability is called unknown


@dataclass(frozen=True, eq=False, slots=True)
class Found:
    """The box, and beside it: how many of `draws` fresh ones lie below each threshold at the places of its bounds
    (2, thresholds), sorted values by precise distributions, sorted values at each place tried, mean quantities with one
    interval moved alone (q, 3). epistemic: rows of the inputs in intervals; chosen: which of these were searched;
    drawn: inputs that vary by chance; given: intervals that the plan gives."""

    box: ProbabilityBox
    thresholds: tuple[float, ...]
    unit: str
    meaning: str
    fresh: Floats
    fresh_draws: int
    precise: Floats
    band: tuple[Floats, ...]
    alone: Floats
    inputs: Inputs
    ends: Floats
    epistemic: tuple[int, ...]
    chosen: tuple[int, ...]
    drawn: int
    runs: int
    given: tuple[str, ...]


def metrics(thresholds: int, unit: str, drawn: bool) -> dict[str, str]:
    """Names and units of all values. drawn: whether any input varies by chance."""
    places = range(1, thresholds + 1)
    shares = [f"below_{i}_{end}" for i in places for end in ("low", "high", "precise")] + [f"width_{i}" for i in places]
    stems = ("mean", "q05", "q50", "q95") if drawn else ("mean",)
    values = [f"{stem}_{end}" for stem in stems for end in ("low", "high")] + ["mean_precise"]
    values += [f"{stem}_precise" for stem in ("q05", "q50", "q95")]
    counts = ("n_drawn", "n_both", "n_intervals", "n_held_at_middle", "n_draws", "n_places", "n_runs")
    return dict.fromkeys(shares, "%") | dict.fromkeys(values, unit) | dict.fromkeys(counts, "1")


def _share(count: float, n: int) -> Quantity:
    """In percent, with the exact interval of Clopper and Pearson for n independent draws."""
    k = int(count)

    def ends(tail: float) -> tuple[float, float]:
        low = float(beta.ppf(tail, k, n - k + 1)) if k else 0.0
        return 100.0 * low, 100.0 * (float(beta.ppf(1.0 - tail, k + 1, n - k)) if k < n else 1.0)

    (low, high), (lower, upper) = ends(0.025), ends(0.05)
    return Quantity(100.0 * k / n, "%", low, high, 0.95, lower, upper, "numerical", n)


def values(found: Found) -> dict[str, Quantity]:
    """All values. Probabilities have the interval of their draws; where nothing is drawn they are 0 or 100 %."""
    box, out = found.box, dict[str, Quantity]()
    for i, threshold in enumerate(found.thresholds):
        low, high = (_at_place(found, side, i) for side in (0, 1))
        below = float(np.searchsorted(found.precise, threshold, side="left"))
        out |= {f"below_{i + 1}_low": low, f"below_{i + 1}_high": high}
        out[f"below_{i + 1}_precise"] = _share(below, found.precise.size)
        out[f"width_{i + 1}"] = Quantity(high.value - low.value, "%", kind="epistemic")
    bounds = [("mean", float(box.mean.low[0]), float(box.mean.high[0]))]
    if found.drawn:
        stems = (f"q{100 * level:02.0f}" for level in box.levels)
        bounds += [
            (s, float(a), float(b)) for s, a, b in zip(stems, box.quantiles.low, box.quantiles.high, strict=True)
        ]
    for stem, least, most in bounds:
        out[f"{stem}_low"] = Quantity(least, found.unit, kind="epistemic")
        out[f"{stem}_high"] = Quantity(most, found.unit, kind="epistemic")
    out["mean_precise"] = Quantity(float(found.precise.mean()), found.unit)
    for level, value in zip(box.levels, np.quantile(found.precise, box.levels), strict=True):
        out[f"q{100 * level:02.0f}_precise"] = Quantity(float(value), found.unit)
    both = sum(one.status == "both" for one in found.inputs.items)
    counts = {
        "n_drawn": found.drawn, "n_both": both, "n_intervals": len(found.chosen),
        "n_draws": box.draws if found.drawn else 0,
        "n_held_at_middle": len(found.epistemic) - len(found.chosen), "n_places": box.evaluations, "n_runs": found.runs,
    }  # fmt: skip
    return out | {name: Quantity(float(count), "1") for name, count in counts.items()}


def _at_place(found: Found, side: int, i: int) -> Quantity:
    """The probability at the place of a bound, by draws that had no part in finding it."""
    count = float(found.fresh[side, i])
    return _share(count, found.fresh_draws) if found.drawn else Quantity(100.0 * count, "%")


def tables(found: Found, points: int) -> dict[str, Table]:
    """Probabilities at the thresholds and of the band on a grid, quantiles, and each interval moved alone."""
    return {
        "bounds": _bounds(found), "band": _band(found, points), "quantiles": _quantiles(found), "alone": _alone(found)
    }  # fmt: skip


def _bounds(found: Found) -> Table:
    rows = []
    for i, threshold in enumerate(found.thresholds):
        low, high = (_at_place(found, side, i) for side in (0, 1))
        sought = 100.0 * float(found.box.below.low[i]), 100.0 * float(found.box.below.high[i])
        precise = 100.0 * float(np.searchsorted(found.precise, threshold, side="left")) / found.precise.size
        rows.append((i + 1, threshold, low.value, high.value, precise, *sought))
    columns = ("number", "threshold", "below_low", "below_high", "below_precise", "search_low", "search_high")
    title = f"Probability that {found.meaning} is below a threshold"
    return Table(title, columns, ("1", found.unit, *("%",) * 5), tuple(rows))


def _band(found: Found, points: int) -> Table:
    """The least and the greatest P(quantity <= x) over all places that were tried."""
    ends = [one[[0, -1]] for one in found.band] + [found.precise[[0, -1]]]
    low, high = float(np.min(ends)), float(np.max(ends))
    grid = np.linspace(low - 0.02 * (high - low), high + 0.02 * (high - low), points)
    least, most = np.ones(points), np.zeros(points)
    for one in found.band:
        share = np.searchsorted(one, grid, side="right") / one.size
        least, most = np.minimum(least, share), np.maximum(most, share)
    precise = np.searchsorted(found.precise, grid, side="right") / found.precise.size
    rows = tuple(tuple(float(v) for v in row) for row in np.array([grid, least, most, precise]).T)
    title = "Distribution function: bounds over the intervals, and by precise distributions"
    return Table(title, ("value", "lower", "upper", "precise"), (found.unit, "1", "1", "1"), rows)


def _quantiles(found: Found) -> Table:
    box = found.box
    rows: list[tuple[Cell, ...]] = [
        ("mean", float(box.mean.low[0]), float(box.mean.high[0]), float(found.precise.mean()))
    ]
    precise = np.quantile(found.precise, box.levels)
    for level, low, high, by in zip(box.levels, box.quantiles.low, box.quantiles.high, precise, strict=True):
        rows.append((f"{100 * level:g} % quantile", float(low), float(high), float(by)))
    u = found.unit
    return Table(
        f"Bounds of {found.meaning}", ("statistic", "lowest", "highest", "precise"), ("", u, u, u), tuple(rows)
    )


def _alone(found: Found) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for j in np.argsort(-np.ptp(found.alone, axis=1), kind="stable"):
        one, (low, high) = found.inputs.items[found.epistemic[j]], found.ends[j]
        source = "given by the plan" if one.name in found.given else "central 95 % of its distribution"
        use = "searched" if j in found.chosen else "held at its middle"
        rows.append((one.name, one.unit, float(low), float(high), *(float(v) for v in found.alone[j]), source, use))
    columns = ("parameter", "unit", "low", "high", "mean_at_low", "mean_at_middle", "mean_at_high", "interval", "use")
    units = ("", "", "", "", found.unit, found.unit, found.unit, "", "")
    return Table("Intervals, and the mean with one of them moved alone", columns, units, tuple(rows))


def findings(found: Found) -> tuple[str, ...]:
    """How far probabilities move, what distributions would have said, and that the bounds are inner ones."""
    out, many = [], f"{len(found.chosen)} interval{'' if len(found.chosen) == 1 else 's'}"
    for i, threshold in enumerate(found.thresholds):
        low, high = (_at_place(found, side, i).value for side in (0, 1))
        by = 100.0 * float(np.searchsorted(found.precise, threshold, side="left")) / found.precise.size
        what = f"{found.meaning} is below {_with(threshold, found.unit)}"
        out.append(
            f"Within {many} the probability that {what} moves from {low:.3g} to {high:.3g} %; "
            f"with a distribution in place of each interval it would be called {by:.3g} %."
        )
    if not found.drawn:
        out.append(
            f"Nothing varies by chance: the quantity itself lies from {found.box.mean.low[0]:.4g} to "
            f"{_with(found.box.mean.high[0], found.unit)}, and probabilities are 0 or 100 %."
        )
    out.append(
        f"The bounds are inner ones, each met at one of {found.box.evaluations} places that were tried: the true ones "
        "may be wider, but not where the quantity rises or falls with each input throughout."
    )
    return tuple(out)


def negative(found: Found) -> tuple[str, ...]:
    """Probabilities that are hardly known, what was held, dependence that intervals do not carry."""
    out = []
    for i, threshold in enumerate(found.thresholds):
        low, high = (_at_place(found, side, i).value for side in (0, 1))
        if not found.drawn and high > low:
            out.append(f"It is not known on which side of {_with(threshold, found.unit)} the quantity lies.")
        elif high - low >= WIDE:
            out.append(
                f"The probability of a quantity below {_with(threshold, found.unit)} is hardly known: {low:.3g} to "
                f"{high:.3g} %. One number for it would be that of the assumed distributions."
            )
    held = [found.inputs.items[row].name for j, row in enumerate(found.epistemic) if j not in found.chosen]
    if held:
        out.append(
            f"Held at the middle of their intervals, so that bounds are too narrow by their part: {', '.join(held)}."
        )
    both = [one.name for one in found.inputs.items if one.status == "both"]
    if both:
        out.append(f"Drawn as if all of their spread were chance, so that bounds are too narrow: {', '.join(both)}.")
    if _crosses(found):
        out.append("Inputs in intervals are correlated by the plan, which intervals do not carry: bounds allow more.")
    return tuple(out)


def _with(value: float, unit: str) -> str:
    return f"{value:.4g}" if unit == "1" else f"{value:.4g} {unit}"


def _crosses(found: Found) -> bool:
    """Whether an input in an interval is correlated with any other."""
    if found.inputs.correlation is None:
        return False
    away = np.asarray(found.inputs.correlation) - np.eye(len(found.inputs.items))
    return bool(np.any(away[list(found.epistemic)]))
