"""How kernels are compiled: without the interpreter's lock, and kept on disk for the next start."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numba import njit

Kernel = Callable[..., Any]


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
