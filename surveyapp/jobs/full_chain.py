"""The full chain tried: bots with known part-worths walk the real pages, and are estimated.

It happens in an installation of its own that is thrown away, so that no bot stands among the
respondents of the real one.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from analysis.customer_key import customer_key
from analysis.study import Study, dump_study
from surveyapp import clock
from surveyapp.jobs.designing import tasks_of_draft
from surveyapp.jobs.progress import JobFault, Progress
from surveyapp.jobs.publish import designed_tasks
from surveyapp.settings import Settings, read_settings
from surveyapp.store import Store, designs, migrate, respondents, studies
from surveyapp.store.records import DesignRecord
from surveyapp.studies.invitations import Terms, make_personal

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from analysis.archive import Archive
    from analysis.choices.partworths import PartWorths
    from analysis.rehearsal.person import PlantedPerson

MOST_PROCESSES = 4
BY = "rehearsal"


@dataclass(frozen=True, slots=True, eq=False)
class _Walked:
    """What the bots left: the archive, the bot behind each respondent, the tasks shown."""

    archive: Archive
    owners: dict[str, PlantedPerson]
    tasks: pd.DataFrame


@dataclass(frozen=True, slots=True)
class Compared:
    """A part-worth as estimated, its standard error, and what it should be."""

    attribute: str
    level: str
    limit: float
    logit: float
    logit_se: float
    planted: float
    hb: float
    hb_sd: float


@dataclass(frozen=True, slots=True)
class FullChain:
    """What came back from the walk.

    Attributes
    ----------
    bots, completed, choices
        Bots sent, those that reached the end, and choices in the archive.
    altered
        Choices in the archive that are not what the bot chose from the alternatives shown.
    rows
        The aggregate logit against its own limit, hierarchical Bayes against the planted means.
    logit_distance, hb_distance
        Chance of a distance to the truth as large as this (chi-square with K degrees).
    hb_final
        Whether the chains of hierarchical Bayes agreed.
    """

    bots: int
    completed: int
    choices: int
    altered: int
    rows: tuple[Compared, ...]
    logit_distance: float
    hb_distance: float
    hb_final: bool


def walk_and_compare(
    study: Study,
    *,
    bots: int,
    seed: int,
    progress: Progress,
    processes: int | None = None,
    drafted: Sequence[DesignRecord] = (),
) -> FullChain:
    """Publish a study in a scratch installation, let bots answer, estimate from its archive.

    ``drafted``: the designs kept with the draft.

    Raises
    ------
    JobFault
        When fewer bots completed than there are part-worths.
    RehearsalFault
        When the exercise cannot be rehearsed.
    """
    from analysis.choices.coding import coding_of
    from analysis.rehearsal.person import planted_people
    from analysis.rehearsal.population import population_of

    coding = coding_of(study, study.choice_exercise())
    people = planted_people(study, population_of(coding), bots, seed=seed)
    wanted = processes or min(os.cpu_count() or 1, MOST_PROCESSES)
    with tempfile.TemporaryDirectory(prefix="surveyapp-rehearsal-") as folder:
        walked = _walked(Path(folder), study, people, wanted, progress, drafted)
    return _compare(study, walked, seed, progress)


def _walked(
    folder: Path,
    study: Study,
    people: tuple[PlantedPerson, ...],
    processes: int,
    progress: Progress,
    drafted: Sequence[DesignRecord],
) -> _Walked:
    from analysis.archive import read_archive
    from surveyapp.bots import Visit, walk_all
    from surveyapp.jobs.analyse import write_frozen

    settings = _scratch(folder)
    store = Store(settings.database_url)
    try:
        migrate.prepare(store)
        version, paths = _published(settings, store, study, people, progress, drafted)
        judged = study.choice_exercise().id
        tasks, _ = tasks_of_draft(store, study, judged, by=BY, progress=progress)
        visits = [Visit(paths[person.name], person) for person in people]
        for done in walk_all(settings, study, visits, processes=processes):
            progress("Bots answer on the real pages", done, len(visits))
        path = folder / "archive.sqlite"
        write_frozen(settings, store, study.study, version, path=path, as_of=None, seed=1)
        keys = {customer_key(person.name, settings.customer_key): person for person in people}
        with store.read() as c:
            found = respondents.of_study(c, study.study)
            owners = {one.respondent: keys[one.customer] for one in found if one.customer}
        return _Walked(read_archive(path), owners, tasks)
    finally:
        store.close()


def _scratch(folder: Path) -> Settings:
    """Settings of an installation in a folder, whatever the environment names."""
    found = read_settings(folder)
    return replace(found, values={**found.values, "DATABASE_URL": "", "FILES": ""})


def _published(
    settings: Settings,
    store: Store,
    study: Study,
    people: tuple[PlantedPerson, ...],
    progress: Progress,
    drafted: Sequence[DesignRecord],
) -> tuple[int, dict[str, str]]:
    """Version and the paths of personal links; no gate, for nobody real is asked."""
    definition, at = dump_study(study), clock.now()
    with store.write() as c:
        studies.save_draft(c, study.study, study.title.say(), definition, at=at)
        for record in drafted:
            designs.keep(c, record)
    made, made_by = designed_tasks(store, study, by=BY, progress=progress)
    with store.write() as c:
        version = studies.publish(c, study.study, definition, made, by=BY, at=at, made_by=made_by)
        names = [person.name for person in people]
        rows = make_personal(
            c, study.study, names, Terms(run_kind="bot"), key=settings.customer_key, base_url=""
        )
    return version, {row.customer: row.address for row in rows}


def _compare(study: Study, walked: _Walked, seed: int, progress: Progress) -> FullChain:
    from analysis.choices.coding import coding_of
    from analysis.choices.hb import fit_hb
    from analysis.choices.mnl import fit_mnl
    from analysis.rehearsal.laid_out import lay_out
    from analysis.rehearsal.population import PLANTED, population_of
    from analysis.rehearsal.repeats import EVEN
    from analysis.tables import check_choices

    exercise, archive, owners = study.choice_exercise(), walked.archive, walked.owners
    done = archive.respondents[archive.respondents["ended"] == "complete"]
    frame = archive.choices[exercise.id]
    frame = frame[frame["respondent"].isin(done["respondent"])]
    coding = coding_of(study, exercise)
    if len(done) <= coding.width:
        raise JobFault(
            f"{len(done)} of {len(owners)} bots completed the study, too few for {coding.width} "
            "part-worths. Send more, or look at the conditions that screen people out."
        )
    choices = check_choices(frame, exercise)
    progress("Estimating", 0, 0)
    logit, hb = fit_mnl(study, choices), fit_hb(study, choices, seed=seed)
    population = population_of(coding)
    laid = lay_out(coding, walked.tasks)
    limit = laid.limit(population.spread_evenly(EVEN, PLANTED, seed=seed), len(done))
    return FullChain(
        bots=len(owners),
        completed=len(done),
        choices=int((frame["chosen"] == 1).sum()),
        altered=_altered(frame, owners),
        rows=_rows(logit, hb, limit, population.mean),
        logit_distance=_distance(logit, limit, "cluster"),
        hb_distance=_distance(hb, population.mean, "posterior"),
        hb_final=hb.converged,
    )


def _altered(frame: pd.DataFrame, owners: Mapping[str, PlantedPerson]) -> int:
    """Choices that a bot would not make from what the archive says was shown, as it stood there."""
    from analysis.tables import BOUGHT, POSITION

    altered = 0
    for _, task in frame.groupby(["respondent", "task"]):
        person = owners[str(task["respondent"].iloc[0])]
        exercise = person.coding.exercise
        names = list(exercise.columns)
        stood = task.sort_values(POSITION if POSITION in task else "alternative")
        levels = stood[names].dropna(how="all").astype(str).to_numpy()
        shown = [dict(zip(names, row, strict=True)) for row in levels]
        same = person.choose(exercise, shown) == stood["chosen"].to_numpy().argmax() + 1
        if exercise.is_dual:
            same &= person.buys(exercise, shown) == (stood[BOUGHT] == 1).all()
        altered += not same
    return altered


def _rows(
    logit: PartWorths,
    hb: PartWorths,
    limit: NDArray[np.float64],
    planted: NDArray[np.float64],
) -> tuple[Compared, ...]:
    from analysis.choices.partworths import level_worths

    _, contrasts = logit.coding.level_rows()
    pairs = zip(contrasts, level_worths(logit), level_worths(hb, "posterior"), strict=True)
    return tuple(
        Compared(
            one.attribute,
            one.level,
            float(row @ limit),
            one.part_worth,
            one.se,
            float(row @ planted),
            other.part_worth,
            other.se,
        )
        for row, one, other in pairs
    )


def _distance(fitted: PartWorths, truth: NDArray[np.float64], covariance: str) -> float:
    import numpy as np
    from scipy.stats import chi2

    away = fitted.coefficients - truth
    spread = fitted.covariances[covariance]  # type: ignore[index]
    return float(chi2.sf(away @ np.linalg.solve(spread, away), len(away)))
