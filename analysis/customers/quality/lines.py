"""Straight lines: how long the same answer runs down a matrix. Plain Python."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from analysis.customers.quality.attention import Given
from analysis.study.questions import Question
from analysis.study.types import Study

LEAST_ITEMS = 4
"""Items from which a matrix is looked at: three alike say nothing."""


def matrices(study: Study) -> list[tuple[Question, tuple[str, ...]]]:
    """The matrices that are looked at, with their items; attention items stay out."""
    found: list[tuple[Question, tuple[str, ...]]] = []
    for question in study.questions():
        if question.kind not in ("matrix", "semantic_differential"):
            continue
        items = tuple(i for i in question.storable() if i not in question.expected())
        if len(items) >= LEAST_ITEMS:
            found.append((question, items))
    return found


def longest_run(values: Sequence[str]) -> int:
    """The longest run of the same answer."""
    best = run = 0
    before: str | None = None
    for value in values:
        run = run + 1 if value == before else 1
        best, before = max(best, run), value
    return best


def line_score(runs: Mapping[str, tuple[int, int]]) -> float:
    """Mean over matrices of (longest run - 1) / (items - 1): 1 for straight lines throughout."""
    return sum((run - 1) / (items - 1) for run, items in runs.values()) / len(runs)


def runs_of(study: Study, given: Given) -> dict[str, tuple[int, int]]:
    """Longest run and number of items by matrix, of those answered in full."""
    found = {}
    for question, items in matrices(study):
        values = [given.get((question.id, item)) for item in items]
        told = [value for value in values if value is not None]
        if len(told) == len(items):
            found[question.id] = (longest_run(told), len(items))
    return found


def is_straight(runs: Mapping[str, tuple[int, int]]) -> bool:
    """Whether every matrix that was answered is one straight line, of eight items or more in all.

    What the field monitor counts; the analysis asks besides how likely that is for careful people.
    """
    return sum(items for _, items in runs.values()) >= 8 and line_score(runs) == 1
