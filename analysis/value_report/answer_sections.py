"""The sections of answers: what was expected and what is felt, and every question's answers."""

from __future__ import annotations

from analysis.ratings.gaps import ItemGap, item_gaps
from analysis.ratings.toplines import Topline, toplines
from analysis.value_report.section import TOGETHER, Section, Table
from analysis.value_report.used import Used


def gap_section(used: Used) -> Section | None:
    """Every item asked both as expected and as felt; intervals allow for their number."""
    found = item_gaps(used.study, used.answers, weights=used.weights)
    if not found:
        return None
    verdicts = [_verdict(gap) for gap in found]
    below = verdicts.count(BELOW)
    labels = {construct.id: construct.label.say() for construct in used.study.constructs}
    table = Table(
        id="items",
        caption="Items asked both as expected and as felt, in points of 100",
        columns=("Item", "Construct", "Expected", "Felt", "Gap", "Verdict"),
        rows=tuple(
            (gap.pair.text, labels[gap.pair.construct], gap.desired, gap.felt, gap.gap, verdict)
            for gap, verdict in zip(found, verdicts, strict=True)
        ),
        chart=4,
        note="Felt is above or below where the range of the gap leaves out zero. " + TOGETHER,
    )
    asked = f"{len(found)} things asked both ways" if len(found) > 1 else "the one asked both ways"
    none = f"Nothing of {asked} is clearly felt below what was expected"
    some = f"{below} of {asked} {'is' if below == 1 else 'are'} felt below what was expected"
    return Section(id="gaps", title=some if below else none, method="constructs", tables=(table,))


ABOVE, BELOW = "felt above", "felt below"


def _verdict(gap: ItemGap) -> str:
    if gap.p is None or gap.gap.value is None:
        return "too few to test"
    if not gap.clear:
        return "no clear difference"
    return ABOVE if gap.gap.value > 0 else BELOW


def answer_section(used: Used) -> Section | None:
    """Every question with options or numbers: what was answered, and by how many."""
    found = toplines(used.study, used.answers, weights=used.weights)
    if not found:
        return None
    return Section(
        id="answers",
        title="All answers, question by question",
        method="answers",
        tables=tuple(_table(number, topline) for number, topline in enumerate(found, 1)),
        folded=True,
    )


def _table(number: int, topline: Topline) -> Table:
    options = all(line.estimate.unit == "share" for line in topline.lines)
    silent = [
        f"{count} {what}"
        for count, what in ((topline.skipped, "left it out"), (topline.refused, "refused"))
        if count
    ]
    return Table(
        id=f"question_{number}",
        caption=f"{topline.text} ({topline.answered} answered{_then(silent)})",
        columns=("Answer", "Chosen by", "Share") if options else ("Rated", "Answers", "Mean"),
        rows=tuple((line.label, line.count, line.estimate) for line in topline.lines),
    )


def _then(words: list[str]) -> str:
    return "".join(f", {word}" for word in words)
