"""The outlook of a run: lifetime values, alarms and purchase days of everybody.

    python benchmarks/outlook.py [--rows 10000000] [--customers 500000]

A ledger of 1,200 days in which all customers buy at one rate, a margin and acquisition costs of
36 months; ``write_outlook`` in this process: CPU seconds and peak memory.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from datetime import date
from pathlib import Path

import duckdb

from analysis.purchases.outlook import write_outlook

AS_OF = date(2026, 4, 14)
PURCHASES = """
    SELECT md5((hash(i * 7) % {customers})::VARCHAR) AS customer,
        TIMESTAMP '2023-01-01' + to_seconds((hash(i) % (1200 * 86400))::BIGINT) AS time,
        (100 + hash(i * 3) % 5000)::BIGINT AS amount, 'USD' AS currency,
        's' || (hash(i * 5) % 20) AS store, 'p' || (hash(i * 11) % 30) AS product,
        'shop' AS channel, hash(i * 13) % 10 = 0 AS on_sale, i::VARCHAR AS "order", '1' AS line
    FROM range({rows}) AS rows(i)
"""
MARGINS = """
    SELECT TIMESTAMP '2023-01-01' AS time, NULL::VARCHAR AS product, NULL::VARCHAR AS store,
        NULL::VARCHAR AS channel, 0.3::DOUBLE AS margin
"""
COSTS = """
    SELECT TIMESTAMP '2023-01-01' + to_months(i::INTEGER) AS time, 'shop' AS channel,
        100000::BIGINT AS cost, 'USD' AS currency
    FROM range(36) AS months(i)
"""


def ledger(folder: Path, query: str) -> None:
    """One load of the rows of a query."""
    version = folder / "versions" / "000001"
    (version / "rows").mkdir(parents=True)
    with duckdb.connect() as engine:
        engine.execute(
            f"COPY ({query}) TO '{version / 'rows' / '000001.parquet'}' (FORMAT parquet)"
        )
    (folder / "current").symlink_to(Path("versions") / "000001")


def main() -> None:
    """Make the ledgers, write the outlook."""
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    options.add_argument("--rows", type=int, default=10_000_000)
    options.add_argument("--customers", type=int, default=500_000)
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as name:
        ledgers, run = Path(name) / "ledgers", Path(name) / "run"
        run.mkdir()
        ledger(ledgers / "purchases", PURCHASES.format(rows=given.rows, customers=given.customers))
        ledger(ledgers / "margins", MARGINS)
        ledger(ledgers / "acquisition", COSTS)
        began = time.process_time()
        write_outlook(run, ledgers, as_of=AS_OF)
        used = time.process_time() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"{given.rows:,} purchases, {given.customers:,} customers: {used:.1f} CPU s, {peak} MiB")


if __name__ == "__main__":
    main()
