"""Priors of an exercise in the columns of its coding, and draws from them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import norm, qmc

from analysis.choices.coding import Coding, Floats
from analysis.study import ChoiceExercise
from analysis.study.design_checks import worth_names


@dataclass(frozen=True, slots=True)
class Priors:
    """What is expected of the part-worths, on the K columns of a coding.

    Attributes
    ----------
    mean
        (K,), logit units.
    covariance
        (K, K); zero where no standard deviation was stated.
    """

    mean: Floats
    covariance: Floats

    @property
    def sd(self) -> Floats:
        """(K,) standard deviations of the columns."""
        return np.sqrt(np.diag(self.covariance))

    @property
    def uncertain(self) -> bool:
        """Whether any part-worth has a standard deviation."""
        return bool((np.diag(self.covariance) > 0).any())

    def draws(self, count: int, *, seed: int, even: bool = False) -> Floats:
        """Draws (count, K); ``even`` spreads them (scrambled Sobol points), else they are random.

        Even draws serve the search, random ones of another seed its judgement.
        """
        values, vectors = np.linalg.eigh(self.covariance)
        kept = values > 1e-12 * max(values.max(), 1e-300)
        root = vectors[:, kept] * np.sqrt(values[kept])
        width = root.shape[1]
        if even and width:
            points = qmc.Sobol(width, seed=np.random.default_rng(seed)).random_base2(
                int(np.ceil(np.log2(count)))
            )
            standard = norm.ppf(np.clip(points[:count], 1e-12, 1 - 1e-12))
        else:
            standard = np.random.default_rng(seed).standard_normal((count, width))
        found: Floats = self.mean + standard @ root.T
        return found


def priors_of(exercise: ChoiceExercise, coding: Coding) -> Priors:
    """The priors stated with an exercise; what is not stated is 0 without doubt.

    Means of the levels of an attribute count up to a constant: they are centred, as its
    part-worths are. A standard deviation is that of every part-worth, the reference level
    included: with one ``sd`` for L levels the part-worths have the covariance
    sd^2 (I - 11'/L) L / (L - 1). The cells of an interaction are centred both ways alike.

    Raises
    ------
    ValueError
        When different ``sds`` cannot belong to part-worths that add up to zero.
    """
    mean, covariance = np.zeros(coding.width), np.zeros((coding.width, coding.width))
    labels, rows = coding.level_rows()
    for name, prior in exercise.priors.items():
        own = [n for n, label in enumerate(labels) if label.attribute == name]
        places = coding.places(name)
        contrasts = rows[own, places]
        names = worth_names(exercise, name) or ("",)
        inverse = np.linalg.pinv(contrasts)
        given = prior.means or dict.fromkeys(names, prior.mean or 0.0)
        mean[places] = inverse @ np.array([given[n] for n in names])
        spread = prior.sds or dict.fromkeys(names, prior.sd or 0.0)
        wanted = np.array([spread[n] for n in names]) ** 2
        projection = (contrasts @ inverse) ** 2
        variances = np.linalg.lstsq(projection, wanted)[0]
        reached = projection @ variances
        if (variances < -1e-9 * wanted.max()).any() or not np.allclose(reached, wanted):
            raise ValueError(
                f"priors of '{name}': no part-worths that add up to zero have these standard "
                "deviations, one is too large beside the others. Bring the 'sds' nearer to each "
                "other, or use one 'sd'."
            )
        covariance[places, places] = (inverse * np.maximum(variances, 0)) @ inverse.T
    return Priors(mean, covariance)


def worths_by_level(coding: Coding, priors: Priors) -> list[Floats] | None:
    """How good each level of each attribute is, in any unit; None when that is not known of all.

    The order of levels is that of ``preference``, else of the prior means.
    """
    worths: list[Floats] = []
    for attribute in coding.exercise.attributes:
        places = coding.places(attribute.id)
        if attribute.preference:
            sign = 1 if attribute.preference == "increasing" else -1
            worths.append(sign * np.arange(len(attribute.levels), dtype=float))
        elif priors.mean[places].any():
            worths.append(np.round(coding.table(attribute) @ priors.mean[places], 9))
        else:
            return None
    return worths
