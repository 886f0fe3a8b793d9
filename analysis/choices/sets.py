"""Choice sets: the tasks of a table laid out for fast passes, without the full coded matrix.

Rows are kept as places in small tables of codes (attributes merged while the table stays small),
and coded chunk by chunk: 240,000 tasks of four alternatives take some 20 MiB instead of 150.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.choices.coding import Coding, Floats
from analysis.tables import BOUGHT

Places = NDArray[np.intp]
CHUNK_CELLS = 80_000
"""Cells (rows x K) of a chunk: with its copies it stays in the processor's cache."""
TABLE_ROWS = 8_192
WIDEST = 1e9
"""Largest weight over the smallest above zero; more is a slip."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Coded alternatives, and which of each task is chosen (tasks,).

    ``columns`` (K, size, tasks) keeps each column together, so that arithmetic runs along the
    tasks: short rows of K numbers would cost a loop each.
    """

    columns: Floats
    size: int
    chosen: Places
    weight: Floats
    place: slice
    """Where the tasks of the chunk stand among all tasks."""
    bought: Floats | None = None
    """(tasks,) 1 or 0, the second answer of a dual-response none."""

    @property
    def x(self) -> Floats:
        """The coded alternatives task by task, (tasks * size, K)."""
        return self.columns.transpose(2, 1, 0).reshape(-1, len(self.columns))


@dataclass(frozen=True, slots=True)
class SizeGroup:
    """Tasks with the same number of alternatives; ``codes`` index the rows of ``tables``."""

    size: int
    start: int
    chosen: Places
    codes: tuple[NDArray[np.int32], ...]


@dataclass(frozen=True, slots=True)
class ChoiceSets:
    """All estimation tasks, grouped by size."""

    coding: Coding
    tables: tuple[Floats, ...]
    groups: tuple[SizeGroup, ...]
    respondents: tuple[str, ...]
    respondent: Places
    """(tasks,) place of the respondent of each task."""
    weight: Floats
    """(tasks,), mean 1 over respondents."""
    bought: Floats | None = None
    """(tasks,) 1 or 0, the second answer of a dual-response none; None for other tasks."""

    @property
    def n_tasks(self) -> int:
        return len(self.respondent)

    def null_log_likelihood(self) -> float:
        """The log-likelihood of equal chances (of the alternatives and a dual-response none)."""
        total = 0.0
        for group in self.groups:
            place = slice(group.start, group.start + len(group.chosen))
            weight = self.weight[place]
            total -= float(np.log(group.size) * weight.sum())
            if self.bought is not None:
                total += float(np.log(group.size) * (weight @ self.bought[place]))
                total -= float(np.log(group.size + 1) * weight.sum())
        return total

    def chunks(self) -> Iterator[Chunk]:
        """The coded tasks, a chunk at a time; each is fresh and may be overwritten."""
        tables = [np.ascontiguousarray(table.T) for table in self.tables]
        for group in self.groups:
            step = max(1, CHUNK_CELLS // (group.size * self.coding.width))
            for first in range(0, len(group.chosen), step):
                last = min(first + step, len(group.chosen))
                place = slice(group.start + first, group.start + last)
                yield Chunk(
                    self._coded(tables, group, first, last),
                    group.size,
                    group.chosen[first:last],
                    self.weight[place],
                    place,
                    None if self.bought is None else self.bought[place],
                )

    def _coded(self, tables: Sequence[Floats], group: SizeGroup, first: int, last: int) -> Floats:
        rows = slice(first * group.size, last * group.size)
        columns = np.empty((self.coding.width, group.size, last - first))
        k = 0
        for table, codes in zip(tables, group.codes, strict=True):
            places, end = codes[rows].reshape(-1, group.size).T, k + len(table)
            np.take(table, places, axis=1, out=columns[k:end], mode="clip")
            k = end
        return columns

    def tenth(self) -> ChoiceSets:
        """Every tenth task, for a first guess of the coefficients."""
        groups: list[SizeGroup] = []
        kept: list[Places] = []
        start = 0
        for group in self.groups:
            tasks = np.arange(0, len(group.chosen), 10)
            codes = tuple(c.reshape(-1, group.size)[tasks].ravel() for c in group.codes)
            groups.append(SizeGroup(group.size, start, group.chosen[tasks], codes))
            kept.append(tasks + group.start)
            start += len(tasks)
        tasks = np.concatenate(kept)
        return replace(
            self,
            groups=tuple(groups),
            respondent=self.respondent[tasks],
            weight=self.weight[tasks],
            bought=None if self.bought is None else self.bought[tasks],
        )


def choice_sets(
    coding: Coding, frame: pd.DataFrame, weights: Mapping[str, float] | None = None
) -> ChoiceSets:
    """Lay out the estimation tasks of a checked table; ValueError when there is none.

    Respondents of weight zero are left out.
    """
    if (frame["role"] != "estimation").any():
        frame = frame[frame["role"] == "estimation"]
    if frame.empty:
        raise ValueError("there is no task for estimation: all tasks are holdouts")
    frame = without_zero_weights(frame, weights)
    respondent, names = pd.factorize(frame["respondent"])
    task = pd.factorize(frame["task"])[0]
    sets, _ = pd.factorize(respondent * (int(task.max()) + 1) + task)
    sizes = np.bincount(sets)
    order = _order(sets, sizes)
    sizes_sorted = np.sort(sizes, kind="stable")
    starts = np.concatenate([[0], np.cumsum(sizes_sorted)[:-1]])
    if order is not None:
        frame, respondent = frame.iloc[order], respondent[order]
    tables, codes = _merged(coding.parts(frame))
    of_task = respondent[starts].astype(np.intp)
    chosen = np.flatnonzero(frame["chosen"].to_numpy(bool)) - starts
    return ChoiceSets(
        coding,
        tables,
        tuple(_groups(sizes_sorted, starts, chosen, codes)),
        tuple(str(name) for name in names),
        of_task,
        respondent_weights(names, weights)[of_task],
        frame[BOUGHT].to_numpy(float)[starts] if BOUGHT in frame.columns else None,
    )


def _order(sets: Places, sizes: Places) -> Places | None:
    """The order of rows by size of task and task; None when the rows stand that way."""
    if (sizes == sizes[0]).all():
        return None if (np.diff(sets) >= 0).all() else np.argsort(sets, kind="stable")
    return np.lexsort((sets, sizes[sets]))


def _groups(
    sizes: Places, starts: Places, chosen: Places, codes: tuple[NDArray[np.int32], ...]
) -> Iterator[SizeGroup]:
    for size in np.unique(sizes):
        tasks = np.flatnonzero(sizes == size)
        first, last = tasks[0], tasks[-1] + 1
        rows = slice(int(starts[first]), int(starts[last - 1]) + int(size))
        yield SizeGroup(int(size), int(first), chosen[first:last], tuple(c[rows] for c in codes))


def _merged(
    parts: list[tuple[Floats, Places]],
) -> tuple[tuple[Floats, ...], tuple[NDArray[np.int32], ...]]:
    """Neighbouring tables joined into one with all pairs of rows, while that stays small."""
    merged: list[tuple[Floats, Any]] = []
    for table, codes in parts:
        if merged and len(merged[-1][0]) * len(table) <= TABLE_ROWS:
            left, left_codes = merged.pop()
            both = np.hstack([np.repeat(left, len(table), axis=0), np.tile(table, (len(left), 1))])
            merged.append((both, left_codes * np.int32(len(table)) + codes.astype(np.int32)))
        else:
            merged.append((table, codes.astype(np.int32)))
    return tuple(table for table, _ in merged), tuple(codes for _, codes in merged)


def respondent_weights(names: pd.Index[Any], weights: Mapping[str, float] | None) -> Floats:
    """Weights (respondents,) scaled to a mean of 1; ValueError when one is missing or wrong."""
    if weights is None:
        return np.ones(len(names))
    missing = [str(name) for name in names if name not in weights]
    if missing:
        shown = ", ".join(missing[:10])
        raise ValueError(f"{len(missing)} respondents have no weight: {shown}")
    values = np.array([weights[name] for name in names], dtype=float)
    wrong = ~(np.isfinite(values) & (values >= 0))
    if wrong.any():
        pairs = zip(names[wrong][:10], values[wrong], strict=False)
        shown = ", ".join(f"respondent '{name}' has {value:g}" for name, value in pairs)
        raise ValueError(f"weights must be finite and not negative: {shown}")
    if not values.any():
        raise ValueError("all respondents have a weight of zero")
    least, most = values[values > 0].min(), values.max()
    if most / WIDEST > least:
        raise ValueError(
            f"weights run from {least:g} to {most:g} (respondent '{names[int(values.argmax())]}'), "
            "more than a billion times as much: mend the slip, and give zero to leave somebody out"
        )
    values = values / most
    scaled: Floats = values * len(values) / values.sum()
    return scaled


def without_zero_weights(frame: pd.DataFrame, weights: Mapping[str, float] | None) -> pd.DataFrame:
    """The rows of respondents who count; ValueError when a weight is missing or wrong.

    Respondents of weight zero carry no information, and must not be counted as if they did.
    """
    if weights is None:
        return frame
    names = pd.Index(frame["respondent"].drop_duplicates())
    counted = names[respondent_weights(names, weights) > 0]
    return frame if len(counted) == len(names) else frame[frame["respondent"].isin(counted)]
