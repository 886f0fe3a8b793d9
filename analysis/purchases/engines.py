"""One session of an engine: purchases are offered, expressions kept, results fetched or written.

Expressions are written once, on unbound Ibis tables; an engine gets their SQL in its own dialect.
DuckDB runs inside the program; Apache Spark (``spark.py``) runs where a company has it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import ibis
import ibis.expr.types as ir
import pandas as pd
import pyarrow as pa

from analysis.ledgers.days import dated_rows
from analysis.ledgers.engine import connection
from analysis.purchases.engine import Purchases, as_arrow, numbered, with_integers
from analysis.purchases.parquet import REQUIRED, parquet_files

ENGINES = ("duckdb", "spark")


PART_ROWS, MOST_PARTS = 2_500_000, 12
"""Rows of purchases worked on at a time, and the most parts: each costs a scan of the customers."""
SAMPLE = 20_000
"""Customers from which the bounds of parts are taken."""
BATCH_ROWS = 100_000
"""Rows handed out at a time."""


class Part(NamedTuple):
    """Purchases of some customers, to be worked on at a time."""

    purchases: ir.Table
    """With numbers in place of the customers when there are ``names``."""
    names: ir.Table | None = None
    """customer (the name) and number: grouping and sorting by numbers costs far less."""


class EngineFault(RuntimeError):
    """An engine that cannot be used; the message says what is missing and how to get it."""


class Engine(Protocol):
    """Where expressions run."""

    name: str

    def offer(self, name: str, table: pa.Table | list[Path]) -> None:
        """Make a table, or the rows of Parquet files with their days, known under a name."""

    def keep(self, name: str, expression: ir.Table) -> ir.Table:
        """Compute an expression once and keep it; the table to write further expressions on."""

    def keep_on_disk(self, name: str, parts: Iterable[ir.Table]) -> ir.Table:
        """Compute expressions with the same columns in turn; all their rows, kept out of memory."""

    def forget(self, table: ir.Table) -> None:
        """Let go of a kept table."""

    def parts(self, purchases: ir.Table) -> list[Part]:
        """Divide purchases by customers, to work on a part at a time."""

    def arrow(self, expression: ir.Table) -> pa.Table:
        """The rows of an expression, with its columns and types."""

    def batches(self, expression: ir.Table) -> Iterator[pa.RecordBatch]:
        """The rows of an expression, some at a time."""

    def write(self, expression: ir.Table, path: Path) -> None:
        """Write the rows as Parquet: a file, or a folder of files where an engine is spread."""


@contextmanager
def open_engine(name: str = "duckdb", *, memory_gb: float | None = None) -> Iterator[Engine]:
    """Start an engine by name; it ends, and forgets its tables, with the block.

    Parameters
    ----------
    name
        'duckdb', or 'spark': the session that runs already, else one with the company's Spark
        configuration (``spark-defaults.conf``, ``SPARK_HOME``, ``MASTER``), else on this machine.
    memory_gb
        Most memory of DuckDB; what does not fit goes to disk. Spark takes its own configuration.

    Raises
    ------
    EngineFault
        When the engine is unknown, or something it needs is missing.
    """
    if name == "duckdb":
        with _duckdb(memory_gb) as engine:
            yield engine
    elif name == "spark":
        from analysis.purchases.spark import spark_engine

        with spark_engine() as engine:
            yield engine
    else:
        raise EngineFault(f"there is no engine '{name}'. Choose one of: {', '.join(ENGINES)}")


def offer_purchases(engine: Engine, purchases: Purchases) -> None:
    """Make purchases known under the name 'purchases'.

    ``purchases`` is a table, the folder of a ledger, one Parquet file with the ledger's columns,
    or a folder of such files.
    """
    if isinstance(purchases, pd.DataFrame):
        engine.offer("purchases", as_arrow(purchases))
        return
    files = parquet_files(purchases)
    if files:
        engine.offer("purchases", files)
    else:
        engine.offer("purchases", as_arrow(pd.DataFrame(columns=list(REQUIRED))))


def frame(engine: Engine, expression: ir.Table) -> pd.DataFrame:
    """The rows of an expression as a data frame; whole numbers stay whole."""
    return with_integers(engine.arrow(expression).to_pandas(), expression)


def arrow_schema(expression: ir.Table) -> pa.Schema:
    """The columns of an expression in Arrow: 64-bit numbers whatever width an engine sums in."""
    return pa.schema([(name, _arrow(kind)) for name, kind in expression.schema().items()])


def _arrow(kind: Any) -> pa.DataType:
    if kind.is_integer():
        return pa.int64()
    if kind.is_floating():
        return pa.float64()
    if kind.is_boolean():
        return pa.bool_()
    if kind.is_date():
        return pa.date32()
    return pa.timestamp("us") if kind.is_timestamp() else pa.string()


class DuckDBEngine:
    """DuckDB inside this process."""

    name = "duckdb"

    def __init__(self, memory_gb: float | None, folder: Path) -> None:
        self._engine = connection()
        self._kept = 0
        self._folder = folder
        self._engine.execute(f"SET temp_directory = '{folder.as_posix()}'")
        if memory_gb is not None:
            self._engine.execute(f"SET memory_limit = '{int(memory_gb * 1000)}MB'")

    def offer(self, name: str, table: pa.Table | list[Path]) -> None:
        if isinstance(table, pa.Table):
            self._engine.register(name, table)
        else:
            self._engine.unregister(name)  # else an earlier table would hide the files
            dated_rows(self._engine, table).create_view(name, replace=True)

    def keep(self, name: str, expression: ir.Table) -> ir.Table:
        self._kept += 1
        name = f"{name}_{self._kept}"
        self._engine.execute(f"CREATE TEMP TABLE {name} AS {_sql(expression)}")
        return ibis.table(expression.schema(), name=name)

    def keep_on_disk(self, name: str, parts: Iterable[ir.Table]) -> ir.Table:
        self._kept += 1
        name = f"{name}_{self._kept}"
        files = []
        for number, part in enumerate(parts):
            files.append(self._folder / f"{name}_{number}.parquet")
            self.write(part, files[-1])
        self.offer(name, files)
        return ibis.table(part.schema(), name=name)

    def forget(self, table: ir.Table) -> None:
        self._engine.execute(f"DROP TABLE {table.get_name()}")

    def parts(self, purchases: ir.Table) -> list[Part]:
        rows = self.arrow(purchases.aggregate(n=purchases.count()))["n"][0].as_py()
        n = min(-(-rows // PART_ROWS), MOST_PARTS)
        if n < 2:
            return [Part(purchases)]
        each = purchases.select("customer").distinct()
        names = self.keep("names", each.mutate(number=ibis.row_number()))
        cuts = self._cuts(names, n)
        return [
            _part(purchases, names, first, end)
            for first, end in zip([None, *cuts], [*cuts, None], strict=True)
        ]

    def _cuts(self, names: ir.Table, n: int) -> list[str]:
        """Customers that divide all into n parts of about equal size."""
        some = names.filter(names.number < SAMPLE).select("customer").order_by("customer")
        found = self.arrow(some)["customer"].to_pylist()
        return sorted({found[len(found) * place // n] for place in range(1, n)})

    def arrow(self, expression: ir.Table) -> pa.Table:
        found = self._engine.sql(_sql(expression)).to_arrow_table()
        return found.cast(arrow_schema(expression))

    def batches(self, expression: ir.Table) -> Iterator[pa.RecordBatch]:
        schema = arrow_schema(expression)
        for batch in self._engine.sql(_sql(expression)).to_arrow_reader(BATCH_ROWS):
            yield batch.cast(schema)

    def write(self, expression: ir.Table, path: Path) -> None:
        self._engine.execute(f"COPY ({_sql(expression)}) TO ? (FORMAT parquet)", [str(path)])

    def close(self) -> None:
        """Forget everything."""
        self._engine.close()


def _part(purchases: ir.Table, names: ir.Table, first: str | None, end: str | None) -> Part:
    """The customers from one (None: the first) to before another (None: the last), numbered."""

    def within(table: ir.Table) -> ir.Table:
        if first is not None:
            table = table.filter(table.customer >= first)
        return table if end is None else table.filter(table.customer < end)

    mine, names = within(purchases), within(names)
    return Part(numbered(mine, names), names)


@contextmanager
def _duckdb(memory_gb: float | None) -> Iterator[DuckDBEngine]:
    with tempfile.TemporaryDirectory(prefix="purchases-") as folder:
        engine = DuckDBEngine(memory_gb, Path(folder))
        try:
            yield engine
        finally:
            engine.close()


def _sql(expression: ir.Table) -> str:
    """DuckDB's SQL. It sums whole numbers in 128 bits, which 64 hold (Ibis thinks they are)."""
    text = str(ibis.to_sql(expression, dialect="duckdb"))
    whole = [name for name, kind in expression.schema().items() if kind.is_integer()]
    if not whole:
        return text
    casts = ", ".join(f'CAST("{name}" AS BIGINT) AS "{name}"' for name in whole)
    return f"SELECT * REPLACE ({casts}) FROM ({text})"  # noqa: S608
