"""A forecast in layers: what data remove, and what stays."""

from __future__ import annotations

import math

from matplotlib.axes import Axes

from vvuq.dossier.figures.canvas import BASE, IGNORANCE, INK, MUTED, NOISE, TWIN, column, sheet, style, to_svg, unit
from vvuq.record import Table

# From the bottom up: what stays, then what data remove.
PARTS = (
    ("measurement_sd", "error of the measurement (aleatory)", NOISE, ""),
    ("change_sd", "random change still to come (aleatory)", "#e4e7eb", ".."),
    ("patient_sd", "ignorance of this patient (epistemic)", IGNORANCE, "///"),
    ("population_part_sd", "ignorance of the population (epistemic)", BASE, "xx"),
)


def layers(ident: str, parts: Table, band: Table, alt: str) -> str:
    """Left: the variance of the forecast by its parts, after more and more values. Right: one simulated patient's 95 %
    band of the same moment, the part of ignorance in it, and what was then measured."""
    counts = [f"{count:g}" for count in column(parts, "values")]
    with style(ident):
        figure, (left, right) = sheet(7.2, 3.3, 2)
        _stack(left, parts, len(counts))
        _narrow(right, band, len(counts))
        for axes in (left, right):
            axes.set_xticks(range(len(counts)), counts)
            axes.set_xlabel("Values known of this patient")
            axes.grid(visible=False, axis="x")
            axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=1, labelcolor=INK)
        return to_svg(figure, ident, "Noise and ignorance as values come in", alt)


def _stack(axes: Axes, parts: Table, count: int) -> None:
    below = [0.0] * count
    for name, label, colour, hatch in PARTS:
        heights = [value**2 for value in column(parts, name)]
        if not any(heights):
            continue
        axes.bar(range(count), heights, 0.62, bottom=below, color=colour, edgecolor=INK, linewidth=0.6, hatch=hatch,
                 label=label)  # fmt: skip
        below = [low + high for low, high in zip(below, heights, strict=True)]
    for place, (top, share) in enumerate(zip(below, column(parts, "epistemic_share"), strict=True)):
        axes.annotate(
            f"{share:.0f} %", (place, top), xytext=(0, 2), textcoords="offset points", ha="center", fontsize=8
        )
    found = parts.units[parts.columns.index("total_sd")]
    axes.set(
        ylabel="Variance" + ("" if found in ("", "1") else f" [({found})²]"), title="Parts; share of ignorance on top"
    )
    axes.set_ylim(0, 1.12 * max(below))


def _narrow(axes: Axes, band: Table, count: int) -> None:
    places = list(range(count))
    axes.fill_between(places, column(band, "low95"), column(band, "high95"), color=NOISE, linewidth=0,
                      label="95 % of the whole forecast")  # fmt: skip
    axes.fill_between(places, column(band, "ignorance_low95"), column(band, "ignorance_high95"), facecolor=IGNORANCE,
                      edgecolor=TWIN, hatch="///", linewidth=0.4, label="95 % from ignorance")  # fmt: skip
    axes.plot(places, column(band, "median"), "o-", color=INK, linewidth=1.3, markersize=3, label="median")
    measured = column(band, "measured")[0]
    if math.isfinite(measured):
        axes.axhline(measured, color=MUTED, linewidth=1.0, linestyle="--", label="measured in the end")
    axes.set(ylabel=f"Value forecast{unit(band, 'median')}", title="One simulated patient")
