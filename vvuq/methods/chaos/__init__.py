"""Polynomial chaos: sparse expansions chosen by nested cross-validation, others by quadrature, and their indices."""

from vvuq.methods.chaos.basis import basis_of, multi_indices, recurrence
from vvuq.methods.chaos.design import design
from vvuq.methods.chaos.expansion import Error, Expansion
from vvuq.methods.chaos.grid import project
from vvuq.methods.chaos.indices import closed, first_order, interaction, second_order, shapley_effects, total_order
from vvuq.methods.chaos.intervals import Intervals, bootstrap, error_bounds
from vvuq.methods.chaos.select import Search, fit, fit_outputs

__all__ = [
    "Error", "Expansion", "Intervals", "Search", "basis_of", "bootstrap", "closed", "design", "error_bounds",
    "first_order", "fit", "fit_outputs", "interaction", "multi_indices", "project", "recurrence",
    "second_order", "shapley_effects", "total_order",
]  # fmt: skip
