"""The respondent's door: start pages, steps and endings.

``GET`` never changes anything: mail scanners and previews of links open every address.
"""

from __future__ import annotations

from dataclasses import replace

from flask import (
    Blueprint,
    Response,
    abort,
    current_app,
    redirect,
    render_template,
    request,
    url_for,
)
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError
from itsdangerous import BadSignature, URLSafeSerializer
from markupsafe import Markup
from werkzeug.exceptions import HTTPException

from analysis.study.routing import Step
from analysis.study.types import Study
from surveyapp import clock, current, texts, tokens
from surveyapp.access import access
from surveyapp.respond.draw import Screen, draw_step
from surveyapp.respond.record import Recorded, record_page
from surveyapp.respond.reply import read_reply, stored_form
from surveyapp.respond.start import barrier, invitation, invitation_of, start_respondent
from surveyapp.respond.state import State, load_state, published, task_of
from surveyapp.store import images, links, respondents
from surveyapp.store.records import LinkRecord, RespondentRecord, StudyRecord

door = Blueprint("respond", __name__)

SENT_ALREADY = (
    "This page was already sent, perhaps from another tab; here is what is stored. "
    "Nothing was changed."
)
MOVED_ON = (
    "The survey went on in another tab. What you entered here is not stored yet: "
    "please check it and send it again."
)
NOT_ON_WAY = (
    "The page that you sent is not a part of your way through the survey, perhaps because an "
    "answer was changed in another tab. It was not stored; the survey goes on here."
)
SEND_AGAIN = "Your page could not be sent. What you entered is still here: please send it again."


@door.app_template_filter("markdown")
def _markdown(text: str) -> Markup:
    return texts.markdown(text)


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
    try:
        token: str = _signer(slug).loads(request.form.get("key", ""))
    except BadSignature:
        return _start_page(link, study, notice=SEND_AGAIN)
    return _begin(link, study, token)


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
        return _end_page(state)
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
    recorded = record_page(
        current.store(), state, step_id=step_id, turn=_turn(), posted=request.form, at=clock.now()
    )
    return _answer(token, recorded)


@door.errorhandler(CSRFError)
def _unsent(_: CSRFError) -> ResponseReturnValue:
    """A form whose key is missing or old: show it again with everything that was entered."""
    try:
        return _shown_again(request.view_args or {})
    except HTTPException as error:
        return current_app.handle_http_exception(error)


def _shown_again(found: dict[str, str]) -> ResponseReturnValue:
    if request.endpoint == "respond.open_begin":
        return _start_page(*_open_invitation(found["slug"]), notice=SEND_AGAIN)
    token = found["token"]
    state = _state(token)
    if state is None:
        return _start_page(*_personal_invitation(token), notice=SEND_AGAIN)
    step = state.step(found.get("step_id", ""))
    if step is None or state.respondent.ended:
        return redirect(url_for(".entry", token=token), code=303)
    entered = read_reply(state, step, request.form).entered
    page = _draw(token, state, step, entered=entered, turn=_turn(), notice=SEND_AGAIN)
    return page, 400


def _answer(token: str, recorded: Recorded) -> ResponseReturnValue:
    state, step, reply = recorded.state, recorded.step, recorded.reply
    if recorded.outcome == "ended":
        return _end_page(state, notice="The survey is finished. Nothing was changed."), 409
    if step is None or reply is None:
        return _elsewhere(token, state)
    if recorded.outcome == "invalid":
        page = _draw(token, state, step, entered=reply.entered, errors=reply.errors)
        return page, 422
    if recorded.outcome == "differs":
        if state.has_any(step):
            return _draw(token, state, step, notice=SENT_ALREADY), 409
        return _draw(token, state, step, entered=reply.entered, notice=MOVED_ON), 409
    return _to(token, recorded.next_step)


def _elsewhere(token: str, state: State) -> ResponseReturnValue:
    """A page that is not on the way (any more) was sent: the current step, which says so."""
    if state.current is None:
        return redirect(url_for(".entry", token=token), code=303)
    return _draw(token, state, state.current, notice=NOT_ON_WAY), 409


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
        return replace(load_state(c, respondent), invitation=invitation_of(c, respondent))


def _known(token: str) -> State:
    state = _state(token)
    if state is None:
        _personal_invitation(token)
        abort(redirect(url_for(".entry", token=token), code=303))
    return state


def _open_invitation(slug: str) -> tuple[LinkRecord, StudyRecord]:
    with current.store().read() as c:
        found = invitation(c, links.by_slug(c, slug))
    return found or abort(404)


def _personal_invitation(token: str) -> tuple[LinkRecord, StudyRecord]:
    with current.store().read() as c:
        found = invitation(c, links.by_token(c, tokens.token_hash(token)))
    return found or abort(404)


def _stopped(state: State) -> ResponseReturnValue | None:
    """The page that says why a respondent who started may not go on, or None."""
    if state.respondent.ended:
        return None
    found = state.invitation
    reason = barrier(*found, at=clock.now(), started=True) if found else "revoked"
    return (_closed_page(reason, state.study), 410) if reason else None


def _begin(link: LinkRecord, study: StudyRecord, token: str) -> ResponseReturnValue:
    at = clock.now()
    if barrier(link, study, at=at, started=False) or study.version is None:
        return _start_page(link, study)
    with current.store().read() as c:
        definition = published(c, study.study, study.version)
    wanted = request.form.get("language", "")
    language = wanted if wanted in definition.languages else definition.default_language
    with current.store().write() as c:
        start_respondent(
            c, link, study.version, token, language=language, step=definition.pages[0].id, at=at
        )
    return redirect(url_for(".entry", token=token), code=303)


def _start_page(
    link: LinkRecord, record: StudyRecord, *, notice: str | None = None
) -> ResponseReturnValue:
    study = None
    if record.version is not None:
        with current.store().read() as c:
            study = published(c, record.study, record.version)
    reason = barrier(link, record, at=clock.now(), started=False)
    if reason or study is None:
        return _closed_page(reason or "unpublished", study), 410
    wanted = request.values.get("language", "")
    language = wanted if wanted in study.languages else _preferred(study)
    key = _signer(link.slug).dumps(tokens.new_token()) if link.slug else None
    page = render_template(
        "respond/start.html",
        notice=notice,
        key=key,
        run_kind=link.run_kind,
        **_words(study, language),
    )
    return page, 400 if notice else 200


def _preferred(study: Study) -> str:
    return request.accept_languages.best_match(study.languages) or study.default_language


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
        errors=errors or {},
        task=task,
        action=url_for(".send", token=token, step_id=step.id),
        turn=respondent.turn if turn is None else turn,
        back=url_for(".show", token=token, step_id=before.id) if before else None,
        notice=notice,
        answered_before=state.given(before) if before and step.task > 1 else None,
        run_kind=respondent.run_kind,
        seed=respondent.seed,
    )
    return draw_step(state.study, step, screen)


def _end_page(state: State, *, notice: str | None = None) -> str:
    respondent: RespondentRecord = state.respondent
    return render_template(
        "respond/end.html",
        notice=notice,
        ended=respondent.ended,
        receipt="-".join(respondent.respondent[n : n + 4] for n in range(0, 16, 4)),
        respondent=respondent,
        **_words(state.study, respondent.language),
    )


def _closed_page(reason: str, study: Study | None) -> str:
    words = _words(study, _preferred(study)) if study else {"study": None}
    return render_template("respond/closed.html", reason=reason, **words)


def _words(study: Study, language: str) -> dict[str, object]:
    return {
        "study": study,
        "language": language,
        "direction": texts.direction(language),
        "say": lambda text: text.say(language, study.default_language) if text else "",
    }
