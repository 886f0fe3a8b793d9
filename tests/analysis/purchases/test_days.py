"""From a file to recency, points and cohorts: the day of a purchase is the store's own."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from analysis.customer_key import customer_key
from analysis.ledgers.kinds import OFFERS, PURCHASES
from analysis.purchases.engine import last_day
from analysis.purchases.engines import open_engine
from analysis.purchases.ledger import current_purchases
from analysis.purchases.lifetime_value.cohorts import customer_cohorts
from analysis.purchases.outcomes import outcomes
from analysis.purchases.reading import purchases_at, read_purchases
from tests.analysis.purchases.recomputed import Line, recompute
from tests.analysis.purchases.test_recomputed import KEY, assert_same, found_by, load, table_of

pytestmark = pytest.mark.filterwarnings(
    "ignore:unclosed <socket:ResourceWarning",
    "ignore:Exception ignored in. <socket:pytest.PytestUnraisableExceptionWarning",
)
AS_OF = date(2026, 4, 30)
PACIFIC = ZoneInfo("America/Los_Angeles")
CHANGES = (date(2025, 3, 9), date(2025, 11, 2), date(2026, 3, 8))
"""Days on which clocks in Los Angeles change."""


def bought(seed, hours):
    """Purchases on month ends, window edges and days of clock changes, at hours of the store."""
    generator = np.random.default_rng(seed)
    near = [day + timedelta(days=n) for day in CHANGES for n in (-1, 0, 1)]
    ends = [date(2025, 1, 31) + timedelta(days=n) for n in (0, 1, 28, 29, 59, 60)]
    edges = [AS_OF - timedelta(days=n) for n in (0, 1, 6, 7, 90, 91, 363, 364, -1)]
    lines = []
    for n in range(30):
        days = generator.choice(np.array([*near, *ends, *edges]), 8, replace=False)
        for day in days:
            clock = timedelta(hours=int(generator.choice(hours)), minutes=30) if hours else None
            time = datetime.combine(day, datetime.min.time()) + (clock or timedelta(0))
            cents = int(generator.integers(-500, 5000))
            lines.append(Line(f"c{n:02}", time, cents, None, None, "web", None))
    return lines


def ledger_of(folder, lines, write, **layout):
    """A ledger of lines, written by ``write``; the lines as they are known there."""
    rows = [
        [line.customer, write(line.time), f"{line.cents / 100:.2f}", "USD", "web", f"o{n}", "1"]
        for n, line in enumerate(lines)
    ]
    header = ["customer", "time", "amount", "currency", "channel", "order", "line"]
    found = load(folder, PURCHASES, header, rows, **layout).files[0]
    assert found.accepted == len(lines)
    return [line._replace(customer=customer_key(line.customer, KEY)) for line in lines]


def first_months(lines):
    found = {}
    for line in lines:
        if line.cents >= 0 and line.time.date() <= AS_OF:
            found[line.customer] = min(found.get(line.customer, line.time), line.time)
    return {name: f"{time:%Y-%m}" for name, time in found.items()}


WRITTEN = {
    "dates in Berlin": ([], lambda t: f"{t:%Y-%m-%d}", {"zone": "Europe/Berlin"}),
    "evenings in Los Angeles": (
        [0, 15, 20, 23],
        lambda t: f"{t:%Y-%m-%dT%H:%M:%S}",
        {"zone": "America/Los_Angeles"},
    ),
    "with offsets, no zone": (
        [0, 20, 23],
        lambda t: t.replace(tzinfo=PACIFIC).isoformat(),
        {},
    ),
}


@pytest.mark.parametrize("case", list(WRITTEN))
def test_from_file_to_scores_and_cohorts(tmp_path, case):
    hours, write, layout = WRITTEN[case]
    lines = ledger_of(tmp_path, bought(4, hours), write, **layout)
    ledger = tmp_path / "purchases"
    with open_engine("duckdb") as engine:
        found, _ = found_by(engine, ledger, None, as_of=AS_OF)
    assert_same(found, recompute(lines, None, as_of=AS_OF))
    cohorts = customer_cohorts(ledger, as_of=AS_OF)
    assert dict(zip(cohorts["customer"], cohorts["cohort"], strict=True)) == first_months(lines)
    assert last_day(ledger) == max(line.time.date() for line in lines)


def test_a_first_of_march_is_in_the_cohort_of_march(tmp_path):
    ledger_of(
        tmp_path,
        [Line("ann", datetime(2026, 3, 1), 500, None, None, None, None)],
        lambda t: f"{t:%Y-%m-%d}",
        zone="Europe/Berlin",
    )
    assert customer_cohorts(tmp_path / "purchases", as_of=AS_OF)["cohort"].tolist() == ["2026-03"]
    assert last_day(tmp_path / "purchases") == date(2026, 3, 1)


def test_old_and_new_parts_are_read_together(engine, tmp_path):
    """Parts without a day have that of the time in UTC, beside parts that have one."""
    evenings = bought(6, [20, 23])
    ledger_of(tmp_path, evenings, lambda t: f"{t:%Y-%m-%dT%H:%M:%S}", zone="America/Los_Angeles")
    ledger = tmp_path / "purchases"
    (file,) = current_purchases(ledger)
    rows = pq.read_table(file).drop_columns("day")
    file.unlink()
    pq.write_table(rows, file)
    dates = [line._replace(customer="d" + line.customer) for line in bought(7, [])]
    layout = {"zone": "America/Los_Angeles", "source": "web"}
    new = ledger_of(tmp_path, dates, lambda t: f"{t:%Y-%m-%d}", **layout)
    old = [
        line._replace(
            customer=customer_key(line.customer, KEY),
            time=line.time.replace(tzinfo=PACIFIC).astimezone(ZoneInfo("UTC")).replace(tzinfo=None),
        )
        for line in evenings
    ]
    found, _ = found_by(engine, ledger, None, as_of=AS_OF)
    assert_same(found, recompute([*old, *new], None, as_of=AS_OF))


def test_offers_are_answered_by_days_of_the_store(engine, tmp_path):
    """Sent on the evening of day 1, bought on the evening of day 28: the last day that counts."""
    lines = [
        Line("ann", datetime(2026, 3, 28, 20), 500, None, None, None, None),
        Line("bob", datetime(2026, 3, 29, 20), 500, None, None, None, None),
    ]
    zone = {"zone": "America/Los_Angeles"}
    ledger_of(tmp_path, lines, lambda t: f"{t:%Y-%m-%dT%H:%M:%S}", **zone)
    sent = [[name, "2026-03-01T20:00:00", "ten off", "sent"] for name in ("ann", "bob")]
    load(tmp_path, OFFERS, ["customer", "time", "offer", "action"], sent, **zone)
    found, _ = found_by(engine, tmp_path / "purchases", tmp_path / "offers", as_of=AS_OF)
    counts = {name: found[customer_key(name, KEY)]["offers_bought"] for name in ("ann", "bob")}
    assert counts == {"ann": 1, "bob": 0}


def test_outcomes_count_days_of_the_store(tmp_path):
    """Who answered on 8 March bought on the evening before, and on the evening after."""
    lines = [
        Line("ann", datetime(2026, 3, day, 20), 500, None, None, None, None) for day in (7, 8, 9)
    ]
    ledger_of(tmp_path, lines, lambda t: f"{t:%Y-%m-%dT%H:%M:%S}", zone="America/Los_Angeles")
    answered = pd.DataFrame({"customer": [customer_key("ann", KEY)], "answered_on": ["2026-03-08"]})
    found = outcomes(tmp_path / "purchases", answered, weeks_after=4, as_of=AS_OF).iloc[0]
    assert (found["days_before"], found["days_after"]) == (1, 1)


def test_days_of_files_in_place(tmp_path):
    lines = [Line("ann", datetime(2026, 3, 1, 20), 500, None, None, None, None)]
    table = table_of(lines, cents="amount").reindex(
        columns=["customer", "time", "amount", "currency", "store", "product", "channel",
                 "on_sale", "order", "line"]
    )  # fmt: skip
    place = tmp_path / "log.parquet"
    plain = dict.fromkeys(table.columns[3:7], "string") | {"on_sale": "boolean"}
    table = table.astype({**plain, "order": "string", "line": "string"})
    table.to_parquet(place, index=False)
    assert last_day(purchases_at(place)) == date(2026, 3, 1)
    table.assign(day=[date(2026, 2, 28)]).to_parquet(place, index=False)
    assert last_day(purchases_at(place)) == date(2026, 2, 28)
    table.assign(day=["Sunday"]).to_parquet(place, index=False)
    with pytest.raises(
        ValueError, match=r"'day' is .*string. Write dates, or leave the column out"
    ):
        purchases_at(place)


def test_days_of_a_csv_file_are_as_written(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text("customer,time,amount\nann,2026-03-01T20:00:00-08:00,5\nbob,2026-03-01,5\n")
    table = read_purchases(path)
    assert table["day"].tolist() == [pd.Timestamp("2026-03-01")] * 2
    assert last_day(table) == date(2026, 3, 1)
