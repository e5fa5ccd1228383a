"""The gate: verdicts into one exit code, with every reason listed; JUnit and Markdown for a pipeline."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Sequence

from vvuq.record import LeafStatus, Verdict

WORST_FIRST = (70, 4, 2, 3, 1, 5)
MEANING = {
    0: "all goals met",
    1: "a goal is not met",
    2: "usage, plan or input is invalid",
    3: "something is missing, stale or not evaluable",
    4: "integrity is broken",
    5: "a judgement is pending or expired",
    70: "internal error",
    130: "interrupted",
}
_CODE: dict[LeafStatus, int] = {
    "met": 0,
    "waived": 0,
    "not_met": 1,
    "gap": 3,
    "stale": 3,
    "not_evaluable": 3,
    "pending": 5,
    "expired": 5,
}
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def worst(codes: Sequence[int]) -> int:
    """The most severe of several exit codes: 70, 4, 2, 3, 1, 5; 0 where there is nothing but 0."""
    return next((code for code in WORST_FIRST if code in codes), 0)


def gate(
    verdicts: Sequence[Verdict], broken: Sequence[str] = (), invalid: Sequence[str] = ()
) -> tuple[int, tuple[str, ...]]:
    """The exit code, and one line for each thing that is in the way. broken: what verification found; invalid: why the
    study cannot be judged, for example an unlocked plan.

    No verdict at all is missing evidence, not success."""
    lines = [f"integrity: {problem}" for problem in broken] + [f"invalid: {problem}" for problem in invalid]
    codes = [4] * len(broken) + [2] * len(invalid) + ([] if verdicts else [3])
    if not verdicts:
        lines.append("missing: no factor was graded")
    for verdict in verdicts:
        code = _CODE[verdict.status]
        codes.append(code)
        if code:
            lines.append(f"{say(verdict.status)}: {verdict.leaf}: {verdict.reasons[0] if verdict.reasons else ''}")
    return worst(codes), tuple(lines)


def say(status: str) -> str:
    """A status in words."""
    return status.replace("_", " ")


def junit(study: str, verdicts: Sequence[Verdict], broken: Sequence[str] = (), invalid: Sequence[str] = ()) -> str:
    """JUnit XML, one case a leaf: not met = failure, waived = skipped, all that is undecided or a gap = error.

    What is broken or invalid stands in the last case, "integrity"."""
    suite = ET.Element("testsuite", name=f"vvuq.{_clean(study)}")
    for verdict in verdicts:
        case = ET.SubElement(suite, "testcase", classname=f"vvuq.{_clean(study)}", name=verdict.leaf)
        kind = {"met": "", "not_met": "failure", "waived": "skipped"}.get(verdict.status, "error")
        if kind:
            message = verdict.reasons[0] if verdict.reasons else say(verdict.status)
            ET.SubElement(case, kind, type=verdict.status, message=_clean(message)).text = _clean(_details(verdict))
    case = ET.SubElement(suite, "testcase", classname=f"vvuq.{_clean(study)}", name="integrity")
    for kind, problems in (("integrity", broken), ("invalid", invalid)):
        for problem in problems:
            ET.SubElement(case, "error", type=kind, message=_clean(problem))
    if not verdicts:
        ET.SubElement(case, "error", type="missing", message="no factor was graded")
    suite.set("tests", str(len(verdicts) + 1))
    for kind, plural in (("failure", "failures"), ("error", "errors"), ("skipped", "skipped")):
        suite.set(plural, str(sum(child.find(kind) is not None for child in suite)))
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(suite, encoding="unicode") + "\n"


def summary(
    study: str,
    verdicts: Sequence[Verdict],
    broken: Sequence[str] = (),
    invalid: Sequence[str] = (),
    notes: Sequence[str] = (),
) -> str:
    """Markdown: the exit code with its meaning, the counts, what must be seen, and a row for each leaf."""
    code, _ = gate(verdicts, broken, invalid)
    counts = ", ".join(f"{number} {say(status)}" for status, number in Counter(v.status for v in verdicts).items())
    head = [f"## Credibility gate of {study}: {MEANING[code]} (exit {code})", "", counts or "no factor was graded", ""]
    alarms = [f"- integrity: {problem}" for problem in broken] + [f"- invalid: {problem}" for problem in invalid]
    alarms += [f"- note: {note}" for note in notes]
    rows = ["| factor | goal | achieved | status | why |", "| --- | --- | --- | --- | --- |"]
    for verdict in verdicts:
        why = " ".join(verdict.reasons).replace("|", "\\|").replace("\n", " ")
        rows.append(f"| {verdict.leaf} | {verdict.goal} | {verdict.achieved or '-'} | {say(verdict.status)} | {why} |")
    return "\n".join([*head, *alarms, *([""] if alarms else []), *rows]) + "\n"


def _details(verdict: Verdict) -> str:
    lines = [f"goal {verdict.goal}, achieved {verdict.achieved or 'nothing'}", *verdict.reasons]
    return "\n".join(lines + [f"{criterion.text}: {criterion.reason}" for criterion in verdict.criteria])


def _clean(text: str) -> str:
    """Text without the characters that XML cannot hold."""
    return _UNPRINTABLE.sub("?", text)
