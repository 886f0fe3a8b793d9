from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import sys
from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from analysis.customer_key import customer_key
from analysis.purchases import ledger
from analysis.purchases.ledger import (
    ledger_digest,
    load_purchases,
    read_ledger,
    read_loads,
    read_quarantine,
)
from analysis.purchases.reading import PurchaseFaults, read_purchases
from analysis.purchases.score import score_customers

KEY = b"0123456789abcdef"
TODAY = date(2026, 11, 22)
HEADER = "customer,time,amount,currency,on_sale,order,line\n"


def write(folder, text, name="purchases.csv"):
    path = folder / name
    path.write_text(HEADER + text, encoding="utf-8")
    return path


def load(path, folder, **more):
    return load_purchases([path], ledger_folder=folder / "ledger", key=KEY, today=TODAY, **more)


BAD = """\
Ann@x.org,2026-01-01,12.34,USD,yes,1,1
,2026-01-01,1,USD,,2,1
bob,2026-01-01T25:00:00,1,USD,,3,1
bob,2099-01-01,1,USD,,4,1
bob,2026-01-02,"1,200.00",USD,,5,1
bob,2026-01-02,1,EURO,,6,1
bob,2026-01-02,1,USD,maybe,7,1
bob,2026-01-02,1,200.00,USD,,8,1
ann@x.org,2026-01-01,12.34,USD,yes,1,1
ann@x.org,2026-01-01,99.00,USD,yes,1,1
ann@x.org,2026-01-01T10:00:00+02:00,-2.3,,no,1,2
"""
REASONS = {
    "amount_unparsed": 1,
    "currency_unknown": 1,
    "customer_missing": 1,
    "line_changed": 1,
    "on_sale_unparsed": 1,
    "row_unreadable": 1,
    "time_in_future": 1,
    "time_unparsed": 1,
}


def test_every_row_is_accounted_for_with_its_reason(tmp_path):
    found = load(write(tmp_path, BAD), tmp_path, currency="USD").files[0]
    assert (found.rows, found.accepted, found.quarantined, found.duplicates) == (11, 2, 8, 1)
    assert found.reconciled
    assert found.reasons == REASONS


def test_the_ledger_holds_cents_utc_and_keys_only(tmp_path):
    load(write(tmp_path, BAD), tmp_path, currency="USD")
    table = read_ledger(tmp_path / "ledger")
    assert list(table["amount"]) == [1234, -230]
    assert list(table["time"].dt.hour) == [0, 8]
    assert set(table["customer"]) == {customer_key("ann@x.org", KEY)}
    assert list(table["on_sale"]) == [True, False]
    assert set(table["currency"]) == {"USD"}
    stored = b"".join(f.read_bytes() for f in (tmp_path / "ledger").iterdir() if f.is_file())
    assert b"x.org" not in stored


def test_quarantine_keeps_row_reason_and_cells(tmp_path):
    load(write(tmp_path, BAD), tmp_path)
    kept = read_quarantine(tmp_path / "ledger").set_index("row")
    assert kept.loc[6, "reason"] == "amount_unparsed"
    assert json.loads(kept.loc[6, "cells"])["amount"] == "1,200.00"
    assert "9 cells" not in kept.loc[9, "cells"]
    assert "8 cells, the header 7" in kept.loc[9, "cells"]


def test_loading_twice_changes_nothing(tmp_path):
    path = write(tmp_path, BAD)
    load(path, tmp_path)
    before = ledger_digest(tmp_path / "ledger")
    again = load(path, tmp_path)
    assert again.files[0].already_loaded
    assert again.accepted == 0
    assert ledger_digest(tmp_path / "ledger") == before
    assert len(read_loads(tmp_path / "ledger")) == 1


def test_a_later_file_repeats_and_changes_lines(tmp_path):
    load(write(tmp_path, "ann,2026-01-01,1.00,USD,,1,1\n"), tmp_path)
    text = "ann,2026-01-01,1.00,USD,,1,1\nann,2026-01-01,2.00,USD,,1,1\nann,2026-01-02,3,USD,,1,2\n"
    second = load(write(tmp_path, text, "second.csv"), tmp_path).files[0]
    assert (second.accepted, second.duplicates, second.reasons) == (1, 1, {"line_changed": 1})
    assert read_ledger(tmp_path / "ledger")["amount"].sum() == 400


def test_the_same_order_number_of_another_source_is_another_order(tmp_path):
    path = write(tmp_path, "ann,2026-01-01,1.00,USD,,1,1\n")
    load(path, tmp_path, source="tills")
    assert load(path, tmp_path, source="web").accepted == 1


def test_lines_without_number_repeat_only_across_files(tmp_path):
    text = "ann,2026-01-01,1.00,USD,,1,\nann,2026-01-01,1.00,USD,,1,\n"
    assert load(write(tmp_path, text), tmp_path).accepted == 2
    more = load(write(tmp_path, text + "ann,2026-01-02,-1.00,USD,,1,\n", "b.csv"), tmp_path)
    assert (more.accepted, more.duplicates) == (1, 2)


def test_a_file_that_brought_nothing_is_read_afresh(tmp_path):
    path = write(tmp_path, "ann,2026-11-23,1.00,USD,,1,1\n")
    assert load(path, tmp_path).accepted == 0
    again = load_purchases(
        [path], ledger_folder=tmp_path / "ledger", key=KEY, today=date(2026, 11, 24)
    )
    assert again.accepted == 1


@pytest.mark.parametrize("step", [1, 2, 3])
def test_an_interrupted_load_leaves_the_ledger_as_it_was(tmp_path, monkeypatch, step):
    load(write(tmp_path, "ann,2026-01-01,1.00,USD,,1,1\n"), tmp_path)
    before = ledger_digest(tmp_path / "ledger")
    second = write(tmp_path, "bob,2026-01-01,2.00,USD,,2,1\n", "second.csv")
    written = ledger._write
    calls = []

    def failing(target, content):
        calls.append(target)
        if len(calls) == step:
            raise OSError("no space left")
        written(target, content)

    monkeypatch.setattr(ledger, "_write", failing)
    with pytest.raises(OSError, match="no space"):
        load(second, tmp_path)
    monkeypatch.undo()
    assert ledger_digest(tmp_path / "ledger") == before
    assert len(read_ledger(tmp_path / "ledger")) == 1
    assert load(second, tmp_path).accepted == 1
    assert len(read_ledger(tmp_path / "ledger")) == 2


KILLED = """
import os, signal, sys
from datetime import date
from pathlib import Path
from analysis.purchases import ledger
rename = Path.replace
def replace(self, target):
    if Path(target).suffix == ".json":
        os.kill(os.getpid(), signal.SIGKILL)
    return rename(self, target)
Path.replace = replace
ledger.load_purchases([Path(sys.argv[1])], ledger_folder=Path(sys.argv[2]),
                      key=b"0123456789abcdef", today=date(2026, 11, 22))
"""


def test_a_killed_load_is_repaired_by_loading_again(tmp_path):
    path = write(tmp_path, "ann,2026-01-01,1.00,USD,,1,1\n")
    command = [sys.executable, "-c", KILLED, str(path), str(tmp_path / "ledger")]
    root = Path(__file__).parents[3]
    ended = subprocess.run(command, check=False, cwd=root, env={**os.environ})
    assert ended.returncode == -signal.SIGKILL
    assert read_ledger(tmp_path / "ledger").empty
    assert load(path, tmp_path).accepted == 1
    assert len(read_ledger(tmp_path / "ledger")) == 1


def test_parquet_and_gzip_say_the_same_as_csv(tmp_path):
    table = pd.DataFrame({"customer": ["ann", "bob"], "time": ["2026-01-01", "2026-01-02T10:00"]})
    table["amount"] = [12.34, -3.0]
    table.to_csv(tmp_path / "a.csv", index=False)
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress((tmp_path / "a.csv").read_bytes()))
    table.assign(time=pd.to_datetime(table["time"], format="ISO8601")).to_parquet(
        tmp_path / "a.parquet"
    )
    frames = [read_purchases(tmp_path / name) for name in ("a.csv", "a.csv.gz", "a.parquet")]
    assert list(frames[0]["amount"]) == [1234, -300]
    for other in frames[1:]:
        pd.testing.assert_frame_equal(frames[0], other)


def test_a_header_with_faults_is_refused_at_once(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("card,time,time\n", encoding="utf-8")
    with pytest.raises(PurchaseFaults) as caught:
        load(path, tmp_path, mapping={"customer": "person", "colour": "card"})
    text = str(caught.value)
    assert "no column 'person'" in text
    assert "'colour' is not a column" in text
    assert "'time' stands 2 times" in text
    assert "no column 'amount'" in text
    assert read_ledger(tmp_path / "ledger").empty


def test_raw_purchases_list_every_fault_with_its_row(tmp_path):
    with pytest.raises(PurchaseFaults) as caught:
        read_purchases(write(tmp_path, BAD), today=TODAY)
    assert [fault.row for fault in caught.value.faults] == [3, 4, 5, 6, 7, 8, 9]
    assert "row 6: the amount '1,200.00'" in str(caught.value)


def test_bytes_that_are_no_text_and_open_quotes_are_faults(tmp_path):
    path = tmp_path / "x.csv"
    path.write_bytes(b'\xef\xbb\xbfcustomer,time,amount\n\xff\xfe,2026-01-01,1\nb,2026-01-01,"1\n')
    with pytest.raises(PurchaseFaults) as caught:
        read_purchases(path)
    assert [fault.row for fault in caught.value.faults] == [2, 3]


def test_scores_of_a_ledger_equal_scores_of_its_table(tmp_path):
    load(write(tmp_path, BAD), tmp_path, currency="USD")
    folder = tmp_path / "ledger"
    pd.testing.assert_frame_equal(
        score_customers(folder, as_of=TODAY), score_customers(read_ledger(folder), as_of=TODAY)
    )
    assert score_customers(tmp_path / "nothing", as_of=TODAY).empty
