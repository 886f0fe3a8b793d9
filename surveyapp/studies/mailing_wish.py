"""What a researcher asks of a mailing, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from analysis.study import Study
from analysis.study.mails import faults_of_mail
from surveyapp.mail.compose import Texts
from surveyapp.studies.invitations import Days

WHO = ("all", "complete")
MOST_REMINDERS = 5
MOST_SHARES = 20


@dataclass(frozen=True, slots=True)
class Panel:
    """Whom of an earlier wave a wave invites.

    Attributes
    ----------
    wave
        The earlier wave; None: all contacts.
    who
        ``all`` who started, or those who ``complete``-d it.
    share, shares
        Which share of how many: the customers are dealt into ``shares`` equal parts by their key,
        the same in every wave, so that taking turns invites everybody once a round.
    """

    wave: str | None = None
    who: str = "all"
    share: int = 1
    shares: int = 1


@dataclass(frozen=True, slots=True)
class Wish:
    """What a researcher asks for."""

    texts: Texts
    wave: str | None = None
    run_kind: str = "live"
    days: Days = field(default_factory=Days)
    panel: Panel = field(default_factory=Panel)
    remind_after_days: int = 7
    remind_at_most: int = 0
    despite: str = ""
    """Why customers who were invited lately are invited all the same; empty: they are not."""


def wish_faults(study: Study, wish: Wish) -> Iterator[str]:
    """What is wrong with a wish and its texts, in sentences."""
    yield from _text_faults(wish.texts)
    waves = [known.id for known in study.waves]
    panel = wish.panel
    if panel.wave and panel.wave not in waves:
        yield f"There is no earlier wave '{panel.wave}'. Waves: {', '.join(waves) or 'none'}."
    if panel.wave and panel.wave == wish.wave:
        yield "A wave cannot invite the respondents of itself. Choose an earlier one."
    if panel.who not in WHO:
        yield f"Of an earlier wave, invite {' or '.join(WHO)}, not '{panel.who}'."
    if not 1 <= panel.share <= panel.shares <= MOST_SHARES:
        yield f"A share is written 2/4: the second of four, at most {MOST_SHARES}."
    if wish.run_kind not in ("live", "test"):
        yield "A mailing is live or a test."
    if not 0 <= wish.remind_at_most <= MOST_REMINDERS:
        yield f"Remind at most {MOST_REMINDERS} times."
    if wish.remind_at_most and not 1 <= wish.remind_after_days <= 90:
        yield "Remind after 1 to 90 days."
    for wave in study.waves:
        if wave.id != wish.wave:
            continue
        if wish.days.first and wave.starts and wish.days.first < wave.starts:
            yield f"The wave starts on {wave.starts}; the links cannot open before."
        if wish.days.last and wave.ends and wish.days.last > wave.ends:
            yield f"The wave ends on {wave.ends}; the links cannot stay open longer."


def _text_faults(given: Texts) -> Iterator[str]:
    for kind, languages in given.items():
        for language, said in languages.items():
            for _, fact, mend in faults_of_mail(said["subject"], said["body"]):
                yield f"{kind.capitalize()}, {language}: {fact}. {mend}."
