"""The settings and the store of the running app."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import current_app

from surveyapp.settings import Settings
from surveyapp.store import Store

if TYPE_CHECKING:
    from surveyapp.studies.quality_flags import Known


def settings() -> Settings:
    """The settings of the app that answers this request."""
    found: Settings = current_app.extensions["surveyapp.settings"]
    return found


def store() -> Store:
    """The store of the app that answers this request."""
    found: Store = current_app.extensions["surveyapp.store"]
    return found


def flags() -> Known:
    """The quality flags that this process has judged."""
    found: Known = current_app.extensions.setdefault("surveyapp.flags", {})
    return found
