"""A pastry shop whose truth is known: what customers value, and how that moves their buying.

Every number of a respondent follows from the seed and the respondent, never from the order of
asking, so that bots on real pages and tests without a web server get the same answers.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from analysis.study import ChoiceExercise, Study
from analysis.study.questions import Item, Question
from analysis.synthetic.assortment import AssortmentTruth, Tastes, availability, choose_buns
from analysis.synthetic.buying import (
    BuyingTruth,
    Habits,
    draw_habits,
    draw_purchases,
    sale_weeks,
)
from analysis.synthetic.company import Company
from analysis.synthetic.generic import AnyTasks
from analysis.synthetic.rivals import RivalTruth
from analysis.synthetic.taking_part import TakingPartTruth, draw_events, draw_loyalty

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ChoiceTruth:
    """Part-worths against the first level of each attribute: mean and spread over people."""

    levels: Mapping[tuple[str, str], tuple[float, float]] = field(
        default_factory=lambda: {
            ("pineapple", "cream"): (0.25, 0.5),
            ("pineapple", "cream_top"): (1.45, 0.8),
            ("look", "decorated"): (0.75, 0.6),
            ("freshness", "morning"): (1.0, 0.5),
            ("packaging", "box"): (0.3, 0.6),
        }
    )
    price: tuple[float, float] = (-5.0, 1.2)
    """Per unit of currency."""
    price_centre: float = 1.125
    none: tuple[float, float] = (0.6, 1.0)
    """Utility of buying none, against the first levels at the central price."""


@dataclass(frozen=True, slots=True)
class RatingTruth:
    """Latent scores of 0 to 100: by construct mean, loading on liking; spread of people, items."""

    perceived: Mapping[str, tuple[float, float]] = field(
        default_factory=lambda: {
            "quality": (71.0, 12.0),
            "pleasure": (67.0, 14.0),
            "price_burden": (44.0, -11.0),
            "effort": (36.0, -9.0),
            "satisfaction": (70.0, 14.0),
            "attention": (50.0, 10.0),
            "enthusiasm": (55.0, 15.0),
            "involvement": (40.0, 11.0),
        }
    )
    desired: Mapping[str, float] = field(
        default_factory=lambda: {"quality": 80.0, "pleasure": 58.0}
    )
    own: float = 12.0
    """Spread of a construct beside liking."""
    item: float = 13.0
    """Spread of the answers to one item."""
    recommend: tuple[float, float, float] = (7.9, 1.4, 0.9)
    """Mean, loading on liking and spread of the 0 to 10 answer."""


@dataclass(frozen=True, slots=True)
class PastryTruth:
    """All that is planted."""

    choices: ChoiceTruth = ChoiceTruth()
    ratings: RatingTruth = RatingTruth()
    buying: BuyingTruth = field(default_factory=BuyingTruth)
    taking_part: TakingPartTruth = field(default_factory=TakingPartTruth)
    rivals: RivalTruth = field(default_factory=RivalTruth)
    assortment: AssortmentTruth = field(default_factory=AssortmentTruth)
    relation: float = 0.08
    """Log ratio of the later purchase rate per 10 points of perceived value as answered."""
    no_linking: float = 0.15
    no_part: float = 0.02
    stops: float = 0.06
    decliners: tuple[str, ...] = ()
    sale_only: tuple[str, ...] = ()
    new: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class PastryRespondent(AnyTasks):
    """One simulated customer who answers; see ``SyntheticRespondent``."""

    customer: str
    answered_on: datetime
    stops_after: int | None
    study: Study
    truth: PastryTruth
    seed: int
    liking: float
    """Standard normal over people."""
    worths: Mapping[tuple[str, str], float]
    price: float
    none: float

    def answer(self, question: Question, item: str) -> str | None:
        """The value as stored; None: no answer."""
        draw = self._draw(question.id, item)
        if question.kind == "consent":
            refuses = {"linking": self.truth.no_linking, "participation": self.truth.no_part}
            return "no" if draw.random() < refuses[question.purpose] else "yes"
        if question.kind == "nps":
            mean, loading, spread = self.truth.ratings.recommend
            return _whole(mean + loading * self.liking + draw.gauss(0, spread), 0, 10)
        rated = next((r for r in question.rated_items() if r.id == item), None)
        if rated is not None:
            low, high = self.study.points(question)
            share = self._felt(question, rated, draw) / 100
            return _whole(low + share * (high - low), low, high)
        return self._other(question, item, draw)

    def choose(self, exercise: ChoiceExercise, alternatives: Sequence[Mapping[str, str]]) -> int:
        """The alternative of the highest random utility (Gumbel errors)."""
        return int(np.argmax(self._noisy(exercise, alternatives)[: exercise.offered])) + 1

    def buys(self, exercise: ChoiceExercise, alternatives: Sequence[Mapping[str, str]]) -> bool:
        """Whether the best alternative beats buying none, with the errors of the choice."""
        noisy = self._noisy(exercise, alternatives)
        return bool(max(noisy[:-1]) > noisy[-1])

    def _noisy(
        self, exercise: ChoiceExercise, alternatives: Sequence[Mapping[str, str]]
    ) -> list[float]:
        """Utilities with Gumbel errors: of the alternatives, then of none where there is one."""
        shown = [self.utility(exercise, levels) for levels in alternatives]
        if exercise.none is not None:
            shown.append(self.none)
        draw = self._draw(exercise.id, repr([sorted(a.items()) for a in alternatives]))
        return [float(utility - np.log(draw.expovariate(1.0))) for utility in shown]

    def utility(self, exercise: ChoiceExercise, levels: Mapping[str, str]) -> float:
        """Utility of one alternative to this person."""
        total = 0.0
        for attribute, level in levels.items():
            number = exercise.attribute(attribute).level(level).number
            if attribute == "price" and number is not None:
                total += self.price * (number - self.truth.choices.price_centre)
            total += self.worths.get((attribute, level), 0.0)
        return total

    def _felt(self, question: Question, item: Item, draw: random.Random) -> float:
        """The latent answer to an item, about the own shop or a rival."""
        looped = self.study.looped.get(question.id)
        if looped is None or looped.own:
            return self._rating(item, draw)
        construct = item.measures or ""
        loading = self.truth.ratings.perceived.get(construct, (0.0, 0.0))[1]
        return self.truth.rivals.rating(
            looped.entry.id,
            item,
            loaded=loading * self.liking,
            of_person=self._draw("construct", construct, looped.entry.id),
            draw=draw,
        )

    def _rating(self, item: Item, draw: random.Random) -> float:
        truth, construct = self.truth.ratings, item.measures or ""
        mean, loading = truth.perceived.get(construct, (55.0, 8.0))
        own = self._draw("construct", construct).gauss(0, truth.own)
        latent = mean + loading * self.liking + own
        if item.asked_as == "desired":
            latent = truth.desired.get(construct, mean + 5) + 0.5 * (latent - mean)
        latent += draw.gauss(0, truth.item)
        return 100 - latent if item.reversed else latent

    def _other(self, question: Question, item: str, draw: random.Random) -> str | None:
        if question.kind == "single_choice":
            return draw.choice(question.options).id
        if question.kind == "multiple_choice":
            if any(option.id == item and option.exclusive for option in question.options):
                return "0"
            share = self.truth.rivals.known.get(item, 0.3)
            return "1" if item == question.options[0].id or draw.random() < share else "0"
        if question.id == "birth_year":
            return None if draw.random() < 0.1 else str(draw.randint(1945, 2006))
        if question.kind == "long_text" and draw.random() < 0.5:
            return draw.choice(("The queue in the morning.", "Sold out too early.", "Too sweet."))
        return None

    def _draw(self, *about: str) -> random.Random:
        return random.Random(f"{self.seed}/{self.customer}/{'/'.join(about)}")  # noqa: S311


def pastry_company(
    study: Study, *, seed: int, today: date, buyers: int = 2000, respondents: int = 400
) -> Company:
    """A pastry shop with ``buyers`` customers, 78 weeks of purchases, and some who answer.

    They answer in the two weeks that end 13 weeks before ``today``, so that later purchases are
    known. Purchases after the answer depend on the perceived value as answered (``relation``).

    Parameters
    ----------
    study
        The study they will be asked (examples/pastry): the perceived value that moves their
        later purchases is scored by its plan.
    """
    rng = np.random.default_rng(seed)
    truth = PastryTruth()
    habits = draw_habits(truth.buying, buyers, rng)
    answering = today - timedelta(weeks=truth.buying.outcome_weeks)
    asked = _respondents(study, truth, habits, answering, respondents, seed, rng)
    lift = np.ones(buyers)
    for place, person in asked:
        lift[place] = np.exp(truth.relation * (value_as_answered(study, person) - 28.0) / 10)
    sales = sale_weeks(truth.buying)
    purchases = choose_buns(
        truth.assortment,
        draw_purchases(truth.buying, habits, lift, today, rng),
        _tastes(truth.choices, habits, asked, np.random.default_rng([seed, 92])),
        sales=sales,
        today=today,
        rng=np.random.default_rng([seed, 93]),
    )
    planted = PastryTruth(
        decliners=habits.named(habits.declining),
        sale_only=habits.named(habits.sale_only),
        new=habits.named(habits.first_week > 0),
    )
    apart = np.random.default_rng([seed, 91])
    liking = apart.normal(size=buyers)
    liking[[place for place, _ in asked]] = [person.liking for _, person in asked]
    part = truth.taking_part
    return Company(
        purchases,
        tuple(person for _, person in asked),
        planted,
        today,
        events=draw_events(part, habits.names, liking, today=today, rng=apart),
        loyalty=draw_loyalty(part, purchases, rng=apart),
        availability=availability(truth.assortment, sales, today),
    )


def draw_part_worths(truth: ChoiceTruth, n: int, rng: np.random.Generator) -> dict[str, Floats]:
    """Individual part-worths (n,) by '<attribute>.<level>', with 'price' and 'none'."""
    drawn = {f"{a}.{v}": rng.normal(*where, size=n) for (a, v), where in truth.levels.items()}
    drawn["price"] = rng.normal(*truth.price, size=n)
    drawn["none"] = rng.normal(*truth.none, size=n)
    return drawn


def _tastes(
    truth: ChoiceTruth,
    habits: Habits,
    asked: Sequence[tuple[int, PastryRespondent]],
    rng: np.random.Generator,
) -> Tastes:
    """What everybody's buns are worth to them: of those who are asked, the same as in the tasks."""
    worths = draw_part_worths(truth, len(habits.names), rng)
    for place, person in asked:
        worths["price"][place] = person.price
        for (attribute, level), worth in person.worths.items():
            worths[f"{attribute}.{level}"][place] = worth
    return Tastes(habits.names, worths, truth.price_centre)


def value_as_answered(study: Study, person: PastryRespondent) -> float:
    """Perceived value (benefits minus costs, points of 100) as this person's answers score."""
    plan = study.analysis.perceived_value
    benefits = np.mean([_score(study, person, name) for name in plan.benefits])
    costs = np.mean([_score(study, person, name) for name in plan.costs])
    return float(benefits - costs)


def _score(study: Study, person: PastryRespondent, construct: str) -> float:
    scored = []
    for question_id, item in study.items_of(construct):
        question = study.question(question_id)
        low, high = study.points(question)
        share = (float(person.answer(question, item.id) or 0) - low) / (high - low)
        scored.append(100 * (1 - share if item.reversed else share))
    return float(np.mean(scored))


def _respondents(
    study: Study,
    truth: PastryTruth,
    habits: Habits,
    answering: date,
    count: int,
    seed: int,
    rng: np.random.Generator,
) -> list[tuple[int, PastryRespondent]]:
    eligible = np.flatnonzero(habits.first_week < truth.buying.weeks - 20)
    places = rng.choice(eligible, size=min(count, len(eligible)), replace=False)
    worths = draw_part_worths(truth.choices, len(places), rng)
    liking = rng.normal(size=len(places))
    leaves = rng.random(len(places)) < truth.stops
    minutes = rng.integers(8 * 60, 20 * 60, size=len(places))
    days = rng.integers(0, 7 * truth.buying.fielding_weeks, size=len(places))
    people = []
    for n, place in enumerate(places):
        day = datetime.combine(answering - timedelta(days=int(days[n])), datetime.min.time(), UTC)
        person = PastryRespondent(
            customer=habits.names[place],
            answered_on=day + timedelta(minutes=int(minutes[n])),
            stops_after=int(rng.integers(2, 14)) if leaves[n] else None,
            study=study,
            truth=truth,
            seed=seed,
            liking=float(liking[n]),
            worths={key: float(worths[".".join(key)][n]) for key in truth.choices.levels},
            price=float(worths["price"][n]),
            none=float(worths["none"][n]),
        )
        people.append((int(place), person))
    return people


def _whole(value: float, low: int, high: int) -> str:
    return str(min(max(round(value), low), high))
