"""Numbers of customers on which purchase rate and dropout depend."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.purchases.lifetime_value.grouped import Floats


@dataclass(frozen=True, slots=True)
class Covariates:
    """Covariates of the rows of a history.

    The purchase rate of a row is multiplied by exp(rate @ coefficients); dropout likewise: in
    Pareto/NBD the dropout rate, in BG/NBD the odds of the mean chance to drop out after a
    purchase.

    Attributes
    ----------
    rate, dropout
        (rows, C1) and (rows, C2), either may have no columns.
    names
        ``rate:NAME`` and ``dropout:NAME``, in that order.
    """

    rate: Floats
    dropout: Floats
    names: tuple[str, ...]

    def rows(self, chosen: slice | NDArray[np.int64]) -> Covariates:
        """Some of the rows."""
        return Covariates(self.rate[chosen], self.dropout[chosen], self.names)


def covariates_of(
    table: pd.DataFrame, customers: pd.Series, *, rate: Sequence[str], dropout: Sequence[str]
) -> Covariates:
    """Covariates of customers, centred at their means so that parameters are the average's.

    Parameters
    ----------
    table
        Column customer (each once) and the named numbers, without gaps.
    customers
        In the order of the histories; each must be in the table.

    Raises
    ------
    ValueError
        With everything that is wrong with the table.
    """
    wanted = list(dict.fromkeys([*rate, *dropout]))
    faults = [
        f"there is no column '{name}'. The table has: {', '.join(map(str, table.columns))}"
        for name in ["customer", *wanted]
        if name not in table
    ]
    if not faults and table["customer"].duplicated().any():
        faults.append("a customer stands twice. Keep one row of each")
    if not faults:
        mine = table.set_index(table["customer"].astype(str)).reindex(customers.astype(str))
        faults = [f for name in wanted if (f := _fault(mine[name], name))]
    if faults:
        raise ValueError("covariates: " + "; ".join(faults))
    numbers = mine[wanted].astype(float)
    centred = numbers - numbers.mean()
    return Covariates(
        rate=centred[list(rate)].to_numpy(),
        dropout=centred[list(dropout)].to_numpy(),
        names=(*(f"rate:{name}" for name in rate), *(f"dropout:{name}" for name in dropout)),
    )


def _fault(values: pd.Series, name: str) -> str:
    numbers = pd.to_numeric(values, errors="coerce").replace([np.inf, -np.inf], np.nan)
    if numbers.isna().any():
        who = ", ".join(map(str, values.index[numbers.isna()][:3]))
        return (
            f"'{name}' is missing or no number for {int(numbers.isna().sum())} customer(s) "
            f"({who}). Give every customer a number, or leave these customers' purchases out"
        )
    if numbers.nunique() < 2:
        return f"'{name}' is the same for all customers. Leave it out"
    return ""
