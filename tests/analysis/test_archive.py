import sqlite3
from dataclasses import replace
from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from analysis.archive import NotAnArchive, digest, normalised, read_archive, write_archive
from analysis.study import read_study
from analysis.synthetic.archive_of import archive_of
from analysis.synthetic.pastry import pastry_company

STUDY = read_study(Path(__file__).parents[2] / "examples" / "pastry" / "study.yaml")


@pytest.fixture(scope="module")
def archive():
    company = pastry_company(STUDY, seed=3, today=date(2026, 11, 22), buyers=300, respondents=25)
    return archive_of(company, STUDY)


def test_what_was_written_is_read(archive, tmp_path):
    write_archive(tmp_path / "a.sqlite", archive)
    found, wanted = read_archive(tmp_path / "a.sqlite"), normalised(archive)
    assert found.study == STUDY
    assert found.facts == wanted.facts
    for name in ("respondents", "answers", "customers", "alarms", "outcomes"):
        pd.testing.assert_frame_equal(getattr(found, name), getattr(wanted, name))
    pd.testing.assert_frame_equal(found.choices["bun"], wanted.choices["bun"])
    assert digest(found) == digest(archive)


def test_the_none_alternative_keeps_missing_attributes_and_text_is_never_missing(archive, tmp_path):
    write_archive(tmp_path / "a.sqlite", archive)
    found = read_archive(tmp_path / "a.sqlite")
    none = found.choices["bun"]["alternative"] == 4
    assert found.choices["bun"].loc[none, "pineapple"].isna().all()
    assert found.choices["bun"].loc[~none, "pineapple"].notna().all()
    assert not found.respondents["customer"].isna().any()


def test_any_browser_of_sqlite_reads_typed_tables(archive, tmp_path):
    write_archive(tmp_path / "a.sqlite", archive)
    db = sqlite3.connect(tmp_path / "a.sqlite")
    strict = {name for _, name, *_, is_strict in db.execute("pragma table_list") if is_strict}
    db.execute("select 1")
    assert {"respondents", "answers", "choices_bun", "customers", "outcomes", "facts"} <= strict
    kinds = {row[1]: row[2] for row in db.execute("pragma table_info(customers)")}
    assert (kinds["points"], kinds["recency_days"], kinds["state"]) == ("REAL", "INTEGER", "TEXT")
    db.close()


def test_the_digest_is_that_of_the_content_not_of_its_order(archive):
    shuffled = replace(archive, answers=archive.answers.sample(frac=1, random_state=1))
    assert digest(shuffled) == digest(archive)
    changed = archive.answers.copy()
    changed.loc[5, "value"] = "2" if changed.loc[5, "value"] != "2" else "3"
    assert digest(replace(archive, answers=changed)) != digest(archive)
    assert digest(replace(archive, facts={**archive.facts, "seed": "2"})) != digest(archive)


def test_an_archive_is_never_overwritten_and_leaves_no_half_file(archive, tmp_path):
    path = tmp_path / "a.sqlite"
    write_archive(path, archive)
    before = path.read_bytes()
    with pytest.raises(FileExistsError, match="never altered"):
        write_archive(path, archive)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["a.sqlite"]


def test_an_archive_from_before_the_alarm_is_read_and_says_so(archive, tmp_path):
    assert archive.no_alarm == ""
    facts = {name: v for name, v in archive.facts.items() if not name.startswith("alarm")}
    old = replace(archive, alarms=archive.alarms.iloc[:0], facts=facts)
    write_archive(tmp_path / "old.sqlite", old)
    with sqlite3.connect(tmp_path / "old.sqlite") as db:
        assert not db.execute("select 1 from sqlite_master where name = 'alarms'").fetchall()
    db.close()
    found = read_archive(tmp_path / "old.sqlite")
    assert found.alarms.empty
    assert "before there was an alarm" in found.no_alarm
    assert digest(found) == digest(old) != digest(archive)


def test_empty_tables_survive(archive, tmp_path):
    bare = replace(
        archive,
        customers=archive.customers.iloc[:0],
        outcomes=archive.outcomes.iloc[:0],
        choices={},
    )
    write_archive(tmp_path / "a.sqlite", bare)
    found = read_archive(tmp_path / "a.sqlite")
    assert found.customers.empty
    assert "points" in found.customers.columns
    assert found.choices == {}


def test_files_that_are_no_archive_are_refused_in_words(archive, tmp_path):
    (tmp_path / "text.sqlite").write_text("hello")
    with pytest.raises(NotAnArchive, match="not an archive"):
        read_archive(tmp_path / "text.sqlite")
    db = sqlite3.connect(tmp_path / "other.sqlite")
    db.execute("create table t (x)")
    db.close()
    with pytest.raises(NotAnArchive, match="not an archive"):
        read_archive(tmp_path / "other.sqlite")
    write_archive(tmp_path / "new.sqlite", archive)
    db = sqlite3.connect(tmp_path / "new.sqlite")
    db.execute("pragma user_version = 99")
    db.close()
    with pytest.raises(NotAnArchive, match="format 99"):
        read_archive(tmp_path / "new.sqlite")
    with pytest.raises(FileNotFoundError):
        read_archive(tmp_path / "missing.sqlite")


def test_all_faults_of_the_tables_are_listed(archive, tmp_path):
    twice = pd.concat([archive.respondents, archive.respondents.iloc[:1]])
    broken = replace(archive, respondents=twice, outcomes=archive.outcomes[["customer"]])
    with pytest.raises(ValueError) as caught:
        write_archive(tmp_path / "a.sqlite", broken)
    assert "respondents: 1 row(s) stand twice" in str(caught.value)
    assert "outcomes: the columns answered_on" in str(caught.value)
    assert not list(tmp_path.iterdir())
