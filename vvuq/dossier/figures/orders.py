"""What two filters make of orders whose reason is known: one takes values alone, the other silence too."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from vvuq.dossier.figures.canvas import BASE, INK, MUTED, TWIN, column, sheet, style, to_svg, unit
from vvuq.record import Table

_FILTERS = (("naive", "values alone", BASE, "s--"), ("aware", "values and orders", TWIN, "o-"))
_WIDTH = 1.959963984540054  # SDs that hold 95 % of a normal belief


def orders(ident: str, course: Table, silence: Table, alt: str) -> str:
    """Left: one simulated patient's truth, measured values, beliefs of both filters with 95 % bands, and a tick for
    each decision against measuring. Right: mean error of both by decisions since the last measurement."""
    with style(ident):
        figure, (left, right) = sheet(7.2, 3.6, 2)
        _patient(left, course)
        _errors(right, silence)
        handles, labels = left.get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower left", ncols=len(labels), labelcolor=INK, columnspacing=1.0)
        return to_svg(figure, ident, "Two filters, and a truth that is measured by order", alt)


def _patient(axes: Axes, table: Table) -> None:
    time, truth, measured = (np.array(column(table, name)) for name in ("time", "truth", "measured"))
    for name, label, colour, _ in _FILTERS:
        mean, sd = np.array(column(table, name)), np.array(column(table, f"{name}_sd"))
        axes.fill_between(time, mean - _WIDTH * sd, mean + _WIDTH * sd, color=colour, alpha=0.16, linewidth=0)
        axes.plot(time, mean, "--" if name == "naive" else "-", color=colour, linewidth=1.4, label=label)
    axes.plot(time, truth, color=INK, linewidth=1.4, label="truth")
    axes.plot(time, measured, "o", color=INK, markeredgecolor="white", markersize=5, label="measured")
    silent = time[np.isnan(measured)]
    axes.plot(silent, np.full(silent.shape, 0.03), "|", color=MUTED, markersize=7, label="not measured",
              transform=axes.get_xaxis_transform())  # fmt: skip
    axes.xaxis.set_major_locator(MaxNLocator(6))
    axes.set(title=f"One simulated patient{unit(table, 'truth')}", xlabel=f"Time{unit(table, 'time')}")


def _errors(axes: Axes, table: Table) -> None:
    groups = list(zip(column(table, "from"), column(table, "to"), strict=True))
    axes.axhline(0.0, color=MUTED, linewidth=0.9, linestyle=":")
    for name, _, colour, mark in _FILTERS:
        axes.plot(range(len(groups)), column(table, f"{name}_bias"), mark, color=colour, markersize=4.5, linewidth=1.3)
    axes.set_xticks(range(len(groups)), [f"{a:.0f}" if a == b else f"{a:.0f}\u2013{b:.0f}" for a, b in groups])
    axes.set(title=f"Mean error{unit(table, 'naive_bias')}", xlabel="Decisions since the last measurement")
