"""Weighting the respondents of a report, and the section that says what that changes."""

from __future__ import annotations

from dataclasses import replace

from analysis.customers.weighting import Weighting, weighting
from analysis.value_report.rating_parts import RatingParts, rating_parts
from analysis.value_report.section import Cell, Section, Table
from analysis.value_report.used import Used

NOT_WEIGHTED = (
    "Part-worths are fitted without weights (weights enter when they are averaged); flags on the "
    "quality of answers were judged without them."
)
ONLY_PURCHASES = (
    "Weighting by purchases takes away only what purchases explain of who answers: people who "
    "value us less and buy the same are still missing where they did not answer."
)


def weighted(used: Used) -> Used:
    """The same respondents with the weights of the plan, where it asks for some and has them."""
    if used.every_wave is not None:
        used = replace(used, every_wave=weighted(used.every_wave))
    found = weighting(used.study, used.respondents, used.answers, used.archive.customers)
    if found is None:
        return used
    if found.raked is None:
        warning = f"The weights of the plan could not be had: {found.reason}. Nobody is weighted."
        return replace(used, warnings=(*used.warnings, warning))
    weights = found.raked.weights
    people = used.respondents.assign(weight=used.respondents["respondent"].map(weights))
    return replace(used, respondents=people, weights=weights, weighting=found)


def weight_section(used: Used, ratings: RatingParts) -> Section | None:
    """What the weights rest on, what they cost and what they change; None without weights."""
    found = used.weighting
    if found is None or found.raked is None:
        return None
    raked = found.raked
    text = [
        f"{len(raked.weights)} respondents tell as much as {raked.effective_n:.0f} equally "
        "weighted ones would (effective n)."
    ]
    if raked.cut:
        text.append(f"{raked.cut} weights above five times the median were cut.")
    if raked.merged:
        text.append(f"Too few for a class of their own: {'; '.join(raked.merged)}.")
    if raked.off > 0.005:
        text.append(f"After cutting, shares are off by up to {100 * raked.off:.0f} points.")
    plain = rating_parts(replace(used, weights=None))
    plan = used.study.analysis.weighting
    purchases = plan is not None and plan.purchases
    return Section(
        id="weights",
        title="Whom the respondents stand for",
        method="weights",
        text=tuple(text),
        caution=f"{NOT_WEIGHTED} {ONLY_PURCHASES if purchases else ''}".strip(),
        tables=(*_margins(used, found), _changes(ratings, plain)),
        folded=True,
    )


def _margins(used: Used, found: Weighting) -> list[Table]:
    tables = []
    for number, (name, wanted) in enumerate(found.wanted.items(), 1):
        answered, labels = found.answered[name], _labels(used, name)
        rows: list[tuple[Cell, ...]] = [
            (labels.get(c, c), f"{100 * answered.get(c, 0.0):.0f}%", f"{100 * share:.0f}%")
            for c, share in wanted.items()
        ]
        tables.append(
            Table(
                id=f"margin_{number}",
                caption=f"Shares by {_asked(used, name)}",
                columns=("Class", "Respondents", "Wanted"),
                rows=tuple(rows),
            )
        )
    return tables


def _labels(used: Used, name: str) -> dict[str, str]:
    """The classes of a margin in words, where it is a question."""
    asked = [q for q in used.study.questions() if q.id == name]
    return {o.id: o.label.say() for q in asked for o in getattr(q, "options", ())}


def _asked(used: Used, name: str) -> str:
    asked = [q.text.say() for q in used.study.questions() if q.id == name]
    return asked[0] if asked else name


def _changes(ratings: RatingParts, plain: RatingParts) -> Table:
    rows: list[tuple[Cell, ...]] = []
    if ratings.nps and plain.nps:
        rows.append(("Net Promoter Score", ratings.nps.estimate, plain.nps.estimate))
    if ratings.perceived_value and plain.perceived_value:
        pair = (ratings.perceived_value.difference, plain.perceived_value.difference)
        rows.append(("Benefits less costs", *pair))
    pairs = zip(ratings.constructs, plain.constructs, strict=True)
    rows += [(one.label, one.perceived, other.perceived) for one, other in pairs]
    return Table(
        id="changes",
        caption="What the weights change",
        columns=("Figure", "Weighted", "Not weighted"),
        rows=tuple(rows),
    )
