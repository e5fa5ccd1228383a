"""Error against step on log-log axes with the theoretical slope beside the points."""

from __future__ import annotations

import math

from matplotlib.ticker import NullFormatter

from vvuq.dossier.figures.canvas import BASE, INK, MUTED, TWIN, column, sheet, style, to_svg, unit
from vvuq.dossier.numbers import power_of_ten
from vvuq.record import Table


def order_plot(ident: str, refinement: Table, theoretical: float, alt: str) -> str:
    """Step (halving to the left) against error; filled points lie in the asymptotic range."""
    steps, errors = column(refinement, "step"), column(refinement, "error")
    place = refinement.columns.index("in_asymptotic_range")
    inside = [row[place] is True for row in refinement.rows]
    shown = [index for index, error in enumerate(errors) if error > 0 and math.isfinite(error)]
    with style(ident):
        figure, (axes,) = sheet(5.6, 3.5)
        anchor = max((index for index in shown if inside[index]), key=lambda index: steps[index], default=None)
        if anchor is not None:
            slope = [errors[anchor] * (steps[index] / steps[anchor]) ** theoretical for index in shown]
            axes.plot([steps[index] for index in shown], slope, color=BASE, linewidth=1.2, linestyle=(0, (5, 3)),
                      label=f"theoretical slope {theoretical:g}")  # fmt: skip
        for kind, face, label in ((True, TWIN, "in the asymptotic range"), (False, "white", "outside it")):
            chosen = [index for index in shown if inside[index] is kind]
            if chosen:
                axes.plot([steps[index] for index in chosen], [errors[index] for index in chosen], "o", markersize=6,
                          markerfacecolor=face, markeredgecolor=TWIN, color=TWIN, label=label)  # fmt: skip
        axes.set(xscale="log", yscale="log", xlabel=f"Step{unit(refinement, 'step')}",
                 ylabel=f"Largest error against closed form{unit(refinement, 'error')}")  # fmt: skip
        axes.set_xticks(steps, [f"{step:g}" for step in steps])
        axes.yaxis.set_major_formatter(lambda error, _: power_of_ten(error))
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_minor_formatter(NullFormatter())
        axes.tick_params(which="minor", color=MUTED)
        axes.legend(loc="lower right", labelcolor=INK)
        return to_svg(figure, ident, "Error against step", alt)
