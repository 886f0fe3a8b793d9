"""No more mails: the page that every mail leads to, and the one click of mail programs.

A GET changes nothing, so that mail scanners opt nobody out (RFC 8058 asks for a POST).
"""

from __future__ import annotations

from flask import Blueprint, abort, current_app, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException

from surveyapp import clock, current, languages, tokens
from surveyapp.access import access
from surveyapp.languages import gettext, noted
from surveyapp.respond.ends import nowhere
from surveyapp.security import csrf
from surveyapp.store import contacts, mailings
from surveyapp.store.contacts import ContactRecord
from surveyapp.store.mailings import MailingRecord, MessageRecord

door = Blueprint("opt_out", __name__, url_prefix="/stop")


@door.get("/<message>/<secret>")
@access("respondent")
def page(message: str, secret: str) -> ResponseReturnValue:
    """Ask, or say that no more mails are sent."""
    return _page(message, secret)


@door.post("/<message>/<secret>")
@access("respondent")
def stop(message: str, secret: str) -> ResponseReturnValue:
    """Opt out, by the button of the page."""
    _opt_out(message, secret)
    return redirect(url_for("opt_out.page", message=message, secret=secret), code=303)


@door.get("/<message>/<secret>/now")
@access("respondent")
def one_click_page(message: str, secret: str) -> ResponseReturnValue:
    """What a person sees whose mail program opens the address instead of posting to it."""
    return _page(message, secret)


@door.post("/<message>/<secret>/now")
@access("respondent")
def one_click(message: str, secret: str) -> ResponseReturnValue:
    """Opt out by a mail program's button; the secret in the address stands for the person.

    No page of ours was opened before, so there is no token of a form to send.
    """
    if request.form.get("List-Unsubscribe") != "One-Click":
        abort(400)
    _opt_out(message, secret)
    return "No more mails are sent.\n", 200, {"Content-Type": "text/plain; charset=utf-8"}


csrf.exempt(one_click)


@door.post("/<message>/<secret>/undo")
@access("respondent")
def undo(message: str, secret: str) -> ResponseReturnValue:
    """Get mails again after all."""
    _, _, contact = _found(message, secret)
    if contact:
        with current.store().write() as c:
            contacts.opt_in(c, (contact.customer, contact.address_key))
    return redirect(url_for("opt_out.page", message=message, secret=secret), code=303)


@door.errorhandler(CSRFError)
def _unsent(_: CSRFError) -> ResponseReturnValue:
    try:
        return _page(**(request.view_args or {}), again=True), 400
    except HTTPException as error:
        return current_app.handle_http_exception(error)


def _opt_out(message: str, secret: str) -> None:
    found, mailing, contact = _found(message, secret)
    now = clock.now()
    with current.store().write() as c:
        mailings.note_opt_out(c, found.message, at=now)
        if contact:
            keys = (contact.customer, contact.address_key)
            contacts.opt_out(c, mailing.study, keys, at=now)


def _page(message: str, secret: str, *, again: bool = False) -> str:
    _, _, contact = _found(message, secret)
    with current.store().read() as c:
        silent = contact is not None and contacts.wants_silence(c, contact)
    offered = contact.language if contact else languages.wanted_of_shipped()
    languages.speak(offered)
    title = noted("No more survey mails?")
    if silent or contact is None:
        title = noted("You get no more survey mails from us")
    return render_template(
        "respond/opt_out.html",
        title=gettext(title),
        language=offered,
        direction=languages.direction(offered),
        message=message,
        secret=secret,
        known=contact is not None,
        silent=silent,
        again=again,
        study=None,
    )


def _found(message: str, secret: str) -> tuple[MessageRecord, MailingRecord, ContactRecord | None]:
    """The message of an address with its contact, None once erased; else 404."""
    if not tokens.is_stop_token(secret, message, current.settings().customer_key):
        nowhere()
    with current.store().read() as c:
        found = mailings.message(c, message) or nowhere()
        mailing = mailings.get(c, found.mailing) or nowhere()
        contact = contacts.get(c, mailing.study, found.customer) if found.customer else None
    return found, mailing, contact
