"""Windows of availability: whole days are days of the purchase, moments are moments."""

import pandas as pd
import pytest

from analysis.customers.on_offer import on_offer


def offered(window, time, day):
    """Whether the bun was on offer at a purchase: (since, until) as the ledger keeps them."""
    since, until = window
    purchases = pd.DataFrame(
        {"customer": ["ann"], "time": [pd.Timestamp(time)], "product": ["roll"]}
    ).assign(day=pd.Timestamp(day))
    availability = pd.DataFrame(
        {
            "product": ["roll", "bun", "tart"],
            "time": [pd.Timestamp("2020-01-01"), pd.Timestamp(since), pd.Timestamp("2020-01-01")],
            "until": [pd.NaT, pd.Timestamp(until), pd.NaT],
            "price": [1.0, 2.0, 3.0],
        }
    )
    found = on_offer(purchases, availability, customers=["ann"], products=["roll", "bun", "tart"])
    return "bun" in set(found.table["product"])


MARCH = ("2026-03-01", "2026-03-31T23:59:59.999999")
BERLIN = ("2026-02-28T23:00", "2026-03-31T21:59:59.999999")
NOON = ("2026-03-01T12:00", "2026-03-31T12:00")


@pytest.mark.parametrize(
    ("window", "time", "day", "wanted"),
    [
        # Evenings in Los Angeles are the next day in UTC.
        (MARCH, "2026-04-01T03:00", "2026-03-31", True),
        (MARCH, "2026-03-01T03:00", "2026-02-28", False),
        # Dates without a time in Berlin begin on the day before in UTC.
        (MARCH, "2026-02-28T23:00", "2026-03-01", True),
        (MARCH, "2026-03-31T22:00", "2026-04-01", False),
        # A window in the store's own zone has the same bounds as its purchases.
        (BERLIN, "2026-02-28T23:00", "2026-03-01", True),
        (BERLIN, "2026-02-28T22:59", "2026-02-28", False),
        (BERLIN, "2026-03-31T21:30", "2026-03-31", True),
        (BERLIN, "2026-03-31T22:00", "2026-04-01", False),
        # A moment is a moment.
        (NOON, "2026-03-01T11:59", "2026-03-01", False),
        (NOON, "2026-03-01T12:00", "2026-03-01", True),
        (NOON, "2026-03-31T12:00", "2026-03-31", True),
        (NOON, "2026-03-31T12:01", "2026-03-31", False),
        (("2026-03-01", None), "2026-02-28T23:00", "2026-03-01", True),
        (("2026-03-01", None), "2030-01-01T00:00", "2030-01-01", True),
    ],
)
def test_windows(window, time, day, wanted):
    assert offered(window, time, day) is wanted
