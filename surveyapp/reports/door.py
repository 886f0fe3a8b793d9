"""The manager's door, and the report that an address names."""

from __future__ import annotations

import json

from flask import Blueprint, abort

from analysis.value_report.types import ValueReport
from surveyapp import current
from surveyapp.store import reports
from surveyapp.store.records import ReportRecord

door = Blueprint("reports", __name__, url_prefix="/reports")


def found(report: str) -> ReportRecord:
    """The report of an address, or 404."""
    with current.store().read() as c:
        return reports.get(c, report) or abort(404)


def read(record: ReportRecord) -> tuple[ValueReport, dict[str, str]]:
    """What a report says, and its charts."""
    return ValueReport.model_validate_json(record.document), json.loads(record.charts)
