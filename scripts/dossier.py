"""Makes one study's dossier: fetch its cohort, run what is not fresh, render. Usage: dossier.py STUDY [OPTIONS]

OPTIONS are those of `vvuq report`, which ends with the verdicts and the page's path. The same as three commands of
`vvuq` one after another, in one process, which loads the libraries once."""

from __future__ import annotations

import sys

from vvuq.cli import main as vvuq


def main(study: str, options: list[str]) -> int:
    """The exit code of the first step that fails; 0 where a dossier was rendered, whatever the verdict."""
    for step in (["data", "fetch", study], ["run", study], ["report", study, *options]):
        code = vvuq(step)
        if code:
            return code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
