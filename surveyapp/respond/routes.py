"""The respondent's door: start pages, steps and endings.

``GET`` never changes anything: mail scanners and previews of links open every address.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from flask import (
    Blueprint,
    Response,
    abort,
    current_app,
    make_response,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError
from itsdangerous import BadSignature, URLSafeSerializer
from markupsafe import Markup
from werkzeug.exceptions import HTTPException

from analysis.study.routing import Step
from analysis.study.types import Study
from surveyapp import clock, current, languages, texts, tokens
from surveyapp.access import access
from surveyapp.languages import gettext, noted
from surveyapp.respond import arriving
from surveyapp.respond.draw import Screen, draw_step, page_words
from surveyapp.respond.ends import Onward, end_page, nowhere, respondents_end
from surveyapp.respond.record import Recorded, record_page
from surveyapp.respond.reply import failed_checks, read_reply, retyped_reply, stored_form
from surveyapp.respond.returning import return_address
from surveyapp.respond.start import (
    Arrival,
    barrier,
    invitation,
    invitation_of,
    start_respondent,
)
from surveyapp.respond.state import State, load_state, published, task_of
from surveyapp.store import images, links, panels, respondents
from surveyapp.store.records import LinkRecord, PanelRecord, RespondentRecord, StudyRecord

door = Blueprint("respond", __name__)

NOTHING: Mapping[str, str] = MappingProxyType({})
SENT_ALREADY = noted(
    "This page was already sent, perhaps from another tab; here is what is stored. "
    "Nothing was changed."
)
MOVED_ON = noted(
    "The survey went on in another tab. What you entered here is not stored yet: "
    "please check it and send it again."
)
NOT_ON_WAY = noted(
    "The page that you sent is not a part of your way through the survey, perhaps because an "
    "answer was changed in another tab. It was not stored; the survey goes on here."
)
SEND_AGAIN = noted(
    "Your page could not be sent. What you entered is still here: please send it again."
)


@door.app_template_filter("markdown")
def _markdown(text: str) -> Markup:
    return texts.markdown(text)


@door.app_template_filter("plain")
def _plain(text: str) -> str:
    """A text where no markup may stand, as in a title."""
    return str(text)


@door.get("/s/<slug>")
@access("anyone")
def open_start(slug: str) -> ResponseReturnValue:
    """The start page of an open link."""
    link, study = _open_invitation(slug)
    return _start_page(link, study)


@door.post("/s/<slug>")
@access("anyone")
def open_begin(slug: str) -> ResponseReturnValue:
    """Start from an open link; the form carries the new token, so that two clicks start once."""
    link, study = _open_invitation(slug)
    key = _read_key(slug)
    if key is None:
        return _start_page(link, study, notice=SEND_AGAIN)
    return _begin(link, study, *key)


@door.get("/images/<study>/<name>")
@access("anyone")
def image(study: str, name: str) -> ResponseReturnValue:
    """An image of a study; it never changes under its name."""
    with current.store().read() as c:
        found = images.get(c, study, name) or abort(404)
    kind = images.TYPES[name.rpartition(".")[2]]
    headers = {"Cache-Control": "public, max-age=31536000, immutable"}
    return Response(found.content, mimetype=kind, headers=headers)


@door.get("/a/<token>")
@access("respondent")
def entry(token: str) -> ResponseReturnValue:
    """The start page of a personal link, the current step, or the end page."""
    state = _state(token)
    if state is None:
        link, study = _personal_invitation(token)
        return _start_page(link, study)
    stopped = _stopped(state)
    if stopped:
        return stopped
    if state.respondent.ended or state.current is None:
        return _end(state)
    return _to(token, state.current)


@door.post("/a/<token>")
@access("respondent")
def begin(token: str) -> ResponseReturnValue:
    """Start from a personal link; starting again changes nothing."""
    if _state(token) is not None:
        return redirect(url_for(".entry", token=token), code=303)
    link, study = _personal_invitation(token)
    return _begin(link, study, token)


@door.get("/a/<token>/<step_id>")
@access("respondent")
def show(token: str, step_id: str) -> ResponseReturnValue:
    """One step, filled in with what is stored; later steps lead to the current one."""
    state = _known(token)
    step = state.step(step_id)
    if step is None or state.respondent.ended:
        return redirect(url_for(".entry", token=token), code=303)
    return _stopped(state) or _draw(token, state, step)


@door.post("/a/<token>/<step_id>")
@access("respondent")
def send(token: str, step_id: str) -> ResponseReturnValue:
    """Store a step and lead to the next."""
    state = _known(token)
    stopped = _stopped(state)
    if stopped:
        return stopped
    if request.form.get("language") in state.study.languages and not state.respondent.ended:
        return _read_on(token, state, step_id, request.form["language"])
    recorded = record_page(
        current.store(), state, step_id=step_id, turn=_turn(), posted=request.form, at=clock.now()
    )
    return _answer(token, recorded)


def _read_on(token: str, state: State, step_id: str, language: str) -> ResponseReturnValue:
    """The same page in another language, with all that was entered; no answer is stored."""
    with current.store().write() as c:
        respondents.set_language(c, state.respondent.respondent, language)
    step = state.step(step_id)
    if step is None:
        return redirect(url_for(".entry", token=token), code=303)
    entered = retyped_reply(state, step, request.form, language)
    languages.speak(language)
    there = replace(state, respondent=replace(state.respondent, language=language))
    return _draw(token, there, step, entered=entered, turn=_turn())


@door.errorhandler(CSRFError)
def _unsent(_: CSRFError) -> ResponseReturnValue:
    """A form whose key is missing or old: show it again with everything that was entered."""
    try:
        return _shown_again(request.view_args or {})
    except HTTPException as error:
        return current_app.handle_http_exception(error)


def _shown_again(found: dict[str, str]) -> ResponseReturnValue:
    if request.endpoint == "respond.open_begin":
        key = _read_key(found["slug"])
        sent = key[1] if key else None
        return _start_page(*_open_invitation(found["slug"]), notice=SEND_AGAIN, sent=sent)
    token = found["token"]
    state = _state(token)
    if state is None:
        return _start_page(*_personal_invitation(token), notice=SEND_AGAIN)
    step = state.step(found.get("step_id", ""))
    if step is None or state.respondent.ended:
        return redirect(url_for(".entry", token=token), code=303)
    entered = read_reply(state, step, request.form).entered
    page = _draw(token, state, step, entered=entered, turn=_turn(), notice=gettext(SEND_AGAIN))
    return page, 400


def _answer(token: str, recorded: Recorded) -> ResponseReturnValue:
    state, step, reply = recorded.state, recorded.step, recorded.reply
    if recorded.outcome == "ended":
        return respondents_end(
            state,
            state.respondent.ended or "complete",
            notice=gettext("The survey is finished. Nothing was changed."),
        ), 409
    if step is None or reply is None:
        return _elsewhere(token, state)
    if recorded.outcome == "invalid":
        page = _draw(token, state, step, entered=reply.entered, errors=reply.errors)
        return page, 422
    if recorded.outcome == "differs":
        if state.has_any(step):
            return _draw(token, state, step, notice=gettext(SENT_ALREADY)), 409
        return _draw(token, state, step, entered=reply.entered, notice=gettext(MOVED_ON)), 409
    return _to(token, recorded.next_step)


def _elsewhere(token: str, state: State) -> ResponseReturnValue:
    """A page that is not on the way (any more) was sent: the current step, which says so."""
    if state.current is None:
        return redirect(url_for(".entry", token=token), code=303)
    return _draw(token, state, state.current, notice=gettext(NOT_ON_WAY)), 409


def _to(token: str, step: Step | None) -> ResponseReturnValue:
    if step is None:
        return redirect(url_for(".entry", token=token), code=303)
    return redirect(url_for(".show", token=token, step_id=step.id), code=303)


def _turn() -> int:
    sent = request.form.get("turn", "")
    return int(sent) if sent.isascii() and sent.isdigit() and len(sent) < 10 else -1


def _state(token: str) -> State | None:
    with current.store().read() as c:
        respondent = respondents.by_token(c, tokens.token_hash(token))
        if respondent is None:
            return None
        state = replace(load_state(c, respondent), invitation=invitation_of(c, respondent))
    languages.speak(respondent.language)
    return state


def _known(token: str) -> State:
    state = _state(token)
    if state is None:
        _personal_invitation(token)
        abort(redirect(url_for(".entry", token=token), code=303))
    return state


def _open_invitation(slug: str) -> tuple[LinkRecord, StudyRecord]:
    with current.store().read() as c:
        found = invitation(c, links.by_slug(c, slug))
    return found or nowhere()


def _personal_invitation(token: str) -> tuple[LinkRecord, StudyRecord]:
    with current.store().read() as c:
        found = invitation(c, links.by_token(c, tokens.token_hash(token)))
    return found or nowhere()


def _stopped(state: State) -> ResponseReturnValue | None:
    """The page that says why a respondent who started may not go on, or None."""
    if state.respondent.ended:
        return None
    found = state.invitation
    reason = barrier(*found, at=clock.now(), started=True) if found else "revoked"
    return (respondents_end(state, reason), 410) if reason else None


def _begin(
    link: LinkRecord, study: StudyRecord, token: str, sent: Mapping[str, str] = NOTHING
) -> ResponseReturnValue:
    at = clock.now()
    if barrier(link, study, at=at, started=False) or study.version is None:
        return _start_page(link, study, sent=sent)
    with current.store().read() as c:
        definition = published(c, study.study, study.version)
        panel = panels.get(c, link.panel) if link.panel else None
    known_as = arriving.panel_key(panel, link, sent) if panel else ""
    if panel and not known_as:
        return _start_page(link, study, sent=sent)
    chosen = request.form.get("language", "")
    arrival = Arrival(
        token,
        chosen if chosen in definition.languages else definition.default_language,
        arriving.device_of(request.user_agent.string),
        sent,
        known_as,
    )
    with current.store().write() as c:
        respondent = start_respondent(c, link, definition, study.version, arrival, at=at)
    if respondent.token_hash != tokens.token_hash(token):
        return _again(respondent, panel, definition)
    if known_as:
        arriving.remember(session, known_as, token)
    return redirect(url_for(".entry", token=token), code=303)


def _start_page(
    link: LinkRecord,
    record: StudyRecord,
    *,
    notice: str | None = None,
    sent: Mapping[str, str] | None = None,
) -> ResponseReturnValue:
    study = panel = known = None
    with current.store().read() as c:
        if record.version is not None:
            study = published(c, record.study, record.version)
        if link.panel and (panel := panels.get(c, link.panel)):
            sent = arriving.carried(panel, request.args if sent is None else sent)
            known_as = arriving.panel_key(panel, link, sent)
            known = respondents.by_panel_key(c, known_as)
    if known and study:
        return _again(known, panel, study)
    reason = barrier(link, record, at=clock.now(), started=False)
    if reason or study is None:
        return end_page(reason or "unpublished", study), 410
    if panel and not known_as:
        facts = {"person": panel.person, "panel": panel.name}
        return end_page("incomplete", study, facts=facts), 400
    chosen = request.form.get("language", "")
    language = chosen if chosen in study.languages else languages.wanted(study.languages)
    languages.speak(language)
    key = _signer(link.slug).dumps([tokens.new_token(), sent or {}]) if link.slug else None
    page = render_template(
        "respond/start.html",
        notice=gettext(notice) if notice else None,
        key=key,
        run_kind=link.run_kind,
        kept=sent or {},
        **page_words(study, language),
    )
    return page, 400 if notice else 200


def _again(
    respondent: RespondentRecord, panel: PanelRecord | None, study: Study
) -> ResponseReturnValue:
    """A person of a panel who comes again: on in the same browser, else told so politely."""
    token = arriving.remembered(session, respondent.panel_key or "")
    if token and tokens.token_hash(token) == respondent.token_hash:
        return redirect(url_for(".entry", token=token), code=303)
    return end_page("already_answered", study, onward=_onward(panel, respondent)), 409


def _read_key(slug: str) -> tuple[str, dict[str, str]] | None:
    """The token and the panel's parameters that a start page carries, or None when forged."""
    try:
        token, sent = _signer(slug).loads(request.form.get("key", ""))
    except (BadSignature, ValueError):
        return None
    return token, sent


def _signer(slug: str) -> URLSafeSerializer:
    return URLSafeSerializer(str(current_app.secret_key), salt=f"start {slug}")


def _draw(
    token: str,
    state: State,
    step: Step,
    *,
    entered: dict[str, list[str]] | None = None,
    errors: dict[str, str] | None = None,
    turn: int | None = None,
    notice: str | None = None,
) -> str:
    respondent = state.respondent
    before = state.before(step)
    task = None
    if step.task:
        with current.store().read() as c:
            task = task_of(c, respondent, step)
    screen = Screen(
        language=respondent.language,
        entered=stored_form(state, step) if entered is None else entered,
        errors=failed_checks(state, step) if errors is None and entered is None else errors or {},
        task=task,
        action=url_for(".send", token=token, step_id=step.id),
        turn=respondent.turn if turn is None else turn,
        back=url_for(".show", token=token, step_id=before.id) if before else None,
        notice=notice,
        answered_before=state.given(before) if before and step.task > 1 else None,
        run_kind=respondent.run_kind,
        seed=respondent.seed,
        fill=state.piping.fill,
        ahead=frozenset(s.page.id for s in state.way[state.way.index(step) + 1 :]),
    )
    return draw_step(state.study, step, screen)


def _end(state: State) -> ResponseReturnValue:
    """The end page; who came from a panel is taken back to it at once.

    Not by a redirect: browsers hold those to the ``form-action`` of the page that was sent.
    """
    onward = _onward(_panel_of(state.respondent), state.respondent)
    ended = state.respondent.ended or "complete"
    page = make_response(respondents_end(state, ended, onward=onward))
    if onward:
        page.headers["Refresh"] = f"0;url={onward.address}"
    return page


def _onward(panel: PanelRecord | None, respondent: RespondentRecord) -> Onward | None:
    """Where somebody who came from a panel goes back to."""
    address = return_address(panel, respondent) if panel else None
    return Onward(panel.name, address) if panel and address else None


def _panel_of(respondent: RespondentRecord) -> PanelRecord | None:
    if not respondent.panel_key:
        return None
    with current.store().read() as c:
        return panels.of_link(c, respondent.link)
