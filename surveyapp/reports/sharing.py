"""Secret addresses of a report: made and revoked by staff, read by whoever has them."""

from __future__ import annotations

from pathlib import Path

from flask import (
    Blueprint,
    Response,
    abort,
    flash,
    make_response,
    redirect,
    render_template,
    request,
    send_file,
    url_for,
)
from flask.typing import ResponseReturnValue
from flask_login import current_user
from markupsafe import Markup

from analysis.rendering.files import without_customers
from analysis.rendering.html import report_fragment
from surveyapp import clock, current, tokens
from surveyapp.access import access
from surveyapp.reports import run_files
from surveyapp.reports.door import door, found, read
from surveyapp.reports.staleness import outdated
from surveyapp.security import guesses_left, share_limit
from surveyapp.store import shares
from surveyapp.store.records import ReportRecord, ShareRecord

shared = Blueprint("shared", __name__, url_prefix="/shared")
DAYS = {"7": "a week", "30": "30 days", "90": "90 days"}
DAY = 86_400
LONGEST_NOTE = 200


@door.get("/<report>/shares")
@access("researcher", "manager", "administrator")
def report_shares(report: str) -> ResponseReturnValue:
    """The addresses of a report, and the form that makes one."""
    return _page(found(report))


@door.post("/<report>/shares")
@access("researcher", "manager", "administrator")
def share(report: str) -> ResponseReturnValue:
    """Make an address; it is shown now and never again."""
    record = found(report)
    days, note = request.form.get("days", ""), request.form.get("note", "").strip()
    if days not in DAYS:
        return _page(record, problem="Choose for how long the address works."), 400
    if len(note) > LONGEST_NOTE:
        return _page(record, problem=f"Keep the note under {LONGEST_NOTE} characters."), 400
    token = tokens.new_token()
    new = ShareRecord(
        share=tokens.new_id(),
        report=report,
        token_hash=tokens.token_hash(token),
        note=note,
        created=clock.now(),
        created_by=current_user.name,
        expires=clock.now(plus_seconds=int(days) * DAY),
    )
    with current.store().write() as c:
        shares.add(c, new)
    base = current.settings().text("BASE_URL").rstrip("/")
    return _page(record, address=base + url_for("shared.report", token=token))


@door.post("/<report>/shares/<share>/revoke")
@access("researcher", "manager", "administrator")
def revoke_share(report: str, share: str) -> ResponseReturnValue:
    """End an address at once."""
    found(report)
    with current.store().write() as c:
        ended = shares.revoke(c, report, share, at=clock.now())
    flash("The address no longer works." if ended else "That address had already been ended.")
    return redirect(url_for("reports.report_shares", report=report), code=303)


@shared.get("/<token>")
@access("respondent")
@share_limit
def report(token: str) -> ResponseReturnValue:
    """The report without lists of customers and without downloads of single people."""
    record = _of(token)
    stale = outdated(current.settings(), current.store(), record)
    document, charts = read(record)
    fragment = report_fragment(without_customers(document), charts, stale=stale)
    page = render_template(
        "reports/shared.html",
        header=document.header,
        fragment=Markup(fragment),  # noqa: S704 - made by rendering
        token=token,
        pdf=_pdf_of(record, stale) is not None,
    )
    return _unindexed(make_response(page))


@shared.get("/<token>/report.pdf")
@access("respondent")
@share_limit
def pdf(token: str) -> ResponseReturnValue:
    """The PDF without lists of customers."""
    record = _of(token)
    stale = outdated(current.settings(), current.store(), record)
    path = _pdf_of(record, stale) or abort(404)
    name = f"{record.study}-report-{record.created[:10]}.pdf"
    sent = send_file(path.absolute(), "application/pdf", download_name=name)
    return _unindexed(sent)


def _of(token: str) -> ReportRecord:
    """The report of a secret; 404 for one that has expired, was ended or never was."""
    with current.store().write() as c:
        used = shares.use(c, tokens.token_hash(token), at=clock.now())
    if used is None:
        abort(404 if guesses_left() else 429)
    return found(used.report)


def _pdf_of(record: ReportRecord, stale: tuple[str, ...]) -> Path | None:
    """The PDF for readers without log-in; None when it says something else than the page."""
    path = run_files.folder_of(current.settings(), record.job or record.report)
    path = path / run_files.SHARED_PDF
    same = run_files.printed(current.settings(), record) == stale
    return path if same and path.is_file() else None


def _unindexed(reply: Response) -> Response:
    """Never stored by a cache or found by a search engine."""
    reply.headers["X-Robots-Tag"] = "noindex, nofollow, noarchive"
    reply.headers["Cache-Control"] = "private, no-store"
    return reply


def _page(record: ReportRecord, *, address: str = "", problem: str = "") -> str:
    with current.store().read() as c:
        known = shares.of_report(c, record.report)
    return render_template(
        "reports/shares.html",
        record=record,
        shares=known,
        days=DAYS,
        address=address,
        problem=problem,
        now=clock.now(),
    )
