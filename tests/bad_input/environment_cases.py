"""Variables of the environment that name what is not there."""

from __future__ import annotations

from bad_input.case import COHORT, PLAN, Case, content, edit, nothing


def variable(name: str, value: str, what: str, command: str, remedy: str, make=nothing, where="environment") -> Case:
    """One variable; {folder} in its value is the folder of the case."""
    shown = value.removeprefix("{folder}/")
    return Case("environment", what, make, command, where, name, shown, remedy, environment={name: value})


CASES = (
    variable("VVUQ_DATA", "{folder}/nowhere", "VVUQ_DATA that does not exist", COHORT,
             "a folder that exists; or unset it"),
    variable("VVUQ_DATA", "{folder}/file", "VVUQ_DATA that is a file", COHORT, "a folder that exists", content("file",
             "")),
    variable("VVUQ_DATA", "nowhere", "VVUQ_DATA that does not exist here", "data show toy", "a folder that exists"),
    variable("VVUQ_DATA", "~nobody_has_this_name/x", "VVUQ_DATA in the home of nobody", COHORT, "there is no home"),
    variable("VVUQ_CACHE", "~nobody_has_this_name/x", "VVUQ_CACHE in the home of nobody", "data show toy", "no home"),
    variable("VVUQ_HOME", "~nobody_has_this_name/x", "VVUQ_HOME in the home of nobody", "gate toy", "there is no home"),
    Case("environment", "VVUQ_HOME that is a file", content("file", ""), "run toy", "file/toy/evidence.sqlite", "",
         "file", "--store", environment={"VVUQ_HOME": "{folder}/file"}),
    Case("environment", "cache that is a file, and a wrong plan", edit(PLAN, "seed: 1", "sead: 1"), "plan check toy",
         PLAN, "sead", "'sead'", "did you mean seed", at="sead", process=True,
         environment={"VVUQ_CACHE": "{folder}/studies/toy/toy.py"}),
    Case("environment", "home that nobody can write, and a wrong plan", edit(PLAN, "seed: 1", "sead: 1"),
         "plan check toy", PLAN, "sead", "'sead'", "did you mean seed", at="sead", process=True,
         environment={"VVUQ_CACHE": "", "HOME": "/proc", "XDG_CACHE_HOME": ""}),
    Case("environment", "signs that the terminal lacks", edit(PLAN, "seed: 1", "säed: 1"), "plan check toy", PLAN,
         "s\\xe4ed", "s\\xe4ed", "did you mean seed", process=True,
         environment={"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}),
)  # fmt: skip
