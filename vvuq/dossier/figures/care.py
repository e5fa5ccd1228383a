"""What makes an order of a measurement likely, and whether its probabilities are right."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator, NullFormatter

from vvuq.dossier.figures.canvas import BASE, IGNORANCE, MUTED, TWIN, column, sheet, style, to_svg, unit, words
from vvuq.record import Quantity, Table

_NOW = "own reading"
_LEAST = 0.1  # %, the lower end of the axes: groups without any order stand there


def care(ident: str, drivers: Table, now: Quantity | None, groups: Table, alt: str) -> str:
    """Left: odds ratios with 95 % intervals over patients, of the drivers and of the slot's own reading. Right: share
    of slots with an order by predicted probability, with intervals; areas show how many slots there are."""
    with style(ident):
        figure, (left, right) = sheet(7.2, 3.4, 2)
        _odds(left, drivers, now)
        _groups(right, groups)
        return to_svg(figure, ident, "Odds of an order, and its probability", alt)


def _odds(axes: Axes, table: Table, now: Quantity | None) -> None:
    names = words(table, "driver")
    rows = list(zip(*(column(table, name) for name in ("odds", "low", "high")), strict=True))
    if now is not None:
        nan = float("nan")
        names.append(_NOW)
        rows.append((now.value, nan if now.low is None else now.low, nan if now.high is None else now.high))
    axes.axvline(1.0, color=MUTED, linewidth=0.9, linestyle=":")
    for place, (name, (value, low, high)) in enumerate(zip(names, rows, strict=True)):
        if low == low and high == high:
            axes.hlines(place, low, high, color=IGNORANCE, linewidth=3)
        mark, colour = ("s", BASE) if name == _NOW else ("o", TWIN)
        axes.plot([value], [place], mark, color=colour, markersize=4.5)
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    axes.set_xscale("log")
    _plain(axes)
    axes.set(title="Odds ratio")
    axes.grid(visible=False, axis="y")


def _groups(axes: Axes, table: Table) -> None:
    predicted, observed, low, high, slots = (
        column(table, name) for name in ("predicted", "observed", "low", "high", "slots")
    )
    most = max(slots)
    axes.plot([_LEAST, 100.0], [_LEAST, 100.0], color=MUTED, linewidth=0.9)
    axes.vlines(_up(predicted), _up(low), _up(high), color=IGNORANCE, linewidth=2)
    areas = [20.0 + 90.0 * n / most for n in slots]
    axes.scatter(_up(predicted), _up(observed), areas, color=TWIN, linewidths=0, zorder=3)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set(xlim=(_LEAST, 100.0), ylim=(_LEAST, 100.0), title=f"Slots with an order{unit(table, 'observed')}")
    axes.set_xlabel(f"Predicted{unit(table, 'predicted')}")
    _plain(axes)
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")


def _up(values: list[float]) -> list[float]:
    return [max(v, _LEAST) if v == v else v for v in values]


def _plain(axes: Axes) -> None:
    axes.xaxis.set_major_locator(LogLocator(numticks=6))
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.xaxis.set_minor_formatter(NullFormatter())
