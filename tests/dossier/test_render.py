"""Writing and checking the file: at once, sealed, and no changed byte goes unseen."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from dossier.factory import dossier

from vvuq.dossier import render as module
from vvuq.dossier.render import render, seal, verify_page
from vvuq.errors import IntegrityError
from vvuq.evidence.files import OutputError


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "deep" / "dossier.html"
    assert render(dossier(()), path) == hashlib.sha256(path.read_bytes()).hexdigest()
    return path


def test_a_fresh_page_passes(written: Path) -> None:
    verify_page(written)


def test_any_flipped_byte_is_found(written: Path, tmp_path: Path) -> None:
    data = written.read_bytes()
    digest = data.index(b'id="page-digest">') + len(b'id="page-digest">')
    places = [0, 1, len(data) - 1, digest - 3, digest, digest + 31, digest + 63, digest + 64]
    places += list(range(7, len(data), len(data) // 120))
    copy = tmp_path / "changed.html"
    for place in places:
        copy.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
        with pytest.raises(IntegrityError):
            verify_page(copy)


@pytest.mark.parametrize("change", ["cut", "longer", "other digest", "second digest", "no digest"])
def test_other_changes_are_found(written: Path, tmp_path: Path, change: str) -> None:
    data = written.read_bytes()
    field = b'<code id="page-digest">' + b"0" * 64 + b"</code>"
    start = data.index(b'<code id="page-digest">')
    changed = {
        "cut": data[:-1],
        "longer": data + b"\n",
        "other digest": data[:start] + field + data[start + len(field) :],
        "second digest": data + field,
        "no digest": b"<!DOCTYPE html>",
    }[change]
    copy = tmp_path / "changed.html"
    copy.write_bytes(changed)
    with pytest.raises(IntegrityError, match="changed"):
        verify_page(copy)


def test_sealing_is_stable() -> None:
    page = b'x <code id="page-digest">' + b"0" * 64 + b"</code> y"
    assert hashlib.sha256(page).hexdigest().encode() in seal(page)


def test_a_failed_write_leaves_the_old_page_and_no_rest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "dossier.html"
    path.write_text("old")

    def refuse(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("os.replace", refuse)
    monkeypatch.setattr(module, "page", lambda _: "new")
    with pytest.raises(OutputError, match="disk full"):
        render(dossier(()), path)
    assert path.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["dossier.html"]
