"""Sensitivity indices by two methods with their intervals, and along the course of what is forecast."""

from __future__ import annotations

from vvuq.dossier.figures.canvas import BASE, INK, MUTED, TWIN, column, sheet, style, to_svg, unit, words
from vvuq.record import Table

_MARKS = ("o-", "s--", "^:", "D-.", "v-")
_SHADES = (TWIN, BASE, INK, MUTED, "#4a7a3a")
SHOWN = 5  # inputs that a figure can tell apart


def index_plot(ident: str, indices: Table, names: dict[str, str], alt: str) -> str:
    """First-order and total indices, Sobol' and polynomial chaos beside each other, 95 % intervals."""
    orders, parameters = words(indices, "order"), words(indices, "parameter")
    with style(ident):
        count = orders.count("first")
        figure, panels = sheet(7.2, max(2.8, 1.0 + 0.24 * count), 2, share=True)
        for axes, order in zip(panels, ("first", "total"), strict=True):
            rows = [index for index, found in enumerate(orders) if found == order]
            for method, shift, mark, colour in (("sobol", 0.14, "o", TWIN), ("pce", -0.14, "s", BASE)):
                low, high = ("low", "high") if method == "sobol" else ("pce_low", "pce_high")
                value, least, most = (_pick(column(indices, name), rows) for name in (method, low, high))
                width = [[a - b for a, b in zip(value, least, strict=True)],
                         [b - a for a, b in zip(value, most, strict=True)]]  # fmt: skip
                axes.errorbar(value, [-place + shift for place in range(len(rows))], xerr=width, fmt=mark, color=colour,
                              markersize=4.5, capsize=2.5, label="Sobol'" if method == "sobol" else "polynomial chaos",
                              markerfacecolor=colour if method == "sobol" else "white")  # fmt: skip
            labels = [names.get(parameters[index], parameters[index]) for index in rows]
            axes.set_yticks([-place for place in range(len(rows))], labels)
            axes.set_ylim(-len(rows) + 0.5, 0.5)
            axes.axvline(0, color=MUTED, linewidth=0.8)
            axes.set(title="First order" if order == "first" else "Total (with interactions)",
                     xlabel="Share of variance")  # fmt: skip
        handles, labels = panels[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=2, labelcolor=INK)
        return to_svg(figure, ident, "Sensitivity indices by two methods", alt)


def along(ident: str, course: Table, names: dict[str, str], alt: str) -> str:
    """Total indices along the course, of the inputs that matter most somewhere, with their intervals as bands."""
    parameters, time = words(course, "parameter"), column(course, "time")
    total, low, high = (column(course, name) for name in ("total", "total_low", "total_high"))
    most: dict[str, float] = {}
    for name, value in zip(parameters, total, strict=True):
        most[name] = max(most.get(name, 0.0), value)
    shown = sorted(most, key=lambda name: -most[name])[:SHOWN]
    with style(ident):
        figure, (axes,) = sheet(5.4, 3.1)
        for place, parameter in enumerate(shown):
            rows = [index for index, found in enumerate(parameters) if found == parameter]
            colour, at = _SHADES[place % len(_SHADES)], _pick(time, rows)
            axes.fill_between(at, _pick(low, rows), _pick(high, rows), color=colour, alpha=0.15, linewidth=0)
            axes.plot(at, _pick(total, rows), _MARKS[place % len(_MARKS)], color=colour, markersize=3.5,
                      label=names.get(parameter, parameter))  # fmt: skip
        axes.set(xlabel=f"Time{unit(course, 'time')}", ylabel="Total index")
        axes.set_ylim(bottom=0)
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=3, labelcolor=INK)
        return to_svg(figure, ident, "Total indices along the course", alt)


def _pick(values: list[float], rows: list[int]) -> list[float]:
    return [values[index] for index in rows]
