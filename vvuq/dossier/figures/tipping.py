"""How far a conclusion moves with what orders are assumed to know of the state, and where it flips."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes

from vvuq.dossier.figures.canvas import BASE, IGNORANCE, INK, MUTED, NOISE, TWIN, column, mosaic, style, to_svg, unit
from vvuq.record import Quantity, Table

FLAT = -1.920729410347  # half the 95 % point of a chi-squared with one degree of freedom, below the best


def tipping(
    ident: str, profile: Table, delta: Table, slope: Quantity | None, at_most: float,
    tips: tuple[Sequence[float], Sequence[float]], alt: str,
) -> str:  # fmt: skip
    """Above: log-likelihood by assumed slope, the best at 0, with the fitted slope's 95 % interval. Below: the share
    that the conclusion speaks of by slope, and beside it by delta, each with a 95 % band, the criterion, and where it
    is crossed: tips, by slope and by delta."""
    with style(ident):
        figure, axes = mosaic(7.2, 5.0, ("A.", "BC"), heights=(2, 3))
        _likelihood(axes["A"], profile, slope)
        for name, table, key in (("B", profile, "slope"), ("C", delta, "delta")):
            _conclusion(axes[name], table, key, at_most, tips[name == "C"])
        if slope is not None and slope.low is not None and slope.high is not None:
            axes["B"].axvspan(slope.low, slope.high, color=NOISE, alpha=0.5, linewidth=0)
        axes["A"].set_xlim(axes["B"].get_xlim())
        top = max(axes[name].get_ylim()[1] for name in "BC")
        for name in "BC":
            axes[name].set_ylim(0.0, top)
        axes["B"].set_xlabel(f"Slope of orders on the state{unit(profile, 'slope')}")
        axes["C"].set_xlabel(f"State higher, where not measured, by{unit(delta, 'delta')}")
        handles, labels = (axes["A"].get_legend_handles_labels()[k] + axes["B"].get_legend_handles_labels()[k]
                           for k in (0, 1))  # fmt: skip
        box = axes["A"].get_position()
        figure.legend(handles, labels, loc="upper left", bbox_to_anchor=(0.56, box.y1), labelcolor=INK)
        return to_svg(figure, ident, "A conclusion over what cannot be tested", alt)


def _likelihood(axes: Axes, table: Table, slope: Quantity | None) -> None:
    at, value = column(table, "slope"), column(table, "log_likelihood")
    if slope is not None:
        axes.axvline(slope.value, color=TWIN, linewidth=0.9, linestyle="--", label="fitted slope")
        if slope.low is not None and slope.high is not None:
            axes.axvspan(slope.low, slope.high, color=NOISE, alpha=0.5, linewidth=0, label="its 95 % interval")
    axes.axhline(FLAT, color=MUTED, linewidth=0.9, linestyle=":", label="rejected below, at 95 %")
    axes.plot(at, value, "o-", color=INK, markersize=3.5, linewidth=1.3)
    axes.set(title="Log-likelihood, all else fitted anew")


def _conclusion(axes: Axes, table: Table, key: str, at_most: float, tips: Sequence[float]) -> None:
    at, share, low, high = (column(table, name) for name in (key, "share", "share_low", "share_high"))
    axes.fill_between(at, low, high, color=IGNORANCE, alpha=0.35, linewidth=0, label="95 % over persons")
    axes.plot(at, share, "o-", color=TWIN, markersize=3.5, linewidth=1.4, label="share above the threshold")
    axes.axhline(at_most, color=BASE, linewidth=1.2, linestyle="--", label="criterion")
    for place, tip in enumerate(tips):
        axes.plot([tip], [at_most], "D", color=BASE, markersize=6, label=None if place else "tipping point")
        axes.annotate(f"{tip:.2g}".replace("-", "\u2212"), (tip, at_most), (0, -15), textcoords="offset points",
                      ha="center", color=BASE, fontsize=8)  # fmt: skip
    axes.set(title=f"Slots above the threshold{unit(table, 'share')}")
