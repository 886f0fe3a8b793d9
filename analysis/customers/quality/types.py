"""What a flag says of a respondent, and what a rule says of itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from analysis.study.quality import FlagName

LABELS: dict[FlagName, str] = {
    "speeding": "Too fast on pages of questions",
    "speeding_tasks": "Too fast on choice tasks",
    "straight_lining": "The same answer all down the matrices",
    "attention": "Attention items missed",
    "repeats": "The same item answered differently",
    "repeated_tasks": "The same task answered differently",
    "duplicates": "Answers of another respondent, or the same person twice",
    "gibberish": "Open text that is no language",
    "consistency": "Choices no better than at random",
}


@dataclass(frozen=True, slots=True)
class Mark:
    """One flag on one respondent, with the fact behind it."""

    respondent: str
    flag: FlagName
    fact: str


@dataclass(frozen=True, slots=True)
class Rule:
    """One flag as it was applied.

    Attributes
    ----------
    wanted
        The share of careful respondents that it may hit.
    rate
        The share that it hits under its null; None when the flag was not used, and ``unused``
        says why.
    rule, null
        What is flagged, and what careful respondents are taken to do, in words.
    judged
        Respondents who gave enough to be judged.
    scores
        Statistic by respondent, for those who were judged; the lower, the more suspect.
    caught
        Share of simulated random responders that it would flag, where that is known.
    """

    flag: FlagName
    wanted: float
    rate: float | None
    rule: str
    null: str
    judged: int = 0
    unused: str = ""
    scores: Mapping[str, float] = field(default_factory=dict)
    caught: float | None = None
    marks: tuple[Mark, ...] = ()


def unused(flag: FlagName, wanted: float, why: str) -> Rule:
    """A rule that could not be applied, with the reason."""
    return Rule(flag, wanted, None, "", "", unused=why)
