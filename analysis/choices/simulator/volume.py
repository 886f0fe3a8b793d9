"""Source of volume: from whom a product that is added or changed takes its choices."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analysis.choices.coding import Floats
from analysis.choices.simulator.outcomes import estimated, in_words
from analysis.choices.simulator.products import Product
from analysis.choices.simulator.shares import Simulated, Simulator
from analysis.estimate import Estimate, unavailable

CLEAR = 0.975
"""Share of draws in which the volume must move the same way before its parts are given."""


@dataclass(frozen=True, slots=True)
class Loss:
    """What one alternative loses (a gain is negative).

    ``points`` is the share of all choices, ``part`` the part of the volume that moved, and ``fair``
    that part if everybody lost alike: in proportion to the share before.
    """

    name: str
    points: Estimate
    part: Estimate
    fair: float


@dataclass(frozen=True, slots=True)
class Volume:
    """What the changed products gain together, and from whom."""

    gained_by: tuple[str, ...]
    gained: Estimate
    losses: tuple[Loss, ...]


def source_of_volume(
    simulator: Simulator, base: Simulated, found: Simulated, *, segment: int = 0
) -> Volume | None:
    """Compare two markets; None when no product was added, changed or taken away."""
    before = {p.name: _offered(p) for p in base.market.products}
    after = {p.name: _offered(p) for p in found.market.products}
    changed = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    others = [name for name in base.market.names if name not in changed]
    if not changed or not others:
        return None
    gained = sum(
        (_share(found, name, segment) - _share(base, name, segment) for name in changed),
        np.zeros(len(found.drawn)),
    )
    were = {name: _share(base, name, segment) for name in others}
    total = sum(float(w.mean()) for w in were.values())
    losses = []
    for name in others:
        lost = were[name] - _share(found, name, segment)
        fair = float(were[name].mean()) / total if total else 0.0
        losses.append(
            Loss(
                name,
                estimated(simulator, lost, segment=segment),
                _part(simulator, lost, gained, segment),
                fair,
            )
        )
    return Volume(tuple(changed), estimated(simulator, gained, segment=segment), tuple(losses))


def _offered(product: Product) -> tuple[object, ...]:
    """What buyers notice of a product: not its cost, nor whose it is."""
    return dict(product.levels), product.availability, product.factor


def _share(found: Simulated, name: str, segment: int) -> Floats:
    names = found.market.names
    if name not in names:
        return np.zeros(len(found.drawn))
    share: Floats = found.drawn[:, segment, names.index(name)]
    return share


def _part(simulator: Simulator, lost: Floats, gained: Floats, segment: int) -> Estimate:
    clear = max((gained > 0).mean(), (gained < 0).mean())
    if clear < CLEAR or not (gained != 0).all():
        return unavailable(
            "too little moved to say from whom",
            n=simulator.worths.n[segment],
            method=in_words(simulator),
            unit="share",
        )
    return estimated(simulator, lost / gained, segment=segment)
