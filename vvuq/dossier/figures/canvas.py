"""The sheet that figures are drawn on, and its way to SVG: same values, same bytes; ids unique by figure."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from contextlib import AbstractContextManager
from html import escape
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from vvuq.record import Table

INK, MUTED, RULE = "#1b2430", "#5b6673", "#d5dae0"
TWIN, BASE, NOISE, IGNORANCE = "#1d4f8c", "#b4500b", "#c9ced6", "#7fa6d6"
_FONTS = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, 'DejaVu Sans', sans-serif"
_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "font.family": ["DejaVu Sans"],
    "font.size": 9,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": MUTED,
    "axes.linewidth": 0.7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 9,
    "axes.titlelocation": "left",
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.unicode_minus": True,
    "grid.color": RULE,
    "grid.linewidth": 0.5,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "legend.frameon": False,
    "legend.fontsize": 8,
    "hatch.linewidth": 0.5,
    "text.parse_math": False,
    "path.simplify": True,
}


def style(ident: str) -> AbstractContextManager[None]:
    """The drawing defaults of every figure, salted with the figure's own name: use as `with` around the drawing."""
    return matplotlib.rc_context({**_STYLE, "svg.hashsalt": ident})


def sheet(width: float, height: float, columns: int = 1, *, share: bool = False) -> tuple[Figure, list[Axes]]:
    """A figure of width x height inches with a row of axes (`share`: one y axis for all), drawn without pyplot."""
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasSVG(figure)
    axes = figure.subplots(1, columns, squeeze=False, sharey=share)
    return figure, list(axes[0])


def mosaic(
    width: float, height: float, rows: Sequence[str], *, heights: Sequence[float] | None = None
) -> tuple[Figure, dict[str, Axes]]:
    """A figure of width x height inches with axes as in `rows`, a letter for each and "." for none."""
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasSVG(figure)
    return figure, figure.subplot_mosaic("\n".join(rows), height_ratios=heights)


def to_svg(figure: Figure, ident: str, title: str, alt: str) -> str:
    """The figure as inline SVG with role, title and description; every id starts with `ident`."""
    engine = figure.get_layout_engine()
    if engine is not None:  # once, not again for each of the drawing's passes
        engine.execute(figure)
        figure.set_layout_engine("none")
    for patch in (figure.patch, *(axes.patch for axes in figure.axes)):
        patch.set(facecolor="none", edgecolor="none")
    buffer = io.StringIO()
    # The backend itself: `savefig` would draw all of it once more before, for a layout that there is already.
    backend: Any = FigureCanvasSVG(figure)
    backend.print_svg(buffer, metadata={"Date": None, "Creator": None})
    text = buffer.getvalue()
    text = re.sub(r"\s*<metadata>.*?</metadata>", "", text[text.index("<svg") :], flags=re.S)
    text = re.sub(r' xmlns(:\w+)?="[^"]*"', "", text).replace("xlink:href", "href")
    text = re.sub(r'\bid="([^"]+)"', rf'id="{ident}-\1"', text)
    text = re.sub(r'(href="#|url\(#)', rf"\1{ident}-", text)
    text = re.sub(r"(font(?:-family)?:[^;\"]*?)'DejaVu Sans'[^;\"]*", rf"\1{_FONTS}", text)
    head = f'<svg role="img" aria-labelledby="{ident}-title {ident}-desc" preserveAspectRatio="xMidYMid meet" '
    label = f'<title id="{ident}-title">{escape(title)}</title><desc id="{ident}-desc">{escape(alt)}</desc>'
    text = re.sub(r"<svg ", head, text, count=1)
    return re.sub(r"(<svg[^>]*>)", lambda match: match[1] + label, text, count=1).strip()


def column(table: Table, name: str) -> list[float]:
    """A numeric column; missing cells as nan, which a plot leaves out. Empty where the table has no such column."""
    if name not in table.columns:
        return []
    place = table.columns.index(name)
    cells = (row[place] for row in table.rows)
    return [float("nan") if cell is None else float(cell) for cell in cells]


def words(table: Table, name: str) -> list[str]:
    """A column as text."""
    place = table.columns.index(name)
    return [str(row[place]) for row in table.rows]


def unit(table: Table, name: str) -> str:
    """The unit of a column as " [mg/L]", or nothing for dimensionless."""
    found = table.units[table.columns.index(name)]
    return "" if found in ("", "1") else f" [{found}]"
