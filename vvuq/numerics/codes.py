"""What a kernel says of its work: 0, or why a member failed. Failure is data, never a silent number."""

from enum import IntEnum


class Code(IntEnum):
    """Result codes of kernels, one per member."""

    OK = 0
    NOT_FINITE = 1
    TOO_MANY_STEPS = 2
    STEP_TOO_SMALL = 3
    SINGULAR = 4
    DEGENERATE = 5


MESSAGES = {
    Code.OK: "done",
    Code.NOT_FINITE: "a state became infinite or not a number",
    Code.TOO_MANY_STEPS: "the step limit was reached before the end of an interval",
    Code.STEP_TOO_SMALL: "the step that the tolerance asks for is below the resolution of time",
    Code.SINGULAR: "the forecast variance of an observation is zero or negative",
    Code.DEGENERATE: "no member gives the measured values a likelihood above zero",
}
