"""The words of the command line: commands, options, help, and guesses at what a wrong word was meant to be."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from vvuq import __version__
from vvuq.cli import bedside
from vvuq.cli import commands as do
from vvuq.errors import VvuqError

Command = Callable[[argparse.Namespace], int]
_ABOUT = "Builds a medical digital twin, attacks it, and renders what was found as a graded credibility dossier."
_CLOSE = 0.7  # how alike a wrong word and the one that is offered must be
_EXITS = """exit codes:
  0 ok, for gate: all goals are met   1 a goal is not met            2 words, plan or input are invalid
  3 missing, stale, not evaluable     4 integrity is broken          5 a judgement is pending or expired
  70 internal error                   130 interrupted
where several hold, the most severe: 70, 4, 2, 3, 1, 5"""


class UsageError(VvuqError):
    """The words of a command cannot be understood."""

    exit_code = 2


class _Parser(argparse.ArgumentParser):
    """A parser that guesses what a wrong word was meant to be, and names the help of the command it belongs to."""

    given: Sequence[str] = ()

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        self.given = list(sys.argv[1:] if args is None else args)
        return super().parse_known_args(args, namespace)

    def parse_args(self, args: Any = None, namespace: Any = None) -> Any:
        found, unknown = self.parse_known_args(args, namespace)
        if unknown:
            found.parser.error(f"unrecognized arguments: {' '.join(map(repr, unknown))}")
        if "" in self.given:
            before = [*self.given][: self.given.index("")]
            found.parser.error(f"argument '' after {before[-1]} is empty: give it a value, or leave it out")
        return found

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"command line: {message}{self._guess(message)}\nhelp: {self.prog} --help")

    def _guess(self, message: str) -> str:
        from difflib import get_close_matches

        own = {word for action in self._actions for word in (*action.option_strings, *map(str, action.choices or ()))}
        meant = _commands(self) | {word: word for word in own}
        words = re.findall(r"invalid choice: '([^']*)'", message)
        if not words:
            words = [word.partition("=")[0] for word in self.given if word.startswith("-")]
        close = [near for word in words if word not in own for near in get_close_matches(word, meant, 1, _CLOSE)]
        return f"; did you mean {meant[close[0]]}?" if close else ""


def _commands(parser: argparse.ArgumentParser) -> dict[str, str]:
    """{name: all words} of the commands of groups below a parser: check is "vvuq plan check"."""
    groups = [action.choices for action in parser._actions if isinstance(action.choices, dict)]
    below = [(name, one) for choices in groups for name, one in choices.items()]
    deeper = [_commands(one) for _, one in below]
    return {name: one.prog for name, one in below} | {name: said for one in deeper for name, said in one.items()}


def parser() -> argparse.ArgumentParser:
    """All commands with their options."""
    top = _Parser(
        prog="vvuq", description=_ABOUT, epilog=_EXITS, formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )  # fmt: skip
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
    _campaign_words(run)
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
    verify.add_argument(
        "path", metavar="PATH", help="a study by name or path, a dossier (.html, .json), or a store (.sqlite)"
    )
    verify.add_argument("--store", metavar="FILE", help="the store of evidence")
    _bedside_words(commands)
    _new_words(_group(commands, "new", "something of your own"))
    return top


def _campaign_words(run: argparse.ArgumentParser) -> None:
    where = run.add_mutually_exclusive_group()
    where.add_argument("--jobs", metavar="N", type=_jobs, default=1,
                       help="make model runs in N processes (default: 1, in this one)")  # fmt: skip
    where.add_argument("--dask", metavar="ADDRESS", default="",
                       help="make them on a Dask cluster: tcp://HOST:8786, or local: one made here")  # fmt: skip
    run.add_argument("--campaign", metavar="FILE", default="",
                     help="keep model runs there: a file, or postgresql://USER@HOST/DATABASE "
                     "(default: campaign.sqlite beside the evidence)")  # fmt: skip


def _jobs(word: str) -> int:
    """A number of processes. Raises ArgumentTypeError, which argparse tells."""
    if not (word.isdecimal() and 1 <= int(word) <= 1024):
        raise argparse.ArgumentTypeError(f"{word!r} is not a number of processes: 1 to 1024")
    return int(word)


def _plan_words(plan: Any) -> None:
    check = _add(plan, "check", do.plan_check, "is the plan valid", "vvuq plan check phenobarbital")
    lock = _add(plan, "lock", do.plan_lock, "freeze the plan's values", "vvuq plan lock phenobarbital")
    diff = _add(plan, "diff", do.plan_diff, "what changed since the lock", "vvuq plan diff phenobarbital")
    for one in (lock, diff):
        _study(one, store=False)
    which = check.add_mutually_exclusive_group(required=True)
    which.add_argument("study", metavar="STUDY", nargs="?", help="a study by name or path")
    which.add_argument("--schema", action="store_true", help="print the JSON Schema of plans instead")
    lock.add_argument("--store", metavar="FILE", help="what was known at an amendment is read from this store")
    lock.add_argument("--amend", metavar="REASON", default="", help="lock changed values; the reason stays in the lock")


def _bedside_words(commands: Any) -> None:
    where = "t1d_hypoglycaemia --patient ID --at 2d14:30"
    told = "forecast a build patient of a study"
    ahead = _add(commands, "forecast", bedside.forecast, told, f"vvuq forecast {where}")
    what = "what another action would change of a patient's forecast"
    other = _add(commands, "whatif", bedside.what_if, what, f"vvuq whatif {where} --give carbohydrate 20 g")
    for one in (ahead, other):
        _study(one, store=False)
        one.add_argument("--patient", metavar="ID", required=True, help="a build patient; held-out ones are refused")
        one.add_argument("--at", metavar="TIME", required=True,
                         help="days and clock, 2d14:30 on the third day; or a number in the cohort's unit")  # fmt: skip
        one.add_argument("--ahead", metavar="MIN", type=float, default=180.0, help="how far (default: 180)")
        one.add_argument("--members", metavar="N", type=int, default=500, help="of the forecast (default: 500)")
        one.add_argument("--below", metavar="VALUE", type=float, default=70.0,
                         help="the event: a reading below it (default: 70)")  # fmt: skip
        one.add_argument("--short", action="store_true", help="fit the other patients in less time, for a first look")
    other.add_argument("--give", metavar="WORD", nargs="+", action="append", default=[],
                       help="a dose at that time: kind, amount and unit; may be repeated")  # fmt: skip
    other.add_argument("--withhold", metavar="KIND", action="append", default=[],
                       help="leave out what is on record of a kind at that very time; may be repeated")  # fmt: skip


def _new_words(new: Any) -> None:
    twin = _add(new, "twin", do.new_twin, "a twin to begin with, and a test of it", "vvuq new twin mine")
    twin.add_argument("name", metavar="NAME", help="its name; ./twins/NAME.py and ./tests/test_NAME.py are made")
    study = _add(new, "study", do.new_study, "a study of your own twin and table, or a copy of one, unlocked",
                 "vvuq new study mine --twin mine --data levels.csv")  # fmt: skip
    study.add_argument("name", metavar="NAME", help="its name; it is made in ./studies")
    study.add_argument("--from", dest="source", metavar="STUDY", help="the study to copy")
    study.add_argument("--twin", metavar="TWIN", help="the twin of a new study, by its name")
    study.add_argument("--data", metavar="FILE", help="a table: a row a time, with a dose, a measured value, or both")


def _add(commands: Any, name: str, command: Command, text: str, example: str) -> argparse.ArgumentParser:
    made: argparse.ArgumentParser = commands.add_parser(
        name, help=text, description=text, epilog=f"example: {example}\n\n{_EXITS}", allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    made.set_defaults(command=command, parser=made)
    made.add_argument("--json", action="store_true", help="print JSON")
    return made


def _group(commands: Any, name: str, text: str) -> Any:
    group = commands.add_parser(name, help=text, description=text, allow_abbrev=False)
    group.set_defaults(parser=group)
    return group.add_subparsers(metavar="COMMAND", required=True, parser_class=_Parser)


def _study(command: argparse.ArgumentParser, store: bool = True) -> argparse.ArgumentParser:
    command.add_argument("study", metavar="STUDY", help="a study by name or path")
    if store:
        place = "the store of evidence (default: .vvuq/STUDY/evidence.sqlite)"
        command.add_argument("--store", metavar="FILE", help=place)
    return command
