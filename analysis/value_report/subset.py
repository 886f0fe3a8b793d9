"""A report for some of the respondents: a wave, a language, a cell, or a group of the plan."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

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
        When a group is not one of this study, or fewer than 10 respondents are in the subset, or
        are what remains of a larger report when this one, alone or with those of its sister
        groups, is taken away from it.
    """
    faults = [fault for group in groups if (fault := _fault(used, group))]
    if faults:
        raise SubsetFault("\n".join(faults))
    people = used.respondents
    inside = pd.Series(True, index=people.index)
    for group in groups:
        inside &= _members(used, group)
    others = int((~inside).sum())
    where = _given_away(used, groups)
    if where:
        words = "; ".join(_words(used.study, group) for group in groups)
        raise SubsetFault(
            f"{words}: {where} are fewer than {LEAST_GROUP} respondents; figures would say more of "
            "persons than of a group. Choose a larger group."
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
        every_wave=None if used.every_wave is None else narrowed(used.every_wave, groups),
    )


def _given_away(used: Used, groups: Sequence[Group]) -> str:
    """Where fewer than ten would be shown, or come out of reports by subtraction; else nothing."""
    people = used.respondents.index
    inside = pd.DataFrame({g: _members(used, g) for g in groups}, index=people)
    if inside.all(axis=1).sum() < LEAST_GROUP:
        return "in this group"
    for kept in _some_of(groups):
        larger = inside[list(kept)].all(axis=1)
        rest = larger & ~inside.all(axis=1)
        if 0 < rest.sum() < LEAST_GROUP:
            return "outside this group"
        for group in groups:
            if group not in kept and _alone(_classes(used, group.name)[larger], group.value):
                return "in a group beside this one, which this one would give away,"
    return ""


def _some_of(groups: Sequence[Group]) -> Iterator[tuple[Group, ...]]:
    """All of the larger reports: every choice of the groups but all of them."""
    for size in range(len(groups)):
        yield from combinations(groups, size)


def _alone(classes: pd.Series, value: str) -> bool:
    """Whether the small classes together are under ten, and this is the smallest of the others."""
    sizes = classes.value_counts()
    small, large = sizes[sizes < LEAST_GROUP], sizes[sizes >= LEAST_GROUP].sort_index()
    return 0 < small.sum() < LEAST_GROUP and bool(len(large)) and str(large.idxmin()) == value


def _classes(used: Used, name: str) -> pd.Series:
    """The class of every respondent; empty for who has none."""
    people = used.respondents
    if name in FACTS:
        return people[name].astype("object").fillna("")
    rows = used.answers[(used.answers["question"] == name) & (used.answers["status"] == "answered")]
    return people["respondent"].map(rows.set_index("respondent")["value"]).fillna("")


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
    return _classes(used, group.name) == group.value


def _words(study: Study, group: Group) -> str:
    said = groupings(study).get(group.name, {}).get(group.value, group.value)
    if group.name in FACTS:
        return f"{group.name} {said}"
    return f"those who answered “{said}” to “{study.question(group.name).text.say()}”"


def _of(frame: pd.DataFrame, respondents: set[str]) -> pd.DataFrame:
    return frame[frame["respondent"].isin(respondents)].reset_index(drop=True)


def _bought(frame: pd.DataFrame, customers: set[str]) -> pd.DataFrame:
    return frame[frame["customer"].isin(customers)].reset_index(drop=True)
