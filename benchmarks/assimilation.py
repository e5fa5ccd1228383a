"""The filters against filterpy, dynamax and DAPPER: the same work, the same numbers, CPU seconds on one core.

Peers that are not installed are left out, with a line that says how to get them."""

from __future__ import annotations

import _ensembles
import _neonate
import _unscented
from _harness import Row, main


def rows(quick: bool) -> list[Row]:
    """A neonate's samples, the unscented filter on five and on forty states, ensembles on a thousand."""
    return [*_neonate.rows(quick), *_unscented.rows(quick), *_ensembles.rows(quick)]


if __name__ == "__main__":
    main(rows)
