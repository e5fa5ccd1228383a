"""Forecasters side by side: error and gain by horizon, coverage and sharpness, reliability, error against days."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes

from vvuq.dossier.figures.canvas import BASE, INK, MUTED, NOISE, TWIN, column, sheet, style, to_svg, unit, words
from vvuq.record import Table

_COLOURS = {"mechanistic": TWIN, "hybrid": "#2a7f62", "data-driven": BASE, "baseline": MUTED}
_MARKS, _LINES = "os^vDPX*", ("-", "--", ":", "-.")
_APART = (TWIN, BASE, MUTED, "#2a7f62", INK, "#7a4fa3", "#b5306a", "#8a6d1a")
MOST = 4  # panels of a reliability diagram
_LIMIT = 1.4  # times the best error: what is worse lies outside of the drawing


def by_horizon(ident: str, table: Table, alt: str) -> str:
    """Left: CRPS by horizon. Right: how much less it is than that of persistence, with 95 % intervals over patients."""
    names = list(dict.fromkeys(words(table, "forecaster")))
    with style(ident):
        figure, (left, right) = sheet(7.2, 3.4, 2)
        places = sorted(set(column(table, "ahead")))
        for i, name in enumerate(names):
            look = _look(table, names, name)
            x, crps, gain, low, high = (_of(table, c, name) for c in ("ahead", "crps", "gain", "gain_low", "gain_high"))
            left.plot(x, crps, label=name, **look)
            if name == "persistence":
                continue
            moved = [v + 4.0 * (i - 0.5 * len(names)) for v in x]
            ends = [[g - a for g, a in zip(gain, low, strict=True)], [b - g for g, b in zip(gain, high, strict=True)]]
            right.errorbar(moved, gain, yerr=ends, capsize=2, **{**look, "linestyle": "none"})
        right.axhline(0.0, color=INK, linewidth=0.8, linestyle=":")
        _within(left, right, table)
        left.set(title=f"CRPS{unit(table, 'crps')}")
        right.set(title=f"Gain over persistence{unit(table, 'gain')}")
        for axes in (left, right):
            axes.set_xlabel(f"Ahead{unit(table, 'ahead')}")
            axes.set_xticks(places, [f"{v:g}" for v in places])
        figure.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=3, labelcolor=INK)
        return to_svg(figure, ident, "Forecast error by horizon", alt)


def _within(left: Axes, right: Axes, table: Table) -> None:
    """Axes that hold what is near the best; a forecaster far off would flatten the others."""
    best = max(min(_at(table, h, "crps")) for h in set(column(table, "ahead")))
    left.set_ylim(0.0, _LIMIT * best)
    kept = [i for i, g in enumerate(column(table, "gain")) if g == g and g > -0.15 * best]
    ends = [column(table, name)[i] for name in ("gain_low", "gain_high") for i in kept]
    ends = [0.0, *(v for v in ends if v == v)]
    right.set_ylim(min(ends) - 0.5, max(ends) + 0.5)


def sharpness(ident: str, table: Table, alt: str) -> str:
    """Left: share of readings in the 90 % interval, by horizon. Right: how wide it is, which must be paid for that."""
    names = list(dict.fromkeys(words(table, "forecaster")))
    with style(ident):
        figure, (left, right) = sheet(7.2, 3.4, 2)
        places = sorted(set(column(table, "ahead")))
        left.axhspan(85.0, 95.0, color=NOISE, alpha=0.5, linewidth=0, label="85 to 95 %")
        for i, name in enumerate(names):
            look = _look(table, names, name)
            x, share, low, high = (
                _of(table, c, name) for c in ("ahead", "coverage_90", "coverage_low", "coverage_high")
            )
            moved = [v + 4.0 * (i - 0.5 * len(names)) for v in x]
            ends = [[s - a for s, a in zip(share, low, strict=True)], [b - s for s, b in zip(share, high, strict=True)]]
            left.errorbar(moved, share, yerr=ends, capsize=2, label=name, **{**look, "linestyle": "none"})
            right.plot(x, _of(table, "width_90", name), **look)
        left.axhline(90.0, color=INK, linewidth=0.8, linestyle=":")
        left.set(title="Readings inside the 90 % interval [%]")
        right.set(title=f"Mean width of the interval{unit(table, 'width_90')}")
        right.set_ylim(bottom=0.0)
        for axes in (left, right):
            axes.set_xlabel(f"Ahead{unit(table, 'ahead')}")
            axes.set_xticks(places, [f"{v:g}" for v in places])
        figure.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=4, labelcolor=INK)
        return to_svg(figure, ident, "Coverage and sharpness of forecasts", alt)


def event_reliability(ident: str, table: Table, names: Sequence[str], alt: str) -> str:
    """A panel for each of `names`: share of events by forecast probability with 95 % intervals; areas show counts."""
    shown = list(names)[:MOST]
    with style(ident):
        figure, panels = sheet(7.2, 2.9, len(shown), share=True)
        most = max(column(table, "forecasts"))
        for axes, name in zip(panels, shown, strict=True):
            axes.plot([0, 1], [0, 1], color=MUTED, linewidth=0.9)
            x, y, count, low, high = (_of(table, c, name) for c in ("forecast", "observed", "forecasts", "low", "high"))
            axes.vlines(x, low, high, color=TWIN, linewidth=1.0)
            axes.scatter(x, y, [6.0 + 120.0 * n / most for n in count], color=TWIN, alpha=0.8, linewidths=0)
            axes.set(xlim=(-0.03, 1.03), ylim=(-0.03, 1.03), title=name, xlabel="Forecast probability", aspect="equal")
            axes.set_xticks([0.0, 0.5, 1.0], ["0", "0.5", "1"])
        panels[0].set_ylabel("Share of events")
        return to_svg(figure, ident, "Reliability of event probabilities", alt)


def by_step(ident: str, table: Table, key: str, what: str, alt: str) -> str:
    """CRPS at a short and at the longest horizon against the column `key`, called `what`, in the table's order."""
    names, steps = (list(dict.fromkeys(words(table, column_))) for column_ in ("forecaster", key))
    with style(ident):
        figure, panels = sheet(7.2, 3.4, 2)
        for axes, horizon in zip(panels, ("60", "180"), strict=True):
            best = min(v for v in column(table, f"crps_{horizon}") if v == v)
            for name in names:
                axes.plot(
                    range(len(steps)), _of(table, f"crps_{horizon}", name), label=name, **_look(None, names, name)
                )
            near = [v for v in column(table, f"crps_{horizon}") if v < 1.6 * best]
            axes.set(title=f"CRPS at {horizon} min{unit(table, f'crps_{horizon}')}", xlabel=what,
                     ylim=(0.95 * best, 1.03 * max(near)))  # fmt: skip
            axes.set_xticks(range(len(steps)), steps)
        figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=3, labelcolor=INK)
        return to_svg(figure, ident, f"Forecast error: {what}", alt)


def _look(table: Table | None, names: Sequence[str], name: str) -> dict[str, Any]:
    """Colour by kind where the table says it, else by place; mark and line by place."""
    place = names.index(name)
    kinds = dict(zip(words(table, "forecaster"), words(table, "kind"), strict=True)) if table else {}
    colour = _COLOURS.get(kinds[name], INK) if kinds else _APART[place % len(_APART)]
    mark, line = _MARKS[place % len(_MARKS)], _LINES[place % len(_LINES)]
    return {"color": colour, "marker": mark, "linestyle": line, "markersize": 4.0, "linewidth": 1.2}


def _of(table: Table, name: str, forecaster: str) -> list[float]:
    """A numeric column, of the rows of one forecaster."""
    return [v for v, of in zip(column(table, name), words(table, "forecaster"), strict=True) if of == forecaster]


def _at(table: Table, ahead: float, name: str) -> list[float]:
    return [v for v, h in zip(column(table, name), column(table, "ahead"), strict=True) if h == ahead]
