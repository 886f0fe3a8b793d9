"""Response to offers by hand, and what cannot be used."""

from __future__ import annotations

from datetime import date

import pandas as pd
import pytest

from analysis.estimate import wilson
from analysis.purchases.engines import frame, open_engine
from analysis.purchases.scoring import ScoringPlan, score

AS_OF = date(2026, 6, 30)


def bought(*rows):
    table = pd.DataFrame(rows, columns=["customer", "time", "amount"])
    return table.assign(time=pd.to_datetime(table["time"]))


def offers(*rows):
    table = pd.DataFrame(rows, columns=["customer", "time", "offer", "action"])
    return table.assign(time=pd.to_datetime(table["time"], format="ISO8601"))


def scored(purchases, sent):
    with open_engine() as engine:
        found = score(engine, purchases, as_of=AS_OF, plan=ScoringPlan(), offers=sent)
        return found, frame(engine, found.customers).set_index("customer")


def test_an_offer_is_answered_on_its_day_and_the_27_after(tmp_path):
    purchases = bought(
        ("a", "2025-01-01", 100), ("b", "2025-01-01", 100), ("b", "2026-03-28", 100),
        ("c", "2025-01-01", 100), ("c", "2026-02-01", 100), ("c", "2026-03-01", -50),
        ("d", "2026-02-28", 100), ("e", "2026-06-01", 100),
    )  # fmt: skip
    sent = offers(
        *[(name, "2026-03-01 10:00", "spring", "sent") for name in "abcd"],
        ("a", "2026-03-28 23:59", "spring", "redeemed"),  # the 28th day
        ("b", "2026-03-29", "spring", "redeemed"),  # too late, but something was bought in time
        ("a", "2026-05-01", "spring", "sent"),  # again: the same offer
        ("a", "2026-06-04", "june", "sent"),  # its 28 days end a day after the as-of day
        ("b", "2026-06-03", "june", "sent"),  # they end on it
        ("b", "2025-07-01", "old", "sent"),  # before the 52 weeks
        ("b", "2025-07-02", "july", "sent"),  # the first day of them
        ("nobody", "2026-03-01", "spring", "sent"),
    )  # fmt: skip
    found, customers = scored(purchases, sent)
    counts = ["offers_sent", "offers_redeemed", "offers_bought", "offers_bought_before"]
    assert customers.loc["a", counts].tolist() == [1, 1, 0, 0]
    assert customers.loc["b", counts].tolist() == [3, 0, 1, 0]
    assert customers.loc["c", counts].tolist() == [1, 0, 0, 1]  # a refund is no purchase
    assert customers.loc["d", counts].tolist() == [1, 0, 0, 1]
    assert customers.loc["e", counts].tolist() == [0, 0, 0, 0]
    assert customers.loc["e", ["offer_share", "offer_low", "offer_high"]].isna().all()
    low, high = wilson(0.0, 3)
    assert customers.loc["b", "offer_low"] == low == 0
    assert customers.loc["b", "offer_high"] == pytest.approx(high, abs=1e-12)
    spring = found.offers.set_index("offer").loc["spring"]
    assert spring[["sent", "redeemed", "bought", "bought_before"]].tolist() == [5, 1, 1, 2]
    assert found.response.n == 7
    assert found.response.value == pytest.approx(1 / 7)


def test_the_range_of_all_offers_is_wider_when_customers_differ():
    purchases = bought(*[(f"c{n}", "2025-01-01", 100) for n in range(20)])
    rows = [
        (f"c{n}", "2026-03-01", f"offer {k}", action)
        for n in range(20)
        for k in range(5)
        for action in ("sent", "redeemed")[: 1 + (n < 10)]
    ]
    found, _ = scored(purchases, offers(*rows))
    assert (found.response.n, found.response.value) == (100, 0.5)
    low, high = wilson(0.5, 20 * 19 / 20)  # all five or none: as many as there are customers
    assert found.response.low == pytest.approx(low, abs=0.01)
    assert found.response.high == pytest.approx(high, abs=0.01)
    none, _ = scored(purchases, offers(*[row for row in rows if row[3] == "sent"]))
    assert (none.response.low, none.response.high) == (0, pytest.approx(wilson(0.0, 20)[1]))


def test_without_a_ledger_there_is_a_reason_and_no_number():
    found, customers = scored(bought(("a", "2026-06-01", 100)), None)
    assert found.response.reason == "no offers ledger"
    assert customers[["offers_sent", "offers_redeemed", "offer_share"]].isna().all().all()
    found, customers = scored(
        bought(("a", "2026-06-01", 100)), offers(("a", "2026-06-29", "x", "sent"))
    )
    assert "no offer whose 28 days have ended" in found.response.reason
    assert customers.loc["a", "offers_sent"] == 0


def test_breadth_counts_what_lines_name_and_is_missing_where_none_does():
    table = bought(
        *[("a", f"2026-0{n}-01", 100) for n in range(1, 6)], ("a", "2025-07-01", 100),
        ("a", "2026-06-01", -100), ("b", "2026-06-01", 100), ("c", "2020-01-01", 100),
    ).assign(
        product=["tart", "tart", "roll", None, "bun", "cake", "pie", None, "tart"],
        channel=["web"] * 7 + [None] + ["web"],
    )  # fmt: skip
    _, customers = scored(table, None)
    assert customers.loc["a", ["products", "channels"]].tolist() == [3, 1]
    assert customers.loc[["b", "c"], ["products", "channels"]].isna().all().all()
    assert customers["stores"].isna().all()


def test_offers_that_cannot_be_used_are_refused(tmp_path):
    table = bought(("a", "2026-06-01", 100))
    sent = offers(("a", "2026-03-01", "x", "sent"))
    with pytest.raises(ValueError, match="lack the column"):
        scored(table, sent.drop(columns="action"))
    with pytest.raises(ValueError, match="missing values in offer"):
        scored(table, sent.assign(offer=None))
    sent.drop(columns="offer").to_parquet(tmp_path / "o.parquet")
    with pytest.raises(ValueError, match=r"o.parquet: offers lack the column\(s\) offer"):
        scored(table, tmp_path)
