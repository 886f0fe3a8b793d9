"""The Study: one frozen, typed object that the app and the analysis both read.

The YAML file is this object written down; ``docs/study-definition.md`` explains it for
researchers and ``python -m analysis schema`` prints the JSON Schema for editors.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any, Literal, Protocol, TypeVar

from pydantic import BeforeValidator, Field, StringConstraints

from analysis.study.exercises import ChoiceExercise, Exercise
from analysis.study.fielding import Cell, Quota
from analysis.study.quality import QualityPlan
from analysis.study.questions import Asked, Item, Question
from analysis.study.texts import Id, Part, Text

FORMAT = 1
"""The format of study files this program writes; older formats are upgraded on reading."""

Expression = Annotated[str, StringConstraints(min_length=1, max_length=1000)]


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


class Page(Part):
    """One page: either questions, or the tasks of one exercise (one task a page)."""

    id: Id
    title: Text | None = None
    text: Text | None = None
    """Markdown shown above the questions."""
    show_if: Expression | None = None
    screen_out_if: Expression | None = None
    """After this page, end the survey for respondents for whom this is true."""
    quality_out_if: Expression | None = None
    """The same for respondents who failed an attention check."""
    questions: tuple[Question, ...] = ()
    exercise: Id | None = None


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


class Score(Part):
    """A score of 0 to 100 over constructs, with bands (a self-assessment)."""

    id: Id
    label: Text
    constructs: Annotated[tuple[Id, ...], Field(min_length=1)]
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
    groups: tuple[str, ...] = ()
    """What the report compares: single-choice questions, 'language' or 'cell' (waves always)."""
    outcome_weeks: Annotated[int, Field(ge=1, le=104)] = 13
    """Weeks after the survey in which purchases are the outcome."""
    targets: Targets | None = None
    quality: QualityPlan = QualityPlan()
    equivalent: dict[Id, tuple[Annotated[int, Field(ge=1)], ...]] = Field(default_factory=dict)
    """Questions and exercises (ids) whose answers in earlier versions (numbers) mean the same as
    now, although what was asked reads differently."""


class Ends(Part):
    """What respondents read at the end (Markdown)."""

    complete: Text | None = None
    screened_out: Text | None = None
    quota_full: Text | None = None
    declined: Text | None = None


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
    simulated: bool = False
    """True: every page and report says that the people are simulated."""
    introduction: Text | None = None
    constructs: tuple[Construct, ...] = ()
    scales: dict[Id, tuple[Text, ...]] = Field(default_factory=dict)
    """Named answer scales: every point labelled, from least to most."""
    pages: tuple[Page, ...] = ()
    exercises: tuple[Exercise, ...] = ()
    waves: tuple[Wave, ...] = ()
    quotas: tuple[Quota, ...] = ()
    cells: tuple[Cell, ...] = ()
    """Versions that respondents are assigned to at random, for conditions on respondent.cell."""
    scores: tuple[Score, ...] = ()
    ends: Ends = Ends()
    analysis: Plan = Plan()

    @property
    def default_language(self) -> str:
        return self.languages[0]

    @property
    def counted_kinds(self) -> tuple[str, ...]:
        """The kinds of run that count: live ones; in a simulated study bots are respondents."""
        return ("live", "bot") if self.simulated else ("live",)

    def questions(self) -> tuple[Question, ...]:
        """All questions in the order of the pages."""
        return tuple(question for page in self.pages for question in page.questions)

    def question(self, question_id: str) -> Question:
        """Return a question by id; KeyError when there is none."""
        return _find(self.questions(), question_id, "question")

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

    def items_of(self, construct_id: str, asked_as: Asked = "perceived") -> list[tuple[str, Item]]:
        """Items (question id, item) that measure a construct, asked as desired or perceived."""
        return [
            (question.id, item)
            for question, item in self.items()
            if item.measures == construct_id and item.asked_as == asked_as
        ]

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
