"""What the choice of the best and the worst level from the answers themselves adds by luck."""

from __future__ import annotations

from collections.abc import Callable, Collection

from scipy.stats import norm

from analysis.choices.coding import Coding, Floats
from analysis.choices.importances import ranges
from analysis.choices.partworths import Covariance, PartWorths
from analysis.choices.willingness_to_pay import best_upgrades
from analysis.estimate import Estimate
from analysis.study.exercises import Tag

SIDES: tuple[Tag, ...] = ("functional", "emotional")
DRAWS = 4_000
ROUNDING = 1e-9
Z_95 = float(norm.ppf(0.975))
METHOD = "interval widened by what choosing the best and worst levels adds by luck"


def luck(coding: Coding, coefficients: Floats, draws: Floats, names: Collection[str]) -> float:
    """By how much the summed ranges of attributes grow where ends are chosen again in each draw.

    The range of part-worths is convex, so that its mean over draws is never below that of their
    mean (Jensen): nothing where the best and the worst level are clear or stated in the study,
    and about the bias of the range itself where no level has an effect.

    Parameters
    ----------
    coefficients
        (K,), in logit units.
    draws
        (draws, K), around them: from their covariance, or of the posterior.
    """
    chosen = [
        a.id in names and a.preference is None and a.tag != "price"
        for a in coding.exercise.attributes
    ]
    around = draws - draws.mean(axis=0) + coefficients
    found = ranges(coding, around)[:, chosen].sum(axis=1).mean()
    grown = float(found - ranges(coding, coefficients[None, :])[0, chosen].sum())
    return grown if grown > ROUNDING else 0.0


def tag_difference(
    fitted: PartWorths, money: Callable[[Floats], Estimate], *, seed: int
) -> Estimate | None:
    """``worth_difference`` of all functional attributes less all emotional ones."""
    attributes = fitted.coding.exercise.attributes
    first, second = ([a.id for a in attributes if a.tag == tag] for tag in SIDES)
    return worth_difference(fitted, money, first, second, seed=seed)


def worth_difference(
    fitted: PartWorths,
    money: Callable[[Floats], Estimate],
    first: Collection[str],
    second: Collection[str],
    *,
    seed: int,
) -> Estimate | None:
    """Money value of all upgrades of some attributes less that of others, in one contrast.

    What the two share, as the price, cancels out. The lower end of the interval falls by the luck
    of the first attributes' ends, the upper one rises by that of the second ones', both in standard
    errors of the difference; the value stays. None where one of the sides was not tested.

    Parameters
    ----------
    money
        The money value of a contrast (K,), with its interval.
    first, second
        Ids of attributes.
    seed
        Of the draws around the part-worths.
    """
    (one, f), (other, e) = (best_upgrades(fitted, names) for names in (first, second))
    if not one or not other:
        return None
    found = money(f - e)
    if found.value is None or found.low is None or found.high is None:
        return found
    kind: Covariance = "posterior" if fitted.hierarchy is not None else "cluster"
    draws = fitted.draws(kind, n=DRAWS, seed=seed)
    error = float((draws @ (f - e)).std())
    lucky = [luck(fitted.coding, fitted.coefficients, draws, names) for names in (first, second)]
    if error == 0 or not any(lucky):
        return found
    down, up = (amount / (Z_95 * error) for amount in lucky)
    return found.model_copy(
        update={
            "low": found.low - down * (found.value - found.low) if down else found.low,
            "high": found.high + up * (found.high - found.value) if up else found.high,
            "method": f"{found.method}; {METHOD}",
        }
    )
