"""A kernel is compiled for what it declares and for nothing else, and not before somebody needs it."""

import os
import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from numba.core.errors import TypingError

from vvuq.numerics import jit
from vvuq.numerics.jit import F8, VECTOR, types


def _half(x):
    return 0.5 * x


REAL = F8(F8)


def made(signature=REAL):
    return jit.njit(signature, error_model="numpy")(_half)


def test_nothing_is_compiled_before_the_first_call():
    half = made()
    assert half.signatures == [] and half(3.0) == 1.5 and half.signatures == [(F8,)]
    assert half(3) == 1.5 and half.signatures == [(F8,)], "a whole number is taken as a float, as by numba.njit"


def test_collecting_tests_compiles_nothing(compiled_early):
    """A test module that calls a kernel while it is imported holds up every worker, and every run of a single test."""
    assert compiled_early == []


def test_other_types_are_refused_before_and_after_the_first_call():
    half = made()
    for _ in range(2):
        with pytest.raises(TypeError, match="No matching definition"):
            half(1j)
    assert half(1.0) == 0.5
    with pytest.raises(TypeError, match="No matching definition"):
        half(np.ones(2))


def test_all_declared_signatures_are_there():
    both = made([F8(F8), types.complex128(types.complex128)])
    assert both(1j) == 0.5j and both(1.0) == 0.5 and len(both.signatures) == 2


def test_a_kernel_inside_another_one_and_one_whose_address_is_taken():
    half, used = made(), made()

    @jit.njit(F8(VECTOR), error_model="numpy")
    def total(x):
        return half(x[0]) + half(x[1])

    assert total(np.array([1.0, 3.0])) == 2.0 and half.signatures == [(F8,)]
    assert jit.Pointer(used, F8(F8)).__wrapper_address__() != 0 and used.signatures == [(F8,)]
    assert str(made().get_function_type()) == str(jit.types.FunctionType(F8(F8)))


def test_what_cannot_be_compiled_says_so_at_each_call():
    def wrong(x):
        return x + "text"

    kernel = jit.njit(F8(F8))(wrong)
    for _ in range(2):
        with pytest.raises(TypingError, match="No implementation of function"):
            kernel(1.0)


def test_threads_that_call_it_for_the_first_time_at_once():
    half = made()
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(half, [1.0, 2.0, 3.0, 4.0])) == [0.5, 1.0, 1.5, 2.0]
    assert half.signatures == [(F8,)]


def test_a_copy_is_as_strict():
    copy = pickle.loads(pickle.dumps(made()))
    assert copy(3.0) == 1.5
    with pytest.raises(TypeError, match="No matching definition"):
        copy(1j)


def test_a_kernel_is_a_plain_function_where_compiling_is_switched_off():
    code = "from vvuq.numerics.jit import F8, njit; print(njit(F8(F8))(lambda x: 2.0 * x))"
    told = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "NUMBA_DISABLE_JIT": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout.startswith("<function <lambda>")
