"""A load gives the same whatever the sizes of its blocks, batches and files."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from analysis.customer_key import customer_key
from analysis.ledgers import draft, files, window
from analysis.ledgers.folder import parquet_files
from analysis.ledgers.kinds import PURCHASES
from analysis.ledgers.layout import Layout
from analysis.ledgers.load import Loading, load_files
from analysis.ledgers.looking import read_history_of, read_quarantine_of, read_rows_of
from analysis.ledgers.raw import RawFolder

KEY = b"0123456789abcdef"
ROOMS = {"SAMPLE": files, "BLOCK": window}
SIZES = {
    "as installed": {},
    "small blocks": {"SAMPLE": 500, "BLOCK": 700},
    "small blocks and batches": {
        "SAMPLE": 2_000,
        "BLOCK": 3_000,
        "ROWS_A_BATCH": 60,
        "BATCHES_A_FILE": 3,
        "FEW_GONE": 2,
    },
}


def purchases(rows=1_000):
    """A file with repeats and contradictions far apart, blanks, spellings and bad cells."""
    rng = np.random.default_rng(5)
    lines = ["customer,time,amount,currency,store,channel,on_sale,order,line,quantity"]
    for n in range(rows):
        who = ["ann", "Ann", "bob@x.org", f"c{rng.integers(40)}"][rng.integers(4)]
        cells = [
            who,
            f"2026-01-{rng.integers(1, 29):02d}T{rng.integers(24):02d}:00:00",
            f"{rng.integers(1, 900)}.{rng.integers(10)}",
            ["USD", ""][rng.integers(2)],
            ["north", " north", "süd", ""][rng.integers(4)],
            ["web", "till"][rng.integers(2)],
            ["yes", "No", "1", ""][rng.integers(4)],
            ["", f"A{n}"][int(rng.integers(5) > 0)],
            "1",
            ["1", "2.5", ""][rng.integers(3)],
        ]
        if n % 50 == 3:
            wrong = rng.integers(10)
            cells[wrong] = [
                "",
                "25:00:00",
                "1e12",
                "EURO",
                "x" * 1001,
                "w",
                "maybe",
                "",
                "",
                "two",
            ][wrong]
        lines.append(",".join(cells))
    for again in (10, 400):
        lines.append(lines[again])
    cells = lines[700].split(",")
    lines.append(",".join([*cells[:2], "1.23", *cells[3:7], "A5", "1", "1"]))
    lines.append(",".join([*cells[:2], "1.24", *cells[3:7], "A5", "1", "1"]))
    return "\n".join(lines) + "\n"


def loaded(folder, text, changed=()):
    folder.mkdir(exist_ok=True)
    how = Loading(
        kind=PURCHASES,
        folder=folder / "ledger" / "purchases",
        raw=RawFolder(folder / "raw"),
        key=KEY,
        today=date(2026, 11, 22),
    )
    for content in (text, *changed):
        path = folder / "file.csv"
        path.write_text(content, encoding="utf-8")
        summary = load_files([path], how, Layout(currency="USD"))
    apart = read_quarantine_of(how.folder, how.kind, how.raw)
    history = read_history_of(how.folder).drop(columns="superseded_by")
    return summary.files[0], read_rows_of(how.folder), apart.drop(columns="load"), history


@pytest.mark.parametrize("sizes", SIZES)
def test_sizes_make_no_difference(tmp_path, monkeypatch, sizes):
    text = purchases()
    corrected = text.replace("-05T", "-06T")
    wanted = loaded(tmp_path / "plain", text, [corrected])
    for name, size in SIZES[sizes].items():
        monkeypatch.setattr(ROOMS.get(name, draft), name, size)
    found = loaded(tmp_path / "other", text, [corrected])
    assert found[0] == wanted[0]
    assert found[0].superseding > 10
    assert found[0].duplicates > 500
    for table, other in zip(found[1:], wanted[1:], strict=True):
        assert len(table)
        by = list(table.columns.drop("reasons", errors="ignore"))
        pd.testing.assert_frame_equal(
            table.sort_values(by, ignore_index=True), other.sort_values(by, ignore_index=True)
        )


def test_rows_are_what_pandas_makes_of_the_same_cells(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "SAMPLE", 2_000)
    monkeypatch.setattr(window, "BLOCK", 5_000)
    text = purchases()
    _, rows, apart, _ = loaded(tmp_path, text)
    lines = text.splitlines()
    cells = pd.DataFrame([line.split(",") for line in lines[1:]], columns=lines[0].split(",")).map(
        str.strip
    )
    cells = cells.drop(index=apart["row"] - 2)
    cells = cells[~(cells.duplicated(["order", "line"]) & (cells["order"] != ""))]
    assert len(cells) == len(rows)
    wanted = pd.DataFrame(
        {
            "customer": [customer_key(name, KEY) for name in cells["customer"]],
            "amount": (cells["amount"].astype(float) * 100).round().astype(int),
            "store": cells["store"],
            "on_sale": cells["on_sale"].map({"yes": "true", "1": "true", "No": "false", "": ""}),
            "order": cells["order"],
            "quantity": pd.to_numeric(cells["quantity"]).fillna(-1),
        }
    )
    found = rows[list(wanted)].assign(
        store=rows["store"].fillna(""),
        on_sale=rows["on_sale"].map({True: "true", False: "false"}).fillna(""),
        order=rows["order"].fillna(""),
        quantity=rows["quantity"].fillna(-1),
    )
    by = list(wanted)
    pd.testing.assert_frame_equal(
        found.astype(wanted.dtypes.to_dict()).sort_values(by, ignore_index=True),
        wanted.sort_values(by, ignore_index=True),
    )
    assert set(rows["currency"]) == {"USD"}


def test_files_hold_rows_in_order_with_few_texts_as_dictionaries(tmp_path, monkeypatch):
    monkeypatch.setattr(draft, "ROWS_A_BATCH", 250)
    monkeypatch.setattr(files, "SAMPLE", 2_000)
    monkeypatch.setattr(window, "BLOCK", 5_000)
    loaded(tmp_path, purchases())
    paths = parquet_files(tmp_path / "ledger" / "purchases")
    orders = [o for p in paths for o in pq.read_table(p)["order"].to_pylist() if o]
    assert orders == sorted(orders, key=lambda order: int(order[1:]))
    group = pq.ParquetFile(paths[0]).metadata.row_group(0)
    coded = {
        group.column(n).path_in_schema
        for n in range(group.num_columns)
        if any("DICTIONARY" in encoding for encoding in group.column(n).encodings)
    }
    assert {"customer", "store", "channel", "source"} <= coded
