"""A whole company of planted causes: who values what, who answers, who buys more for it.

The pastry shop again, but everything hangs together: regular buyers like the shop better, what
people recommend follows from single constructs, tastes come in two segments of different scale,
value moves later purchases, and who answers depends on purchases (which weights can repair) or on
the liking itself (which they cannot).
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from analysis.study import Study
from analysis.study.questions import Item, Question
from analysis.synthetic.buying import BuyingTruth, Habits, draw_habits, draw_purchases
from analysis.synthetic.company import Company
from analysis.synthetic.pastry import (
    ChoiceTruth,
    PastryRespondent,
    PastryTruth,
    RatingTruth,
    draw_part_worths,
)

Floats = NDArray[np.float64]
Answering = Literal["purchases", "liking"]
"""What decides who answers: purchase days before the survey, or how they like the shop beside."""
CUTS = np.array([12.5, 37.5, 62.5, 87.5])
"""Latent points at which the answer on a scale of five turns."""


def _second() -> ChoiceTruth:
    return ChoiceTruth(
        levels={
            ("pineapple", "cream"): (0.1, 0.3),
            ("pineapple", "cream_top"): (0.4, 0.4),
            ("look", "decorated"): (0.2, 0.4),
            ("freshness", "morning"): (2.2, 0.5),
            ("packaging", "box"): (0.0, 0.4),
        },
        price=(-7.5, 1.2),
        none=(0.6, 1.0),
    )


@dataclass(frozen=True, slots=True)
class PlantedTruth:
    """What is planted.

    Attributes
    ----------
    answering
        What decides who answers; ``pull`` is the log of how many times likelier one standard
        deviation more of it makes an answer.
    habit
        Correlation of liking with the normal score of a customer's rate of buying.
    slopes
        Points of the 0 to 10 recommendation for a point of a construct.
    drawn
        Points of satisfaction for a point of a construct.
    relation
        Log ratio of the later purchase rate per 10 points of true perceived value.
    tastes
        The segments: part-worths, and share of customers.
    blurred
        Share of customers who choose with ``blur`` times the part-worths.
    """

    answering: Answering = "purchases"
    pull: float = 0.8
    habit: float = 0.5
    slopes: Mapping[str, float] = field(
        default_factory=lambda: {
            "quality": 0.05,
            "pleasure": 0.02,
            "price_burden": -0.015,
            "effort": -0.01,
        }
    )
    drawn: Mapping[str, float] = field(
        default_factory=lambda: {"quality": 0.6, "pleasure": 0.25, "price_burden": -0.15}
    )
    relation: float = 0.12
    tastes: tuple[tuple[ChoiceTruth, float], ...] = field(
        default_factory=lambda: ((ChoiceTruth(), 0.6), (_second(), 0.4))
    )
    blurred: float = 0.3
    blur: float = 0.5
    ratings: RatingTruth = field(default_factory=RatingTruth)
    buying: BuyingTruth = field(default_factory=lambda: BuyingTruth(mean_rate=0.45))
    """Few customers come so often that days run out, which would hide part of the relation."""
    no_linking: float = 0.0
    segment: Mapping[str, int] = field(default_factory=dict)
    """Customer to segment (from 1), of those who were asked."""
    decliners: tuple[str, ...] = ()
    fell: tuple[str, ...] = ()
    """Customers whose rate is lower in the last weeks, decliners among them."""
    sale_only: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class PlantedRespondent(PastryRespondent):
    """Answers from the constructs as they are for this person; tasks as in the pastry shop."""

    planted: PlantedTruth = field(default_factory=PlantedTruth)
    latent: Mapping[str, float] = field(default_factory=dict)
    """By construct, 0 to 100 and beyond."""

    def answer(self, question: Question, item: str) -> str | None:
        """The value as stored; None: no answer."""
        if question.kind != "nps":
            return PastryRespondent.answer(self, question, item)
        drawn = self._draw(question.id, item).gauss(0, self.planted.ratings.recommend[2])
        felt = self.planted.ratings.recommend[0] + drawn
        felt += _moved(self.planted.slopes, self.planted.ratings, self.latent)
        return str(min(max(round(felt), 0), 10))

    def _rating(self, item: Item, draw: random.Random) -> float:
        truth, construct = self.planted.ratings, item.measures or ""
        latent = self.latent[construct]
        if item.asked_as == "desired":
            mean = truth.perceived[construct][0]
            latent = truth.desired[construct] + 0.5 * (latent - mean)
        latent += draw.gauss(0, truth.item)
        return 100 - latent if item.reversed else latent


def planted_company(
    study: Study,
    truth: PlantedTruth,
    *,
    seed: int,
    today: date,
    buyers: int = 2000,
    respondents: int = 400,
) -> Company:
    """Draw a company; ``Company.truth`` is ``truth`` with the customers of each planted group.

    Answers come in the two weeks that end 13 weeks before ``today``.
    """
    rng = np.random.default_rng(seed)
    habits = draw_habits(truth.buying, buyers, rng)
    regular = stats.norm.ppf(
        stats.gamma.cdf(habits.rate, truth.buying.shape, scale=truth.buying.mean_rate
                        / truth.buying.shape)
    )  # fmt: skip
    beside = rng.normal(size=buyers)
    liking = truth.habit * regular + np.sqrt(1 - truth.habit**2) * beside
    latent = draw_latents(truth, liking, rng)
    value = true_value(study, truth, latent)
    lift = np.exp(truth.relation * (value - value.mean()) / 10)
    purchases = draw_purchases(truth.buying, habits, lift, today, rng)
    decides = beside if truth.answering == "liking" else _bought(purchases, habits, truth, today)
    eligible = np.flatnonzero(habits.first_week < truth.buying.weeks - 20)
    keen = truth.pull * decides[eligible] + rng.gumbel(size=len(eligible))
    asked = eligible[np.argsort(-keen)[:respondents]]
    people, segment = _people(study, truth, (habits, liking, latent, asked), today, seed, rng)
    fell = habits.declining | (lift < 1)
    known = replace(
        truth,
        segment=segment,
        decliners=habits.named(habits.declining),
        fell=habits.named(fell),
        sale_only=habits.named(habits.sale_only),
    )
    return Company(purchases, people, known, today)


def _bought(purchases: pd.DataFrame, habits: Habits, truth: PlantedTruth, today: date) -> Floats:
    """Normal scores of purchase days before the survey, (buyers,)."""
    weeks = truth.buying.outcome_weeks + truth.buying.fielding_weeks
    before = purchases["time"] < pd.Timestamp(today) - pd.Timedelta(weeks=weeks)
    counts = purchases.loc[before, "customer"].value_counts().reindex(list(habits.names)).fillna(0)
    found: Floats = stats.norm.ppf(stats.rankdata(counts) / (len(counts) + 1))
    return found


def draw_latents(
    truth: PlantedTruth, liking: Floats, rng: np.random.Generator
) -> dict[str, Floats]:
    """The constructs of people of this liking, (n,) by construct, satisfaction after the others."""
    ratings = truth.ratings
    own = {name: rng.normal(0, ratings.own, size=len(liking)) for name in ratings.perceived}
    found = {
        name: mean + loading * liking + own[name]
        for name, (mean, loading) in ratings.perceived.items()
    }
    moved = _moved(truth.drawn, ratings, found)
    found["satisfaction"] = ratings.perceived["satisfaction"][0] + moved + own["satisfaction"] / 2
    return found


def draw_tastes(
    truth: PlantedTruth, n: int, rng: np.random.Generator
) -> tuple[NDArray[np.int64], dict[str, Floats]]:
    """Segment (n,), from 0, and part-worths (n,) by '<attribute>.<level>', 'price' and 'none'."""
    shares = [share for _, share in truth.tastes]
    segment = rng.choice(len(shares), size=n, p=shares)
    each = [draw_part_worths(taste, n, rng) for taste, _ in truth.tastes]
    size = np.where(rng.random(n) < truth.blurred, truth.blur, 1.0)
    worths = {name: size * np.choose(segment, [drawn[name] for drawn in each]) for name in each[0]}
    return segment, worths


def true_value(study: Study, truth: PlantedTruth, latent: Mapping[str, Floats]) -> Floats:
    """Perceived value as it would be answered on average over errors of items, (n,) points."""
    plan = study.analysis.perceived_value
    benefits = np.mean([true_score(truth, latent[name]) for name in plan.benefits], axis=0)
    costs = np.mean([true_score(truth, latent[name]) for name in plan.costs], axis=0)
    found: Floats = benefits - costs
    return found


def true_score(truth: PlantedTruth, latent: Floats) -> Floats:
    """Mean score of items of five points, 0 to 100, at a latent score."""
    above = stats.norm.cdf((latent[:, None] - CUTS) / truth.ratings.item)
    found: Floats = 25 * above.sum(axis=1)
    return found


def _moved(slopes: Mapping[str, float], ratings: RatingTruth, latent: Mapping[str, Any]) -> Any:
    """What constructs away from their means add up to; one number, or one a person."""
    apart = [slope * (latent[name] - ratings.perceived[name][0]) for name, slope in slopes.items()]
    return sum(apart)


def _people(
    study: Study,
    truth: PlantedTruth,
    drawn: tuple[Habits, Floats, Mapping[str, Floats], NDArray[np.int64]],
    today: date,
    seed: int,
    rng: np.random.Generator,
) -> tuple[tuple[PlantedRespondent, ...], dict[str, int]]:
    habits, liking, latent, asked = drawn
    segment, worths = draw_tastes(truth, len(asked), rng)
    last = today - timedelta(weeks=truth.buying.outcome_weeks)
    plan = PastryTruth(ratings=truth.ratings, no_linking=truth.no_linking, no_part=0.0)
    minutes = rng.integers(8 * 60, 20 * 60, size=len(asked))
    days = rng.integers(0, 7 * truth.buying.fielding_weeks, size=len(asked))
    people = []
    for n, place in enumerate(asked):
        day = datetime.combine(last - timedelta(days=int(days[n])), datetime.min.time(), UTC)
        person = PlantedRespondent(
            customer=habits.names[place],
            answered_on=day + timedelta(minutes=int(minutes[n])),
            stops_after=None,
            study=study,
            truth=plan,
            seed=seed,
            liking=float(liking[place]),
            worths={key: float(worths[".".join(key)][n]) for key in plan.choices.levels},
            price=float(worths["price"][n]),
            none=float(worths["none"][n]),
            planted=truth,
            latent={name: float(values[place]) for name, values in latent.items()},
        )
        people.append(person)
    names = {habits.names[place]: int(segment[n]) + 1 for n, place in enumerate(asked)}
    return tuple(people), names
