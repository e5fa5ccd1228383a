"""What every test shares: one thread for linear algebra, a cache under the checkout, reproducible property tests."""

from __future__ import annotations

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / ".cache"

# Before numpy is imported. Compiled kernels are kept between runs and shared by the workers; the user's own cache, with
# whatever patient data it holds, is out of reach: tests see patient data through $VVUQ_DATA alone.
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"):
    os.environ[name] = "1"
os.environ["VVUQ_CACHE"] = str(CACHE / "vvuq")
os.environ["MPLCONFIGDIR"] = str(CACHE / "matplotlib")
os.environ["MPLBACKEND"] = "Agg"
os.environ.pop("VVUQ_HOME", None)

import pytest  # noqa: E402
import tables  # noqa: E402
from hypothesis import HealthCheck, configuration, settings  # noqa: E402

configuration.set_hypothesis_home_dir(CACHE / "hypothesis")
settings.register_profile(
    "fast", max_examples=30, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("thorough", settings.get_profile("fast"), max_examples=1000, derandomize=False)
settings.load_profile(os.environ.get("VVUQ_HYPOTHESIS", "fast"))


COMPILED = pytest.StashKey[list[str]]()


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout."""
    return ROOT


@pytest.fixture(scope="session")
def compiled_early(request: pytest.FixtureRequest) -> list[str]:
    """What was compiled, or loaded, while tests were collected."""
    return request.config.stash[COMPILED]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    """By `--dist loadscope` one worker takes a folder: its tests share compiled kernels, evidence, pages, made once.

    Marks of `loadgroup` would say the same, but pytest-xdist 3.8 loses them with pytest 9.2."""
    if config.getvalue("dist") != "loadscope":
        return None
    from xdist.scheduler import LoadScopeScheduling

    made = LoadScopeScheduling(config, log)
    made._split_scope = lambda nodeid: nodeid.partition("::")[0].split("/")[1]
    return made


FIRST = ("assimilation", "dossier", "bad_input", "crash", "models", "testing", "analyses")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long folders first, and those that compile beside those that do not: two workers that begin with the same kernels
    compile them twice."""
    order = {folder: place for place, folder in enumerate(FIRST)}
    items.sort(key=lambda item: order.get(item.nodeid.split("/")[1], len(FIRST)))


def pytest_collection_finish(session: pytest.Session) -> None:
    """Notes which kernels were compiled by now: each worker would do so at the same time."""
    modules = {name: module for name, module in sys.modules.items() if name.startswith(("vvuq.numerics.", "vvuq_gen"))}
    session.config.stash[COMPILED] = [
        f"{name}.{key}"
        for name, module in modules.items()
        for key, kernel in vars(module).items()
        if isinstance(found := getattr(kernel, "signatures", None), list) and found
    ]


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Lets `tables.report` know whose row it is."""
    tables.begin(item)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Prints the tables of the tests; counts what was not run, by reason: a skipped test is no passed one."""
    for line in tables.lines(one for group in list(terminalreporter.stats.values()) for one in group):
        terminalreporter.write_line(line)
    reasons: dict[str, int] = {}
    for report in terminalreporter.stats.get("skipped", []):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        reasons[reason] = reasons.get(reason, 0) + 1
    total = sum(reasons.values())
    terminalreporter.write_line(f"not run here: {total} tests" + "".join(f"\n  {n}: {r}" for r, n in reasons.items()))
