"""The section of relative value: the own brand against each competitor."""

from __future__ import annotations

from analysis.ratings.relative_value import (
    AVERAGE,
    GAINS,
    PAINS,
    VALUE,
    Comparison,
    RelativeValue,
    relative_value,
)
from analysis.rendering.figures import ends, spoken
from analysis.value_report.section import TOGETHER, Cell, Section, Table
from analysis.value_report.used import Used

WHOLES = {VALUE: "Benefits less costs", GAINS: "All benefits", PAINS: "All costs"}
CAUTION = (
    "Each line compares the answers of the same people about both, on the same items. People rate "
    "the brands they know: those who know only one of the two are not in its lines."
)


def relative_section(used: Used) -> Section | None:
    """Own brand against competitors; None where no loop names its own brand."""
    found = relative_value(used.study, used.answers, weights=used.weights)
    if found is None or not found.comparisons:
        return None
    labels = WHOLES | {c.id: c.label.say() for c in used.study.constructs}
    return Section(
        id="relative_value",
        title=_title(found, labels),
        method="relative_value",
        text=(*_overall(found), _who(found)),
        caution=CAUTION,
        tables=_tables(found, labels),
    )


def _tables(found: RelativeValue, labels: dict[str, str]) -> tuple[Table, ...]:
    """A table for each competitor, and one for their average."""
    competitors = dict.fromkeys(c.competitor for c in found.comparisons)
    return tuple(_table(found, labels, one, n) for n, one in enumerate(competitors, start=1))


def _table(found: RelativeValue, labels: dict[str, str], competitor: str, n: int) -> Table:
    rows: list[tuple[Cell, ...]] = [
        (
            labels[c.figure],
            c.ours,
            c.theirs,
            c.difference,
            c.ratio if c.figure != VALUE else "–",
            _verdict(c, found),
        )
        for c in found.comparisons
        if c.competitor == competitor
    ]
    cost = "; of costs, less is better" if found.costs else ""
    return Table(
        id=f"against_{n}",
        caption=f"{found.own[1]} less {_named(found, competitor)}, in points of 100{cost}",
        columns=("Figure", "Ours", "Theirs", "Ours less theirs", "Index", "Verdict"),
        rows=tuple(rows),
        chart=3,
        note=f"Ahead or behind where the range of ours less theirs leaves out zero; of costs, less "
        f"is ahead. {TOGETHER} They count the lines of all competitors. The index is ours over "
        "theirs, its zero the lowest answer to every item: compare it over time, never as so many "
        "times the value.",
    )


def _named(found: RelativeValue, competitor: str) -> str:
    """A competitor within a sentence."""
    name = _name(found, competitor)
    return name if competitor != AVERAGE else _inside(name)


def _name(found: RelativeValue, competitor: str) -> str:
    return found.competitors.get(competitor, "All rated competitors, on average")


def _verdict(one: Comparison, found: RelativeValue) -> str:
    if one.p is None or one.difference.value is None:
        return "too few to test"
    if not one.clear:
        return "no clear difference"
    return "ahead" if (one.difference.value > 0) != (one.figure in _burdens(found)) else "behind"


def _burdens(found: RelativeValue) -> frozenset[str]:
    """Figures of which less is better."""
    return frozenset({PAINS, *found.costs})


def _overall(found: RelativeValue) -> tuple[str, ...]:
    """Benefits less costs against each competitor, in a sentence; none where costs are not asked.

    A title may be about a part of it, which another part makes up for.
    """
    said = [
        f"against {_name(found, c.competitor)} {spoken(c.difference, signed=True)} points, "
        f"{_verdict(c, found)}"
        for c in found.comparisons
        if c.figure == VALUE and c.competitor != AVERAGE and c.difference.available
    ]
    return (f"Benefits less costs, all in all: {'; '.join(said)}.",) if said else ()


def _who(found: RelativeValue) -> str:
    names = {found.own[0]: found.own[1], **found.competitors}
    return "Rated by: " + ", ".join(f"{names[b]} {n}" for b, n in found.raters.items()) + "."


def _title(found: RelativeValue, labels: dict[str, str]) -> str:
    """The widest clear difference, behind before ahead; whole figures before their parts."""
    named = [c for c in found.comparisons if c.competitor != AVERAGE]
    clear = [c for c in named if c.clear]
    if not clear:
        return f"No clear difference between {found.own[1]} and {_many(found)}"
    behind = [c for c in clear if _verdict(c, found) == "behind"]
    first = max(
        behind or clear,
        key=lambda c: (c.figure in WHOLES, abs(c.difference.value or 0.0)),
    )
    value, *span = ends(first.difference)
    way = "behind" if behind else "ahead of"
    low, high = sorted(map(abs, span))
    less = ", where less is better" if first.figure in _burdens(found) else ""
    return (
        f"{found.own[1]} is {abs(value):.0f} points {way} {_name(found, first.competitor)} in "
        f"{_inside(labels[first.figure])}{less} ({low:.0f} to {high:.0f})"
    )


def _many(found: RelativeValue) -> str:
    count = len(found.competitors)
    return next(iter(found.competitors.values())) if count == 1 else f"its {count} competitors"


def _inside(label: str) -> str:
    return label[:1].lower() + label[1:]
