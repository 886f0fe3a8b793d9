"""Uploading files into ledgers: sent, columns confirmed, loaded by the worker, accounted for."""

import csv
import gzip
import html
import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from analysis.customer_key import customer_key
from analysis.ledgers.kinds import KINDS, PURCHASES
from analysis.ledgers.looking import read_rows_of
from surveyapp import clock
from surveyapp.jobs import loading, run
from surveyapp.jobs.ledgers import ledgers_folder
from surveyapp.jobs.worker import Worker
from surveyapp.ledgers import staged
from surveyapp.staff import accounts
from surveyapp.store import jobs, uploads
from tests import builders
from tests.surveyapp.people import Person, add, logged_in

TILLS = """Card No;InvoiceDate;Total;Branch;Receipt;Position
anna@example.org;31.08.2026 17:45;12,50;north;1;1
bert@example.org;01.09.2026 09:00;7,00;south;2;1
bert@example.org;01.09.2026 09:00;7,00;south;2;1
cora@example.org;tomorrow;3,00;north;3;1
;02.09.2026 10:00;oh;north;4;1
"""
EVENTS = """customer,time,event,id
anna@example.org,2026-08-01,like,1
bert@example.org,2026-08-02,share,2
"""


@pytest.fixture
def app(tmp_path):
    made = builders.make_app(tmp_path, LEASE_SECONDS=2, MAX_LEDGER_BYTES=400_000)
    yield made
    builders.close(made)


@pytest.fixture
def researcher(app):
    return logged_in(app, "researcher")


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """An app for tests that load nothing."""
    made = builders.make_app(tmp_path_factory.mktemp("shared"))
    yield made
    builders.close(made)


@pytest.fixture(scope="module")
def asker(shared):
    return logged_in(shared, "researcher")


def send(person, content, name="tills.csv", kind="purchases"):
    content = content.encode() if isinstance(content, str) else content
    return person.post("/ledgers/upload", kind=kind, file=(io.BytesIO(content), name))


def form_of(page):
    """The fields of the form that confirms columns, as a browser would send them."""
    part = re.search(r'<form method="post" action="[^"]+/columns">(.*?)</form>', page, re.S)[1]
    fields = builders.hidden_fields(part)
    for name, inside in re.findall(r'<select[^>]* name="([^"]+)"[^>]*>(.*?)</select>', part, re.S):
        fields[name] = re.search(r'value="([^"]*)" selected|$', inside)[1] or ""
    for name, value in re.findall(
        r'<input class="address"[^>]* name="([^"]+)" value="([^"]*)"', part
    ):
        fields[name] = html.unescape(value)
    fields["zones"] = html.unescape(re.search(r"<textarea[^>]*>(.*?)</textarea>|$", part)[1] or "")
    fields.pop("csrf_token")
    return fields


def confirm(person, answer, **changes):
    """Open the page of columns, and load what it proposes, with changes."""
    assert answer.status_code == 303, answer.text
    page = person.get(answer.location).text
    return person.post(answer.location, **{**form_of(page), "action": "load", **changes})


def really_work(app):
    """Work on what waits, with a child process for each job."""
    settings = app.extensions["surveyapp.settings"]
    while Worker(settings, builders.store_of(app)).run_one():
        pass


def work(app):
    """The same within this process, where the engine is loaded already."""
    settings, store = app.extensions["surveyapp.settings"], builders.store_of(app)
    with store.write() as c:
        job = jobs.claim(c, "w", at=clock.now(), lease_until=clock.now(plus_seconds=60))
    assert run.run(settings, store, job) == 0
    with store.write() as c:
        jobs.finish(c, job.job, "w", "done", at=clock.now())


def load(app, person, content, name="tills.csv", kind="purchases", **changes):
    """From the file to the page that accounts for it."""
    done = confirm(person, send(person, content, name, kind), **changes)
    assert done.status_code == 303, done.text
    work(app)
    return person.get(done.location).text


def rows_of(app, kind=PURCHASES):
    return read_rows_of(ledgers_folder(app.extensions["surveyapp.settings"]) / kind.name, kind)


def tiles(page):
    found = re.findall(r"<dt>([^<]+)</dt><dd>([\d,]+)", page)
    return {name: int(value.replace(",", "")) for name, value in found}


def staged_files(app):
    folder = app.extensions["surveyapp.settings"].raw_files / "uploads"
    return [path for path in folder.rglob("*") if path.is_file()]


def test_a_file_of_the_tills_from_the_form_to_the_ledger(app, researcher):
    """German tills: own names of columns, decimal commas, day before month, two bad rows."""
    page = load(app, researcher, TILLS, currency="EUR", zone="Europe/Berlin")
    assert tiles(page) == {"Rows of the file": 5, "Accepted": 2, "Known already": 1, "Set apart": 2}
    assert "Every line is accounted for" in page and "= 6 of 6 lines" in page
    assert "amounts read with a decimal comma" in page
    rows = rows_of(app)
    key = app.extensions["surveyapp.settings"].customer_key
    assert list(rows["amount"]) == [1250, 700] and list(rows["store"]) == ["north", "south"]
    assert rows["customer"][0] == customer_key("anna@example.org", key)
    assert str(rows["time"][0]) == "2026-08-31 15:45:00", "Berlin is two hours ahead in summer"
    assert set(rows["currency"]) == {"EUR"}
    assert not staged_files(app), "what is loaded lies under its SHA-256, not twice"


def test_rows_set_apart_are_those_of_the_upload(app, researcher):
    load(app, researcher, TILLS.replace("cora", "dora"), "earlier.csv")
    page = load(app, researcher, TILLS)
    address = html.unescape(re.search(r'href="([^"]+set-apart\.csv[^"]*)"', page)[1])
    rows = list(csv.DictReader(io.StringIO(researcher.get(address).text)))
    assert [(r["file"], r["row"], r["reasons"]) for r in rows] == [
        ("tills.csv", "5", "time_unparsed"),
        ("tills.csv", "6", "customer_missing amount_unparsed"),
    ]
    assert "set-apart-with-text" not in page, "this researcher may not see identifiers"


def test_the_same_file_twice_changes_nothing_and_says_so(app, researcher):
    load(app, researcher, TILLS)
    before = rows_of(app)
    page = load(app, researcher, TILLS)
    assert "was loaded before on the same terms" in page
    assert tiles(page)["Accepted"] == 2
    again = load(app, researcher, TILLS + "\n", "more.csv")
    assert (tiles(again)["Accepted"], tiles(again)["Known already"]) == (0, 3)
    assert rows_of(app).equals(before)


def test_terms_of_the_last_load_are_proposed_for_the_next(app, researcher):
    changes = {"currency": "EUR", "zone": "Europe/Berlin", "source": "tills"}
    load(app, researcher, TILLS.replace("Card No", "K1"), **changes, **{"column-customer": "0"})
    page = researcher.get(send(researcher, TILLS.replace("Card No", "K1")).location).text
    fields = form_of(page)
    assert {name: fields[name] for name in changes} == changes
    assert fields["column-customer"] == "0"


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.name)
def test_every_kind_takes_a_file_with_its_own_columns(app, researcher, kind):
    cells = {"customer": "a@b.example", "time": "2026-08-01", "money": "2.00", "number": "0.5"}
    cells |= {"text": "x", "flag": "yes", "currency": "EUR"}
    columns = [column for column in kind.columns if column.kind != "rest"]
    line = [column.words[0] if column.words else cells[column.kind] for column in columns]
    text = ",".join(c.name for c in columns) + "\n" + ",".join(line) + "\n"
    page = load(app, researcher, text, "one.csv", kind.name)
    assert tiles(page)["Accepted"] == 1
    assert len(rows_of(app, kind)) == 1


def test_parquet_and_gzip_are_read(app, researcher):
    when = pa.array([datetime(2026, 8, 1, tzinfo=UTC)], pa.timestamp("ns", "UTC"))
    sink = io.BytesIO()
    pq.write_table(pa.table({"card": ["1"], "time": when, "amount": ["2.50"]}), sink)
    page = load(app, researcher, sink.getvalue(), "a.parquet")
    assert tiles(page)["Accepted"] == 1
    packed = gzip.compress(b"card,time,amount\n2,2026-08-02,3\n")
    assert tiles(load(app, researcher, packed, "b.csv.gz"))["Accepted"] == 1
    assert list(rows_of(app)["amount"]) == [250, 300]


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


def test_a_load_that_fails_says_why_and_can_be_mended(app, researcher):
    """A packed file that was cut off far behind what the first look reads."""
    rows = "".join(f"{n},2026-08-01,{n % 100}.00\n" for n in range(100_000))
    whole = gzip.compress(b"customer,time,amount\n" + rows.encode())
    done = confirm(researcher, send(researcher, whole[:-5_000], "cut.csv.gz"))
    really_work(app)
    page = researcher.get(done.location).text
    assert "It failed; the ledger is as it was" in page
    assert "cannot be unpacked" in page and "Load it again" in page
    assert "Change how it is read" in page
    assert not len(rows_of(app))


def newest(app):
    with builders.store_of(app).read() as c:
        record = uploads.newest(c)[0][0]
        return record, jobs.get(c, record.job)


def test_a_cancelled_load_is_loaded_again_on_the_same_terms(app, researcher):
    done = confirm(researcher, send(researcher, TILLS), currency="EUR")
    researcher.post(f"{done.location}/cancel")
    page = researcher.get(done.location).text
    assert "It was cancelled" in page
    researcher.post(f"{done.location}/again")
    work(app)
    assert tiles(researcher.get(done.location).text)["Accepted"] == 2
    assert set(rows_of(app)["currency"]) == {"EUR"}
    researcher.post(f"{done.location}/again")
    assert newest(app)[1].state == "done", "what is loaded is not loaded once more"


def test_a_second_click_starts_one_job(app, researcher):
    answer = send(researcher, TILLS)
    first, second = confirm(researcher, answer), None
    fields = {"kind": "purchases", "action": "load"}
    second = researcher.post(answer.location, **fields)
    assert first.location == second.location
    with builders.store_of(app).read() as c:
        record = uploads.newest(c)[0][0]
        assert jobs.newest(c, f"load:{record.upload}").job == record.job


def test_a_discarded_file_is_gone(app, researcher):
    upload = send(researcher, TILLS).location.split("/")[-2]
    researcher.post(f"/ledgers/uploads/{upload}/discard")
    assert not staged_files(app)
    assert researcher.get(f"/ledgers/uploads/{upload}").status_code == 404


def test_files_that_nobody_loads_are_removed_after_a_day(app, researcher):
    settings, store = app.extensions["surveyapp.settings"], builders.store_of(app)
    left = send(researcher, TILLS).location.split("/")[-2]
    waiting = confirm(researcher, send(researcher, TILLS)).location.rpartition("/")[2]
    stray = staged.folder(settings) / "of-no-upload"
    stray.mkdir()
    loading.clear(settings, store)
    assert len(staged_files(app)) == 2 and stray.is_dir()
    later = datetime.now(UTC).timestamp() + 3600 * staged.KEPT_HOURS + 60
    os.utime(stray, (0, 0))
    with clock.set_to(datetime.fromtimestamp(later, UTC)):
        loading.clear(settings, store)
    assert [path.parent.name for path in staged_files(app)] == [waiting]
    assert researcher.get(f"/ledgers/uploads/{left}").status_code == 404
    assert not stray.exists()


def killed_worker(tmp_path, patch):
    """A worker in a process of its own whose child kills its worker, then itself, somewhere."""
    child = (
        "import os, signal, sys\n"
        "import analysis.ledgers.load as l, surveyapp.jobs.run as r, surveyapp.jobs.loading as j\n"
        "def die(*a, **k):\n"
        "    os.kill(os.getppid(), signal.SIGKILL)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        f"{patch}\n"
        "sys.exit(r.main(sys.argv[1]))\n"
    )
    program = (
        "import pathlib, sys\n"
        "from surveyapp.jobs.worker import Worker\n"
        "from surveyapp.settings import read_settings\n"
        "from surveyapp.store import Store\n"
        f"settings = read_settings(pathlib.Path({str(tmp_path)!r}))\n"
        f"command = {(sys.executable, '-c', child)!r}\n"
        "Worker(settings, Store(settings.database_url), command=command).run_one()\n"
    )
    return subprocess.run([sys.executable, "-c", program], check=False, timeout=60)


@pytest.mark.parametrize(
    "patch",
    ["l.write_history = die", "j.uploads.loaded = die", "j.staged.remove = die"],
    ids=["half-way", "loaded but not noted", "noted but not done"],
)
def test_a_load_that_was_killed_is_finished_by_the_next_worker(
    app, researcher, tmp_path, monkeypatch, patch
):
    settings = app.extensions["surveyapp.settings"]
    monkeypatch.setenv("SURVEYAPP_LEASE_SECONDS", "2")
    monkeypatch.setenv("SURVEYAPP_DATABASE_URL", settings.text("DATABASE_URL"))
    done = confirm(researcher, send(researcher, TILLS), currency="EUR")
    assert killed_worker(tmp_path, patch).returncode == -signal.SIGKILL
    assert newest(app)[1].state == "running"
    end = time.monotonic() + 20
    while newest(app)[1].state != "done" and time.monotonic() < end:
        really_work(app)
        time.sleep(0.2)
    record, job = newest(app)
    assert (job.state, job.attempts) == ("done", 2)
    page = researcher.get(done.location).text
    assert "loaded before" not in page, "an earlier attempt of the same job is no earlier load"
    assert tiles(page) == {"Rows of the file": 5, "Accepted": 2, "Known already": 1, "Set apart": 2}
    assert json.loads(record.counts)["accepted"] == len(rows_of(app)) == 2
    assert not staged_files(app)


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
