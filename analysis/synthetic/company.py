"""A company with a known truth: its purchases, and customers who can be asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Protocol

import pandas as pd

from analysis.study import ChoiceExercise
from analysis.study.exercises import BestWorstExercise, RatingsExercise
from analysis.study.questions import Question


class SyntheticRespondent(Protocol):
    """Somebody who answers each question and each task that is shown.

    ``customer`` is the identifier as the company writes it, ``answered_on`` a time in UTC,
    ``stops_after`` the number of screens after which this person leaves (None: finishes).
    """

    @property
    def customer(self) -> str: ...
    @property
    def answered_on(self) -> datetime: ...
    @property
    def stops_after(self) -> int | None: ...

    def answer(self, question: Question, item: str) -> str | None:
        """The value as stored; None: no answer."""

    def choose(self, exercise: ChoiceExercise, alternatives: Sequence[Mapping[str, str]]) -> int:
        """The number of the chosen alternative (from 1); one more than there are: none."""

    def buys(self, exercise: ChoiceExercise, alternatives: Sequence[Mapping[str, str]]) -> bool:
        """Whether the alternative chosen out of these would be bought (a dual-response none)."""

    def best_and_worst(self, exercise: BestWorstExercise, items: Sequence[str]) -> tuple[int, int]:
        """The numbers of the best and the worst item of a set (from 1)."""

    def rate(self, exercise: RatingsExercise, levels: Mapping[str, str]) -> int:
        """The rating of a profile."""


@dataclass(frozen=True, slots=True, eq=False)
class Company:
    """A synthetic company.

    Attributes
    ----------
    purchases
        Columns of the ledger, customer as the company writes it ('card-000123'), amount in cents.
    respondents
        Those who open the survey.
    truth
        What was planted.
    today
        The last day of the purchases.
    """

    purchases: pd.DataFrame
    respondents: tuple[SyntheticRespondent, ...]
    truth: Any
    today: date
    events: pd.DataFrame = field(default_factory=lambda: _nothing("event"))
    """Social events: customer as the company writes it, time, event."""
    loyalty: pd.DataFrame = field(default_factory=lambda: _nothing("action"))
    """Loyalty programme: customer, time, action."""
    availability: pd.DataFrame = field(default_factory=lambda: _nothing("product"))
    """What was on offer, as a file of the ledger has it; no rows: not known."""


def _nothing(what: str) -> pd.DataFrame:
    return pd.DataFrame(columns=["customer", "time", what])
