"""Every kind of ledger by the same machinery, and the erasure of a customer from all of them."""

from __future__ import annotations

import gzip
import json
from datetime import date

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from analysis.customer_key import customer_key
from analysis.ledgers.erasing import erase_customer
from analysis.ledgers.folder import digest
from analysis.ledgers.identifiers import identifier_of
from analysis.ledgers.kinds import KINDS
from analysis.ledgers.layout import Layout
from analysis.ledgers.load import Loading, load_files
from analysis.ledgers.looking import overview, read_history_of, read_quarantine_of, read_rows_of
from analysis.ledgers.raw import RawFolder

KEY = b"0123456789abcdef"
ANN = customer_key("ann@x.org", KEY)
FILES = {
    "purchases": "customer,time,amount,order,line\n"
    "ann@x.org,2026-01-01,5,1,1\nbob,2026-01-02,x,2,1\n"
    "Ann@x.org,2026-01-01,x,3,1\nann@x.org,bob,2,3\nbob,2026-01-01,5,4,1\n",
    "attributes": "customer,age,city\nann@x.org,30,Oslo\nbob,40,Rome\n",
    "events": "customer,time,event,referred\nbob,2026-01-01,Referral,ann@x.org\n"
    "bob,2026-01-01,poke,\ncy,2026-01-01,like,\n",
    "loyalty": "customer,time,action,points\nann@x.org,2026-01-01,earned,12\n",
    "contacts": "customer,time,reason,resolved\nbob,2026-01-01,complaint,no\n",
    "offers": "customer,time,offer,action,value\nann@x.org,2026-01-01,spring,sent,2.50\n",
    "acquisition": "customer,time,channel,cost\n,2026-01-01,ads,100\n,2026-02-01,ads,-1\n",
    "margins": "product,time,margin\nroll,2027-01-01,0.4\nbun,2026-01-01,much\n",
    "availability": "product,store,time,price\nroll,A,2026-01-01,1.20\nroll,B,2026-01-01,1.10\n",
}


@pytest.fixture
def load(tmp_path):
    """Load text into a kind of ledger."""

    def call(kind, text, name="file.csv"):
        path = tmp_path / name
        content = text.encode()
        path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
        found = load_files([path], how(tmp_path, kind), Layout()).files[0]
        assert found.reconciled
        return found

    return call


def how(folder, kind):
    return Loading(
        kind=KINDS[kind],
        folder=folder / "ledger" / kind,
        raw=RawFolder(folder / "raw"),
        key=KEY,
        today=date(2026, 11, 22),
        keep_identifiers=True,
    )


def rows_of(folder, kind):
    return read_rows_of(folder / "ledger" / kind, KINDS[kind])


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_loaded_and_loaded_twice_as_once(load, tmp_path, kind):
    found = load(kind, FILES[kind])
    assert found.accepted >= 1
    before = digest(tmp_path / "ledger" / kind)
    again = load(kind, FILES[kind] + "\n")  # other bytes, the same rows
    assert again.accepted == 0
    assert again.duplicates == found.accepted
    assert digest(tmp_path / "ledger" / kind) == before
    assert {row["kind"]: row["rows"] for row in overview(tmp_path / "ledger")}[
        kind
    ] == found.accepted


def test_reasons_name_the_column_and_the_words(load, tmp_path):
    for kind in ("events", "acquisition", "margins"):
        load(kind, FILES[kind])
    reasons = {
        kind: list(read_quarantine_of(tmp_path / "ledger" / kind, KINDS[kind])["reason"])
        for kind in ("events", "acquisition", "margins")
    }
    assert reasons == {
        "events": ["event_unknown"],
        "acquisition": ["cost_too_small"],
        "margins": ["margin_unparsed"],
    }


def test_attributes_keep_every_column_and_their_history(load, tmp_path):
    load("attributes", FILES["attributes"])
    found = load("attributes", "customer,age,city\nann@x.org,31,Oslo\nbob,40,Rome\n", "b.csv")
    assert (found.superseding, found.duplicates) == (1, 1)
    rows = rows_of(tmp_path, "attributes").set_index("customer")
    assert json.loads(rows.loc[ANN, "details"]) == {"age": "31", "city": "Oslo"}
    old = read_history_of(tmp_path / "ledger" / "attributes", KINDS["attributes"])
    assert json.loads(old["details"][0])["age"] == "30"


def test_prices_change_by_their_own_rows(load, tmp_path):
    load("availability", FILES["availability"])
    load("availability", "product,store,time,price\nroll,A,2026-01-01,1.30\n", "b.csv")
    rows = rows_of(tmp_path, "availability").set_index("store")
    assert rows["price"].to_dict() == {"A": 130, "B": 110}


def test_an_erased_customer_is_nowhere_and_does_not_come_back(load, tmp_path):
    for number, (kind, text) in enumerate(FILES.items()):
        load(kind, text, f"{kind}.csv{'.gz' if number % 2 else ''}")
    table = pa.table(
        {"customer": ["ANN@x.org", "dan"], "time": ["2026-01-05"] * 2, "amount": [1, 2]}
    )
    pq.write_table(table, tmp_path / "p.parquet")
    load_files([tmp_path / "p.parquet"], how(tmp_path, "purchases"))
    raw = RawFolder(tmp_path / "raw")
    assert identifier_of(raw.identifiers, ANN).lower() == "ann@x.org"
    found = erase_customer(tmp_path / "ledger", raw, ANN, key=KEY, identifier="Ann@X.org")
    assert found.ledger_rows == {
        "purchases": 2,
        "attributes": 1,
        "events": 1,
        "loyalty": 1,
        "offers": 1,
    }
    assert (found.quarantined, found.identifiers) == (2, 1)
    assert found.staged_rows == 8
    assert not places_naming(tmp_path / "ledger") + places_naming(tmp_path / "raw")
    again = load("purchases", FILES["purchases"] + "dan,2026-01-09,1,9,1\n", "again.csv")
    assert (again.erased, again.accepted, again.duplicates) == (2, 1, 1)
    assert ANN not in set(rows_of(tmp_path, "purchases")["customer"])
    assert len(rows_of(tmp_path, "purchases")) == 3
    repeated = erase_customer(tmp_path / "ledger", raw, ANN, key=KEY, identifier="ann@x.org")
    assert repeated.erased_before
    assert not repeated.ledger_rows


def places_naming(folder):
    """Files below a folder in which Ann stands, as pseudonym or as written."""
    found = []
    for path in folder.rglob("*"):
        if not path.is_file():
            continue
        content = path.read_bytes()
        if content[:4] == b"PAR1":
            content = pd.read_parquet(path).to_csv().encode()
        elif content[:2] == b"\x1f\x8b":
            content = gzip.decompress(content)
        if b"ann@x.org" in content.lower() or ANN.encode() in content:
            found.append(path)
    return found


@pytest.mark.parametrize(
    ("layout", "written"),
    [
        (Layout(zone="Europe/Berlin"), "2026-03-31"),
        (Layout(zone="Europe/Berlin", time_format="%d.%m.%Y"), "31.03.2026"),
    ],
)
def test_a_last_day_on_offer_is_the_whole_day_where_the_shop_is(tmp_path, layout, written):
    first = written.replace("31", "30", 1)
    path = tmp_path / "a.csv"
    path.write_text(f"product,time,until,price\nroll,{first},{written},1.20\n", encoding="utf-8")
    load_files([path], how(tmp_path, "availability"), layout)
    row = rows_of(tmp_path, "availability").iloc[0]
    assert row["time"] == pd.Timestamp("2026-03-29 22:00")
    assert row["until"] == pd.Timestamp("2026-03-31 21:59:59.999999")


def test_a_last_moment_on_offer_stands_as_it_is_written(load, tmp_path):
    load("availability", "product,time,until,price\nroll,2026-03-30,2026-03-31 12:00,1.20\n")
    assert rows_of(tmp_path, "availability")["until"][0] == pd.Timestamp("2026-03-31 12:00")
