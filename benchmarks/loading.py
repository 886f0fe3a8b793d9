"""The load of purchases beside a pandas loader that makes the same checks.

Run by ``benchmarks/purchases.py load``. The file has 10 million rows of half a million customers,
one in a thousand bad, in eleven ways. Both programs stage the file by its SHA-256, type every
column, give each bad row all its reasons, find repeated and contradicting lines by order and line,
put a keyed hash in place of each customer (each hashed once, by the same function), reconcile, and
write Parquet and the quarantine.
"""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path

import numpy as np

KEY = b"0123456789abcdef"
TODAY = "2026-11-22"
LINES_AN_ORDER = 4
SHARE = 0.001 * LINES_AN_ORDER  # of the last lines of orders
MISTAKES = {
    "customer_missing": lambda c: c.__setitem__(0, ""),
    "time_unparsed": lambda c: c.__setitem__(1, "2026-02-30T25:00:00"),
    "time_in_future": lambda c: c.__setitem__(1, "2099-01-01T10:00:00"),
    "time_implausible": lambda c: c.__setitem__(1, "1066-10-14T10:00:00"),
    "amount_unparsed": lambda c: c.__setitem__(2, "12.3.4"),
    "amount_absurd": lambda c: c.__setitem__(2, "1000000000000.00"),
    "currency_unknown": lambda c: c.__setitem__(3, "EURO"),
    "on_sale_unparsed": lambda c: c.__setitem__(7, "maybe"),
    "row_unreadable": lambda c: c.append("one too many"),
    "quantity_unparsed": lambda c: c.__setitem__(10, "two"),
    "line_contradicted": lambda c: c.__setitem__(9, str(int(c[9]) - 1)),
}
HEADER = "customer,time,amount,currency,store,product,channel,on_sale,order,line,quantity\n"


def write_file(path, rows):
    """Write the file; return {line: reason} of every bad row."""
    rng = np.random.default_rng(11)
    customers = max(rows // 20, 10)
    truth = {}
    names = list(MISTAKES)
    with Path(path).open("w") as file:
        file.write(HEADER)
        for start in range(0, rows, 200_000):
            n = min(200_000, rows - start)
            who = rng.integers(0, customers, n)
            seconds = np.sort(rng.integers(0, 86_400, n)) + 86_400 * (start // 200_000)
            when = (np.datetime64("2026-01-01T00:00:00") + seconds).astype(str)
            cents = rng.integers(100, 20_000, n)
            shop, item = rng.integers(0, 50, n), rng.integers(0, 2_000, n)
            sale = rng.random(n) < 0.2
            wrong = rng.random(n) < SHARE
            kinds = rng.integers(0, len(names), n)
            lines = []
            for i in range(n):
                at = start + i
                cells = [
                    f"customer{who[i]}@example.org",
                    when[i],
                    f"{cents[i] // 100}.{cents[i] % 100:02d}",
                    "USD",
                    f"store{shop[i]}",
                    f"product{item[i]}",
                    "web" if item[i] % 3 else "store",
                    "true" if sale[i] else "false",
                    f"A{at // LINES_AN_ORDER}",
                    str(at % LINES_AN_ORDER + 1),
                    "1",
                ]
                if wrong[i] and at % LINES_AN_ORDER == 3 and i and not wrong[i - 1]:
                    name = names[kinds[i]]
                    MISTAKES[name](cells)
                    truth[at + 2] = name
                lines.append(",".join(cells))
            file.write("\n".join(lines) + "\n")
    return truth


def ours(path, folder):
    """Load with the app's loader; return (CPU s, {line: reason}, accepted)."""
    from datetime import date

    from analysis.purchases.ledger import load_purchases, read_quarantine

    start = time.process_time()
    summary = load_purchases(
        [Path(path)],
        ledger_folder=Path(folder) / "ledger",
        key=KEY,
        today=date.fromisoformat(TODAY),
        currency="USD",
    )
    used = time.process_time() - start
    apart = read_quarantine(Path(folder) / "ledger")
    return used, dict(zip(apart["row"].tolist(), apart["reason"], strict=True)), summary.accepted


def peer(path, folder):
    """The same with pandas, by its vectorised means."""
    start = time.process_time()
    found, accepted = _pandas_load(Path(path), Path(folder))
    return time.process_time() - start, found, accepted


def _pandas_load(path, folder):
    import csv
    import hashlib

    import pandas as pd

    from analysis.customer_key import customer_keys

    staged = folder / "staged"
    with path.open("rb") as source, staged.open("wb") as target:
        shutil.copyfileobj(source, target, 4_000_000)
    with staged.open("rb") as file:
        hashlib.file_digest(file, "sha256").hexdigest()
    columns = HEADER.strip().split(",")
    ragged = {}
    with staged.open(newline="", encoding="utf-8") as file:  # pandas would not tell text or line
        reader = csv.reader(file)
        for cells in reader:
            if len(cells) != len(columns):
                ragged[reader.line_num] = cells
    frame = pd.read_csv(
        staged,
        dtype=str,
        keep_default_na=False,
        header=None,
        skiprows=[0, *(line - 1 for line in ragged)],
        names=columns,
    )
    n = len(frame) + len(ragged)
    lines = np.arange(2, n + 2)
    frame["row"] = lines[~np.isin(lines, list(ragged))]
    for name in columns:
        frame[name] = frame[name].str.strip()
    when = pd.to_datetime(frame["time"], format="ISO8601", errors="coerce", utc=True)
    amount = pd.to_numeric(frame["amount"], errors="coerce")
    cents = (amount * 100).round()
    quantity = pd.to_numeric(frame["quantity"], errors="coerce")
    sale = frame["on_sale"].str.lower()
    sound = ((amount * 100 - cents).abs() < 1e-3) & (frame["amount"] != "")
    checks = {
        "customer_missing": frame["customer"] == "",
        "time_unparsed": when.isna() & (frame["time"] != ""),
        "time_implausible": when < pd.Timestamp("1900-01-01", tz="UTC"),
        "time_in_future": when >= pd.Timestamp(TODAY, tz="UTC") + pd.Timedelta(days=1),
        "amount_unparsed": ~sound,
        "amount_absurd": amount.abs() > 1e9,
        "currency_unknown": (frame["currency"] != "USD") & (frame["currency"] != ""),
        "on_sale_unparsed": ~sale.isin(
            ["true", "false", "1", "0", "yes", "no", "y", "n", "t", "f", ""]
        ),
        "quantity_unparsed": quantity.isna() & (frame["quantity"] != ""),
    }
    for name in ("customer", "store", "product", "channel", "order", "line"):
        checks[f"{name}_too_long"] = frame[name].str.len() > 1_000
    bad = np.logical_or.reduce([mask.to_numpy() for mask in checks.values()])
    names = list(checks)
    masks = np.column_stack([mask.to_numpy()[bad] for mask in checks.values()])
    reasons = [[names[j] for j in np.flatnonzero(row)] for row in masks]
    apart = frame[bad].assign(reasons=reasons)
    good = pd.DataFrame(
        {
            "customer": frame["customer"],
            "time": when.dt.tz_localize(None),
            "amount": cents,
            **{name: frame[name] for name in ("currency", "store", "product", "channel")},
            "on_sale": sale.isin(["true", "1", "yes", "y", "t"]),
            "order": frame["order"],
            "line": frame["line"],
            "quantity": quantity,
        }
    )[~bad]
    again = good[good.duplicated(["order", "line"], keep=False)]
    first = again.drop_duplicates(["order", "line"])
    both = again.reset_index().merge(first, on=["order", "line"], suffixes=("", "_first"))
    both = both[both["index"].isin(again.index.difference(first.index))]
    told = [name for name in good.columns if name not in ("order", "line")]
    differs = np.logical_or.reduce([both[name] != both[f"{name}_first"] for name in told])
    contradicted = both["index"][differs]
    apart = pd.concat(
        [apart, frame.loc[contradicted].assign(reasons=[["line_contradicted"]] * len(contradicted))]
    )
    good = good.drop(index=both["index"])
    names = good["customer"].unique().tolist()
    keys = dict(zip(names, customer_keys(names, KEY), strict=True))
    good = good.assign(customer=good["customer"].map(keys), amount=good["amount"].astype("int64"))
    good.to_parquet(folder / "purchases.parquet", compression="zstd", index=False)
    apart.to_parquet(folder / "quarantine.parquet", compression="zstd", index=False)
    assert len(good) + len(apart) + len(ragged) + int((~differs).sum()) == n
    found = {row: names[0] for row, names in zip(apart["row"], apart["reasons"], strict=True)}
    return found | dict.fromkeys(ragged, "row_unreadable"), len(good)


def judged(found, truth):
    """How many bad rows were found with their reason, missed, and flagged wrongly."""
    right = sum(found.get(row) == reason for row, reason in truth.items())
    return {"right": right, "bad": len(truth), "wrongly": len(set(found) - set(truth))}


def read_truth(path):
    """The bad rows of a file written by ``write_file``."""
    return {int(row): reason for row, reason in json.loads(Path(path).read_text()).items()}
