"""Access rules, headers, CSRF, limits and error pages."""

import re

import pytest
from flask import Flask
from flask_login import LoginManager, UserMixin

from surveyapp.access import STAFF, NoAccessRule, access, rule
from surveyapp.security import CONTENT_SECURITY_POLICY
from surveyapp.settings import SettingFault
from tests import builders

ROLES = ("researcher", "manager", "administrator")


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    made = builders.make_app(tmp_path_factory.mktemp("instance"))
    builders.publish(made)
    builders.open_link(made)
    yield made
    builders.close(made)


def routes(app: Flask):
    """(method, endpoint, address with made-up parts) of every route."""
    for route in app.url_map.iter_rules():
        parts = {
            name: 1 if "Integer" in type(route._converters[name]).__name__ else "x"
            for name in route.arguments
        }
        with app.test_request_context():
            _, address = route.build(parts, append_unknown=False)
        for method in sorted(route.methods - {"HEAD", "OPTIONS"}):
            yield method, route.endpoint, address


def test_every_route_says_who_may_use_it(app):
    assert all(rule(app, endpoint) for _, endpoint, _ in routes(app))


def test_staff_routes_send_strangers_to_the_log_in(app):
    app.config["WTF_CSRF_ENABLED"] = False
    try:
        for method, endpoint, address in routes(app):
            if rule(app, endpoint) <= STAFF:
                answer = app.test_client().open(address, method=method)
                assert answer.status_code == 303, endpoint
                assert re.search("log-?in", answer.location), endpoint
    finally:
        app.config["WTF_CSRF_ENABLED"] = True


class Member(UserMixin):
    def __init__(self, role: str) -> None:
        self.id = self.role = role


@pytest.mark.parametrize("role", ROLES)
def test_a_role_may_use_what_names_it_and_nothing_else(app, role):
    """url_map x role: whoever is not named gets 403; whoever is named gets past the rule."""
    before, app.login_manager = app.login_manager, LoginManager()
    app.login_manager.request_loader(lambda request: Member(role))
    app.config["WTF_CSRF_ENABLED"] = False
    try:
        refused = 0
        for method, endpoint, address in routes(app):
            allowed = rule(app, endpoint)
            if allowed <= STAFF and role not in allowed:
                answer = app.test_client().open(address, method=method)
                assert answer.status_code == 403, endpoint
                refused += 1
        assert refused or role == "administrator"
    finally:
        app.config["WTF_CSRF_ENABLED"] = True
        app.login_manager = before


def test_a_route_without_rule_is_refused(tmp_path):
    made = builders.make_app(tmp_path)
    made.add_url_rule("/open", "open", lambda: "secret")
    with pytest.raises(NoAccessRule, match="'open'"):
        made.test_client().get("/open")
    made.testing = False
    answer = made.test_client().get("/open")
    assert answer.status_code == 500 and "secret" not in answer.text
    builders.close(made)


def test_every_post_needs_the_key_of_its_form(app):
    for method, endpoint, address in routes(app):
        if method == "POST" and not rule(app, endpoint) <= STAFF:
            answer = app.test_client().post(address, data={"x": "y"})
            assert answer.status_code in (400, 404), endpoint


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/s/try", 200),
        ("GET", "/nowhere", 404),
        ("DELETE", "/s/try", 405),
        ("POST", "/s/try", 400),
        ("GET", "/static/base.css", 200),
        ("GET", "/assets/tokens.css", 200),
        ("GET", "/assets/../html.py", 404),
    ],
)
def test_headers_are_on_every_answer(app, method, path, status):
    answer = app.test_client().open(path, method=method)
    assert answer.status_code == status
    assert answer.headers["Content-Security-Policy"] == CONTENT_SECURITY_POLICY
    assert "unsafe" not in CONTENT_SECURITY_POLICY
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    stored = path.startswith(("/static", "/assets")) and status == 200
    assert (answer.headers.get("Cache-Control") == "no-store") != stored
    answer.close()


def test_pages_carry_no_inline_script_or_style(app):
    page = app.test_client().get("/s/try").text
    assert not re.search(r"<script|<style|\sstyle=|\son\w+=", page)


def test_cookies_are_kept_from_scripts_and_other_sites(tmp_path):
    made = builders.make_app(tmp_path, HTTPS=True)
    builders.publish(made)
    cookie = made.test_client().get(builders.open_link(made)).headers["Set-Cookie"]
    assert all(word in cookie for word in ("HttpOnly", "SameSite=Lax", "Secure"))
    builders.close(made)


def test_https_posts_work_though_no_referrer_is_sent(tmp_path):
    made = builders.make_app(tmp_path, HTTPS=True)
    builders.publish(made)
    path = builders.personal_link(made)
    client = made.test_client()
    page = client.get(path, base_url="https://localhost")
    form = builders.hidden_fields(page.text)
    assert client.post(path, data=form, base_url="https://localhost").status_code == 303
    builders.close(made)


def test_too_large_forms_are_refused_with_a_page(app):
    client = app.test_client()
    form = builders.hidden_fields(client.get("/s/try").text)
    answer = client.post("/s/try", data={**form, "x": "y" * 2_000_000})
    assert answer.status_code == 413 and "too large" in answer.text


def test_a_failure_shows_a_page_and_no_detail(tmp_path):
    made = builders.make_app(tmp_path)
    made.testing = False
    made.add_url_rule("/fail", "fail", access("anyone")(lambda: 1 / 0))
    answer = made.test_client().get("/fail")
    assert answer.status_code == 500 and "Something went wrong on our side" in answer.text
    assert "ZeroDivision" not in answer.text
    assert answer.headers["Content-Security-Policy"] == CONTENT_SECURITY_POLICY
    builders.close(made)


def test_addresses_of_visitors_come_from_trusted_proxies_only(tmp_path):
    seen = {}
    for proxies in (0, 1):
        made = builders.make_app(tmp_path / str(proxies), PROXIES=proxies)

        @access("anyone")
        def who():
            from flask import request

            return request.remote_addr or ""

        made.add_url_rule("/who", "who", who)
        answer = made.test_client().get("/who", headers={"X-Forwarded-For": "203.0.113.9"})
        seen[proxies] = answer.text
        builders.close(made)
    assert seen == {0: "127.0.0.1", 1: "203.0.113.9"}


@pytest.mark.parametrize(
    "path",
    ["/s/%00", "/a/%00", "/studies/%00/", "/reports/%00", "/studies/s/versions/" + "9" * 30],
)
def test_an_address_that_no_database_can_look_for_is_not_found(app, path, monkeypatch):
    """PostgreSQL refuses null characters, and both databases too large numbers."""
    monkeypatch.setattr("surveyapp.store.Store.read", None)
    assert app.test_client().get(path).status_code == 404


def test_a_limit_of_log_ins_that_cannot_be_read_is_refused(tmp_path):
    with pytest.raises(SettingFault, match="LOG_IN_LIMIT"):
        builders.make_app(tmp_path, LOG_IN_LIMIT="ten a minute")
