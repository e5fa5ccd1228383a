"""How well each patient's samples know the personal parameters, by how many samples there are."""

from __future__ import annotations

import math

from matplotlib.ticker import MaxNLocator, NullFormatter

from vvuq.dossier.figures.canvas import BASE, INK, MUTED, NOISE, TWIN, column, sheet, style, to_svg
from vvuq.record import Table

_LINES = (("o-", TWIN), ("s--", BASE), ("^:", INK), ("D-.", MUTED))


def by_samples(ident: str, table: Table, limit_rse: float, limit_correlation: float, alt: str) -> str:
    """Three panels: median RSE of each personal parameter (log axis), median of the largest |correlation|, and in how
    many patients the samples tell the parameters apart."""
    samples = [int(count) for count in column(table, "samples")]
    with style(ident):
        figure, (left, middle, right) = sheet(7.2, 2.9, 3)
        names = [name for name in table.columns if name.startswith("median_rse_")]
        for place, name in enumerate(names):
            mark, colour = _LINES[place % len(_LINES)]
            label = name.removeprefix("median_rse_")
            left.plot(samples, column(table, name), mark, color=colour, markersize=4.5, label=label)
        left.axhline(limit_rse, color=MUTED, linewidth=0.9, linestyle=":", label="limit")
        if _positive([value for name in names for value in column(table, name)]):
            left.set_yscale("log")
            left.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
            left.yaxis.set_minor_formatter(NullFormatter())
        left.set(title="Median RSE [%]")
        left.legend(labelcolor=INK, ncols=3, loc="upper center", bbox_to_anchor=(0.5, -0.22), columnspacing=0.8)
        middle.plot(samples, column(table, "median_abs_correlation"), "o-", color=TWIN, markersize=4.5)
        middle.axhline(limit_correlation, color=MUTED, linewidth=0.9, linestyle=":")
        middle.set(title="Median |correlation|", ylim=(0, 1.04))
        whole, blind = column(table, "patients"), column(table, "cannot_separate")
        seen = [a - b for a, b in zip(whole, blind, strict=True)]
        right.bar(samples, seen, 0.65, color=TWIN, edgecolor=INK, linewidth=0.6, label="told apart")
        right.bar(samples, blind, 0.65, bottom=seen, color=NOISE, edgecolor=INK, linewidth=0.6, hatch="///",
                  label="cannot")  # fmt: skip
        right.set(title="Patients")
        right.yaxis.set_major_locator(MaxNLocator(integer=True))
        right.legend(labelcolor=INK, ncols=2, loc="upper center", bbox_to_anchor=(0.5, -0.22), columnspacing=0.8)
        for axes in (left, middle, right):
            axes.set_xticks(samples)
            axes.set_xlabel("Samples")
            axes.grid(visible=False, axis="x")
        return to_svg(figure, ident, "Information by number of samples", alt)


def _positive(values: list[float]) -> bool:
    return any(math.isfinite(value) and value > 0 for value in values)
