"""Makes one study's dossier: fetch its cohort, if any, run what is not fresh, render. Usage: dossier.py STUDY [OPTIONS]

OPTIONS are --budget, which goes to `vvuq run`, and those of `vvuq report`, which ends with the verdicts and the page's
path. The same as three commands of `vvuq` one after another, in one process, which loads the libraries once."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from vvuq.cli import main as vvuq
from vvuq.credibility.plan import load_plan
from vvuq.credibility.study import find_plan
from vvuq.data.cards import named_card
from vvuq.errors import NotEvaluable

NOT_EVALUABLE = NotEvaluable.exit_code


def main(study: str, options: list[str]) -> int:
    """The exit code of the first step that fails; 0 where a dossier was rendered, whatever the verdict.

    What could not be evaluated (the run ends with 3) stands on the page, and keeps nobody from rendering it."""
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--budget", default="quick")
    chosen, others = parser.parse_known_args(options)
    path = find_plan(study)
    cohort = load_plan(path).cohort
    fetch = [["data", "fetch", cohort]] if cohort and not _by_hand(path.parent / "data" / f"{cohort}.yaml") else []
    for step in (*fetch, ["run", study, "--budget", chosen.budget], ["report", study, *others]):
        code = vvuq(step)
        if code and (step[0], code) != ("run", NOT_EVALUABLE):
            return code
    return 0


def _by_hand(card: Path) -> bool:
    """True for a cohort that no command can fetch: without its files the run says which are missing, and goes on."""
    return card.is_file() and named_card(card).obtain.local


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
