"""What was expected against what is felt, on the items that were asked both ways."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pandas as pd

from analysis.estimate import Estimate
from analysis.ratings.between_groups import LEAST_GROUP
from analysis.ratings.means import mean_of
from analysis.ratings.nps import effective_n
from analysis.ratings.scales import UNIT, item_column, item_scores, mean_of_items
from analysis.ratings.simultaneous import simultaneous
from analysis.study import Study
from analysis.study.questions import Item


@dataclass(frozen=True, slots=True)
class ItemPair:
    """One item as felt and as expected: columns of ``item_scores``, and its words."""

    construct: str
    felt: str
    desired: str
    text: str


@dataclass(frozen=True, slots=True)
class ItemGap:
    """Felt less expected of one item.

    The interval of ``gap`` (paired t) holds together with those of all items tested; ``p`` allows
    for all of them, and is None without a test.
    """

    pair: ItemPair
    felt: Estimate
    desired: Estimate
    gap: Estimate
    p: float | None

    @property
    def clear(self) -> bool:
        """Whether the interval leaves out zero."""
        return self.p is not None and self.gap.clear_of_zero


def gap_column(construct: str) -> str:
    """The column of a construct's gaps beside the scores, such as 'quality.gap'."""
    return f"{construct}.gap"


def item_pairs(study: Study, construct: str) -> tuple[ItemPair, ...]:
    """Items asked both as felt and as expected: the only one each, or those with the same id.

    An id that two questions use is no sign of what belongs together, and pairs nothing.
    """
    felt, wanted = study.items_of(construct), study.items_of(construct, "desired")
    if len(felt) == len(wanted) == 1:
        return (_pair(study, construct, felt[0], wanted[0]),)
    by_id, sought = _once(felt), _once(wanted)
    return tuple(
        _pair(study, construct, by_id[name], sought[name]) for name in sought if name in by_id
    )


def gap_scores(study: Study, answers: pd.DataFrame, construct: str) -> tuple[pd.Series, str] | None:
    """Felt less expected of each respondent, in points of 100, and how it was paired.

    The mean over the items asked both ways, given at least half of them; where no item was, the
    difference of the two scores. None where the construct is not asked both ways.
    """
    pairs = item_pairs(study, construct)
    if pairs:
        gaps = mean_of_items(_item_gaps(study, answers, pairs))
        items = f"{len(pairs)} item{'s' if len(pairs) > 1 else ''} asked both ways"
        return gaps, f"felt less expected on the {items}, paired"
    if not (study.items_of(construct) and study.items_of(construct, "desired")):
        return None
    felt = mean_of_items(item_scores(study, answers, construct))
    wanted = mean_of_items(item_scores(study, answers, construct, "desired"))
    return felt - wanted, "felt less expected, paired; the items differ"


def gap_estimate(gaps: pd.Series, pairing: str, *, weights: pd.Series | None = None) -> Estimate:
    """The mean gap of a construct with its t interval, from what ``gap_scores`` returned."""
    mean = mean_of(gaps.dropna(), unit=UNIT, weights=weights)
    return mean.model_copy(update={"method": f"{pairing}; {mean.method}"})


def item_gaps(
    study: Study, answers: pd.DataFrame, *, weights: pd.Series | None = None
) -> tuple[ItemGap, ...]:
    """Every item that was asked both ways, among the respondents who answered both."""
    found, freedoms = [], []
    for construct in study.constructs:
        pairs = item_pairs(study, construct.id)
        if not pairs:
            continue
        felt = item_scores(study, answers, construct.id)
        wanted = item_scores(study, answers, construct.id, "desired")
        for pair in pairs:
            both = pd.DataFrame({"felt": felt[pair.felt], "desired": wanted[pair.desired]}).dropna()
            gaps = both["felt"] - both["desired"]
            gap = gap_estimate(gaps, "felt less expected, paired", weights=weights)
            size = len(gaps) if weights is None else effective_n(weights.loc[gaps.index].to_numpy())
            found.append(
                ItemGap(
                    pair=pair,
                    felt=mean_of(both["felt"], unit=UNIT, weights=weights),
                    desired=mean_of(both["desired"], unit=UNIT, weights=weights),
                    gap=gap,
                    p=None,
                )
            )
            freedoms.append(float(size) - 1 if len(gaps) >= LEAST_GROUP else None)
    together = simultaneous([one.gap for one in found], freedoms)
    return tuple(
        replace(one, gap=wide.estimate, p=wide.p) for one, wide in zip(found, together, strict=True)
    )


def _once(items: list[tuple[str, Item]]) -> dict[str, tuple[str, Item]]:
    """Items by id, of ids that stand once."""
    ids = [item.id for _, item in items]
    return {item.id: (q, item) for q, item in items if item.id and ids.count(item.id) == 1}


def _item_gaps(study: Study, answers: pd.DataFrame, pairs: tuple[ItemPair, ...]) -> pd.DataFrame:
    construct = pairs[0].construct
    felt = item_scores(study, answers, construct)
    wanted = item_scores(study, answers, construct, "desired")
    return pd.DataFrame({pair.felt: felt[pair.felt] - wanted[pair.desired] for pair in pairs})


def _pair(
    study: Study, construct: str, felt: tuple[str, Item], wanted: tuple[str, Item]
) -> ItemPair:
    words = felt[1].text or study.question(felt[0]).text
    return ItemPair(
        construct,
        item_column(felt[0], felt[1].id),
        item_column(wanted[0], wanted[1].id),
        words.say(),
    )
