"""What each command does: calls the floor below, prints what it returns, returns an exit code."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from vvuq.cli.output import is_store, output
from vvuq.cli.printing import progress, readable, say, table, writable
from vvuq.errors import InputError, IntegrityError

if TYPE_CHECKING:
    from pathlib import Path

    from vvuq.evidence.chain import Event


def list_all(arguments: argparse.Namespace) -> int:
    """Studies, twins and analyses there are."""
    from vvuq.collect import collect
    from vvuq.credibility.study import studies, twins_in
    from vvuq.record import Analysis

    twins = [one for name, path in sorted(twins_in().items()) for one in (name, *_rivals(name, path))]
    analyses = {name: f"{one.suite}: {one.question}" for name, one in collect("vvuq.analyses", Analysis).items()}
    plans = {name: str(path) for name, path in studies().items()}
    lines = ["studies"] + [f"  {name}  {path}" for name, path in plans.items()]
    lines += ["twins"] + [f"  {name}" for name in twins]
    lines += ["analyses"] + [f"  {name}  {text}" for name, text in analyses.items()]
    return say(arguments, {"studies": plans, "twins": twins, "analyses": analyses}, lines)


def _rivals(name: str, path: Path) -> list[str]:
    """The addresses of a twin's rivals, or in their place why the twin cannot be loaded."""
    from vvuq.models.twin import rivals_of

    try:
        return [f"{name}/{rival}" for rival in rivals_of(path)]
    except InputError as error:
        return [f"{name}/ (cannot be loaded: {error})"]


def data_fetch(arguments: argparse.Namespace) -> int:
    """Obtains a cohort."""
    from vvuq.data.fetch import fetch

    place = fetch(arguments.name, progress=lambda line: print(line, file=sys.stderr))
    return say(arguments, {"path": str(place)}, [str(place)])


def data_show(arguments: argparse.Namespace) -> int:
    """Shows a data card."""
    from vvuq.data.cards import find_card
    from vvuq.data.load import find_file
    from vvuq.data.show import show

    card = find_card(arguments.name)
    found = find_file(card, card.table)
    said = {"card": card.model_dump(mode="json"), "digest": card.digest, "path": str(found) if found else None}
    return say(arguments, said, [f"{label}: {text}" for label, text in show(card)])


def plan_check(arguments: argparse.Namespace) -> int:
    """Says whether a plan is valid and locked, or prints the schema of plans."""
    from vvuq.credibility.plan import Plan

    if arguments.schema:
        print(json.dumps(Plan.model_json_schema(), indent=1, sort_keys=True))
        return 0
    from vvuq.credibility.lock import check_lock, lock_path
    from vvuq.run.study import open_study

    study = open_study(arguments.study)
    locked = check_lock(study.plan, study.path).locked_at if lock_path(study.path).exists() else None
    plan = study.plan
    criteria = sum(len(factor.criteria) for factor in plan.factors.values())
    said = {"study": plan.study, "digest": plan.digest, "risk": plan.risk_level, "factors": len(plan.factors)}
    said |= {"criteria": criteria, "analyses": list(plan.analyses), "locked_at": locked}
    lock = f"locked {locked}" if locked else "not locked"
    line = f"{study.path}: valid; {len(plan.factors)} factors, {criteria} criteria, {len(plan.analyses)} analyses"
    return say(arguments, said, [line, f"model risk {plan.risk_level}; digest {plan.digest[:12]}; {lock}"])


def plan_lock(arguments: argparse.Namespace) -> int:
    """Locks a plan."""
    from vvuq.credibility.history import known_at
    from vvuq.credibility.lock import lock, lock_path
    from vvuq.credibility.rules import rules
    from vvuq.run.study import open_study
    from vvuq.scaffold.unwritten import check_written, texts

    study = open_study(arguments.study)
    check_written(texts(study.plan, study.path))
    store = readable(study.plan.study, arguments.store) if arguments.amend else None
    known = known_at(store, study.plan.study) if store else None
    made = lock(study.plan, study.path, arguments.amend, rules=rules(study.checks), known=known)
    said = {"digest": made.digest, "locked_at": made.locked_at, "amendments": len(made.amendments)}
    lines = [f"locked {made.digest[:12]} at {made.locked_at}: {lock_path(study.path)}"]
    if arguments.amend:
        seen = (
            f"{known.openings} openings of held-out patients, {len(known.evidence)} analyses" if known else "no store"
        )
        lines.append(f"amended; on record as known by now: {seen}")
    return say(arguments, said, lines)


def plan_diff(arguments: argparse.Namespace) -> int:
    """Shows what changed since a plan was locked."""
    from vvuq.credibility.lock import differences, read_lock
    from vvuq.credibility.plan import load_plan
    from vvuq.credibility.study import find_plan

    path = find_plan(arguments.study)
    plan, held = load_plan(path), read_lock(path)
    if held is None:
        raise InputError(str(path), "lock", None, "a locked plan: vvuq plan lock STUDY")
    changes = differences(held.plan, json.loads(plan.canonical))
    return say(arguments, {"locked_at": held.locked_at, "changes": changes}, changes or ["no value was changed"])


def run(arguments: argparse.Namespace) -> int:
    """Runs a study; the exit code tells the worst that became of an analysis."""
    from vvuq.run.execute import complaints, exit_code, run_study
    from vvuq.run.scheduling import Scheduling
    from vvuq.run.study import open_study

    how = Scheduling(arguments.jobs, arguments.dask, arguments.campaign)
    study = open_study(arguments.study)
    store = writable(study.plan.study, arguments.store)
    with progress(arguments.json) as show:
        steps = run_study(study, store, arguments.budget, arguments.only, show, how)
    code, told = exit_code(steps), complaints(steps, store)
    for line in told:
        print(f"vvuq: error: {line}", file=sys.stderr)
    done = [{"analysis": step.analysis, "state": step.state, "evidence": step.evidence_id, "message": step.message}
            for step in steps]  # fmt: skip
    said = {"store": str(store.path), "steps": done} | _error(code, told)
    say(arguments, said, [f"evidence in {store.path}"])
    return code


def gate(arguments: argparse.Namespace) -> int:
    """Judges the evidence; the exit code is the verdict."""
    from dataclasses import asdict

    from vvuq.credibility.gate import MEANING, gate, junit, summary
    from vvuq.evidence.files import write_whole
    from vvuq.run.report import assess
    from vvuq.run.study import open_study

    wanted = ((arguments.junit, "--junit"), (arguments.summary, "--summary"))
    report, page = (output(place, option) if place else None for place, option in wanted)
    if report and page and report.absolute() == page.absolute():
        raise InputError("command line", "--summary", arguments.summary, "another file than that of --junit")
    study = open_study(arguments.study)
    name, found = study.plan.study, assess(study, readable(study.plan.study, arguments.store))
    code, lines = gate(found.verdicts, found.broken, found.invalid)
    notes = [*found.notes, *_head(found.events)]
    if report:
        write_whole(report, junit(name, found.verdicts, found.broken, found.invalid).encode())
    if page:
        write_whole(page, summary(name, found.verdicts, found.broken, found.invalid, notes).encode())
    said = {"exit": code, "meaning": MEANING[code], "reasons": lines, "notes": notes}
    if arguments.json:
        return say(arguments, said | {"verdicts": [asdict(verdict) for verdict in found.verdicts]}, []) or code
    table(found.verdicts)
    print("\n".join([*lines, *(f"note: {note}" for note in notes), f"exit {code}: {MEANING[code]}"]))
    return code


def report(arguments: argparse.Namespace) -> int:
    """Renders the dossier, whatever the verdict, and prints the verdicts that stand in it."""
    from pathlib import Path

    from vvuq.run.report import assess, report, report_data
    from vvuq.run.study import open_study

    study = open_study(arguments.study)
    name = study.plan.study
    at_hand = readable(name, arguments.store)
    store = writable(name, arguments.store) if at_hand else None
    ending = f".{arguments.format}"
    out = output(arguments.out or str(Path("reports") / name / f"dossier{ending}"), "--out", ending)
    if arguments.format == "json":
        digest = report_data(study, store, out, public=arguments.public)
    else:
        digest = report(study, store, out, public=arguments.public)
    if not arguments.json:
        table(assess(study, store).verdicts)
    if store is None:
        print("vvuq: there is no evidence yet: a page of gaps, which no store vouches for", file=sys.stderr)
    return say(arguments, {"path": str(out), "sha256": digest}, [str(out)])


def verify(arguments: argparse.Namespace) -> int:
    """Recomputes every digest of a study, of a dossier or of a store."""
    from pathlib import Path

    from vvuq.evidence.store import Store
    from vvuq.evidence.verify import verify_store
    from vvuq.run.study import open_study
    from vvuq.run.verification import verify_file, verify_study

    path, store = Path(arguments.path), None
    if is_store(path):
        if arguments.store:
            raise InputError("command line", "--store", arguments.store, "left out: PATH is a store itself")
        problems, held, against = verify_store(Store(path)), str(path), ""
    elif path.suffix in (".html", ".htm", ".json"):
        store = readable(path.resolve().parent.name, arguments.store)
        problems, held, against = verify_file(path, store), str(path), "; there is no store to compare with"
    else:
        study = open_study(arguments.path)
        store = readable(study.plan.study, arguments.store)
        problems, held, against = verify_study(study, store), study.plan.study, "; there is no store to compare with"
    against = f" against {store.path}" if store else against
    told = "\n  ".join([f"{held} is not as it was written{against}:", *problems])
    said = {"problems": problems, "store": str(store.path) if store else None}
    if problems and not arguments.json:
        raise IntegrityError(told)
    code = 4 if problems else 0
    return say(arguments, said | _error(code, [told]), [f"{held}: as it was written{against}"]) or code


def new_twin(arguments: argparse.Namespace) -> int:
    """Makes a twin to begin with."""
    from pathlib import Path

    from vvuq.scaffold.twin import new_twin

    files = [str(path) for path in new_twin(arguments.name, Path())]
    lines = [*files, f"change the first as you like; `pytest {files[1]}` tries what it claims"]
    return say(arguments, {"files": files}, lines)


def new_study(arguments: argparse.Namespace) -> int:
    """Copies a study, or makes one around a twin and a table."""
    from pathlib import Path

    from vvuq.credibility.study import find_plan
    from vvuq.scaffold.study import copy_study, new_study

    name, into = arguments.name, Path("studies")
    own = bool(arguments.twin), bool(arguments.data)
    if bool(arguments.source) == any(own) or any(own) != all(own):
        remedy = "either --from STUDY, or --twin TWIN with --data FILE"
        raise InputError("command line", "new study", name, remedy)
    if arguments.source:
        plan = copy_study(name, find_plan(arguments.source), into)
        return say(arguments, {"plan": str(plan)}, [f"{plan}: change it, then vvuq plan check {name}"])
    made = new_study(name, arguments.twin, Path(arguments.data), into)
    guessed = [{"what": what, "as": text} for what, text in made.guessed]
    said = {"files": [str(path) for path in made.files], "guessed": guessed, "patients": made.patients}
    said |= {"measurements": made.measurements, "held_out": made.held_out, "to_write": made.to_write}
    lines = [
        *map(str, made.files),
        "guessed from the header and the twin; it stands in the data card for you to check:",
    ]
    lines += [f"  {what:<12}{text}" for what, text in made.guessed]
    lines.append(f"{made.patients} patients with {made.measurements} measured values; {made.held_out} are held out")
    lines.append(f"{made.to_write} places are marked TO WRITE; vvuq plan lock {name} lists those that still are")
    return say(arguments, said, lines)


def _error(code: int, told: Sequence[str]) -> dict[str, Any]:
    """What a command that ends with another code than 0 adds to its JSON."""
    return {"error": {"exit": code, "message": "\n".join(told)}} if code else {}


def _head(events: Sequence[Event]) -> list[str]:
    """Where the chain of events stands. Kept outside of the store, it shows later whether the chain was rewritten."""
    return [f"chain of events: {len(events)} of this study, the last {events[-1].digest}"] if events else []
