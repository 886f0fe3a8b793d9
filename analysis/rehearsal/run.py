"""``rehearse``: a study tried on simulated respondents, and whether it reaches its targets."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from importlib import metadata

import numpy as np
import pandas as pd

from analysis.choices.beliefs import beliefs_of
from analysis.choices.coding import coding_of
from analysis.choices.design import make_tasks
from analysis.choices.hb import Settings, fit_hb
from analysis.choices.holdout import tasks_of
from analysis.choices.identification import NotIdentified
from analysis.choices.partworths import PartWorths, level_worths
from analysis.choices.willingness_to_pay import money_unit
from analysis.rehearsal import words
from analysis.rehearsal.laid_out import LaidOut, RehearsalFault, lay_out
from analysis.rehearsal.population import PLANTED, population_of, worlds_of
from analysis.rehearsal.repeats import Progress, Setting, mean_of, rehearse_world
from analysis.rehearsal.sample_size import needed_for, rules_of_thumb
from analysis.rehearsal.types import Hierarchical, HierarchyRow, Outcome, Rehearsal
from analysis.study import Study
from analysis.study.types import Targets
from analysis.tables import Choices

MOST_TASKS = 600_000
"""Choice tasks that a check at the answer may simulate in all; it takes fewer repeats then."""
FEWEST_REPEATS = 20
NOTHING_TO_TRY = (
    "The plan reports no choice exercise, and best-worst sets and rated profiles cannot be "
    "rehearsed: nothing says beforehand how many respondents they need"
)
HB_SETTINGS = Settings(kept=500)


def rehearse(
    study: Study,
    *,
    n: int,
    repeats: int = 100,
    seed: int = 1,
    design: pd.DataFrame | None = None,
    hb_repeats: int = 0,
    worlds: bool = True,
    progress: Progress = lambda *_: None,
) -> Rehearsal:
    """Try a study on simulated respondents.

    Parameters
    ----------
    study
        The priors of the exercise that its plan reports (or a convention) say how people choose,
        its targets what the study must be able to tell.
    n, repeats
        Respondents of a simulated study, and how many studies are simulated.
    seed
        Same study, same seed: same figures.
    design
        Tasks to use instead of those of the study (block, task, alternative, role, levels).
    hb_repeats
        In how many studies hierarchical Bayes is fitted too.
    worlds
        Whether the worlds that the estimator does not share are rehearsed too.

    Raises
    ------
    RehearsalFault
        When the exercise cannot be rehearsed: too few respondents, no levels, a design that
        cannot tell the part-worths apart.
    DesignImpossible
        When no tasks can be made.
    """
    started = time.process_time()
    setting = _setting(study, design, n, seed, progress)
    if repeats < 2:
        raise RehearsalFault("A rehearsal needs at least 2 repeats; 100 give steady figures.")
    targets = setting.targets
    wanted = (PLANTED, *(worlds_of(setting.laid.coding) if worlds else ()))
    found = [
        rehearse_world(setting, world, n=n, repeats=repeats, progress=progress) for world in wanted
    ]
    check = _check(setting, found[0], repeats, progress)
    return Rehearsal(
        study=study.study,
        title=study.title.say(),
        exercise=setting.laid.coding.exercise.id,
        simulated_tasks=_tasks_in_words(setting.laid),
        unit=money_unit(setting.laid.coding),
        n=n,
        repeats=repeats,
        seed=seed,
        program=f"surveyapp {metadata.version('surveyapp')}",
        assumptions=setting.population.assumptions,
        half_width=targets.willingness_to_pay_half_width,
        smallest_difference=targets.smallest_difference,
        target_power=targets.power,
        planned=targets.respondents,
        main=found[0],
        worlds=tuple(found[1:]),
        hierarchical=_hierarchical(study, setting, n, hb_repeats, progress),
        needed=needed_for(check or found[0], targets),
        check=check,
        rules=rules_of_thumb(setting.laid, setting.population, targets),
        seconds=round(time.process_time() - started, 1),
        unrehearsed=words.unrehearsed(study),
    )


def _setting(
    study: Study, design: pd.DataFrame | None, n: int, seed: int, progress: Progress
) -> Setting:
    try:
        wanted = study.choice_exercise()
    except (KeyError, TypeError):
        raise RehearsalFault(NOTHING_TO_TRY) from None
    coding = coding_of(study, wanted)
    if n <= coding.width:
        raise RehearsalFault(
            f"{n} respondents are too few for {coding.width} part-worths: errors clustered by "
            f"respondent need more. Plan at least {coding.width + 1}."
        )
    try:
        population = population_of(coding)
    except ValueError as error:
        raise RehearsalFault(str(error)) from None
    progress("Making the choice tasks", 0, 0)
    laid = lay_out(coding, make_tasks(wanted) if design is None else design)
    return Setting(laid, population, study.analysis.targets or Targets(), seed)


def _tasks_in_words(laid: LaidOut) -> str:
    exercise = laid.coding.exercise
    estimation = int(laid.estimation[0].sum())
    none = {None: "without none", "single": "with none", "dual": "with a dual-response none"}
    return (
        f"{laid.blocks} blocks of {estimation} tasks"
        f"{f' and {laid.x.shape[1] - estimation} holdouts' if laid.x.shape[1] > estimation else ''}"
        f", {exercise.alternatives} alternatives "
        f"{none[exercise.none.response if exercise.none else None]}"
    )


def _check(setting: Setting, main: Outcome, repeats: int, progress: Progress) -> Outcome | None:
    """A simulation at the number that the first one asks for; None where it would be too long."""
    needed = needed_for(main, setting.targets)
    wanted = needed[-1].respondents.value if needed else None
    if wanted is None:
        return None
    n = max(math.ceil(wanted), setting.laid.coding.width + 1)
    tasks = int(setting.laid.estimation[0].sum())
    affordable = MOST_TASKS // (n * tasks)
    if affordable < FEWEST_REPEATS:
        return None
    return rehearse_world(
        setting, PLANTED, n=n, repeats=min(repeats, affordable), progress=progress
    )


def _hierarchical(
    study: Study, setting: Setting, n: int, repeats: int, progress: Progress
) -> Hierarchical | None:
    """Hierarchical Bayes on simulated studies of their own, against the planted means."""
    fits, rates = [], []
    seeds = np.random.SeedSequence([setting.seed, 0, n]).spawn(repeats)
    for number, own in enumerate(seeds):
        progress("Hierarchical Bayes", number, repeats)
        rng = np.random.default_rng(own)
        people = setting.population.draw(n, PLANTED, rng)
        choices = setting.laid.choices(setting.laid.answers(people, rng))
        try:
            fitted = fit_hb(study, choices, seed=setting.seed + number, settings=HB_SETTINGS)
        except NotIdentified as error:
            raise RehearsalFault(str(error)) from None
        fits.append(fitted)
        rates.append(_hits_of_draws(fitted, choices, setting.seed))
    if not fits:
        return None
    return Hierarchical(
        repeats=repeats,
        final=sum(f.converged for f in fits),
        worths=_hierarchy_rows(setting, fits),
        hit_rate=mean_of(np.array(rates)),
    )


def _hits_of_draws(fitted: PartWorths, choices: Choices, seed: int) -> float:
    """Share of holdouts hit by the chances averaged over draws; NaN without holdouts."""
    beliefs = beliefs_of(fitted, choices, seed=seed)
    tasks = tasks_of(beliefs.coding, choices, "holdout")
    if tasks is None:
        return math.nan
    predicted = tasks.predict(beliefs.points(tasks.people))
    return float(tasks.hits(predicted.chances).mean())


def _hierarchy_rows(setting: Setting, fits: Sequence[PartWorths]) -> tuple[HierarchyRow, ...]:
    labels, rows = setting.laid.coding.level_rows()
    found = [level_worths(fitted, "posterior") for fitted in fits]
    made = []
    for k, (label, row) in enumerate(zip(labels, rows, strict=True)):
        planted = float(row @ setting.population.mean)
        values = np.array([each[k].part_worth for each in found])
        errors = np.array([each[k].se for each in found])
        figure = mean_of(values)
        if figure.value is None:
            figure = figure.model_copy(update={"value": float(values.mean())})
        made.append(
            HierarchyRow(
                attribute=label.attribute,
                level=label.level,
                planted=planted,
                estimate=figure,
                posterior_sd=float(errors.mean()),
                inside=int((np.abs(values - planted) <= 1.96 * errors).sum()),
            )
        )
    return tuple(made)
