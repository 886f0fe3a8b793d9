"""The customers of a file: each identifier hashed once, each row then known by a number.

Identifiers are found by a 64-bit hash in a table of open addresses, and compared as written, so
that two that share a hash stay two customers.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from analysis.customer_key import customer_keys, erased_mark

Numbers = npt.NDArray[np.int64]
DIGITS = 32
BATCH = 100_000


class Names:
    """Which customers a file names: numbers from 0 in the order of their first rows."""

    def __init__(
        self, engine: duckdb.DuckDBPyConnection, key: bytes, erased_marks: frozenset[str]
    ) -> None:
        self._engine, self._key, self._erased_marks = engine, key, erased_marks
        self._slots = _Slots()
        self._raw = _Texts()
        self._keys = np.empty(0, dtype=f"S{DIGITS}")
        self._erased = np.empty(0, dtype=bool)
        self._alike: dict[str, int] = {}
        self._plain = True

    def numbers(self, raw: pa.Array) -> Numbers:
        """The number of each customer as written; -1 where none is written."""
        if pa.types.is_dictionary(raw.type):  # few customers, many rows
            raw = raw.dictionary_decode()
        self._engine.register("raw_names", pa.table({"raw": raw}))
        found = self._engine.sql("SELECT coalesce(hash(raw), 0) AS mark FROM raw_names")
        marks = found.to_arrow_table()["mark"].to_numpy()
        self._engine.unregister("raw_names")
        there = np.asarray(pc.is_valid(raw))
        numbers = self._slots.find(np.maximum(marks, 1))
        numbers[~there] = -1
        new = np.flatnonzero((numbers < 0) & there)
        if len(new):
            marks, first, turn = np.unique(
                np.maximum(marks[new], 1), return_index=True, return_inverse=True
            )
            order = np.argsort(first)
            place = np.empty_like(order)
            place[order] = np.arange(len(order))
            start = len(self._raw)
            self._add(raw.take(pa.array(new[first[order]])))
            self._slots.add(marks[order], start + np.arange(len(order)))
            numbers[new] = start + place[turn]
        return self._told_apart(raw, numbers)

    def close(self) -> None:
        """No more identifiers come."""
        self._slots = _Slots()

    def erased(self, numbers: Numbers) -> npt.NDArray[np.bool_]:
        """Which of these customers were erased."""
        if not self._erased_marks or not len(self._erased):
            return np.zeros(len(numbers), dtype=bool)
        return self._erased[numbers] & (numbers >= 0)

    def raw(self, numbers: Numbers) -> pa.Array:
        """The customers as written."""
        return self._raw.array().take(_indices(numbers)).cast(pa.string())

    def pseudonyms(self, numbers: Numbers) -> pa.DictionaryArray:
        """The pseudonyms of customers, each kept once."""
        given = numbers >= 0
        used = np.zeros(len(self._raw), dtype=bool)
        used[numbers[given]] = True
        place = np.cumsum(used) - 1
        keys = self._texts(np.flatnonzero(used))
        indices = place[numbers] if len(place) else np.zeros(len(numbers), dtype=np.int64)
        indices = pa.array(indices.astype(np.int32), mask=None if given.all() else ~given)
        if self._plain:
            return pa.DictionaryArray.from_arrays(indices, keys)
        alike = keys.dictionary_encode()
        return pa.DictionaryArray.from_arrays(alike.indices.take(indices), alike.dictionary)

    def pairs(self) -> Iterator[tuple[str, str]]:
        """Pseudonym and identifier of all but those who were erased."""
        raw = self._raw.array()
        for start in range(0, len(raw), BATCH):
            keys = self._keys[start : start + BATCH].tolist()
            gone = self._erased[start : start + BATCH].tolist()
            for key, text, erased in zip(
                keys, raw.slice(start, BATCH).to_pylist(), gone, strict=False
            ):
                if not erased:
                    yield key.decode(), text

    def _told_apart(self, raw: pa.Array, numbers: Numbers) -> Numbers:
        """Give identifiers that only share the hash of another a number of their own."""
        known = self._raw.array().take(_indices(numbers))
        other = np.flatnonzero(
            ~np.asarray(pc.equal(known, raw.cast(pa.large_string())).fill_null(True))
        )
        for at in other.tolist():
            text = raw[at].as_py()
            if text not in self._alike:
                self._alike[text] = len(self._raw)
                self._add(pa.array([text]))
            numbers[at] = self._alike[text]
        return numbers

    def _add(self, raw: pa.Array) -> None:
        texts = raw.to_pylist()
        keys = customer_keys(texts, self._key)
        self._plain = self._plain and _all_normal(raw)
        start, end = len(self._raw), len(self._raw) + len(texts)
        self._raw.add(raw)
        self._keys = _roomy(self._keys, end)
        self._erased = _roomy(self._erased, end)
        self._keys[start:end] = np.array(keys, dtype=f"S{DIGITS}")
        self._erased[start:end] = [
            bool(self._erased_marks) and erased_mark(customer, self._key) in self._erased_marks
            for customer in keys
        ]

    def _texts(self, numbers: Numbers) -> pa.Array:
        keys = np.ascontiguousarray(self._keys[numbers])
        offsets = np.arange(0, DIGITS * (len(keys) + 1), DIGITS, dtype=np.int32)
        buffers = [None, pa.py_buffer(offsets), pa.py_buffer(keys.view(np.uint8))]
        return pa.Array.from_buffers(pa.string(), len(keys), buffers)


class _Slots:
    """Numbers by 64-bit marks above zero: open addresses, at most a quarter of them taken."""

    def __init__(self) -> None:
        self._marks = np.zeros(1 << 12, dtype=np.uint64)
        self._numbers = np.zeros(1 << 12, dtype=np.int64)
        self._taken = 0

    def find(self, marks: npt.NDArray[np.uint64]) -> Numbers:
        """The number of each mark; -1 where it is new."""
        found = np.full(len(marks), -1, dtype=np.int64)
        left, slots = np.arange(len(marks)), self._first(marks)
        while len(left):
            there = self._marks[slots]
            hit = there == marks
            found[left[hit]] = self._numbers[slots[hit]]
            on = ~hit & (there != 0)
            left, marks, slots = left[on], marks[on], self._next(slots[on])
        return found

    def add(self, marks: npt.NDArray[np.uint64], numbers: Numbers) -> None:
        """Add marks that are new, each once."""
        self._taken += len(marks)
        if 4 * self._taken > len(self._marks):
            there = self._marks != 0
            marks = np.concatenate((self._marks[there], marks))
            numbers = np.concatenate((self._numbers[there], numbers))
            size = 1 << (4 * self._taken).bit_length()
            self._marks = np.zeros(size, dtype=np.uint64)
            self._numbers = np.zeros(size, dtype=np.int64)
        slots = self._first(marks)
        while len(marks):
            free = self._marks[slots] == 0
            self._marks[slots[free]] = marks[free]
            won = self._marks[slots] == marks
            self._numbers[slots[won]] = numbers[won]
            marks, numbers, slots = marks[~won], numbers[~won], self._next(slots[~won])

    def _first(self, marks: npt.NDArray[np.uint64]) -> Numbers:
        return (marks & np.uint64(len(self._marks) - 1)).astype(np.int64)

    def _next(self, slots: Numbers) -> Numbers:
        return (slots + 1) & (len(self._marks) - 1)


class _Texts:
    """A growing column of texts, seen as an Arrow array without a copy."""

    def __init__(self) -> None:
        self._offsets = np.zeros(1, dtype=np.int64)
        self._bytes = np.empty(0, dtype=np.uint8)
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def add(self, texts: pa.Array) -> None:
        """Append texts, none of them missing."""
        added = texts.cast(pa.large_string())
        lengths = pc.binary_length(added).to_numpy(zero_copy_only=False)
        start = int(self._offsets[self._size])
        ends = start + np.cumsum(lengths)
        size = self._size + len(added)
        self._offsets = _roomy(self._offsets, size + 1)
        self._offsets[self._size + 1 : size + 1] = ends
        total = int(ends[-1]) if len(ends) else start
        self._bytes = _roomy(self._bytes, total)
        _, bounds, content = added.buffers()
        first = int(np.frombuffer(bounds, dtype=np.int64)[added.offset])
        self._bytes[start:total] = np.frombuffer(content, dtype=np.uint8)[
            first : first + total - start
        ]
        self._size = size

    def array(self) -> pa.Array:
        """All texts so far."""
        buffers = [None, pa.py_buffer(self._offsets), pa.py_buffer(self._bytes)]
        return pa.Array.from_buffers(pa.large_string(), self._size, buffers)


def _all_normal(raw: pa.Array) -> bool:
    """Whether ``normal_identifier`` plainly changes none, so that none is another's spelling."""
    printable = pc.all(pc.ascii_is_printable(raw)).as_py() is not False
    plain = pc.ascii_trim_whitespace(pc.ascii_lower(raw)) if printable else raw
    return printable and bool(raw.equals(plain))


def _indices(numbers: Numbers) -> pa.Array:
    missing = numbers < 0
    return pa.array(numbers, mask=missing if missing.any() else None)


def _roomy(array: npt.NDArray[Any], size: int) -> npt.NDArray[Any]:
    """The array, or a longer copy with room for ``size`` cells."""
    if size <= len(array):
        return array
    longer = np.zeros(max(size, 2 * len(array)), dtype=array.dtype)
    longer[: len(array)] = array
    return longer
