"""The researcher's pages of links."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from zoneinfo import ZoneInfo

from flask import Response, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from surveyapp import clock, current
from surveyapp.access import access
from surveyapp.exports.spreadsheet import csv_lines
from surveyapp.link_state import link_state
from surveyapp.respond.returning import RETURNS
from surveyapp.store import links as stored
from surveyapp.store import panels, studies
from surveyapp.store.records import LinkRecord, PanelRecord
from surveyapp.studies import fielding, invitations
from surveyapp.studies.door import door, found
from surveyapp.studies.invitations import Days, Invitation, InvitationFault, Terms
from surveyapp.studies.panel_settings import PanelFault, panel_of


@door.app_template_filter("day_in")
def _day_in(at: str, zone: str | None) -> str:
    """The day of a moment in the time zone in which it was stated."""
    return datetime.fromisoformat(at).astimezone(ZoneInfo(zone or "UTC")).date().isoformat()


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


@door.post("/<name>/links/one-time")
@access("researcher", "administrator")
def make_one_time(name: str) -> ResponseReturnValue:
    """Make links for one person each; the answer is a CSV file that cannot be had again."""
    try:
        terms = _terms(name)
        with current.store().write() as c:
            rows = invitations.make_one_time(
                c, name, _number(), terms, base_url=current.settings().text("BASE_URL")
            )
    except InvitationFault as fault:
        return _page(name, str(fault)), 400
    return _csv(name, rows)


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
    return _csv(name, rows)


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


@door.post("/<name>/links/revoke-batch")
@access("researcher", "administrator")
def revoke_batch(name: str) -> ResponseReturnValue:
    """End all links of a batch."""
    found(name)
    with current.store().write() as c:
        ended = stored.revoke_batch(c, name, request.form.get("batch", ""), at=clock.now())
    flash(f"{ended:,} {'link is' if ended == 1 else 'links are'} revoked.")
    return redirect(url_for("studies.links", name=name), code=303)


@door.post("/<name>/panels")
@access("researcher", "administrator")
def save_panel(name: str) -> ResponseReturnValue:
    """Set up a panel provider, or change the one of that name."""
    form = request.form
    with current.store().read() as c:
        version = fielding.newest(c, found(name))
    if version is None:
        return _page(name, "Publish the study first."), 400
    try:
        new = panel_of(
            fielding.read_definition(version.definition),
            form.get("name", ""),
            form.get("parameters", "").replace(",", " ").split(),
            form.get("person", ""),
            {end: form.get(end, "") for end in RETURNS},
        )
    except PanelFault as fault:
        return _page(name, *fault.faults, at="panel-name"), 400
    with current.store().write() as c:
        studies.lock(c, name)
        panels.save(c, new)
    flash(f"The panel {new.name} is stored. Make an open link for it.")
    return redirect(url_for("studies.links", name=name), code=303)


def _csv(name: str, rows: list[Invitation]) -> Response:
    table = [(row.customer, row.address, row.note) for row in rows]
    text = "".join(csv_lines(("customer", "address", "note"), table))
    headers = {"Content-Disposition": f'attachment; filename="{name}-links.csv"'}
    return Response(text, mimetype="text/csv", headers=headers)


def _page(name: str, *problems: str, at: str = "") -> str:
    record = found(name)
    settings = current.settings()
    base_url = settings.text("BASE_URL")
    with current.store().read() as c:
        version = fielding.newest(c, record)
        study = fielding.read_definition(version.definition) if version else None
        obstacle = (
            fielding.why_not_fieldable(c, version)
            if version
            else "Publish the study first: links lead to its newest version."
        )
        open_links = stored.of_study(c, name, "open")
        batches = stored.batches(c, name, at=clock.now())
        known = panels.of_study(c, name)
    return render_template(
        "studies/links.html",
        record=record,
        study=study,
        obstacle=obstacle,
        problems=[(at or _place(), problem) for problem in problems],
        open_links=[_shown(link, base_url, known) for link in open_links],
        batches=batches,
        panels=known,
        returns=RETURNS,
        zone=settings.text("TIME_ZONE"),
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
    if run_kind not in ("live", "test", "bot"):
        raise InvitationFault("A link is for live answers, for tests or for bots.")
    panel = request.form.get("panel") or None
    with current.store().read() as c:
        if panel and panel not in {known.panel for known in panels.of_study(c, name)}:
            raise InvitationFault("There is no such panel. Set it up first.")
    zone = request.form.get("zone", "").strip() or current.settings().text("TIME_ZONE")
    return invitations.terms_of(
        fielding.read_definition(version.definition),
        wave=request.form.get("wave") or None,
        run_kind=run_kind,
        days=Days(_day(request.form.get("opens", "")), _day(request.form.get("expires", "")), zone),
        batch=request.form.get("batch", "").strip() or None,
        panel=panel,
    )


def _place() -> str:
    """The first control of the form that was sent."""
    form = {"studies.make_open": "open", "studies.make_one_time": "one-time"}
    return f"{form.get(request.endpoint or '', 'personal')}-batch"


def _shown(
    link: LinkRecord, base_url: str, known: Sequence[PanelRecord]
) -> tuple[LinkRecord, str, str, PanelRecord | None]:
    """A link, its address (with the panel's parameters), its state, and its panel."""
    address = invitations.open_address(base_url, link)
    panel = next((p for p in known if p.panel == link.panel), None)
    if panel:
        address += "?" + "&".join(f"{name}=" for name in panel.names)
    return link, address, link_state(link, at=clock.now()), panel


def _number() -> int:
    sent = request.form.get("number", "").strip()
    if not (sent.isascii() and sent.isdigit() and len(sent) < 10):
        raise InvitationFault(f"'{sent[:20]}' is not a number of links.")
    return int(sent)


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
