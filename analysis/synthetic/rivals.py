"""What customers feel about the shops beside the own one, with a known truth."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field

from analysis.study.questions import Item


@dataclass(frozen=True, slots=True)
class RivalTruth:
    """Latent scores of 0 to 100 of rival shops, by their ids in the study.

    Attributes
    ----------
    known
        Share of customers who also buy there, and rate it.
    perceived
        Mean by construct.
    liking
        How much of a construct's loading on the liking of the own shop a rival has too: who
        answers gladly does so about everybody.
    own, item
        Spread of a construct beside that, and of the answers to one item.
    """

    known: Mapping[str, float] = field(default_factory=lambda: {"kiosk": 0.5, "coffee": 0.4})
    perceived: Mapping[str, Mapping[str, float]] = field(
        default_factory=lambda: {
            "kiosk": {"quality": 56.0, "pleasure": 50.0, "price_burden": 32.0, "effort": 22.0},
            "coffee": {"quality": 70.0, "pleasure": 76.0, "price_burden": 58.0, "effort": 40.0},
        }
    )
    liking: float = 0.4
    own: float = 12.0
    item: float = 13.0

    def rating(
        self, shop: str, item: Item, *, loaded: float, of_person: random.Random, draw: random.Random
    ) -> float:
        """The latent answer to an item about a shop.

        Parameters
        ----------
        loaded
            What the person's liking of the own shop adds to the construct there.
        of_person
            Draws what this person feels about the shop beside its mean.
        draw
            Draws the error of the item.
        """
        mean = self.perceived[shop].get(item.measures or "", 50.0)
        latent = mean + self.liking * loaded + of_person.gauss(0, self.own)
        latent += draw.gauss(0, self.item)
        return 100 - latent if item.reversed else latent
