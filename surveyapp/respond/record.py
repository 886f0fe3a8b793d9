"""Storing a page: one transaction, safe to resend."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from werkzeug.datastructures import MultiDict

from analysis.study.routing import Step
from surveyapp.respond.quotas import claim
from surveyapp.respond.reply import Reply, read_reply
from surveyapp.respond.state import State, block_of, load_state
from surveyapp.store import Connection, Store, answers, respondents
from surveyapp.store.records import ChoiceRecord

Outcome = Literal["stored", "again", "differs", "invalid", "elsewhere", "ended"]


@dataclass(frozen=True, slots=True)
class Recorded:
    """What became of a page that was sent.

    ``stored`` and ``again`` (the same was stored before) lead to ``next_step``, None being the
    end; ``differs``: something else is stored, or the survey moved on; ``invalid``: see the
    reply; ``elsewhere``: the page is not on the way; ``ended``: the survey is over.
    """

    outcome: Outcome
    state: State
    step: Step | None = None
    reply: Reply | None = None
    next_step: Step | None = None


def record_page(
    store: Store, before: State, *, step_id: str, turn: int, posted: MultiDict[str, str], at: str
) -> Recorded:
    """Check and store a page that was sent.

    Parameters
    ----------
    before
        The respondent as read before; only a page that is valid by it opens a write transaction.
    turn
        The revision that the page's form carries.
    at
        The time to store.
    """
    early = _checked(before, step_id, posted)
    if early.outcome == "invalid" and turn == before.respondent.turn:
        return early
    if early.outcome in ("again", "elsewhere", "ended"):
        return early
    with store.write() as c:
        locked = respondents.by_token(c, before.respondent.token_hash, lock=True)
        if locked is None:
            raise LookupError("the respondent was erased")
        if locked == before.respondent:  # nothing was stored since it was read
            state, checked = before, early
        else:
            state = load_state(c, locked)
            checked = _checked(state, step_id, posted)
        if checked.step is None or checked.reply is None or checked.outcome == "again":
            return checked
        if turn != locked.turn:
            return _resent(state, checked.step, checked.reply)
        if checked.outcome == "invalid":
            return checked
        return _stored(c, state, checked.step, checked.reply, at=at)


def _checked(state: State, step_id: str, posted: MultiDict[str, str]) -> Recorded:
    step = state.step(step_id)
    reply = read_reply(state, step, posted) if step else None
    if state.respondent.ended:
        if step and reply and reply.is_stored(state, step):
            return Recorded("again", state, step, reply)
        return Recorded("ended", state)
    if step is None or reply is None:
        return Recorded("elsewhere", state)
    return Recorded("invalid" if reply.errors else "stored", state, step, reply)


def _resent(state: State, step: Step, reply: Reply) -> Recorded:
    if reply.is_stored(state, step):
        return Recorded("again", state, step, reply, state.after(step))
    return Recorded("differs", state, step, reply)


def _stored(c: Connection, state: State, step: Step, reply: Reply, *, at: str) -> Recorded:
    respondent = state.respondent
    turn = respondent.turn + 1
    if reply.answer is not None:
        exercise = step.page.exercise or ""
        block, given = block_of(c, respondent, exercise), reply.answer
        choice = ChoiceRecord(
            respondent.respondent, exercise, block, step.task, given.chosen, given.second
        )
        answers.save_choice(c, choice, turn=turn)
    answers.save(c, respondent.respondent, reply.records, turn=turn)
    after = _with(state, step, reply)
    ended = after.ending()
    if not claim(c, after, at=at, ended=ended):
        ended = "quota_full"
    following = None if ended else after.after(step)
    resume = step if ended or after.current is None else after.current
    respondents.advance(
        c,
        respondent,
        sent_step=step.id,
        next_step=resume.id,
        at=at,
        ended=ended,
        answered=len(reply.records) + (reply.answer is not None),
    )
    return Recorded("stored", after, step, reply, following)


def _with(state: State, step: Step, reply: Reply) -> State:
    chosen = dict(state.chosen)
    if reply.answer is not None:
        chosen[step.page.exercise or "", step.task] = reply.answer
    after = state.with_answers(reply.records)
    return replace(after, chosen=chosen, sent=state.sent | {step.id})
