"""Drawing a step: used by the respondent's pages and by the researcher's preview."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from flask import render_template

from analysis.study.exercises import Attribute, ChoiceExercise
from analysis.study.routing import Step, tasks_shown
from analysis.study.texts import Text
from analysis.study.types import Study
from surveyapp.questions.forms import asks
from surveyapp.questions.kinds import Ask
from surveyapp.store.records import TaskRecord
from surveyapp.texts import direction

Say = Callable[[Text | None], str]

LETTERS = "ABCDEFGHIJ"
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
    chosen_before: int | None = None
    """What was chosen in the task before."""
    run_kind: str = "live"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a step is, in words and as a share of the whole."""

    words: str
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class Card:
    """One alternative of a choice task; ``rows`` are (attribute, level, whether a price)."""

    number: int
    letter: str
    rows: tuple[tuple[str, str, bool], ...]


def draw_step(study: Study, step: Step, screen: Screen) -> str:
    """The page of a step as HTML."""
    language = screen.language or study.default_language
    asked = asks(study, step.questions, language)

    def say(text: Text | None) -> str:
        return text.say(language, study.default_language) if text else ""

    exercise = study.choice_exercise(step.page.exercise) if step.task else None
    return render_template(
        "respond/step.html",
        study=study,
        step=step,
        screen=screen,
        say=say,
        language=language,
        direction=direction(language),
        asks=asked,
        progress=progress(study, step),
        problems=_problems(asked, screen),
        exercise=exercise,
        cards=cards(exercise, screen.task, say) if exercise and screen.task else (),
        compact=exercise is not None and is_compact(exercise),
        letters=LETTERS,
    )


def progress(study: Study, step: Step) -> Progress:
    """How far a step is, counting only what everybody passes, so that the total never moves.

    A conditional page counts with the page before it.
    """
    sizes = [0 if page.show_if else max(tasks_shown(study, page), 1) for page in study.pages]
    place = next(n for n, page in enumerate(study.pages) if page.id == step.page.id)
    total = max(sum(sizes), 1)
    passed = sum(sizes[:place])
    if step.task:
        words = f"Choice {step.task} of {tasks_shown(study, step.page)}"
        return Progress(words, min(passed + step.task - 1, total), total)
    parts = [n for n, size in enumerate(sizes) if size]
    part = max(sum(1 for n in parts if n <= place), 1)
    return Progress(f"Part {part} of {max(len(parts), 1)}", min(passed, total), total)


def cards(exercise: ChoiceExercise, task: TaskRecord, say: Say) -> tuple[Card, ...]:
    """The alternatives of a task, attributes in the order of the study."""
    return tuple(
        Card(
            number,
            LETTERS[number - 1],
            tuple(
                (say(a.label), _level(a, levels[a.id], say), a.tag == "price")
                for a in exercise.attributes
            ),
        )
        for number, levels in enumerate(task.alternatives, start=1)
    )


def _level(attribute: Attribute, level: str, say: Say) -> str:
    """How a level reads; an attribute with a range has numbers only, which a preview shows."""
    return say(attribute.level(level).label) if attribute.levels else level


def is_compact(exercise: ChoiceExercise) -> bool:
    """Whether the alternatives fit side by side on a phone, in every language."""
    labels = [level.label.root for a in exercise.attributes for level in a.levels]
    texts = [t for label in labels for t in ([label] if isinstance(label, str) else label.values())]
    short = all(len(text) <= COMPACT_CHARACTERS for text in texts)
    return short and exercise.alternatives <= COMPACT_ALTERNATIVES


def _problems(asked: Sequence[Ask], screen: Screen) -> list[tuple[str, str]]:
    """Errors in the order of the page: the id of the control to jump to, and what to do."""
    texts = {name: text for ask in asked for name, _, text in ask.fields()}
    order = [name for name in texts if name in screen.errors]
    order += [name for name in screen.errors if name not in texts]
    return [
        (f"{name}-1", screen.errors[name] + (f": “{texts[name]}”" if name in texts else ""))
        for name in order
    ]
