"""Which pages, tasks and questions a respondent is asked, given the answers so far."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from analysis.study.expressions import parsed
from analysis.study.fielding import Quota, settled
from analysis.study.flow import Group, Looped, Placed
from analysis.study.names import read_by
from analysis.study.ordering import arranged
from analysis.study.pages import Page
from analysis.study.questions import (
    PARTS,
    Check,
    ConstantSum,
    MultipleChoice,
    Question,
    Ranking,
    SingleChoice,
)
from analysis.study.seen import Seen
from analysis.study.texts import Text
from analysis.study.types import Study

Answers = Mapping[tuple[str, str], str]
"""Stored answers of one respondent: (question, item) to value."""


@dataclass(frozen=True, slots=True)
class Step:
    """One screen: a page with the questions shown on it, or one task of an exercise.

    The questions hold only the options and items that this respondent is shown, in that order.
    """

    page: Page
    questions: tuple[Question, ...] = ()
    task: int = 0
    """1, 2, ... for a task of the page's exercise; 0 for a page of questions."""
    stale: frozenset[str] = frozenset()
    """Questions whose stored answer is none any more with the options that are now shown."""

    @property
    def id(self) -> str:
        return f"{self.page.id}.{self.task}" if self.task else self.page.id


@dataclass(frozen=True, slots=True)
class Failed:
    """A check that does not hold: beside which question and item, and what is said."""

    question: str
    item: str
    message: Text


@dataclass(frozen=True, slots=True)
class Order:
    """An order in which something stood: the ids of its parts from first to last.

    ``of`` is 'pages', 'entries', 'questions', 'options' or 'items', ``place`` the block, page or
    question whose parts they are (pages outside any block have the empty place).
    """

    of: str
    place: str
    parts: tuple[str, ...]


class Way:
    """The way of one respondent through a study.

    Conditions see only the answers of questions that are themselves on the way: what somebody
    answered before going back and taking another way no longer counts.

    Attributes
    ----------
    steps
        The screens, in order.
    seen
        The answers that count, as expressions see them.
    orders
        Every order that was shuffled for this respondent.
    """

    def __init__(self, study: Study, answers: Answers, respondent: Mapping[str, str]) -> None:
        self.seen = Seen(study, respondent)
        self.steps: list[Step] = []
        self.orders: list[Order] = []
        self._study, self._answers = study, answers
        self._seed = int(respondent["seed"]) if respondent.get("seed") else None
        self._target: str | None = None
        self._walk(study.flow)

    @property
    def questions(self) -> frozenset[str]:
        """The questions that are asked on the way."""
        return frozenset(q.id for step in self.steps for q in step.questions)

    @property
    def asked(self) -> frozenset[tuple[str, str]]:
        """Everything that is asked on the way, as (question, item)."""
        questions = (q for step in self.steps for q in step.questions)
        return frozenset((q.id, item) for q in questions for item in q.storable())

    def screened_out(self, page: Page) -> bool:
        """Whether the answers up to and with a page end the survey for this respondent."""
        return page.screen_out_if is not None and self.seen.holds(page.screen_out_if)

    def failed_quality(self, page: Page) -> bool:
        """Whether an attention check ends the survey after a page for this respondent."""
        return page.quality_out_if is not None and self.seen.holds(page.quality_out_if)

    def failed(self, step: Step) -> tuple[Failed, ...]:
        """The checks of a step that do not hold; what is unknown passes."""
        checks: list[tuple[str | None, Check]]
        checks = [(question.id, check) for question in step.questions for check in question.checks]
        checks += [(check.at, check) for check in step.page.checks if step.questions]
        return tuple(
            self._beside(step, at, check)
            for at, check in checks
            if self.seen.value(check.that) is False
        )

    def _beside(self, step: Step, at: str | None, check: Check) -> Failed:
        """The failed check at the first field that it names, of the question asked for if any."""
        names = parsed(check.that).names
        fields = [(q.id, item) for q in step.questions for item in q.storable()]
        fields = [field for field in fields if field[0] == at] or fields
        named = (f for f in fields if f[0] in names or f"{f[0]}.{f[1]}" in names)
        return Failed(*next(named, fields[0]), check.message)

    def _walk(self, group: Group) -> None:
        if self._target is None and not self.seen.holds(group.show_if):
            return
        inside = group.ids if self._target else frozenset()
        if self._target and self._target not in inside:
            return
        if self._target == group.id:
            self._target = None
            if not self.seen.holds(group.show_if):
                return
        for member in self._members(group):
            if isinstance(member, Group):
                self._walk(member)
            elif self._target in (None, member.page.id):
                self._target = None
                self._pass(member)
        if self._target in inside:
            self._target = None

    def _members(self, group: Group) -> Sequence[Group | Placed]:
        members: Sequence[Group | Placed] = group.members
        if group.order == "random":
            fixed = [m.fixed if isinstance(m, Group) else m.page.fixed for m in members]
            members = arranged(members, fixed, self._seed, "pages", group.id)
        if group.loop and group.loop.over:
            members = [m for m in members if isinstance(m, Group) and self._is_taken(group, m)]
        members = members[: group.most]
        if group.order == "random":
            kind = "entries" if group.loop else "pages"
            self.orders.append(Order(kind, group.id, tuple(_name(m) for m in members)))
        return members

    def _is_taken(self, group: Group, member: Group) -> bool:
        """Whether an option was chosen, or was shown and not chosen."""
        assert group.loop is not None and group.loop.over is not None
        assert member.entry is not None
        chosen = self.seen.answer(group.loop.over, member.entry.id)
        return chosen == ("1" if group.loop.take == "chosen" else "0")

    def _pass(self, placed: Placed) -> None:
        page = placed.page
        if not self.seen.holds(page.show_if):
            return
        if page.exercise:
            shown = tasks_shown(self._study, page)
            self.steps.extend(Step(page, task=n + 1) for n in range(shown))
        else:
            questions = tuple(self._questions(placed))
            if not questions and page.questions:
                return
            stale = self._count(questions)
            self.steps.append(Step(page, questions, stale=stale))
        for skip in page.skip_to:
            if self.seen.holds(skip.if_):
                self._target = skip.page
                return

    def _questions(self, placed: Placed) -> Iterator[Question]:
        page = placed.page
        questions: Sequence[Question] = page.questions
        random = page.question_order == "random" and len(questions) > 1
        if random:
            place = placed.template or page.id
            still = [False] * len(questions)
            questions = arranged(questions, still, self._seed, "questions", place)
        shown = [q for q in questions if self.seen.holds(q.show_if)]
        narrowed = [q for q in (self._narrowed(q, placed.looped.get(q.id)) for q in shown) if q]
        if random and narrowed:
            self.orders.append(Order("questions", page.id, tuple(q.id for q in narrowed)))
        yield from narrowed

    def _narrowed(self, question: Question, looped: Looped | None) -> Question | None:
        """The question with the options and items shown, in their order; None: there is none."""
        if question.id not in self._study.varying:
            return question
        for field, order in PARTS:
            parts = getattr(question, field, ())
            random = getattr(question, order, "fixed") == "random"
            if not parts or not (random or any(part.show_if for part in parts)):
                continue
            shown: Sequence[Any] = parts
            if random:
                fixed = [part.fixed or getattr(part, "exclusive", False) for part in parts]
                place = looped.question if looped else question.id
                shown = arranged(parts, fixed, self._seed, field, place)
            shown = tuple(part for part in shown if self.seen.holds(part.show_if))
            if not shown:
                return None
            if random:
                ids = tuple(str(part.id) for part in shown)
                self.orders.append(Order(field, question.id, ids))
            changed: dict[str, Any] = {field: shown}
            if isinstance(question, MultipleChoice):
                changed["least"] = min(question.least, len(shown))
            question = question.model_copy(update=changed)
        return question

    def _is_narrowed(self, question: Question) -> bool:
        """Whether some of its options are not shown."""
        if question.id not in self._study.varying:
            return False
        every = getattr(self._study.question(question.id), "options", ())
        return len(getattr(question, "options", ())) < len(every)

    def _count(self, questions: Sequence[Question]) -> frozenset[str]:
        """Let the answers to questions count; returns the questions whose answers do not."""
        stale = set()
        for question in questions:
            keys = [(question.id, item) for item in question.storable()]
            given = {key[1]: self._answers[key] for key in keys if key in self._answers}
            if not given:
                continue
            if self._is_narrowed(question) and _is_stale(question, given):
                stale.add(question.id)
            else:
                self.seen.count(question.id, given)
        return frozenset(stale)


def _name(member: Group | Placed) -> str:
    if isinstance(member, Placed):
        return member.page.id
    return member.entry.id if member.entry else member.id


def _is_stale(question: Question, given: Mapping[str, str]) -> bool:
    """Whether stored values are no answer with the options that are shown now."""
    if isinstance(question, SingleChoice):
        return all(option.id not in given.values() for option in question.options)
    if isinstance(question, MultipleChoice):
        alone = any(o.exclusive and given.get(o.id) == "1" for o in question.options)
        chosen = sum(value == "1" for value in given.values())
        return chosen < max(question.least, question.required) and not alone
    if isinstance(question, Ranking | ConstantSum) and len(given) == len(question.options):
        alone = any(question.fault(item, value) for item, value in given.items())
        return alone or question.fault_together(given) is not None
    return False


def tasks_shown(study: Study, page: Page) -> int:
    """How many tasks the exercise of a page shows, holdouts included (0 without exercise)."""
    if page.exercise is None:
        return 0
    return study.exercise(page.exercise).shown


def steps(study: Study, answers: Answers, respondent: Mapping[str, str]) -> tuple[Step, ...]:
    """The screens a respondent passes, given what is answered so far, in order.

    ``respondent`` holds the facts that conditions may ask about, and the seed of the orders.
    """
    return tuple(Way(study, answers, respondent).steps)


def asked_questions(
    study: Study, answers: Answers, respondent: Mapping[str, str]
) -> frozenset[str]:
    """Ids of all questions on the respondent's way: the rest were not asked."""
    return Way(study, answers, respondent).questions


def step_after(
    study: Study, step_id: str, answers: Answers, respondent: Mapping[str, str]
) -> Step | None:
    """The screen that follows one that was just answered; None at the end."""
    way = steps(study, answers, respondent)
    place = next((n for n, step in enumerate(way) if step.id == step_id), None)
    if place is not None:
        return way[place + 1] if place + 1 < len(way) else None
    order = {page.id: n for n, page in enumerate(study.pages)}
    page_id, _, task = step_id.partition(".")
    here = (order[page_id], int(task or 0))
    return next((step for step in way if (order[step.page.id], step.task) > here), None)


def step_before(
    study: Study, step_id: str, answers: Answers, respondent: Mapping[str, str]
) -> Step | None:
    """The screen before one; None at the start."""
    way = steps(study, answers, respondent)
    place = next((n for n, step in enumerate(way) if step.id == step_id), 0)
    return way[place - 1] if place > 0 else None


def screened_out(study: Study, page: Page, answers: Answers, respondent: Mapping[str, str]) -> bool:
    """Whether the answers up to and with a page end the survey for this respondent."""
    return Way(study, answers, respondent).screened_out(page)


def quotas_met(way: Way, ahead: frozenset[str]) -> tuple[Quota, ...]:
    """The quotas that a respondent falls under, of those that are settled.

    ``ahead`` are the questions that the respondent may still come to: a condition that reads one
    of them is judged later.
    """
    return tuple(
        quota
        for quota in way.seen.study.quotas
        if quota.when is None
        or (
            settled(_questions_read(way.seen.study, quota.when), ahead)
            and way.seen.holds(quota.when)
        )
    )


def _questions_read(study: Study, source: str) -> set[str]:
    """The questions that a condition reads, also through computed variables and loops."""
    names = study.names
    read = set(read_by(source))
    variables = read & names.computed.keys()
    variables |= {below for name in variables for below in names.rests_on.get(name, ())}
    sources = [source, *(names.computed[name] for name in variables)]
    read = read.union(*(read_by(one) for one in sources))
    read |= {q for q, found in study.looped.items() if found.question in read}
    return read | {
        q for one in sources for name in parsed(one).means for q, _ in study.items_of(name)
    }


def declined(study: Study, answers: Answers) -> bool:
    """Whether consent to take part was refused."""
    return any(
        q.kind == "consent" and q.purpose == "participation" and answers.get((q.id, "")) == "no"
        for q in study.questions()
    )
