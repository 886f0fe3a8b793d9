"""The researcher's door, and the study that an address names."""

from __future__ import annotations

from flask import Blueprint, abort

from surveyapp import current
from surveyapp.store import studies
from surveyapp.store.records import StudyRecord

door = Blueprint("studies", __name__, url_prefix="/studies")


def found(name: str) -> StudyRecord:
    """The study of an address, or 404."""
    return find(name) or abort(404)


def find(name: str) -> StudyRecord | None:
    """The study of this id, or None."""
    with current.store().read() as c:
        return studies.get(c, name)
