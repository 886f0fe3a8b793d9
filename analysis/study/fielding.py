"""How a study is fielded: quotas, and the cells of an experiment."""

from __future__ import annotations

import math
import random
from collections.abc import Collection, Mapping, Sequence
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from analysis.study.texts import Id, Part, Text


class Quota(Part):
    """So many respondents of one sort, and no more; per wave and kind of run."""

    id: Id
    label: Text | None = None
    when: Annotated[str, StringConstraints(min_length=1, max_length=1000)] | None = None
    """Of whom; without it, of everybody."""
    limit: Annotated[int, Field(ge=0, le=10_000_000)]
    count: Literal["completes", "starts"] = "completes"
    """completes: who completes first has the place; starts: a place is held from the page on that
    settles the condition, so that nobody answers in vain."""
    hold_minutes: Annotated[int, Field(ge=1, le=10_080)] = 30
    """How long the place of somebody who sends no page is held."""


class Cell(Part):
    """One of the versions that respondents are assigned to at random."""

    id: Id
    label: Text | None = None
    weight: Annotated[int, Field(ge=1, le=100)] = 1
    """Its share, beside the weights of the others."""


def next_cell(cells: Sequence[Cell], started: Mapping[str, int], seed: int) -> str:
    """The cell of the next respondent, by randomised permuted blocks.

    A block holds each cell as often as its weight says; a respondent gets one of the places that
    are left in it. So the cells stay in balance at any time, and no cell goes along with the
    blocks of choice tasks, which are given out in turn.

    Parameters
    ----------
    started
        How many started in each cell.
    seed
        Of the respondent; decides among the places that are left.
    """
    shared = math.gcd(*(cell.weight for cell in cells))
    weights = [cell.weight // shared for cell in cells]
    have = [started.get(cell.id, 0) for cell in cells]
    blocks = max(-(-n // weight) for n, weight in zip(have, weights, strict=True))
    left = [weight * blocks - n for n, weight in zip(have, weights, strict=True)]
    if not any(left):
        left = weights
    drawn = random.Random(f"cell {seed}").choices(cells, left)  # noqa: S311 - no secret
    return drawn[0].id


def settled(reads: Collection[str], ahead: Collection[str]) -> bool:
    """Whether no question that a condition reads is still ahead of a respondent."""
    return not set(reads) & set(ahead)
