"""Which change of price offsets a difference in utility, for many respondents at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from analysis.choices.coding import Coding, Floats, level_numbers, tested_range
from analysis.study import Attribute


def why_no_money(coding: Coding) -> str:
    """Why utilities have no money value; empty when they have one."""
    price = coding.exercise.price
    if price is None:
        return "the exercise has no attribute tagged as price"
    if price.coding == "effects" and any(level.number is None for level in price.levels):
        return f"the levels of the price '{price.id}' have no numbers"
    return ""


def tested_prices(price: Attribute) -> tuple[float, float]:
    """The lowest and the highest price tested."""
    if price.coding != "effects":
        return tested_range(price)
    numbers = level_numbers(price)
    return float(numbers.min()), float(numbers.max())


def utility_lost(coding: Coding, price: Attribute, beta: Floats) -> tuple[Floats, Floats]:
    """Prices (S,) upwards, and the utility lost by going to each from the lowest, (..., S).

    Between these prices utility is linear in price.
    """
    numbers = np.array(tested_range(price)) if price.coding == "linear" else None
    if numbers is None:
        numbers = coding.price_steps(price)
    codes = coding.table(price) if price.coding == "effects" else coding.numeric(price, numbers)
    order = np.argsort(numbers)
    utility = beta[..., coding.places(price.id)] @ codes[order].T
    return numbers[order], utility[..., :1] - utility


def offsets(coding: Coding, price: Attribute, worth: Floats, beta: Floats) -> Floats:
    """Money that offsets worths (...) for betas (..., K): signed as the worth, infinite where none.

    A linear price is followed beyond the tested prices. A price in steps or pieces is followed
    upwards from the lowest tested one, to where the loss first reaches the worth.
    """
    numbers, lost = utility_lost(coding, price, beta)
    size = np.abs(worth)
    if price.coding == "linear":
        slope = lost[..., 1] / (numbers[1] - numbers[0])
        amount = np.where(slope > 0, size / np.where(slope > 0, slope, 1.0), np.inf)
    else:
        reached = lost >= size[..., None]
        first = np.maximum(reached.argmax(axis=-1), 1)
        low, high = (
            np.take_along_axis(lost, at[..., None], axis=-1)[..., 0] for at in (first - 1, first)
        )
        part = (size - low) / np.where(high > low, high - low, 1.0)
        between = numbers[first - 1] + part * (numbers[first] - numbers[first - 1])
        amount = np.where(reached.any(axis=-1), between - numbers[0], np.inf)
    found: Floats = np.where(size > 0, np.copysign(amount, worth), 0.0)
    return found


def undeterred(coding: Coding, price: Attribute, beta: Floats) -> NDArray[np.bool_]:
    """Whom the highest tested price deters no more than the lowest, (...)."""
    found: NDArray[np.bool_] = utility_lost(coding, price, beta)[1][..., -1] <= 0
    return found
