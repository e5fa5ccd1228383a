"""No allocation inside a filter loop: how often a kernel asks numba for memory does not grow with what it goes through.

A call takes a fixed number: numba makes a handle for each array that comes from Python, and a kernel may make its own
work arrays once."""

from dataclasses import replace

import ensembles
import numpy as np
import pytest
import turnover
from numba.core.runtime import _nrt_python, rtsys

from vvuq.assimilation import eakf, letkf, ukf_run
from vvuq.assimilation.localization import Localization
from vvuq.assimilation.ukf import Unscented
from vvuq.models import Additive, Schedule
from vvuq.numerics.gram import MOMENTS_SIGNATURE, UPDATE_SIGNATURE
from vvuq.numerics.jit import Pointer, njit
from vvuq.numerics.unscented_record import EXACT_UPDATE_SIGNATURE, parts
from vvuq.numerics.unscented_record import _exact_update as exact_kernel

FEW, MANY = 10, 200
TIERS = ("pointer", "lanes", "straight")


@njit(MOMENTS_SIGNATURE)
def no_moments(points, w, v, noise, mean, root, rows, gram, line):
    return False


@njit(UPDATE_SIGNATURE)
def no_update(
    mean, root, m, h, w, v, y, after, after_root, seen, expected, innovation, observed, rows, noise, gram, line, pull
):
    return False


@njit(EXACT_UPDATE_SIGNATURE)
def wasteful_update(belief, m, h, w, v, y, after, numbers, expected, observed, noise, work):
    code = exact_kernel(belief, m, h, w, v, y, after, numbers, expected.copy(), observed, noise, work)
    numbers[0] = -1.0  # a squared innovation that is none
    return code


class Counted:
    """A kernel, and for each of its calls how often memory was asked for, and what it was given."""

    def __init__(self, kernel):
        self.kernel, self.asked, self.given = kernel, [], []

    def __call__(self, *given):
        before = rtsys.get_allocation_stats()
        result = self.kernel(*given)
        after = rtsys.get_allocation_stats()
        self.asked.append((after.alloc - before.alloc, after.mi_alloc - before.mi_alloc))
        self.given.append(given)
        return result


@pytest.fixture(autouse=True)
def _statistics():
    if _nrt_python.memsys_stats_enabled():
        yield
        return
    _nrt_python.memsys_enable_stats()
    yield
    _nrt_python.memsys_disable_stats()


def counted(monkeypatch, cycles, tier, error=None, algebra=None):
    """A record of so many cycles: the general kernel, those without loops, and what was found."""
    system, general, straight = turnover.system(), Counted(ukf_run.unscented_record), []
    if error is not None:
        system = replace(system, noise=(Additive(error),) * 2)

    def watched(*sizes):
        straight.append(Counted(kernel(*sizes)))
        return straight[-1]

    kernel, observed = ukf_run.straight_record, turnover.measured(cycles)
    with monkeypatch.context() as patch:
        patch.setattr(ukf_run, "unscented_record", general)
        patch.setattr(ukf_run, "straight_record", watched)
        if algebra is not None:
            patch.setattr(ukf_run, "parts", lambda: algebra)
        found = ukf_run.filter_record(Unscented(), system, Schedule(), turnover.prior(), observed, tier=tier)
    assert np.all(found.codes == 0)
    return general, straight, found


def gone_through(general):
    """How many cycles the general kernel took."""
    return sum(given[-2] - given[-3] for given in general.given)


@pytest.mark.parametrize("tier", TIERS)
@pytest.mark.parametrize("path", ["products", "tiny errors", "orthogonal transformations alone"])
def test_a_record_asks_for_no_more_memory_the_longer_it_is(monkeypatch, tier, path):
    error = None if path == "products" else 1e-3
    algebra = None
    if path == "orthogonal transformations alone":
        _, exact_moments, _, exact_update = parts()  # compiles, so not where tests are collected
        refusing = Pointer(no_moments, MOMENTS_SIGNATURE), Pointer(no_update, UPDATE_SIGNATURE)
        algebra = refusing[0], exact_moments, refusing[1], exact_update
    counted(monkeypatch, 2, tier, error, algebra)  # compiles
    runs = [counted(monkeypatch, cycles, tier, error, algebra) for cycles in (FEW, MANY)]
    general = [asked for kernel, _, _ in runs for asked in kernel.asked]
    straight = [asked for _, kernels, _ in runs for kernel in kernels for asked in kernel.asked]
    assert len(set(general)) <= 1 and len(set(straight)) <= 1
    taken = [gone_through(run[0]) for run in runs]
    assert taken == ([0, 0] if (tier, path) == ("straight", "products") else [FEW, MANY])
    assert bool(straight) == (tier == "straight")


@pytest.mark.parametrize("tier", TIERS)
def test_an_allocation_in_the_exact_path_would_be_noticed_and_tiny_errors_take_it_in_every_cycle(monkeypatch, tier):
    wasteful = *parts()[:3], Pointer(wasteful_update, EXACT_UPDATE_SIGNATURE)
    fixed = counted(monkeypatch, FEW, tier, 1e-3)[0].asked[0]
    for cycles in (FEW, MANY):
        general, _, found = counted(monkeypatch, cycles, tier, 1e-3, wasteful)
        assert np.all(found.nis == -1.0)
        for place in (0, 1):
            assert sum(asked[place] for asked in general.asked) == fixed[place] * len(general.asked) + cycles


def ones(d, m):
    return Localization(np.ones((d, m)), np.ones((m, m)), np.zeros(0, dtype=np.int64), None)


@pytest.mark.parametrize(("module", "name"), [(eakf, "serial"), (letkf, "local")])
@pytest.mark.parametrize("sizes", [((6, 5), (6, 50)), ((5, 6), (50, 6)), ((5, 30), (50, 30))])
def test_an_ensemble_update_asks_for_no_more_memory_the_more_it_takes(monkeypatch, module, name, sizes):
    """Rows and observables; of these both fewer and more than members."""
    kernel = Counted(getattr(module, name))
    monkeypatch.setattr(module, name, kernel)
    for d, m in (sizes[0], *sizes):  # the first time it is compiled
        module.update(ensembles.random_ahead(d, m, 20), ones(d, m))
    assert len(kernel.asked) == 3 and kernel.asked[1] == kernel.asked[2] > (0, 0)


def test_what_a_loop_of_this_kind_allocates_is_counted():
    @njit("f8(i8)")
    def wasteful(n):
        total = 0.0
        for k in range(n):
            total += np.full(k + 1, 1.0)[k]
        return total

    kernel = Counted(wasteful)
    assert [kernel(n) for n in (0, 5, 50)] == [0.0, 5.0, 50.0]
    assert kernel.asked == [(0, 0), (5, 5), (50, 50)]
