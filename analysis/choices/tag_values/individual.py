"""Tag values of every respondent."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.choices.coding import Floats
from analysis.choices.hb import market
from analysis.choices.importances import ranges
from analysis.choices.partworths import PartWorths
from analysis.choices.price_offset import offsets, undeterred, why_no_money
from analysis.choices.tag_values.named import (
    shares_of_tags,
    upgrades_of_tags,
)


def individual_values(part_worths: PartWorths) -> pd.DataFrame:
    """A row a respondent: money values and shares of the tags, and whether price deters.

    Columns: respondent; for functional and emotional TAG_money (median over draws), TAG_money_low
    and TAG_money_high (95 % of draws; infinite where no price offsets the upgrades); for every tag
    TAG_share (mean over draws); price_does_not_deter (the share of draws in which it does not). The
    intervals are right on average over respondents, not for each of them.
    """
    coding, hierarchy = part_worths.coding, market.hierarchy_of(part_worths)
    beta = hierarchy.posterior.beta.reshape(-1, *hierarchy.posterior.beta.shape[2:])
    found: dict[str, object] = {"respondent": list(hierarchy.respondents)}
    price = coding.exercise.price
    if price is not None and not why_no_money(coding):
        for money in upgrades_of_tags(part_worths, contestable=False):
            amounts = np.array(
                [offsets(coding, price, b @ money.contrast, b) for b in _each(beta)], np.float32
            )
            quantiles = np.quantile(amounts, [0.025, 0.5, 0.975], axis=0, method="nearest")
            for suffix, values in zip(("_low", "", "_high"), quantiles, strict=True):
                found[f"{money.tag}_money{suffix}"] = values
        deterred = [undeterred(coding, price, b) for b in _each(beta)]
        found["price_does_not_deter"] = np.mean(deterred, axis=0)
    shares = [share for share in shares_of_tags(coding, "share") if share.figure == "share"]
    totals = np.zeros((len(shares), beta.shape[1]))
    for b in _each(beta):
        spread = ranges(coding, b)
        totals += [share.of(spread) for share in shares]
    for share, total in zip(shares, totals, strict=True):
        found[f"{share.tag}_share"] = total / len(beta)
    return pd.DataFrame(found)


def _each(beta: NDArray[np.float32]) -> Iterator[Floats]:
    for draw in beta:
        yield draw.astype(float)
