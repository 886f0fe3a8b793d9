"""The day of a row is the calendar day of its store, however its time is written."""

from __future__ import annotations

from datetime import date

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from analysis.ledgers.days import dated_rows, days_of, split_by_day
from analysis.ledgers.engine import connection
from analysis.ledgers.kinds import OFFERS, PURCHASES
from analysis.ledgers.layout import Layout
from analysis.ledgers.load import Loading, load_files
from analysis.ledgers.looking import read_history_of, read_quarantine_of, read_rows_of
from analysis.ledgers.parts import MOST_SMALL
from analysis.ledgers.raw import RawFolder
from analysis.ledgers.reading import read_rows

TODAY = date(2026, 11, 22)
HEADER = "customer,time,amount,currency,store,order,line\n"


def load(folder, times, *, name="file.csv", stores=None, more="", **layout):
    stores = stores or [""] * len(times)
    rows = [
        f"c{n},{t},1.00,USD,{s},o{n},1\n"
        for n, (t, s) in enumerate(zip(times, stores, strict=True))
    ]
    (folder / name).write_text(HEADER + "".join(rows) + more, encoding="utf-8")
    how = Loading(
        kind=PURCHASES,
        folder=folder / "purchases",
        raw=RawFolder(folder / "raw"),
        key=b"0123456789abcdef",
        today=TODAY,
    )
    return load_files([folder / name], how, Layout(**layout)).files[0]


def days(folder):
    rows = read_rows_of(folder / "purchases").sort_values("order", key=lambda o: o.str[1:])
    return [f"{day:%Y-%m-%d}" for day in rows["day"]]


def without_day(folder):
    """Make the ledger one that was loaded before days were kept."""
    for part in ("rows", "history"):
        for path in (folder / "purchases" / "current" / part).glob("*.parquet"):
            rows = pq.read_table(path).drop_columns("day")
            path.unlink()
            pq.write_table(rows, path)


@pytest.mark.parametrize("few", [True, False])
@pytest.mark.parametrize(
    ("zone", "cell", "form", "day", "utc"),
    [
        ("Europe/Berlin", "2026-03-01", None, "2026-03-01", "2026-02-28T23:00"),
        ("Europe/Berlin", "20260301", None, "2026-03-01", "2026-02-28T23:00"),
        ("Europe/Berlin", "01.03.2026", "%d.%m.%Y", "2026-03-01", "2026-02-28T23:00"),
        ("America/Los_Angeles", "2026-03-01", None, "2026-03-01", "2026-03-01T08:00"),
        ("America/Los_Angeles", "2026-03-01T20:00:00", None, "2026-03-01", "2026-03-02T04:00"),
        ("America/Los_Angeles", "2026-03-02T04:00:00Z", None, "2026-03-01", "2026-03-02T04:00"),
        ("America/Los_Angeles", "2026-03-02T05:00+01:00", None, "2026-03-01", "2026-03-02T04:00"),
        ("UTC", "2026-03-01T20:00:00-08:00", None, "2026-03-01", "2026-03-02T04:00"),
        ("UTC", "2026-03-02T00:30:00+01:00", None, "2026-03-02", "2026-03-01T23:30"),
        ("UTC", "2026-03-01T23:30:00", None, "2026-03-01", "2026-03-01T23:30"),
        ("UTC", "1.3.2026 20:00 -0800", "%d.%m.%Y %H:%M %z", "2026-03-01", "2026-03-02T04:00"),
        # Chile's clocks go from midnight to one: the date is a date all the same.
        ("America/Santiago", "2025-09-07", None, "2025-09-07", "2025-09-07T04:00"),
    ],
)
def test_the_day_of_a_time(tmp_path, monkeypatch, few, zone, cell, form, day, utc):
    if not few:  # times of many different cells are not typed once a cell
        monkeypatch.setattr("analysis.ledgers.typed.Typing._stands_alone", lambda *_: False)
    more = "" if form else "x,2026-01-05T10:00:00,1.00,USD,,last,1\n"
    loaded = load(tmp_path, [cell] * 3, zone=zone, time_format=form, more=more)
    rows = read_rows_of(tmp_path / "purchases").query("order != 'last'")
    assert loaded.accepted == 4 - bool(form)
    assert loaded.ambiguous_times == 0
    assert set(rows["day"]) == {pd.Timestamp(day)}
    assert set(rows["time"]) == {pd.Timestamp(utc)}


def test_an_hour_that_the_clocks_leave_out_is_still_refused(tmp_path):
    assert load(tmp_path, ["2025-09-07T00:30:00"], zone="America/Santiago").accepted == 0
    assert list(read_quarantine_of(tmp_path / "purchases")["reason"]) == ["time_in_gap"]


def test_each_store_has_its_own_day(tmp_path):
    times = ["2026-03-02T04:00:00Z", "2026-03-01T23:30:00Z", "2026-03-01T20:00:00-08:00"]
    zones = {"LA": "America/Los_Angeles", "B": "Europe/Berlin"}
    load(tmp_path, times, stores=["LA", "B", "elsewhere"], zones=zones)
    assert days(tmp_path) == ["2026-03-01", "2026-03-02", "2026-03-01"]


def test_loads_made_before_days_were_kept_are_read_with_days_of_utc(tmp_path):
    load(tmp_path, ["2026-03-01", "2026-04-01T12:00:00"], zone="Europe/Berlin")
    without_day(tmp_path)
    assert days(tmp_path) == ["2026-02-28", "2026-04-01"]
    load(tmp_path, ["2026-05-01"], name="later.csv", zone="Europe/Berlin", source="shop")
    assert sorted(days(tmp_path)) == ["2026-02-28", "2026-04-01", "2026-05-01"]
    files = sorted((tmp_path / "purchases" / "current" / "rows").glob("*.parquet"))
    assert [len(part) for part in split_by_day(files)] == [1, 1]


def test_loading_the_same_rows_again_changes_nothing_but_days_of_utc(tmp_path):
    times = ["2026-03-01", "2026-04-01T12:00:00"]
    assert load(tmp_path, times, zone="Europe/Berlin").accepted == 2
    assert load(tmp_path, times, zone="Europe/Berlin").already_loaded
    again = load(tmp_path, times, name="again.csv", more="\n", zone="Europe/Berlin")
    assert (again.accepted, again.duplicates) == (0, 2)
    without_day(tmp_path)
    assert load(tmp_path, times, zone="Europe/Berlin").already_loaded
    mended = load(tmp_path, times, name="mended.csv", more="\n\n", zone="Europe/Berlin")
    assert (mended.accepted, mended.superseding, mended.duplicates) == (1, 1, 1)
    assert days(tmp_path) == ["2026-03-01", "2026-04-01"]
    history = read_history_of(tmp_path / "purchases")
    assert list(history["day"]) == [pd.Timestamp("2026-02-28")]


def test_a_zone_stated_later_corrects_the_days(tmp_path):
    times = ["2026-03-02T04:00:00Z", "2026-03-02T12:00:00Z"]
    load(tmp_path, times)
    assert days(tmp_path) == ["2026-03-02", "2026-03-02"]
    found = load(tmp_path, times, zone="America/Los_Angeles")
    assert (found.superseding, found.duplicates) == (1, 1)
    assert days(tmp_path) == ["2026-03-01", "2026-03-02"]


def test_one_moment_written_in_two_ways_is_one_row(tmp_path):
    same = "c0,2026-03-02T04:00:00Z,1.00,USD,,o0,1\n"
    found = load(tmp_path, ["2026-03-01T20:00:00-08:00"], more=same)
    assert (found.accepted, found.duplicates, found.quarantined) == (1, 1, 0)
    assert days(tmp_path) == ["2026-03-01"]


def test_small_files_of_both_kinds_are_merged(tmp_path):
    for n in range(MOST_SMALL):
        load(tmp_path, ["2026-03-01"], zone="Europe/Berlin", source=f"s{n}")
    without_day(tmp_path)
    load(tmp_path, ["2026-03-01"], zone="Europe/Berlin", source="last")
    (file,) = (tmp_path / "purchases" / "current" / "rows").glob("*.parquet")
    with connection() as engine:
        found = dated_rows(engine, [file]).df()
    counted = found["day"].value_counts().to_dict()
    assert counted == {pd.Timestamp("2026-02-28"): MOST_SMALL, pd.Timestamp("2026-03-01"): 1}


def test_days_of_tables_are_as_written():
    text = pd.DataFrame({"time": ["2026-03-01T20:00:00-08:00", "2026-03-01", None]})
    assert days_of(text).dt.strftime("%d").tolist()[:2] == ["01", "01"]
    here = pd.DataFrame({"time": pd.to_datetime(["2026-03-01T20:00"]).tz_localize("US/Pacific")})
    assert days_of(here).tolist() == [pd.Timestamp("2026-03-01")]
    told = here.assign(day=[date(2026, 2, 27)])
    assert days_of(told).tolist() == [pd.Timestamp("2026-02-27")]


def test_a_file_read_whole_has_days_too(tmp_path):
    path = tmp_path / "offers.csv"
    path.write_text("customer,time,offer,action\na,2026-03-01T20:00-08:00,x,sent\n")
    assert read_rows(path, OFFERS)["day"].tolist() == [pd.Timestamp("2026-03-01")]


def test_names_of_other_columns_do_not_make_a_day(tmp_path):
    pq.write_table(pa.table({"customer": ["a"], "week": [1]}), tmp_path / "kept.parquet")
    with connection() as engine:
        assert dated_rows(engine, [tmp_path / "kept.parquet"]).columns == ["customer", "week"]
