"""What a fit for following patients found, and whether estimates tell patients apart."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator, NullFormatter

from vvuq.dossier.figures.canvas import BASE, IGNORANCE, INK, MUTED, NOISE, TWIN, column, sheet, style, to_svg, words
from vvuq.record import Table

_SDS = (("prior_sd", "declared", NOISE), ("between_sd", "between estimates", TWIN), ("own_sd", "of the filter", BASE))


def following(ident: str, estimates: Table, patients: Table, alt: str) -> str:
    """Left: what was fitted over what was declared, on a logarithmic axis, with intervals. Right: of each personal
    parameter the declared SD of its logarithm, the SD between estimates, and the filter's own."""
    with style(ident):
        figure, (left, right) = sheet(7.2, 3.3, 2)
        _moved(left, estimates)
        _spreads(right, patients)
        return to_svg(figure, ident, "The fitted population and its patients", alt)


def _moved(axes: Axes, table: Table) -> None:
    names = words(table, "parameter")
    start, value, low, high = (column(table, name) for name in ("declared", "estimate", "low", "high"))
    axes.axvline(1.0, color=MUTED, linewidth=0.9, linestyle=":")
    for place, (s, v, a, b) in enumerate(zip(start, value, low, high, strict=True)):
        if a == a and b == b:
            axes.hlines(place, a / s, b / s, color=IGNORANCE, linewidth=3)
        axes.plot([v / s], [place], "o", color=TWIN, markersize=4.5)
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set(title="Fitted over declared")
    axes.grid(visible=False, axis="y")


def _spreads(axes: Axes, table: Table) -> None:
    names = words(table, "parameter")
    for shift, (key, label, colour) in enumerate(_SDS):
        places = [place + 0.26 * (shift - 1) for place in range(len(names))]
        heights = [v if v == v else 0.0 for v in column(table, key)]
        axes.bar(places, heights, 0.24, color=colour, edgecolor=INK, linewidth=0.6, label=label)
    axes.set_xticks(range(len(names)), names)
    axes.set(title="SD of the logarithm, end of record")
    axes.grid(visible=False, axis="x")
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.12), ncols=3, labelcolor=INK, columnspacing=0.8)
