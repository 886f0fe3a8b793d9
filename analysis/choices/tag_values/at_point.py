"""Tag values from one set of part-worths: an aggregate logit, a class, means."""

from __future__ import annotations

from dataclasses import replace

from analysis.choices.importances import ranges, why_no_shares
from analysis.choices.intervals import estimate_of
from analysis.choices.partworths import Covariance, PartWorths
from analysis.choices.tag_values.named import (
    MEAN_SHARE,
    TAGS,
    TagFigure,
    shares_of_tags,
    upgrades_of_tags,
)
from analysis.choices.willingness_to_pay import (
    Method,
    money_of,
)
from analysis.estimate import unavailable

SHARE_DRAWS = 4_000


def tag_values(
    part_worths: PartWorths,
    *,
    method: Method = "delta",
    covariance: Covariance = "cluster",
    seed: int = 1,
) -> tuple[TagFigure, ...]:
    """Figures of every tag from one set of part-worths: an aggregate logit, a class, means."""
    found = [
        TagFigure(
            money.tag,
            money.figure,
            money.what,
            money_of(part_worths, money.contrast, method=method, covariance=covariance, seed=seed),
        )
        for money in upgrades_of_tags(part_worths)
    ]
    coding, n = part_worths.coding, part_worths.n_respondents
    how = f"share of the utility ranges among the levels tested; draws, {covariance} covariance"
    lacking = why_no_shares(part_worths, covariance)
    point = ranges(coding, part_worths.coefficients[None, :])
    drawn = ranges(coding, part_worths.draws(covariance, n=SHARE_DRAWS, seed=seed))
    for share in shares_of_tags(coding, MEAN_SHARE):
        if lacking:
            estimate = unavailable(lacking, n=n, method=how, unit="share")
        else:
            estimate = estimate_of(
                share.of(drawn), value=float(share.of(point)[0]), n=n, method=how
            )
        found.append(TagFigure(share.tag, share.figure, share.what, estimate))
    return tuple(sorted(found, key=lambda f: TAGS.index(f.tag)))


def without_values(part_worths: PartWorths, reason: str, *, n: int) -> tuple[TagFigure, ...]:
    """The figures that these part-worths have, all unavailable for a reason."""
    found = []
    for figure in tag_values(part_worths):
        how, _, _ = figure.estimate.method.partition(";")
        none = unavailable(reason, n=n, method=how, unit=figure.estimate.unit)
        found.append(replace(figure, estimate=none))
    return tuple(found)
