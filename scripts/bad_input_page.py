"""Writes docs/bad-input.md: every case of bad input with what its command says. `python scripts/bad_input_page.py`."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

if __name__ == "__main__":
    sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
    from bad_input.page import PAGE, write

    write()
    print(PAGE.relative_to(ROOT))
