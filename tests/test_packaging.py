"""The wheel holds what the installed command needs, and only that; installed outside of the checkout it does its work,
in a folder whose name holds blanks and letters of other scripts, with a home that cannot be written."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ODD = "Größe α 测试"  # a folder's name with a blank and letters that no single old encoding has
NOBODY, NOWHERE = 65534, "/dev/null/home"


@pytest.fixture(scope="module")
def wheel(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=root, capture_output=True, check=True)
    (path,) = folder.glob("*.whl")
    return path


def names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


@pytest.mark.parametrize("kind", ["templates", "studies", "twins"])
def test_the_wheel_carries(wheel: Path, root: Path, kind: str) -> None:
    files = [path for path in (root / kind).rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    assert files
    assert {f"vvuq/_{kind}/{path.relative_to(root / kind).as_posix()}" for path in files} <= names(wheel)


def test_the_wheel_carries_every_module_and_nothing_beside_the_package(wheel: Path, root: Path) -> None:
    modules = {path.relative_to(root).as_posix() for path in (root / "vvuq").rglob("*.py")}
    assert modules <= names(wheel)
    assert {name.split("/")[0] for name in names(wheel)} == {"vvuq", "vvuq-0.1.0.dist-info"}


def test_the_shipped_folders_are_found_in_an_installed_wheel(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    code = "from vvuq.paths import shipped; print(*(shipped(k) for k in ('templates', 'studies', 'twins')), sep='\\n')"
    command = [sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, {str(tmp_path / 'site')!r}); {code}"]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    folders = [Path(line) for line in result.stdout.splitlines()]
    assert [folder.name for folder in folders] == ["_templates", "_studies", "_twins"]
    assert all(folder.is_dir() and folder.is_relative_to(tmp_path) for folder in folders)


CACHED = {"VVUQ_CACHE": os.environ["VVUQ_CACHE"]}  # a home that is not there, and a cache that is named
SESSION = """
import contextlib, io, json, sys
from vvuq.cli import main
said = []
for words in json.loads(sys.argv[1]):
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        code = main(words)
    said.append([code, out.getvalue()])
print(json.dumps(said))
"""


def without_ours(**more: str) -> dict[str, str]:
    """The environment of a user who has none of this process's settings."""
    ours = ("VVUQ_", "NUMBA_", "MPL", "PYTHON", "PYTEST_", "VIRTUAL_ENV", "XDG_", "PIP_")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)} | more


class Installed:
    """A virtual environment that holds the wheel, with links to the libraries of this interpreter."""

    def __init__(self, folder: Path, wheel: Path) -> None:
        self.venv, self.work = folder / "venv", folder / "work"
        self.work.mkdir()
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(self.venv)], check=True)
        python = self.venv / "bin" / "python"
        install = ["-m", "pip", "-q", "--python", str(python), "install", "--no-deps", "--no-index", "--no-compile"]
        subprocess.run([sys.executable, *install, str(wheel)], env=without_ours(), check=True)
        (site,) = (self.venv / "lib").glob("python*/site-packages")
        for name in {sysconfig.get_paths()[name] for name in ("purelib", "platlib")}:
            for entry in Path(name).iterdir():
                if entry.suffix != ".pth" and not entry.name.startswith(("vvuq", "__pycache__")):
                    (site / entry.name).symlink_to(entry)
        self.site, self.python = site, python

    def run(self, *words: str, user: int | None = None, **more: str) -> subprocess.CompletedProcess[str]:
        """`vvuq WORDS` by its installed script, without a home, as another user where one is named."""
        command, environment = [str(self.venv / "bin" / "vvuq"), *words], without_ours(**{"HOME": NOWHERE, **more})
        return subprocess.run(
            command, cwd=self.work, env=environment, user=user, capture_output=True, text=True, check=False,
            encoding="utf-8",
        )  # fmt: skip

    def session(self, *commands: list[str]) -> list[tuple[int, str]]:
        """Several commands in one process, which imports the libraries once: their exit codes, and what they said."""
        environment = without_ours(HOME=NOWHERE, **CACHED)
        words = [str(self.python), "-c", SESSION, json.dumps(commands)]
        result = subprocess.run(words, cwd=self.work, env=environment, capture_output=True, text=True, check=False)
        assert result.returncode == 0, result.stderr
        return [(code, text) for code, text in json.loads(result.stdout)]


@pytest.fixture(scope="module")
def installed(wheel: Path) -> Iterator[Installed]:
    """The wheel in an odd folder that everybody may enter."""
    folder = Path(tempfile.mkdtemp(prefix="vvuq-test-"))
    try:
        folder.chmod(0o755)
        (folder / ODD).mkdir()
        yield Installed(folder / ODD, wheel)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def done(result: subprocess.CompletedProcess[str], code: int = 0) -> str:
    assert result.returncode == code, result.stdout + result.stderr
    return result.stdout + result.stderr


def test_the_installed_command_is_that_of_the_wheel(installed: Installed, root: Path) -> None:
    listed = done(installed.run("list", **CACHED))
    assert f"phenobarbital  {installed.site / 'vvuq' / '_studies'}" in listed and str(root) not in listed
    assert "pk" in listed and "holdout" in listed


def test_twin_and_studies_of_ones_own_are_made_and_the_installed_study_stays_as_it_is(installed: Installed) -> None:
    rows = [f"{i},{t},{d},{c}" for i in range(9) for t, d, c in ((0, 100, ""), (2, "", 2.1), (9, "", 1.2 + i / 10))]
    table = installed.work / "Maße 测.csv"
    table.write_text("\n".join(["id,time,dose,conc", *rows]) + "\n", encoding="utf-8")
    shipped = {path: path.read_bytes() for path in installed.site.rglob("_studies/**/*") if path.is_file()}
    told = installed.session(
        ["new", "twin", "mine"],
        ["new", "study", "copied", "--from", "phenobarbital"],
        ["plan", "check", "copied"],
        ["new", "study", "own", "--twin", "mine", "--data", table.name],
        ["plan", "check", "own"],
        ["plan", "lock", "own"],
        ["plan", "lock", "phenobarbital"],
        ["new", "study", "phenobarbital", "--from", "phenobarbital"],
    )
    assert [code for code, _ in told] == [0, 0, 0, 0, 0, 2, 2, 2]
    assert (installed.work / "tests" / "test_mine.py").is_file()
    assert "valid; 23 factors" in told[2][1] and "valid; 23 factors" in told[4][1]
    assert "own/plan.yaml:6: text: " in told[5][1] and "TO WRITE" in told[5][1]
    assert "vvuq new study NAME --from phenobarbital" in told[6][1]
    assert "a study that is shipped has this one" in told[7][1]
    assert {path: path.read_bytes() for path in shipped} == shipped


def someone_else(python: Path) -> int | None:
    """Another user's id, where this process may become that user and that user may run this interpreter."""
    if os.geteuid() != 0:
        return None
    try:
        subprocess.run([str(python), "-c", ""], user=NOBODY, capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return NOBODY


@pytest.mark.slow
def test_an_analysis_and_a_page_with_a_home_that_cannot_be_written(installed: Installed) -> None:
    """As a user to whom nothing here belongs, where that is possible, else with a home that is not there."""
    user, home = someone_else(installed.python), installed.work.parent / "home"
    home.mkdir(mode=0o555)
    if user is not None:
        os.chown(installed.work, user, -1)
    home_of = str(home) if user is not None or os.geteuid() != 0 else NOWHERE
    told = done(installed.run("run", "phenobarbital", "--only", "filter_exactness", user=user, HOME=home_of))
    assert "[1/1] filter_exactness" in told and "cannot be written" in told
    done(installed.run("report", "phenobarbital", user=user, HOME=home_of))
    page = installed.work / "reports" / "phenobarbital" / "dossier.html"
    assert "Exactness of the filter" in page.read_text(encoding="utf-8")
    assert done(installed.run("verify", str(page), user=user, HOME=home_of))
    assert list(home.iterdir()) == []


@pytest.mark.slow
@pytest.mark.external
@pytest.mark.parametrize("name", ["python3.11", "python3.13"])
def test_a_clean_environment(wheel: Path, root: Path, tmp_path: Path, name: str) -> None:
    """Nothing but the wheel and the locked libraries, which the network gives; the oldest and the newest Python."""
    python = shutil.which(name)
    if python is None or subprocess.run([python, "-c", ""], capture_output=True, check=False).returncode != 0:
        pytest.skip(f"{name} is not on the path, or does not run")
    folder = tmp_path / ODD
    venv = folder / "venv"
    subprocess.run([python, "-m", "venv", str(venv)], check=True)
    pip = [str(venv / "bin" / "python"), "-m", "pip", "-q", "install", "--no-deps"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VVUQ_"))}
    for what in (["--require-hashes", "-r", str(root / "requirements" / "build.txt")], ["--require-hashes",
                 "--no-build-isolation", "-r", str(root / "requirements" / "runtime.txt")], [str(wheel)]):  # fmt: skip
        made = subprocess.run([*pip, *what], env=environment, capture_output=True, text=True, check=False)
        if made.returncode != 0 and "build.txt" in what[-1]:
            pytest.skip("the locked libraries cannot be fetched here")
        assert made.returncode == 0, made.stderr
    work = folder / "work"
    work.mkdir()
    environment |= {"VVUQ_CACHE": str(folder / "cache")}
    for words in (
        "list", "new twin mine", "new study copied --from phenobarbital", "plan check copied",
        "run phenobarbital --only filter_exactness", "report phenobarbital",
    ):  # fmt: skip
        command = [str(venv / "bin" / "vvuq"), *words.split()]
        done(subprocess.run(command, cwd=work, env=environment, capture_output=True, text=True, check=False))
    assert (work / "reports" / "phenobarbital" / "dossier.html").stat().st_size > 100_000
