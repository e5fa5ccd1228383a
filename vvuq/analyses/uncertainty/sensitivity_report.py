"""What `sensitivity` says: values, tables, and words, where two methods disagree as well."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.special import stdtrit

from vvuq.analyses.uncertainty.inputs import Declared
from vvuq.methods import chaos
from vvuq.methods.gum import Propagated
from vvuq.methods.inputs import STATUSES
from vvuq.methods.screening import Delta, FirstOrder, Morris, Pawn
from vvuq.methods.shapley import Effects
from vvuq.methods.sobol import Design, Indices, Looks
from vvuq.models.twin import Scenario, Twin
from vvuq.record import Cell, Floats, Quantity, Table

CLEAR = 0.05  # share of the variance from which on an input is named
LEVEL = 0.95
TELLS = 0.05  # an error up to which that two methods agree says something
EXACT = 0.01  # an error of an expansion below this share of the variance is small
_PLAIN = (
    "largest_disagreement", "agreement", "pce_validation_error", "pce_error_bound", "pce_terms", "n_runs_sobol",
    "n_runs_pce", "n_parameters", "sum_first_order", "widest_half_width", "goal_reached", "distribution_stabilized",
    "n_trials", "agreement_tells", "n_repeated",
)  # fmt: skip
_SHARES = ("share_aleatory", "share_epistemic", "share_both", "share_mixed")


class Row(NamedTuple):
    """One index by both methods with its intervals, their difference, and whether they agree."""

    parameter: str
    order: str
    sobol: float
    low: float
    high: float
    pce: float
    pce_low: float
    pce_high: float
    difference: float
    agree: bool


def metrics(names: Sequence[str], unit: str) -> dict[str, str]:
    """Names and units of all values, for inputs of these names."""
    indices = [f"{kind}_{name}" for kind in ("S1", "ST") for name in names]
    in_unit = ("qoi_mean", "qoi_sd", "qoi_low95", "qoi_high95")
    return {**dict.fromkeys(in_unit, unit), **dict.fromkeys((*_PLAIN, *_SHARES, *indices), "1")}


def compare(names: Sequence[str], s: Indices, level: float, expansion: chaos.Expansion) -> list[Row]:
    """A row an index. Both agree where their intervals meet: that of the nets, widened so that all the comparisons
    together hold at its level, and where the function's own index can lie if the expansion errs by its upper bound."""
    bounds, rows, tail = chaos.error_bounds(expansion), [], 0.5 * (1.0 - level)
    widen = float(stdtrit(s.scrambles - 1, 1.0 - tail / (2 * len(names))) / stdtrit(s.scrambles - 1, 1.0 - tail))
    for order, value, low, high, b, ends in (
        ("first", s.first, s.first_low, s.first_high, chaos.first_order(expansion), bounds.first),
        ("total", s.total, s.total_low, s.total_high, chaos.total_order(expansion), bounds.total),
    ):
        for i, name in enumerate(names):
            v, at, to, p = (float(x[i]) for x in (value, low, high, b))
            lo, hi = float(ends[0, i]), float(ends[1, i])
            meet = v - widen * (v - at) <= hi and lo <= v + widen * (to - v)
            rows.append(Row(name, order, v, at, to, p, lo, hi, v - p, meet))
    return rows


def values(
    of: Declared, looks: Looks, expansion: chaos.Expansion, rows: list[Row], spread: Propagated, unit: str
) -> dict[str, Quantity]:
    """All values but those of the cohort."""
    error, s = expansion.error, looks.indices
    out = {
        "qoi_mean": Quantity(spread.estimate, unit, kind="epistemic"),
        "qoi_sd": Quantity(spread.uncertainty, unit, kind="epistemic"),
        "qoi_low95": Quantity(spread.low, unit, kind="epistemic"),
        "qoi_high95": Quantity(spread.high, unit, kind="epistemic"),
        "largest_disagreement": Quantity(max(abs(r.difference) for r in rows), "1", kind="numerical"),
        "agreement": Quantity(float(all(r.agree for r in rows)), "1"),
        "pce_validation_error": Quantity(float(error.reported), "1", kind="numerical"),
        "pce_error_bound": Quantity(float(error.upper), "1", kind="numerical"),
        "agreement_tells": Quantity(float(error.upper <= TELLS), "1"),
        "pce_terms": Quantity(float(len(expansion.coefficients)), "1"),
        "n_runs_sobol": Quantity(float(s.runs), "1"),
        "n_runs_pce": Quantity(float(expansion.runs), "1"),
        "n_parameters": Quantity(float(len(of.inputs.items)), "1"),
        "sum_first_order": Quantity(float(s.first.sum()), "1", kind="numerical"),
        "widest_half_width": Quantity(looks.widest[-1], "1", kind="numerical"),
        "goal_reached": Quantity(float(looks.reached), "1"),
        "distribution_stabilized": Quantity(float(spread.stabilized), "1"),
        "n_trials": Quantity(float(spread.trials), "1"),
    }
    for row in rows:
        key = f"{'S1' if row.order == 'first' else 'ST'}_{row.parameter}"
        out[key] = Quantity(row.sobol, "1", row.low, row.high, looks.level, kind="numerical")
    return out | _by_status(of, expansion)


def unmoved(names: Sequence[str]) -> dict[str, Quantity]:
    """Indices of parameters that a fit found not to vary."""
    return {f"{kind}_{name}": Quantity(0.0, "1") for kind in ("S1", "ST") for name in names}


def _by_status(of: Declared, expansion: chaos.Expansion) -> dict[str, Quantity]:
    """Shares of the variance that inputs of one status make alone, and what only several together do."""
    out, left = {}, 1.0
    for status in STATUSES:
        names = [one.name for one in of.inputs.items if one.status == status]
        share = chaos.closed(expansion, names) if names else 0.0
        left -= share
        out[f"share_{status}"] = Quantity(share, "1", kind="numerical")
    return out | {"share_mixed": Quantity(max(left, 0.0), "1", kind="numerical")}


def index_table(rows: list[Row]) -> Table:
    """Both methods, index by index."""
    return Table(
        "Sobol' indices by both methods", Row._fields, ("", "", *("1",) * 7, ""), tuple(tuple(row) for row in rows)
    )


def look_table(looks: Looks, start: Design) -> Table:
    """How the intervals narrowed as the nets grew."""
    runs = start.points.shape[1]
    rows = tuple((runs * 2**i, widest) for i, widest in enumerate(looks.widest))
    title = f"Widest half-width of an index as the nets grow ({100.0 * looks.level:.3g} % at each look)"
    return Table(title, ("runs", "widest_half_width"), ("1", "1"), rows)


def course_table(twin: Twin, problem: Scenario, times: Floats, names: Sequence[str], found: Indices | None) -> Table:
    """Indices of the observable at each instant, an input after the other."""
    rows: list[tuple[Cell, ...]] = []
    if found is not None:
        for i, name in enumerate(names):
            for t, time in enumerate(times):
                parts = (found.first, found.first_low, found.first_high, found.total, found.total_low, found.total_high)
                rows.append((name, float(time), *(float(p[t, i]) for p in parts)))
    columns = ("parameter", "time", "first", "first_low", "first_high", "total", "total_low", "total_high")
    title = f"Indices of {problem.observable} along its course"
    return Table(title, columns, ("", twin.model.time_unit, *("1",) * 6), tuple(rows))


def shapley_table(names: Sequence[str], effects: Effects) -> Table:
    """Shares of the variance that add up to 1 although inputs depend on each other."""
    columns = ("parameter", "shapley", "low", "high")
    rows = tuple(
        (name, float(v), float(a), float(b))
        for name, v, a, b in zip(names, effects.value, effects.low, effects.high, strict=True)
    )
    return Table("Shapley effects of the dependent inputs", columns, ("", "1", "1", "1"), rows)


def screening_table(names: Sequence[str], m: Morris, p: Pawn, delta: Delta, first: FirstOrder) -> Table:
    """Four other measures; a rank for each would say less than they do."""
    columns = (
        "parameter", "morris_mu_star", "morris_sigma", "pawn", "pawn_unrelated", "delta", "delta_low", "delta_high",
        "rbd_fast_first",
    )  # fmt: skip
    unrelated = np.full(len(names), p.unrelated)
    found = [m.mu_star, m.sigma, p.median, unrelated, delta.value, delta.low, delta.high, first.value]
    rows = tuple((name, *row) for name, row in zip(names, np.array(found).T.tolist(), strict=True))
    return Table("Inputs by other measures (SALib)", columns, ("", *("1",) * 8), rows)


def density(sample: Floats, bins: int, unit: str) -> Table:
    """A histogram of the central 99.8 %."""
    heights, edges = np.histogram(sample, bins=bins, range=tuple(np.quantile(sample, [0.001, 0.999])), density=True)
    middles = 0.5 * (edges[:-1] + edges[1:])
    rows = tuple((float(x), float(y)) for x, y in zip(middles, heights, strict=True))
    return Table("Distribution of the quantity of interest", ("value", "density"), (unit, f"1/({unit})"), rows)


def findings(
    problem: Scenario, of: Declared, found: Indices, expansion: chaos.Expansion, effects: Effects | None
) -> tuple[str, ...]:
    """Who drives, and what more knowledge could take away."""
    names = of.inputs.names
    order = np.argsort(-found.total, kind="stable")
    leading = [f"{names[i]} ({100.0 * found.total[i]:.0f} %)" for i in order if found.total[i] >= CLEAR]
    of_what = f"the variance of the quantity of interest ({problem.meaning})"
    told = [f"By total indices {of_what} is driven by {', '.join(leading) or 'no input alone'}."]
    epistemic = [one.name for one in of.inputs.items if one.status != "aleatory"]
    pure = [one.name for one in of.inputs.items if one.status == "aleatory"]
    if pure:
        share = 100.0 * chaos.closed(expansion, pure)
        told.append(
            f"{share:.0f} % of it is aleatory alone: no knowledge of {', '.join(epistemic) or 'anything'} removes it."
        )
    if effects is not None:
        told.append("Inputs depend on each other: Sobol' indices are those of the copula's germs, in the order of the "
                    "inputs; the Shapley effects are the shares of the inputs themselves.")  # fmt: skip
    return tuple(told)


def negative(
    rows: list[Row], looks: Looks, expansion: chaos.Expansion, spread: Propagated, half_width: float,
    repeated: Indices | None,
) -> tuple[str, ...]:  # fmt: skip
    """What is not settled, and why two methods may disagree."""
    out = []
    apart = [r for r in rows if not r.agree]
    if repeated is not None and not apart:
        out.append(
            f"Sobol' indices and polynomial chaos first disagreed beyond their errors, though both call themselves "
            f"exact; nets of their own with {repeated.runs} runs agree with the chaos: the first intervals missed."
        )
    if apart:
        which = ", ".join(f"{r.order} index of {r.parameter} ({r.sobol:.3g} against {r.pce:.3g})" for r in apart)
        out.append(
            f"Sobol' indices and polynomial chaos disagree beyond their errors for {which}. {_why(looks, expansion)}"
        )
    if expansion.error.upper > EXACT:
        out.append(
            f"The expansion may miss up to {100.0 * expansion.error.upper:.2g} % of the variance "
            f"({expansion.chosen}): it is no surrogate, and its indices hold within that error only."
        )
    if not looks.reached:
        out.append(
            f"After {looks.indices.runs} runs the widest half-width of an index is {looks.widest[-1]:.2g}; the goal "
            f"was {half_width:g}."
        )
    if not spread.stabilized:
        out.append(
            f"Two digits of the distribution's SD and ends do not stand still after {spread.trials} trials: they are "
            f"known to {float(np.max(spread.errors)):.2g}."
        )
    return tuple(out)


def _why(looks: Looks, expansion: chaos.Expansion) -> str:
    """The likeliest reason, by what both say of themselves."""
    if expansion.error.upper > EXACT:
        return (
            "The expansion is the less exact one here: polynomials follow a kink or a threshold badly, and the nets "
            "assume no smoothness."
        )
    if not looks.reached:
        return "The nets did not reach their goal, so that their intervals rest on few rows."
    return (
        "Neither method's own error explains it, and nets of their own with four times the rows disagree as well: one "
        "of the two is wrong, and neither is relied on."
    )
