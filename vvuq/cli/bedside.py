"""The commands at the bedside: forecast a build patient of a study, and ask what another action would change."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from vvuq.cli.printing import say
from vvuq.errors import InputError

if TYPE_CHECKING:
    from vvuq.run.bedside import Bedside


def forecast(arguments: argparse.Namespace) -> int:
    """Forecasts the readings of a build patient."""
    from vvuq.run.bedside import forecast_at

    said = forecast_at(_bed(arguments))
    of = said["unit"]
    by_then = f"below {said['below']:g} by then"
    lines = [*_head(said), f"{'ahead':>6}  {'median':>7}  {'90 % of readings':>17}  {by_then:>17}"]
    lines += [
        f"{row['ahead']:>6g}  {row['median']:>7.0f}  {row['low']:>7.0f} to {row['high']:>6.0f}  "
        f"{100.0 * row['below_by_then']:>15.0f} %"
        for row in said["rows"]
    ]
    lines.append(_chance(said, "", said["probability_below"]))
    lines.append(f"readings in {of}, times in {said['time_unit']}; a forecast of a model, not advice")
    return say(arguments, said, lines)


def what_if(arguments: argparse.Namespace) -> int:
    """Forecasts a build patient as recorded and under other actions."""
    from vvuq.run.bedside import what_if_at

    if not arguments.give and not arguments.withhold:
        raise InputError("command line", "--give, --withhold", None, "at least one: what is done other than on record")
    said = what_if_at(_bed(arguments, [" ".join(one) for one in arguments.give], arguments.withhold))
    done = [*(f"give {one}" for one in said["give"]), *(f"withhold {one}" for one in said["withhold"])]
    lines = [*_head(said), f"instead of what is on record: {', '.join(done)}"]
    lines.append(f"{'ahead':>6}  {'as recorded':>11}  {'instead':>7}  {'change':>7}  {'90 % of changes':>17}")
    lines += [
        f"{row['ahead']:>6g}  {row['recorded']:>11.0f}  {row['changed']:>7.0f}  {row['change']:>+7.1f}  "
        f"{row['low']:>+7.1f} to {row['high']:>+6.1f}"
        for row in said["rows"]
    ]
    lines.append(_chance(said, "as recorded, ", said["probability_below_recorded"]))
    lines.append(_chance(said, "instead, ", said["probability_below_changed"]))
    lines.append(f"readings in {said['unit']}, times in {said['time_unit']}; both forecasts share their random numbers")
    lines.append("what a model predicts, not an effect that was observed, and not advice")
    return say(arguments, said, lines)


def _bed(arguments: argparse.Namespace, give: Sequence[str] = (), withhold: Sequence[str] = ()) -> Bedside:
    from vvuq.run.bedside import bedside
    from vvuq.run.study import open_study

    return bedside(
        open_study(arguments.study), arguments.patient, arguments.at, ahead=arguments.ahead,
        members=arguments.members, below=arguments.below, short=arguments.short, give=give,
        withhold=withhold,
        progress=lambda line: print(f"vvuq: {line}", file=sys.stderr, flush=True),
    )  # fmt: skip


def _head(said: dict[str, Any]) -> list[str]:
    seen = f"last reading {said['reading']:g} {said['unit']} at {said['reading_at']}"
    return [
        f"patient {said['patient']} at {said['clock']}: {seen}",
        f"twin {said['twin']}, {said['members']} members; population {said['population']}",
    ]


def _chance(said: dict[str, Any], when: str, chance: float) -> str:
    until = f"{said['rows'][-1]['ahead']:g} {said['time_unit']}"
    return f"{when}probability of a reading below {said['below']:g} within {until}: {100.0 * chance:.0f} %"
