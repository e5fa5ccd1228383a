"""The patients' way through the study, drawn as boxes: screened, excluded, analysed, build and held out."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.text import Text

from vvuq.dossier.figures.canvas import INK, MUTED, sheet, style, to_svg


def flow_diagram(ident: str, steps: dict[str, str], alt: str) -> str:
    """steps: text of each box by its name: screened, excluded, analysed, build, held_out (two lines each)."""
    with style(ident):
        figure, (axes,) = sheet(6.6, 3.6)
        axes.set(xlim=(0, 10), ylim=(0, 6))
        axes.axis("off")
        places = {"screened": (3.6, 5.3), "excluded": (8.2, 4.2), "analysed": (3.6, 3.1), "build": (1.9, 0.8),
                  "held_out": (6.9, 0.8)}  # fmt: skip
        boxes = {}
        for name, (x, y) in places.items():
            face = "#f3f5f8" if name in ("excluded", "held_out") else "#e4edf7"
            dash = "--" if name == "held_out" else "-"
            boxes[name] = axes.text(x, y, steps[name], ha="center", va="center", fontsize=9, linespacing=1.5,
                      bbox={"boxstyle": "round,pad=0.6", "facecolor": face, "edgecolor": INK, "linewidth": 0.8,
                            "linestyle": dash})  # fmt: skip
        for start, end in (("screened", "analysed"), ("analysed", "build"), ("analysed", "held_out")):
            _arrow(axes, places[start], places[end], boxes[start], boxes[end])
        _arrow(axes, (3.6, 4.2), places["excluded"], None, boxes["excluded"])
        return to_svg(figure, ident, "Flow of patients", alt)


Point = tuple[float, float]


def _arrow(axes: Axes, start: Point, end: Point, source: Text | None, target: Text) -> None:
    """From the edge of one box (or a point) to the edge of another."""
    patches = {"patchA": source.get_bbox_patch() if source else None, "patchB": target.get_bbox_patch()}
    look = {"arrowstyle": "-|>", "color": MUTED, "linewidth": 1.0, "shrinkA": 0, "shrinkB": 1}
    axes.annotate("", xy=end, xytext=start, zorder=0, arrowprops={**look, **patches})
