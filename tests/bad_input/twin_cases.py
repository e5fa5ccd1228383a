"""Twin files that are wrong, or that do more than declare while they are imported."""

from __future__ import annotations

from bad_input.case import CHECK, TWIN, Case, content, edit
from bad_input.material import TWIN as TEXT


def twin(what: str, old: str, new: str, at: str, field: str, value: str, remedy: str) -> Case:
    """A text that stands once in the twin's file became another."""
    return Case("twin file", what, edit(TWIN, old, new), CHECK, TWIN, field, value, remedy, at=at)


def step(what: str, line: str, kind: str, value: str) -> Case:
    """The file takes a step that is no declaration."""
    made = content(TWIN, f"{line}\n{TEXT}")
    remedy = "it uses no network, no files and no processes"
    return Case("twin file", what, made, CHECK, TWIN, f"{kind} at import", value, remedy, at=line.splitlines()[0])


CASES = (
    twin("syntax error", "A, B = x", "A, B = = x", "= =", "twin", "SyntaxError", "a file that can be imported"),
    twin("states unpacked in another order", "A, B = x", "B, A = x", "B, A", "unpacking of x", "'B, A'",
         "the declared order: A, B"),
    twin("parameters unpacked in another order", "CL, V = theta", "V, CL = theta", "V, CL", "unpacking of theta",
         "'V, CL'", "the declared order: CL, V"),
    twin("inputs unpacked in another order", "R, weight = u", "weight, R = u", "weight, R", "unpacking of u",
         "'weight, R'", "the declared order: R, weight"),
    twin("wrong unit of a parameter", '"L/h/kg"', '"L/h"', "dx[0] =", "units", "difference of", "terms of one unit"),
    twin("wrong unit of an observable", '"concentration", "mg/L", con', '"concentration", "mg", con', "y[0]",
         "unit of concentration", "milligram", "milligram"),
    twin("unit that nobody knows", '"L/kg"', '"bananas"', "", "unit", "'bananas'", "a unit such as"),
    twin("infinite derivative", "dx[0] = R - CL", "dx[0] = R / (V - V) * V - CL", "dx[0]", "value", "",
         "finite values at the priors' medians"),
    twin("derivative that is not written", "dx[1] = CL", "unused = CL", "def rhs", "B", "None", "the function writes"),
    twin("function that serves numbers alone", "dx[0] = R - CL", "dx[0] = R - float(CL)", "float(CL)", "equation", "",
         "the functions of vvuq.models.math alone"),
    twin("prior outside of its bounds", "bounds=(0.0, 1.0)", "bounds=(0.01, 1.0)", 'Parameter("CL"', "prior", "0.00",
         "a prior whose 0.1% quantile lies in"),
    twin("bounds the wrong way round", "bounds=(0.0, 1.0)", "bounds=(1.0, 0.0)", 'Parameter("CL"', "bounds",
         "(1.0, 0.0)",
         "low < high"),
    twin("parameter without a source", 'LogNormal(1.0, 0.2), source="made up"', 'LogNormal(1.0, 0.2), source=" "',
         'Parameter("V"', "source", "' '", "a citation"),
    twin("personal parameter that there is not", 'personal=("CL", "V")', 'personal=("CL", "W")', "TWIN = Twin(",
         "TWIN.personal",
         "'W'", "parameters of toy_model"),
    twin("equation with too few arguments", "def rhs(t, x, u, theta, dx)", "def rhs(x, u, theta, dx)", "def rhs",
         "parameters", "'x, u, theta, dx'", "five of them"),
    twin("no TWIN", "TWIN = Twin(", "TWINS = Twin(", "", "TWIN", "'NoneType'", "TWIN = Twin(...) at module level"),
    twin("TWIN of another type", "TWIN = Twin(", "TWIN = dict(", "TWIN = dict(", "TWIN", "'dict'", "TWIN = Twin(...)"),
    twin("import of what is not installed", '"""One comp', 'import nowhere_to_be_found\n"""One comp', "import nowhere",
         "twin", "ModuleNotFoundError", "a file that can be imported"),
    twin("name that does not exist", "personal=(", "persnal=(", "TWIN = Twin(", "twin", "persnal", "can be imported"),
    twin("exit at import", "\n\nTWIN = ", "\n\nraise SystemExit(0)\nTWIN = ", "raise", "twin", "SystemExit",
         "ends nothing"),
    step("network at import", "import socket; socket.create_connection(('127.0.0.1', 9))", "network", "socket."),
    step("download at import", "from urllib.request import urlopen; urlopen('http://127.0.0.1:9/')", "network",
         "urllib"),
    step("file written at import", "open('made.txt', 'w')", "file", "open made.txt"),
    step("file read at import", "open('/etc/hostname')", "file", "open /etc/hostname"),
    step("table read by numpy", "import numpy; numpy.loadtxt('studies/toy/data/toy.csv')", "file", "toy.csv"),
    step("folder made at import", "import os; os.mkdir('made')", "file", "os.mkdir made"),
    step("process at import", "import subprocess; subprocess.run(['true'])", "process", "subprocess.Popen true"),
    step("question at import", "input('name? ')", "question", "name?"),
    step("refusal that is swallowed", "try: open('made.txt', 'w')\nexcept Exception: pass", "file", "open made.txt"),
)  # fmt: skip
