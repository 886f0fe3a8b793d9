"""Margin and acquisition cost of a synthetic company, as the ledgers of a company hold them."""

from __future__ import annotations

from datetime import timedelta

import pandas as pd

from analysis.synthetic.company import Company

MARGIN = 0.55
COST_OF_A_CUSTOMER = 6.0


def margins_of(company: Company) -> pd.DataFrame:
    """One margin that holds for everything, from before the first purchase: time, margin."""
    since = company.purchases["time"].min().date() - timedelta(days=1)
    return pd.DataFrame({"time": [since.isoformat()], "margin": [MARGIN]})


def acquisition_of(company: Company) -> pd.DataFrame:
    """What new customers cost by month and channel: time, channel, cost, currency, customers."""
    bought = company.purchases.sort_values("time", kind="stable")
    first = bought.drop_duplicates("customer")
    month = first["time"].dt.strftime("%Y-%m-01").rename("time")
    new = first.groupby([month, "channel", "currency"]).size().rename("customers").reset_index()
    cost = [f"{COST_OF_A_CUSTOMER * n:.2f}" for n in new["customers"]]
    return new.assign(cost=cost)[["time", "channel", "cost", "currency", "customers"]]
