from __future__ import annotations

import gzip
import os
import signal
import subprocess
import sys
from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from analysis.customer_key import customer_key
from analysis.ledgers import files, window
from analysis.ledgers.raw import RawFolder
from analysis.purchases.ledger import (
    current_purchases,
    ledger_digest,
    load_purchases,
    read_history,
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
    "line_contradicted": 1,
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
    stored = pd.read_parquet(current_purchases(tmp_path / "ledger"))
    assert "x.org" not in stored.to_csv()
    assert "x.org" not in read_quarantine(tmp_path / "ledger").to_csv()


def test_many_rows_of_few_customers_keep_their_customers(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "SAMPLE", 500)
    monkeypatch.setattr(window, "BLOCK", 5_000)
    names = [f"card-{n // 400}" for n in range(4000)]  # new ones in later blocks, too
    text = "".join(f"{name},2026-01-01,1.00,USD,yes,{n},1\n" for n, name in enumerate(names))
    load(write(tmp_path, text), tmp_path)
    found = read_ledger(tmp_path / "ledger")["customer"].value_counts()
    assert found.to_dict() == {customer_key(f"card-{n}", KEY): 400 for n in range(10)}


def test_quarantine_keeps_row_reasons_and_text(tmp_path):
    load(write(tmp_path, BAD + ",2099-01-01,x,EURO,,9,1\n"), tmp_path)
    kept = read_quarantine(tmp_path / "ledger", RawFolder(tmp_path / "raw")).set_index("row")
    assert kept.loc[6, "reason"] == "amount_unparsed"
    assert kept.loc[6, "text"] == 'bob,2026-01-02,"1,200.00",USD,,5,1'
    assert kept.loc[9, "text"] == "bob,2026-01-02,1,200.00,USD,,8,1"
    assert list(kept.loc[13, "reasons"]) == [
        "customer_missing",
        "time_in_future",
        "amount_unparsed",
        "currency_unknown",
    ]


def test_loading_twice_changes_nothing(tmp_path):
    path = write(tmp_path, BAD)
    load(path, tmp_path)
    before = ledger_digest(tmp_path / "ledger")
    again = load(path, tmp_path)
    assert again.files[0].already_loaded
    assert again.accepted == 0
    assert ledger_digest(tmp_path / "ledger") == before
    assert len(read_loads(tmp_path / "ledger")) == 1


def test_a_later_file_repeats_and_corrects_lines(tmp_path):
    load(write(tmp_path, "ann,2026-01-01,1.00,USD,,1,1\nbob,2026-01-01,5,USD,,2,1\n"), tmp_path)
    text = "ann,2026-01-01,2.00,USD,,1,1\nbob,2026-01-01,5,USD,,2,1\nann,2026-01-02,3,USD,,1,2\n"
    second = load(write(tmp_path, text, "second.csv"), tmp_path).files[0]
    assert (second.accepted, second.superseding, second.duplicates) == (2, 1, 1)
    assert sorted(read_ledger(tmp_path / "ledger")["amount"]) == [200, 300, 500]
    old = read_history(tmp_path / "ledger")
    assert list(old["amount"]) == [100]
    assert list(old["superseded_at"]) == ["2026-11-22"]
    assert current_purchases(tmp_path / "ledger") == sorted(
        (tmp_path / "ledger" / "current" / "rows").resolve().glob("*.parquet")
    )


def test_rows_of_one_file_that_contradict_each_other_are_set_apart(tmp_path):
    text = "ann,2026-01-01,1.00,USD,,1,1\nann,2026-01-01,2.00,USD,,1,1\n"
    found = load(write(tmp_path, text), tmp_path).files[0]
    assert (found.accepted, found.reasons) == (1, {"line_contradicted": 1})


def test_the_same_order_number_of_another_source_is_another_order(tmp_path):
    path = write(tmp_path, "ann,2026-01-01,1.00,USD,,1,1\n")
    load(path, tmp_path, source="tills")
    assert load(path, tmp_path, source="web").accepted == 1


def test_equal_rows_without_an_order_repeat_only_across_files(tmp_path):
    text = "ann,2026-01-01,1.00,USD,,,\nann,2026-01-01,1.00,USD,,,\n"
    assert load(write(tmp_path, text), tmp_path).accepted == 2
    more = load(write(tmp_path, text + "ann,2026-01-01,1.00,USD,,,\n", "b.csv"), tmp_path)
    assert (more.accepted, more.duplicates) == (1, 2)


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


KILLED = """
import os, signal, sys
from datetime import date
from pathlib import Path
from analysis.ledgers import load
from analysis.purchases import ledger
step, calls = int(sys.argv[3]), []
def dying(owner, name):
    real = getattr(owner, name)
    def call(*given, **named):
        calls.append(name)
        if len(calls) == step:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*given, **named)
    setattr(owner, name, call)
for name in ("judge", "write_history", "rewrite_without", "write_record"):
    dying(load, name)
dying(os, "fsync")
dying(Path, "symlink_to")
dying(Path, "replace")
ledger.load_purchases([Path(sys.argv[1])], ledger_folder=Path(sys.argv[2]),
                      key=b"0123456789abcdef", today=date(2026, 11, 22))
"""
ROOT = Path(__file__).parents[3]


def killed(path, folder, step):
    command = [sys.executable, "-c", KILLED, str(path), str(folder), str(step)]
    return subprocess.run(command, check=False, cwd=ROOT, env={**os.environ}).returncode


def test_a_load_killed_anywhere_is_finished_by_loading_again(tmp_path):
    first = write(tmp_path, "ann,2026-01-01,1.00,USD,,1,1\nbob,2026-01-01,5,USD,,2,1\n")
    second = write(tmp_path, "ann,2026-01-01,2.00,USD,,1,1\nx,2026-01-02,3,USD,,3,1\n", "b.csv")
    plain = tmp_path / "plain"
    plain.mkdir()
    for path in (first, second):
        load(path, plain)
    wanted = ledger_digest(plain / "ledger")
    load(first, tmp_path)
    before, seen, step = ledger_digest(tmp_path / "ledger"), set(), 1
    while killed(second, tmp_path / "ledger", step) == -signal.SIGKILL:
        seen.add(ledger_digest(tmp_path / "ledger"))
        step += 4
    assert step > 12
    assert seen == {before, wanted} or seen == {before}
    load(second, tmp_path)
    assert ledger_digest(tmp_path / "ledger") == wanted
    assert len(read_history(tmp_path / "ledger")) == 1


def test_loads_at_the_same_time_wait_for_one_another(tmp_path):
    paths = [
        write(tmp_path, f"ann,2026-01-0{n},1.00,USD,,{n},1\n" * 3, f"{n}.csv") for n in (1, 2, 3)
    ]
    command = [sys.executable, "-c", KILLED]
    running = [
        subprocess.Popen([*command, str(path), str(tmp_path / "ledger"), "0"], cwd=ROOT)
        for path in paths
    ]
    assert [process.wait() for process in running] == [0, 0, 0]
    assert list(read_ledger(tmp_path / "ledger")["order"]) == ["1", "2", "3"]
    assert [found.accepted for found in read_loads(tmp_path / "ledger")] == [1, 1, 1]


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
