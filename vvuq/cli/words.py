"""The words of the command line: commands, options, help, and guesses at what a wrong word was meant to be."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any, NoReturn

from vvuq import __version__
from vvuq.cli import commands as do

Command = Callable[[argparse.Namespace], int]
_ABOUT = "Builds a medical digital twin, attacks it, and renders what was found as a graded credibility dossier."
_EXITS = (
    "exit codes: 0 ok; 1 a goal is not met; 2 usage, plan or input invalid; 3 missing, stale or not evaluable; "
    "4 integrity broken; 5 judgement pending or expired; 70 internal error; 130 interrupted"
)


class _Parser(argparse.ArgumentParser):
    """A parser that guesses what a wrong word was meant to be, and ends with 2."""

    def error(self, message: str) -> NoReturn:
        from difflib import get_close_matches

        words = message.removeprefix("unrecognized arguments: ").replace("'", " ").replace(":", " ").split()
        known = sorted(_words(self))
        close = [near for word in words if word not in known for near in get_close_matches(word, known, 1)]
        hint = f"; did you mean {close[0]}?" if close else ""
        self.exit(2, f"vvuq: error: {message}{hint}\nhelp: {self.prog} --help\n")


def _words(parser: argparse.ArgumentParser) -> set[str]:
    """Every option and command that a parser and those below it know."""
    words: set[str] = set()
    for action in parser._actions:
        words |= {*action.option_strings, *map(str, action.choices or ())}
        below = action.choices.values() if isinstance(action.choices, dict) else ()
        words = words.union(*(_words(one) for one in below))
    return words


def parser() -> argparse.ArgumentParser:
    """All commands with their options."""
    top = _Parser(prog="vvuq", description=_ABOUT, epilog=_EXITS, allow_abbrev=False)
    top.add_argument("--version", action="version", version=f"vvuq {__version__}")
    commands = top.add_subparsers(metavar="COMMAND", required=True, parser_class=_Parser)
    _add(commands, "list", do.list_all, "what there is: studies, twins, analyses", "vvuq list")
    data = _group(commands, "data", "the cohorts of studies")
    fetch = _add(data, "fetch", do.data_fetch, "obtain a cohort and check it", "vvuq data fetch phenobarbital")
    show = _add(data, "show", do.data_show, "what a data card says", "vvuq data show phenobarbital")
    for one in (fetch, show):
        one.add_argument("name", metavar="NAME", help="the name of a data card, or its path")
    _plan_words(_group(commands, "plan", "the plan of a study"))
    run = _study(_add(commands, "run", do.run, "run what is not fresh", "vvuq run phenobarbital --budget quick"))
    run.add_argument("--budget", choices=("quick", "full"), default="quick", help="settings to use (default: quick)")
    run.add_argument("--only", metavar="ANALYSIS", help="run this analysis alone")
    gate = _study(
        _add(commands, "gate", do.gate, "judge evidence by the plan", "vvuq gate phenobarbital --junit gate.xml")
    )
    gate.add_argument("--junit", metavar="FILE", help="write the verdicts as JUnit XML")
    gate.add_argument("--summary", metavar="FILE", help="write the verdicts as Markdown")
    report = _study(_add(commands, "report", do.report, "render the dossier", "vvuq report phenobarbital"))
    report.add_argument("--out", metavar="FILE", help="where to write (default: reports/STUDY/dossier.html)")
    report.add_argument("--public", action="store_true", help="aggregates only: nothing about single patients")
    report.add_argument("--format", choices=("html", "json"), default="html", help="page or data (default: html)")
    verify = _add(commands, "verify", do.verify, "is everything as it was written", "vvuq verify phenobarbital")
    verify.add_argument("path", metavar="PATH", help="a study by name or path, or a dossier (.html)")
    verify.add_argument("--store", metavar="FILE", help="the store of evidence")
    new = _add(_group(commands, "new", "something of your own"), "study", do.new_study, "a copy of a study, unlocked",
               "vvuq new study mine --from phenobarbital")  # fmt: skip
    new.add_argument("name", metavar="NAME", help="its name; it is made in ./studies")
    new.add_argument("--from", dest="source", metavar="STUDY", required=True, help="the study to copy")
    return top


def _plan_words(plan: Any) -> None:
    check = _add(plan, "check", do.plan_check, "is the plan valid", "vvuq plan check phenobarbital")
    lock = _add(plan, "lock", do.plan_lock, "freeze the plan's values", "vvuq plan lock phenobarbital")
    diff = _add(plan, "diff", do.plan_diff, "what changed since the lock", "vvuq plan diff phenobarbital")
    for one in (lock, diff):
        _study(one, store=False)
    check.add_argument("study", metavar="STUDY", nargs="?", help="a study by name or path")
    check.add_argument("--store", metavar="FILE", help="metrics are checked against what this store holds")
    check.add_argument("--schema", action="store_true", help="print the JSON Schema of plans instead")
    lock.add_argument("--amend", metavar="REASON", default="", help="lock changed values; the reason stays in the lock")


def _add(commands: Any, name: str, command: Command, text: str, example: str) -> argparse.ArgumentParser:
    made: argparse.ArgumentParser = commands.add_parser(
        name, help=text, description=text, epilog=f"example: {example}", allow_abbrev=False
    )
    made.set_defaults(command=command)
    made.add_argument("--json", action="store_true", help="print JSON")
    return made


def _group(commands: Any, name: str, text: str) -> Any:
    group = commands.add_parser(name, help=text, description=text, allow_abbrev=False)
    return group.add_subparsers(metavar="COMMAND", required=True, parser_class=_Parser)


def _study(command: argparse.ArgumentParser, store: bool = True) -> argparse.ArgumentParser:
    command.add_argument("study", metavar="STUDY", help="a study by name or path")
    if store:
        place = "the store of evidence (default: .vvuq/STUDY/evidence.sqlite)"
        command.add_argument("--store", metavar="FILE", help=place)
    return command
