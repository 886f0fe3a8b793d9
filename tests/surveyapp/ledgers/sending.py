"""How tests upload files into ledgers, and read what became of them."""

import html
import io
import re

from analysis.ledgers.kinds import PURCHASES
from analysis.ledgers.looking import read_rows_of
from surveyapp import clock
from surveyapp.jobs import run
from surveyapp.jobs.ledgers import ledgers_folder
from surveyapp.jobs.worker import Worker
from surveyapp.store import jobs, uploads
from tests import builders

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


def newest(app):
    with builders.store_of(app).read() as c:
        record = uploads.newest(c)[0][0]
        return record, jobs.get(c, record.job)
