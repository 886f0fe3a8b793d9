"""The section that holds choices, answers and purchases against one another."""

from __future__ import annotations

import pandas as pd

from analysis.customers.agreement import Look, Verdict, later_purchases, verdict
from analysis.estimate import Estimate, unavailable
from analysis.ratings.driver_importance import NoDrivers, share_difference
from analysis.ratings.scales import score_column
from analysis.value_report.choice_parts import ChoiceParts
from analysis.value_report.customer_parts import CustomerParts
from analysis.value_report.driver_sections import drivers_of, outcomes_of
from analysis.value_report.section import Cell, Section, Table
from analysis.value_report.used import Used

FACETS = ("functional_value", "emotional_value")
CAUTION = (
    "Three different questions: what people would pay for in choices, what goes with their verdict "
    "in the same sitting, what goes with later purchases. They can differ for good reasons: "
    "attributes of the choice tasks and items of the scales are not the same things."
)
TITLES: dict[Verdict, str] = {
    "agree": "Choices, answers and purchases agree, where they can tell: {what} value carries more",
    "disagree": "Choices, answers and purchases disagree on what carries more value",
    "one alone": "Only one of choices, answers and purchases can tell what carries more value",
    "cannot tell": "Choices, answers and purchases cannot tell functional from emotional value",
}


def agreement_section(
    used: Used, scores: pd.DataFrame, choices: ChoiceParts, customers: CustomerParts, *, seed: int
) -> Section | None:
    """Three looks at functional against emotional value; None with fewer than two of them.

    ``scores`` has one row per respondent and a column for every construct.
    """
    looks = tuple(_looks(used, scores, choices, customers, seed))
    if sum(look.estimate.available for look in looks) < 2:
        return None
    found = verdict(looks)
    clear = [look for look in looks if look.says in FACETS_SAID]
    title = TITLES[found].format(what=clear[0].says if clear else "")
    rows: list[tuple[Cell, ...]] = [(look.name, look.estimate, look.says) for look in looks]
    return Section(
        id="agreement",
        title=title,
        method="agreement",
        text=_said(clear) if found in ("disagree", "one alone") else (),
        caution=CAUTION,
        tables=(
            Table(
                id="looks",
                caption="Functional against emotional value, looked at in three ways",
                columns=("Look", "Functional against emotional", "Says"),
                rows=tuple(rows),
                note="A look tells where its interval leaves out that both carry the same: a "
                "difference of 0, a ratio of 1.",
            ),
        ),
    )


FACETS_SAID = ("functional", "emotional")


def _said(clear: list[Look]) -> tuple[str, ...]:
    return tuple(f"{look.name}: {look.says} value carries more." for look in clear)


def _looks(
    used: Used, scores: pd.DataFrame, choices: ChoiceParts, customers: CustomerParts, seed: int
) -> list[Look]:
    worth = choices.tag_difference
    found = [
        Look(
            "Choices: money value of all upgrades of a kind, difference",
            worth or unavailable("not both kinds are in the choices", n=0, method="choices"),
        )
    ]
    for name, outcome in outcomes_of(used, scores)[:1]:
        share = _shares(used, scores, outcome, seed)
        found.append(Look(f"Answers: share of what goes with “{name}”, difference", share))
    linked = customers.linked
    columns = {facet: _mean(used, scores, facet) for facet in FACETS}
    if linked is not None and not linked.empty and "weeks_after" in linked:
        here = [_of_customers(columns[facet], linked) for facet in FACETS]
        ratio = later_purchases(linked, *here)
        found.append(Look("Purchases: later purchase days, ratio", ratio, equal=1.0))
    return found


def _shares(used: Used, scores: pd.DataFrame, outcome: pd.Series, seed: int) -> Estimate:
    drivers = drivers_of(used, scores)
    sides = [[c.id for c in used.study.constructs if c.facet == facet] for facet in FACETS]
    sides = [[name for name in side if name in drivers] for side in sides]
    if not all(sides):
        reason = "not both kinds are among the constructs"
        return unavailable(reason, n=len(drivers), method="drivers", unit="share")
    try:
        return share_difference(drivers, outcome, *sides, seed=seed, weights=used.weights)
    except NoDrivers as why:
        return unavailable(str(why), n=len(drivers), method="drivers", unit="share")


def _mean(used: Used, scores: pd.DataFrame, facet: str) -> pd.Series:
    """The mean of the constructs of a facet; missing where one of them is."""
    names = [score_column(c.id) for c in used.study.constructs if c.facet == facet]
    known = [name for name in names if name in scores]
    if not known:
        return pd.Series(float("nan"), index=scores.index)
    return scores[known].mean(axis=1, skipna=False)


def _of_customers(values: pd.Series, linked: pd.DataFrame) -> pd.Series:
    return pd.Series(values.reindex(linked["respondent"]).to_numpy(), index=linked.index)
