"""The fit of another program that a data card names: for a comparison of codes, and for nothing else."""

from __future__ import annotations

from vvuq.data.cards import DataCard
from vvuq.data.load import check_digest, find_file
from vvuq.data.readers.nonmem_ext import read_ext
from vvuq.errors import NotEvaluable
from vvuq.record import ReferenceFit


def load_reference_fit(card: DataCard) -> ReferenceFit:
    """What the card's reference run found on the whole cohort.

    Raises NotEvaluable where the card names none or its file is not at hand, IntegrityError where it was changed,
    InputError where it does not read as the card says."""
    named = card.reference_fit
    if named is None:
        raise NotEvaluable(f"data card {card.name} names no fit by another program (reference_fit)")
    file = next(file for file in card.obtain.files if file.name == named.file)
    path = find_file(card, file)
    if path is None:
        raise NotEvaluable(
            f"{file.name} of data card {card.name} is neither in VVUQ_DATA nor in the user's cache: "
            f"run `vvuq data fetch {card.name}`"
        )
    check_digest(path, file.sha256)
    return read_ext(path, named.tool, named.typical, named.variances)
