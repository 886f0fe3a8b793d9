"""Shared reports: who reads them, until when, and what is not in them."""

import json
import re

from surveyapp import clock
from surveyapp.reports.run_files import PRINTED, SHARED_PDF, folder_of
from surveyapp.store import shares
from tests import builders
from tests.surveyapp.people import logged_in
from tests.surveyapp.reports.test_reports import store_report


def test_a_shared_address_works_without_log_in_until_it_is_ended(app):
    builders.publish(app)
    store_report(app)
    manager = logged_in(app, "manager")
    made = manager.post("/reports/r1/shares", days="7", note="The board").text
    path = re.search(r"/shared/[\w-]+", made)[0]
    reader = app.test_client()
    reply = reader.get(path)
    assert reply.status_code == 200
    assert "noindex" in reply.headers["X-Robots-Tag"]
    assert "win-back" not in reply.text
    assert reader.get("/reports/r1").status_code == 303
    with builders.store_of(app).read() as c:
        (share,) = shares.of_report(c, "r1")
    assert share.uses == 1
    assert path.rpartition("/")[2] not in share.token_hash
    manager.post(f"/reports/r1/shares/{share.share}/revoke")
    assert reader.get(path).status_code == 404
    assert reader.get("/shared/guess").status_code == 404
    assert "Ended" in manager.get("/reports/r1/shares").text


def test_an_expired_address_is_refused(app):
    builders.publish(app)
    store_report(app)
    with builders.store_of(app).write() as c:
        new = shares.ShareRecord("s", "r1", "h", "", clock.now(), "m", clock.now(plus_seconds=-1))
        shares.add(c, new)
        assert shares.use(c, "h", at=clock.now()) is None


def share_of(app):
    """An address of report r1 without log-in."""
    made = logged_in(app, "manager").post("/reports/r1/shares", days="7", note="").text
    return re.search(r"/shared/[\w-]+", made)[0]


def print_files(app, *, stale=()):
    folder = folder_of(app.extensions["surveyapp.settings"], "r1")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / SHARED_PDF).write_bytes(b"%PDF-1.7 shared")
    (folder / PRINTED).write_text(json.dumps(list(stale)), encoding="utf-8")


def test_the_pdf_is_given_away_only_where_it_says_what_the_page_says(app):
    builders.publish(app)
    store_report(app)
    path, reader = share_of(app), app.test_client()
    assert "report.pdf" not in reader.get(path).text
    assert reader.get(f"{path}/report.pdf").status_code == 404
    print_files(app)
    assert "report.pdf" in reader.get(path).text
    reply = reader.get(f"{path}/report.pdf")
    assert reply.data == b"%PDF-1.7 shared"
    assert "no-store" in reply.headers["Cache-Control"]
    reply.close()
    print_files(app, stale=("Twelve answers came since.",))
    assert reader.get(f"{path}/report.pdf").status_code == 404


def test_readers_and_guesses_are_limited_and_good_addresses_outlive_bad_guesses(tmp_path):
    app = builders.make_app(
        tmp_path,
        SHARE_LIMIT="6 per minute",
        GUESS_LIMIT="2 per minute",
        LOG_IN_LIMIT="99 per minute",
    )
    builders.publish(app)
    store_report(app)
    path, reader = share_of(app), app.test_client()
    guessed = [reader.get(f"/shared/guess-{n}").status_code for n in range(3)]
    assert guessed == [404, 404, 429]
    assert [reader.get(path).status_code for _ in range(4)] == [200, 200, 200, 429]
    builders.close(app)
