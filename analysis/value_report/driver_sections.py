"""The sections of what goes with recommending and with satisfaction, and where to improve."""

from __future__ import annotations

import pandas as pd

from analysis.estimate import Estimate
from analysis.ratings.driver_importance import Drivers, NoDrivers, driver_importance
from analysis.ratings.scales import mean_estimate, recommendations, score_column
from analysis.study.types import BENEFITS, COSTS
from analysis.value_report.section import Point, PointMap, Section, Table
from analysis.value_report.used import Used

TOGETHER = (
    "These answers were given in one sitting, so they show what goes together, not what causes "
    "what; scores of few or blurred items weigh less than they should."
)
CORNERS = ("Improve first", "Keep up the good work", "Low priority", "Perhaps more than needed")


def driver_sections(used: Used, scores: pd.DataFrame, *, seed: int) -> tuple[Section, ...]:
    """One section for recommending and one for every construct of satisfaction.

    ``scores`` has one row per respondent and a column for every construct.
    """
    drivers = drivers_of(used, scores)
    found = []
    for number, (name, outcome) in enumerate(outcomes_of(used, scores)):
        try:
            importances = driver_importance(drivers, outcome, seed=seed, weights=used.weights)
        except NoDrivers:
            continue
        found.append(_section(used, name, number, importances, scores))
    return tuple(found)


def drivers_of(used: Used, scores: pd.DataFrame) -> pd.DataFrame:
    """The constructs of value and of cost, a column each by their id."""
    columns = {
        construct.id: scores[score_column(construct.id)]
        for construct in used.study.constructs
        if construct.facet in BENEFITS + COSTS and score_column(construct.id) in scores
    }
    return pd.DataFrame(columns, index=scores.index)


def outcomes_of(used: Used, scores: pd.DataFrame) -> list[tuple[str, pd.Series]]:
    """What drivers are sought for, by name: recommending, then every construct of satisfaction."""
    found = []
    given = recommendations(used.study, used.answers)
    if given is not None:
        found.append(("Willingness to recommend", given.reindex(scores.index)))
    found += [
        (construct.label.say(), scores[score_column(construct.id)])
        for construct in used.study.constructs
        if construct.facet == "satisfaction" and score_column(construct.id) in scores
    ]
    return found


def _section(
    used: Used, outcome: str, number: int, found: Drivers, scores: pd.DataFrame
) -> Section:
    labels = {c.id: c.label.say() for c in used.study.constructs}
    first = found.drivers[0]
    sure = first.rank_high == 1
    title = (
        f"{outcome} goes most with: {labels[first.name]}"
        if sure
        else f"{outcome}: no single driver stands out for certain"
    )
    explained = f"All together go with {_percent(found.r_squared)} of how people differ in it."
    return Section(
        id=f"drivers_{number + 1}",
        title=title,
        method="drivers",
        text=(explained,),
        caution=TOGETHER,
        tables=(_table(outcome, found, labels),),
        maps=(_map(used, outcome, found, labels, scores),),
    )


def _percent(estimate: Estimate) -> str:
    value, low, high = (
        round(100 * (x or 0)) for x in (estimate.value, estimate.low, estimate.high)
    )
    return f"{value}% ({low}% to {high}%)"


def _table(outcome: str, found: Drivers, labels: dict[str, str]) -> Table:
    return Table(
        id="importance",
        caption=f"What goes with: {outcome}",
        columns=("Driver", "Share of what is explained", "Place", "Likely places", "Direction"),
        rows=tuple(
            (
                labels[d.name],
                d.share,
                d.rank,
                f"{d.rank_low} to {d.rank_high}" if d.rank_low < d.rank_high else f"{d.rank}",
                f"the more, the {'higher' if d.slope == 'more' else 'lower'}",
            )
            for d in found.drivers
        ),
        chart=1,
    )


def _map(
    used: Used, outcome: str, found: Drivers, labels: dict[str, str], scores: pd.DataFrame
) -> PointMap:
    """Importance against performance (Martilla and James 1977); of costs, 100 less the score."""
    facets = {c.id: c.facet for c in used.study.constructs}
    points = []
    for driver in found.drivers:
        score = scores[score_column(driver.name)]
        cost = facets[driver.name] in COSTS
        performance = mean_estimate(100 - score if cost else score, weights=used.weights)
        label = labels[driver.name] + (" (the less, the better)" if cost else "")
        points.append(Point(label=label, across=performance, up=driver.share))
    known = [p.across.value for p in points if p.across.value is not None]
    return PointMap(
        id="where_to_improve",
        caption=f"Where improving would matter most for: {outcome}",
        across="Performance, 0 to 100",
        up="Share of what is explained",
        across_cut=sum(known) / len(known) if known else 50.0,
        up_cut=1 / len(points),
        corners=CORNERS,
        points=tuple(points),
        note="Lines stand at the mean performance and at an equal share. Where a range crosses a "
        "line, the corner is not certain.",
    )
