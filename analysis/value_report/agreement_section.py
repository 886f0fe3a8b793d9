"""The section that holds choices, answers and purchases against one another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from analysis.customers.agreement import (
    Look,
    Verdict,
    later_purchase_ratios,
    later_purchases,
    verdict,
)
from analysis.estimate import Estimate, unavailable
from analysis.ratings.driver_importance import NoDrivers, share_differences
from analysis.ratings.scales import score_column
from analysis.study.types import COSTS
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
RANGES = (
    "In choices a construct carries what its attributes were varied over: a wider range of prices, "
    "or a further attribute, would carry more."
)
TITLES: dict[Verdict, str] = {
    "agree": "Choices, answers and purchases agree, where they can tell: {what} value carries more",
    "disagree": "Choices, answers and purchases disagree on what carries more value",
    "one alone": "Only one of choices, answers and purchases can tell what carries more value",
    "cannot tell": "Choices, answers and purchases cannot tell functional from emotional value",
}
TELLS = (
    "A look tells where its interval leaves out that both carry the same: a difference of 0, a "
    "ratio of 1."
)
Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Looks:
    """The looks at functional against emotional value, and at every pair of linked constructs."""

    facets: tuple[Look, ...]
    pairs: Mapping[Pair, tuple[Look, ...]]

    def at_once(self) -> Looks:
        """The same looks, with intervals that hold for all comparisons made."""
        tests = 1 + len(self.pairs)
        return Looks(
            tuple(look.among(tests) for look in self.facets),
            {pair: tuple(one.among(tests) for one in looks) for pair, looks in self.pairs.items()},
        )


def agreement_section(
    used: Used, scores: pd.DataFrame, choices: ChoiceParts, customers: CustomerParts, *, seed: int
) -> Section | None:
    """Three looks at functional against emotional value; None with fewer than two of them.

    Where attributes name their construct, also at every pair of these; intervals then allow for
    all comparisons. ``scores`` has one row per respondent and a column for every construct.
    """
    looks = _looks(used, scores, choices, customers, seed).at_once()
    if sum(look.estimate.available for look in looks.facets) < 2:
        return None
    found = verdict(looks.facets)
    clear = [look for look in looks.facets if look.more]
    against = _against(looks.pairs)
    title = TITLES[found].format(what=clear[0].more if clear else "")
    if against and found != "disagree":
        title += f"; they disagree on {_many(against)} of constructs"
    rows: list[tuple[Cell, ...]] = [(look.name, look.estimate, look.says) for look in looks.facets]
    return Section(
        id="agreement",
        title=title,
        method="agreement",
        text=(*(_said(clear) if found in ("disagree", "one alone") else ()), *against),
        caution=f"{CAUTION} {RANGES}" if looks.pairs else CAUTION,
        tables=(
            Table(
                id="looks",
                caption="Functional against emotional value, looked at in three ways",
                columns=("Look", "Functional against emotional", "Says"),
                rows=tuple(rows),
                note=TELLS,
            ),
            *_pair_table(looks.pairs),
        ),
    )


def _said(clear: list[Look]) -> tuple[str, ...]:
    return tuple(f"{look.name}: {look.more} value carries more." for look in clear)


def _many(sentences: Sequence[str]) -> str:
    return "a pair" if len(sentences) == 1 else f"{len(sentences)} pairs"


def _against(pairs: Mapping[Pair, tuple[Look, ...]]) -> tuple[str, ...]:
    """A sentence for every pair of constructs on which the looks disagree."""
    return tuple(
        f"{_named(looks)}: "
        + "; ".join(f"{look.name} say {look.more}" for look in looks if look.more)
        + "."
        for looks in pairs.values()
        if verdict(looks) == "disagree"
    )


def _named(looks: tuple[Look, ...]) -> str:
    first, second = looks[0].sides
    return f"{first} against {second}"


def _pair_table(pairs: Mapping[Pair, tuple[Look, ...]]) -> tuple[Table, ...]:
    if not pairs:
        return ()
    rows: list[tuple[Cell, ...]] = []
    for looks in pairs.values():
        clear = [look.more for look in looks if look.more]
        said = verdict(looks)
        told = f"{said}: {clear[0]}" if said in ("agree", "one alone") else said
        rows.append((_named(looks), *(look.estimate for look in looks), told))
    return (
        Table(
            id="constructs",
            caption="Constructs that attributes of the choices belong to, pair by pair",
            columns=("Pair", "Choices, money", "Answers, share", "Purchases, ratio", "Together"),
            rows=tuple(rows),
            note="The first less the second: money value of all upgrades that belong to it, its "
            "share of what goes with the verdict, and the ratio of later purchase days for one "
            f"standard deviation more (of costs, less). {TELLS} All ranges of both tables are wide "
            "enough to hold at once.",
        ),
    )


def _looks(
    used: Used, scores: pd.DataFrame, choices: ChoiceParts, customers: CustomerParts, seed: int
) -> Looks:
    worth = choices.tag_difference
    found = [
        Look(
            "Choices: money value of all upgrades of a kind, difference",
            worth or unavailable("not both kinds are in the choices", n=0, method="choices"),
        )
    ]
    facets = [[c.id for c in used.study.constructs if c.facet == facet] for facet in FACETS]
    pairs = [pair for pair in choices.construct_differences if _new(used, pair, facets)]
    shares: tuple[Estimate, ...] = ()
    for name, outcome in outcomes_of(used, scores)[:1]:
        sides = [(facets[0], facets[1]), *(([one], [other]) for one, other in pairs)]
        share, *shares_of_pairs = _shares(used, scores, outcome, sides, seed)
        shares = tuple(shares_of_pairs)
        found.append(Look(f"Answers: share of what goes with “{name}”, difference", share))
    linked = customers.linked
    ratios: tuple[Estimate, ...] = ()
    if linked is not None and not linked.empty and "weeks_after" in linked:
        here = [_of_customers(_mean(used, scores, facet), linked) for facet in FACETS]
        ratio = later_purchases(linked, *here)
        found.append(Look("Purchases: later purchase days, ratio", ratio, equal=1.0))
        ratios = _ratios(used, scores, linked, pairs)
    labels = {c.id: c.label.say() for c in used.study.constructs}
    none = unavailable("not known", n=0, method="agreement")
    looks = {}
    for n, pair in enumerate(pairs):
        sides_said = (labels[pair[0]], labels[pair[1]])
        three = (
            Look("choices", choices.construct_differences[pair], sides=sides_said),
            Look("answers", shares[n] if shares else none, sides=sides_said),
            Look("purchases", ratios[n] if ratios else none, equal=1.0, sides=sides_said),
        )
        if sum(look.estimate.available for look in three) > 1:
            looks[pair] = three
    return Looks(tuple(found), looks)


def _new(used: Used, pair: Pair, facets: Sequence[Sequence[str]]) -> bool:
    """Whether the pair is another comparison than that of functional and emotional value."""
    if {*facets[0]} | {*facets[1]} != {*pair}:
        return True
    exercise = used.study.choice_exercise()
    valued = {a.id for a in exercise.attributes if a.tag != "price"}
    return valued != {name for one in pair for name in exercise.by_construct.get(one, ())}


def _shares(
    used: Used,
    scores: pd.DataFrame,
    outcome: pd.Series,
    sides: Sequence[tuple[Sequence[str], Sequence[str]]],
    seed: int,
) -> tuple[Estimate, ...]:
    """The difference of shares of every two sides, from the same bootstrap samples."""
    drivers = drivers_of(used, scores)
    known = [tuple([c for c in side if c in drivers] for side in two) for two in sides]
    lacking = "not both are among the constructs that are asked"
    none = unavailable(lacking, n=len(drivers), method="drivers", unit="share")
    asked = [(first, second) for first, second in known if first and second]
    try:
        found = iter(
            share_differences(drivers, outcome, asked, seed=seed, weights=used.weights)
            if asked
            else ()
        )
    except NoDrivers as why:
        reason = unavailable(str(why), n=len(drivers), method="drivers", unit="share")
        return tuple(reason if all(two) else none for two in known)
    return tuple(next(found) if all(two) else none for two in known)


def _ratios(
    used: Used, scores: pd.DataFrame, linked: pd.DataFrame, pairs: Sequence[Pair]
) -> tuple[Estimate, ...]:
    """Later purchases by all linked constructs at once; of costs, less is more."""
    facets = {c.id: c.facet for c in used.study.constructs}
    names = list(dict.fromkeys(name for pair in pairs for name in pair))
    columns = {
        name: _of_customers(scores[score_column(name)], linked)
        * (-1.0 if facets[name] in COSTS else 1.0)
        for name in names
        if score_column(name) in scores
    }
    none = unavailable("not both are asked", n=len(linked), method="agreement", unit="ratio")
    asked = [pair for pair in pairs if set(pair) <= set(columns)]
    if not asked:
        return tuple(none for _ in pairs)
    ratios = dict(
        zip(asked, later_purchase_ratios(linked, pd.DataFrame(columns), asked), strict=True)
    )
    return tuple(ratios.get(pair, none) for pair in pairs)


def _mean(used: Used, scores: pd.DataFrame, facet: str) -> pd.Series:
    """The mean of the constructs of a facet; missing where one of them is."""
    names = [score_column(c.id) for c in used.study.constructs if c.facet == facet]
    known = [name for name in names if name in scores]
    if not known:
        return pd.Series(float("nan"), index=scores.index)
    return scores[known].mean(axis=1, skipna=False)


def _of_customers(values: pd.Series, linked: pd.DataFrame) -> pd.Series:
    return pd.Series(values.reindex(linked["respondent"]).to_numpy(), index=linked.index)
