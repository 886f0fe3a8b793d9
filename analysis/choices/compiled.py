"""How kernels are compiled: without the interpreter's lock, and kept on disk for the next start."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from numba import njit

Kernel = Callable[..., Any]


def drop_stale(folder: Path, modules: tuple[str, ...]) -> None:
    """Forget compiled kernels that are older than any of the modules.

    The cache looks at the file of a kernel only; kernels that call kernels of another file would
    keep its old arithmetic after an update.
    """
    newest = max((folder / f"{module}.py").stat().st_mtime for module in modules)
    for index in (folder / "__pycache__").glob("*.nbi"):
        with suppress(OSError):
            if index.stat().st_mtime < newest:
                index.unlink()


with suppress(OSError):
    drop_stale(Path(__file__).parent / "hb", ("../compiled", "kernel", "moves", "chain"))
    drop_stale(
        Path(__file__).parent / "design",
        ("../compiled", "space", "exchange", "overlap", "blocking", "orbits", "best_worst"),
    )


def compile_apart(kernel: Any, statement: str) -> None:
    """Have another process run ``statement``, which compiles, unless ``kernel`` is on disk already.

    A process that compiles holds some kernels twice, alone and optimised into their callers, and
    uses the first; one that loads only the callers uses the others. Both sum in an order of their
    own, so that draws would depend on which process came first.
    """
    folder = kernel._cache.cache_path
    if folder is None or any(Path(folder).glob(f"*.{kernel.__name__}-*.nbi")):
        return
    path = [*filter(None, sys.path), str(Path(__file__).parents[2])]
    command = f"import sys; sys.path[:] = {path!r}; {statement}"
    # where it fails this process compiles
    subprocess.run(  # noqa: S603 - this very interpreter, on our own kernels
        [sys.executable, "-c", command], check=False, capture_output=True
    )


def compiled(function: Kernel) -> Kernel:
    """Compile with exact IEEE arithmetic."""
    kernel: Kernel = njit(nogil=True, error_model="numpy", cache=True)(function)
    return kernel


def vectorised(function: Kernel) -> Kernel:
    """Compile with sums in any order and fused products, so that loops become vectors.

    NaN and infinity keep their meaning.
    """
    loose = {"reassoc", "contract", "nsz", "arcp"}
    kernel: Kernel = njit(nogil=True, error_model="numpy", cache=True, fastmath=loose)(function)
    return kernel
