"""Uploading files into ledgers: sent, looked at, columns confirmed, and by whom."""

import errno
import html
import io
import subprocess
import sys
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from analysis.ledgers.kinds import KINDS
from surveyapp.ledgers import staged
from surveyapp.staff import accounts
from surveyapp.store import uploads
from tests import builders
from tests.surveyapp.ledgers.sending import (
    EVENTS,
    TILLS,
    confirm,
    form_of,
    load,
    rows_of,
    send,
    staged_files,
    tiles,
    work,
)
from tests.surveyapp.people import Person, add, logged_in


def test_terms_of_the_last_load_are_proposed_for_the_next(app, researcher):
    changes = {"currency": "EUR", "zone": "Europe/Berlin", "source": "tills"}
    load(app, researcher, TILLS.replace("Card No", "K1"), **changes, **{"column-customer": "0"})
    page = researcher.get(send(researcher, TILLS.replace("Card No", "K1")).location).text
    fields = form_of(page)
    assert {name: fields[name] for name in changes} == changes
    assert fields["column-customer"] == "0"


@pytest.mark.parametrize(
    ("content", "name", "told"),
    [
        (b"", "empty.csv", "The file is empty"),
        (b"\n \n", "blank.csv", "The file is empty"),
        (b"PK\x03\x04" + b"\0" * 50, "book.xlsx", "Save the sheet as CSV"),
        (b"\x01\x02\0\0rubbish\n", "x.csv", "no table of text"),
        (b"PAR1 and no more", "x.parquet", "cannot be read"),
        (b"\x1f\x8b\x08broken", "x.csv.gz", "Pack it again with gzip"),
        (b"a,a,b\n1,2,3\n", "twice.csv", "The column 'a' stands 2 times"),
    ],
)
def test_what_is_no_table_is_refused_at_once_and_leaves_nothing(shared, asker, content, name, told):
    before = staged_files(shared)
    answer = send(asker, content, name)
    assert answer.status_code == 400
    assert told in html.unescape(answer.text)
    assert staged_files(shared) == before


def test_no_file_and_no_kind(asker):
    assert "Choose a file" in asker.post("/ledgers/upload", kind="purchases").text
    assert send(asker, TILLS, kind="nothing").status_code == 404


def test_only_ledger_files_may_be_large_and_the_limit_is_named(tmp_path):
    made = builders.make_app(tmp_path, MAX_UPLOAD_BYTES=100_000, MAX_LEDGER_BYTES=400_000)
    person = logged_in(made, "researcher")
    row = "anna@example.org,2026-08-01,1.00\n"
    text = "customer,time,amount\n" + row * (300_000 // len(row))
    assert send(person, text).status_code == 303
    too_large = send(person, text + row * 5_000)
    assert too_large.status_code == 413
    assert "larger than 400 kB" in too_large.text and "surveyapp ledgers load" in too_large.text
    assert len(staged_files(made)) == 1
    study = {"text": (io.BytesIO(text.encode()), "study.yaml")}
    assert person.post("/studies/new", **study).status_code == 413
    builders.close(made)


def test_a_file_of_another_kind_is_noticed_and_can_be_loaded_there(app, researcher):
    answer = send(researcher, EVENTS, "likes.csv")
    page = researcher.get(answer.location).text
    assert "do not look like" in page and "kind=events" in page
    fields = form_of(page)
    refused = researcher.post(answer.location, **{**fields, "action": "load"})
    assert refused.status_code == 400
    assert "Choose the column of the file that holds &#39;amount&#39;" in refused.text
    fits = form_of(researcher.get(f"{answer.location}?kind=events").text)
    done = researcher.post(answer.location, **{**fits, "action": "load"})
    work(app)
    assert tiles(researcher.get(done.location).text)["Accepted"] == 2
    assert list(rows_of(app, KINDS["events"])["event"]) == ["like", "share"]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"currency": "EURO"}, "is no ISO 4217 code"),
        ({"zone": "Berlin"}, "is no time zone"),
        ({"zones": "north"}, "is not STORE=ZONE"),
        ({"zones": "north=Mars"}, "'Mars' is no time zone"),
        ({"time_format": ""}, "Name the format of times"),
        ({"time_format": "%Y"}, "cannot be read as %Y"),
        ({"column-amount": ""}, "Choose the column of the file that holds 'amount'"),
        ({"column-amount": "0"}, "is chosen for 'customer' already"),
        ({"column-amount": "3", "column-store": ""}, "is no number"),
        ({"encoding": "klingon"}, "The encoding 'klingon' is not known"),
        ({"delimiter": ","}, "The columns are others"),
    ],
)
def test_terms_that_cannot_be_are_said_before_anything_is_loaded(shared, asker, changes, told):
    answer = confirm(asker, send(asker, TILLS), **changes)
    assert answer.status_code == 400
    assert told in html.unescape(answer.text)
    with builders.store_of(shared).read() as c:
        assert uploads.newest(c)[0][1] is None, "no job"


def test_looking_again_reads_the_file_as_asked(asker):
    answer = send(asker, "customer|time|amount,net\n1|2026-08-01|3\n")
    fields = form_of(asker.get(answer.location).text)
    seen = asker.post(answer.location, **{**fields, "delimiter": ",", "action": "look"})
    assert ">customer|time|amount</th>" in seen.text
    seen = asker.post(answer.location, **{**fields, "delimiter": "|", "action": "look"})
    assert ">amount,net</th>" in seen.text


def test_days_and_months_that_may_be_swapped_are_for_people_to_decide(app, researcher):
    text = "customer,time,amount\n1,03/04/2026,1\n2,05/06/2026,1\n"
    answer = send(researcher, text)
    page = html.unescape(researcher.get(answer.location).text)
    assert "'03/04/2026' can be read in 2 ways: %d/%m/%Y or %m/%d/%Y" in page
    assert confirm(researcher, answer).status_code == 400
    confirm(researcher, answer, time_format="%m/%d/%Y")
    work(app)
    assert [str(day.date()) for day in rows_of(app)["time"]] == ["2026-03-04", "2026-05-06"]


def test_a_column_of_the_right_name_can_be_left_out(app, researcher):
    text = "customer,time,amount,channel\n1,2026-08-01,2,phone\n"
    load(app, researcher, text, **{"column-channel": ""})
    assert rows_of(app)["channel"].isna().all()


def test_managers_and_strangers_have_no_part_in_it(app, researcher):
    location = send(researcher, TILLS).location
    upload = location.split("/")[-2]
    manager, stranger = logged_in(app, "manager"), app.test_client()
    for path in ("/ledgers/upload", location, f"/ledgers/uploads/{upload}"):
        assert manager.get(path).status_code == 403
        assert stranger.get(path).status_code == 303
    for action in ("columns", "again", "cancel", "discard"):
        assert manager.post(f"/ledgers/uploads/{upload}/{action}").status_code == 403
    assert send(manager, TILLS).status_code == 403
    assert len(staged_files(app)) == 1, "nothing of a manager's file was kept"


def test_a_form_without_its_key_keeps_no_file(app, researcher):
    file = {"kind": "purchases", "file": (io.BytesIO(TILLS.encode()), "x.csv")}
    assert researcher.client.post("/ledgers/upload", data=file).status_code == 400
    assert not staged_files(app)


def test_cells_are_for_the_uploader_and_those_who_may_see_identifiers(app, researcher):
    location = send(researcher, TILLS).location
    assert "anna@example.org" in researcher.get(location).text
    other = logged_in(app, "researcher")
    assert other.get(location).status_code == 403
    status = other.get(location.removesuffix("/columns"))
    assert "Columns to be confirmed" in status.text and "anna" not in status.text
    name = add(app, "researcher", "allowed@example.org")
    accounts.set_identifiers(builders.store_of(app), name, True)
    assert "anna@example.org" in Person(app, name).get(location).text


def test_who_uploaded_what_is_listed(app, researcher):
    load(app, researcher, TILLS)
    page = researcher.get("/ledgers/").text
    with builders.store_of(app).read() as c:
        record, state = uploads.newest(c)[0]
    assert state == "done" and record.created_by in page and "tills.csv" in page


def test_a_full_disk_is_said_on_the_page(shared, asker, monkeypatch):
    def full(*given):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(staged, "keep", full)
    answer = send(asker, TILLS)
    assert answer.status_code == 507
    assert "The disk of the installation is full; nothing was kept" in answer.text


def test_a_discarded_file_is_gone(app, researcher):
    upload = send(researcher, TILLS).location.split("/")[-2]
    researcher.post(f"/ledgers/uploads/{upload}/discard")
    assert not staged_files(app)
    assert researcher.get(f"/ledgers/uploads/{upload}").status_code == 404


def test_the_web_process_loads_no_engine_for_it(tmp_path):
    """Looking at a Parquet file with times of nanoseconds included."""
    when = pa.array([datetime(2026, 8, 1, tzinfo=UTC)], pa.timestamp("ns"))
    pq.write_table(pa.table({"customer": ["1"], "time": when}), tmp_path / "x.parquet")
    program = (
        "import pathlib, sys\n"
        "import surveyapp.ledgers.routes, surveyapp.ledgers.uploading\n"
        "assert 'pyarrow' not in sys.modules\n"
        "from analysis.ledgers.first_look import first_look\n"
        f"print(first_look(pathlib.Path({str(tmp_path / 'x.parquet')!r})).rows[0][1][:10])\n"
        "print(sorted({'pandas', 'duckdb', 'scipy', 'statsmodels'} & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.split() == ["2026-08-01", "[]"], done.stderr
