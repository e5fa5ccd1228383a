"""What forecasters consist of, and what each makes of a dose."""

from __future__ import annotations

from typing import Any

from matplotlib.axes import Axes

from vvuq.dossier.figures.canvas import BASE, INK, MUTED, NOISE, TWIN, column, sheet, style, to_svg, unit, words
from vvuq.record import Table

_COLOURS = {"mechanistic": TWIN, "hybrid": "#2a7f62", "data-driven": BASE}
_MARKS = "os^vD"
_COUNTS = (("numbers", "with a unit", TWIN), ("known", "and known", "#7fa6d6"), ("weights", "weights", NOISE))


def interpretability(ident: str, inside: Table, answers: Table, alt: str) -> str:
    """Left: how many numbers there are, on a logarithmic axis. Then for each action what it changes, by horizon, with
    95 % intervals."""
    actions = list(dict.fromkeys(words(answers, "action")))
    with style(ident):
        figure, panels = sheet(7.2, 3.3, 1 + len(actions))
        _counts(panels[0], inside)
        for axes, action in zip(panels[1:], actions, strict=True):
            _changes(axes, answers, action)
        figure.legend(*panels[1].get_legend_handles_labels(), loc="outside lower center", ncols=3, labelcolor=INK)
        return to_svg(figure, ident, "What forecasters consist of and answer", alt)


def _counts(axes: Axes, table: Table) -> None:
    names = words(table, "forecaster")
    most = max([1.0, *(v for key, _, _ in _COUNTS for v in column(table, key))])
    for shift, (key, label, colour) in enumerate(_COUNTS):
        for place, count in enumerate(column(table, key)):
            at = place + 0.27 * (shift - 1)
            if count > 0.0:
                axes.barh(at, count - 0.5, 0.25, left=0.5, color=colour, edgecolor=INK, linewidth=0.5)
            axes.text(max(count, 0.5) * 1.15, at, f"{count:.0f} {label}", va="center", fontsize=7, color=INK)
    axes.set_xscale("log")
    axes.set(xlim=(0.5, 60.0 * most), title="Numbers inside")
    axes.set_yticks(range(len(names)), [name.replace(" ", "\n") for name in names])
    axes.invert_yaxis()
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.grid(visible=False)


def _changes(axes: Axes, table: Table, action: str) -> None:
    names = list(dict.fromkeys(words(table, "forecaster")))
    texts = (words(table, "action"), words(table, "forecaster"), words(table, "kind"))
    numbers = (column(table, key) for key in ("ahead", "answer", "low", "high"))
    rows = list(zip(*texts, *numbers, strict=True))
    for place, name in enumerate(names):
        mine = [row for row in rows if row[0] == action and row[1] == name]
        shift = 5.0 * (place - 0.5 * (len(names) - 1))
        x, y = [row[3] + shift for row in mine], [row[4] for row in mine]
        ends = [[v - low for v, (*_, low, _h) in zip(y, mine, strict=True)],
                [high - v for v, (*_, high) in zip(y, mine, strict=True)]]  # fmt: skip
        look: dict[str, Any] = {"color": _COLOURS.get(mine[0][2], MUTED), "marker": _MARKS[place % len(_MARKS)]}
        axes.errorbar(x, y, yerr=ends, capsize=2, markersize=4.0, linewidth=1.0, label=name, **look)
    places = sorted({row[3] for row in rows})
    axes.axhline(0.0, color=INK, linewidth=0.8, linestyle=":")
    axes.set(title=f"{action}{unit(table, 'answer')}", xlabel=f"Ahead{unit(table, 'ahead')}")
    axes.set_xticks(places, [f"{v:g}" for v in places])
