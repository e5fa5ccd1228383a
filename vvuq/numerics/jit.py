"""How kernels are compiled: one decorator, one set of function-pointer types, one place for the compiled code.

numba keys its cache on a kernel's own file alone, so a kernel would not notice a change in a helper of another file.
All kernels therefore live in this folder, and the cache folder's name carries the digest of its sources.

A kernel is loaded from there, or compiled, when it is first needed: a process pays for the kernels that it calls."""

from __future__ import annotations

import atexit
import hashlib
import os
import shutil
import sys
import tempfile
import warnings
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import numba
from numba import types
from numba.core import typeinfer
from numba.core.caching import CacheImpl, UserProvidedCacheLocator
from numba.core.compiler_lock import global_compiler_lock
from numba.core.dispatcher import Dispatcher
from numba.core.registry import CPUDispatcher

from vvuq.paths import cache_folder

F8, I8 = types.float64, types.int64
VECTOR, MATRIX, CUBE = F8[::1], F8[:, ::1], F8[:, :, ::1]
INDICES, ROWS = I8[::1], I8[:, ::1]

# f(t, x, u, theta, out): the right-hand side and the observables share one signature.
FIELD_SIGNATURE = types.void(F8, VECTOR, VECTOR, VECTOR, VECTOR)
FIELD = types.FunctionType(FIELD_SIGNATURE)


class Kernel(CPUDispatcher):
    """A function compiled for the signatures that it declares and for no others, on the first occasion: a call, another
    kernel that is compiled with it inside, or its address being asked for."""

    declared: tuple[Any, ...] = ()

    def settle(self) -> None:
        """Loads or compiles what is declared, unless that was done; other threads wait."""
        with global_compiler_lock, typeinfer.register_dispatcher(self):
            signatures, self.declared = self.declared, ()
            try:
                for signature in signatures:
                    self.compile(signature)
            except BaseException:
                self.declared = signatures
                raise
            if signatures:
                self.disable_compile()

    def _compile_for_args(self, *args: Any, **kws: Any) -> Any:
        self.settle()
        return self  # is called next

    def get_call_template(self, args: Any, kws: Any) -> Any:
        """What another kernel that calls this one has to know."""
        self.settle()
        return super().get_call_template(args, kws)

    def get_function_type(self) -> Any:
        """Its type where it is passed as a value."""
        self.settle()
        return super().get_function_type()

    def get_compile_result(self, sig: Any) -> Any:
        """Its compiled form."""
        self.settle()
        return super().get_compile_result(sig)

    def __reduce__(self) -> Any:
        self.settle()
        return super().__reduce__()


def njit(signature: Any, **options: Any) -> Callable[[Callable[..., Any]], Any]:
    """numba.njit with one signature, or a list of them, that compiles on the first occasion (see Kernel)."""

    def declare(function: Callable[..., Any]) -> Any:
        made = numba.njit(**options)(function)
        return _waiting(made, signature) if isinstance(made, Dispatcher) else made  # a plain one: compiling is off

    return declare


def _waiting(kernel: Any, signature: Any) -> Any:
    kernel.__class__ = Kernel
    kernel.declared = tuple(signature) if isinstance(signature, list) else (signature,)
    return kernel


class Pointer(types.WrapperAddressProtocol):
    """A compiled model function that kernels take by its address, which is looked up once and not at every call."""

    def __init__(self, kernel: Any, signature: Any) -> None:
        self.kernel, self._signature = kernel, signature
        compiled = kernel.get_compile_result(signature)
        self._address = compiled.library.get_pointer_to_function(compiled.fndesc.llvm_cfunc_wrapper_name)

    def __wrapper_address__(self) -> int:
        return int(self._address)

    def signature(self) -> Any:
        """What it takes, as numba says it."""
        return self._signature

    def __call__(self, *values: Any) -> None:
        self.kernel(*values)


def writable(folder: Path) -> bool:
    """True where a file can be made in `folder`, which is made if need be."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


@lru_cache(maxsize=1)
def kernel_folder() -> Path:
    """The folder of compiled and generated code: in the user's cache, else a private temporary one, with a warning.

    The private one is removed when the process that made it ends."""
    sources = sorted(Path(__file__).parent.glob("*.py"))
    text = b"".join(path.read_bytes() for path in sources) + f"{numba.__version__} {sys.version}".encode()
    folder = cache_folder() / "kernels" / hashlib.sha256(text).hexdigest()[:16]
    if writable(folder):
        return folder
    private = Path(tempfile.mkdtemp(prefix="vvuq-kernels-"))
    atexit.register(_remove, private, os.getpid())
    remedy = "compiling anew takes a minute; VVUQ_CACHE may name a folder that can be written"
    warnings.warn(f"{cache_folder()} cannot be written: {remedy}", RuntimeWarning, stacklevel=2)
    return private


def _remove(folder: Path, owner: int) -> None:
    """A child that was forked does not take away the folder of its parent."""
    if os.getpid() == owner:
        shutil.rmtree(folder, ignore_errors=True)


class ByContent(UserProvidedCacheLocator):
    """Keeps the compiled form of these kernels, and of generated ones, wherever their sources lie.

    numba names a folder after the path of the source: each checkout and each installation would compile anew what
    another one has. The kernel folder carries the digest of the sources already."""

    @classmethod
    def from_function(cls, py_func: Any, py_file: str) -> UserProvidedCacheLocator | None:
        """A locator for what lies in this package, or was generated by it; None for all else."""
        if Path(py_file).parent not in (Path(__file__).parent, kernel_folder()):
            return None
        found: UserProvidedCacheLocator | None = super().from_function(py_func, py_file)
        return found

    @classmethod
    def get_suitable_cache_subpath(cls, py_file: str) -> str:
        """The same for every place where this package lies."""
        return "compiled"


# A folder that the environment names would not carry the digest: kernels could be stale there.
os.environ["NUMBA_CACHE_DIR"] = str(kernel_folder())
vars(numba.config)["CACHE_DIR"] = os.environ["NUMBA_CACHE_DIR"]
CacheImpl._locator_classes.insert(0, ByContent)
