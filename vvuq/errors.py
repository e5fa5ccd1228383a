"""Floor 0: the errors a user can meet, each with the exit code the command line ends with."""

from __future__ import annotations


class VvuqError(Exception):
    """Base of all errors that carry a message for the user."""

    exit_code = 70


class InputError(VvuqError):
    """Usage, plan, data or twin is invalid: where, which field, what it holds, what would be right."""

    exit_code = 2

    def __init__(self, where: str, field: str, value: object, remedy: str) -> None:
        super().__init__(f"{where}: {field}: {value!r} is not valid: {remedy}")


class NotEvaluable(VvuqError):
    """Something needed is missing, stale or cannot be computed."""

    exit_code = 3


class IntegrityError(VvuqError):
    """A record, a plan or a page is not what it was when it was written."""

    exit_code = 4
