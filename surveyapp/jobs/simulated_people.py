"""Who the simulator simulates: weights and segments of the respondents whose draws are kept."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from surveyapp.reports.run_files import PEOPLE

if TYPE_CHECKING:
    import pandas as pd

    from analysis.archive import Archive
    from analysis.study import Study
    from analysis.study.questions import Question
    from analysis.value_report.build import Analysis

MOST_SEGMENTS = 8
"""A question with more answers makes no segments."""


def write_people(folder: Path, archive: Archive, found: Analysis) -> None:
    """Write people.json beside draws.npy: ``weights`` (or null), and ``segments``: by the label of
    what divides people, the segment of each respondent in the order of draws.json.
    """
    fit = found.fit
    if fit is None or fit.fitted.hierarchy is None:
        return
    people = [str(name) for name in fit.fitted.hierarchy.respondents]
    weights = None if fit.weights is None else [fit.weights.get(name, 1.0) for name in people]
    segments = dict(_segments(archive, people))
    content = json.dumps({"weights": weights, "segments": segments}, ensure_ascii=False)
    (folder / PEOPLE).write_text(content + "\n", encoding="utf-8")


def _segments(archive: Archive, people: list[str]) -> Iterator[tuple[str, list[str]]]:
    """Wave, language and cell, then each question with one answer among few; "" where unknown."""
    study, table = archive.study, archive.respondents.set_index("respondent")
    waves = {wave.id: wave.label.say() for wave in study.waves}
    for label, column, names in (
        ("Wave", "wave", waves),
        ("Language", "language", {}),
        ("Cell", "cell", {}),
    ):
        if column in table:
            yield from _divided(label, table[column].astype(str), names, people)
    for question, names in _questions(study):
        rows = archive.answers[archive.answers["question"] == question.id]
        own = rows[rows["status"] == "answered"].drop_duplicates("respondent", keep="last")
        answered = own.set_index("respondent")["value"].astype(str)
        yield from _divided(question.text.say(), answered, names, people)


def _questions(study: Study) -> Iterator[tuple[Question, dict[str, str]]]:
    for question in study.questions():
        options = getattr(question, "options", ())
        if question.kind == "single_choice" and 2 <= len(options) <= MOST_SEGMENTS:
            yield question, {option.id: option.label.say() for option in options}


def _divided(
    label: str, values: pd.Series, names: dict[str, str], people: list[str]
) -> Iterator[tuple[str, list[str]]]:
    """One division of the people, when it divides them."""
    found = [names.get(value, value) for value in values.reindex(people).fillna("")]
    if 1 < len(set(found) - {""}) <= MOST_SEGMENTS:
        yield label, found
