"""Numbers as a manager reads them: two significant figures, cents under two dollars, real minus."""

from __future__ import annotations

import math

from analysis.estimate import Estimate

MINUS = "\u2212"
SYMBOLS = {"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥", "INR": "₹"}
CENTS = {"USD": "¢", "EUR": " ct", "GBP": "p"}
CENTS_UNDER = 2.0


def money(value: float, currency: str, *, signed: bool = False) -> str:
    """An amount in words: '24¢', '+24¢', '$160', '$8,100'."""
    if math.isinf(value):
        return plain(value)
    if currency in CENTS and abs(value) < CENTS_UNDER:
        digits = f"{abs(_rounded(value * 100)):.0f}"
        return sign(value if digits != "0" else 0.0, signed) + digits + CENTS[currency]
    digits = f"{abs(value):.2f}" if 0 < abs(value) < 10 else plain(abs(value))
    text = f"{SYMBOLS[currency]}{digits}" if currency in SYMBOLS else f"{digits} {currency}"
    return sign(value, signed) + text


def money_range(low: float, high: float, currency: str, *, signed: bool = False) -> str:
    """'19¢ to 29¢'; both ends in the same unit."""
    most, least = max(abs(low), abs(high)), min(abs(low), abs(high))
    if currency in CENTS and math.isfinite(most) and most >= CENTS_UNDER > least:
        ends = (f"{sign(x, signed)}{SYMBOLS[currency]}{abs(x):.2f}" for x in (low, high))
        return " to ".join(ends)
    return f"{money(low, currency, signed=signed)} to {money(high, currency, signed=signed)}"


def plain(value: float) -> str:
    """A number with two significant figures and thousands apart, 2,345 as '2,300'."""
    if math.isinf(value):
        return ("" if value > 0 else MINUS) + "unlimited"
    rounded = _rounded(value)
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


def value_and_range(estimate: Estimate, *, signed: bool = False) -> tuple[str, str]:
    """Value and range of an estimate that is available, as printed: '42%', '38% to 46%'."""
    value, low, high = ends(estimate)
    unit = estimate.unit
    if unit == "share":
        return percent(value), f"{percent(low)} to {percent(high)}"
    if len(unit) == 3 and unit.isupper():
        return money(value, unit, signed=signed), money_range(low, high, unit)
    fine = {"nats": 3} | dict.fromkeys(("logit", "ratio", "scale", "alpha", "r", ""), 2)
    places = fine.get(unit, 1)
    span = f"{decimal(low, places)} to {decimal(high, places)}"
    return decimal(value, places, signed=signed), span


def _rounded(value: float) -> float:
    """Two significant figures."""
    if value == 0 or not math.isfinite(value):
        return value
    return round(value, 1 - math.floor(math.log10(abs(value))))
