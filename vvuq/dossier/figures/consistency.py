"""Is a filter as uncertain as it should be: where measured values fell in forecasts, and squared innovations."""

from __future__ import annotations

from matplotlib.axes import Axes

from vvuq.dossier.figures.canvas import BASE, INK, TWIN, column, sheet, style, to_svg, words
from vvuq.record import Table

PARTS = {"simulated": (BASE, "s", -0.14), "build": (TWIN, "o", 0.14)}


def consistency(ident: str, pit: Table, nis: Table, alt: str) -> str:
    """Left: PIT histogram of build patients (without any: of simulated ones) between the bounds of an even spread.

    Right: mean squared innovation over what the filter expects, by earlier samples, with bounds; 1 is ideal."""
    with style(ident):
        figure, (left, right) = sheet(7.2, 3.1, 2)
        _histogram(left, pit)
        _squares(right, nis)
        for axes in (left, right):
            axes.grid(visible=False, axis="x")
            axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=2, labelcolor=INK)
        return to_svg(figure, ident, "Consistency of the filter's uncertainty", alt)


def _histogram(axes: Axes, pit: Table) -> None:
    parts = words(pit, "patients_of")
    shown = "build" if "build" in parts else "simulated"
    start, end, share, low, high = (
        _of(pit, name, shown) for name in ("pit_from", "pit_to", "share", "bound_low", "bound_high")
    )
    if not start:
        return
    widths = [b - a for a, b in zip(start, end, strict=True)]
    axes.bar(start, share, widths, align="edge", color=PARTS[shown][0], alpha=0.75, edgecolor=INK, linewidth=0.6,
             label=f"{shown} patients")  # fmt: skip
    for bound, label in ((low[0], "95 % of chance"), (high[0], None)):
        axes.axhline(bound, color=INK, linewidth=0.9, linestyle="--", label=label)
    axes.set(xlim=(0, 1), xlabel="Place of the measured value in its forecast (PIT)",
             title="Share of measurements [%]")  # fmt: skip


def _squares(axes: Axes, nis: Table) -> None:
    labels = list(dict.fromkeys(words(nis, "earlier_samples")))
    axes.axhline(1.0, color=INK, linewidth=0.8, linestyle=":")
    for part, (colour, mark, shift) in PARTS.items():
        names = [label for label, of in zip(words(nis, "earlier_samples"), words(nis, "patients_of"), strict=True)
                 if of == part]  # fmt: skip
        places = [labels.index(name) + shift for name in names]
        value, low, high = (_of(nis, name, part) for name in ("nis", "bound_low", "bound_high"))
        if not places:
            continue
        axes.vlines(places, low, high, color=colour, linewidth=6, alpha=0.25, label=f"bounds, {part}")
        axes.plot(places, value, mark, color=colour, markersize=4.5, linestyle="none", label=f"{part} patients")
    axes.set_xticks(range(len(labels)), labels)
    axes.set(xlabel="Earlier samples of the patient", title="Squared innovation over its expectation (NIS)")
    axes.set_xlim(-0.5, len(labels) - 0.5)
    axes.set_ylim(bottom=0.0)


def _of(table: Table, name: str, part: str) -> list[float]:
    """A numeric column, of the rows about some patients."""
    return [v for v, of in zip(column(table, name), words(table, "patients_of"), strict=True) if of == part]
