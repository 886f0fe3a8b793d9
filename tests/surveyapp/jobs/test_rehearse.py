"""The gate: a study that cannot reach its targets is published only for a written reason."""

import pytest

from analysis.rehearsal import run, words
from analysis.rehearsal.laid_out import RehearsalFault
from analysis.study import dump_study, parse_study, read_study
from analysis.study.types import Plan
from surveyapp.jobs import publish, rehearse
from surveyapp.jobs.freeze import FreezeAs, collect, freeze
from surveyapp.jobs.progress import JobFault
from surveyapp.store import images, rehearsals, studies
from tests import builders

REASON = "Only sixty customers exist, and all of them are asked."


@pytest.fixture
def app(tmp_path, monkeypatch):
    monkeypatch.setattr(rehearse, "REPEATS", 10)
    made = builders.make_app(tmp_path)
    yield made
    builders.close(made)


def publishing(app, study, **more):
    store = builders.store_of(app)
    with store.write() as c:
        studies.save_draft(c, study.study, study.title.say(), dump_study(study), at="2026-01-01")
    arguments = {"by": "me", "import_only": False, "progress": lambda *_: None, **more}
    return publish.publish(store, study, dump_study(study), **arguments)


def version(app, study, number=1):
    with builders.store_of(app).read() as c:
        return studies.version(c, study, number)


def test_a_study_that_reaches_its_targets_is_published_and_keeps_its_rehearsal(app):
    study = builders.pastry()
    assert publishing(app, study) == 1
    with builders.store_of(app).read() as c:
        record = rehearsals.newest(c, "pastry", dump_study(study))
    assert record.verdict in ("reached", "close")
    assert version(app, "pastry").despite is None


def test_a_study_that_cannot_is_refused_with_the_reason_and_the_number_it_needs(app):
    with pytest.raises(JobFault) as refused:
        publishing(app, builders.tight_study())
    said = str(refused.value)
    assert "With 60 respondents this study cannot reach its targets" in said
    assert "complete respondents reach all targets" in said
    assert "written reason" in said
    assert version(app, "tight") is None


def test_the_researcher_s_reason_is_kept_and_reaches_the_report(app, tmp_path):
    study = builders.tight_study()
    assert publishing(app, study, despite=f"  {REASON}\n") == 1
    assert version(app, "tight").despite == REASON
    frozen = freeze(collect(builders.store_of(app), "tight", 1), FreezeAs(tmp_path, None, 1, ""))
    assert frozen.facts["published_despite"] == REASON
    from analysis.value_report.used import used_rows

    assert any(REASON in warning for warning in used_rows(frozen).warnings)


@pytest.mark.parametrize("reason", ["", "  ", "because"])
def test_a_reason_that_says_nothing_is_refused(app, reason):
    with pytest.raises(JobFault, match="in a sentence"):
        publishing(app, builders.tight_study(), despite=reason)


def test_a_reason_is_not_kept_where_none_is_needed(app):
    publishing(app, builders.pastry(), despite=REASON)
    assert version(app, "pastry").despite is None


def test_a_rehearsal_that_is_kept_is_not_made_again(app, monkeypatch):
    builders.save_rehearsed(app, builders.tight_study())
    monkeypatch.setattr(rehearse, "rehearse_and_keep", None)
    with pytest.raises(JobFault, match="cannot reach"):
        publishing(app, builders.tight_study())


def test_what_cannot_be_rehearsed_is_refused_too(app):
    few = dump_study(builders.pastry()).replace('"respondents": 360', '"respondents": 5')
    with pytest.raises(JobFault, match="cannot be rehearsed: 5 respondents are too few"):
        publishing(app, parse_study(few))


def test_versions_for_imported_answers_and_studies_without_exercises_are_exempt(app, monkeypatch):
    monkeypatch.setattr(rehearse, "rehearse_and_keep", None)
    assert publishing(app, builders.tight_study(), import_only=True) == 1
    consent = "  - {id: a, questions: [{id: c, kind: consent, text: 'Do you?'}]}\n"
    assert publishing(app, builders.small_study(consent)) == 1


def test_best_worst_sets_and_rated_profiles_are_exempt_and_said(app, monkeypatch):
    everything = read_study(builders.ALL_KINDS)
    monkeypatch.setattr(rehearse, "rehearse_and_keep", None)
    kept = {"matters", "breakfast"}
    only = everything.model_copy(
        update={
            "exercises": tuple(e for e in everything.exercises if e.id in kept),
            "pages": tuple(p for p in everything.pages if p.exercise in (None, *kept)),
            "analysis": Plan(),
        }
    )
    for name in only.images():
        with builders.store_of(app).write() as c:
            studies.save_draft(c, only.study, "All", dump_study(only), at="2026-01-01")
            images.add(c, only.study, name, (builders.IMAGES / name).read_bytes(), at="2026-01-01")
    assert publishing(app, only) == 1
    assert words.unrehearsed(only) == (
        "Not rehearsed: 'matters' (best-worst sets), 'breakfast' (rated profiles). Nothing says "
        "whether the respondents planned are enough for them."
    )
    with pytest.raises(RehearsalFault, match="reports no choice exercise"):
        run.rehearse(only, n=100)


def test_a_rehearsal_says_which_exercises_it_did_not_try(app):
    everything = read_study(builders.ALL_KINDS)
    found = run.rehearse(everything, n=400, repeats=2, worlds=False)
    said = words.sentences(found)[-1]
    assert said.startswith("Not rehearsed: 'coffee' (choices), 'matters'")
    assert "'cake'" not in said


def test_a_job_of_rehearsing_keeps_one_rehearsal(app, tmp_path, monkeypatch):
    from surveyapp.jobs import queue

    monkeypatch.setattr(rehearse, "HB_REPEATS", 0)
    study, store = builders.tight_study(), builders.store_of(app)
    with store.write() as c:
        studies.save_draft(c, "tight", "Tight", dump_study(study), at="2026-01-01")
    job = queue.rehearse(store, "tight", dump_study(study))
    assert queue.rehearse(store, "tight", dump_study(study)).job == job.job
    for _ in range(2):
        rehearse.run(builders.make_settings(tmp_path), store, job, lambda *_: None)
    with store.read() as c:
        assert rehearsals.get(c, job.job).verdict == "missed"
        assert rehearsals.newest(c, "tight").rehearsal == job.job
