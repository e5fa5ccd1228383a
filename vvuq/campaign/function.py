"""What a campaign runs: a function with a key, and the content hashes that its runs are kept under."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol, TypeGuard

import numpy as np

from vvuq.errors import InputError
from vvuq.evidence.canonical import canonical
from vvuq.evidence.freshness import lock_digest, source_digest
from vvuq.record import Floats

KEY_BYTES = 16  # of BLAKE2b: two of 10^9 runs share a key with a probability of 10^-21
_SCHEME = 1


class Function(Protocol):
    """A function of points (d, n) -> (n,) or (k, n) whose runs can be kept, and be made in other processes.

    Column i of the values depends on column i of the points alone, to the last bit. It can be pickled: a frozen
    dataclass at the top level of a module, which loads by path what it needs of a twin."""

    def key(self) -> str:
        """All that the values depend on besides the point and the code: settings, and the seed of what it draws."""

    def __call__(self, points: Floats, /) -> Floats:
        """The values at the points, one run a column; a run that fails gives not-a-number, or raises."""


AnyFunction = Callable[[Floats], Floats]


def has_key(function: object) -> TypeGuard[Function]:
    """True for a function whose runs can be kept."""
    return callable(function) and callable(getattr(function, "key", None))


def code_of(function: object) -> str:
    """Digest of this package's code, of the file that defines the function, and of the libraries.

    Raises InputError where the function has no file, as in a notebook."""
    try:
        file = inspect.getsourcefile(type(function))
    except TypeError:
        file = None
    if file is None or not Path(file).is_file():
        remedy = "Settings(code=...), a text that changes whenever the code does: its class is in no file"
        raise InputError("campaign", "code", None, remedy)
    return source_digest(Path(file)) + lock_digest()


def campaign_id(function: Function, code: str, seed: int) -> bytes:
    """The content hash of everything but the point: code, class of the function, its key, and the seed."""
    key, kind = function.key(), type(function)
    if not isinstance(key, str):
        raise InputError("campaign", f"{kind.__qualname__}.key()", key, "a text with all that the values depend on")
    text = canonical([_SCHEME, code, f"{kind.__module__}.{kind.__qualname__}", key, seed])
    return hashlib.blake2b(text.encode(), digest_size=KEY_BYTES).digest()


def run_keys(campaign: bytes, points: Floats) -> list[bytes]:
    """The key of each column of points (d, n): the content hash of the campaign's id and the column's bytes."""
    rows = np.ascontiguousarray(points.T, dtype="<f8")
    begun = hashlib.blake2b(campaign, digest_size=KEY_BYTES)
    return [_finished(begun, row) for row in rows]


def _finished(begun: Any, row: Floats) -> bytes:
    one = begun.copy()
    one.update(row)
    return bytes(one.digest())


def checked_points(points: Floats) -> Floats:
    """The points as (d, n) float64, a copy. Raises InputError where they are empty, of another shape, or hold NaN."""
    try:
        found = np.array(points, dtype=np.float64, order="C")
    except (TypeError, ValueError) as error:
        raise InputError("campaign", "points", type(points).__name__, f"numbers (d, n): {error}") from None
    if found.ndim != 2 or 0 in found.shape:
        raise InputError("campaign", "points", found.shape, "(d, n): a row an input, a column a run, at least one each")
    bad = np.flatnonzero(np.isnan(found).any(axis=0))
    if bad.size:
        remedy = "points without NaN"
        raise InputError("campaign", f"points[:, {bad[0]}]", found[:, bad[0]].tolist(), remedy)
    return found
