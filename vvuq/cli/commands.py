"""What each command does: calls the floor below, prints what it returns, returns an exit code."""

from __future__ import annotations

import argparse
import json
import sys

from vvuq.cli.output import output
from vvuq.cli.printing import progress, readable, say, table, writable
from vvuq.errors import InputError, IntegrityError


def list_all(arguments: argparse.Namespace) -> int:
    """Studies, twins and analyses there are."""
    from vvuq.collect import collect
    from vvuq.credibility.study import studies
    from vvuq.paths import shipped
    from vvuq.record import Analysis

    folder = shipped("twins")
    twins = sorted(
        {path.parent.name for path in folder.glob("*/__init__.py")} | {path.stem for path in folder.glob("*.py")}
    )
    analyses = {name: f"{one.suite}: {one.question}" for name, one in collect("vvuq.analyses", Analysis).items()}
    plans = {name: str(path) for name, path in studies().items()}
    lines = ["studies"] + [f"  {name}  {path}" for name, path in plans.items()]
    lines += ["twins"] + [f"  {name}" for name in twins]
    lines += ["analyses"] + [f"  {name}  {text}" for name, text in analyses.items()]
    return say(arguments, {"studies": plans, "twins": twins, "analyses": analyses}, lines)


def data_fetch(arguments: argparse.Namespace) -> int:
    """Obtains a cohort."""
    from vvuq.data.fetch import fetch

    place = fetch(arguments.name, progress=lambda line: print(line, file=sys.stderr))
    return say(arguments, {"path": str(place)}, [str(place)])


def data_show(arguments: argparse.Namespace) -> int:
    """Shows a data card."""
    from vvuq.data.cards import find_card
    from vvuq.data.show import show

    rows = show(find_card(arguments.name))
    return say(arguments, [list(row) for row in rows], [f"{label}: {text}" for label, text in rows])


def plan_check(arguments: argparse.Namespace) -> int:
    """Says whether a plan is valid and locked, or prints the schema of plans."""
    from vvuq.credibility.plan import Plan

    if arguments.schema:
        print(json.dumps(Plan.model_json_schema(), indent=1, sort_keys=True))
        return 0
    if arguments.study is None:
        raise InputError("command line", "STUDY", None, "the name of a study or the path of its folder")
    from vvuq.credibility.lock import check_lock, lock_path
    from vvuq.run.report import check_metrics
    from vvuq.run.study import open_study

    study = open_study(arguments.study)
    store = readable(study.plan.study, arguments.store)
    check_metrics(study, store)
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
    from vvuq.credibility.lock import lock, lock_path
    from vvuq.run.study import open_study

    study = open_study(arguments.study)
    made = lock(study.plan, study.path, arguments.amend)
    said = {"digest": made.digest, "locked_at": made.locked_at, "amendments": len(made.amendments)}
    return say(arguments, said, [f"locked {made.digest[:12]} at {made.locked_at}: {lock_path(study.path)}"])


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
    """Runs a study; 70 where an analysis failed."""
    from vvuq.run.execute import log_path, run_study
    from vvuq.run.study import open_study

    study = open_study(arguments.study)
    store = writable(study.plan.study, arguments.store)
    with progress(arguments.json) as show:
        steps = run_study(study, store, arguments.budget, arguments.only, show)
    failed = [step for step in steps if step.state == "failed"]
    if failed:
        names = ", ".join(step.analysis for step in failed)
        print(f"vvuq: error: {names} failed; tracebacks in {log_path(store)}", file=sys.stderr)
    said = [{"analysis": step.analysis, "state": step.state, "evidence": step.evidence_id, "message": step.message}
            for step in steps]  # fmt: skip
    say(arguments, {"store": str(store.path), "steps": said}, [f"evidence in {store.path}"])
    return 70 if failed else 0


def gate(arguments: argparse.Namespace) -> int:
    """Judges the evidence; the exit code is the verdict."""
    from dataclasses import asdict

    from vvuq.credibility.gate import MEANING, gate, junit, summary
    from vvuq.run.report import assess
    from vvuq.run.study import open_study

    wanted = ((arguments.junit, "--junit", junit), (arguments.summary, "--summary", summary))
    files = [(output(place, option), writer) for place, option, writer in wanted if place]
    study = open_study(arguments.study)
    found = assess(study, readable(study.plan.study, arguments.store))
    code, lines = gate(found.verdicts, found.broken)
    for path, writer in files:
        path.write_text(writer(study.plan.study, found.verdicts, found.broken), encoding="utf-8")
    said = {"exit": code, "meaning": MEANING[code], "reasons": lines, "verdicts": [asdict(v) for v in found.verdicts]}
    if arguments.json:
        return say(arguments, said, []) or code
    table(found.verdicts)
    print("\n".join([*lines, f"exit {code}: {MEANING[code]}"]))
    return code


def report(arguments: argparse.Namespace) -> int:
    """Renders the dossier, whatever the verdict, and prints the verdicts that stand in it."""
    from pathlib import Path

    from vvuq.run.report import assess, report, report_data
    from vvuq.run.study import open_study

    study = open_study(arguments.study)
    store = writable(study.plan.study, arguments.store)
    name = study.plan.study
    out = output(arguments.out or str(Path("reports") / name / f"dossier.{arguments.format}"), "--out")
    if arguments.format == "json":
        digest = report_data(study, store, out, public=arguments.public)
    else:
        digest = report(study, store, out, public=arguments.public)
    if not arguments.json:
        table(assess(study, store).verdicts)
    return say(arguments, {"path": str(out), "sha256": digest}, [str(out)])


def verify(arguments: argparse.Namespace) -> int:
    """Recomputes every digest of a study or of a page."""
    from pathlib import Path

    from vvuq.run.report import verify_file, verify_study
    from vvuq.run.study import open_study

    path = Path(arguments.path)
    if path.suffix in (".html", ".htm"):
        store = readable(path.resolve().parent.name, arguments.store)
        problems, held = verify_file(path, store), str(path)
    else:
        study = open_study(arguments.path)
        store = readable(study.plan.study, arguments.store)
        problems, held = verify_study(study, store), study.plan.study
    against = f" against {store.path}" if store else "; there is no store to compare with"
    say(arguments, {"problems": problems, "store": str(store.path) if store else None}, [])
    if problems:
        raise IntegrityError("\n  ".join([f"{held} is not as it was written{against}:", *problems]))
    return 0 if arguments.json else say(arguments, None, [f"{held}: as it was written{against}"])


def new_study(arguments: argparse.Namespace) -> int:
    """Copies a study."""
    from pathlib import Path

    from vvuq.credibility.study import copy_study, find_plan

    plan = copy_study(arguments.name, find_plan(arguments.source), Path("studies"))
    return say(arguments, {"plan": str(plan)}, [f"{plan}: change it, then vvuq plan check {arguments.name}"])
