"""Drawing a step: used by the respondent's pages and by the researcher's preview."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from flask import render_template

from analysis.study.exercises import (
    Attribute,
    BestWorstExercise,
    ChoiceExercise,
    Exercise,
    RatingsExercise,
)
from analysis.study.ordering import alternative_order, attribute_order
from analysis.study.routing import Step, tasks_shown
from analysis.study.types import Study
from surveyapp import languages
from surveyapp.languages import Said, gettext, speaking
from surveyapp.questions.forms import asks
from surveyapp.questions.kinds import Ask, as_it_is
from surveyapp.questions.tasks import LETTERS, kind_of, rating_values
from surveyapp.store.records import TaskAnswer, TaskRecord

COMPACT_ALTERNATIVES = 3
COMPACT_CHARACTERS = 28


@dataclass(frozen=True, slots=True)
class Screen:
    """What a step shows besides the study: answers, errors, where its buttons lead.

    ``entered`` and ``errors`` are by field name. Without ``action`` the page is a preview that
    stores nothing, and its button leads to ``onward``.
    """

    language: str = ""
    entered: Mapping[str, Sequence[str]] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)
    task: TaskRecord | None = None
    action: str | None = None
    turn: int = 0
    back: str | None = None
    onward: str | None = None
    notice: str | None = None
    answered_before: TaskAnswer | None = None
    """What was answered to the task before."""
    run_kind: str = "live"
    seed: int | None = None
    """By which things are shuffled for the respondent."""
    fill: Callable[[str], str] = as_it_is
    """Puts earlier answers into a text."""
    ahead: frozenset[str] | None = None
    """The pages that follow on the respondent's way; None: those that follow in the file."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a step is, in words and as a share of the whole."""

    words: str
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class Card:
    """One alternative or item of a task.

    ``number`` is its number as designed, ``place`` and ``letter`` say where it stands on the page,
    ``rows`` are (attribute, level, help, image, whether a price), ``text`` the item of a set.
    """

    number: int
    place: int
    letter: str
    rows: tuple[tuple[str, str, str, str, bool], ...] = ()
    text: str = ""


def draw_step(study: Study, step: Step, screen: Screen) -> str:
    """The page of a step as HTML."""
    language = screen.language or study.default_language
    with speaking(language):
        return _drawn(study, step, screen, language)


def _drawn(study: Study, step: Step, screen: Screen, language: str) -> str:
    words = page_words(study, language, screen.fill)
    asked = asks(study, step.questions, language, screen.fill)
    exercise = study.exercise(step.page.exercise) if step.task else None
    shown = cards(study, exercise, screen, language) if exercise else ()
    return render_template(
        "respond/step.html",
        step=step,
        screen=screen,
        asks=asked,
        progress=progress(study, step, screen.ahead),
        problems=_problems(asked, screen, shown),
        exercise=exercise,
        kind=kind_of(exercise) if exercise else None,
        cards=shown,
        compact=isinstance(exercise, ChoiceExercise) and is_compact(study, exercise),
        values=rating_values(exercise) if isinstance(exercise, RatingsExercise) else (),
        said=_said_before(exercise, step, screen),
        **words,
    )


def page_words(
    study: Study, language: str, fill: Callable[[str], str] = as_it_is
) -> dict[str, object]:
    """What every page of a study needs to speak a language; ``fill`` puts answers into texts."""
    return {
        "study": study,
        "language": language,
        "direction": languages.direction(language),
        "say": lambda text: languages.say(text, language, study.default_language, fill),
        "name_of": languages.name_of,
    }


def _said_before(exercise: Exercise | None, step: Step, screen: Screen) -> str:
    """The answer to the task before, in words; empty when there is none."""
    given = screen.answered_before
    if exercise is None or given is None:
        return ""
    count = getattr(exercise, "alternatives", 1)
    order = alternative_order(exercise, step.task - 1, count, screen.seed)
    return kind_of(exercise).said(exercise, given, order)


def progress(study: Study, step: Step, ahead: frozenset[str] | None = None) -> Progress:
    """How far a step is, counting only what everybody passes, so that the total never moves.

    A conditional page counts with the page before it; pages that were skipped count as passed.
    """
    place = next(n for n, page in enumerate(study.pages) if page.id == step.page.id)
    if ahead is None:
        ahead = frozenset(page.id for page in study.pages[place + 1 :])
    sizes = {
        found.page.id: max(tasks_shown(study, found.page), 1)
        for found in study.placed
        if not found.conditional
    }
    total = max(sum(sizes.values()), 1)
    here = sizes.get(step.page.id, 0)
    passed = total - here - sum(size for page, size in sizes.items() if page in ahead)
    if step.task:
        place_of = kind_of(study.exercise(step.page.exercise)).place
        words = place_of(step.task, tasks_shown(study, step.page))
        return Progress(words, min(passed + step.task - 1, total), total)
    part = max(sum(1 for page in sizes if page not in ahead), 1)
    words = gettext("Part %(number)s of %(total)s", number=part, total=max(len(sizes), 1))
    return Progress(words, max(min(passed, total), 0), total)


def cards(study: Study, exercise: Exercise, screen: Screen, language: str) -> tuple[Card, ...]:
    """The alternatives or items of a task, in the order in which this respondent sees them."""
    task = screen.task
    if task is None:
        return ()
    order = alternative_order(exercise, task.task, len(task.alternatives), screen.seed)
    placed = [Card(n + 1, place, LETTERS[place - 1]) for place, n in enumerate(order, start=1)]
    if isinstance(exercise, BestWorstExercise):
        default = study.default_language
        labels = [exercise.item(alternative["item"]).label for alternative in task.alternatives]
        return tuple(
            replace(card, text=languages.say(labels[card.number - 1], language, default))
            for card in placed
        )
    attributes = [exercise.attributes[n] for n in attribute_order(exercise, screen.seed)]
    return tuple(
        replace(card, rows=_rows(study, attributes, task.alternatives[card.number - 1], language))
        for card in placed
    )


def _rows(
    study: Study, attributes: Sequence[Attribute], shown: Mapping[str, str], language: str
) -> tuple[tuple[str, str, str, str, bool], ...]:
    """(attribute, level, help, image, whether a price); a preview of a range has numbers."""
    rows = []
    for a in attributes:
        label = languages.say(a.label, language, study.default_language)
        level = next((found for found in a.levels if found.id == shown[a.id]), None)
        text = level_text(study, a, shown[a.id], language)
        help_text = languages.say(level.help if level else None, language, study.default_language)
        image = (level and level.image) or ""
        rows.append((label, text, help_text, image, a.tag == "price"))
    return tuple(rows)


def level_text(study: Study, attribute: Attribute, level: str, language: str) -> Said:
    """How a level reads: its label, or its number as the language writes numbers or money."""
    if not attribute.levels:
        return Said(level)
    found = attribute.level(level)
    if attribute.shown_as == "label" or found.number is None:
        return languages.say(found.label, language, study.default_language)
    if attribute.shown_as == "money":
        return Said(languages.money(found.number, study.currency, language))
    unit = languages.say(attribute.unit, language, study.default_language)
    return Said(f"{languages.number(found.number, language)}\u00a0{unit}".strip(), unit.language)


def is_compact(study: Study, exercise: ChoiceExercise) -> bool:
    """Whether the alternatives fit side by side on a phone, in every language.

    Levels with help or images do not.
    """
    if any(level.help or level.image for a in exercise.attributes for level in a.levels):
        return False
    short = all(
        len(level_text(study, attribute, level.id, language)) <= COMPACT_CHARACTERS
        for language in study.languages
        for attribute in exercise.attributes
        for level in attribute.levels
    )
    return short and exercise.alternatives <= COMPACT_ALTERNATIVES


def _problems(asked: Sequence[Ask], screen: Screen, shown: Sequence[Card]) -> list[tuple[str, str]]:
    """Errors in the order of the page: the id of the control to jump to, and what to do."""
    texts = {name: text for ask in asked for name, _, text in ask.fields()}
    order = [name for name in texts if name in screen.errors]
    order += [name for name in screen.errors if name not in texts]
    places = {str(card.number): card.place for card in shown}
    entered = {name: next(iter(screen.entered.get(name, ())), "") for name in order}
    return [
        (
            f"{name}-{places.get(entered[name], 1)}",
            gettext("%(act)s: “%(question)s”", act=screen.errors[name], question=texts[name])
            if name in texts
            else screen.errors[name],
        )
        for name in order
    ]
