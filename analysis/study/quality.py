"""The plan for the quality of answers: what is looked for, and which flags exclude."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from analysis.study.texts import Part

FlagName = Literal[
    "speeding",
    "speeding_tasks",
    "straight_lining",
    "attention",
    "repeats",
    "repeated_tasks",
    "duplicates",
    "gibberish",
    "consistency",
]
FLAG_NAMES: tuple[FlagName, ...] = (
    "speeding",
    "speeding_tasks",
    "straight_lining",
    "attention",
    "repeats",
    "repeated_tasks",
    "duplicates",
    "gibberish",
    "consistency",
)

ItemName = Annotated[
    str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}(\.[A-Za-z0-9_.+-]{1,64})?$")
]
"""A question, or one of its items: 'recommend', 'function.fresh'."""


class QualityPlan(Part):
    """How careless answers are told, and what follows; respondents are never deleted."""

    exclude: tuple[FlagName, ...] = ()
    """Who carries one of these flags is left out of the report; empty: nobody is."""
    error_rate: Annotated[float, Field(gt=0, le=0.5)] = 0.05
    """Share of careful respondents who may carry a flag, divided evenly among the flags in use."""
    repeats: tuple[Annotated[tuple[ItemName, ...], Field(min_length=2, max_length=2)], ...] = ()
    """Pairs of items that ask the same: ['recommend', 'recommend_again']."""
    retest: Annotated[float, Field(ge=0.3, lt=1)] = 0.6
    """Correlation between two answers of a careful respondent to the same item."""
    slips: Annotated[float, Field(gt=0, lt=0.5)] = 0.02
    """Chance that a careful respondent misses one attention item."""


def named_item(name: str) -> tuple[str, str]:
    """Question and item of an ``ItemName``; the item is empty for a question of one answer."""
    question, _, item = name.partition(".")
    return question, item
