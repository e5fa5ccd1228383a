"""What the forecast does not know: noise that stays, and ignorance of this patient that samples remove."""

from __future__ import annotations

from matplotlib.axes import Axes

from vvuq.dossier.figures.canvas import (
    BASE,
    IGNORANCE,
    INK,
    MUTED,
    NOISE,
    TWIN,
    column,
    sheet,
    style,
    to_svg,
    unit,
    words,
)
from vvuq.record import Table

_LINES = (("o-", TWIN), ("s--", BASE), ("^:", MUTED))


def narrowing(ident: str, target: Table, learning: Table | None, alt: str) -> str:
    """Left: variance of the forecast of one target by earlier samples, noise and ignorance (variances add; SDs do not).

    Right: how little is known of the patient's own parameters as samples arrive, where `learning` holds that."""
    counts = words(target, "samples")
    noise = [value**2 for value in column(target, "aleatory_sd")]
    ignorance = [value**2 for value in column(target, "epistemic_sd")]
    with style(ident):
        figure, panels = sheet(7.2, 3.0, 2 if learning else 1)
        left, places = panels[0], list(range(len(counts)))
        left.bar(places, noise, 0.6, color=NOISE, edgecolor=INK, linewidth=0.6, label="noise (aleatory)")
        left.bar(places, ignorance, 0.6, bottom=noise, color=IGNORANCE, edgecolor=INK, linewidth=0.6, hatch="///",
                 label="ignorance of this patient (epistemic)")  # fmt: skip
        left.set(ylabel=f"Forecast variance{_squared(target)}", title="Forecasts of the third measurement")
        left.set_xticks(places, counts)
        if learning:
            _parameters(panels[1], learning)
        for axes in panels:
            axes.set_xlabel("Earlier samples of this patient")
            axes.grid(visible=False, axis="x")
            axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.22), ncols=1, labelcolor=INK)
        return to_svg(figure, ident, "Noise and ignorance by earlier samples", alt)


def _parameters(axes: Axes, learning: Table) -> None:
    samples, names = column(learning, "samples"), [name for name in learning.columns if name.startswith("sd_log_")]
    for place, name in enumerate(names):
        mark, colour = _LINES[place % len(_LINES)]
        label = f"SD of log {name.removeprefix('sd_log_')}"
        axes.plot(samples, column(learning, name), mark, color=colour, markersize=4.5, label=label)
    axes.set(title="Not known of the patient's parameters", ylabel="SD of the log")
    axes.set_ylim(bottom=0)
    axes.set_xticks(samples, [f"{count:g}" for count in samples])


def _squared(table: Table) -> str:
    found = table.units[table.columns.index("epistemic_sd")]
    return f" [({found})²]"


def example(ident: str, bands: Table, observable: str, alt: str) -> str:
    """Nested forecast bands of one patient's observable after 0, 1, 2 ... samples: inner ignorance, outer the whole."""
    counts = sorted(set(column(bands, "earlier_samples")))
    names = ("time", "median", "low90", "high90", "epistemic_low90", "epistemic_high90")
    with style(ident):
        figure, panels = sheet(7.2, 2.7, len(counts), share=True)
        for axes, count in zip(panels, counts, strict=True):
            keep = [index for index, value in enumerate(column(bands, "earlier_samples")) if value == count]
            time, median, low, high, inner, outer = ([column(bands, name)[index] for index in keep] for name in names)
            axes.fill_between(time, low, high, color=NOISE, linewidth=0, label="90 % of the whole forecast")
            axes.fill_between(time, inner, outer, facecolor=IGNORANCE, edgecolor=TWIN, hatch="///", linewidth=0.4,
                              label="90 % from ignorance of this patient")  # fmt: skip
            axes.plot(time, median, color=INK, linewidth=1.3, label="median")
            axes.set_title(f"{int(count)} sample{'' if count == 1 else 's'}")
            axes.set_xlabel(f"Time{unit(bands, 'time')}")
        panels[0].set_ylabel(f"{observable}{unit(bands, 'median')}")
        panels[0].set_ylim(bottom=0)
        handles, labels = panels[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=3, labelcolor=INK)
        return to_svg(figure, ident, "Forecast bands of one patient", alt)


def density(ident: str, table: Table, alt: str) -> str:
    """The distribution of the quantity of interest that the inputs' uncertainty gives."""
    with style(ident):
        figure, (axes,) = sheet(4.3, 2.7)
        place, height = column(table, "value"), column(table, "density")
        axes.fill_between(place, 0, height, color=IGNORANCE, alpha=0.5, linewidth=0)
        axes.plot(place, height, color=TWIN, linewidth=1.3)
        axes.set(xlabel=f"Quantity of interest{unit(table, 'value')}", ylabel="Density")
        axes.set_ylim(bottom=0)
        axes.axvline(0, color=BASE, linewidth=0)
        return to_svg(figure, ident, "Distribution of the quantity of interest", alt)
