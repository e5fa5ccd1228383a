"""A probability box: between which bounds a distribution function lies, and where precise inputs would put it."""

from __future__ import annotations

from vvuq.dossier.figures.canvas import BASE, IGNORANCE, INK, MUTED, TWIN, column, sheet, style, to_svg, unit
from vvuq.record import Table


def box(ident: str, band: Table, bounds: Table, what: str, alt: str) -> str:
    """The band between the bounds found, the function by distributions in place of intervals, thresholds as lines with
    the least and the greatest probability."""
    value, lower, upper, precise = (column(band, name) for name in ("value", "lower", "upper", "precise"))
    with style(ident):
        figure, (axes,) = sheet(7.2, 3.3)
        axes.fill_between(value, lower, upper, facecolor=IGNORANCE, edgecolor=TWIN, linewidth=0.8, alpha=0.65,
                          label="between the bounds found")  # fmt: skip
        axes.plot(value, precise, color=INK, linewidth=1.5, label="a distribution in place of each interval")
        rows = zip(*(column(bounds, name) for name in ("threshold", "below_low", "below_high")), strict=True)
        for place, (threshold, low, high) in enumerate(rows):
            axes.axvline(threshold, color=BASE, linestyle="--", linewidth=1.2, label="" if place else "threshold")
            axes.plot([threshold] * 2, [low / 100.0, high / 100.0], "o", color=BASE, markersize=4)
            text = f"{low:.3g} to {high:.3g} %" if high > low else f"{low:.3g} %"
            right = threshold > 0.5 * (value[0] + value[-1])
            axes.annotate(
                text, (threshold, 0.5 * (low + high) / 100.0), xytext=(-5 if right else 5, 0), color=BASE, fontsize=8,
                textcoords="offset points", ha="right" if right else "left", va="center",
                bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.7, "pad": 1.0},
            )  # fmt: skip
        axes.set(xlabel=f"{what}{unit(band, 'value')}", ylabel="Probability of a value no greater", ylim=(-0.03, 1.03))
        axes.set_xlim(min([value[0], *column(bounds, "threshold")]), max([value[-1], *column(bounds, "threshold")]))
        axes.tick_params(color=MUTED)
        figure.legend(loc="outside lower center", ncols=3, labelcolor=INK)
        return to_svg(figure, ident, "Bounds of a distribution function", alt)
