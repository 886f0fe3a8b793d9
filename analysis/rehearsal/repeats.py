"""Many studies in one world: what the aggregate logit gives, and how well it says so."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from analysis.choices.coding import Floats
from analysis.choices.identification import NotIdentified, check_identified
from analysis.choices.mnl import NotConverged, evaluate, fit_sets
from analysis.choices.partworths import PartWorths
from analysis.choices.willingness_to_pay import money_of
from analysis.rehearsal.laid_out import Answers, LaidOut, RehearsalFault
from analysis.rehearsal.population import People, Population, World
from analysis.rehearsal.types import Figure, HitRates, MoneyRow, Outcome, PowerRow, WorthRow
from analysis.study.types import Targets

EVEN = 8_192
"""People over whom expected answers are averaged (scrambled Sobol points)."""
HELD = 20
"""Holdouts at most over which the best possible hit rate is averaged."""
Z_95 = float(norm.ppf(0.975))
Progress = Callable[[str, int, int], None]
"""Called with a step in words, how much of it is done, and of how much."""


@dataclass(frozen=True, slots=True)
class Contrast:
    """A change of level and its columns (K,)."""

    attribute: str
    from_level: str
    to_level: str
    columns: Floats


@dataclass(frozen=True, slots=True)
class Repeats:
    """Estimates of many simulated studies.

    Attributes
    ----------
    coefficients, spreads
        (R, K) and their cluster covariances (R, K, K), of the repeats with an estimate.
    money
        (R, M, 3): value and 95 % interval of each change of level; NaN where there is none.
    hits
        (R,) share of holdouts hit; NaN without holdouts.
    failures
        Why repeats have no estimate.
    """

    coefficients: Floats
    spreads: Floats
    money: Floats
    hits: Floats
    failures: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Setting:
    """What all repeats share: design, people, targets, and the seed of it all."""

    laid: LaidOut
    population: Population
    targets: Targets
    seed: int


def rehearse_world(
    setting: Setting, world: World, *, n: int, repeats: int, progress: Progress
) -> Outcome:
    """Simulate ``repeats`` studies of ``n`` respondents in one world, and sum them up."""
    laid = setting.laid
    evenly = setting.population.spread_evenly(EVEN, world, seed=setting.seed)
    limit = _limit(laid, evenly, n)
    found = _repeats(setting, world, limit, n=n, repeats=repeats, progress=progress)
    planted = setting.population.mean * world.scale
    return Outcome(
        world=world.name,
        label=world.label,
        n=n,
        repeats=repeats,
        failed=len(found.failures),
        why_failed=found.failures[0] if found.failures else "",
        worths=_worth_rows(laid, found, limit, planted),
        money=_money_rows(laid, found, limit, planted),
        power=_power_rows(laid, found, n, setting.targets),
        hits=_hit_rates(laid, evenly, found),
    )


def money_changes(laid: LaidOut) -> list[Contrast]:
    """The changes that get a willingness to pay: from the first level to each other."""
    coding = laid.coding
    return [
        Contrast(a.id, a.levels[0].id, b.id, coding.contrast(a.id, a.levels[0].id, b.id))
        for a in coding.exercise.attributes
        if a.tag != "price" and coding.exercise.price is not None
        for b in a.levels[1:]
    ]


def level_pairs(laid: LaidOut) -> dict[str, list[Contrast]]:
    """All pairs of levels of each attribute."""
    coding = laid.coding
    return {
        a.id: [
            Contrast(a.id, one.id, other.id, coding.contrast(a.id, one.id, other.id))
            for one, other in combinations(a.levels, 2)
        ]
        for a in coding.exercise.attributes
    }


def _limit(laid: LaidOut, evenly: People, n: int) -> Floats:
    shown = laid.frame[np.repeat(laid.estimation, laid.concepts)]
    nobody = np.zeros(laid.coding.width)
    try:
        even = evaluate(laid.expected(evenly, n), nobody).information
        check_identified(laid.coding, shown.assign(role="estimation"), even)
        return laid.limit(evenly, n)
    except (NotIdentified, NotConverged, np.linalg.LinAlgError) as error:
        raise RehearsalFault(
            f"exercise '{laid.coding.exercise.id}': the design cannot tell all part-worths apart "
            f"with {n} respondents ({error}). Use more blocks or tasks, or fewer prohibitions."
        ) from None


def _repeats(
    setting: Setting, world: World, limit: Floats, *, n: int, repeats: int, progress: Progress
) -> Repeats:
    laid = setting.laid
    changes = money_changes(laid)
    fits: list[PartWorths] = []
    money, hits, failures = [], [], []
    key = int.from_bytes(world.name.encode()[:4], "big")
    seeds = np.random.SeedSequence([setting.seed, key, n]).spawn(repeats)
    for number, own in enumerate(seeds, start=1):
        rng = np.random.default_rng(own)
        answers = laid.answers(setting.population.draw(n, world, rng), rng)
        try:
            fitted = fit_sets(laid.sets(answers), limit)
        except (NotIdentified, NotConverged) as error:
            failures.append(str(error))
        else:
            fits.append(fitted)
            money.append([_interval(fitted, change.columns) for change in changes])
            hits.append(_hit(laid, fitted.coefficients, answers))
        progress(f"{world.label}: simulated studies of {n:,}", number, repeats)
    if len(fits) < 2:
        raise RehearsalFault(
            f"with {n} respondents only {len(fits)} of {repeats} simulated studies could be "
            f"estimated: {failures[0] if failures else 'too few repeats'}. Use more respondents."
        )
    return Repeats(
        np.stack([f.coefficients for f in fits]),
        np.stack([f.covariance("cluster") for f in fits]),
        np.array(money, dtype=float).reshape(len(fits), len(changes), 3),
        np.array(hits),
        tuple(failures),
    )


def _interval(fitted: PartWorths, columns: Floats) -> tuple[float, float, float]:
    found = money_of(fitted, columns)
    if found.value is None or found.low is None or found.high is None:
        return (math.nan,) * 3
    return found.value, found.low, found.high


def _hit(laid: LaidOut, coefficients: Floats, answers: Answers) -> float:
    """Share of holdouts in which the likeliest alternative was chosen."""
    block = laid.block_of(len(answers.chosen))
    held = ~laid.estimation[block]
    if not held.any():
        return math.nan
    likeliest = (laid.x @ coefficients).argmax(axis=2)[block]
    return float((likeliest == answers.chosen)[held].mean())


def mean_of(values: Floats) -> Figure:
    """Mean over repeats with its Monte-Carlo error."""
    kept = values[np.isfinite(values)]
    if len(kept) < 2:
        return Figure(value=None)
    return Figure(value=float(kept.mean()), error=float(kept.std(ddof=1) / math.sqrt(len(kept))))


def spread_of(values: Floats) -> Figure:
    """Standard deviation over repeats; its error is s / sqrt(2 (R - 1))."""
    spread = float(values.std(ddof=1))
    return Figure(value=spread, error=spread / math.sqrt(2 * (len(values) - 1)))


def share_of(hits: NDArray[np.bool_]) -> Figure:
    """A share over repeats; its error that of the share with two hits and misses added."""
    if not len(hits):
        return Figure(value=None)
    steady = (int(hits.sum()) + 2) / (len(hits) + 4)
    error = math.sqrt(steady * (1 - steady) / (len(hits) + 4))
    return Figure(value=float(hits.mean()), error=error)


def median_of(values: Floats) -> Figure:
    """Median over repeats, infinite values included; its error 1.2533 s / sqrt(R), s robust."""
    if not len(values) or not np.isfinite(np.median(values)):
        return Figure(value=None)
    kept = values[np.isfinite(values)]
    low, high = np.quantile(kept, [0.25, 0.75])
    error = 1.2533 * float(high - low) / 1.349 / math.sqrt(len(kept))
    return Figure(value=float(np.median(values)), error=error)


def _worth_rows(
    laid: LaidOut, found: Repeats, limit: Floats, planted: Floats
) -> tuple[WorthRow, ...]:
    labels, rows = laid.coding.level_rows()
    made = []
    for label, row in zip(labels, rows, strict=True):
        values, errors = _values(found, row)
        true = float(row @ limit)
        made.append(
            WorthRow(
                attribute=label.attribute,
                level=label.level,
                planted=float(row @ planted),
                true=true,
                estimate=mean_of(values),
                bias=mean_of(values - true),
                empirical_se=spread_of(values),
                estimated_se=mean_of(errors),
                coverage=share_of(np.abs(values - true) <= Z_95 * errors),
            )
        )
    return tuple(made)


def _values(found: Repeats, columns: Floats) -> tuple[Floats, Floats]:
    """Values (R,) and standard errors (R,) of a contrast."""
    variances = np.einsum("k,rkl,l->r", columns, found.spreads, columns)
    return found.coefficients @ columns, np.sqrt(np.maximum(variances, 0.0))


def _money_rows(
    laid: LaidOut, found: Repeats, limit: Floats, planted: Floats
) -> tuple[MoneyRow, ...]:
    rows = []
    for n, change in enumerate(money_changes(laid)):
        value, low, high = found.money[:, n].T
        half = np.where(np.isfinite(value), (high - low) / 2, np.inf)
        true = _money(laid, limit, change.columns)
        there = np.isfinite(value)
        held = (low <= (true or 0.0)) & ((true or 0.0) <= high)
        rows.append(
            MoneyRow(
                attribute=change.attribute,
                from_level=change.from_level,
                to_level=change.to_level,
                planted=_money(laid, planted, change.columns),
                true=true,
                estimate=mean_of(value),
                bias=mean_of(value - true) if true is not None else Figure(value=None),
                half_width=median_of(half),
                coverage=share_of(held[there]) if true is not None else Figure(value=None),
                power=share_of(there & ((low > 0) | (high < 0))),
                unavailable=float(1 - there.mean()),
            )
        )
    return tuple(rows)


def _money(laid: LaidOut, coefficients: Floats, columns: Floats) -> float | None:
    """Willingness to pay at coefficients that are known exactly."""
    width = laid.coding.width
    exact = PartWorths(
        coding=laid.coding,
        estimator="mnl",
        coefficients=coefficients,
        covariances={"cluster": np.eye(width) * 1e-18},
        n_respondents=width + 1,
        n_tasks=1,
        log_likelihood=0.0,
        null_log_likelihood=0.0,
        converged=True,
        iterations=0,
    )
    return money_of(exact, columns).value


def _power_rows(laid: LaidOut, found: Repeats, n: int, targets: Targets) -> tuple[PowerRow, ...]:
    return tuple(
        max((_power_row(found, pair, n, targets) for pair in pairs), key=_difficulty)
        for pairs in level_pairs(laid).values()
        if pairs
    )


def _difficulty(row: PowerRow) -> float:
    return (row.estimated_se.value or 0.0) + (row.empirical_se.value or 0.0)


def _power_row(found: Repeats, pair: Contrast, n: int, targets: Targets) -> PowerRow:
    values, errors = _values(found, pair.columns)
    stated, seen = mean_of(errors), spread_of(values)
    power, needed = power_of(stated, seen, n, targets)
    return PowerRow(
        attribute=pair.attribute,
        from_level=pair.from_level,
        to_level=pair.to_level,
        estimated_se=stated,
        empirical_se=seen,
        power=power,
        needed=needed,
    )


def power_of(stated: Figure, seen: Figure, n: int, targets: Targets) -> tuple[Figure, Figure]:
    """Power to tell the smallest difference D, and respondents that give the target power.

    An estimate with the standard deviation ``seen`` is called different from zero when it exceeds
    1.96 times the standard error ``stated``: power = Phi((D - 1.96 stated) / seen), the other tail
    being negligible. Both errors fall with the square root of the respondents, so that the target
    power needs n (1.96 stated + z seen)^2 / D^2.
    """
    difference = targets.smallest_difference
    if difference is None or stated.value is None or seen.value is None or seen.value == 0:
        return Figure(value=None), Figure(value=None)
    stated_error, seen_error = stated.error or 0.0, seen.error or 0.0
    z = (difference - Z_95 * stated.value) / seen.value
    slope = float(norm.pdf(z)) / seen.value
    power = Figure(
        value=float(norm.cdf(z)), error=slope * math.hypot(Z_95 * stated_error, z * seen_error)
    )
    wanted = float(norm.ppf(targets.power))
    width = Z_95 * stated.value + wanted * seen.value
    width_error = math.hypot(Z_95 * stated_error, wanted * seen_error)
    needed = n * (width / difference) ** 2
    return power, Figure(value=needed, error=2 * needed * width_error / width)


def _hit_rates(laid: LaidOut, evenly: People, found: Repeats) -> HitRates | None:
    held = np.argwhere(~laid.estimation)
    if not len(held):
        return None
    size = laid.x.shape[2]
    best, again = [], []
    for block, task in held[:HELD]:
        place = slice(int(task), int(task) + 1)
        utility = laid.utilities(evenly, np.full(len(evenly.worths), block), place)[:, 0]
        chance = np.exp(utility - utility.max(axis=1, keepdims=True))
        chance /= chance.sum(axis=1, keepdims=True)
        best.append(chance.max(axis=1).mean())
        again.append((chance**2).sum(axis=1).mean())
    return HitRates(
        tasks=int((~laid.estimation[0]).sum()),
        logit=mean_of(found.hits),
        best_possible=float(np.mean(best)),
        same_again=float(np.mean(again)),
        chance=1 / size,
    )
