"""Section 7: does the code solve its equations: order of accuracy, steps against a much better solver, a filter that is
exact where it must be, and a fit that equals another program's."""

from __future__ import annotations

from dataclasses import dataclass

from vvuq.dossier.block import block
from vvuq.dossier.figures.order import order_plot
from vvuq.dossier.numbers import show
from vvuq.dossier.source import Source, spell
from vvuq.dossier.view import Block, Figure, Section
from vvuq.record import Evidence

_ORDER = ("observed_order", "theoretical_order", "order_deviation", "finest_error", "adaptive_error",
          "adaptive_tolerance")  # fmt: skip
_EXACT = ("mean_difference", "covariance_difference", "log_likelihood_difference", "n_cases")
_CODES = ("start_objective_difference", "objective_difference", "largest_typical_difference",
          "largest_variance_difference", "largest_error_difference", "n_patients", "n_measurements")  # fmt: skip
_AGREE = ("largest_difference", "typical_difference", "adaptive_difference", "largest_value", "n_patients",
          "n_patients_failed")  # fmt: skip


@dataclass(frozen=True, slots=True)
class View:
    """The analyses that verify code."""

    blocks: tuple[Block, ...]


def build(source: Source) -> View:
    """From the evidence of convergence and filter_exactness, and of the others where the plan asks for them.

    A plan that asks for solver_agreement alone, for want of a closed form, shows it in place of convergence."""
    planned = source.plan.analyses
    order = block(source, "convergence", _ORDER, ("refinement", "cases"), (_order,), section="code")
    agree = block(source, "solver_agreement", _AGREE, ("steps",), section="code")
    exact = block(source, "filter_exactness", _EXACT, ("cases",), section="code")
    codes = block(source, "code_to_code", _CODES, ("comparison",), section="code")
    first = (order,) if "convergence" in planned or "solver_agreement" not in planned else ()
    found = (*first, *((agree,) if "solver_agreement" in planned else ()), exact)
    return View((*found, codes) if "code_to_code" in planned else found)


def _order(ident: str, evidence: Evidence) -> Figure | None:
    table, theory = evidence.tables.get("refinement"), evidence.values.get("theoretical_order")
    if table is None or theory is None or not table.rows:
        return None
    alt = (
        f"Error against step size on log-log axes at {len(table.rows)} step sizes; observed order "
        f"{spell(evidence, 'observed_order')}, theoretical slope {show(theory.value)} drawn beside the points. "
        "The numbers are in the table of refinements."
    )
    svg = order_plot("figure-order", table, theory.value, alt)
    return Figure("figure-order", svg, alt, "Error against step size, with the slope that theory demands", ident)


SECTION = Section("code_verification", 7, "Code verification", build)
