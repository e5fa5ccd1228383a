"""Acting on a probability: decision curves; changes by the model beside what can be tested of them."""

from __future__ import annotations

from matplotlib.axes import Axes

from vvuq.dossier.figures.canvas import BASE, INK, MUTED, TWIN, column, sheet, style, to_svg, unit, words
from vvuq.record import Table

_OTHERS = (TWIN, BASE, "#2a7f62", "#7a4fa3")
_LINES = ("--", ":", "-.")


def decision_curve(ident: str, table: Table, operating: float, alt: str) -> str:
    """Left: net benefit by threshold. Right: that over persistence with 95 % intervals over patients, of whatever is no
    baseline."""
    with style(ident):
        figure, (left, right) = sheet(7.2, 3.4, 2)
        looks = _looks(table)
        for name, (colour, line) in looks.items():
            x, y = (_of(table, c, name) for c in ("threshold", "net_benefit"))
            left.plot(x, y, line, color=colour, linewidth=1.3, label=name)
        twins = [name for name, (_, line) in looks.items() if line == "-"]
        for i, name in enumerate(twins):
            x, y, low, high = (
                _of(table, c, name) for c in ("threshold", "over_persistence", "persistence_low", "persistence_high")
            )
            ends = [[v - a for v, a in zip(y, low, strict=True)], [b - v for v, b in zip(y, high, strict=True)]]
            moved = [v + 1.0 * (i - 0.5 * (len(twins) - 1)) for v in x]
            right.errorbar(moved, y, yerr=ends, fmt="o", markersize=4, capsize=2, color=looks[name][0])
        _around(left, [v for name in looks if name != "prompt always" for v in _of(table, "net_benefit", name)])
        left.set_title("Net benefit (0: never to prompt)")
        right.set_title("Net benefit over persistence")
        for axes in (left, right):
            axes.axhline(0.0, color=INK, linewidth=0.8)
            axes.axvline(operating, color=MUTED, linewidth=0.9, linestyle=(0, (4, 3)))
            axes.set_xlabel(f"Prompt from a probability of{unit(table, 'threshold')}")
        figure.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=4, labelcolor=INK)
        return to_svg(figure, ident, "Decision curves", alt)


def changes(ident: str, moved: Table, known: Table, alt: str) -> str:
    """Left: change of glucose by action, thick: 95 % intervals over patients, thin: 90 % of members. Right: how much
    less the CRPS is for knowing of a recorded dose, with 95 % intervals."""
    with style(ident):
        figure, (left, right) = sheet(7.2, 3.4, 2)
        for i, name in enumerate(dict.fromkeys(words(moved, "action"))):
            x, y, low, high, least, most = (
                _of(moved, c, name, "action") for c in ("ahead", "change", "low", "high", "member_low", "member_high")
            )
            places = [v + 8.0 * (i - 0.5) for v in x]
            left.vlines(places, least, most, color=_OTHERS[i], linewidth=0.8)
            left.vlines(places, low, high, color=_OTHERS[i], linewidth=4.0, alpha=0.35)
            left.plot(places, y, "o", color=_OTHERS[i], markersize=4.5, label=name)
        for i, name in enumerate(dict.fromkeys(words(known, "recorded"))):
            x, y, low, high = (_of(known, c, name, "recorded") for c in ("ahead", "gain", "low", "high"))
            places = [v + 8.0 * (i - 0.5) for v in x]
            ends = [[v - a for v, a in zip(y, low, strict=True)], [b - v for v, b in zip(y, high, strict=True)]]
            right.errorbar(places, y, yerr=ends, fmt="s", markersize=4.5, capsize=2, color=_OTHERS[i],
                           label=f"knowing of a {name}")  # fmt: skip
        left.set_title(f"Change of glucose{unit(moved, 'change')}")
        right.set_title(f"CRPS less by knowing{unit(known, 'gain')}")
        for axes, table in ((left, moved), (right, known)):
            places = sorted(set(column(table, "ahead")))
            axes.axhline(0.0, color=INK, linewidth=0.8, linestyle=":")
            axes.set_xlabel(f"Ahead{unit(table, 'ahead')}")
            axes.set_xticks(places, [f"{v:g}" for v in places])
            axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=2, labelcolor=INK)
        return to_svg(figure, ident, "What another action would change", alt)


def _looks(table: Table) -> dict[str, tuple[str, str]]:
    """Colour and line of each forecaster: those that are no baseline solid, baselines grey and broken."""
    kinds = dict(zip(words(table, "forecaster"), words(table, "kind"), strict=True))
    twins = [name for name, kind in kinds.items() if kind != "baseline"]
    bases = [name for name, kind in kinds.items() if kind == "baseline"]
    made = {name: (_OTHERS[i % len(_OTHERS)], "-") for i, name in enumerate(twins)}
    return made | {name: (MUTED, _LINES[i % len(_LINES)]) for i, name in enumerate(bases)}


def _around(axes: Axes, values: list[float]) -> None:
    """The y axis holds the best and as much below 0: to prompt always falls without end."""
    best = max([v for v in values if v == v], default=1.0)
    axes.set_ylim(-0.6 * max(best, 1e-3), 1.15 * max(best, 1e-3))


def _of(table: Table, name: str, chosen: str, by: str = "forecaster") -> list[float]:
    """A numeric column, of the rows in which the column `by` says `chosen`."""
    return [v for v, of in zip(column(table, name), words(table, by), strict=True) if of == chosen]
