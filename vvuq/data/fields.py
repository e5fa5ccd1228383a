"""The kinds of text that a data card holds, and the strict frozen model its parts share."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]*$")]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


def _plain(path: str) -> str:
    """Refuses a path that could leave the folder it is unpacked to."""
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or ".." in parts or any(sign in path for sign in "\\:\0"):
        raise ValueError("a relative path with / between its parts and no ..")
    return path


def _bare(path: str) -> str:
    if len(PurePosixPath(_plain(path)).parts) != 1:
        raise ValueError("a file name without a folder")
    return path


InnerPath = Annotated[str, AfterValidator(_plain)]
FileName = Annotated[str, AfterValidator(_bare)]


class Strict(BaseModel):
    """No unknown field, no conversion of types, no change."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
