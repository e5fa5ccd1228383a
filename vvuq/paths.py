"""Floor 0: where things lie: shipped folders (in a wheel or a checkout), the user's cache, patient data."""

from __future__ import annotations

import os
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent


def shipped(kind: str) -> Path:
    """The folder of shipped "templates", "studies" or "twins": inside the wheel, else in the checkout beside it."""
    inside = PACKAGE / f"_{kind}"
    return inside if inside.is_dir() else PACKAGE.parent / kind


def cache_folder() -> Path:
    """The user's cache folder of vvuq ($VVUQ_CACHE, else the platform's). It may not exist yet, or not be writable."""
    given = os.environ.get("VVUQ_CACHE")
    if given:
        return Path(given)
    from platformdirs import user_cache_path

    return user_cache_path("vvuq")


def data_folders() -> list[Path]:
    """Folders that are searched for patient data, in order: $VVUQ_DATA, then the user's cache."""
    given = os.environ.get("VVUQ_DATA")
    return ([Path(given)] if given else []) + [cache_folder() / "data"]
