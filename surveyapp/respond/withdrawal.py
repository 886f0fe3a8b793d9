"""Withdrawing: a respondent takes all answers back, at any time, by the link that was answered.

It works after the end too, and when the link is revoked or the study closed. A GET changes nothing.
"""

from __future__ import annotations

from dataclasses import replace

from flask import Blueprint, current_app, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException

from surveyapp import clock, current, languages, tokens
from surveyapp.access import access
from surveyapp.languages import gettext, noted
from surveyapp.respond.draw import page_words
from surveyapp.respond.ends import nowhere
from surveyapp.respond.quotas import claim
from surveyapp.respond.start import barrier, invitation_of
from surveyapp.respond.state import State, published
from surveyapp.store import Connection, links, respondents
from surveyapp.store.records import RespondentRecord

door = Blueprint("withdrawal", __name__, url_prefix="/withdraw")

SEND_AGAIN = noted("Nothing was changed yet: please press the button again.")
TITLES = {
    "stored": noted("Withdraw from this survey?"),
    "withdrawn": noted("Your answers were removed"),
    "not_started": noted("Withdraw from this survey?"),
}


@door.get("/<token>")
@access("respondent")
def page(token: str) -> ResponseReturnValue:
    """Say what withdrawing means, and ask."""
    return _page(token)


@door.post("/<token>")
@access("respondent")
def withdraw(token: str) -> ResponseReturnValue:
    """Remove everything that was answered; sent twice, it changes nothing more."""
    _respondent(token)
    with current.store().write() as c:
        person = respondents.by_token(c, tokens.token_hash(token), lock=True)
        if person and person.ended != "withdrawn":
            respondents.withdraw(c, person, at=clock.now())
    return redirect(url_for("withdrawal.page", token=token), code=303)


@door.post("/<token>/undo")
@access("respondent")
def undo(token: str) -> ResponseReturnValue:
    """Start anew after all, while the link may be used; what was removed stays removed."""
    if _respondent(token) is None:
        return redirect(url_for("respond.entry", token=token), code=303)
    with current.store().write() as c:
        person = respondents.by_token(c, tokens.token_hash(token), lock=True)
        if person and person.ended == "withdrawn" and _may_start(c, person):
            _begin_again(c, person)
    return redirect(url_for("respond.entry", token=token), code=303)


@door.errorhandler(CSRFError)
def _unsent(_: CSRFError) -> ResponseReturnValue:
    try:
        return _page(str((request.view_args or {}).get("token", "")), notice=SEND_AGAIN), 400
    except HTTPException as error:
        return current_app.handle_http_exception(error)


def _page(token: str, *, notice: str | None = None) -> str:
    person = _respondent(token)
    with current.store().read() as c:
        study = published(c, person.study, person.version) if person else None
        may_start = person is not None and _may_start(c, person)
    asked = request.args.get("lang", "")
    known = person.language if person else languages.wanted_of_shipped()
    language = asked if study and asked in study.languages else known
    languages.speak(language)
    stand = "not_started"
    if person:
        stand = "withdrawn" if person.ended == "withdrawn" else "stored"
    words = {"study": None, "language": language, "direction": languages.direction(language)}
    return render_template(
        "respond/withdraw.html",
        token=token,
        stand=stand,
        title=gettext(TITLES[stand]),
        may_start=may_start,
        notice=gettext(notice) if notice else None,
        run_kind=person.run_kind if person else "live",
        **(page_words(study, language) if study else words),
    )


def _respondent(token: str) -> RespondentRecord | None:
    """The respondent of a link; None when nobody started with it. 404 without such a link."""
    hashed = tokens.token_hash(token)
    with current.store().read() as c:
        person = respondents.by_token(c, hashed)
        if person is None and links.by_token(c, hashed) is None:
            nowhere()
    return person


def _may_start(c: Connection, person: RespondentRecord) -> bool:
    found = invitation_of(c, person)
    return found is not None and barrier(*found, at=clock.now(), started=False) is None


def _begin_again(c: Connection, person: RespondentRecord) -> None:
    study, link = published(c, person.study, person.version), links.get(c, person.link)
    now = clock.now()
    again = replace(
        person,
        customer=link.customer if link else None,
        cell=None,
        step=study.pages[0].id,
        turn=person.turn + 1,
        started=now,
        ended=None,
        withdrawn=None,
        seed=tokens.new_seed(),
    )
    respondents.begin_again(c, again)
    if not claim(c, State(study, again, {}, {}, frozenset()), at=now, ended=None):
        respondents.end(c, again.respondent, "quota_full")
