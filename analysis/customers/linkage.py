"""One row per customer: what they answered beside what they bought."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.estimate import Estimate, unavailable, wilson
from analysis.study import Study

COMPARED = {
    "recency_days": "days since the last purchase",
    "frequency": "number of purchase days",
    "spend_52_weeks": "spend in 52 weeks",
    "points": "points",
}
NOTABLE = 0.2
"""A standardised difference worth a warning (Cohen's small effect)."""


@dataclass(frozen=True, slots=True, eq=False)
class Linkable:
    """The answer that stands for each customer who agreed to the linking.

    Attributes
    ----------
    responses
        Columns customer, respondent, answered_on (ISO day); each customer once.
    completed
        Completed respondents.
    without_consent
        Completed respondents who did not agree to the linking, or came without a customer.
    conflicts
        Completed answers set aside because the same customer answered again later.
    """

    responses: pd.DataFrame
    completed: int
    without_consent: int
    conflicts: int


@dataclass(frozen=True, slots=True)
class Compared:
    """Linked buyers beside all other buyers."""

    figure: str
    linked: float
    others: float
    standardised: float
    """Difference of the means over the pooled standard deviation."""


@dataclass(frozen=True, slots=True, eq=False)
class Linkage:
    """Answers and purchases joined.

    Attributes
    ----------
    found
        The answers that were to be joined.
    table
        Index customer; respondent, answered_on, the answers' columns, then those of the customer
        scores and of the outcomes. Linked customers only.
    match_rate
        Share of linkable respondents whose customer is in the ledger, with Wilson's interval.
    unmatched_respondents, unmatched_buyers
        Linkable respondents without purchases; customers with purchases who did not answer.
    comparison
        Linked buyers beside the others.
    warnings
        Where the two differ notably, in words.
    """

    found: Linkable
    table: pd.DataFrame
    match_rate: Estimate
    unmatched_respondents: int
    unmatched_buyers: int
    comparison: tuple[Compared, ...]
    warnings: tuple[str, ...]


def linkable(
    study: Study, respondents: pd.DataFrame, answers: pd.DataFrame, *, zone: str = "UTC"
) -> Linkable:
    """Which answer stands for which customer: completed, with consent, the latest one.

    Parameters
    ----------
    study
        Every question of kind consent with the purpose 'linking' must be answered yes.
    respondents
        Columns respondent, customer, completed (ISO time, or missing).
    answers
        Columns respondent, question, value.
    zone
        Time zone of the days on which customers answered, such as Europe/Berlin.
    """
    done = respondents[_given(respondents["completed"])]
    asked = [q.id for q in study.questions() if q.kind == "consent" and q.purpose == "linking"]
    agreed = _given(done["customer"])
    for question in asked:
        yes = answers[(answers["question"] == question) & (answers["value"] == "yes")]
        agreed &= done["respondent"].isin(yes["respondent"])
    linked = done[agreed].sort_values(["completed", "respondent"])
    latest = linked.drop_duplicates("customer", keep="last").sort_values("customer")
    days = answer_days(latest["completed"], zone)
    responses = pd.DataFrame(
        {
            "customer": latest["customer"].to_numpy(),
            "respondent": latest["respondent"].to_numpy(),
            "answered_on": days.dt.strftime("%Y-%m-%d").to_numpy(),
        }
    )
    return Linkable(responses, len(done), int((~agreed).sum()), len(linked) - len(latest))


def answer_days(completed: pd.Series, zone: str) -> pd.Series:
    """The days (at midnight) of moments in ISO 8601, on the calendar of a time zone."""
    moments = pd.to_datetime(completed, format="ISO8601", utc=True)
    days: pd.Series = moments.dt.tz_convert(zone).dt.tz_localize(None).dt.normalize()
    return days


def link(
    found: Linkable,
    *,
    answered: pd.DataFrame,
    customers: pd.DataFrame,
    outcomes: pd.DataFrame | None = None,
) -> Linkage:
    """Join the answers of linkable respondents with the scores of customers.

    Parameters
    ----------
    found
        From ``linkable``.
    answered
        Index respondent; any columns of scores, such as constructs, perceived_value, nps.
    customers
        From ``score_customers``.
    outcomes
        From ``outcomes``.
    """
    table = found.responses.merge(answered, left_on="respondent", right_index=True, how="left")
    table = table.merge(customers, on="customer", how="inner", validate="one_to_one")
    if outcomes is not None:
        bought = outcomes.drop(columns="answered_on")
        table = table.merge(bought, on="customer", how="left", validate="one_to_one")
    comparison = _comparison(customers, customers["customer"].isin(table["customer"]))
    return Linkage(
        found=found,
        table=table.set_index("customer").sort_index(),
        match_rate=share_estimate(len(table), len(found.responses)),
        unmatched_respondents=len(found.responses) - len(table),
        unmatched_buyers=len(customers) - len(table),
        comparison=comparison,
        warnings=tuple(_warning(c) for c in comparison if abs(c.standardised) > NOTABLE),
    )


def share_estimate(hits: int, n: int) -> Estimate:
    """A share with Wilson's 95 % interval (Wilson 1927)."""
    method = "share; Wilson interval"
    if n == 0:
        return unavailable("nobody to take a share of", n=0, method=method, unit="share")
    share = hits / n
    low, high = wilson(share, n)
    return Estimate(value=share, low=low, high=high, n=n, method=method, unit="share")


def _comparison(customers: pd.DataFrame, linked: pd.Series) -> tuple[Compared, ...]:
    if linked.sum() < 2 or (~linked).sum() < 2:
        return ()
    found = []
    for figure in COMPARED:
        ours = customers.loc[linked, figure].dropna().to_numpy(dtype=float)
        rest = customers.loc[~linked, figure].dropna().to_numpy(dtype=float)
        spread = float(np.sqrt((ours.var() + rest.var()) / 2))
        gap = float(ours.mean() - rest.mean())
        found.append(
            Compared(figure, float(ours.mean()), float(rest.mean()), gap / spread if spread else 0)
        )
    return tuple(found)


def _warning(compared: Compared) -> str:
    more = "higher" if compared.standardised > 0 else "lower"
    return (
        f"Buyers who answered are not a random sample: their {COMPARED[compared.figure]} is {more} "
        f"than that of other buyers ({compared.linked:.1f} against {compared.others:.1f})."
    )


def _given(column: pd.Series) -> pd.Series:
    return column.notna() & (column.astype("string").str.strip().fillna("") != "")
