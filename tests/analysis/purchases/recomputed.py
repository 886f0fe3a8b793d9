"""Every score of every customer again, in plain Python, from the definitions of the method page."""

from __future__ import annotations

import math
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import NamedTuple

WINDOW = 28


class Line(NamedTuple):
    """A line of the log; time is that of the store's clock."""

    customer: str
    time: datetime
    cents: int
    on_sale: bool | None = None
    product: str | None = None
    channel: str | None = None
    store: str | None = None


class Sent(NamedTuple):
    """A row of the offers; time is UTC."""

    customer: str
    time: datetime
    offer: str
    action: str


def recompute(lines: list[Line], offers: list[Sent] | None, *, as_of: date) -> dict[str, dict]:
    """customer: column: value, None where it is missing; tiers of 5, 20 and 50 % of customers."""
    by: dict[str, list[tuple[int, Line]]] = {}
    for line in lines:
        ago = (as_of - line.time.date()).days
        if ago >= 0:
            by.setdefault(line.customer, []).append((ago, line))
    scores = {}
    for name, mine in by.items():
        found = {**_history(mine, as_of), **_money(mine), **_breadth(mine)}
        found["known"] = found["first_ago"] is not None and found["first_ago"] >= 91
        found["state"] = _state(found)
        scores[name] = {"customer": name, **found, **_response(name, mine, offers, as_of)}
    _place(scores)
    return scores


def _history(mine, as_of):
    days = sorted({ago for ago, line in mine if line.cents >= 0})
    first = days[-1] if days else None
    gap = (days[-1] - days[0]) / (len(days) - 1) if len(days) > 1 else None
    return {
        "first_ago": first,
        "first_purchase": str(as_of - timedelta(days=first)) if days else None,
        "recency_days": days[0] if days else None,
        "frequency": len(days),
        "average_gap_days": gap,
        "days_52_weeks": sum(ago < 364 for ago in days),
        "days_last_13_weeks": sum(ago < 91 for ago in days),
        "days_before_39_weeks": sum(91 <= ago < 364 for ago in days),
    }


def _money(mine):
    cents = [0] * 103
    for ago, line in mine:
        if ago // 7 < 103:
            cents[ago // 7] += line.cents
    year, latest = sum(cents[:52]), sum(cents[:13])
    mean, deviation = _moments(cents[:52])
    rolling = [sum(cents[w : w + 52]) + sum(cents[w : w + 13]) for w in range(52)]
    rolling_mean, rolling_deviation = _moments(rolling)
    paid = [line for ago, line in mine if ago < 364 and line.cents >= 0]
    known = sum(line.cents for line in paid if line.on_sale is not None)
    sale = sum(line.cents for line in paid if line.on_sale)
    return {
        "weeks": cents[:52],
        "monetary": sum(line.cents for _, line in mine) / 100,
        "signed_points": (year + latest) / 100,
        "points": max(year + latest, 0) / 100,
        "points_13_weeks_ago": max(sum(cents[13:65]) + sum(cents[13:26]), 0) / 100,
        "spend_52_weeks": year / 100,
        "last_13_weeks": latest / 100,
        "before_13_weeks": (year - latest) / 300,
        "last_week": cents[0] / 100,
        "weekly_mean": mean,
        "weekly_sd": deviation,
        "lower_limit": max(mean - 2 * deviation, 0),
        "upper_limit": mean + 2 * deviation,
        "rolling_mean": rolling_mean,
        "rolling_sd": rolling_deviation,
        "rolling_lower": max(rolling_mean - 2 * rolling_deviation, 0),
        "rolling_upper": rolling_mean + 2 * rolling_deviation,
        "sale_share": sale / known if known else None,
        "sale_only": sale == known if known else None,
    }


def _moments(cents):
    """Mean and population deviation, in units."""
    mean = Fraction(sum(cents), len(cents))
    square = sum((c - mean) ** 2 for c in cents) / len(cents)
    return float(mean) / 100, math.sqrt(square) / 100


def _state(found):
    weeks, lower, deviation = found["weeks"], found["lower_limit"], found["weekly_sd"]
    if found["days_52_weeks"] < 4:
        return "too_few"
    limited = lower > 0 and deviation > 0
    if limited and found["last_week"] < lower:
        return "below"
    if all(52 * weeks[n] > sum(weeks) for n in range(3)):
        return "above_3_weeks"
    if limited and found["last_week"] <= lower + deviation / 2:
        return "near_lower"
    return "within"


def _breadth(mine):
    inside = [line for ago, line in mine if ago < 364 and line.cents >= 0]
    columns = {"products": "product", "channels": "channel", "stores": "store"}
    named = {k: {getattr(line, v) for line in inside} - {None} for k, v in columns.items()}
    return {name: len(found) or None for name, found in named.items()}


def _response(name, mine, offers, as_of):
    names = ("offers_sent", "offers_redeemed", "offers_bought", "offers_bought_before")
    if offers is None:
        return dict.fromkeys((*names, "offer_share", "offer_low", "offer_high"))
    days = {ago for ago, line in mine if line.cents >= 0}
    rows = [(row, (as_of - row.time.date()).days) for row in offers if row.customer == name]
    sent: dict[str, int] = {}
    for row, ago in rows:
        if row.action == "sent" and WINDOW - 1 <= ago < 364:
            sent[row.offer] = max(ago, sent.get(row.offer, 0))
    counts = [len(sent), 0, 0, 0]
    for offer, day in sent.items():
        window = set(range(day - WINDOW + 1, day + 1))
        used = {ago for row, ago in rows if row.offer == offer and row.action == "redeemed"}
        redeemed = bool(used & window)
        counts[1] += redeemed
        counts[2] += not redeemed and bool(days & window)
        counts[3] += bool(days & set(range(day + 1, day + WINDOW + 1)))
    share, low, high = _wilson(counts[1], counts[0])
    return {
        **dict(zip(names, counts, strict=True)),
        "offer_share": share,
        "offer_low": low,
        "offer_high": high,
    }


def _wilson(k, n, z=1.959963984540054):
    """The two shares p at which k of n is z standard errors away: roots of a quadratic."""
    if n == 0:
        return None, None, None
    a, b, c = n + z * z, -(2 * k + z * z), k * k / n
    root = math.sqrt(max(b * b - 4 * a * c, 0))
    low, high = (-b - root) / (2 * a), (-b + root) / (2 * a)
    return k / n, 0.0 if k == 0 else low, 1.0 if k == n else high


def _place(scores):
    points = sorted((row["points"] for row in scores.values() if row["points"] > 0), reverse=True)

    def cut(share):
        few = [p for p in points if sum(q >= p for q in points) / len(points) <= share]
        return min(few, default=max(points, default=math.inf))

    tiers = [(n, cut(s)) for n, s in (("platinum", 0.05), ("gold", 0.2), ("silver", 0.5))]

    def tier(value):
        if value <= 0:
            return "inactive"
        return next((name for name, least in tiers if value >= least), "bronze")

    deciles = [cut(n / 10) for n in range(1, 10)]
    for row in scores.values():
        mine = row["points"]
        row["tier"] = tier(mine)
        row["tier_13_weeks_ago"] = tier(row["points_13_weeks_ago"]) if row["known"] else "new"
        row["decile"] = 1 + sum(mine >= c for c in deciles) if mine > 0 else 0
        row["rank"] = 1 + sum(other["points"] > mine for other in scores.values())
