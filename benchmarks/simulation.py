"""Models run forward, against what users run today: the same day, at matched accuracy, CPU seconds on one core.

Peers that are not installed are left out, with a line that says how to get them."""

from __future__ import annotations

import _cohorts
import _doses
import _hovorka
import _uva
from _harness import Row, main


def rows(quick: bool) -> list[Row]:
    """Virtual patients of simglucose, the model of Hovorka against six solvers, cohorts of 1 to 100,000, neonates."""
    return [*_uva.rows(quick), *_hovorka.rows(quick), *_cohorts.rows(quick), *_doses.rows(quick)]


if __name__ == "__main__":
    main(rows)
