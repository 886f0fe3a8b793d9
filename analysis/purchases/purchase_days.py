"""Purchase days of all customers in a few bytes a line, for pages that look one customer up.

``outlook.sqlite`` keeps a row a customer with all lines, the newest first, packed as ``LINE``. A
row a day would be ten million rows where there are half a million customers.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import date
from itertools import pairwise

import numpy as np
import pyarrow as pa

from analysis.ledgers.engine import connection
from analysis.purchases.engine import Purchases, offer_purchases

COLUMNS = ("day", "cents", "channel", "store", "on_sale")
LINE = np.dtype([*zip(COLUMNS, ("<i4", "<i8", "<i4", "<i4", "i1"), strict=True)])
"""As ``stored_outlook.LINE``: day since 1970, net cents, numbers of ``places`` (-1: unknown)."""
BATCH = 1_000_000
NAMES = """
    CREATE TEMP TABLE names AS
    SELECT customer, (row_number() OVER (ORDER BY customer) - 1)::INTEGER AS number
    FROM (SELECT DISTINCT customer FROM purchases WHERE day <= ?::DATE)
"""
PLACES = """
    CREATE TEMP TABLE places AS
    SELECT name, (row_number() OVER (ORDER BY name) - 1)::INTEGER AS number
    FROM (SELECT DISTINCT channel AS name FROM purchases UNION SELECT DISTINCT store FROM purchases)
    WHERE name IS NOT NULL
"""
SORTED = """
    SELECT names.number AS customer, (purchases.day - DATE '1970-01-01')::INTEGER AS day,
           amount AS cents, coalesce(channels.number, -1) AS channel,
           coalesce(stores.number, -1) AS store, coalesce(on_sale, false)::TINYINT AS on_sale
    FROM purchases JOIN names USING (customer)
    LEFT JOIN places AS channels ON purchases.channel = channels.name
    LEFT JOIN places AS stores ON purchases.store = stores.name
    WHERE purchases.day <= ?::DATE ORDER BY 1, 2 DESC
"""


def write_purchase_days(file: sqlite3.Connection, purchases: Purchases, *, as_of: date) -> None:
    """Write the tables ``purchase_days`` and ``places``, of purchases up to a day."""
    file.execute("CREATE TABLE purchase_days (customer TEXT, lines BLOB)")
    file.execute("CREATE TABLE places (number INTEGER PRIMARY KEY, name TEXT)")
    day = as_of.isoformat()
    with connection() as engine:
        offer_purchases(engine, purchases)
        engine.execute(NAMES, [day])
        engine.execute(PLACES)
        places = engine.execute("SELECT number, name FROM places").fetchall()
        file.executemany("INSERT INTO places VALUES (?, ?)", places)
        names = engine.execute("SELECT customer FROM names ORDER BY number").fetchnumpy()
        batches = engine.sql(SORTED, params=[day]).to_arrow_reader(BATCH)
        rows = ((names["customer"][number], lines) for number, lines in _by_customer(batches))
        file.executemany("INSERT INTO purchase_days VALUES (?, ?)", rows)
    file.execute("CREATE UNIQUE INDEX purchase_days_by_name ON purchase_days (customer)")


def _by_customer(batches: pa.RecordBatchReader) -> Iterator[tuple[int, bytes]]:
    """Customers' numbers and packed lines, of batches in the order of both."""
    customers, lines = np.empty(0, dtype=np.int32), np.empty(0, dtype=LINE)
    for batch in batches:
        added = np.empty(batch.num_rows, dtype=LINE)
        for name in COLUMNS:
            added[name] = batch[name].to_numpy()
        customers = np.concatenate([customers, batch["customer"].to_numpy()])
        lines = np.concatenate([lines, added])
        edges = [0, *(np.flatnonzero(customers[1:] != customers[:-1]) + 1)]
        for start, end in pairwise(edges):
            yield int(customers[start]), lines[start:end].tobytes()
        customers, lines = customers[edges[-1] :], lines[edges[-1] :]  # may go on in the next
    if len(lines):
        yield int(customers[0]), lines.tobytes()
