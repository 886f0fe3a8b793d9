"""Where everything is asked: which questions surely come before a page."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from analysis.study.flow import Group
from analysis.study.names import read_by
from analysis.study.questions import Question
from analysis.study.types import Study


@dataclass(frozen=True)
class Places:
    """Where everything is asked: which pages come before which, for every respondent."""

    study: Study

    @cached_property
    def at(self) -> dict[str, tuple[tuple[Group, int], ...]]:
        """The way from the top of the study to each page: group and place in it."""
        found: dict[str, tuple[tuple[Group, int], ...]] = {}

        def note(group: Group, above: tuple[tuple[Group, int], ...]) -> None:
            for n, member in enumerate(group.members):
                way = (*above, (group, n))
                if isinstance(member, Group):
                    note(member, way)
                else:
                    found.setdefault(member.page.id, way)

        note(self.study.flow, ())
        return found

    @cached_property
    def in_loops(self) -> frozenset[str]:
        """The pages of loops, in whose conditions the entry stands as a plain text."""
        return frozenset(found.page.id for found in self.study.placed if found.entry)

    @cached_property
    def page_of(self) -> dict[str, str]:
        """The page of each question."""
        return {q.id: page.id for page in reversed(self.study.pages) for q in page.questions}

    @cached_property
    def questions(self) -> dict[str, Question]:
        """All questions by id."""
        return {q.id: q for q in self.study.questions()}

    def asked_for(self, name: str) -> tuple[str, ...]:
        """The questions that a name stands for or rests on."""
        names = self.study.names
        if name not in names.computed:
            return self.named(name)
        variables = (name, *names.rests_on.get(name, ()))
        read = {part for variable in variables for part in read_by(names.computed[variable])}
        return tuple(q for part in sorted(read - names.computed.keys()) for q in self.named(part))

    def named(self, name: str) -> tuple[str, ...]:
        """The questions that a name stands for: one, or those of every entry of a loop."""
        if name in self.page_of:
            return (name,)
        return tuple(q for q, found in self.study.looped.items() if found.question == name)

    def is_before(self, question: str, page: str | None, *, own: bool) -> bool:
        """Whether a question is asked before a page (``own``: or on it); None: before the end."""
        asked_on = self.page_of[question]
        if page is None or (asked_on == page and own):
            return True
        if asked_on == page:
            return False
        for (group, a), (_, b) in zip(self.at[asked_on], self.at[page], strict=False):
            if a != b:
                return a < b and (group.order == "fixed" or _keeps_apart(group, a, b))
        return False


def _keeps_apart(group: Group, first: int, second: int) -> bool:
    """Whether fixed places keep the first of two members of a random block before the second."""
    fixed = [m.fixed if isinstance(m, Group) else m.page.fixed for m in group.members]
    return all(fixed[: first + 1]) or all(fixed[second:])
