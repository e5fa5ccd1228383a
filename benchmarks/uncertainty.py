"""Uncertainty quantification: what campaigns of model runs cost."""

from __future__ import annotations

import _campaign
from _harness import Row, main


def rows(quick: bool) -> list[Row]:
    """Campaigns."""
    return _campaign.rows(quick)


if __name__ == "__main__":
    main(rows)
