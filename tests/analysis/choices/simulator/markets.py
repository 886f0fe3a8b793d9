"""A small study with draws that are known, and markets in it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from analysis.choices.coding import coding_of
from analysis.choices.simulator.products import Market, Product, row
from analysis.choices.simulator.worths import from_draws
from analysis.study import parse_study

STUDY = """
study: mugs
title: Mugs
exercises:
  - id: mug
    question: 'Which would you buy?'
    none: {label: None of these}
    prohibitions: [{colour: gold, size: large}]
    attributes:
      - id: colour
        label: Colour
        levels: [{id: red, label: Red}, {id: blue, label: Blue}, {id: gold, label: Gold}]
      - {id: size, label: Size, levels: [{id: small, label: Small}, {id: large, label: Large}]}
      - {id: price, label: Price, tag: price, levels: [1, 2, 4]}
"""
CODING = coding_of(parse_study(STUDY), parse_study(STUDY).choice_exercise())
OURS = Product("Ours", {"colour": "red", "size": "small", "price": "2"}, own=True, unit_cost=0.5)
RIVAL = Product("Rival", {"colour": "blue", "size": "large", "price": "1"})
THIRD = Product("Third", {"colour": "gold", "size": "small", "price": 3.0})
MARKET = Market((OURS, RIVAL, THIRD), none=True, size=1000.0)


def drawn(*, draws=200, people=40, seed=1, spread=1.0):
    """Draws (D, N, 6) that scatter around everybody's own point."""
    rng = np.random.default_rng(seed)
    centre = rng.normal(0, spread, (people, CODING.width))
    beta = centre + rng.normal(0, 0.3, (draws, people, CODING.width))
    return beta.astype(np.float32)


def worths(beta=None, *, seed=1):
    beta = drawn() if beta is None else beta
    return from_draws(CODING, [f"r{n}" for n in range(beta.shape[1])], beta, seed=seed)


def alike(beta, *, people=20, draws=200):
    """Everybody has the same part-worths in every draw."""
    return worths(np.tile(np.asarray(beta, dtype=np.float32), (draws, people, 1)))


def changed(product, **levels):
    return replace(product, levels={**product.levels, **levels})


def plain(found, market, member=None):
    """Shares of preference (D, J) by a loop, in float64."""
    rows = [row(CODING, p.levels) for p in market.products]
    rows = np.array(rows + ([row(CODING, None)] if market.none else [])) * market.scale
    odds = np.array([p.factor for p in market.products] + [1.0] * market.none)
    shares = np.zeros((len(found.points), len(rows)))
    for d, draw in enumerate(found.points.astype(float)):
        mass = found.mass[d].astype(float) * (1.0 if member is None else member)
        for person, beta in enumerate(draw):
            weight = odds * np.exp(rows @ beta)
            shares[d] += mass[person] / mass.sum() * weight / weight.sum()
    return shares
