"""The section of all answers, question by question."""

from __future__ import annotations

from analysis.ratings.toplines import Topline, toplines
from analysis.value_report.section import Section, Table
from analysis.value_report.used import Used


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
