"""The settings and the store of the running app."""

from __future__ import annotations

from flask import current_app

from surveyapp.settings import Settings
from surveyapp.store import Store


def settings() -> Settings:
    """The settings of the app that answers this request."""
    found: Settings = current_app.extensions["surveyapp.settings"]
    return found


def store() -> Store:
    """The store of the app that answers this request."""
    found: Store = current_app.extensions["surveyapp.store"]
    return found
