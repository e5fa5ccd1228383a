"""Floor 0: where things lie: shipped folders (in a wheel or a checkout), the user's cache, patient data."""

from __future__ import annotations

import os
from pathlib import Path

from vvuq.errors import InputError

PACKAGE = Path(__file__).resolve().parent


def shipped(kind: str) -> Path:
    """The folder of shipped "templates", "studies" or "twins": inside the wheel, else in the checkout beside it."""
    inside = PACKAGE / f"_{kind}"
    return inside if inside.is_dir() else PACKAGE.parent / kind


def cache_folder() -> Path:
    """The user's cache folder of vvuq ($VVUQ_CACHE, else the platform's). It may not exist yet, or not be writable."""
    given = folder_of("VVUQ_CACHE")
    if given:
        return given
    from platformdirs import user_cache_path

    return user_cache_path("vvuq")


def data_folders() -> list[Path]:
    """Folders that are searched for patient data, in order: $VVUQ_DATA, then the user's cache.

    Raises InputError where $VVUQ_DATA is no folder: data that were meant to be there would be looked for elsewhere."""
    given = folder_of("VVUQ_DATA")
    if given is None:
        return [cache_folder() / "data"]
    if not given.is_dir():
        raise InputError("environment", "VVUQ_DATA", str(given), "a folder that exists; or unset it")
    return [given, cache_folder() / "data"]


def folder_of(variable: str) -> Path | None:
    """The path that an environment variable holds, ~ expanded; None where it is unset or empty. Raises InputError."""
    given = os.environ.get(variable)
    try:
        return Path(given).expanduser() if given else None
    except RuntimeError:
        raise InputError("environment", variable, given, "a folder; there is no home of this user") from None
