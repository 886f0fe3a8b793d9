"""Which alternatives and tasks may be shown: prohibitions, duplicates, dominance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.choices.coding import coding_in
from analysis.choices.design.efficiency import Levels
from analysis.choices.design.priors import priors_of, worths_by_level
from analysis.study import ChoiceExercise

Mask = NDArray[np.bool_]


class DesignImpossible(ValueError):
    """No tasks can keep to the rules of the exercise; the message says which and what to do."""


def label_place(exercise: ChoiceExercise) -> int | None:
    """The place of the attribute that labels the alternatives, or None."""
    ids = [a.id for a in exercise.attributes]
    return None if exercise.labelled_by is None else ids.index(exercise.labelled_by)


@dataclass(frozen=True, slots=True)
class Rules:
    """What every task of an exercise keeps to.

    Attributes
    ----------
    prohibited
        One table per prohibition: {attribute place: forbidden level places}.
    ranks
        Per attribute, how good each level is, by its preference or else by its prior means; None
        when an attribute has neither, or the design keeps dominated alternatives.
    """

    prohibited: tuple[dict[int, frozenset[int]], ...]
    ranks: tuple[NDArray[np.intp], ...] | None

    @staticmethod
    def of(exercise: ChoiceExercise) -> Rules:
        """The rules of an exercise."""
        places = {a.id: n for n, a in enumerate(exercise.attributes)}
        ids = [[level.id for level in a.levels] for a in exercise.attributes]
        prohibited = tuple(
            {
                places[name]: frozenset(ids[places[name]].index(level) for level in levels)
                for name, levels in prohibition.items()
            }
            for prohibition in exercise.prohibitions
        )
        return Rules(prohibited, _ranks(exercise))

    def allowed(self, levels: Levels) -> Mask:
        """Which tasks (tasks, alternatives, attributes) keep to all rules, (tasks,)."""
        return ~self.forbidden_profiles(levels).any(axis=1) & ~self._clashes(levels)

    def forbidden_profiles(self, levels: Levels) -> Mask:
        """Which alternatives are prohibited, (tasks, alternatives)."""
        found = np.zeros(levels.shape[:-1], dtype=bool)
        for prohibition in self.prohibited:
            hit = np.ones(levels.shape[:-1], dtype=bool)
            for attribute, forbidden in prohibition.items():
                hit &= np.isin(levels[..., attribute], list(forbidden))
            found |= hit
        return found

    def _clashes(self, levels: Levels) -> Mask:
        """Which tasks show an alternative twice, or one that is no better in anything."""
        found = np.zeros(len(levels), dtype=bool)
        count = levels.shape[1]
        if self.ranks is None:
            goodness = levels
        else:
            parts = [rank[levels[..., a]] for a, rank in enumerate(self.ranks)]
            goodness = np.stack(parts, axis=-1)
        for i in range(count):
            for j in range(count):
                if i == j:
                    continue
                if self.ranks is None:
                    found |= (goodness[:, i] == goodness[:, j]).all(axis=1)
                else:
                    found |= (goodness[:, i] >= goodness[:, j]).all(axis=1)
        return found

    def why_impossible(self, exercise: ChoiceExercise) -> str:
        """What to say when no task was found."""
        rules = ["no alternative twice in a task"]
        if self.prohibited:
            rules.append(f"{len(self.prohibited)} prohibitions")
        if exercise.labelled_by is not None:
            rules.append(f"each '{exercise.labelled_by}' at most once in a task")
        if exercise.design.varying is not None:
            rules.append(f"{exercise.design.varying} attributes that vary")
        if self.ranks is not None:
            rules.append("no alternative that is better in nothing (by 'preference' and 'priors')")
        return (
            f"exercise '{exercise.id}': no task of {exercise.alternatives} alternatives was found "
            f"that keeps to {' and '.join(rules)}. Ask for fewer alternatives, loosen the "
            "prohibitions, leave out the 'preference' of an attribute that not everybody orders "
            "alike, or set 'keep_dominated: true' in the design."
        )


def _ranks(exercise: ChoiceExercise) -> tuple[NDArray[np.intp], ...] | None:
    """The place of each level in the order of its attribute, or None; see ``Rules``."""
    stated = exercise.priors or all(a.preference for a in exercise.attributes)
    if exercise.design.keep_dominated or not stated:
        return None
    coding = coding_in("", exercise)
    worths = worths_by_level(coding, priors_of(exercise, coding))
    if worths is None:
        return None
    return tuple(np.unique(worth, return_inverse=True)[1] for worth in worths)
