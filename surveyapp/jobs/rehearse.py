"""Rehearsing a draft, and the gate that asks for it before a study is published."""

from __future__ import annotations

from analysis.rehearsal import words
from analysis.study import Study, parse_study
from surveyapp import clock, tokens
from surveyapp.jobs.designing import planned, tasks_of_draft
from surveyapp.jobs.progress import JobFault, Progress
from surveyapp.settings import Settings
from surveyapp.store import Store, designs, rehearsals
from surveyapp.store.records import JobRecord, RehearsalRecord

REPEATS = 100
HB_REPEATS = 2
SHORTEST_REASON = 10
LONGEST_REASON = 2000
"""Characters of a reason."""
CANNOT = "The study cannot be rehearsed"
"""How the refusal of a study begins that no simulated respondents can try."""


def run(_settings: Settings, store: Store, job: JobRecord, progress: Progress) -> None:
    """Run a job of the kind 'rehearse'; run again after a crash, it keeps one rehearsal."""
    with store.read() as c:
        if rehearsals.get(c, job.job):
            return
    definition = job.settings["definition"]
    from analysis.rehearsal.laid_out import RehearsalFault

    try:
        rehearse_and_keep(store, job.job, definition, whole=True, progress=progress)
    except RehearsalFault as fault:
        raise JobFault(f"{CANNOT}: {fault}") from None


def rehearse_and_keep(
    store: Store, name: str, definition: str, *, whole: bool, progress: Progress
) -> RehearsalRecord:
    """Rehearse the exercise that a definition's plan reports, and keep what came out.

    ``whole``: with the other worlds and hierarchical Bayes, which the gate does not need.

    Raises
    ------
    RehearsalFault, DesignImpossible
        When it cannot be rehearsed.
    DesignFaults
        When an uploaded design does not fit the study any more.
    """
    from analysis.rehearsal.run import rehearse

    study = parse_study(definition)
    judged = study.choice_exercise().id
    tasks = None
    if judged in [page.exercise for page in study.pages]:
        tasks = tasks_of_draft(store, study, judged, by="rehearsal", progress=progress)[0]
    with store.read() as c:
        files = designs.uploaded(c, study.study)
    found = rehearse(
        study,
        n=planned(study),
        design=tasks,
        repeats=REPEATS,
        hb_repeats=HB_REPEATS if whole else 0,
        worlds=whole,
        progress=progress,
    )
    record = RehearsalRecord(
        rehearsal=name,
        study=study.study,
        digest=rehearsals.digest_of(definition, files),
        created=clock.now(),
        verdict=words.verdict(found),
        document=found.model_dump_json(),
    )
    with store.write() as c:
        rehearsals.add(c, record)
    return record


def is_rehearsed(study: Study) -> bool:
    """Whether a study must be rehearsed: its plan reports choices that respondents make.

    Best-worst sets and rated profiles cannot be rehearsed (``words.unrehearsed`` says so).
    """
    return study.rehearsed_exercise() is not None


def pass_gate(
    store: Store, study: Study, definition: str, despite: str | None, progress: Progress
) -> str | None:
    """The gate: a study that cannot reach its targets is published only for a written reason.

    A draft without a rehearsal is rehearsed now, only for its targets. Returns the reason
    where one was needed, else None.

    Raises
    ------
    JobFault
        When the rehearsal missed the targets and there is no reason, with the two ways on; or
        when the reason says nothing.
    """
    reason = None if despite is None else written_reason(despite)
    refusal = _refusal(store, study, definition, progress)
    if refusal and reason is None:
        raise JobFault(
            f"{refusal}\nNothing was published. Change the design, the targets or the respondents "
            "planned, or publish it all the same with a written reason, which is kept (on the "
            "rehearsal's page, or --despite REASON)."
        )
    return reason if refusal else None


def _refusal(store: Store, study: Study, definition: str, progress: Progress) -> str:
    """Why a definition is refused; empty when it is not."""
    from analysis.rehearsal.laid_out import RehearsalFault
    from analysis.rehearsal.types import Rehearsal

    with store.read() as c:
        record = rehearsals.newest(c, study.study, definition)
    if record is None:
        name = tokens.new_id()
        try:
            record = rehearse_and_keep(store, name, definition, whole=False, progress=progress)
        except RehearsalFault as fault:
            return f"{CANNOT}: {fault}"
    return words.shortfall(Rehearsal.model_validate_json(record.document))


def written_reason(sent: str) -> str:
    """The reason for publishing against a rehearsal, tidied; JobFault when it says nothing."""
    reason = " ".join(sent.split())
    if len(reason) < SHORTEST_REASON:
        raise JobFault("Write the reason in a sentence: it is kept and shown with the study.")
    return reason[:LONGEST_REASON]
