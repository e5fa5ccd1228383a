"""Compiled code is found again by another process, is never stale, and needs no writable home."""

import json
import math
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from examples import LOGISTIC, ROOT, amount, parameter

from vvuq.errors import InputError
from vvuq.models import RK4, Additive, Model, Observable, Schedule, kernels, simulate
from vvuq.numerics import jit

CHILD = """
import json
import numpy as np
from vvuq.models import RK4, Additive, LogNormal, Model, Observable, Parameter, Schedule, simulate
from vvuq.models.kernels import rhs_kernel
from vvuq.numerics.jit import kernel_folder
from vvuq.numerics.rk4 import rk4_paths

def rhs(t, x, u, theta, dx):
    dx[0] = -theta[0] * x[0]

def amount(t, x, u, theta, y):
    y[0] = x[0]

k = Parameter("k", "1/h", LogNormal(0.3, 0.1), source="test")
model = Model("decay", {"A": "mg"}, {}, (k,), (Observable("amount", "mg", amount, Additive(0.1)),), rhs)
paths = simulate(model, Schedule(), np.array([0.5]), [1.0], method=RK4(0.01), x0=np.array([2.0]))
kernels = rhs_kernel(model).kernel, rk4_paths
counts = [[sum(c.values()) for c in (f.stats.cache_hits, f.stats.cache_misses)] for f in kernels]
found = {"end": paths.states.item(), "generated": counts[0], "generic": counts[1], "folder": str(kernel_folder())}
print(json.dumps(found))
"""


def start(folder: Path, cache: Path, **more: str) -> subprocess.Popen:
    """Another process that simulates, with its kernels under `cache`; its own text lies in `folder`."""
    script = folder / "child.py"
    if not script.exists():
        script.write_text(CHILD)
    environment = {**os.environ, "VVUQ_CACHE": str(cache), "PYTHONPATH": str(ROOT), **more}
    command = [sys.executable, str(script)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def result(process: subprocess.Popen) -> dict:
    out, err = process.communicate(timeout=280)
    assert process.returncode == 0, err
    return {**json.loads(out), "err": err}


def test_four_processes_at_once_and_a_later_one_that_compiles_nothing(tmp_path):
    """The generic kernels are copied so that only the model's own have to be compiled by the first."""
    whole = LOGISTIC, Schedule(), np.array([0.8, 2.0]), [1.0]
    simulate(*whole, method=RK4(0.1), x0=np.ones(1))  # compiles the generic kernels if this machine has not yet
    warm = jit.kernel_folder()
    shutil.copytree(warm, tmp_path / "kernels" / warm.name, ignore=shutil.ignore_patterns("vvuq_generated*"))
    elsewhere = str(tmp_path / "elsewhere")
    first = [result(p) for p in [start(tmp_path, tmp_path, NUMBA_CACHE_DIR=elsewhere) for _ in range(4)]]
    later = result(start(tmp_path, tmp_path))
    assert {r["end"] for r in (*first, later)} == {later["end"]} and later["end"] == pytest.approx(2.0 * math.exp(-0.5))
    assert later["generated"] == [1, 0] and later["generic"] == [1, 0], "hits, misses"
    assert later["folder"] == (tmp_path / "kernels" / warm.name).as_posix()
    assert not Path(elsewhere).exists(), "a folder without the sources' digest in its name would go stale"
    assert not list((tmp_path / "kernels" / warm.name).glob("*.tmp"))


def test_the_same_sources_in_another_place_compile_nothing(tmp_path):
    """A second checkout or an installed wheel; numba alone would keep its code apart, by path."""
    from vvuq.numerics import linalg

    linalg.absorb.settle()  # compiled by now
    shutil.copytree(ROOT / "vvuq", tmp_path / "vvuq")
    counts = "f.stats.cache_hits.total(), f.stats.cache_misses.total()"
    code = f"from vvuq.numerics.linalg import absorb as f; f.settle(); print(f.__module__, {counts})"
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["vvuq.numerics.linalg", "1", "0"]


def test_a_cache_that_cannot_be_written_gives_way_to_a_private_one_with_a_warning(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("VVUQ_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.warns(RuntimeWarning, match="cannot be written: compiling anew"):
        folder = jit.kernel_folder.__wrapped__()
    assert jit.writable(folder) and tmp_path not in folder.parents
    jit._remove(folder, os.getpid() + 1)
    assert folder.is_dir(), "a forked child must not remove the folder of its parent"
    jit._remove(folder, os.getpid())
    assert not folder.exists()


@pytest.mark.slow
def test_a_process_without_a_writable_cache_simulates_all_the_same(tmp_path):
    (tmp_path / "file").write_text("in the way")
    found = result(start(tmp_path, tmp_path / "file" / "cache"))
    assert "RuntimeWarning" in found["err"] and found["generated"] == [0, 1]
    assert not Path(found["folder"]).exists()


def test_the_folder_is_another_for_other_sources(tmp_path, monkeypatch):
    monkeypatch.setenv("VVUQ_CACHE", str(tmp_path / "cache"))
    for source in Path(jit.__file__).parent.glob("*.py"):
        shutil.copy(source, tmp_path)
    monkeypatch.setattr(jit, "__file__", str(tmp_path / "jit.py"))
    before = jit.kernel_folder.__wrapped__()
    assert before == jit.kernel_folder.__wrapped__()
    with (tmp_path / "linalg.py").open("a") as file:
        file.write("# another text\n")
    assert jit.kernel_folder.__wrapped__() != before


FACTOR = 2.0


def helper(v):
    return FACTOR * v


def rhs(t, x, u, theta, dx):
    dx[0] = -theta[0] * helper(x[0])


def model(name="cached", function=rhs, observe=amount):
    seen = Observable("amount", "mg", observe, Additive(0.1))
    return Model(name, {"A": "mg"}, {}, (parameter("k", "1/h"),), (seen,), function)


def module_of(kernel) -> str:
    return kernel.kernel.py_func.__module__


def test_a_change_anywhere_in_the_equations_gives_another_module_and_no_change_gives_the_same(monkeypatch):
    out = np.empty(1)
    first = kernels.rhs_kernel(model())
    first(0.0, np.array([3.0]), np.empty(0), np.array([0.5]), out)
    assert out[0] == -3.0
    assert kernels.rhs_kernel(model()) is first
    assert module_of(kernels.rhs_kernel(LOGISTIC)) != module_of(first)
    monkeypatch.setitem(globals(), "FACTOR", 5.0)
    second = kernels.rhs_kernel(model())
    assert module_of(second) != module_of(first)
    second(0.0, np.array([3.0]), np.empty(0), np.array([0.5]), out)
    assert out[0] == -7.5


def test_a_change_in_how_functions_are_lowered_gives_another_module(monkeypatch):
    before = kernels._rhs_text(model())
    monkeypatch.setattr(kernels, "_MEANING", kernels._MEANING + b" ")
    assert kernels._rhs_text(model()) != before


@pytest.mark.parametrize("value", [float("inf"), {"a": 1}, "text", (1.0, float("nan"))])
def test_a_global_that_has_no_text_is_refused(monkeypatch, value):
    whole = model()
    monkeypatch.setitem(globals(), "FACTOR", value)
    with pytest.raises(InputError, match=r"cached.helper: global name: 'FACTOR'"):
        kernels.rhs_kernel(whole)


def test_a_name_with_two_meanings_is_refused(tmp_path):
    """Functions from two files may each have their FACTOR; written into one module the last would win."""
    space: dict[str, object] = {}
    text = "def seen(t, x, u, theta, y):\n    y[0] = FACTOR * x[0]\n"
    path = tmp_path / "second_file.py"
    path.write_text("FACTOR = 3.0\n" + text)
    exec(compile(path.read_text(), str(path), "exec"), space)
    both = model(observe=space["seen"])
    one = Observable("one", "mg", space["seen"], Additive(0.1))
    mixed = Observable("two", "mg", lambda_free, Additive(0.1))
    clash = Model("clash", {"A": "mg"}, {}, (parameter("k", "1/h"),), (one, mixed), rhs)
    assert module_of(kernels.observe_kernel(both))
    with pytest.raises(InputError, match=r"clash\.helper: global name: 'FACTOR'"):
        kernels.observe_kernel(clash)


def lambda_free(t, x, u, theta, y):
    y[0] = helper(x[0])


MANY = 40
NEXT = (*range(1, MANY), 0)


def ring(t, x, u, theta, dx):
    for i in range(MANY):
        dx[i] = theta[0] * (x[NEXT[i]] - x[i])


def test_a_long_state_is_an_array_read_by_index_and_a_long_tuple_of_numbers_too():
    states = {f"x{i}": "mg" for i in range(MANY)}
    seen = Observable("amount", "mg", amount, Additive(0.1))
    model = Model("ring", states, {}, (parameter("k", "1/h"),), (seen,), ring)
    text = kernels._rhs_text(model)
    assert "xs, us, thetas = x, (), (theta[0], )" in text and "NEXT = np.array((1, 2," in text
    x, out = np.arange(float(MANY)), np.empty(MANY)
    kernels.rhs_kernel(model)(0.0, x, np.empty(0), np.array([0.5]), out)
    assert np.array_equal(out, 0.5 * (np.roll(x, -1) - x))


def strange(t, x, u, theta, dx):
    n = len(x)
    for i in range(n):
        dx[i] = 0.0
    for i in range(2, n - 1):
        for j in range(i):
            dx[i] += x[i - 2] * x[j + 1] * 0.01 * i
        k = i - 3
        dx[i] += x[k] + x[i - 3] + PLACE[i]
    for i in range(5, 3):
        dx[i] = 1e9
    for i in range(3):
        i = i + 1
        dx[i] -= x[i - 2]


PLACE = tuple(0.1 * i for i in range(MANY))


def test_rewritten_loops_compute_what_the_text_says():
    """Indices that count from the end, loops in loops, an index reassigned, a range that is empty."""
    states = {f"x{i}": "1" for i in range(MANY)}
    seen = Observable("amount", "1", amount, Additive(0.1))
    model = Model("strange", states, {}, (parameter("k", "1"),), (seen,), strange, time_unit="1")
    x, out, plain = np.random.default_rng(1).normal(size=MANY), np.empty(MANY), [0.0] * MANY
    assert "x[unsigned_i - np.uint64(2)]" in kernels._rhs_text(model)
    kernels.rhs_kernel(model)(0.0, x, np.empty(0), np.array([0.5]), out)
    strange(0.0, tuple(x), (), (0.5,), plain)
    assert np.allclose(out, plain, rtol=1e-14, atol=0.0)
