"""The composite score: chosen on earlier weeks, judged on the next 26, then made for today."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pandas as pd

from analysis.purchases.composite.behaviours import (
    BEHAVIOURS,
    RFM,
    Beyond,
    behaviours,
    later_value,
)
from analysis.purchases.composite.regression import Fit, Floats, choose, fit
from analysis.purchases.composite.validation import Judged, judge
from analysis.purchases.engine import Purchases, refuse_mixed_currencies
from analysis.purchases.lifetime_value.bg_nbd import BG_NBD
from analysis.purchases.lifetime_value.buying import fit_buying
from analysis.purchases.lifetime_value.expected import expected_purchases
from analysis.purchases.lifetime_value.grouped import (
    customer_histories,
    grouped_histories,
    histories_of,
)
from analysis.purchases.lifetime_value.likelihood import NotConverged, NotIdentified
from analysis.purchases.score import ScoreRule

AHEAD_WEEKS = 26
LEAST_CUSTOMERS, LEAST_DAYS = 400, 182
MOST_JUDGED = 20_000
"""Of more customers held out, so many drawn at random are judged."""
COMPOSITE, POINTS, BG_NBD_SCORE = "composite", "points", "bg_nbd"


class NotEnoughHistory(ValueError):
    """A composite score cannot be fitted and judged; the message says why."""


@dataclass(frozen=True, slots=True)
class Composite:
    """A composite score, how it was chosen, and how it was judged.

    Attributes
    ----------
    customers
        customer, expected_26_weeks (net spend after the as-of day, in units of currency), rank
        (1: most; equal expectations, equal ranks), points; sorted by customer.
    chosen
        Which columns: points, rfm or behaviours; rfm_and_more or behaviours_and_more with events
        and attributes.
    deviances
        Of every candidate in cross-validation on the earlier window; less is better.
    fitted
        The fit that was judged: customers not held out, the earlier window.
    latest
        The fit behind ``customers``: all customers, the latest 26 weeks.
    judged
        On customers held out, in the latest 26 weeks.
    verdict
        'better than points', 'not better than points' or 'worse than points', in a sentence.
    windows
        Days: features until, outcome until, of the fit and of the judgement.
    notes
        What could not be compared, in words.
    """

    customers: pd.DataFrame
    chosen: str
    deviances: dict[str, float]
    fitted: Fit
    latest: Fit
    judged: Judged
    verdict: str
    windows: dict[str, str]
    notes: tuple[str, ...]


def composite_score(
    purchases: Purchases,
    *,
    as_of: date,
    rule: ScoreRule | None = None,
    beyond: Beyond | None = None,
    seed: int = 1,
) -> Composite:
    """Choose, judge and make the composite score; nothing after the as-of day is read.

    Columns as of 52 weeks ago are fitted to the spend of the 26 weeks after, on half of the
    customers; the other half is judged on columns as of 26 weeks ago and the 26 weeks up to the
    as-of day. Which half is by a digest of the name. The score itself is then fitted to the
    latest 26 weeks of all customers.

    Raises
    ------
    NotEnoughHistory
        With fewer than 400 customers, or 26 weeks of history, before the earlier window.
    ValueError
        When purchases are in several currencies, or a table is not usable.
    """
    refuse_mixed_currencies(purchases)
    rule, beyond = rule or ScoreRule(), beyond or Beyond()
    later = as_of - timedelta(weeks=AHEAD_WEEKS)
    earlier = later - timedelta(weeks=AHEAD_WEEKS)
    old, named = behaviours(purchases, on=earlier, rule=rule, beyond=beyond)
    _refuse_short(old, earlier)
    new, _ = behaviours(purchases, on=later, rule=rule, beyond=beyond)
    now, _ = behaviours(purchases, on=as_of, rule=rule, beyond=beyond)
    old_value = _value(purchases, old, after=earlier, until=later)
    new_value = _value(purchases, new, after=later, until=as_of)
    ours = ~held_out(old.index)
    candidates = _candidates(beyond, named)
    chosen, deviances = choose(old[ours], old_value[ours], candidates, seed=seed)
    fitted = fit(old[ours], old_value[ours], candidates[chosen])
    theirs = held_out(new.index)
    judged, notes = _judge(
        purchases, new[theirs], new_value[theirs], on=later, fitted=fitted, seed=seed
    )
    latest = fit(new, new_value, candidates[chosen])
    expected = latest.expected(now)
    customers = pd.DataFrame(
        {
            "customer": now.index.astype(str),
            "expected_26_weeks": expected,
            "rank": pd.Series(-expected).rank(method="min").astype("int64").to_numpy(),
            "points": now["plain_points"].to_numpy(),
        }
    )
    return Composite(
        customers=customers,
        chosen=chosen,
        deviances=deviances,
        fitted=fitted,
        latest=latest,
        judged=judged,
        verdict=verdict_of(judged),
        windows={
            "fit_columns_until": earlier.isoformat(),
            "fit_value_until": later.isoformat(),
            "judged_columns_until": later.isoformat(),
            "judged_value_until": as_of.isoformat(),
        },
        notes=notes,
    )


def held_out(names: pd.Index) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Which customers are held out: half of them, by a digest of the name, the same in any log."""
    digests = (hashlib.blake2b(str(name).encode(), digest_size=1).digest() for name in names)
    return np.fromiter((digest[0] < 128 for digest in digests), dtype=bool, count=len(names))


def verdict_of(judged: Judged) -> str:
    """The gain over points in words: better or worse only where an interval is clear of zero."""
    table = judged.figures
    mine = table[(table["score"] == COMPOSITE) & table["gain"].notna()]
    worse = mine["gain_high"] < 0
    better = mine["gain_low"] > 0
    if worse.any() and not better.any():
        return "worse than points"
    if better.any() and not worse.any():
        figures = " and ".join(f.replace("_", " ") for f in mine.loc[better, "figure"])
        return f"better than points in {figures}"
    return "not better than points"


def _candidates(beyond: Beyond, named: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    found = {"points": ("points",), "rfm": RFM, "behaviours": ("points", *BEHAVIOURS)}
    more = (("events",) if beyond.events is not None else ()) + named
    if more:
        found["rfm_and_more"] = (*RFM, *more)
        found["behaviours_and_more"] = ("points", *BEHAVIOURS, *more)
    return found


def _value(purchases: Purchases, table: pd.DataFrame, *, after: date, until: date) -> Floats:
    spend = later_value(purchases, after=after, until=until)
    return spend.reindex(table.index).fillna(0.0).to_numpy(dtype=float)


def _refuse_short(old: pd.DataFrame, earlier: date) -> None:
    faults = []
    if len(old) < LEAST_CUSTOMERS:
        faults.append(
            f"{len(old):,} customers had bought by {earlier}, {LEAST_CUSTOMERS:,} are needed"
        )
    days = float(np.expm1(old["tenure"]).max() * 7) if len(old) else 0.0
    if days < LEAST_DAYS:
        faults.append(f"{days:.0f} days of history before {earlier}, {LEAST_DAYS} are needed")
    if faults:
        raise NotEnoughHistory("not enough history for a composite score: " + "; ".join(faults))


def _judge(
    purchases: Purchases, table: pd.DataFrame, value: Floats, *, on: date, fitted: Fit, seed: int
) -> tuple[Judged, tuple[str, ...]]:
    if not value.sum() > 0:
        raise NotEnoughHistory("nobody held out bought in the weeks that were to be predicted")
    notes = []
    if len(table) > MOST_JUDGED:
        places = np.sort(np.random.default_rng(seed).choice(len(table), MOST_JUDGED, replace=False))
        notes.append(f"{MOST_JUDGED:,} of {len(table):,} customers held out, drawn at random")
        table, value = table.iloc[places], value[places]
    scores = {
        COMPOSITE: fitted.expected(table),
        POINTS: table["plain_points"].to_numpy(dtype=float),
        "recency": -table["recency_days"].to_numpy(dtype=float),
        "frequency": table["days_52_weeks"].to_numpy(dtype=float),
        "spend": table["spend_52_weeks"].to_numpy(dtype=float),
    }
    expected: tuple[str, ...] = (COMPOSITE,)
    try:
        scores[BG_NBD_SCORE] = _bg_nbd(purchases, table.index, on=on)
        expected = (COMPOSITE, BG_NBD_SCORE)
    except (NotConverged, NotIdentified) as reason:
        notes.append(f"BG/NBD could not be fitted: {reason}")
    return judge(scores, value, expected=expected, seed=seed), tuple(notes)


def _bg_nbd(purchases: Purchases, names: pd.Index, *, on: date) -> Floats:
    """Expected purchases of BG/NBD times own mean spend, shrunk to everybody's by one purchase."""
    model = fit_buying(BG_NBD, grouped_histories(purchases, as_of=on))
    each = customer_histories(purchases, as_of=on).set_index("customer").loc[names]
    bought = expected_purchases(model, histories_of(each.reset_index()), float(AHEAD_WEEKS))
    days = each["x"] + 1.0
    overall = each["net"].clip(lower=0).sum() / days.sum()
    mean = (each["net"].clip(lower=0) + overall) / (days + 1)
    return np.asarray(bought * mean.to_numpy(), dtype=float)
