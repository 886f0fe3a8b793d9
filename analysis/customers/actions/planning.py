"""Planning a randomised test: its size from earlier purchases, its groups by lot, its record."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import pandas as pd

from analysis.customers.actions.families import Family
from analysis.customers.actions.measured import LEAST, known_until
from analysis.customers.actions.planned import TestPlan
from analysis.customers.actions.randomised import Wanted, drawn_groups, sample_size
from analysis.customers.actions.register import Register
from analysis.purchases.engine import Purchases
from analysis.purchases.outcomes import bought_between


@dataclass(frozen=True, slots=True)
class Decision:
    """What somebody decided to try out; the fields are those of ``TestPlan``."""

    name: str
    what: str
    strategy: Family
    segment: str
    decided_by: str
    decided_on: date
    began: date
    weeks: int
    seed: int
    adjusted: bool
    currency: str

    def __post_init__(self) -> None:
        if self.decided_on > self.began:
            raise ValueError(
                f"decided on {self.decided_on}, after the contact on {self.began}: a test is "
                "decided before it begins"
            )


def plan_test(
    people: pd.DataFrame,
    purchases: Purchases,
    decision: Decision,
    wanted: Wanted,
    *,
    register: Register,
    only_enough: bool = False,
) -> TestPlan:
    """Reckon the size, draw the control group by lot, and keep plan and list in the register.

    Parameters
    ----------
    people
        Column customer, each once, and any others but group.
    purchases
        Those of the weeks before the contact (before the last day known, where that is earlier),
        as many as the horizon has, decide on the size.
    only_enough
        Refuse a list that is too short for the size.

    Raises
    ------
    ValueError
        When the list is no list for a test, nobody on it bought before, the size cannot be
        reckoned or not be reached, or the register has a test of this name.
    """
    if faults := _faults(people["customer"]):
        raise ValueError("; ".join(faults))
    until = min(decision.began - timedelta(days=1), known_until(purchases))
    before = bought_between(people["customer"], purchases, until=until, weeks=decision.weeks)
    if not before["purchase_days"].any():
        raise ValueError(
            f"nobody of the list bought in the {decision.weeks} weeks before {decision.began}: are "
            "these the purchases of the same customers, under the same names?"
        )
    size = sample_size(wanted, before[wanted.outcome])
    if only_enough and size.total > len(people):
        raise ValueError(
            f"{size.total:,} customers are needed ({size.method}) and {len(people):,} are listed: "
            "give a longer horizon or a larger smallest effect, or plan it all the same, knowing "
            "that an effect may be missed"
        )
    groups = drawn_groups(
        people["customer"], control_share=wanted.control_share, seed=decision.seed
    )
    plan = TestPlan(
        name=decision.name,
        what=decision.what,
        strategy=decision.strategy,
        segment=decision.segment,
        decided_by=decision.decided_by,
        decided_on=decision.decided_on,
        began=decision.began,
        weeks=decision.weeks,
        outcome=wanted.outcome,
        smallest=wanted.smallest,
        power=wanted.power,
        error=wanted.error,
        control_share=wanted.control_share,
        seed=decision.seed,
        adjusted=decision.adjusted,
        contact=int((groups == "contact").sum()),
        control=int((groups == "control").sum()),
        needed=size.total,
        needed_method=size.method,
        currency=decision.currency,
        list_sha256="",
    )
    return register.add(plan, people.assign(group=groups.to_numpy()))


def _faults(customers: pd.Series) -> list[str]:
    faults = []
    if twice := int(customers.duplicated().sum()):
        faults.append(f"{twice} customer(s) stand twice in the list: keep one row each")
    if (customers.str.strip() == "").any():
        faults.append("rows of the list have no customer: fill or remove them")
    if len(customers) < 2 * LEAST:
        faults.append(f"the list has {len(customers)} customers; {2 * LEAST} are needed at least")
    return faults
