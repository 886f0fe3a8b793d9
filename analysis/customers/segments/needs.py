"""Needs segments: latent classes that allow for scale, and whether they would be found again."""

from __future__ import annotations

from dataclasses import dataclass
from math import comb

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.choices.latent_class import LatentClasses, fit_latent_class
from analysis.choices.mixed_logit import fit_mixed_logit
from analysis.choices.mnl import NotConverged
from analysis.estimate import Estimate
from analysis.study import Study
from analysis.tables import Choices, check_choices

CLASSES = (1, 2, 3, 4)
SCALE_CLASSES = (1, 2)
STARTS, RESTARTS, SAMPLES, AGAIN = 4, 2, 6, 2
MOST = 600
"""Respondents, by lot, on whom the number of classes is chosen where there are more."""
LEAST = 10
"""Respondents that every class must have."""
STABLE = 0.65
"""Median adjusted Rand index of bootstrap samples below which classes are not used: .65 is
moderate recovery (Steinley 2004)."""
RANGE_DRAWS = 300
"""Halton draws a respondent of the range of tastes that segments are held against."""
MEMBERS = 200
"""Draws of everybody's class from the chances of belonging."""

Labels = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Tried:
    """One number of classes that was tried.

    ``found_again`` is the median adjusted Rand index of bootstrap samples with its range; None
    where it was not looked at. ``why_not`` says why the number was not taken.
    """

    classes: int
    scale_classes: int
    bic: float
    smallest: float
    starts_at_best: int
    starts: int
    found_again: Estimate | None
    why_not: str


@dataclass(frozen=True, slots=True, eq=False)
class Needs:
    """Needs segments.

    Attributes
    ----------
    fit
        The classes taken; one class: nothing to tell apart.
    segment
        Index respondent: the class of the highest chance, from 1 (the largest).
    certainty
        Mean chance of that class.
    over_draws
        Adjusted Rand index of classes drawn by the chances of belonging with ``segment``.
    tried
        By BIC, the lowest first, down to the one that was taken.
    bic_of_a_range
        BIC of a mixed logit with independent normal part-worths, of the same respondents: tastes
        that range without gaps. None where it cannot be fitted, or one class was taken.
    """

    fit: LatentClasses
    segment: pd.Series
    certainty: Estimate
    over_draws: Estimate
    tried: tuple[Tried, ...]
    bic_of_a_range: float | None

    @property
    def divides_a_range(self) -> bool:
        """Whether a range without gaps describes the choices better than these classes do."""
        return self.bic_of_a_range is not None and self.bic_of_a_range < self.tried[-1].bic


def needs_segments(study: Study, choices: Choices, *, seed: int) -> Needs:
    """Find needs segments from choices; part-worths are never clustered, because scale differs.

    One to four classes are fitted with one and with two scale classes. Of every number of classes
    the scale with the lower BIC stands; of these the one with the lowest BIC is taken that has ten
    respondents in every class and is found again: fitted anew to bootstrap samples of
    respondents, its classes agree with the first ones (of everybody) in a median adjusted Rand
    index of .65 or more. With more than 600 respondents the number is chosen on 600 by lot and
    then fitted to all. One class, always possible, means that no segments are supported.

    Cuts of a range of tastes can be found again too. Whether a range without gaps would describe
    the choices better is told by the BIC of a mixed logit beside that of the classes.

    Raises
    ------
    NotIdentified, NotConverged, ValueError
        When already one class cannot be fitted.
    """
    some = _by_lot(choices, seed)
    tried: list[Tried] = []
    for fit in sorted(_fits(study, some, seed), key=lambda fit: fit.bic):
        found = _judged(study, some, fit, seed)
        tried.append(found)
        if not found.why_not:
            break
    beside = _range(study, some) if fit.n_classes > 1 else None
    if some is not choices:
        fit = _to_all(study, choices, fit, seed)
    segment = pd.Series(
        fit.membership.argmax(axis=1) + 1, index=pd.Index(fit.respondents, name="respondent")
    )
    return Needs(
        fit, segment, _certainty(fit), _over_draws(fit, segment, seed), tuple(tried), beside
    )


def _range(study: Study, choices: Choices) -> float | None:
    """BIC of tastes that range normally; of respondents, as that of the classes."""
    try:
        fit = fit_mixed_logit(study, choices, n_draws=RANGE_DRAWS)
    except (NotConverged, ValueError):
        return None
    return float(-2 * fit.log_likelihood + len(fit.vector) * np.log(len(fit.respondents)))


def _by_lot(choices: Choices, seed: int) -> Choices:
    """The choices of at most 600 respondents; the same object when there are no more."""
    names = choices.frame["respondent"].unique()
    if len(names) <= MOST:
        return choices
    kept = np.random.default_rng([seed, 11]).choice(np.sort(names), size=MOST, replace=False)
    frame = choices.frame[choices.frame["respondent"].isin(kept)]
    return check_choices(frame.reset_index(drop=True), choices.exercise)


def _fits(study: Study, choices: Choices, seed: int) -> list[LatentClasses]:
    """The better scale of every number of classes; numbers that cannot be fitted stay out."""
    found = []
    for classes in CLASSES:
        both = []
        for scale in SCALE_CLASSES if classes > 1 else (1,):
            try:
                both.append(_fit(study, choices, (classes, scale), STARTS, seed))
            except (NotConverged, ValueError):
                if classes == 1:
                    raise
        if both:
            found.append(min(both, key=lambda fit: fit.bic))
    return found


def _fit(
    study: Study, choices: Choices, number: tuple[int, int], starts: int, seed: int
) -> LatentClasses:
    classes, scale = number
    return fit_latent_class(
        study, choices, classes=classes, scale_classes=scale, starts=starts, seed=seed
    )


def _to_all(study: Study, choices: Choices, some: LatentClasses, seed: int) -> LatentClasses:
    """The chosen number fitted to everybody: begun at the classes of the 600, and at random."""
    return fit_latent_class(
        study,
        choices,
        classes=some.n_classes,
        scale_classes=len(some.mixture.scales),
        starts=AGAIN,
        near=some.mixture,
        seed=seed,
    )


def _judged(study: Study, choices: Choices, fit: LatentClasses, seed: int) -> Tried:
    counts = np.bincount(fit.membership.argmax(axis=1), minlength=fit.n_classes)
    why, again = "", None
    if fit.n_classes > 1 and counts.min() < LEAST:
        why = f"a class has {counts.min()} respondents, fewer than {LEAST}"
    elif fit.n_classes > 1:
        again = _found_again(study, choices, fit, seed)
        if not again.available:
            why = again.reason or ""
        elif (again.value or 0) < STABLE:
            why = f"not found again in other samples: agreement {again.value:.2f}, below {STABLE}"
    return Tried(
        classes=fit.n_classes,
        scale_classes=len(fit.mixture.scales),
        bic=fit.bic,
        smallest=float(fit.mixture.shares.min()),
        starts_at_best=fit.starts_at_best,
        starts=len(fit.log_likelihoods),
        found_again=again,
        why_not=why,
    )


def _found_again(study: Study, choices: Choices, fit: LatentClasses, seed: int) -> Estimate:
    """Classes of bootstrap samples against the classes of the whole sample."""
    method = f"adjusted Rand index; median and range of {SAMPLES} bootstrap samples"
    rng = np.random.default_rng([seed, fit.n_classes, 17])
    own = dict(zip(fit.respondents, fit.membership.argmax(axis=1), strict=True))
    rows = {str(n): part for n, part in choices.frame.groupby("respondent", sort=False)}
    number = (fit.n_classes, len(fit.mixture.scales))
    agreements = []
    for sample in range(SAMPLES):
        drawn = rng.choice(np.array(fit.respondents), size=len(fit.respondents))
        parts = [rows[name].assign(respondent=f"{place:06d}") for place, name in enumerate(drawn)]
        frame = pd.concat(parts, ignore_index=True)
        try:
            resampled = check_choices(frame, choices.exercise)
            other = _fit(study, resampled, number, RESTARTS, seed + sample + 1)
        except (NotConverged, ValueError):
            agreements.append(0.0)
            continue
        then = other.membership.argmax(axis=1)
        now = np.array([own[drawn[int(name)]] for name in other.respondents])
        agreements.append(adjusted_rand(now, then))
    return Estimate(
        value=float(np.median(agreements)),
        low=min(agreements),
        high=max(agreements),
        n=fit.n_respondents,
        method=method,
        unit="agreement",
    )


def adjusted_rand(first: Labels, second: Labels) -> float:
    """Agreement of two partitions beyond chance (Hubert and Arabie 1985): 1 equal, 0 chance."""
    if len(first) != len(second):
        raise ValueError("two partitions of different people cannot be compared")
    table = pd.crosstab(np.asarray(first), np.asarray(second)).to_numpy()
    together = sum(comb(int(n), 2) for n in table.ravel())
    rows = sum(comb(int(n), 2) for n in table.sum(axis=1))
    columns = sum(comb(int(n), 2) for n in table.sum(axis=0))
    pairs = comb(len(first), 2)
    expected = rows * columns / pairs if pairs else 0.0
    most = (rows + columns) / 2
    return 1.0 if most == expected else (together - expected) / (most - expected)


def _certainty(fit: LatentClasses) -> Estimate:
    best = fit.membership.max(axis=1)
    low, high = np.quantile(best, [0.025, 0.975])
    mean = float(best.mean())
    return Estimate(
        value=mean,
        low=min(float(low), mean),
        high=max(float(high), mean),
        n=fit.n_respondents,
        method="mean chance of the likeliest class; middle 95 % of respondents",
        unit="share",
    )


def _over_draws(fit: LatentClasses, segment: pd.Series, seed: int) -> Estimate:
    rng = np.random.default_rng([seed, 23])
    ends = fit.membership.cumsum(axis=1)
    now = segment.to_numpy() - 1
    found = [
        adjusted_rand(now, np.minimum((rng.random((len(ends), 1)) > ends).sum(axis=1),
                                      fit.n_classes - 1))
        for _ in range(MEMBERS)
    ]  # fmt: skip
    low, middle, high = np.quantile(found, [0.025, 0.5, 0.975])
    return Estimate(
        value=float(middle),
        low=float(low),
        high=float(high),
        n=fit.n_respondents,
        method=f"adjusted Rand index of {MEMBERS} draws of everybody's class; middle 95 %",
        unit="agreement",
    )
