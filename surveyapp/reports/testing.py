"""The register of randomised tests: how far each is, what it changed, and its two groups."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from flask import abort, flash, redirect, render_template, send_file, url_for
from flask.typing import ResponseReturnValue

from analysis.customers.actions.planned import LIST, Measured, stored_test, stored_tests
from analysis.rendering.figures import decimal, ends, money, money_range, value_and_range
from surveyapp import clock, current
from surveyapp.access import access
from surveyapp.jobs import queue
from surveyapp.reports.door import door, found
from surveyapp.reports.run_files import TESTS, recommendations_of


@dataclass(frozen=True, slots=True)
class Shown:
    """A test as the page tells it: ``state`` is planned, running, over or measured."""

    test: Measured
    state: str
    value: str = ""
    span: str = ""
    verdict: str = ""


@door.get("/<report>/tests")
@access("researcher", "manager", "administrator")
def tests(report: str) -> ResponseReturnValue:
    """All randomised tests of the installation, the latest contact first."""
    record = found(report)
    problem = ""
    kept: tuple[Shown, ...] = ()
    try:
        kept = tuple(_shown(test) for test in stored_tests(_folder()))
    except ValueError as error:
        problem = str(error)
    return render_template(
        "reports/tests.html", record=record, tests=kept, problem=problem,
        recommended=bool(recommendations_of(current.settings(), record)),
    )  # fmt: skip


@door.get("/<report>/tests/<name>/groups.csv")
@access("researcher", "manager", "administrator")
def test_groups(report: str, name: str) -> ResponseReturnValue:
    """Who is contacted and who is left alone, as the lot parted them."""
    found(report)
    path = _folder() / _known(name).plan.name / LIST
    if not path.is_file():
        abort(404)
    shown = f"test-{name}-groups.csv"
    return send_file(path.absolute(), "text/csv", as_attachment=True, download_name=shown)


@door.post("/<report>/tests/<name>/measure")
@access("researcher", "manager", "administrator")
def measure_test(report: str, name: str) -> ResponseReturnValue:
    """Start to measure a test that is over."""
    record, test = found(report), _known(name)
    if _state(test) not in ("over", "measured"):
        flash(f"The test '{name}' runs up to {test.until}. Measure it after that day.", "error")
        return redirect(url_for("reports.tests", report=report), code=303)
    job = queue.measure(current.store(), record.study, report, name)
    return redirect(url_for("reports.job", job=job.job), code=303)


def _folder() -> Path:
    return current.settings().files / TESTS


def _known(name: str) -> Measured:
    """A test of the register, or 404."""
    if name not in {path.name for path in _folder().glob("*")}:
        abort(404)
    try:
        return stored_test(_folder(), name)
    except ValueError:
        abort(404)


def _state(test: Measured) -> str:
    today = date.fromisoformat(clock.now()[:10])
    if test.effect is not None:
        return "measured"
    if today < test.plan.began:
        return "planned"
    return "running" if today <= test.until else "over"


def _shown(test: Measured) -> Shown:
    state, effect = _state(test), test.effect
    if effect is None:
        return Shown(test, state)
    if not effect.available:
        return Shown(test, state, verdict=f"Not stated: {effect.reason}.")
    value, low, high = ends(effect)
    if effect.unit == "share":
        said = (decimal(100 * value, 1, signed=True), f"{100 * low:.1f} to {100 * high:.1f}")
        said = (f"{said[0]} points", said[1].replace("-", "\u2212"))
    elif len(effect.unit) == 3:
        said = (money(value, effect.unit, signed=True), money_range(low, high, effect.unit))
    else:
        said = value_and_range(effect, signed=True)
    verdict = "No difference can be told from chance."
    if effect.clear_of_zero:
        verdict = "Contacted customers did more." if value > 0 else "Contacted customers did less."
    return Shown(test, state, *said, verdict)
