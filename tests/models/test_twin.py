"""A twin is loaded from a file or a folder by path, and what is wrong with it is said in words."""

import sys

import pytest
from examples import ROOT, pk

from vvuq.errors import InputError
from vvuq.models.twin import Twin, load_twin, rivals_of


def test_the_reference_twin_is_loaded_under_a_private_name():
    twin = load_twin(ROOT / "twins" / "pk")
    assert isinstance(twin, Twin) and twin.name == pk().name == "pk"
    assert twin.model.rhs.__module__.startswith("vvuq_twin_")
    assert "twins" not in sys.modules


def test_a_single_file_is_a_twin_too(tmp_path):
    text = (ROOT / "twins" / "pk" / "__init__.py").read_text()
    (tmp_path / "mine.py").write_text(text.replace('name="pk"', 'name="mine"'))
    twin = load_twin(tmp_path / "mine.py")
    assert twin.name == "mine" and twin.model.rhs.__module__ != pk().model.rhs.__module__


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"TWIN: 'NoneType' is not valid"),
        ("TWIN = 3", r"TWIN: 'int' is not valid"),
        ("import nothing_of_that_name", r"twin: .ModuleNotFoundError"),
        ("1 / 0", r"twin: 'ZeroDivisionError"),
        ("a = 1\nTWIN = (", r"broken.py:2: twin: .SyntaxError"),
        ("a = 1\nimport sys\nsys.exit(0)", r"broken.py:3: twin: 'SystemExit: 0'"),
        ("def f():\n    return 1 / 0\n\nf()", r"broken.py:2: twin: 'ZeroDivisionError"),
        ("def f():\n    f()\n\nf()", r"broken.py:2: twin: 'RecursionError"),
        (
            "from vvuq.errors import InputError\nraise InputError('m', 'f', 1, 'r')",
            r"broken.py:2: m: f: 1 is not valid: r$",
        ),
    ],
)
def test_what_is_wrong_with_a_file_is_said(tmp_path, text, message):
    (tmp_path / "broken.py").write_text(text)
    with pytest.raises(InputError, match=message):
        load_twin(tmp_path / "broken.py")


def changed(tmp_path, old, new):
    text = (ROOT / "twins" / "pk" / "__init__.py").read_text()
    assert text.count(old) == 1
    made = text.replace(old, new)
    (tmp_path / "mine.py").write_text(made)
    return made.splitlines()


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        (
            "CL, V, apgar_effect = theta\n    dx",
            "V, CL, apgar_effect = theta\n    dx",
            "V, CL, ap",
            "unpacking of theta",
        ),
        ("dx[0] = R - CL", "dx[0] = R + A - CL", "dx[0]", "units: 'sum of milligram / hour and milligram'"),
        ("y[0] = A / (V * weight", "y[0] = A * (V * weight", "y[0]", "unit of concentration"),
        ("dx[0] = R - CL", "dx = R - CL", "def rhs", "A: None is not valid: a value that the function writes"),
        ("dx[0] = R - CL", "dx[0] = R - np.exp(CL)", "dx[0]", "equation: .*functions of vvuq.models.math alone"),
        ("dx[0] = R - CL", "dx[0] = R / (R - R) * R - CL", "dx[0]", "value: .*finite values at the priors' medians"),
        ('            "CL",\n', '            "CLL",\n', "CL, V, apgar_effect", "unpacking of theta"),
        ("bounds=(0.0, 0.1)", "bounds=(0.01, 0.1)", "        Parameter(", "CL: prior: .* quantile lies in"),
        ('personal=("CL", "V")', 'personal=("CL", "W")', "TWIN = Twin(", "TWIN.personal: .W. is not valid"),
        ("def rhs(t, x, u, theta, dx)", "def rhs(x, u, theta, dx)", "def rhs", "parameters: 'x, u, theta, dx'"),
        ("    rhs=rhs,", "    rhs=len,", "MODEL = Model", "function: 'builtin_function_or_method'"),
    ],
)
def test_a_wrong_declaration_is_found_by_its_line(tmp_path, old, new, line, words):
    lines = changed(tmp_path, old, new)
    with pytest.raises(InputError, match=words) as error:
        load_twin(tmp_path / "mine.py")
    number = (
        None
        if line is None
        else next(i for i, text in enumerate(lines, 1) if text.lstrip(" ").startswith(line.strip()))
    )
    assert str(error.value).startswith(str(tmp_path / "mine.py") + (f":{number}: " if number else ": "))


def test_what_a_twin_prints_does_not_mix_with_the_answer(tmp_path, capsys):
    (tmp_path / "mine.py").write_text((ROOT / "twins" / "pk" / "__init__.py").read_text() + "\nprint('loaded')\n")
    load_twin(tmp_path / "mine.py")
    assert capsys.readouterr() == ("", "loaded\n")


def test_a_path_without_a_twin_is_refused(tmp_path):
    for path in (tmp_path, tmp_path / "missing.py"):
        with pytest.raises(InputError, match="a Python file, or a folder"):
            load_twin(path)


RIVALS = """
from dataclasses import replace
from vvuq.models import Twin
RIVALS = (replace(TWIN, name="one"), replace(TWIN, name="two"))
"""


def with_rivals(tmp_path, text=RIVALS):
    (tmp_path / "mine.py").write_text((ROOT / "twins" / "pk" / "__init__.py").read_text() + text)
    return tmp_path / "mine.py"


def test_a_rival_is_loaded_by_its_name_and_the_twin_by_its_own(tmp_path):
    path = with_rivals(tmp_path)
    assert rivals_of(path) == ("one", "two") and rivals_of(ROOT / "twins" / "pk") == ()
    assert [load_twin(path, name).name for name in ("", "pk", "one", "two")] == ["pk", "pk", "one", "two"]


@pytest.mark.parametrize("where", ["", "plan.yaml:3"])
def test_a_rival_that_there_is_not_is_refused_with_those_there_are(tmp_path, where):
    path = with_rivals(tmp_path)
    with pytest.raises(InputError, match="rival: 'three' is not valid: one of the rivals of pk: one, two") as error:
        load_twin(path, "three", where)
    line = next(i for i, text in enumerate(path.read_text().splitlines(), 1) if text.startswith("RIVALS"))
    assert str(error.value).startswith(f"{where or f'{path}:{line}'}: ")
    with pytest.raises(InputError, match="none: pk has no rivals"):
        load_twin(ROOT / "twins" / "pk", "one")


@pytest.mark.parametrize(
    ("rivals", "words"),
    [
        ("3", "RIVALS: 'int' is not valid: RIVALS = "),
        ("(TWIN.model,)", "RIVALS: 'Model' is not valid"),
        ("(TWIN,)", "RIVALS: 'pk' is not valid: .*a name of its own"),
        ("(replace(TWIN, name='a/b'),)", "RIVALS: 'a/b' is not valid: .*a Python identifier"),
        ("(replace(TWIN, name='one', personal=('W',)),)", "RIVALS.personal: 'W' is not valid"),
    ],
)
def test_wrong_rivals_are_found_by_their_line(tmp_path, rivals, words):
    path = with_rivals(tmp_path, f"\nfrom dataclasses import replace\nRIVALS = {rivals}\n")
    with pytest.raises(InputError, match=words) as error:
        load_twin(path)
    assert str(error.value).startswith(f"{path}:{len(path.read_text().splitlines())}: ")
