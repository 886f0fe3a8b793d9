"""Exercises: attributes, levels and the tasks in which respondents choose."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from analysis.study.designs import DesignPlan, FixedTask, Prior, PriorName, as_id
from analysis.study.texts import Id, ImageName, LevelId, Part, Text, shipped

Tag = Literal["functional", "emotional", "price"]


class Level(Part):
    """One level of an attribute. A bare number N is short for id 'N', label 'N', number N."""

    id: LevelId
    label: Text
    help: Text | None = None
    """What the level means, shown small below it."""
    image: ImageName | None = None
    """Shown above the label, which says the same in words."""
    number: float | None = None
    """The value of the level on a linear attribute (a price, a length)."""

    @model_validator(mode="before")
    @classmethod
    def _from_number(cls, value: Any) -> Any:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return value
        return {"id": f"{value:g}", "label": f"{value:g}", "number": float(value)}


class Range(Part):
    """Least and greatest value of a linear attribute in imported choices."""

    least: float
    greatest: float


class Attribute(Part):
    """Something that varies between alternatives, tagged by the kind of value it carries."""

    id: Id
    label: Text
    tag: Tag = "functional"
    contestable: bool = False
    """True: the tag could be argued about; reports then show how results depend on it."""
    measured_by: Id | None = None
    """The construct whose items ask about the same thing: choices, answers and purchases are then
    compared on it."""
    coding: Literal["effects", "linear", "piecewise"] = "effects"
    knots: tuple[float, ...] = ()
    """Where the slope of a piecewise attribute may change, inside its tested range."""
    levels: tuple[Level, ...] = ()
    range: Range | None = None
    unit: Text | None = None
    shown_as: Literal["label", "number", "money"] = "label"
    """number, money: levels are shown as their number, written as respondents write numbers; money
    in the study's currency."""
    preference: Literal["increasing", "decreasing"] | None = None
    """The order in which everybody is expected to prefer the levels, as they are listed."""

    @property
    def pieces(self) -> tuple[str, ...]:
        """Names of the pieces of a piecewise attribute: their ends ('1-2'); ValueError without."""
        if self.range:
            ends = [self.range.least, self.range.greatest]
        else:
            numbers = [level.number for level in self.levels if level.number is not None]
            ends = [min(numbers), max(numbers)]
        edges = [ends[0], *self.knots, ends[1]]
        return tuple(f"{low:g}-{high:g}" for low, high in pairwise(edges))

    def level(self, level_id: str) -> Level:
        """Return a level by id; KeyError when there is none."""
        for level in self.levels:
            if level.id == level_id:
                return level
        raise KeyError(f"attribute '{self.id}' has no level '{level_id}'")


class NoneOption(Part):
    """The alternative of not choosing any."""

    label: Text = shipped(
        "None of these: I would not buy any today",
        "Nichts davon: Heute würde ich keines kaufen",
        "Aucun : je n’achèterais rien aujourd’hui",
        "Ninguno: hoy no compraría ninguno",
        "لا شيء منها: لن أشتري أيًّا منها اليوم",
    )
    """Of the alternative; with a dual response, of the answer no."""
    response: Literal["single", "dual"] = "single"
    """single: offered among the alternatives; dual: asked after a forced choice."""
    question: Text = shipped(
        "Would you buy the one you chose?",
        "Würden Sie das Gewählte kaufen?",
        "Achèteriez-vous celui que vous avez choisi ?",
        "¿Compraría el que ha elegido?",
        "هل ستشتري ما اخترته؟",
    )
    """The second question of a dual response."""
    yes_label: Text = shipped(
        "Yes, I would buy it",
        "Ja, ich würde es kaufen",
        "Oui, je l’achèterais",
        "Sí, lo compraría",
        "نعم، سأشتريه",
    )


def _as_lists(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return {k: v if isinstance(v, list | tuple) else [v] for k, v in value.items()}


Prohibition = Annotated[
    dict[Id, tuple[Annotated[LevelId, BeforeValidator(as_id)], ...]], BeforeValidator(_as_lists)
]
"""Levels of two or more attributes that may not occur together in one alternative."""


Order = Literal["fixed", "random"]
"""fixed: as in the study or the design; random: shuffled, by the seed of the respondent."""


class ExerciseBase(Part):
    id: Id
    question: Text
    help: Text | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """What says what is shown: the attributes, or the item."""
        return tuple(attribute.id for attribute in getattr(self, "attributes", ()))


class ChoiceExercise(ExerciseBase):
    """Choice-based conjoint: the respondent chooses one alternative per task."""

    kind: Literal["choice"] = "choice"
    attributes: Annotated[tuple[Attribute, ...], Field(min_length=1, max_length=30)]
    alternatives: Annotated[int, Field(ge=2, le=10)] = 3
    """Alternatives a task, without the none option."""
    tasks: Annotated[int, Field(ge=1, le=50)] = 10
    """Tasks used for estimation; holdouts come on top."""
    holdouts: Annotated[int, Field(ge=0, le=10)] = 0
    """Fixed tasks, the same for everybody, kept out of the estimation."""
    none: NoneOption | None = None
    prohibitions: tuple[Prohibition, ...] = ()
    interactions: tuple[Annotated[tuple[Id, ...], Field(min_length=2, max_length=2)], ...] = ()
    """Pairs of attributes whose levels are worth more or less together."""
    labelled_by: Id | None = None
    """The attribute whose levels name the alternatives, each at most once in a task (a brand)."""
    fixed_tasks: tuple[FixedTask, ...] = ()
    """Tasks given by the researcher; they count among ``tasks`` and ``holdouts``."""
    priors: dict[PriorName, Prior] = Field(default_factory=dict)
    """Expected part-worths by attribute, 'none' or 'first:second'; those not stated are 0."""
    attribute_order: Order = "fixed"
    """random: another order for each respondent, the same in all tasks."""
    alternative_order: Order = "fixed"
    """random: another order in each task of each respondent."""
    design: DesignPlan = DesignPlan()

    @property
    def shown(self) -> int:
        """How many tasks a respondent is shown, holdouts included."""
        return self.tasks + self.holdouts

    @property
    def by_construct(self) -> dict[str, tuple[str, ...]]:
        """The attributes of every construct that some belong to, in the order of attributes."""
        found: dict[str, tuple[str, ...]] = {}
        for attribute in self.attributes:
            if attribute.measured_by:
                before = found.get(attribute.measured_by, ())
                found[attribute.measured_by] = (*before, attribute.id)
        return found

    @property
    def is_dual(self) -> bool:
        """Whether none is asked in a second question, after a forced choice."""
        return self.none is not None and self.none.response == "dual"

    @property
    def offered(self) -> int:
        """How many answers the (first) question of a task has."""
        return self.alternatives + (self.none is not None and not self.is_dual)

    @property
    def price(self) -> Attribute | None:
        """The attribute tagged as price, or None."""
        return next((a for a in self.attributes if a.tag == "price"), None)

    def attribute(self, attribute_id: str) -> Attribute:
        """Return an attribute by id; KeyError when there is none."""
        for attribute in self.attributes:
            if attribute.id == attribute_id:
                return attribute
        raise KeyError(f"exercise '{self.id}' has no attribute '{attribute_id}'")


class RatingsExercise(ExerciseBase):
    """Ratings-based conjoint: profiles are rated one by one."""

    kind: Literal["ratings"]
    attributes: Annotated[tuple[Attribute, ...], Field(min_length=1, max_length=30)]
    profiles: Annotated[int, Field(ge=2, le=60)] = 16
    """Profiles that each respondent rates."""
    least: int = 1
    greatest: int = 10
    low_label: Text = shipped(
        "Not at all attractive",
        "Überhaupt nicht attraktiv",
        "Pas du tout attrayant",
        "Nada atractivo",
        "غير جذّاب إطلاقًا",
    )
    high_label: Text = shipped(
        "Extremely attractive",
        "Äußerst attraktiv",
        "Extrêmement attrayant",
        "Sumamente atractivo",
        "جذّاب للغاية",
    )
    attribute_order: Order = "fixed"
    """random: another order for each respondent, the same for all profiles."""
    design: DesignPlan = DesignPlan()

    @property
    def shown(self) -> int:
        """How many profiles a respondent rates."""
        return self.profiles


class BestWorstItem(Part):
    """One object of a best-worst exercise."""

    id: Id
    label: Text
    tag: Tag = "functional"


class BestWorstExercise(ExerciseBase):
    """Best-worst scaling (MaxDiff): the best and the worst of each set are named."""

    kind: Literal["best_worst"]
    items: Annotated[tuple[BestWorstItem, ...], Field(min_length=3, max_length=100)]
    set_size: Annotated[int, Field(ge=3, le=8)] = 4
    sets: Annotated[int, Field(ge=1, le=50)] = 10
    """Sets that each respondent sees."""
    best_label: Text = shipped("Best", "Am besten", "Le meilleur", "Lo mejor", "الأفضل")
    worst_label: Text = shipped("Worst", "Am schlechtesten", "Le pire", "Lo peor", "الأسوأ")
    design: DesignPlan = DesignPlan()

    @property
    def shown(self) -> int:
        """How many sets a respondent sees."""
        return self.sets

    @property
    def columns(self) -> tuple[str, ...]:
        """The item."""
        return ("item",)

    def item(self, item_id: str) -> BestWorstItem:
        """Return an item by id; KeyError when there is none."""
        for item in self.items:
            if item.id == item_id:
                return item
        raise KeyError(f"exercise '{self.id}' has no item '{item_id}'")


def _kind(value: Any) -> Any:
    return {"kind": "choice", **value} if isinstance(value, dict) else value


Exercise = Annotated[
    Annotated[ChoiceExercise | RatingsExercise | BestWorstExercise, Field(discriminator="kind")],
    BeforeValidator(_kind),
]
