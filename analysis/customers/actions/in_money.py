"""What a strategy would bring a segment in money: measured effect, size, margin."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from analysis.customers.actions.evidence import LEAST
from analysis.customers.actions.planned import Measured
from analysis.customers.actions.strategies import Strategy, measured_for
from analysis.estimate import Estimate, unavailable

METHOD = "effect a customer, measured by lot, times customers"
OLD_ARCHIVE = "the archive does not say; freeze the study again"


@dataclass(frozen=True, slots=True)
class Margin:
    """The share of the net price that is profit, with how it was found; None with the reason."""

    share: float | None
    source: str

    @staticmethod
    def of(facts: Mapping[str, str]) -> Margin:
        """As frozen with an archive; archives from before this fact do not know."""
        found = facts.get("margin", "")
        return Margin(float(found) if found else None, facts.get("margin_source", OLD_ARCHIVE))


def revenue_effect(
    strategy: Strategy, tests: Sequence[Measured], *, customers: int, currency: str
) -> Estimate:
    """What the strategy would bring in from all customers of its segment.

    The measured effect a customer (``measured_for``) times the customers, who count as known; the
    interval is that of the effect, in the weeks of its test. Nothing is carried beyond these weeks.

    Parameters
    ----------
    customers
        Of the segment, who can be written to.

    Returns
    -------
    Estimate
        In units of currency; unavailable, never zero, without a measured effect on spend.
    """

    def unknown(reason: str) -> Estimate:
        return unavailable(reason, n=0, method=METHOD, unit=currency)

    if customers < LEAST:
        return unknown(f"unknown: fewer than {LEAST} customers of the segment are known by name")
    test = measured_for(strategy, tests)
    if test is None or test.effect is None:
        return unknown("unknown: no test by lot has measured this strategy here")
    if test.plan.outcome != "spend":
        bought = test.plan.outcome.replace("_", " ")
        return unknown(f"unknown: the test '{test.plan.name}' measured {bought}, not spend")
    effect = test.effect
    if effect.unit != currency:
        unit = effect.unit or "no currency"
        return unknown(f"unknown: the test '{test.plan.name}' is in {unit}, spend in {currency}")
    if effect.value is None or effect.low is None or effect.high is None:
        return unknown(f"unknown: {effect.reason}")
    where = "" if test.plan.segment else " among all customers"
    return Estimate(
        value=effect.value * customers,
        low=effect.low * customers,
        high=effect.high * customers,
        n=effect.n,
        method=f"{METHOD} ({customers:,}), in the {test.plan.weeks} weeks of the test "
        f"'{test.plan.name}'{where}; {effect.method}",
        unit=currency,
    )


def profit_effect(revenue: Estimate, margin: Margin) -> Estimate:
    """The margin on a revenue effect, before the cost of the act; the margin counts as known."""
    value, low, high = revenue.value, revenue.low, revenue.high
    if value is None or low is None or high is None:
        return revenue
    if margin.share is None:
        reason = margin.source.removeprefix("unknown: ")
        return unavailable(
            f"unknown: {reason}", n=revenue.n, method=revenue.method, unit=revenue.unit
        )
    return Estimate(
        value=value * margin.share,
        low=low * margin.share,
        high=high * margin.share,
        n=revenue.n,
        method=f"{revenue.method}; times a margin of {margin.share:.0%} ({margin.source})",
        unit=revenue.unit,
    )
