"""Numbers as a manager reads them: two significant figures, cents under two dollars, real minus."""

from __future__ import annotations

import math

from analysis.diagnostics.types import ShareError
from analysis.estimate import Estimate

MINUS = "\u2212"
SYMBOLS = {"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥", "INR": "₹"}
CENTS = {"USD": "¢", "EUR": " ct", "GBP": "p"}
CENTS_UNDER = 2.0


def money(value: float, currency: str, *, signed: bool = False, figures: int = 2) -> str:
    """An amount in words: '24¢', '+24¢', '$160', '$8,100'; ``figures`` that count, from $10 on."""
    if math.isinf(value):
        return plain(value)
    if currency in CENTS and abs(value) < CENTS_UNDER:
        digits = f"{abs(_rounded(value * 100)):.0f}"
        return sign(value if digits != "0" else 0.0, signed) + digits + CENTS[currency]
    digits = f"{abs(value):.2f}" if 0 < abs(value) < 10 else plain(abs(value), figures=figures)
    text = f"{SYMBOLS[currency]}{digits}" if currency in SYMBOLS else f"{digits} {currency}"
    return sign(value, signed) + text


def money_range(
    low: float, high: float, currency: str, *, signed: bool = False, figures: int = 2
) -> str:
    """'19¢ to 29¢'; both ends in the same unit."""
    most, least = max(abs(low), abs(high)), min(abs(low), abs(high))
    if currency in CENTS and math.isfinite(most) and most >= CENTS_UNDER > least:
        ends = (f"{sign(x, signed)}{SYMBOLS[currency]}{abs(x):.2f}" for x in (low, high))
        return " to ".join(ends)
    ends = (money(x, currency, signed=signed, figures=figures) for x in (low, high))
    return " to ".join(ends)


def figures_for(low: float, high: float) -> int:
    """Significant figures, from two on, whose last one is at most half of an interval's width."""
    most, width = max(abs(low), abs(high)), high - low
    if not math.isfinite(most) or most == 0 or width <= 0:
        return 2
    return min(max(2, 1 + math.floor(math.log10(most)) - math.floor(math.log10(width / 2))), 6)


def plain(value: float, *, figures: int = 2) -> str:
    """A number with two (or more) significant figures and thousands apart, 2,345 as '2,300'."""
    if math.isinf(value):
        return ("" if value > 0 else MINUS) + "unlimited"
    rounded = _rounded(value, figures)
    if figures > 2 and abs(rounded) >= 10:
        places = max(figures - 1 - math.floor(math.log10(abs(rounded))), 0)
        return sign(rounded, False) + f"{abs(rounded):,.{places}f}"
    digits = 0 if abs(rounded) >= 10 or rounded == round(rounded) else 1
    if 0 < abs(rounded) < 1:
        digits = 2
    return sign(rounded, False) + f"{abs(rounded):,.{digits}f}"


def whole(value: float, *, signed: bool = False) -> str:
    """A whole number with thousands apart: '1,640', '+31'."""
    return sign(round(value), signed) + f"{abs(round(value)):,}"


def effective(draws: float) -> str:
    """A number of effective draws; 'unknown' where it cannot be computed."""
    return "unknown" if math.isnan(draws) else whole(draws)


def decimal(value: float, places: int, *, signed: bool = False) -> str:
    """A number with a fixed number of decimals and a real minus."""
    if math.isinf(value):
        return plain(value)
    text = f"{abs(value):,.{places}f}"
    return sign(value if float(text.replace(",", "")) else 0.0, signed) + text


def percent(share: float) -> str:
    """A share of 0 to 1 as whole percent: '42 %' without the space."""
    return f"{sign(round(100 * share), False)}{abs(round(100 * share))}%"


def sign(value: float, signed: bool) -> str:
    """The sign in front of a number: a real minus, a plus only when wanted."""
    return MINUS if value < 0 else "+" if signed and value > 0 else ""


def ends(estimate: Estimate) -> tuple[float, float, float]:
    """Value, low and high of an estimate that is available."""
    if estimate.value is None or estimate.low is None or estimate.high is None:
        raise ValueError(f"there is no number: {estimate.reason}")
    return estimate.value, estimate.low, estimate.high


def spoken(estimate: Estimate, *, signed: bool = False) -> str:
    """Value with range in the unit of the estimate, or the reason why there is none."""
    if not estimate.available:
        return f"not available: {estimate.reason}"
    value, span = value_and_range(estimate, signed=signed)
    return f"{value} ({span})"


def error_of_shares(shares: ShareError | None) -> str:
    """The mean absolute error of predicted shares in points, or why there is none."""
    if shares is None or shares.mae is None:
        return shares.reason if shares else ""
    return f"{100 * shares.mae:.1f} points"


def noise_of_shares(shares: ShareError | None) -> str:
    """What sampling alone would make of that error; empty where it is not known."""
    if shares is None or shares.noise is None or shares.noise_high is None:
        return ""
    return (
        f"Error of shares: mean absolute difference from those observed in {shares.tasks} tasks. "
        f"Sampling alone makes {100 * shares.noise:.1f} points of it, "
        f"in 39 of 40 samples at most {100 * shares.noise_high:.1f}."
    )


def value_and_range(estimate: Estimate, *, signed: bool = False) -> tuple[str, str]:
    """Value and range of an estimate that is available, as printed: '42%', '38% to 46%'."""
    value, low, high = ends(estimate)
    unit = estimate.unit
    if unit == "share":
        return percent(value), f"{percent(low)} to {percent(high)}"
    if len(unit) == 3 and unit.isupper():
        figures = figures_for(low, high)
        span = money_range(low, high, unit, figures=figures)
        return money(value, unit, signed=signed, figures=figures), span
    if unit == "year":
        return f"{value:.0f}", f"{low:.0f} to {high:.0f}"
    fine = {"nats": 3, "customers": 0}
    fine |= dict.fromkeys(("logit", "ratio", "scale", "alpha", "r", "agreement", ""), 2)
    places = fine.get(unit, 1)
    span = f"{decimal(low, places)} to {decimal(high, places)}"
    return decimal(value, places, signed=signed), span


def _rounded(value: float, figures: int = 2) -> float:
    """So many significant figures."""
    if value == 0 or not math.isfinite(value):
        return value
    return round(value, figures - 1 - math.floor(math.log10(abs(value))))
