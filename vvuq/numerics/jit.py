"""How kernels are compiled: one decorator, one set of function-pointer types, one place for the compiled code.

numba keys its cache on a kernel's own file alone, so a kernel would not notice a change in a helper of another file.
All kernels therefore live in this folder, and the cache folder's name carries the digest of its sources."""

from __future__ import annotations

import atexit
import hashlib
import os
import shutil
import sys
import tempfile
import warnings
from functools import lru_cache
from pathlib import Path

import numba
from numba import types

from vvuq.paths import cache_folder

F8, C16, I8 = types.float64, types.complex128, types.int64
VECTOR, MATRIX, CUBE = F8[::1], F8[:, ::1], F8[:, :, ::1]
C_VECTOR, C_MATRIX, C_CUBE = C16[::1], C16[:, ::1], C16[:, :, ::1]
INDICES = I8[::1]

# f(t, x, u, theta, out): the right-hand side and the observables share one signature.
FIELD_SIGNATURE = types.void(F8, VECTOR, VECTOR, VECTOR, VECTOR)
C_FIELD_SIGNATURE = types.void(F8, C_VECTOR, VECTOR, C_VECTOR, C_VECTOR)
FIELD = types.FunctionType(FIELD_SIGNATURE)
C_FIELD = types.FunctionType(C_FIELD_SIGNATURE)


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


# A folder that the environment names would not carry the digest: kernels could be stale there.
os.environ["NUMBA_CACHE_DIR"] = str(kernel_folder())
vars(numba.config)["CACHE_DIR"] = os.environ["NUMBA_CACHE_DIR"]
