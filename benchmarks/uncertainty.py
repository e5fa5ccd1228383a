"""Uncertainty quantification: Sobol' indices beside SALib, a campaign beside SALib and scipy, and what campaigns of
model runs cost."""

from __future__ import annotations

import _campaign
import _sobol
from _harness import Row, main


def rows(quick: bool) -> list[Row]:
    """Indices and their campaign, then campaigns of runs that are kept."""
    return [*_sobol.rows(quick), *_campaign.rows(quick)]


if __name__ == "__main__":
    main(rows)
