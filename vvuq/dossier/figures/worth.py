"""What knowing is worth to a decision: measurements and parameters, and the ceiling of all knowledge."""

from __future__ import annotations

from textwrap import fill

from vvuq.dossier.figures.canvas import BASE, IGNORANCE, INK, NOISE, column, sheet, style, to_svg, words
from vvuq.record import Table

PARAMETERS = 8  # those of the greatest value that are drawn
KINDS = (("measurement", "a measurement before deciding", IGNORANCE, ""),
         ("parameter", "a parameter, exactly", NOISE, "///"))  # fmt: skip


def worth(ident: str, information: Table, alt: str) -> str:
    """Bars of the value with 95 % intervals: measurements, then parameters; the value of knowing everything a line."""
    kinds, what = words(information, "kind"), words(information, "what")
    value, low, high = (column(information, name) for name in ("value", "value_low", "value_high"))
    places = {kind: [i for i, one in enumerate(kinds) if one == kind] for kind, *_ in KINDS}
    places["parameter"] = places["parameter"][:PARAMETERS]
    shown = [i for kind, *_ in KINDS for i in places[kind]]
    ceiling = value[kinds.index("all")] if "all" in kinds else None
    with style(ident):
        figure, (axes,) = sheet(7.2, 1.2 + 0.36 * max(len(shown), 2))
        for kind, label, colour, hatch in KINDS:
            rows = [shown.index(i) for i in places[kind]]
            heights = [value[i] for i in places[kind]]
            ends = [[value[i] - low[i] for i in places[kind]], [high[i] - value[i] for i in places[kind]]]
            if rows:
                axes.barh(rows, heights, 0.6, color=colour, edgecolor=INK, linewidth=0.6, hatch=hatch, label=label,
                          xerr=ends, error_kw={"ecolor": INK, "elinewidth": 1.0, "capsize": 2.5})  # fmt: skip
        if ceiling is not None:
            axes.axvline(ceiling, color=BASE, linestyle="--", linewidth=1.4, label="everything (ceiling)")
        axes.axvline(0.0, color=INK, linewidth=0.8)
        axes.set_yticks(range(len(shown)), [fill(what[i], 40) for i in shown])
        axes.invert_yaxis()
        axes.set_xlabel("Value: gain in expected benefit of the decision")
        axes.grid(visible=False, axis="y")
        figure.legend(loc="outside lower center", ncols=3, labelcolor=INK)
        return to_svg(figure, ident, "What knowing is worth before deciding", alt)
