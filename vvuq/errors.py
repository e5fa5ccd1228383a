"""Floor 0: the errors a user can meet, each with the exit code the command line ends with."""

from __future__ import annotations

from collections.abc import Collection

_LONGEST = 120  # characters of a value that a message shows
_LISTED = 12  # names that a hint lists where none is close


class VvuqError(Exception):
    """Base of all errors that carry a message for the user."""

    exit_code = 70


class InputError(VvuqError):
    """Usage, plan, data or twin is invalid: where, which field, what it holds, what would be right."""

    exit_code = 2

    def __init__(self, where: str, field: str, value: object, remedy: str) -> None:
        super().__init__(f"{where}: {field}: {_short(value)} is not valid: {remedy}")
        self.where, self.field, self.value, self.remedy = where, field, value, remedy

    def inside(self, place: str) -> InputError:
        """The same error, met inside `place`, which stands in front: a line of a plan, a file of a twin."""
        return InputError(f"{place}: {self.where}", self.field, self.value, self.remedy)


class NotEvaluable(VvuqError):
    """Something needed is missing, stale or cannot be computed."""

    exit_code = 3


class IntegrityError(VvuqError):
    """A record, a plan or a page is not what it was when it was written."""

    exit_code = 4


def near(name: str, names: Collection[str]) -> str:
    """A hint to append to a remedy: the closest of the names, else all of them when they are few."""
    from difflib import get_close_matches

    close = get_close_matches(str(name), names, n=1)
    if close:
        return f"; did you mean {close[0]}?"
    return f": {', '.join(sorted(names))}" if 0 < len(names) <= _LISTED else ""


def _short(value: object) -> str:
    shown = repr(value)
    return shown if len(shown) <= _LONGEST else f"{shown[: _LONGEST - 3]}..."
