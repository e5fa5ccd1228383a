"""Finds a cohort's file on this machine, checks that it is unchanged, and reads it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from vvuq import paths
from vvuq.data.cards import DataCard, DataFile
from vvuq.data.icu_layouts import Cinc, Clif
from vvuq.data.layouts import Diary
from vvuq.errors import InputError, IntegrityError, NotEvaluable
from vvuq.record import Cohort


def load_cohort(card: DataCard) -> Cohort:
    """All patients of the card's cohort, held-out ones included: split them before anything else.

    Raises NotEvaluable with what to do where the file is not at hand, IntegrityError where it was changed, InputError
    where it does not read as the card says."""
    files = {field: _unchanged(card, card.named(name)) for field, name in card.layout.files.items()}
    path, cohort = files["file"], _read(card, files)
    counts = {"patients": len(cohort.patients), "measurements": sum(len(p.measurements) for p in cohort.patients)}
    for field, declared in (("patients", card.patients), ("measurements", card.measurements)):
        if counts[field] != declared:
            remedy = f"{counts[field]}, as {path.name} holds when read by the card's layout"
            raise InputError(card.at(field), field, declared, remedy)
    return cohort


def _read(card: DataCard, files: Mapping[str, Path]) -> Cohort:
    """The cohort in the files by the layout's fields, by the reader of the layout."""
    from vvuq.data.readers.cinc import read_cinc  # they bring units and models, which finding a file needs not
    from vvuq.data.readers.clif import read_clif
    from vvuq.data.readers.nonmem import read_nonmem
    from vvuq.data.readers.shanghai import read_diary
    from vvuq.data.readers.table import read_table

    layout = card.layout
    if isinstance(layout, Clif):
        return read_clif(files, layout, card.name)
    if isinstance(layout, Cinc):
        return read_cinc(files, layout, card.name)
    if isinstance(layout, Diary):
        return read_diary(files["file"], files["covariates_file"], layout, card.name)
    return (read_nonmem if layout.format == "nonmem" else read_table)(files["file"], layout, card.name)


def _unchanged(card: DataCard, file: DataFile) -> Path:
    """Where the file lies. Raises NotEvaluable where it is not at hand, IntegrityError where it was changed."""
    path = find_file(card, file)
    if path is None:
        raise NotEvaluable(absent(card, file))
    check_digest(path, file.sha256, local=card.obtain.local)
    return path


def find_file(card: DataCard, file: DataFile) -> Path | None:
    """The first file of this name in `data_places` that exists, unchanged or not."""
    return next((place / file.name for place in data_places(card) if (place / file.name).is_file()), None)


def data_places(card: DataCard) -> list[Path]:
    """Where the card's files may lie, in the order of the search: beside the card if they are local, then for each data
    folder FOLDER/NAME and FOLDER."""
    beside = [card.folder] if card.obtain.local else []
    return beside + [place for folder in paths.data_folders() for place in (folder / card.name, folder)]


def check_digest(path: Path, sha256: str, *, local: bool = False) -> None:
    """Raises IntegrityError where the file's sha256 is another, NotEvaluable where it cannot be read."""
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise NotEvaluable(f"cannot read {path}: {error.strerror}") from None
    if found != sha256:
        remedy = "Remove it (or leave its folder out of VVUQ_DATA) and run `vvuq data fetch` again."
        if local:
            remedy = (
                "Put the file back that was pinned; if the change is meant, write its new sha256 into the data card."
            )
        raise IntegrityError(f"{path} is not the file the data card pins: sha256 {found}, expected {sha256}. {remedy}")


def absent(card: DataCard, file: DataFile) -> str:
    """What to do. Names no folder: the message is kept as evidence, which must be the same everywhere."""
    if card.obtain.local:
        return (
            f"cohort {card.name}: {file.name} lies neither beside its data card nor in VVUQ_DATA. Put the file "
            f"(sha256 {file.sha256}) into one of them." + (f" {card.obtain.whence}" if card.obtain.whence else "")
        )
    return (
        f"cohort {card.name}: {file.name} is neither in VVUQ_DATA nor in the user's cache.\n"
        f"Run `vvuq data fetch {card.name}`, or put {file.name} (sha256 {file.sha256}) into a folder and "
        "set VVUQ_DATA to it."
    )
