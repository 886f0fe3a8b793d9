"""What a rehearsal found: plain, frozen, serialisable; every figure with its Monte-Carlo error."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

Verdict = Literal["reached", "close", "missed", "no targets"]
"""close: within two Monte-Carlo errors of a target, so that this rehearsal cannot tell."""


class Part(BaseModel):
    """Frozen, and without fields that are not declared."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Figure(Part):
    """A figure over the repeats with its Monte-Carlo standard error; None: not to be had."""

    value: float | None
    error: float | None = None


class WorthRow(Part):
    """The part-worth of one level (or slope, or none) over the repeats.

    ``planted`` is the mean of the simulated people, ``true`` what an aggregate logit tends to with
    very many of them (its own limit); ``bias`` and ``coverage`` are against ``true``.
    """

    attribute: str
    level: str
    planted: float
    true: float
    estimate: Figure
    bias: Figure
    empirical_se: Figure
    estimated_se: Figure
    coverage: Figure


class MoneyRow(Part):
    """Willingness to pay for a change of level over the repeats, in the unit of the price.

    ``half_width`` is the median of half the 95 % interval (no interval counts as infinite),
    ``power`` how often the interval is clear of zero, ``unavailable`` how often there is none.
    """

    attribute: str
    from_level: str
    to_level: str
    planted: float | None
    true: float | None
    estimate: Figure
    bias: Figure
    half_width: Figure
    coverage: Figure
    power: Figure
    unavailable: float


class PowerRow(Part):
    """Power to tell the smallest difference that matters, for the hardest pair of levels."""

    attribute: str
    from_level: str
    to_level: str
    estimated_se: Figure
    empirical_se: Figure
    power: Figure
    """None without a stated smallest difference."""
    needed: Figure
    """Respondents at which the power is the target."""


class HitRates(Part):
    """Share of holdout choices that the likeliest alternative hits.

    ``best_possible`` would know everybody's part-worths; ``same_again`` is how often one would
    repeat a choice; ``chance`` is that of equal chances.
    """

    tasks: int
    logit: Figure
    best_possible: float
    same_again: float
    chance: float


class Outcome(Part):
    """All that came out of one world at one number of respondents."""

    world: str
    label: str
    n: int
    repeats: int
    failed: int
    """Repeats without an estimate."""
    why_failed: str = ""
    worths: tuple[WorthRow, ...]
    money: tuple[MoneyRow, ...]
    power: tuple[PowerRow, ...]
    hits: HitRates | None

    @property
    def widest(self) -> MoneyRow | None:
        """The willingness to pay that is known worst; None without any."""
        rows = [row for row in self.money if row.half_width.value is not None]
        if len(rows) < len(self.money):
            return next(row for row in self.money if row.half_width.value is None)
        return max(rows, key=lambda row: row.half_width.value or 0.0, default=None)

    @property
    def weakest(self) -> PowerRow | None:
        """The attribute whose smallest difference is told worst; None without power figures."""
        rows = [row for row in self.power if row.power.value is not None]
        return min(rows, key=lambda row: row.power.value or 0.0, default=None)


class Needed(Part):
    """Respondents that reach one target (or all), by scaling the errors of the repeats."""

    target: str
    respondents: Figure


class RuleOfThumb(Part):
    """What a formula says about the number of respondents; None where it says nothing."""

    name: str
    respondents: float | None
    words: str


class HierarchyRow(Part):
    """A mean of the population as hierarchical Bayes finds it, against the planted mean."""

    attribute: str
    level: str
    planted: float
    estimate: Figure
    posterior_sd: float
    inside: int
    """In how many repeats the 95 % interval held the planted mean."""


class Hierarchical(Part):
    """Hierarchical Bayes in some of the repeats."""

    repeats: int
    final: int
    """Repeats whose chains agreed."""
    worths: tuple[HierarchyRow, ...]
    hit_rate: Figure


class Rehearsal(Part):
    """A study tried on simulated respondents.

    ``assumptions`` are sentences, ``planned`` the respondents the study plans, ``seconds`` of
    process CPU. ``check`` is a simulation of its own at the number that reaches all targets.
    """

    study: str
    title: str
    exercise: str
    simulated_tasks: str
    unit: str
    n: int
    repeats: int
    seed: int
    program: str
    assumptions: tuple[str, ...]
    half_width: float | None
    smallest_difference: float | None
    target_power: float
    planned: int | None
    main: Outcome
    worlds: tuple[Outcome, ...]
    hierarchical: Hierarchical | None
    needed: tuple[Needed, ...]
    check: Outcome | None
    rules: tuple[RuleOfThumb, ...]
    seconds: float
    unrehearsed: str = ""
    """Which exercises that respondents see were not tried; empty: none."""
