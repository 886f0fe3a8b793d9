"""A page for every end of a survey: one template, a title and a text each.

The researcher's own text stands under ``ends:`` in the study file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from flask import abort, make_response, render_template, request

from analysis.study.scoring import Scored, scored, whole
from analysis.study.texts import SHIPPED
from analysis.study.types import Score, Study
from surveyapp import languages
from surveyapp.languages import gettext, noted
from surveyapp.respond.draw import page_words
from surveyapp.respond.state import State
from surveyapp.security import guesses_left


@dataclass(frozen=True, slots=True)
class End:
    """What a page of an end says when the study has no text of its own for it."""

    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Onward:
    """Where a respondent of a panel goes back to: the panel's name and the signed address."""

    name: str
    address: str


ENDS: dict[str, End] = {
    "complete": End(noted("Thank you"), noted("Your answers are stored.")),
    "screened_out": End(
        noted("Thank you, that is all"),
        noted("This survey is meant for others this time. Thank you for your time."),
    ),
    "quality_out": End(
        noted("Thank you, that is all"),
        noted("We ask no further questions. Thank you for your time."),
    ),
    "quota_full": End(
        noted("Thank you, we have enough answers"),
        noted("Enough people like you have answered already. Thank you for your time."),
    ),
    "closed": End(
        noted("This survey is closed"),
        noted("Thank you for your interest. Answers that were already sent are stored."),
    ),
    "expired": End(
        noted("This link has expired"),
        noted("The time to answer is over. Ask whoever invited you for a new link."),
    ),
    "already_answered": End(
        noted("You have already answered"),
        noted("Your answers are stored, and each person answers once. Nothing was changed."),
    ),
    "declined": End(
        noted("You chose not to take part"), noted("That is fine. No further questions are asked.")
    ),
    "withdrawn": End(
        noted("Your answers were removed"),
        noted("You withdrew from this survey. None of your answers are kept."),
    ),
    "revoked": End(
        noted("This link is no longer valid"),
        noted("It was withdrawn. Answers that were already sent are stored."),
    ),
    "not_yet_valid": End(
        noted("This link cannot be used yet"),
        noted("The time to answer has not begun. Please come back later."),
    ),
    "incomplete": End(
        noted("This link is not complete"),
        noted(
            "The part that says for whom it is (%(person)s) is missing or damaged. Please open the "
            "survey from %(panel)s again."
        ),
    ),
    "unpublished": End(noted("This survey has not started yet"), noted("Please come back later.")),
    "unknown": End(
        noted("There is no survey here"),
        noted("Check the address; perhaps a part of it was cut off. Then ask whoever sent it."),
    ),
}
"""By name; those that ``Ends`` has a field for may have a text of their own in a study."""


OWN_TEXT = {"quality_out": "screened_out"}
"""Ends that use the study's text of another one."""


def end_page(
    end: str,
    study: Study | None = None,
    *,
    language: str = "",
    facts: Mapping[str, str] | None = None,
    onward: Onward | None = None,
    preview: bool = False,
) -> str:
    """The page of an end for somebody who is no respondent (yet).

    Parameters
    ----------
    end
        A name of ``ENDS``.
    study
        None where it is not known: the page then speaks a language of the browser.
    language
        Empty: that of the link or of the browser.
    facts
        What fills the gaps in the text.
    onward
        Of somebody who came from a panel.
    preview
        The page says that nothing is stored.
    """
    offered = study.languages if study else SHIPPED
    chosen = language or languages.wanted(offered)
    languages.speak(chosen)
    words = page_words(study, chosen) if study else _without_study(chosen)
    return _drawn(end, words, facts=facts, notice=None, onward=onward, preview=preview)


def respondents_end(
    state: State, end: str, *, notice: str | None = None, onward: Onward | None = None
) -> str:
    """The page of an end for a respondent, in the language last chosen; complete: with receipt.

    A link to another language (``?lang=de``) shows the page in it.
    """
    asked = request.args.get("lang", "")
    language = asked if asked in state.study.languages else state.respondent.language
    languages.speak(language)
    given = state.respondent
    number = given.respondent
    return _drawn(
        end,
        page_words(state.study, language, state.piping_in(language).fill),
        notice=notice,
        onward=onward,
        run_kind=given.run_kind,
        receipt="-".join(number[n : n + 4] for n in range(0, 16, 4)) if end == "complete" else "",
        stored=languages.moment(given.completed, language) if given.completed else "",
        results=results(state.study, state.counted) if end == "complete" else (),
    )


def nowhere() -> NoReturn:
    """404 for a secret that nobody has, 429 for whoever tries many of them."""
    if not guesses_left():
        abort(429)
    abort(make_response(end_page("unknown"), 404))


def results(study: Study, answers: dict[tuple[str, str], str]) -> tuple[Scored, ...]:
    """The scores that a respondent is shown."""
    shown: list[Score] = [score for score in study.scores if score.show_to_respondent]
    return tuple(scored(study, answers, score) for score in shown)


def _drawn(
    end: str,
    words: Mapping[str, Any],
    *,
    facts: Mapping[str, str] | None = None,
    **more: object,
) -> str:
    said, study = ENDS[end], words["study"]
    return render_template(
        "respond/end.html",
        end=end,
        title=gettext(said.title),
        own=getattr(study.ends, OWN_TEXT.get(end, end), None) if study else None,
        text=gettext(said.text, **facts) if facts and "%(" in said.text else gettext(said.text),
        whole=whole,
        **words,
        **more,
    )


def _without_study(language: str) -> dict[str, object]:
    return {"study": None, "language": language, "direction": languages.direction(language)}
