"""Refuses files that must not be committed: patient data, evidence stores, keys, big files. Usage: guard.py FILE..."""

from __future__ import annotations

import sys
from pathlib import Path

LIMIT = 1_000_000  # bytes
PAGE_LIMIT = 5_000_000  # a dossier is one file with all its figures
REFUSED = {
    ".dta": "patient data",
    ".parquet": "patient data",
    ".sav": "patient data",
    ".sas7bdat": "patient data",
    ".xpt": "patient data",
    ".sqlite": "an evidence store",
    ".whl": "a package",
    ".pem": "a key",
    ".key": "a key",
}
TABLES = {".csv", ".tsv", ".gz", ".xlsx"}
PUBLISHED = ("tests/references/", "benchmarks/")  # tables of published or measured numbers, each with its card


def complaint(path: Path) -> str | None:
    """Why `path`, relative to the checkout, must not be committed; None where it may."""
    suffix = path.suffix.lower()
    if suffix in REFUSED:
        return f"{path}: {REFUSED[suffix]} does not belong in the repository"
    if suffix in TABLES and not path.as_posix().startswith(PUBLISHED):
        return f"{path}: tables belong in {PUBLISHED[0]} with a card of their source; patient data nowhere"
    limit = PAGE_LIMIT if path.as_posix().startswith("reports/gallery/") else LIMIT
    if path.is_file() and path.stat().st_size > limit:
        return f"{path}: larger than {limit:,} bytes"
    return None


def main(names: list[str]) -> int:
    """Print a line for each file that is refused; 1 if there is any."""
    complaints = [text for text in (complaint(Path(name)) for name in names) if text]
    print("\n".join(complaints), end="\n" if complaints else "")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
