"""The researcher's pages of links."""

from __future__ import annotations

from datetime import date

from flask import Response, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from surveyapp import clock, current
from surveyapp.access import access
from surveyapp.exports.spreadsheet import csv_lines
from surveyapp.store import links as stored
from surveyapp.studies import fielding, invitations
from surveyapp.studies.door import door, found
from surveyapp.studies.invitations import InvitationFault, Terms


@door.get("/<name>/links")
@access("researcher", "administrator")
def links(name: str) -> ResponseReturnValue:
    """Links of a study, and the forms that make more."""
    return _page(name)


@door.post("/<name>/links/open")
@access("researcher", "administrator")
def make_open(name: str) -> ResponseReturnValue:
    """Make an open link."""
    try:
        terms = _terms(name)
    except InvitationFault as fault:
        return _page(name, str(fault)), 400
    with current.store().write() as c:
        invitations.make_open(c, name, terms)
    flash("The open link is ready. Its address is below.")
    return redirect(url_for("studies.links", name=name), code=303)


@door.post("/<name>/links/personal")
@access("researcher", "administrator")
def make_personal(name: str) -> ResponseReturnValue:
    """Make personal links; the answer is a CSV file that cannot be had again."""
    settings = current.settings()
    try:
        terms = _terms(name)
        with current.store().write() as c:
            rows = invitations.make_personal(
                c,
                name,
                _sent_identifiers(),
                terms,
                key=settings.customer_key,
                base_url=settings.text("BASE_URL"),
            )
    except InvitationFault as fault:
        return _page(name, str(fault)), 400
    table = [(row.customer, row.address, row.note) for row in rows]
    text = "".join(csv_lines(("customer", "address", "note"), table))
    headers = {"Content-Disposition": f'attachment; filename="{name}-links.csv"'}
    return Response(text, mimetype="text/csv", headers=headers)


@door.post("/<name>/links/<link>/revoke")
@access("researcher", "administrator")
def revoke(name: str, link: str) -> ResponseReturnValue:
    """End a link."""
    with current.store().write() as c:
        record = stored.get(c, link)
        if record is None or record.study != name:
            abort(404)
        stored.revoke(c, link, at=clock.now())
    flash("The link is revoked: nobody can answer with it any more.")
    return redirect(url_for("studies.links", name=name), code=303)


def _page(name: str, problem: str | None = None) -> str:
    record = found(name)
    base_url = current.settings().text("BASE_URL")
    with current.store().read() as c:
        version = fielding.newest(c, record)
        study = fielding.read_definition(version.definition) if version else None
        obstacle = (
            fielding.why_not_fieldable(c, version)
            if version
            else "Publish the study first: links lead to its newest version."
        )
        open_links = stored.of_study(c, name, "open")
        personal = stored.counts(c, name)
    return render_template(
        "studies/links.html",
        record=record,
        study=study,
        obstacle=obstacle,
        problem=problem,
        open_links=[(link, invitations.open_address(base_url, link)) for link in open_links],
        personal=personal,
        now=clock.now(),
        sent=request.form,
    )


def _terms(name: str) -> Terms:
    """Wave, kind of run and expiry as sent; a fault when the study cannot be fielded."""
    record = found(name)
    with current.store().read() as c:
        version = fielding.newest(c, record)
        if version is None:
            raise InvitationFault("Publish the study first: links lead to its newest version.")
        obstacle = fielding.why_not_fieldable(c, version)
    if obstacle:
        raise InvitationFault(obstacle)
    run_kind = request.form.get("run_kind", "live")
    if run_kind not in ("live", "test"):
        raise InvitationFault("A link is for live answers or for tests.")
    return invitations.terms_of(
        fielding.read_definition(version.definition),
        wave=request.form.get("wave") or None,
        run_kind=run_kind,
        last_day=_day(request.form.get("expires", "")),
    )


def _day(sent: str) -> date | None:
    try:
        return date.fromisoformat(sent) if sent else None
    except ValueError:
        raise InvitationFault(f"'{sent}' is not a date such as 2026-12-31.") from None


def _sent_identifiers() -> list[str]:
    file = request.files.get("file")
    raw = file.read() if file and file.filename else b""
    if raw:
        return invitations.identifiers_of_file(raw)
    return invitations.identifiers_in(request.form.get("customers", ""))
