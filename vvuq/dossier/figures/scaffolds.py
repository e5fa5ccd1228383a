"""What a wrong scaffold does to forecasts, and what it does to answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes

from vvuq.dossier.figures.canvas import BASE, INK, MUTED, TWIN, column, sheet, style, to_svg, words
from vvuq.record import Table

_COLOURS = {"mechanistic": TWIN, "hybrid": "#2a7f62", "data-driven": BASE}
_MARKS = "o^sDvPX"


def scaffolds(ident: str, answers: Table, alt: str) -> str:
    """A panel for each action: by how much forecasts are worse (0 for the declared one) against how far answers are
    off; colours are kinds of forecasters, marks scaffolds."""
    actions = list(dict.fromkeys(words(answers, "action")))
    known = list(dict.fromkeys(words(answers, "scaffold")))
    names, numbers = ("action", "forecaster", "kind", "scaffold"), ("worse", "off")
    columns = (*(words(answers, name) for name in names), *(column(answers, name) for name in numbers))
    rows: list[tuple[Any, ...]] = list(zip(*columns, strict=True))
    with style(ident):
        figure, panels = sheet(7.2, 3.9, len(actions), share=True)
        for axes, action in zip(panels, actions, strict=True):
            _panel(axes, [row[1:] for row in rows if row[0] == action], known)
            axes.set(title=f"{action}: answer off [%]", xlabel="CRPS worse by [%]")
        figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=2, labelcolor=INK)
        return to_svg(figure, ident, "Wrong scaffolds: forecasts against answers", alt)


def _panel(axes: Axes, rows: Sequence[tuple[Any, ...]], known: Sequence[str]) -> None:
    """rows: forecaster, kind, scaffold, by how much forecasts are worse, how far answers are off."""
    axes.axvline(0.0, color=INK, linewidth=0.8, linestyle=":")
    for name, kind, scaffold, worse, off in rows:
        mark, colour = _MARKS[known.index(scaffold) % len(_MARKS)], _COLOURS.get(kind, MUTED)
        place = worse if worse == worse else 0.0
        axes.plot([place], [off], mark, color=colour, alpha=0.85, markersize=6, label=f"{name}, {scaffold}")
