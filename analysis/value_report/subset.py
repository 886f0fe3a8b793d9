"""A report for some of the respondents: a wave, a language, a cell, or a group of the plan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import pandas as pd

from analysis.ratings.between_groups import LEAST_GROUP
from analysis.study import Study
from analysis.study.grouping import FACTS, groupings
from analysis.value_report.used import Used


class SubsetFault(ValueError):
    """A group that does not exist, or is too small to report on; all faults, one a line."""


@dataclass(frozen=True, slots=True)
class Group:
    """One condition: ``name`` is 'wave', 'language', 'cell' or a question of the plan's groups."""

    name: str
    value: str


def parse_groups(texts: Sequence[str]) -> tuple[Group, ...]:
    """Groups from texts like 'wave=2026-10'.

    Raises
    ------
    SubsetFault
        When a text is not NAME=VALUE, or a name stands twice.
    """
    faults: list[str] = []
    found: list[Group] = []
    for text in texts:
        name, equals, value = (part.strip() for part in text.partition("="))
        if not (equals and name and value):
            faults.append(f"'{text}' is no group. Write NAME=VALUE, such as wave=2026-10.")
        elif name in {group.name for group in found}:
            faults.append(f"'{name}' is asked for twice. Choose one value.")
        else:
            found.append(Group(name, value))
    if faults:
        raise SubsetFault("\n".join(faults))
    return tuple(found)


def narrowed(used: Used, groups: Sequence[Group]) -> Used:
    """The rows of the respondents who belong to all groups, and of their purchases alone.

    Raises
    ------
    SubsetFault
        When a group is not one of this study, or fewer than 10 respondents are in the subset or
        are left out of it (whose figures two reports would then give away).
    """
    faults = [fault for group in groups if (fault := _fault(used, group))]
    if faults:
        raise SubsetFault("\n".join(faults))
    people = used.respondents
    inside = pd.Series(True, index=people.index)
    for group in groups:
        inside &= _members(used, group)
    n, others = int(inside.sum()), int((~inside).sum())
    words = "; ".join(_words(used.study, group) for group in groups)
    if n < LEAST_GROUP or 0 < others < LEAST_GROUP:
        raise SubsetFault(
            f"{words}: {'in' if n < LEAST_GROUP else 'outside'} this group are fewer than "
            f"{LEAST_GROUP} respondents; figures would say more of persons than of a group. Choose "
            "a larger group."
        )
    kept = people[inside].reset_index(drop=True)
    names, customers = set(kept["respondent"]), set(kept["customer"]) - {""}
    archive = used.archive
    return replace(
        used,
        archive=replace(
            archive,
            customers=_bought(archive.customers, customers),
            alarms=_bought(archive.alarms, customers),
            outcomes=_bought(archive.outcomes, customers),
        ),
        respondents=kept,
        answers=_of(used.answers, names),
        choices={name: _of(frame, names) for name, frame in used.choices.items()},
        weights=None if used.weights is None else used.weights.loc[list(kept["respondent"])],
        excluded=f"{used.excluded}; {others} respondents are outside the group",
        subset=tuple(_words(used.study, group) for group in groups),
    )


def _fault(used: Used, group: Group) -> str:
    known: dict[str, set[str]] = {
        name: set(used.respondents[name].dropna()) - {""}
        for name in FACTS
        if name in used.respondents
    }
    questions = groupings(used.study)
    known |= {name: set(found) for name, found in questions.items() if name not in FACTS}
    if group.name not in known:
        named = ", ".join(sorted(known))
        return (
            f"'{group.name}' is nothing to group by. Known: {named}; a single-choice question must "
            "be named in 'groups' of the study's analysis plan."
        )
    if group.value not in known[group.name]:
        values = ", ".join(sorted(known[group.name])) or "none"
        return f"'{group.name}' has no value '{group.value}'. Known: {values}."
    return ""


def _members(used: Used, group: Group) -> pd.Series:
    people = used.respondents
    if group.name in FACTS:
        return people[group.name].astype("object") == group.value
    rows = used.answers[used.answers["question"] == group.name]
    given = rows[(rows["status"] == "answered") & (rows["value"] == group.value)]
    return people["respondent"].isin(set(given["respondent"]))


def _words(study: Study, group: Group) -> str:
    said = groupings(study).get(group.name, {}).get(group.value, group.value)
    if group.name in FACTS:
        return f"{group.name} {said}"
    return f"those who answered “{said}” to “{study.question(group.name).text.say()}”"


def _of(frame: pd.DataFrame, respondents: set[str]) -> pd.DataFrame:
    return frame[frame["respondent"].isin(respondents)].reset_index(drop=True)


def _bought(frame: pd.DataFrame, customers: set[str]) -> pd.DataFrame:
    return frame[frame["customer"].isin(customers)].reset_index(drop=True)
