"""Sensitivity indices by two methods with their intervals, and how they settle as runs are added."""

from __future__ import annotations

from vvuq.dossier.figures.canvas import BASE, INK, MUTED, TWIN, column, sheet, style, to_svg, words
from vvuq.record import Table

_MARKS = ("o-", "s--", "^:", "D-.", "v-")
_SHADES = (TWIN, BASE, INK, MUTED, "#4a7a3a")


def index_plot(ident: str, indices: Table, names: dict[str, str], alt: str) -> str:
    """First-order and total indices, Sobol' and polynomial chaos beside each other, 95 % intervals."""
    orders, parameters = words(indices, "order"), words(indices, "parameter")
    with style(ident):
        figure, panels = sheet(7.2, 2.8, 2, share=True)
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


def settling(ident: str, convergence: Table, names: dict[str, str], alt: str) -> str:
    """First-order indices against the number of sample points, with their intervals as bands."""
    parameters = words(convergence, "parameter")
    size, first, low, high = (column(convergence, name) for name in ("n", "first", "low", "high"))
    with style(ident):
        figure, (axes,) = sheet(4.3, 2.7)
        for place, parameter in enumerate(dict.fromkeys(parameters)):
            rows = [index for index, found in enumerate(parameters) if found == parameter]
            colour = _SHADES[place % len(_SHADES)]
            place_n, value, least, most = (_pick(values, rows) for values in (size, first, low, high))
            axes.fill_between(place_n, least, most, color=colour, alpha=0.15, linewidth=0)
            axes.plot(place_n, value, _MARKS[place % len(_MARKS)], color=colour, markersize=4,
                      label=names.get(parameter, parameter))  # fmt: skip
        axes.set_xscale("log", base=2)
        sizes = sorted(set(size))
        axes.set_xticks(sizes, [f"{int(count):d}" for count in sizes])
        axes.set(xlabel="Sample size N", ylabel="First-order index")
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.25), ncols=3, labelcolor=INK)
        return to_svg(figure, ident, "First-order indices against sample size", alt)


def _pick(values: list[float], rows: list[int]) -> list[float]:
    return [values[index] for index in rows]
