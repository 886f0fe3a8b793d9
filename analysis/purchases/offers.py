"""Response to offers: who redeemed what was sent, with intervals."""

from __future__ import annotations

from datetime import date

import pandas as pd

from analysis.estimate import Estimate, unavailable
from analysis.purchases.retention import wilson

COLUMNS = ("customer", "sent", "redeemed")


def offer_response(offers: pd.DataFrame, *, as_of: date) -> tuple[pd.DataFrame, Estimate]:
    """Offers sent to every customer up to a day, and redeemed by then.

    Parameters
    ----------
    offers
        One row an offer: customer, sent and redeemed (ISO days or times; blank: not redeemed).

    Returns
    -------
    DataFrame
        customer, sent, redeemed (counts), share, low, high (95 %, Wilson), sorted.
    Estimate
        The share of all offers that was redeemed. Its interval (Wilson) takes offers as
        independent, which those to one customer are not: with few customers it is too narrow.

    Raises
    ------
    ValueError
        When a column is missing, a day cannot be read, or an offer was redeemed before it was
        sent: all faults at once.
    """
    absent = [name for name in COLUMNS if name not in offers.columns]
    if absent:
        raise ValueError(f"offers lack the column(s) {', '.join(absent)}")
    days = {
        name: pd.to_datetime(offers[name], utc=True, format="ISO8601", errors="coerce").dt.date
        for name in ("sent", "redeemed")
    }
    faults = [
        f"row {row + 2}: '{offers[name].iloc[row]}' is no ISO day. Write 2026-08-31"
        for name, found in days.items()
        for row in range(len(offers))
        if pd.isna(found.iloc[row]) and (name == "sent" or not _blank(offers[name].iloc[row]))
    ]
    faults += [
        f"row {row + 2}: redeemed on {redeemed}, before it was sent on {sent}. Correct one"
        for row, (sent, redeemed) in enumerate(zip(days["sent"], days["redeemed"], strict=True))
        if not pd.isna(redeemed) and not pd.isna(sent) and redeemed < sent
    ]
    if faults:
        raise ValueError("\n".join(faults))
    used = days["redeemed"].map(lambda day: not pd.isna(day) and day <= as_of).astype("int64")
    table = pd.DataFrame({"customer": offers["customer"].astype(str), "redeemed": used})
    table = table[days["sent"].map(lambda day: day <= as_of).astype(bool)]
    each = table.groupby("customer", as_index=False).agg(
        sent=("redeemed", "size"), redeemed=("redeemed", "sum")
    )
    share, low, high = wilson(
        each["redeemed"].to_numpy(dtype=float), each["sent"].to_numpy(dtype=float)
    )
    return each.assign(share=share, low=low, high=high), _overall(each)


def _overall(each: pd.DataFrame) -> Estimate:
    n, method = int(each["sent"].sum()), "share of offers redeemed, Wilson interval"
    if n == 0:
        return unavailable("no offer was sent by then", n=0, method=method, unit="share")
    k = each[["redeemed", "sent"]].sum().to_numpy(dtype=float)
    share, low, high = (float(x[0]) for x in wilson(k[:1], k[1:]))
    return Estimate(value=share, low=low, high=high, n=n, method=method, unit="share")


def _blank(cell: object) -> bool:
    return bool(pd.isna(cell)) or not str(cell).strip()  # type: ignore[call-overload]
