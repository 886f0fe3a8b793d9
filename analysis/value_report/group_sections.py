"""Sections that put groups of respondents side by side: waves, and the groups of the plan."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice

import numpy as np
import pandas as pd

from analysis.estimate import Estimate, unavailable
from analysis.ratings.banner import BannerTable, banner
from analysis.ratings.between_groups import (
    LEAST_GROUP,
    Difference,
    by_group,
    differences,
    together,
)
from analysis.ratings.means import mean_of
from analysis.ratings.nps import LEAST_PROMOTER, MOST_DETRACTOR, net_promoter_score
from analysis.ratings.scales import recommendations, score_column
from analysis.rendering.figures import ends, spoken
from analysis.value_report.rating_parts import rating_parts
from analysis.value_report.section import TOGETHER, Cell, Section, Table
from analysis.value_report.used import Used

POINTS = "points"
ONE_LINE = (
    "Of a question, differences between groups stand only where the question as a whole passes its "
    "test, and their range leaves out zero. The ranges of one line hold all at once in 95 of 100 "
    "surveys."
)
NOT_SHOWN = unavailable("no answers", n=0, method="")


@dataclass(frozen=True, slots=True, eq=False)
class Figure:
    """A figure that groups are compared by: one number per respondent."""

    label: str
    values: pd.Series
    recommends: bool = False
    """True: the values are -100, 0 and 100, and their mean is the NPS."""

    def of(self, part: pd.Series, weights: pd.Series | None) -> Estimate:
        """The figure of some respondents."""
        if not self.recommends:
            return mean_of(part, unit=POINTS, weights=weights)
        ratings = np.select([part > 0, part < 0], [10, 0], default=8)
        used = None if weights is None else weights.loc[part.index].to_numpy(dtype=float)
        return net_promoter_score(ratings, weights=used).estimate


def group_sections(used: Used, scores: pd.DataFrame) -> tuple[Section, ...]:
    """Waves first, then every group of the plan that has at least two large groups.

    ``scores`` has one row per respondent: constructs and perceived_value.
    """
    figures = _figures(used, scores)
    people = used.respondents.set_index("respondent")
    found = []
    if used.every_wave is None:
        found += _of_waves(used, figures)
    else:
        found += _of_waves(used.waves, _figures(used.waves, rating_parts(used.waves).answered))
    for name in used.study.analysis.groups:
        groups, title = named_groups(used, people, name)
        sizes = groups.value_counts()
        if (sizes >= LEAST_GROUP).sum() > 1:
            found.append(_groups(used, figures, groups, name, title))
    return tuple(found)


def _of_waves(used: Used, figures: list[Figure]) -> list[Section]:
    waves, customers = waves_of(used)
    return [waves_section(used, figures, waves, customers)] if waves.nunique() > 1 else []


def waves_of(used: Used) -> tuple[pd.Series, pd.Series]:
    """Wave and customer of every respondent (index); no wave is missing."""
    people = used.respondents.set_index("respondent")
    return people["wave"].where(people["wave"] != ""), people["customer"]


def _figures(used: Used, scores: pd.DataFrame) -> list[Figure]:
    found = []
    given = recommendations(used.study, used.answers)
    if given is not None:
        values = 100.0 * (given >= LEAST_PROMOTER) - 100.0 * (given <= MOST_DETRACTOR)
        found.append(Figure("Net Promoter Score", values, recommends=True))
    if "perceived_value" in scores:
        found.append(Figure("Benefits less costs", scores["perceived_value"]))
    found += [
        Figure(construct.label.say(), scores[score_column(construct.id)])
        for construct in used.study.constructs
        if score_column(construct.id) in scores
    ]
    return found


def named_groups(used: Used, people: pd.DataFrame, name: str) -> tuple[pd.Series, str]:
    """The group of every respondent in words, and what the groups are."""
    if name in ("language", "cell"):
        column = people[name].astype("object")
        return column.where(column.notna() & (column != "")), name
    question = used.study.question(name)
    labels = {option.id: option.label.say() for option in getattr(question, "options", ())}
    rows = used.answers[used.answers["question"] == name]
    given = rows[rows["status"] == "answered"].set_index("respondent")["value"].map(labels)
    return in_order(given, labels.values()), question.text.say()


def in_order(groups: pd.Series, order: Iterable[str]) -> pd.Series:
    """The same groups, which tables show in this order."""
    names = list(dict.fromkeys(order))
    return groups.astype(pd.CategoricalDtype(names, ordered=True))


def _names(groups: pd.Series) -> list[str]:
    """The groups that there are: in their order, else by name."""
    met = set(groups.dropna())
    if isinstance(groups.dtype, pd.CategoricalDtype):
        return [str(name) for name in groups.cat.categories if name in met]
    return sorted(met)


def waves_section(
    used: Used, figures: list[Figure], waves: pd.Series, customers: pd.Series
) -> Section:
    """Figures wave by wave, with tests of the last change; index respondent."""
    labels = {wave.id: wave.label.say() for wave in used.study.waves}
    order = [wave.id for wave in used.study.waves if wave.id in set(waves)]
    order += sorted(set(waves.dropna()) - set(order))
    last = (order[-2], order[-1])
    changes = together(
        [
            differences(
                f.values, waves, customers=customers, weights=used.weights, only=[last], unit=POINTS
            )[0]
            for f in figures
        ]
    )
    rows: list[tuple[Cell, ...]] = []
    for figure, change in zip(figures, changes, strict=True):
        shown = by_group(figure.values, waves, partial(figure.of, weights=used.weights))
        values = [shown.get(wave, NOT_SHOWN) for wave in order]
        rows.append((figure.label, *values, change.estimate, _verdict(change)))
    names = [labels.get(wave, wave) for wave in order]
    return Section(
        id="waves",
        title=_wave_title(figures, changes, labels.get(last[0], last[0])),
        method="groups",
        tables=(
            Table(
                id="figures",
                caption="The same figures, wave by wave",
                columns=("Figure", *names, f"{names[-1]} less {names[-2]}", "Change"),
                rows=tuple(rows),
                chart=len(names) + 1,
                note="Higher or lower where the range of the difference leaves out zero. "
                + TOGETHER,
                groups=tuple(range(1, len(names) + 1)),
            ),
        ),
    )


def _verdict(change: Difference) -> str:
    if change.p is None:
        return "not tested"
    if not change.clear:
        return "no change for certain"
    return "higher" if (change.estimate.value or 0) > 0 else "lower"


def _wave_title(figures: list[Figure], changes: Sequence[Difference], before: str) -> str:
    words = {
        verdict: [f.label for f, c in zip(figures, changes, strict=True) if _verdict(c) == verdict]
        for verdict in ("higher", "lower")
    }
    said = [f"{verdict}: {', '.join(names)}" for verdict, names in words.items() if names]
    if not said:
        return f"Nothing has changed for certain since {before}"
    return f"Since {before}, {'; '.join(said)}"


def _groups(used: Used, figures: list[Figure], groups: pd.Series, name: str, title: str) -> Section:
    names = _names(groups)
    tables = banner(used.study, used.answers, groups, weights=used.weights)
    return Section(
        id=f"groups_{name}",
        title=f"Side by side: {title}",
        method="groups",
        text=(ONE_LINE,),
        tables=(
            group_table(used, figures, groups, f"Figures by group: {title}"),
            *(
                _banner_table(n, table, names)
                for n, table in enumerate(tables, 1)
                if table.question != name
            ),
        ),
        folded=True,
    )


def group_table(
    used: Used, figures: list[Figure], groups: pd.Series, caption: str, *, name: str = "figures"
) -> Table:
    """Figures of groups of respondents (index) side by side, with all clear differences."""
    compared = [differences(f.values, groups, weights=used.weights, unit=POINTS) for f in figures]
    wide = iter(together([d for found in compared for d in found]))
    names = _names(groups)
    rows: list[tuple[Cell, ...]] = []
    for figure, found in zip(figures, compared, strict=True):
        shown = by_group(figure.values, groups, partial(figure.of, weights=used.weights))
        clear = [_words(d) for d in islice(wide, len(found)) if d.clear]
        values = [shown.get(group, NOT_SHOWN) for group in names]
        rows.append((figure.label, *values, "; ".join(clear) or "none for certain"))
    return Table(
        id=name,
        caption=caption,
        columns=("Figure", *names, "Differences"),
        rows=tuple(rows),
        note=f"Only differences whose range leaves out zero. {TOGETHER}",
        groups=tuple(range(1, len(names) + 1)),
    )


def _words(difference: Difference) -> str:
    """'Weekly above rarely by 5.1 (2.0 to 8.2)'."""
    higher, lower, apart = difference.second, difference.first, difference.estimate
    if (apart.value or 0) < 0:
        higher, lower = lower, higher
        value, low, high = ends(apart)
        apart = apart.model_copy(update={"value": -value, "low": -high, "high": -low})
    return f"{higher} above {lower} by {spoken(apart)}"


def _banner_table(number: int, table: BannerTable, names: list[str]) -> Table:
    p = "not tested" if table.p is None else f"p {table.p:.3f} ({table.test})"
    return Table(
        id=f"banner_{number}",
        caption=f"{table.text}: {p}",
        columns=("Answer", *names, "Differences"),
        rows=tuple(_banner_row(row.label, row.figures, row.clear, names) for row in table.rows),
        groups=tuple(range(1, len(names) + 1)),
    )


def _banner_row(
    label: str,
    figures: Mapping[str, Estimate],
    clear: tuple[Difference, ...],
    names: list[str],
) -> tuple[Cell, ...]:
    values = [figures.get(name, NOT_SHOWN) for name in names]
    return (label, *values, "; ".join(_words(d) for d in clear) or "none for certain")
