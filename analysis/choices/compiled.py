"""How kernels are compiled: without the interpreter's lock, and kept on disk for the next start."""

from __future__ import annotations

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
