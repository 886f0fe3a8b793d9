"""Members of staff with a browser-like client each."""

from __future__ import annotations

from flask import Flask

from surveyapp.staff import accounts
from tests import builders

PASSWORD = "correct horse battery"
LOG_IN = "/staff/log-in"


class Person:
    """A client that is logged in, and sends forms with their CSRF token."""

    def __init__(self, app: Flask, name: str = "", password: str = PASSWORD) -> None:
        self.client = app.test_client()
        if name:
            reply = self.post(LOG_IN, name=name, password=password)
            assert reply.status_code == 303, reply.text

    def get(self, path: str, **more):
        return self.client.get(path, **more)

    def post(self, path: str, **fields):
        token = builders.hidden_fields(self.get(LOG_IN).text)["csrf_token"]
        return self.client.post(path, data={"csrf_token": token, **fields})


def add(app: Flask, role: str, name: str | None = None) -> str:
    """Add a member of staff; returns the log-in name."""
    name = name or f"{role}@example.org"
    accounts.add(builders.store_of(app), name, role, PASSWORD)
    return name


def logged_in(app: Flask, role: str) -> Person:
    """A new member of staff of a role, logged in."""
    name = f"{role}-{len(app.extensions.setdefault('test.people', []))}"
    app.extensions["test.people"].append(name)
    return Person(app, add(app, role, name))
