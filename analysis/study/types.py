"""The Study: one frozen, typed object that the app and the analysis both read.

The YAML file is this object written down; ``docs/study-definition.md`` explains it for
researchers and ``python -m analysis schema`` prints the JSON Schema for editors.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from functools import cached_property
from typing import Annotated, Any, Literal, Protocol, Self, TypeVar

from pydantic import BeforeValidator, Field, StringConstraints, model_validator

from analysis.study.exercises import ChoiceExercise, Exercise
from analysis.study.fielding import Cell, Quota
from analysis.study.flow import Group, Looped, Placed, flow_of
from analysis.study.mails import Mails
from analysis.study.names import Names, names_of
from analysis.study.pages import Page, PageOrBlock
from analysis.study.quality import QualityPlan
from analysis.study.questions import Asked, Item, Question
from analysis.study.texts import Expression, Id, Part, Text, given_texts, put_first

FORMAT = 1
"""The format of study files this program writes; older formats are upgraded on reading."""

Facet = Literal[
    "functional_value",
    "emotional_value",
    "monetary_cost",
    "non_monetary_cost",
    "satisfaction",
    "cognitive_engagement",
    "emotional_engagement",
    "behavioural_engagement",
]
"""What a construct is a facet of: value (benefits and costs), satisfaction, or engagement."""

BENEFITS: tuple[Facet, ...] = ("functional_value", "emotional_value")
COSTS: tuple[Facet, ...] = ("monetary_cost", "non_monetary_cost")


class Construct(Part):
    """Something that several items measure together."""

    id: Id
    label: Text
    facet: Facet


class Wave(Part):
    """One round of asking."""

    id: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$")]
    label: Text
    starts: date | None = None
    ends: date | None = None


class Band(Part):
    """A range of a score, its label, and the advice that goes with it."""

    low: float
    """Included."""
    high: float
    """Excluded, but for the highest band."""
    label: Text
    advice: Text | None = None


class Computed(Part):
    """A variable computed from answers, for conditions, texts, scores and the analysis."""

    id: Id
    kind: Literal["number", "text", "truth"]
    value: Expression
    label: Text | None = None


class Score(Part):
    """A score of 0 to 100 over constructs, with bands (a self-assessment)."""

    id: Id
    label: Text
    constructs: Annotated[tuple[Id, ...], Field(min_length=1)]
    """All count alike; see ``analysis.study.scoring``."""
    show_to_respondent: bool = False
    """True: respondents who complete the survey see their score, band and advice."""
    bands: Annotated[tuple[Band, ...], Field(min_length=1)]


class Targets(Part):
    """What the study must be able to tell; required before it is published."""

    willingness_to_pay_half_width: Annotated[float, Field(gt=0)] | None = None
    """Half the width of the 95 % interval of a willingness to pay, in the study's currency."""
    smallest_difference: Annotated[float, Field(gt=0)] | None = None
    """The smallest difference between two part-worths that matters (logit units)."""
    power: Annotated[float, Field(gt=0.5, lt=1)] = 0.8
    """Chance of finding the smallest difference where it is there (5 % error, two-sided)."""
    respondents: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    """How many complete respondents are planned."""


class PerceivedValuePlan(Part):
    """Which constructs are benefits and costs, and how they are weighted."""

    benefits: tuple[Id, ...] = ()
    """Empty: all constructs of functional and emotional value."""
    costs: tuple[Id, ...] = ()
    """Empty: all constructs of monetary and non-monetary cost."""
    weights: dict[Id, Annotated[float, Field(ge=0)]] = Field(default_factory=dict)
    """Weight of each construct; empty: equal within benefits and within costs."""


Component = Literal["cognitive", "emotional", "behavioural"]
"""A component of the engagement profile."""


class EngagementPlan(Part):
    """How the components of the engagement profile are put together."""

    weights: dict[Component, Annotated[float, Field(ge=0)]] = Field(default_factory=dict)
    """Weight of each component in the composite; empty: equal. One not named does not count."""


class Weighting(Part):
    """How respondents are weighted, so that they stand for the customers."""

    margins: dict[str, dict[str, Annotated[float, Field(gt=0, le=1)]]] = Field(default_factory=dict)
    """Known shares, by single-choice question or 'language', 'cell', 'wave', of every answer."""
    purchases: bool = False
    """True: linked respondents get the shares of points and of recency of all customers."""


class Plan(Part):
    """The analysis plan, fixed before the answers come in."""

    exercise: Id | None = None
    """The exercise whose part-worths are reported; default: the first choice exercise."""
    estimator: Literal["mnl", "hb"] = "mnl"
    """mnl: one set of part-worths for everybody; hb: everybody's own, by hierarchical Bayes."""
    prior: Literal["sawtooth", "bayesm"] | None = None
    """Of hb; None: sawtooth."""
    recommendation: Id | None = None
    """The NPS question; default: the first question of kind nps."""
    perceived_value: PerceivedValuePlan = PerceivedValuePlan()
    engagement: EngagementPlan = EngagementPlan()
    groups: tuple[str, ...] = ()
    """What the report compares: single-choice questions, 'language' or 'cell' (waves always)."""
    weighting: Weighting | None = None
    outcome_weeks: Annotated[int, Field(ge=1, le=104)] = 13
    """Weeks after the survey in which purchases are the outcome."""
    targets: Targets | None = None
    quality: QualityPlan = QualityPlan()
    equivalent: dict[Id, tuple[Annotated[int, Field(ge=1)], ...]] = Field(default_factory=dict)
    """Questions and exercises (ids) whose answers in earlier versions (numbers) mean the same as
    now, although what was asked reads differently."""


class Ends(Part):
    """What respondents read at the end (Markdown); without a text, the app has its own words."""

    complete: Text | None = None
    screened_out: Text | None = None
    quota_full: Text | None = None
    """Enough people of this kind have answered."""
    closed: Text | None = None
    expired: Text | None = None
    already_answered: Text | None = None
    declined: Text | None = None
    """Consent to take part was refused."""
    withdrawn: Text | None = None
    """The respondent took back the answers."""
    revoked: Text | None = None
    """The link was taken back."""


def _languages(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


class Study(Part):
    """A whole study: what is asked, of which constructs, with which exercises and plan."""

    format: Literal[1] = 1
    study: Id
    title: Text
    languages: Annotated[
        tuple[Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$")], ...],
        BeforeValidator(_languages),
        Field(min_length=1),
    ] = ("en",)
    """The first one is the default; a plain text is in the default language."""
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")] = "USD"
    sponsor: Text | None = None
    minutes: Annotated[int, Field(ge=1, le=120)] | None = None
    """Expected minutes, shown at the start."""
    contact: Text | None = None
    """Whom to ask about the survey; shown at the start and in mails."""
    privacy: Text | None = None
    """What happens with the answers (Markdown); shown at the start and in mails."""
    mails: Mails = Mails()
    simulated: bool = False
    """True: every page and report says that the people are simulated."""
    introduction: Text | None = None
    constructs: tuple[Construct, ...] = ()
    scales: dict[Id, tuple[Text, ...]] = Field(default_factory=dict)
    """Named answer scales: every point labelled, from least to most."""
    outline: Annotated[tuple[PageOrBlock, ...], Field(alias="pages")] = ()
    """Pages, and blocks of pages."""
    computed: tuple[Computed, ...] = ()
    exercises: tuple[Exercise, ...] = ()
    waves: tuple[Wave, ...] = ()
    quotas: tuple[Quota, ...] = ()
    cells: tuple[Cell, ...] = ()
    """Versions that respondents are assigned to at random, for conditions on respondent.cell."""
    scores: tuple[Score, ...] = ()
    ends: Ends = Ends()
    analysis: Plan = Plan()

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Study:
        """A copy; what was derived from the old fields is derived anew.

        ``pages`` in ``update`` are pages and blocks as in the study file.
        """
        named = {"outline" if name == "pages" else name: v for name, v in (update or {}).items()}
        copied = super().model_copy(update=named, deep=deep)
        for name in ("flow", "placed", "pages", "looped", "names", "entries", "varying", "_by_id"):
            copied.__dict__.pop(name, None)
        return copied

    @cached_property
    def flow(self) -> Group:
        """Pages and blocks with the loops written out, as respondents pass them."""
        return flow_of(self.outline)

    @cached_property
    def placed(self) -> tuple[Placed, ...]:
        """All pages with their place in the file."""
        return self.flow.placed()

    @cached_property
    def pages(self) -> tuple[Page, ...]:
        """All pages in the order of the file, those of a loop once for each entry."""
        return tuple(found.page for found in self.placed)

    @cached_property
    def looped(self) -> dict[str, Looped]:
        """Of each question in a loop: the question it stands for, and the entry."""
        return {name: found for place in self.placed for name, found in place.looped.items()}

    @cached_property
    def entries(self) -> dict[tuple[str, str], Text]:
        """The labels of the entries of loops, by (loop, entry)."""
        return {
            (loop.id, member.entry.id): member.entry.label
            for loop in self.flow.groups()
            if loop.loop
            for member in loop.members
            if isinstance(member, Group) and member.entry
        }

    @cached_property
    def names(self) -> Names:
        """What names in expressions stand for."""
        return names_of(self.questions(), self.looped, {c.id: c.value for c in self.computed})

    @cached_property
    def varying(self) -> frozenset[str]:
        """Questions whose options or rows are not the same for all, or stand in random order."""
        return frozenset(q.id for q in self.questions() if q.varies())

    @cached_property
    def _by_id(self) -> dict[str, Question]:
        return {question.id: question for question in reversed(self.questions())}

    @model_validator(mode="after")
    def _speaks_its_default_language(self) -> Self:
        for _, text in given_texts(self, ""):
            put_first(text, self.default_language)
        return self

    @property
    def default_language(self) -> str:
        return self.languages[0]

    @property
    def counted_kinds(self) -> tuple[str, ...]:
        """The kinds of run that count: live ones; in a simulated study bots are respondents."""
        return ("live", "bot") if self.simulated else ("live",)

    @cached_property
    def all_questions(self) -> tuple[Question, ...]:
        """All questions in the order of the pages."""
        return tuple(question for page in self.pages for question in page.questions)

    def questions(self) -> tuple[Question, ...]:
        """All questions in the order of the pages."""
        return self.all_questions

    @cached_property
    def has_pages_of_text(self) -> bool:
        """Whether a page asks nothing."""
        return any(not page.questions and page.exercise is None for page in self.pages)

    def question(self, question_id: str) -> Question:
        """Return a question by id; KeyError when there is none."""
        found = self._by_id.get(question_id)
        return found or _find(self.questions(), question_id, "question")

    def exercise(self, exercise_id: str | None = None) -> Exercise:
        """Return an exercise by id; without one, the exercise that the plan reports."""
        wanted = exercise_id or self.analysis.exercise
        if wanted is None and self.exercises:
            return self.exercises[0]
        return _find(self.exercises, wanted or "", "exercise")

    def choice_exercise(self, exercise_id: str | None = None) -> ChoiceExercise:
        """A choice exercise by id; without one, that of the plan, else the first of its kind.

        TypeError when it is an exercise of another kind.
        """
        wanted = exercise_id or self.analysis.exercise
        first = next((e for e in self.exercises if isinstance(e, ChoiceExercise)), None)
        exercise = first if wanted is None and first else self.exercise(wanted)
        if not isinstance(exercise, ChoiceExercise):
            raise TypeError(f"exercise '{exercise.id}' is of kind '{exercise.kind}', not 'choice'")
        return exercise

    def construct_named(self, construct_id: str) -> Construct:
        """Return a construct by id; KeyError when there is none."""
        return _find(self.constructs, construct_id, "construct")

    def shown_exercises(self) -> tuple[Exercise, ...]:
        """The exercises that are on a page, in the order of the pages."""
        return tuple(self.exercise(page.exercise) for page in self.pages if page.exercise)

    def rehearsed_exercise(self) -> ChoiceExercise | None:
        """The exercise that a rehearsal tries, when choices are shown: that of the plan.

        None when respondents see no choice exercise, or the plan reports another kind.
        """
        if not any(isinstance(e, ChoiceExercise) for e in self.shown_exercises()):
            return None
        try:
            return self.choice_exercise()
        except TypeError:
            return None

    def page(self, page_id: str) -> Page:
        """Return a page by id; KeyError when there is none."""
        return _find(self.pages, page_id, "page")

    def images(self) -> frozenset[str]:
        """The names of all images that options and levels show."""
        options = [o for q in self.questions() for o in getattr(q, "options", ())]
        attributes = [a for e in self.exercises for a in getattr(e, "attributes", ())]
        levels = [level for attribute in attributes for level in attribute.levels]
        return frozenset(part.image for part in (*options, *levels) if part.image)

    def items(self) -> tuple[tuple[Question, Item], ...]:
        """All rated items with their question: Likert and rating questions have one each."""
        return tuple((q, item) for q in self.questions() for item in q.rated_items())

    def items_of(
        self, construct_id: str, asked_as: Asked = "perceived", *, entry: str | None = None
    ) -> list[tuple[str, Item]]:
        """Items (question id, item) that measure a construct, asked as desired or perceived.

        Of items in a loop only those of the own brand; with ``entry``, those in loops that are
        asked of that entry and no others.
        """
        return [
            (question.id, item)
            for question, item in self.items()
            if item.measures == construct_id
            and item.asked_as == asked_as
            and self._is_asked_of(question.id, entry)
        ]

    def _is_asked_of(self, question_id: str, entry: str | None) -> bool:
        found = self.looped.get(question_id)
        if entry is None:
            return found is None or found.own
        return found is not None and found.entry.id == entry

    def scale(self, question: Question) -> tuple[Text, ...]:
        """The labelled points of a Likert or matrix question."""
        scale = getattr(question, "scale", ())
        return self.scales[scale] if isinstance(scale, str) else scale

    def points(self, question: Question) -> tuple[int, int]:
        """Least and greatest value of a rated question."""
        return question.least_and_greatest(len(self.scale(question)))

    def recommendation(self) -> Question | None:
        """The NPS question that the plan reports, or None."""
        if self.analysis.recommendation:
            return self.question(self.analysis.recommendation)
        return next((q for q in self.questions() if q.kind == "nps"), None)


class _HasId(Protocol):
    @property
    def id(self) -> str: ...


Identified = TypeVar("Identified", bound=_HasId)


def _find(parts: Sequence[Identified], wanted: str, noun: str) -> Identified:
    for part in parts:
        if part.id == wanted:
            return part
    raise KeyError(f"no {noun} '{wanted}'; known: {', '.join(p.id for p in parts) or 'none'}")
