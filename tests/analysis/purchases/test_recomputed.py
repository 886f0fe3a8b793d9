"""Scores of dirty logs, column by column, beside plain Python (``recomputed.py``)."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

from analysis.customer_key import customer_key
from analysis.ledgers.kinds import OFFERS, PURCHASES
from analysis.ledgers.layout import Layout
from analysis.ledgers.load import Loading, load_files
from analysis.ledgers.raw import RawFolder
from analysis.purchases import engines
from analysis.purchases.engine import purchases_table
from analysis.purchases.engines import frame, open_engine
from analysis.purchases.ledger import read_quarantine
from analysis.purchases.scoring import SCORE_COLUMNS, ScoringPlan, score
from tests.analysis.purchases.recomputed import Line, Sent, recompute

# py4j leaves its socket to the garbage collector when Spark stops.
pytestmark = pytest.mark.filterwarnings(
    "ignore:unclosed <socket:ResourceWarning",
    "ignore:Exception ignored in. <socket:pytest.PytestUnraisableExceptionWarning",
)
AS_OF = date(2026, 6, 30)
BERLIN = ZoneInfo("Europe/Berlin")
KEY = b"secret of the test's installation"
STATES = {"too_few", "below", "above_3_weeks", "near_lower", "within"}
EDGES = (0, 6, 7, 90, 91, 92, 181, 182, 363, 364, 365, 454, 455, 720, 721, -1, -2)
"""Days before the as-of day at which a window begins or ends, and days after it."""


def random_lines(seed):
    """Customers of all kinds: regular, ever the same, once, refunds only, on sale only, later."""
    generator = np.random.default_rng(seed)

    def line(name, ago, cents, sale=None, product=None, channel=None, hour=None):
        hour = int(generator.integers(0, 24)) if hour is None else hour
        time = datetime.combine(AS_OF, datetime.min.time()) - timedelta(days=int(ago), hours=-hour)
        return Line(name, time, int(cents), sale, product, channel, None)

    found = []
    for n in range(40):
        for _ in range(generator.integers(1, 60)):
            ago = generator.choice([*EDGES, *generator.integers(-10, 800, 20)])
            cents = generator.choice([0, 500, 500, 1000, *generator.integers(-3000, 20_000, 4)])
            sale = [True, False, None][generator.integers(0, 3)]
            product, channel = ([None, "a", "b", "c"][generator.integers(0, 4)] for _ in range(2))
            found.append(line(f"c{n:02}", ago, cents, sale, product, channel))
    for n, ago in enumerate(EDGES):
        found.append(line(f"once{n:02}", ago, 1000, hour=(n % 2) * 23))
    for usual in (17, 900, 1000):
        found += [line(f"same{usual}", 7 * week, usual) for week in range(60)]
    found += [line("refunds", ago, -400) for ago in (3, 50, 400)]
    found += [line("sales", ago, 700, True, "a") for ago in (1, 20, 100, 363)]
    found += [line("undone", 5, 800, True), line("undone", 5, -800)]
    found += [line("rising", 7 * week, 1100 if week < 3 else 1000) for week in range(52)]
    near = [650, *(2000 if week % 2 else 1000 for week in range(1, 52))]
    found += [line("near", 7 * week, cents) for week, cents in enumerate(near)]
    found += [line("falling", 7 * week, 1000 + 100 * (week % 3)) for week in range(1, 55)]
    return found


def random_offers(seed, names):
    """Offers around the bounds of their window, redeemed in time, late, never, or never sent."""
    generator = np.random.default_rng(seed)
    rows = []
    for name in [*names, "prospect"]:
        for n in range(generator.integers(0, 5)):
            day = generator.choice([26, 27, 28, 54, 55, 363, 364, *generator.integers(0, 400, 9)])
            sent = datetime.combine(AS_OF, datetime.min.time()) - timedelta(
                days=int(day), hours=-int(generator.integers(0, 24))
            )
            for later, action in (
                (0, "sent"),
                (3, "opened"),
                (int(generator.integers(-2, 40)), "redeemed"),
                (40, "sent"),
            ):
                if generator.random() < 0.6:
                    rows.append(Sent(name, sent + timedelta(days=later), f"offer {n}", action))
    return rows


def table_of(rows, **renamed):
    return pd.DataFrame(rows, columns=list(type(rows[0])._fields)).rename(columns=renamed)


def found_by(engine, purchases, offers, *, as_of):
    scoring = score(engine, purchases, as_of=as_of, plan=ScoringPlan(), offers=offers)
    rows = frame(engine, scoring.customers).to_dict("records")
    return {row["customer"]: row for row in rows}, scoring


def assert_same(found, wanted):
    assert set(found) == set(wanted)
    differing = [
        f"{name} {column}: {found[name][column]!r}, by hand {wanted[name][column]!r}"
        for name in sorted(wanted)
        for column in SCORE_COLUMNS
        if not _equal(found[name][column], wanted[name][column])
    ]
    assert differing == []


def _equal(found, wanted):
    if wanted is None or pd.isna(found):
        return wanted is None and pd.isna(found)
    if isinstance(wanted, float):
        return math.isclose(found, wanted, rel_tol=1e-9, abs_tol=1e-9)
    return found == wanted


@pytest.mark.parametrize(
    ("seed", "as_of"), [(1, AS_OF), (2, date(2025, 12, 31)), (3, date(2026, 3, 29))]
)
def test_every_column_of_every_customer(engine, seed, as_of):
    lines = random_lines(seed)
    offers = random_offers(seed, sorted({line.customer for line in lines}))
    found, scoring = found_by(
        engine, table_of(lines, cents="amount"), table_of(offers), as_of=as_of
    )
    wanted = recompute(lines, offers, as_of=as_of)
    assert_same(found, wanted)
    got = {row["customer"] for row in found.values()}
    sent = [row["offers_sent"] for row in found.values()]
    assert scoring.response.n >= sum(sent) > 0
    assert "prospect" not in got


def test_all_states_are_met_and_offers_are_missing_without_their_ledger(engine):
    lines = random_lines(1)
    found, _ = found_by(engine, table_of(lines, cents="amount"), None, as_of=AS_OF)
    assert_same(found, recompute(lines, None, as_of=AS_OF))
    assert {row["state"] for row in found.values()} == STATES
    assert found["same17"]["state"] == "within"
    assert found["sales"]["sale_only"] is True


def test_a_part_of_the_customers_at_a_time(monkeypatch):
    monkeypatch.setattr(engines, "PART_ROWS", 300)
    lines = random_lines(5)
    offers = random_offers(5, sorted({line.customer for line in lines}))
    with open_engine() as duckdb:
        found, _ = found_by(duckdb, table_of(lines, cents="amount"), table_of(offers), as_of=AS_OF)
        assert len(duckdb.parts(purchases_table())) > 3
    assert_same(found, recompute(lines, offers, as_of=AS_OF))


def clock_in_berlin(time):
    return time.replace(tzinfo=UTC).astimezone(BERLIN).replace(tzinfo=None)


def written(lines, generator):
    """The lines as a till in Berlin writes them: wall clock, offsets, refused and double rows."""
    rows, kept = [], []
    for number, line in enumerate(lines):
        here = line.time.replace(tzinfo=UTC).astimezone(BERLIN)
        form = generator.integers(0, 3)
        wall = here.strftime("%Y-%m-%dT%H:%M:%S")
        time = (wall, here.isoformat(), line.time.isoformat() + "Z")[form]
        sale = {True: "yes", False: "no", None: ""}[line.on_sale]
        cells = [line.customer, time, f"{line.cents / 100:.2f}", "EUR", sale, line.product or "",
                 line.channel or "", f"o{number}", "1"]  # fmt: skip
        rows.append(cells)
        kept.append(line)
        if generator.random() < 0.05:
            rows.append(list(cells))  # twice the same
        if generator.random() < 0.05:
            bad = [*cells[:7], f"bad{number}", "1"]
            place, value = [
                (0, ""),
                (1, "soon"),
                (2, "1.2.3"),
                (3, "USD"),
                (1, "2026-03-29T02:30:00"),
            ][generator.integers(0, 5)]
            bad[place] = value
            rows.append(bad)
    return rows, kept


def load(folder, kind, header, rows, **layout):
    path = folder / f"{kind.name}.csv"
    text = "\n".join(",".join(cells) for cells in [header, *rows]) + "\n"
    path.write_text(text, encoding="utf-8")
    how = Loading(
        kind=kind, folder=folder / kind.name, raw=RawFolder(folder / "raw"), key=KEY,
        today=AS_OF + timedelta(days=30),
    )  # fmt: skip
    return load_files([path], how, Layout(**layout))


def test_a_dirty_file_through_the_ledger(engine, tmp_path: Path):
    lines = random_lines(7)
    # Clocks go back on 26 October 2025 (of a time shown twice the earlier is taken: the same
    # day) and forward on 29 March 2026.
    lines += [
        Line("clock", datetime(2025, 10, 26, hour, 30), 1000 + hour) for hour in (0, 1, 2, 22, 23)
    ] + [Line("clock", datetime(2026, 3, 28 + n, 23, 30), 500) for n in (0, 1)]
    rows, kept = written(lines, np.random.default_rng(3))
    header = [
        "customer",
        "time",
        "amount",
        "currency",
        "on_sale",
        "product",
        "channel",
        "order",
        "line",
    ]
    summary = load(tmp_path, PURCHASES, header, rows, zone="Europe/Berlin", currency="EUR")
    refused = read_quarantine(tmp_path / "purchases")
    assert len(refused) == sum(cells[7].startswith("bad") for cells in rows)
    offers = random_offers(7, sorted({line.customer for line in kept}))
    sent = [[row.customer, row.time.isoformat() + "Z", row.offer, row.action] for row in offers]
    load(tmp_path, OFFERS, ["customer", "time", "offer", "action"], sent)
    keyed = [
        line._replace(customer=customer_key(line.customer, KEY), time=clock_in_berlin(line.time))
        for line in kept
    ]
    offered = [row._replace(customer=customer_key(row.customer, KEY)) for row in offers]
    found, _ = found_by(engine, tmp_path / "purchases", tmp_path / "offers", as_of=AS_OF)
    assert_same(found, recompute(keyed, offered, as_of=AS_OF))
    assert summary


def test_several_currencies_are_refused(engine):
    table = table_of(random_lines(1), cents="amount")
    table["currency"] = ["USD", "EUR"] * (len(table) // 2) + ["USD"] * (len(table) % 2)
    with pytest.raises(ValueError, match=r"several currencies \(EUR, USD\)"):
        score(engine, table, as_of=AS_OF, plan=ScoringPlan())
