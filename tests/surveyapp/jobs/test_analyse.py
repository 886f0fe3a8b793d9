"""The analysis job: what it leaves in the folder of its run, and the same again."""

import json
from datetime import date

import numpy as np
import pandas as pd
import pytest

from analysis.archive import write_archive
from analysis.choices.simulator.exponent import NOT_SAVED, Exponent, read_exponent
from analysis.synthetic.archive_of import archive_of
from analysis.synthetic.pastry import pastry_company
from surveyapp.jobs import analyse, queue
from surveyapp.reports import run_files
from surveyapp.store import Store, migrate, reports, studies
from tests import builders

FITTED = {*run_files.DOWNLOADS, run_files.PAGE, "report.json"}


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """Settings, store, two jobs over the same archive, and what the first said."""
    settings = builders.make_settings(tmp_path_factory.mktemp("instance"))
    store = Store(settings.database_url)
    migrate.prepare(store)
    study = builders.pastry()
    company = pastry_company(study, seed=3, today=date(2026, 11, 22), buyers=100, respondents=60)
    archive = archive_of(company, study)
    with store.write() as c:
        studies.save_draft(c, "pastry", "Pastry", "", at="2026-01-01T00:00:00.000Z")
    said, made = [], []
    for day in ("2026-11-22", "2026-11-23"):
        job = queue.analyse(store, "pastry", 1, as_of=day)
        path = settings.files / analyse.archive_name(job)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_archive(path, archive)
        analyse.run(settings, store, job, lambda *step: said.append(step))
        made.append(job)
    yield settings, store, made, said
    store.close()


def test_the_run_keeps_everything_that_was_made(ran):
    settings, store, (job, _), said = ran
    folder = run_files.folder_of(settings, job.job)
    assert {path.name for path in folder.iterdir()} >= FITTED
    assert ("Drawing everybody's part-worths", 4800, 4800) in said
    with store.read() as c:
        record = reports.get(c, job.job)
    assert run_files.downloads(settings, record) == run_files.DOWNLOADS
    found, charts = run_files.diagnostics_of(settings, record)
    assert len(charts) == len(found.traces) + 1
    assert found.estimator == "hb"


def test_the_report_of_the_demo_has_rivals_and_purchases_in_it(ran):
    settings, _, (job, _), _ = ran
    report = json.loads((run_files.folder_of(settings, job.job) / "report.json").read_text())
    sections = {section["id"]: section for section in report["sections"]}
    kiosk, coffee, average = sections["relative_value"]["tables"]
    assert "less The station kiosk" in kiosk["caption"]
    assert "less The coffee house" in coffee["caption"]
    figures = [row[0] for row in average["rows"]]
    assert figures[0] == "Benefits less costs"
    assert "Price felt as a burden" in figures
    tables = {table["id"]: table for table in sections["stated_bought"]["tables"]}
    named = {row[0] for row in tables["calibration"]["rows"]}
    assert named >= {"Scale of the part-worths", "Constant of gift_bun", "Constant of plain_bun"}


def test_draws_are_named_and_agree_with_the_part_worths(ran):
    settings, _, (job, _), _ = ran
    folder = run_files.folder_of(settings, job.job)
    draws = np.load(folder / "draws.npy", mmap_mode="r", allow_pickle=False)
    names = json.loads((folder / "draws.json").read_text())
    assert read_exponent(folder) != Exponent(reason=NOT_SAVED)
    assert draws.dtype == np.float32
    assert draws.shape == (1000, len(names["respondents"]), len(names["columns"]))
    individual = pd.read_parquet(folder / "individual.parquet")
    assert list(individual["respondent"]) == names["respondents"]
    price = draws[:, :, names["columns"].index("price")].mean(axis=0, dtype=float)
    assert individual["price"].to_numpy() == pytest.approx(price, abs=1e-4)
    people = json.loads((folder / "people.json").read_text())
    assert people["weights"] is None
    visits = people["segments"]["How often do you buy from us?"]
    assert len(visits) == len(names["respondents"])
    assert names["final"] is json.loads((folder / "diagnostics.json").read_text())["converged"]


def test_the_same_archive_and_seed_leave_the_same_numbers(ran):
    settings, _, jobs, _ = ran
    one, other = (run_files.folder_of(settings, job.job) for job in jobs)
    # CPU seconds are the one thing that differs.
    for name in sorted(FITTED - {"diagnostics.json", "report.json"}):
        assert (one / name).read_bytes() == (other / name).read_bytes(), name
    # The second report says besides what has changed since the first.
    first, second = (json.loads((f / "report.json").read_text()) for f in (one, other))
    assert second["sections"].pop(0)["id"] == "changes"
    assert [m for m in second.pop("methods") if m["id"] != "changes"] == first.pop("methods")
    assert first == second
