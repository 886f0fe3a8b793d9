"""The form that plans a randomised test for a strategy that a report recommends."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from surveyapp import clock, current
from surveyapp.access import access
from surveyapp.jobs import queue
from surveyapp.reports.door import door, found, read
from surveyapp.reports.run_files import TESTS, Recommendation, recommendations_of
from surveyapp.store.records import ReportRecord

OUTCOMES = {"spend": "Spend", "buyers": "Share who buy", "purchase_days": "Purchase days"}
USUAL = {
    "weeks": "13", "control": "50", "power": "80", "error": "5", "seed": "1", "outcome": "spend",
    "pick": "0",
}  # fmt: skip
Errors = dict[str, str]


@door.get("/<report>/tests/new")
@access("researcher", "manager", "administrator")
def new_test(report: str) -> ResponseReturnValue:
    """The form, for one of the strategies that the report recommends."""
    return _form(found(report), {**USUAL, **request.args.to_dict()}, {})


@door.post("/<report>/tests/new")
@access("researcher", "manager", "administrator")
def plan_test(report: str) -> ResponseReturnValue:
    """Start the planning: size from earlier purchases, control group by lot."""
    record, given = found(report), request.form.to_dict()
    listed = recommendations_of(current.settings(), record)
    wish, errors = _read(given, listed)
    if errors:
        return _form(record, given, errors), 400
    document, _ = read(record)
    decided = {
        **wish,
        "decided_by": current_user.name,
        "decided_on": clock.now()[:10],
        "currency": document.header.currency,
    }
    job = queue.plan(current.store(), record.study, report, decided)
    return redirect(url_for("reports.job", job=job.job), code=303)


def _form(record: ReportRecord, given: Mapping[str, str], errors: Errors) -> str:
    return render_template(
        "reports/plan_test.html", record=record, given=given, errors=errors,
        listed=recommendations_of(current.settings(), record), outcomes=OUTCOMES,
    )  # fmt: skip


def _read(
    given: Mapping[str, str], listed: tuple[Recommendation, ...]
) -> tuple[dict[str, Any], Errors]:
    """What was asked for, and by field what is wrong with it, all at once."""
    errors: Errors = {}
    name, what = given.get("name", "").strip(), given.get("what", "").strip()
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,63}", name):
        errors["name"] = "Write a short name of small letters, digits and hyphens."
    elif (current.settings().files / TESTS / name).exists():
        errors["name"] = f"There is a test '{name}'. Plans are never altered: choose another name."
    if not 1 <= len(what) <= 500:
        errors["what"] = "Say in up to 500 characters what the contacted customers get."
    weeks = _number(given, "weeks", 1, 104, "Write whole weeks, 1 to 104.", errors, whole=True)
    control = _number(given, "control", 5, 95, "Write a percentage from 5 to 95.", errors)
    power = _number(given, "power", 50, 99, "Write a percentage from 50 to 99.", errors)
    error = _number(given, "error", 0.1, 20, "Write a percentage from 0.1 to 20.", errors)
    seed = _number(given, "seed", 0, 2**31, "Write a whole number.", errors, whole=True)
    outcome = given.get("outcome", "")
    if outcome not in OUTCOMES:
        errors["outcome"] = "Choose what is compared."
    most = 99 if outcome == "buyers" else 1e9
    told = "Write a number above 0, such as 2.50; for buyers percentage points, such as 5."
    smallest = _number(given, "smallest", 1e-6, most, told, errors)
    pick = given.get("pick", "")
    if not (pick.isdecimal() and int(pick) < len(listed)):
        errors["pick"] = "Choose a strategy that the report recommends."
    began = _day(given, errors)
    if errors:
        return {}, errors
    chosen = listed[int(pick)]
    return {
        "test": name,
        "what": what,
        "cut": chosen.cut,
        "segment": chosen.segment,
        "strategy": chosen.strategy,
        "began": began,
        "weeks": int(weeks),
        "outcome": outcome,
        "smallest": smallest / 100 if outcome == "buyers" else smallest,
        "control_share": control / 100,
        "power": power / 100,
        "error": error / 100,
        "seed": int(seed),
        "only_enough": given.get("anyway") != "yes",
    }, {}


def _number(
    given: Mapping[str, str], name: str, least: float, most: float, told: str, errors: Errors,
    *, whole: bool = False,
) -> float:  # fmt: skip
    try:
        number = float(given.get(name, ""))
    except ValueError:
        number = -1.0
    if not least <= number <= most or (whole and number != int(number)):
        errors[name] = told
    return number


def _day(given: Mapping[str, str], errors: Errors) -> str:
    try:
        day = date.fromisoformat(given.get("began", ""))
    except ValueError:
        errors["began"] = "Write the day of the contact as 2026-03-31."
        return ""
    if day.isoformat() < clock.now()[:10]:
        errors["began"] = "The contact lies ahead: a test is decided before it begins."
    return day.isoformat()
