"""A change of plan, code, data, libraries or settings makes evidence stale; a change of pages does not."""

import shutil

import pytest

from vvuq.evidence import freshness
from vvuq.evidence.freshness import freshness_key, lock_digest, source_digest, tree_digest

PARTS = {"plan": "a", "source": "b", "data": "c", "lock": "d", "analysis": "e", "settings": {"n": 1}}


@pytest.mark.parametrize("part", sorted(PARTS))
def test_every_part_counts(part):
    other = {"n": 2} if part == "settings" else "z"
    assert freshness_key(**PARTS) != freshness_key(**(PARTS | {part: other}))


def test_the_same_parts_give_the_same_key():
    assert freshness_key(**PARTS) == freshness_key(**dict(reversed(PARTS.items())))


@pytest.fixture
def tree(tmp_path, monkeypatch):
    package, twin = tmp_path / "vvuq", tmp_path / "twins" / "pk"
    for path in (
        "run/execute.py",
        "run/report.py",
        "methods/scores.py",
        "data/readers/foods.yaml",
        "dossier/render.py",
        "portal/app.py",
        "cli/words.py",
        "_twins/pk/__init__.py",
    ):
        (package / path).parent.mkdir(parents=True, exist_ok=True)
        (package / path).write_text("x = 1\n")
    twin.mkdir(parents=True)
    (twin / "__init__.py").write_text("TWIN = 1\n")
    monkeypatch.setattr(freshness, "PACKAGE", package)
    return package, twin


@pytest.mark.parametrize("path", ["run/execute.py", "methods/scores.py", "data/readers/foods.yaml"])
def test_what_computes_counts(tree, path):
    package, twin = tree
    before = source_digest(twin)
    (package / path).write_text("x = 2\n")
    assert source_digest(twin) != before


@pytest.mark.parametrize(
    "path", ["run/report.py", "dossier/render.py", "portal/app.py", "cli/words.py", "_twins/pk/__init__.py"]
)
def test_code_that_shows_does_not(tree, path):
    package, twin = tree
    before = source_digest(twin)
    (package / path).write_text("x = 2\n")
    assert source_digest(twin) == before


def test_a_new_module_counts_and_what_python_leaves_behind_does_not(tree):
    package, twin = tree
    before = source_digest(twin)
    (package / "__pycache__").mkdir()
    (package / "__pycache__" / "run.py").write_text("")
    (package / "run.pyc").write_text("")
    assert source_digest(twin) == before
    (package / "new.py").write_text("")
    assert source_digest(twin) != before


def test_the_twin_counts_but_not_where_it_lies(tree, tmp_path):
    _, twin = tree
    before = source_digest(twin)
    moved = tmp_path / "elsewhere" / "pk"
    shutil.copytree(twin, moved)
    assert source_digest(moved) == before
    (moved / "parts.py").write_text("")
    assert source_digest(moved) != before


def test_a_twin_of_one_file(tree, tmp_path):
    lone = tmp_path / "lone.py"
    lone.write_text("TWIN = 1\n")
    (tmp_path / "other.py").write_text("")
    before = source_digest(lone)
    (tmp_path / "other.py").write_text("x = 1\n")
    assert source_digest(lone) == before
    lone.write_text("TWIN = 2\n")
    assert source_digest(lone) != before


def test_line_ends_do_not_count_and_names_do(tmp_path):
    (tmp_path / "a.py").write_bytes(b"x\r\ny\r\n")
    (tmp_path / "b.py").write_bytes(b"x\ny\n")
    one, two = tree_digest(tmp_path, [tmp_path / "a.py"]), tree_digest(tmp_path, [tmp_path / "b.py"])
    assert one != two
    (tmp_path / "a.py").write_bytes(b"x\ny\n")
    assert tree_digest(tmp_path, [tmp_path / "a.py"]) == one


def test_lock_of_a_checkout_and_of_an_installation(tree):
    package, _ = tree
    lock_digest.cache_clear()
    installed = lock_digest()
    lock_digest.cache_clear()
    assert lock_digest() == installed
    (package.parent / "requirements").mkdir()
    (package.parent / "requirements" / "runtime.txt").write_text("numpy==2\n")
    lock_digest.cache_clear()
    assert lock_digest() != installed
    lock_digest.cache_clear()
