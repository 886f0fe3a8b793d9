"""Shared reports: who reads them, until when, and what is not in them."""

import re

from surveyapp import clock
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
