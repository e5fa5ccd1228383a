"""Finds a cohort's file on this machine, checks that it is unchanged, and reads it."""

from __future__ import annotations

import hashlib
from pathlib import Path

from vvuq import paths
from vvuq.data.cards import DataCard, DataFile
from vvuq.data.readers.nonmem import read_nonmem
from vvuq.errors import InputError, IntegrityError, NotEvaluable
from vvuq.record import Cohort


def load_cohort(card: DataCard) -> Cohort:
    """All patients of the card's cohort, held-out ones included: split them before anything else.

    Raises NotEvaluable with what to do where the file is not at hand, IntegrityError where it was changed, InputError
    where it does not read as the card says."""
    path = find_file(card, card.table)
    if path is None:
        raise NotEvaluable(_absent(card))
    check_digest(path, card.table.sha256)
    cohort = read_nonmem(path, card.layout, card.name)
    counts = {"patients": len(cohort.patients), "measurements": sum(len(p.measurements) for p in cohort.patients)}
    for field, declared in (("patients", card.patients), ("measurements", card.measurements)):
        if counts[field] != declared:
            remedy = f"{counts[field]}, as {path.name} holds when read by the card's layout"
            raise InputError(f"data card {card.name}", field, declared, remedy)
    return cohort


def find_file(card: DataCard, file: DataFile) -> Path | None:
    """The first FOLDER/NAME/FILE or FOLDER/FILE of the data folders that exists, unchanged or not."""
    return next((place / file.name for place in data_places(card) if (place / file.name).is_file()), None)


def data_places(card: DataCard) -> list[Path]:
    """Where the card's files may lie, in the order of the search: for each data folder, FOLDER/NAME and FOLDER."""
    return [place for folder in paths.data_folders() for place in (folder / card.name, folder)]


def check_digest(path: Path, sha256: str) -> None:
    """Raises IntegrityError where the file's sha256 is another, NotEvaluable where it cannot be read."""
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise NotEvaluable(f"cannot read {path}: {error.strerror}") from None
    if found != sha256:
        raise IntegrityError(
            f"{path} is not the file the data card pins: sha256 {found}, expected {sha256}. "
            "Remove it (or leave its folder out of VVUQ_DATA) and run `vvuq data fetch` again."
        )


def _absent(card: DataCard) -> str:
    """What to do. Names no folder: the message is kept as evidence, which must be the same everywhere."""
    return (
        f"cohort {card.name}: {card.table.name} is neither in VVUQ_DATA nor in the user's cache.\n"
        f"Run `vvuq data fetch {card.name}`, or put {card.table.name} (sha256 {card.table.sha256}) into a folder and "
        "set VVUQ_DATA to it."
    )
