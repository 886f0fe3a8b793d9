"""Where the expressions on purchases run: Ibis writes the SQL, DuckDB executes it.

Expressions are written on unbound tables (``purchases_table``), so that the same ones can be
compiled for another engine. Kept to what engines agree on: whole cents, day differences, floor
division of numbers that are not negative, plain aggregates and windows.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

import duckdb
import ibis
import ibis.expr.types as ir
import pandas as pd
import pyarrow as pa

from analysis.ledgers.days import dated_rows, days_as_numpy
from analysis.ledgers.engine import connection
from analysis.ledgers.kinds import DAY
from analysis.purchases.parquet import REQUIRED, TYPES, parquet_files

_ARROW = {
    "string": pa.string(),
    "timestamp": pa.timestamp("us"),
    "int64": pa.int64(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
}

Purchases = pd.DataFrame | Path
"""Purchases as a table with the columns of ``TYPES``, or the folder of a ledger."""


def purchases_table() -> ir.Table:
    """The purchases that expressions are written on."""
    return ibis.table(TYPES, name="purchases")


def numbered(purchases: ir.Table, names: ir.Table) -> ir.Table:
    """Purchases of the customers in ``names`` (customer, number), with numbers in their place.

    Grouping and sorting by numbers costs far less.
    """
    joined = purchases.inner_join(names, "customer")
    others = [name for name in purchases.columns if name != "customer"]
    return joined.select(*others, customer=joined.number)


def as_arrow(purchases: pd.DataFrame) -> pa.Table:
    """Purchases with exactly the ledger's columns and types; optional ones may be missing.

    Without the column ``day`` the day is the date of the time in UTC.

    Raises
    ------
    ValueError
        When a required column is missing or has a missing value.
    """
    absent = [name for name in REQUIRED if name not in purchases.columns]
    if absent:
        raise ValueError(f"purchases lack the column(s) {', '.join(absent)}")
    empty = [name for name in REQUIRED if purchases[name].isna().any()]
    if empty:
        raise ValueError(f"purchases have missing values in {', '.join(empty)}")
    if not pd.api.types.is_integer_dtype(purchases["amount"]) and len(purchases):
        raise ValueError("'amount' must be whole cents (integers)")
    full = purchases.reindex(columns=[name for name in TYPES if name != DAY])
    schema = pa.schema([(name, _ARROW[TYPES[name]]) for name in full.columns])
    found = pa.Table.from_pandas(full, schema=schema, preserve_index=False)
    return found.append_column(DAY, pa.array(days_as_numpy(purchases), pa.date32()))


def offer_purchases(engine: duckdb.DuckDBPyConnection, purchases: Purchases) -> None:
    """Make purchases known to an engine under the name 'purchases'."""
    if isinstance(purchases, pd.DataFrame):
        engine.register("purchases", as_arrow(purchases))
        return
    files = parquet_files(purchases)
    if files:
        dated_rows(engine, files).create_view("purchases")
    else:
        engine.register("purchases", as_arrow(pd.DataFrame(columns=list(REQUIRED))))


def compute(
    expression: ir.Table, purchases: Purchases, **tables: pd.DataFrame | pa.Table
) -> pd.DataFrame:
    """Execute an expression on purchases and further named tables."""
    with connection() as engine:
        offer_purchases(engine, purchases)
        for name, table in tables.items():
            engine.register(name, table)
        found = engine.execute(str(ibis.to_sql(expression, dialect="duckdb"))).df()
    return with_integers(found, expression)


def with_integers(found: pd.DataFrame, expression: ir.Table) -> pd.DataFrame:
    """DuckDB sums whole numbers into wider ones, which arrive as floats: turn them back."""
    whole = [name for name, kind in expression.schema().items() if kind.is_integer()]
    return found.astype({name: "Int64" if found[name].isna().any() else "int64" for name in whole})


def last_day(purchases: Purchases) -> date | None:
    """The latest day of a purchase; None without any."""
    last = compute(purchases_table().agg(last=lambda t: t.day.max()), purchases)["last"].iloc[0]
    return None if pd.isna(last) else pd.Timestamp(last).date()


def refuse_mixed_currencies(purchases: Purchases) -> None:
    """Raise ValueError when purchases are in more than one currency: they do not add up."""
    known = purchases_table().filter(lambda t: t.currency.notnull())
    found = compute(known.select("currency").distinct().order_by("currency"), purchases)
    if len(found) > 1:
        names = ", ".join(found["currency"])
        raise ValueError(
            f"purchases are in several currencies ({names}), which do not add up: "
            "convert them to one, or score each currency apart"
        )
