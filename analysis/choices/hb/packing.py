"""Choice tasks as blocks of respondents, the form in which the kernel reads them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.choices.hb.kernel import LANES

ABSENT = -80.0
"""Added to the utility of an alternative that is not there: its probability is below 1e-34."""


@dataclass(frozen=True, slots=True)
class Packed:
    """Coded tasks in blocks of ``LANES`` respondents.

    Attributes
    ----------
    rows, offset
        (blocks, T * others, K, LANES) and (blocks, T * others, LANES) float32.
    tasks
        (blocks,) tasks of the longest respondent in each block.
    others
        Alternatives of the largest task less one.
    order
        (N,) which respondent stands in lane 0, 1, 2 ...; respondents with many tasks first.
    logs
        Columns whose coefficient is e^b, b normal between respondents.
    """

    rows: NDArray[np.float32]
    offset: NDArray[np.float32]
    tasks: NDArray[np.int64]
    others: int
    order: NDArray[np.int64]
    logs: tuple[int, ...] = ()

    @property
    def respondents(self) -> int:
        """How many respondents."""
        return int(self.order.size)

    def spread(self, values: NDArray[np.floating]) -> NDArray[np.float32]:
        """(N, M) numbers of respondents as blocks (blocks, M, LANES); empty lanes are zero."""
        blocks = self.tasks.size
        full = np.zeros((blocks * LANES, values.shape[1]), np.float32)
        full[: self.respondents] = values[self.order]
        return np.ascontiguousarray(full.reshape(blocks, LANES, -1).transpose(0, 2, 1))

    def gather(self, blocks: NDArray[np.float32]) -> NDArray[np.float32]:
        """The inverse of ``spread``: (..., blocks, M, LANES) to (..., N, M)."""
        moved = np.moveaxis(blocks, -1, -2)
        lanes = moved.shape[-3] * moved.shape[-2]
        flat = moved.reshape(*moved.shape[:-3], lanes, moved.shape[-1])
        out = np.empty((*flat.shape[:-2], self.respondents, flat.shape[-1]), blocks.dtype)
        out[..., self.order, :] = flat[..., : self.respondents, :]
        return out


def pack(
    x: NDArray[np.floating], y: NDArray[np.integer], available: NDArray[np.bool_] | None = None
) -> Packed:
    """Blocks from coded alternatives.

    Parameters
    ----------
    x
        (N, T, J, K) coded alternatives.
    y
        (N, T) the chosen alternative, -1 where there is no task.
    available
        (N, T, J) which alternatives were shown; None means all.

    Raises
    ------
    ValueError
        Not a finite number in a used row, a choice out of range or of an unavailable alternative.
    """
    if x.ndim != 4 or y.shape != x.shape[:2]:
        raise ValueError(f"expected x (N, T, J, K) and y (N, T), got {x.shape} and {y.shape}")
    n, _, alternatives, width = x.shape
    shown = y >= 0
    if not shown.any():
        raise ValueError("no choice task: every entry of y is -1")
    if np.any(y >= alternatives):
        raise ValueError(f"y names an alternative beyond the last one, {alternatives - 1}")
    if not np.isfinite(x[shown]).all():
        raise ValueError("x holds numbers that are not finite")
    counts = shown.sum(axis=1)
    order = np.argsort(-counts, kind="stable")
    blocks, longest, others = -(-n // LANES), int(counts.max()), alternatives - 1
    rows = np.zeros((blocks * LANES, longest, others, width), np.float32)
    offset = np.full((blocks * LANES, longest, others), ABSENT, np.float32)
    lane = np.empty(n, np.int64)
    lane[order] = np.arange(n)
    i, t = np.nonzero(shown)
    position = (np.cumsum(shown, axis=1) - 1)[i, t]
    chosen = y[i, t]
    other = np.arange(others)[None, :] + (np.arange(others)[None, :] >= chosen[:, None])
    each = np.arange(i.size)
    tasks = x[i, t]
    rows[lane[i], position] = tasks[each[:, None], other] - tasks[each, chosen][:, None, :]
    offset[lane[i], position] = 0.0
    if available is not None:
        there = available[i, t]
        if not there[each, chosen].all():
            raise ValueError("y names an alternative that was not available")
        absent = ~there[each[:, None], other]
        a, j = np.nonzero(absent)
        offset[lane[i][a], position[a], j] = ABSENT
        rows[lane[i][a], position[a], j] = 0.0
    per_block = np.zeros(blocks * LANES, np.int64)
    per_block[:n] = counts[order]
    return Packed(
        rows=np.ascontiguousarray(
            rows.reshape(blocks, LANES, longest * others, width).transpose(0, 2, 3, 1)
        ),
        offset=np.ascontiguousarray(
            offset.reshape(blocks, LANES, longest * others).transpose(0, 2, 1)
        ),
        tasks=per_block.reshape(blocks, LANES).max(axis=1),
        others=others,
        order=order,
    )
