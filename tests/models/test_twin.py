"""A twin is loaded from a file or a folder by path, and what is wrong with it is said in words."""

import sys

import pytest
from examples import ROOT, pk

from vvuq.errors import InputError
from vvuq.models.twin import Twin, load_twin


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
        ("TWIN = (", r"twin: .SyntaxError"),
        ("from vvuq.errors import InputError\nraise InputError('m', 'f', 1, 'r')", r"^m: f: 1 is not valid: r$"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(tmp_path, text, message):
    (tmp_path / "broken.py").write_text(text)
    with pytest.raises(InputError, match=message):
        load_twin(tmp_path / "broken.py")


def test_a_path_without_a_twin_is_refused(tmp_path):
    for path in (tmp_path, tmp_path / "missing.py"):
        with pytest.raises(InputError, match="a Python file, or a folder"):
            load_twin(path)
