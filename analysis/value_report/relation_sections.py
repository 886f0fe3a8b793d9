"""Value and later engagement, and the other way round, with errors of measurement removed."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis.customers.corrected_counts import (
    LEAST_CUSTOMERS,
    corrected_relation,
    sale_only_before,
)
from analysis.customers.cross_lagged import Path, cross_lagged
from analysis.customers.engagement import engagement_facets
from analysis.ratings.between_groups import LEAST_GROUP
from analysis.value_report.customer_parts import CustomerParts
from analysis.value_report.rating_parts import RatingParts, rating_parts
from analysis.value_report.section import Cell, Section, Table
from analysis.value_report.used import Used

PREDICTS = (
    "This says what predicts what, given the earlier state: two points in time cannot tell a cause "
    "from a third thing behind both."
)
WORDS = {
    "value_to_value": "Value, from earlier value",
    "engagement_to_value": "Value, from earlier engagement",
    "value_to_engagement": "Engagement, from earlier value",
    "engagement_to_engagement": "Engagement, from earlier engagement",
}

LESS_ENGAGED = "Higher value goes before lower engagement"
LESS_VALUE = "Higher engagement goes before lower value"


def relation_sections(
    used: Used, ratings: RatingParts, customers: CustomerParts, *, seed: int
) -> tuple[Section, ...]:
    """The corrected relation with later purchases, and the paths between the last two waves."""
    found = (
        _later_purchases(ratings, customers, seed),
        _between_waves(used, ratings, seed),
    )
    return tuple(section for section in found if section is not None)


def _later_purchases(ratings: RatingParts, customers: CustomerParts, seed: int) -> Section | None:
    relation, linked = customers.relation, customers.linked
    if relation is None or linked is None or (linked["weeks_after"] > 0).sum() < LEAST_CUSTOMERS:
        return None
    plain = relation.estimate
    corrected = corrected_relation(linked, value_error=ratings.value_error, seed=seed)
    rows = (("As measured", plain), ("Errors of measurement removed", corrected))
    title = "Value and later purchases: no relation for certain once errors are removed"
    if corrected.low is not None and corrected.low > 1:
        title = "Who values us more buys more often later, also once errors are removed"
    elif corrected.high is not None and corrected.high < 1:
        title = "Who values us more buys less often later, once errors are removed"
    elif not corrected.available:
        title = "Value and later purchases: the errors could not be removed"
    return Section(
        id="later_purchases",
        title=title,
        method="corrected",
        text=(
            "Ratio of later purchase days for ten points more of benefits less costs.",
            *_left_out(int(sale_only_before(linked).sum())),
        ),
        caution=PREDICTS,
        tables=(
            Table(
                id="ratio",
                caption="Later purchase days for ten points more of value",
                columns=("How", "Ratio"),
                rows=rows,
            ),
        ),
    )


def _left_out(count: int) -> tuple[str, ...]:
    if count == 0:
        return ()
    who = f"{count:,}" if count >= LEAST_GROUP else f"Fewer than {LEAST_GROUP}"
    return (
        f"{who} customers are left out of the corrected ratio: before the survey they bought on "
        "sale only, so that their later purchases tell whether there was a sale.",
    )


def _between_waves(used: Used, ratings: RatingParts, seed: int) -> Section | None:
    """The four paths between the last two waves that were answered; None with one wave."""
    if used.every_wave is not None:
        used, ratings = used.waves, rating_parts(used.waves)
    people = used.respondents.set_index("respondent")
    order = [wave.id for wave in used.study.waves if wave.id in set(people["wave"])]
    scores = ratings.answered
    if len(order) < 2 or "perceived_value" not in scores:
        return None
    engagement, error = _engagement(used, ratings)
    if engagement is None:
        return None
    waves = _joined(people, scores["perceived_value"], engagement, order[-2], order[-1])
    errors = {"value": ratings.value_error**2, "engagement": error}
    paths = cross_lagged(waves, errors, seed=seed)
    rows: list[tuple[Cell, ...]] = [
        (WORDS[path.path], path.corrected, path.naive) for path in paths
    ]
    labels = {wave.id: wave.label.say() for wave in used.study.waves}
    return Section(
        id="between_waves",
        title=_title(paths),
        method="cross_lagged",
        text=(f"The same customers in {labels[order[-2]]} and {labels[order[-1]]}.",),
        caution=PREDICTS,
        tables=(
            Table(
                id="paths",
                caption="Points of the later score for one point of the earlier one",
                columns=("Path", "Errors removed", "As measured"),
                rows=tuple(rows),
                chart=1 if any(path.corrected.available for path in paths) else None,
            ),
        ),
    )


def _title(paths: tuple[Path, ...]) -> str:
    found = {path.path: path.corrected for path in paths}
    forward, back = found["value_to_engagement"], found["engagement_to_value"]
    if not forward.available:
        return "Value and engagement from wave to wave: not known"
    said = [
        words if (path.low or 0) > 0 else against
        for path, words, against in (
            (forward, "Value predicts later engagement", LESS_ENGAGED),
            (back, "Engagement predicts later value", LESS_VALUE),
        )
        if path.clear_of_zero
    ]
    if not said:
        return "Neither value nor engagement predicts the other for certain"
    if len(said) == 1:
        return f"{said[0]}; the other way round is not certain"
    if LESS_ENGAGED not in said and LESS_VALUE not in said:
        return "Value and engagement each predict the other a wave later"
    return f"{said[0]}; {said[1][:1].lower()}{said[1][1:]}"


def _engagement(used: Used, ratings: RatingParts) -> tuple[pd.Series | None, float]:
    """Mean of the facets that were asked, and the variance of its error of measurement."""
    reliability = {c.id: c.reliability.value for c in ratings.constructs}
    facets = [f for f in engagement_facets(used.study, ratings.answered) if f.constructs]
    if not facets:
        return None, np.inf
    errors = []
    for facet in facets:
        known = [reliability.get(construct) for construct in facet.constructs]
        columns = [ratings.answered[f"{construct}.perceived"] for construct in facet.constructs]
        parts = [
            np.inf if r is None else float(column.var()) * (1 - r)
            for r, column in zip(known, columns, strict=True)
        ]
        errors.append(sum(parts) / len(parts) ** 2)
    mean = pd.concat([facet.scores for facet in facets], axis=1).mean(axis=1, skipna=False)
    return mean, float(sum(errors) / len(errors) ** 2)


def _joined(
    people: pd.DataFrame, value: pd.Series, engagement: pd.Series, first: str, second: str
) -> pd.DataFrame:
    """One row per customer who answered both waves; of several answers in a wave the first."""
    table = people[["customer", "wave", "completed"]].assign(value=value, engagement=engagement)
    table = table[table["customer"].fillna("") != ""].sort_values("completed")
    once = table.drop_duplicates(["customer", "wave"]).set_index("customer")
    sides = [
        once[once["wave"] == wave][["value", "engagement"]].add_suffix(f"_{n}")
        for n, wave in enumerate((first, second), 1)
    ]
    return sides[0].join(sides[1], how="inner")
