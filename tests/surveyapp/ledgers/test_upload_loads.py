"""Uploaded files loaded by the worker: accounted for, failed, cancelled, killed."""

import csv
import gzip
import html
import io
import json
import os
import re
import signal
import subprocess
import time
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from analysis.customer_key import customer_key
from analysis.ledgers.kinds import KINDS
from surveyapp import clock
from surveyapp.jobs import loading, run
from surveyapp.ledgers import staged
from surveyapp.store import jobs, uploads
from tests import builders
from tests.surveyapp.ledgers.sending import (
    TILLS,
    confirm,
    load,
    newest,
    really_work,
    rows_of,
    send,
    staged_files,
    tiles,
    work,
)


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


def test_a_full_disk_while_loading_is_said_by_the_job(app, researcher, monkeypatch, capsys):
    import duckdb

    import analysis.ledgers.load

    def full(*given, **more):
        raise duckdb.IOException("Could not write file: No space left on device")

    monkeypatch.setattr(analysis.ledgers.load, "write_history", full)
    confirm(researcher, send(researcher, TILLS))
    settings, store = app.extensions["surveyapp.settings"], builders.store_of(app)
    assert run.run(settings, store, newest(app)[1]) == 2
    assert "nothing was loaded. Free about three times the size" in capsys.readouterr().err
    assert len(staged_files(app)) == 1 and not len(rows_of(app))


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
    return subprocess.run(builders.worker_command(tmp_path, child), check=False, timeout=60)


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
