"""Bots: they walk through the real pages as a respondent would, reading what is drawn.

The demo fields its study with them, and tests use them to try a study from end to end.
"""

from __future__ import annotations

import html
import math
import multiprocessing
import random
import re
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from flask import Flask
from werkzeug.test import Client, TestResponse

from analysis.study import ChoiceExercise, Study, dump_study, parse_study
from analysis.study.exercises import BestWorstExercise, Exercise, RatingsExercise
from analysis.study.questions import (
    ConstantSum,
    Date,
    MultipleChoice,
    Number,
    Question,
    Ranking,
    SingleChoice,
)
from surveyapp import clock, create_app
from surveyapp.questions.tasks import BEST, BOUGHT, CHOICE, RATING, WORST
from surveyapp.respond.draw import level_text
from surveyapp.settings import Settings

MOST_PAGES = 1000
SECONDS_A_PAGE = timedelta(seconds=14)
CHUNK = 5
TRIES = 40
"""How often a page is answered anew when its checks refuse what a random persona entered."""

_INPUT = re.compile(r"<(input|textarea|select)\b([^>]*)>")
_ATTRIBUTE = re.compile(r'([a-z-]+)="([^"]*)"')
_STEP = re.compile(r"/a/[^/]+/([^/.]+)")
_FORM = re.compile(r"<form\b([^>]*)>")
_CARD = re.compile(r'<dl id="levels-(\d+)">(.*?)</dl>', re.S)
_ITEM = re.compile(r'<th scope="row" class="item">(.*?)</th>', re.S)
_LEVEL = re.compile(r"<dt>(.*?)</dt>\s*<dd>(?:<img[^>]*>)?<bdi>(.*?)</bdi>", re.S)


class BotStuck(AssertionError):
    """A page that the bot could not get past; the message says which, and what it said."""


class Persona(Protocol):
    """Whoever answers through a bot."""

    def answer(self, question: Question, item: str) -> str | None:
        """The value for an item as it is stored; None: no answer."""

    def choose(self, exercise: ChoiceExercise, alternatives: Sequence[Mapping[str, str]]) -> int:
        """The number of the chosen alternative (from 1); one more than there are: none."""

    def buys(self, exercise: ChoiceExercise, alternatives: Sequence[Mapping[str, str]]) -> bool:
        """Whether the alternative chosen out of these would be bought (a dual-response none)."""

    def best_and_worst(self, exercise: BestWorstExercise, items: Sequence[str]) -> tuple[int, int]:
        """The numbers of the best and the worst item of a set (from 1)."""

    def rate(self, exercise: RatingsExercise, levels: Mapping[str, str]) -> int:
        """The rating of a profile."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """What a page offers.

    Attributes
    ----------
    action
        Where its form is sent; empty when there is no form.
    hidden
        Hidden fields with their values.
    offered
        Field name to the values of its radios and ticks; an empty list for a field to type into.
    cards
        The labels of attributes and levels of each alternative.
    items
        The labels of a best-worst set.
    """

    action: str
    hidden: dict[str, str]
    offered: dict[str, list[str]]
    cards: tuple[dict[str, str], ...]
    items: tuple[str, ...] = ()


def read_page(page: str) -> Drawn:
    """Read the form of a page."""
    found = _FORM.search(page)
    hidden: dict[str, str] = {}
    offered: dict[str, list[str]] = {}
    for match in _INPUT.finditer(page):
        given = {name: html.unescape(value) for name, value in _ATTRIBUTE.findall(match[2])}
        name, kind = given.get("name", ""), given.get("type", "text")
        if kind == "hidden":
            hidden[name] = given.get("value", "")
        elif kind in ("radio", "checkbox"):
            offered.setdefault(name, []).append(given.get("value", ""))
        elif name:
            offered.setdefault(name, [])
    cards = tuple(
        {html.unescape(a).strip(): html.unescape(v).strip() for a, v in _LEVEL.findall(body)}
        for _, body in _CARD.findall(page)
    )
    action = dict(_ATTRIBUTE.findall(found[1])).get("action", "") if found else ""
    items = tuple(html.unescape(text).strip() for text in _ITEM.findall(page))
    return Drawn(html.unescape(action), hidden, offered, cards, items)


def walk(
    client: Client,
    path: str,
    study: Study,
    persona: Persona,
    *,
    most: int | None = None,
    at: datetime | None = None,
) -> int:
    """Answer a survey in its default language; returns how many pages were sent.

    Parameters
    ----------
    client
        A client with cookies: the test client of the app.
    path
        The address of an open or a personal link.
    most
        Leave after so many steps; None: go on to the end.
    at
        The time at which the persona answers; None: now.

    Raises
    ------
    BotStuck
        When a page is refused, or the survey does not end.
    """
    with clock.set_to(at) if at else nullcontext():
        page = _opened(client, path)
    for sent in range(MOST_PAGES):
        drawn = read_page(page)
        if not drawn.action or (most is not None and sent > most):
            return sent
        moment = clock.set_to(at + SECONDS_A_PAGE * sent) if at else nullcontext()
        with moment:
            page = _opened(client, _sent(client, drawn, study, persona))
    raise BotStuck(f"{path}: no end after {MOST_PAGES} pages")


def _sent(client: Client, drawn: Drawn, study: Study, persona: Persona) -> str:
    """Send a page, and again with other answers where the study's checks refuse them."""
    for _ in range(TRIES):
        form = fill(drawn, study, persona)
        reply = client.post(drawn.action, data={**drawn.hidden, **form})
        if reply.status_code == 303:
            return str(reply.headers["Location"])
        if reply.status_code != 422:
            break
    said = _said(reply)
    raise BotStuck(f"{drawn.action}: sent {form}, got {reply.status_code}\n{said}")


@dataclass(frozen=True, slots=True)
class Visit:
    """One persona at one address, at a time."""

    path: str
    persona: Persona
    most: int | None = None
    at: datetime | None = None


def walk_all(
    settings: Settings, study: Study, visits: Sequence[Visit], *, processes: int
) -> Iterator[int]:
    """Let many personas answer, in several processes; yields how many are done so far."""
    chunks = [list(visits[n : n + CHUNK]) for n in range(0, len(visits), CHUNK)]
    done = 0
    with ProcessPoolExecutor(
        min(processes, max(len(chunks), 1)),
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_start,
        initargs=(settings, dump_study(study)),
    ) as pool:
        for walked in as_completed([pool.submit(_walk_chunk, chunk) for chunk in chunks]):
            done += walked.result()
            yield done


_started: list[tuple[Flask, Study]] = []


def _start(settings: Settings, definition: str) -> None:
    _started[:] = [(create_app(settings), parse_study(definition))]


def _walk_chunk(visits: list[Visit]) -> int:
    app, study = _started[0]
    for visit in visits:
        client = app.test_client()
        walk(client, visit.path, study, visit.persona, most=visit.most, at=visit.at)
    return len(visits)


def fill(drawn: Drawn, study: Study, persona: Persona) -> dict[str, list[str]]:
    """What a persona enters into the form of a page."""
    step = _STEP.search(drawn.action)
    exercise = study.page(step[1]).exercise if step else None
    if exercise:
        return _task(drawn, study, study.exercise(exercise), persona)
    form: dict[str, list[str]] = {}
    for name, values in drawn.offered.items():
        question_id, _, item = name.partition(".")
        if not item.startswith("~"):
            question = _as_drawn(study.question(question_id), drawn)
            form[name] = _entered(question, item, values, persona)
    return {name: given for name, given in form.items() if given}


def _as_drawn(question: Question, drawn: Drawn) -> Question:
    """The question with the options that its page shows, in their order."""
    if isinstance(question, SingleChoice | MultipleChoice):
        shown = drawn.offered[question.id]
    elif isinstance(question, Ranking | ConstantSum):
        shown = [n.partition(".")[2] for n in drawn.offered if n.startswith(f"{question.id}.")]
    else:
        return question
    options = {option.id: option for option in question.options}
    found = tuple(options[name] for name in shown if name in options)
    return question.model_copy(update={"options": found})


def _entered(question: Question, item: str, offered: Sequence[str], persona: Persona) -> list[str]:
    if isinstance(question, MultipleChoice):
        return [value for value in offered if persona.answer(question, value) == "1"]
    given = persona.answer(question, item)
    if given is None:
        return [value for value in offered if value.startswith("~")][:1]
    return [given]


def _task(drawn: Drawn, study: Study, exercise: Exercise, persona: Persona) -> dict[str, list[str]]:
    """What a persona answers to a task: places on the page become the values of their radios."""
    if isinstance(exercise, BestWorstExercise):
        said = {item.label.say(study.default_language).strip(): item.id for item in exercise.items}
        best, worst = persona.best_and_worst(exercise, [said[text] for text in drawn.items])
        places = {BEST: best, WORST: worst}
        return {name: [drawn.offered[name][place - 1]] for name, place in places.items()}
    shown = [_levels(exercise, card, study) for card in drawn.cards]
    if isinstance(exercise, RatingsExercise):
        return {RATING: [str(persona.rate(exercise, shown[0]))]}
    form = {CHOICE: [drawn.offered[CHOICE][persona.choose(exercise, shown) - 1]]}
    if exercise.is_dual:
        form[BOUGHT] = [str(int(persona.buys(exercise, shown)))]
    return form


def _levels(
    exercise: ChoiceExercise | RatingsExercise, card: Mapping[str, str], study: Study
) -> dict[str, str]:
    """The level ids of a card, found by their labels."""
    language = study.default_language
    labels = {a.label.say(language).strip(): a for a in exercise.attributes}
    found = {}
    for label, said in card.items():
        attribute = labels[label]
        texts = ((level_text(study, attribute, v.id, language), v.id) for v in attribute.levels)
        levels = {str(text).strip(): level for text, level in texts}
        found[attribute.id] = levels[said]
    return found


def _opened(client: Client, path: str) -> str:
    reply = client.get(path)
    for _ in range(5):
        if reply.status_code not in (302, 303):
            break
        reply = client.get(reply.headers["Location"])
    if reply.status_code != 200:
        raise BotStuck(f"{path}: {reply.status_code}\n{_said(reply)}")
    return str(reply.text)


def _said(reply: TestResponse) -> str:
    text = reply.text.partition("<body>")[2]
    return html.unescape(re.sub(r"(<[^>]+>|\s)+", " ", text)).strip()[:500]


class AnyPersona:
    """Gives any accepted answer: consents, and is otherwise random."""

    def __init__(self, study: Study, seed: int) -> None:
        self._study = study
        self._draw = random.Random(seed)  # noqa: S311 - no secret
        self._chosen: dict[str, frozenset[str]] = {}

    def answer(self, question: Question, item: str) -> str | None:
        """An accepted value."""
        if question.kind == "consent":
            return "yes"
        if isinstance(question, MultipleChoice):
            return "1" if item in self._several(question, item) else "0"
        if question.kind == "single_choice":
            return self._draw.choice(question.options).id
        if isinstance(question, Number):
            least = question.least if question.least is not None else (question.greatest or 9) - 9
            greatest = question.greatest if question.greatest is not None else least + 9
            number = self._draw.uniform(least, greatest)
            inside = math.ceil(least) <= math.floor(number)
            return f"{math.floor(number) if inside else least:g}"
        if isinstance(question, Ranking):
            place = question.storable().index(item) + 1
            return str(place if place <= question.places else 0)
        if isinstance(question, ConstantSum):
            if item == question.options[0].id:
                self._chosen[question.id] = frozenset({self._draw.choice(question.options).id})
            return str(question.total if item in self._chosen[question.id] else 0)
        if isinstance(question, Date):
            day = question.earliest or question.latest
            return day.isoformat() if day else "2020-02-29"
        if question.kind in ("short_text", "long_text"):
            return "A word"
        low, high = self._study.points(question)
        return str(self._draw.randint(low, high))

    def _several(self, question: MultipleChoice, item: str) -> frozenset[str]:
        """Options chosen together, drawn at the first: as many as must be, or all but one."""
        if item == question.options[0].id:
            plain = [option.id for option in question.options if not option.exclusive]
            least = max(question.least, 1)
            least = min(least, len(plain))
            most = max(min(question.most or len(plain), len(plain) - 1), least)
            count = self._draw.randint(least, most)
            found = self._draw.sample(plain, count) or [question.options[0].id]
            self._chosen[question.id] = frozenset(found)
        return self._chosen[question.id]

    def choose(self, exercise: ChoiceExercise, alternatives: Sequence[Mapping[str, str]]) -> int:
        """Any alternative, or none where that is offered."""
        return self._draw.randint(1, exercise.offered)

    def buys(self, exercise: ChoiceExercise, alternatives: Sequence[Mapping[str, str]]) -> bool:
        """As often as not."""
        return self._draw.random() < 0.5

    def best_and_worst(self, exercise: BestWorstExercise, items: Sequence[str]) -> tuple[int, int]:
        """Any two items."""
        best, worst = self._draw.sample(range(1, len(items) + 1), 2)
        return best, worst

    def rate(self, exercise: RatingsExercise, levels: Mapping[str, str]) -> int:
        """Any rating."""
        return self._draw.randint(exercise.least, exercise.greatest)
