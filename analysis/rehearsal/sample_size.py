"""How many respondents a study needs: from the repeats, and by rules of thumb."""

from __future__ import annotations

import numpy as np
from scipy.stats import norm

from analysis.choices.coding import Floats
from analysis.choices.mnl import evaluate
from analysis.rehearsal.laid_out import LaidOut
from analysis.rehearsal.population import Population
from analysis.rehearsal.repeats import Z_95, level_pairs
from analysis.rehearsal.types import Figure, Needed, Outcome, RuleOfThumb
from analysis.study.types import Targets

WTP = "willingness to pay"


def needed_for(outcome: Outcome, targets: Targets) -> tuple[Needed, ...]:
    """Respondents that reach each target, and last all of them; empty without targets.

    Widths of intervals fall with the square root of the respondents: n (width / target)^2. Without
    a price no number reaches a willingness to pay.
    """
    found = []
    wanted = targets.willingness_to_pay_half_width
    if wanted is not None:
        half = outcome.widest.half_width if outcome.widest else Figure(value=None)
        figure = Figure(value=None)
        if half.value is not None:
            needed = outcome.n * (half.value / wanted) ** 2
            figure = Figure(value=needed, error=2 * needed * (half.error or 0.0) / half.value)
        found.append(Needed(target=WTP, respondents=figure))
    if targets.smallest_difference is not None:
        found += [Needed(target=row.attribute, respondents=row.needed) for row in outcome.power]
    if not found:
        return ()
    lacking = next((one for one in found if one.respondents.value is None), None)
    most = lacking or max(found, key=lambda one: one.respondents.value or 0.0)
    return (*found, Needed(target="all targets", respondents=most.respondents))


def rules_of_thumb(
    laid: LaidOut, population: Population, targets: Targets
) -> tuple[RuleOfThumb, ...]:
    """Orme's rule, the S-error and the formula of de Bekker-Grob, each with its convention."""
    exercise = laid.coding.exercise
    most = max(len(a.levels) for a in exercise.attributes)
    for first, second in exercise.interactions:
        pair = len(exercise.attribute(first).levels) * len(exercise.attribute(second).levels)
        most = max(most, pair)
    shown = exercise.tasks * exercise.alternatives
    variances = one_respondent(laid, population)
    return (
        RuleOfThumb(
            name="Orme, n t a / c = 500",
            respondents=500 * most / shown,
            words=f"t = {exercise.tasks} tasks, a = {exercise.alternatives} alternatives, "
            f"c = {most} levels at most; 1,000 instead of 500 is better",
        ),
        RuleOfThumb(name="Orme, n t a / c = 1,000", respondents=1000 * most / shown, words=""),
        _s_error(population.mean, variances),
        _de_bekker_grob(laid, variances, targets),
    )


def one_respondent(laid: LaidOut, population: Population) -> Floats:
    """Covariance (K, K) that one respondent of average tasks gives, everybody at the means."""
    sets = laid.expected(population.exactly_alike(), laid.blocks)
    return np.asarray(np.linalg.inv(evaluate(sets, population.mean).information))


def _s_error(mean: Floats, variances: Floats) -> RuleOfThumb:
    there = np.abs(mean) > 1e-9
    ratios = np.asarray(np.diag(variances)[there] * (Z_95 / mean[there]) ** 2)
    return RuleOfThumb(
        name="S-error (Bliemer and Rose)",
        respondents=float(ratios.max()) if there.any() else None,
        words="every coefficient that is not 0 significant at 5 %: the largest (1.96 se / b)^2, "
        "everybody alike",
    )


def _de_bekker_grob(laid: LaidOut, variances: Floats, targets: Targets) -> RuleOfThumb:
    name = "de Bekker-Grob and others (2015)"
    difference = targets.smallest_difference
    if difference is None:
        return RuleOfThumb(name=name, respondents=None, words="no smallest difference is stated")
    worst = max(
        float(pair.columns @ variances @ pair.columns)
        for pairs in level_pairs(laid).values()
        for pair in pairs
    )
    z = float(norm.ppf(0.95) + norm.ppf(targets.power))
    return RuleOfThumb(
        name=name,
        respondents=z**2 * worst / difference**2,
        words=f"(z_.95 + z_{targets.power:g})^2 V / {difference:g}^2, one-sided, the hardest pair "
        "of levels, everybody alike",
    )
