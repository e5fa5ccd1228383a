"""A data card in labelled lines of text, for a terminal or a page."""

from __future__ import annotations

from vvuq.data.cards import DataCard
from vvuq.data.load import find_file


def show(card: DataCard) -> tuple[tuple[str, str], ...]:
    """(label, text) of everything the card says, and where its table lies on this machine. No patient's data."""
    confirmed = "" if card.licence.confirmed else " (licence to be confirmed by the user)"
    identifiers = [f"doi {card.citation.doi}"] if card.citation.doi else []
    identifiers += [f"PMID {card.citation.pmid}"] if card.citation.pmid else []
    rows = [
        ("name", card.name),
        ("title", card.title),
        ("source", card.source),
        ("citation", " · ".join((card.citation.text, *identifiers))),
        ("licence of the data", card.licence.data + confirmed),
    ]
    rows += [("licence of the package", card.licence.package)] if card.licence.package else []
    carried = f"{card.obtain.wheel}, sha256 {card.obtain.sha256}"
    carried = "nothing: local files, beside the card or in VVUQ_DATA" if card.obtain.local else carried
    rows += [("note on the licence", card.licence.note), ("carried by", carried)]
    rows += [("published", card.obtain.whence)] if card.obtain.whence else []
    rows += [("file", f"{file.path}, sha256 {file.sha256}: {file.purpose}") for file in card.obtain.files]
    rows.append(("patients", f"{card.patients} with {card.measurements} values of {card.layout.observable}"))
    rows += [(f"covariate {one.name}", f"{one.meaning} [{one.unit}]") for one in card.layout.covariates]
    if card.reference_fit is not None:
        rows.append(("fit by another program", f"{card.reference_fit.tool}, {card.reference_fit.file}"))
    rows.append(("held out", f"{card.held_out.count} patients, lowest sha256({card.held_out.salt!r} + id)"))
    rows.append(("who saw what", card.visibility))
    rows += [(f"comparator: {fact.topic}", f"{fact.known} ({fact.source})") for fact in card.comparator]
    rows += [("limit", limit) for limit in card.limits]
    found = find_file(card, card.table)
    absent = "not found" if card.obtain.local else f"not found; run `vvuq data fetch {card.name}`"
    rows.append(("on this machine", str(found) if found else absent))
    return tuple(rows)
