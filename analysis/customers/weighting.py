"""Weights of respondents: by known margins, and by what purchases say of all customers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.customers.raking import NoWeights, Raked, rake
from analysis.study import Study

LEAST_LINKED = 100
"""Linked respondents below which purchases do not weight."""
PARTS = 5
RECENCY = ((91, "bought within 13 weeks"), (182, "14 to 26 weeks ago"), (364, "27 to 52 weeks ago"))
POINTS, LAST_PURCHASE = "points", "last purchase"

Shares = dict[str, float]


@dataclass(frozen=True, slots=True, eq=False)
class Weighting:
    """Weights and what they rest on.

    Attributes
    ----------
    raked
        None when the weights could not be had.
    answered, wanted
        By margin and class: the share among respondents without weights, and the share wanted.
    reason
        Why there are no weights; empty when there are.
    """

    raked: Raked | None
    answered: Mapping[str, Shares]
    wanted: Mapping[str, Shares]
    reason: str = ""


def weighting(
    study: Study, respondents: pd.DataFrame, answers: pd.DataFrame, customers: pd.DataFrame
) -> Weighting | None:
    """The weights that the plan asks for; None when it asks for none.

    Parameters
    ----------
    respondents, answers, customers
        Tables of the archive; customers are all in the purchase file.

    Notes
    -----
    Weighting by purchases gives linked respondents the shares of points and of recency that all
    customers have. It takes away what purchases explain of who answers, and nothing else.
    """
    plan = study.analysis.weighting
    if plan is None or not (plan.margins or plan.purchases):
        return None
    people = respondents.set_index("respondent")
    columns = {name: _column(name, people, answers) for name in plan.margins}
    wanted: dict[str, Shares] = {name: dict(shares) for name, shares in plan.margins.items()}
    if plan.purchases:
        linked = int(people["customer"].isin(customers.get("customer", pd.Series(dtype=str))).sum())
        if linked < LEAST_LINKED:
            reason = f"{linked} respondents are linked to purchases; weighting needs {LEAST_LINKED}"
            return Weighting(None, {}, wanted, reason)
        for name, classes in purchase_classes(customers).items():
            wanted[name] = _shares(classes)
            columns[name] = people["customer"].map(classes)
    frame = pd.DataFrame(columns, index=people.index)
    answered = {name: _shares(column) for name, column in columns.items()}
    base = people["weight"].astype(float).fillna(1.0)
    try:
        return Weighting(rake(frame, wanted, base=base), answered, wanted)
    except NoWeights as why:
        return Weighting(None, answered, wanted, str(why))


def purchase_classes(customers: pd.DataFrame) -> dict[str, pd.Series]:
    """Fifths by points and classes of recency of every customer (index customer)."""
    known = customers.set_index("customer")
    points = known["points"].astype(float)
    cuts = np.unique(np.quantile(points, np.arange(1, PARTS) / PARTS))
    fifth = np.searchsorted(cuts, points.to_numpy(), side="right")
    of = len(cuts) + 1
    names = np.array([f"part {n + 1} of {of} by points" for n in range(of)])
    days = known["recency_days"].astype(float)
    recency = pd.Series("longer ago", index=known.index)
    for most, words in reversed(RECENCY):
        recency[days <= most] = words
    return {POINTS: pd.Series(names[fifth], index=known.index), LAST_PURCHASE: recency}


def _column(name: str, people: pd.DataFrame, answers: pd.DataFrame) -> pd.Series:
    if name in ("language", "cell", "wave"):
        column = people[name].astype("object")
        return column.where(column.notna() & (column != ""))
    rows = answers[(answers["question"] == name) & (answers["status"] == "answered")]
    return rows.set_index("respondent")["value"].reindex(people.index)


def _shares(classes: pd.Series) -> Shares:
    counts = classes.dropna().value_counts(normalize=True).sort_index()
    return {str(name): float(share) for name, share in counts.items()}
