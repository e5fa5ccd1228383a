"""Forecast figures: observed against predicted, and coverage against what the intervals promise."""

from __future__ import annotations

from matplotlib.ticker import FixedLocator

from vvuq.dossier.figures.canvas import BASE, INK, MUTED, TWIN, column, sheet, style, to_svg, unit
from vvuq.record import Table


def predicted_observed(ident: str, predictions: Table, alt: str) -> str:
    """Observed against predicted median on log axes, first samples apart from forecasts that had earlier ones."""
    observed, median = column(predictions, "observed"), column(predictions, "median")
    earlier = column(predictions, "earlier_samples")
    with style(ident):
        figure, (axes,) = sheet(4.3, 4.0)
        ends = [value for value in observed + median if value > 0]
        span = [min(ends) / 1.15, max(ends) * 1.15]
        axes.plot(span, span, color=MUTED, linewidth=0.9)
        for had, face, label in ((False, "white", "no earlier sample"), (True, TWIN, "one or more earlier samples")):
            chosen = [index for index, count in enumerate(earlier) if (count > 0) is had]
            axes.plot([median[index] for index in chosen], [observed[index] for index in chosen], "o", markersize=4.5,
                      markerfacecolor=face, markeredgecolor=TWIN, alpha=0.8, linestyle="none", label=label)  # fmt: skip
        axes.set(xscale="log", yscale="log", xlim=span, ylim=span, aspect="equal",
                 xlabel=f"Predicted median{unit(predictions, 'median')}",
                 ylabel=f"Observed{unit(predictions, 'observed')}")  # fmt: skip
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_locator(_ticks(span))
            axis.set_major_formatter(lambda value, _: f"{value:g}")
            axis.set_minor_formatter(lambda value, _: "")
        axes.legend(loc="upper left", labelcolor=INK)
        return to_svg(figure, ident, "Observed against predicted", alt)


def reliability(ident: str, coverage: Table, alt: str) -> str:
    """Observed against nominal coverage with intervals; the diagonal is a forecast that keeps its promise."""
    nominal, observed = column(coverage, "nominal"), column(coverage, "observed")
    low, high = column(coverage, "low"), column(coverage, "high")
    with style(ident):
        figure, (axes,) = sheet(4.3, 4.0)
        axes.plot([40, 100], [40, 100], color=MUTED, linewidth=0.9, label="promise kept")
        errors = [[value - end for value, end in zip(observed, low, strict=True)],
                  [end - value for value, end in zip(observed, high, strict=True)]]  # fmt: skip
        axes.errorbar(nominal, observed, yerr=errors, fmt="o", markersize=5, color=TWIN, capsize=3, label="twin")
        base = column(coverage, "baseline")
        axes.plot(nominal, base, "s", markersize=4.5, markerfacecolor="white", markeredgecolor=BASE, color=BASE,
                  linestyle="none", label="baseline")  # fmt: skip
        least = min([value for value in low + observed + base if value == value], default=40.0)
        axes.set(xlim=(45, 100), ylim=(min(40.0, 10 * (least // 10)), 102),
                 xlabel="Nominal coverage [%]", ylabel="Observed coverage [%]")  # fmt: skip
        axes.legend(loc="upper left", labelcolor=INK)
        return to_svg(figure, ident, "Coverage of forecast intervals", alt)


def _ticks(span: list[float]) -> FixedLocator:
    steps = [mantissa * 10.0**power for power in range(-3, 5) for mantissa in (1, 2, 5)]
    return FixedLocator([step for step in steps if span[0] <= step <= span[1]])
