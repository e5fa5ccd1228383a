"""What of a cohort was measured when: shares of patients by time and channel, and measurements a day."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from vvuq.dossier.figures.canvas import TWIN, column, sheet, style, to_svg, unit, words
from vvuq.record import Table

_SHARES = LinearSegmentedColormap.from_list("shares", ["#f4f6f9", TWIN])
_LINES = (TWIN, "#b4500b", "#3d7a4e", "#7a4b94", "#5b6673")
_DASHES = ("-", "--", "-.", ":", (0, (6, 2)))


def patterns(ident: str, table: Table, alt: str, time: str = "Time on record") -> str:
    """Left: a row for each channel, darker where more of the patients on record have a measurement; it ends where too
    few are on record to tell. Right: measurements a day of each channel, with 95 % intervals over patients."""
    names = list(dict.fromkeys(words(table, "channel")))
    with style(ident):
        figure, (left, right) = sheet(7.2, 2.5 + 0.22 * len(names), 2)
        _map(left, table, names)
        keys = [Patch(facecolor=_SHARES(share / 100.0), label=f"{share} %") for share in (0, 25, 50, 75, 100)]
        figure.legend(handles=keys, loc="outside lower left", ncols=len(keys), handlelength=1.2)
        _rates(right, table, names)
        for axes in (left, right):
            axes.xaxis.set_major_locator(MaxNLocator(6))
            axes.set_xlabel(f"{time}{unit(table, 'from')}")
        return to_svg(figure, ident, "Measurements over time", alt)


def _map(axes: Axes, table: Table, names: list[str]) -> None:
    channel = words(table, "channel")
    begin, end, share = (column(table, name) for name in ("from", "to", "measured"))
    for name, a, b, value in zip(channel, begin, end, share, strict=True):
        if value == value:
            colour = _SHARES(value / 100.0)
            axes.barh(names.index(name), b - a, 0.9, a, color=colour, edgecolor=colour, linewidth=0.4)
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    axes.grid(visible=False)
    axes.set(title=f"Measured{unit(table, 'measured')}", xlim=_span(table))


def _span(table: Table) -> tuple[float, float]:
    """The time of which something is told."""
    begin, end, share = (column(table, name) for name in ("from", "to", "measured"))
    return min(begin), max((e for e, s in zip(end, share, strict=True) if s == s), default=max(end))


def _rates(axes: Axes, table: Table, names: list[str]) -> None:
    channel = np.array(words(table, "channel"))
    begin, end, rate, low, high = (
        np.array(column(table, name)) for name in ("from", "to", "per_day", "per_day_low", "per_day_high")
    )
    for place, name in enumerate(names):
        own = channel == name
        colour, dash = _LINES[place % len(_LINES)], _DASHES[place % len(_DASHES)]
        edges = np.append(begin[own], end[own][-1:])
        axes.stairs(rate[own], edges, baseline=None, color=colour, linestyle=dash, linewidth=1.3, label=name)
        ends = np.isfinite(low[own]) & np.isfinite(high[own])
        middle = 0.5 * (begin[own] + end[own])
        axes.vlines(middle[ends], low[own][ends], high[own][ends], color=colour, alpha=0.45, linewidth=1.2)
    axes.set(title=f"Measurements{unit(table, 'per_day')}", xlim=_span(table))
    axes.set_ylim(bottom=0.0)
    if len(names) > 1:
        axes.legend()
