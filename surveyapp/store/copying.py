"""Copying a whole store into another database, and proving that nothing changed on the way."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass

from sqlalchemy import Connection, Table, func, select, text
from sqlalchemy.exc import DBAPIError

from surveyapp.store import migrate
from surveyapp.store.connection import Store, StoreFault
from surveyapp.store.schema import jobs, metadata

BATCH = 500
Progress = Callable[[str, int, int], None]
Row = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Copied:
    """One table: how many rows it has, and what they add up to, the same in both databases."""

    table: str
    rows: int
    digest: str


def copy(source: Store, target: Store, *, at: str, progress: Progress) -> list[Copied]:
    """Copy all tables, in one transaction of the target: an interrupted copy leaves it empty.

    The source is locked against writing meanwhile. Every row is read back from the target and
    compared, by count and digest, before anything is committed.

    Parameters
    ----------
    at
        The time now: jobs that a worker has under a lease by it are refused.

    Raises
    ------
    StoreFault
        When one of the two cannot be used, their schemas differ, the target holds anything, a job
        is running, or what arrived is not what was sent.
    """
    _check_different(source, target)
    if not migrate.is_current(source):
        raise StoreFault(
            "The database to copy from has another schema than this program. Back it up, run "
            "'surveyapp init' on it, then copy."
        )
    migrate.prepare(target)
    try:
        with ExitStack() as stack:
            old = stack.enter_context(source.write())
            _lock(old)
            _refuse_running(old, at)
            new = stack.enter_context(target.write())
            _lock(new)
            _refuse_filled(new)
            sent = [_copy_table(old, new, table, progress) for table in metadata.sorted_tables]
            for table in metadata.sorted_tables:
                _continue_numbers(new, table)
            for table, wanted in zip(metadata.sorted_tables, sent, strict=True):
                progress(f"Comparing {table.name}", 0, wanted.rows)
                _compare(new, table, wanted)
            return sent
    except DBAPIError as error:
        raise StoreFault(f"Nothing was copied: {_first_line(error)}") from None


def digest_of(rows: Iterator[Row]) -> tuple[int, str]:
    """How many rows there are, and their digest in a form that no database changes.

    The digest is the sum of the hashes of the rows, so that the order in which a database returns
    them does not count, while each row counts as often as it is there.
    """
    count = total = 0
    for row in rows:
        count += 1
        total += _hash(row)
    return count, f"{total % 2**256:064x}"


def _hash(row: Row) -> int:
    written = json.dumps([_plain(value) for value in row], ensure_ascii=True)
    return int.from_bytes(hashlib.sha256(written.encode()).digest())


def _plain(value: object) -> object:
    """A value in a form that is the same from every database."""
    if isinstance(value, bytes | memoryview):
        return {"bytes": bytes(value).hex()}
    if isinstance(value, float):
        return {"float": value.hex()}
    if value is None or isinstance(value, str | bool | int):
        return value
    return {type(value).__name__: str(value)}


def _copy_table(old: Connection, new: Connection, table: Table, progress: Progress) -> Copied:
    total = old.execute(select(func.count()).select_from(table)).scalar() or 0
    count = digest = 0
    names = [column.name for column in table.columns]
    found = old.execute(select(table).execution_options(yield_per=BATCH))
    for part in found.partitions():
        rows = [tuple(row) for row in part]
        digest += sum(_hash(row) for row in rows)
        try:
            new.execute(table.insert(), [dict(zip(names, row, strict=True)) for row in rows])
        except (DBAPIError, ValueError) as error:
            raise StoreFault(
                f"A row of table '{table.name}' cannot be stored in the new database, so nothing "
                f"was copied: {_first_line(error)}"
            ) from None
        count += len(rows)
        progress(f"Copying {table.name}", count, total)
    return Copied(table.name, count, f"{digest % 2**256:064x}")


def _compare(new: Connection, table: Table, wanted: Copied) -> None:
    found = new.execute(select(table).execution_options(yield_per=BATCH))
    count, digest = digest_of(tuple(row) for row in found)
    if (count, digest) != (wanted.rows, wanted.digest):
        raise StoreFault(
            f"Table '{table.name}' did not arrive as it was sent ({wanted.rows} rows sent, {count} "
            "found, or one of them was changed). Nothing was copied."
        )


def _lock(c: Connection) -> None:
    """Keep others from writing; a writing transaction of SQLite does that already."""
    if c.dialect.name == "postgresql":
        tables = ", ".join(
            c.dialect.identifier_preparer.format_table(t) for t in metadata.tables.values()
        )
        c.execute(text(f"LOCK TABLE {tables} IN SHARE ROW EXCLUSIVE MODE"))


def _refuse_running(old: Connection, at: str) -> None:
    held = (jobs.c.state == "running") & (jobs.c.lease_until > at)
    job = old.execute(select(jobs.c.job, jobs.c.worker).where(held)).first()
    if job:
        raise StoreFault(
            f"A worker ({job.worker}) is at job {job.job}. Stop all servers and workers, then copy."
        )


def _refuse_filled(new: Connection) -> None:
    filled = [
        table.name
        for table in metadata.sorted_tables
        if new.execute(select(func.count()).select_from(table)).scalar()
    ]
    if filled:
        raise StoreFault(
            f"The database to copy into is not empty (rows in {', '.join(filled)}). Nothing was "
            "copied. Make a new database, and name that."
        )


def _continue_numbers(new: Connection, table: Table) -> None:
    """Let a column that the database numbers go on after what was copied."""
    column = table.autoincrement_column
    if column is None or new.dialect.name != "postgresql":
        return
    last = new.execute(select(func.max(column))).scalar()
    if last is not None:
        named = {"t": table.name, "c": column.name, "last": last}
        new.execute(text("SELECT setval(pg_get_serial_sequence(:t, :c), :last)"), named)


def _check_different(source: Store, target: Store) -> None:
    if source.place == target.place:
        raise StoreFault("FROM and TO are the same database. Nothing was copied.")


def _first_line(error: Exception) -> str:
    return str(getattr(error, "orig", error)).strip().partition("\n")[0]
