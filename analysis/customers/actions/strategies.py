"""The strategy that the evidence on a segment supports, or that there is not enough of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from scipy import stats

from analysis.customers.actions.evidence import Evidence
from analysis.customers.actions.families import Family
from analysis.customers.actions.planned import Measured
from analysis.ratings.between_groups import holm

LEVEL = 0.05
FAMILIES: dict[Family, str] = {
    "service_recovery": "Service excellence and complaint recovery",
    "win_back": "Win-back",
    "product_improvement": "Product improvement",
    "personalisation": "Personalisation",
    "relationship_loyalty": "Relationship and loyalty",
    "leave_alone": "Leave alone",
}
"""In the order in which they go first when several are supported: what drives customers away
before what draws them."""
NOTHING = "Not enough evidence"


@dataclass(frozen=True, slots=True)
class Strategy:
    """What is advised for a segment.

    Attributes
    ----------
    family
        The first family that its evidence supports; None: not enough evidence.
    also
        Further families that are supported.
    passed
        Evidence that passed, for all of them.
    nearest
        Without a family: the piece that came closest, to be measured next; None: nothing could be
        tested.
    pieces
        How many pieces of evidence were tested together.
    """

    segment: str
    family: Family | None
    also: tuple[Family, ...]
    passed: tuple[Evidence, ...]
    nearest: Evidence | None
    pieces: int = 1

    @property
    def title(self) -> str:
        return FAMILIES[self.family] if self.family else NOTHING

    @property
    def next_step(self) -> str:
        """What to measure next, where the evidence is not enough."""
        if self.family:
            return ""
        if self.nearest is None:
            return "nothing could be tested: link more respondents of this segment"
        n, wanted = self.nearest.estimate.n, self.wanted
        if wanted is None:
            return f"nearest: {self.nearest.what}, of which nothing is seen in {n}"
        return (
            f"nearest: {self.nearest.what}; about {wanted:,} of them would settle it, {n} are there"
        )

    @property
    def wanted(self) -> int | None:
        """Members with whom the nearest piece would pass among all tested, if what is seen is true.

        Its p would then be the level over the number of pieces: the first step of Holm.
        """
        if self.nearest is None or not 0 < self.nearest.p < 1:
            return None
        seen, needed = (stats.norm.isf(p / 2) for p in (self.nearest.p, LEVEL / self.pieces))
        n = self.nearest.estimate.n
        return max(int(n * (needed / seen) ** 2) + 1, n + 1)


def strategies(pieces: Sequence[Evidence], segments: Sequence[str]) -> tuple[Strategy, ...]:
    """A strategy for every segment of one cut.

    A piece passes when it speaks for its family and its p-value, adjusted by Holm over all
    pieces of all these segments, is below .05: the chance of any advice where nothing is to be
    found is at most that for the cut. 'Leave alone' is advised only where nothing else passed.
    """
    adjusted = holm([piece.p for piece in pieces])
    passed = [
        piece
        for piece, p in zip(pieces, adjusted, strict=True)
        if piece.speaks and p is not None and p < LEVEL
    ]
    return tuple(_of(name, pieces, passed) for name in segments)


def _of(segment: str, pieces: Sequence[Evidence], passed: Sequence[Evidence]) -> Strategy:
    own = [piece for piece in passed if piece.segment == segment]
    families = [family for family in FAMILIES if any(p.family == family for p in own)]
    if len(families) > 1 and "leave_alone" in families:
        families.remove("leave_alone")
    if families:
        kept = tuple(piece for family in families for piece in own if piece.family == family)
        return Strategy(segment, families[0], tuple(families[1:]), kept, None)
    open_ones = [p for p in pieces if p.segment == segment and p.speaks]
    nearest = min(open_ones, key=lambda piece: piece.p, default=None)
    return Strategy(segment, None, (), (), nearest, len(pieces))


def measured_for(strategy: Strategy, tests: Sequence[Measured]) -> Measured | None:
    """The latest measured test of the family on this segment, else on all customers."""
    known = [
        test
        for test in tests
        if test.effect is not None
        and test.effect.available
        and test.plan.strategy == strategy.family
        and test.plan.segment in ("", strategy.segment)
    ]
    known.sort(key=lambda test: (test.plan.segment != "", test.plan.began), reverse=True)
    return known[0] if known else None
