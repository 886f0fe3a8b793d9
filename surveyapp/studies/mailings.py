"""Mailings: who is invited to a wave and who is left out, counted before anything is sent."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from analysis.study import Study
from analysis.study.mails import OWN, names_in
from surveyapp import clock, tokens
from surveyapp.mail.compose import Recipient, Texts, lacking
from surveyapp.settings import Settings
from surveyapp.store import Connection, contacts, links, mailings, respondents, studies
from surveyapp.store.contacts import ContactRecord
from surveyapp.store.mailings import MailingRecord, MessageRecord
from surveyapp.store.records import LinkRecord
from surveyapp.studies import invitations
from surveyapp.studies.invitations import Days, Terms
from surveyapp.studies.mailing_wish import Wish, wish_faults

INVITED_AGAIN = (None, "complete", "screened_out", "quota_full", "quality_out")
"""Ends of an earlier wave after which somebody may be asked again."""
REASONS = {
    "opted_out": "want no more mails",
    "invited": "have an invitation to this wave already",
    "lately": "were invited to a survey lately",
    "elsewhere": "were not in the earlier wave",
    "other_share": "are in another share",
    "answered": "have answered this wave already",
    "other_key": "have a link made elsewhere, whose address cannot be made again",
}
"""Why a contact is left out, as the pages and commands say it."""


class MailingFault(ValueError):
    """A mailing that cannot be made; the message lists every fault, each on a line."""

    def __init__(self, *faults: str) -> None:
        self.faults = faults
        super().__init__("\n".join(faults))


@dataclass(frozen=True, slots=True)
class Plan:
    """Whom a mailing invites, before anything is stored.

    ``left_out`` counts by a key of ``REASONS``; ``overridden`` how many are invited although they
    were invited lately; ``links`` are those that customers have already.
    """

    terms: Terms
    contacts: tuple[ContactRecord, ...]
    links: Mapping[str, LinkRecord]
    left_out: Mapping[str, int]
    overridden: int

    def counts(self) -> dict[str, object]:
        """What is kept of the plan."""
        return {
            "invited": len(self.contacts),
            "left_out": dict(self.left_out),
            "overridden": self.overridden,
        }


def plan(c: Connection, study: Study, wish: Wish, settings: Settings) -> Plan:
    """Whom a mailing would invite.

    Raises
    ------
    MailingFault
        With every fault of the wish, its texts and its days.
    """
    faults = [*wish_faults(study, wish)]
    try:
        terms = _terms(study, wish)
    except invitations.InvitationFault as fault:
        raise MailingFault(*faults, str(fault)) from None
    if faults:
        raise MailingFault(*faults)
    good = invitations.good_links(c, study.study, terms)
    kept, left_out, overridden = [], Counter[str](), 0
    for contact, reason in _judged(c, study.study, wish, good, settings):
        if reason == "lately" and wish.despite:
            overridden, reason = overridden + 1, ""
        if reason:
            left_out[reason] += 1
        else:
            kept.append(contact)
    found = Plan(terms, tuple(kept), good, dict(left_out), overridden)
    unfilled = list(_unfilled(study, wish, found))
    if unfilled:
        raise MailingFault(*unfilled)
    return found


def create(
    c: Connection, study: Study, wish: Wish, settings: Settings, *, by: str
) -> MailingRecord:
    """Store a mailing with a personal link and a waiting mail for everybody it invites.

    Raises
    ------
    MailingFault
        As ``plan`` does, and when nobody is left to invite.
    """
    studies.lock(c, study.study)
    found = plan(c, study, wish, settings)
    if not found.contacts:
        raise MailingFault("Nobody is left to invite, so nothing was sent.")
    now = clock.now()
    mailing = MailingRecord(
        mailing=tokens.new_id(),
        study=study.study,
        wave=wish.wave,
        run_kind=wish.run_kind,
        texts=json.dumps(wish.texts, ensure_ascii=False),
        remind_after_days=wish.remind_after_days,
        remind_at_most=wish.remind_at_most,
        plan=json.dumps(found.counts()),
        despite=wish.despite or None,
        created=now,
        created_by=by,
    )
    made, new = [], []
    due = max(now, found.terms.opens or now)
    for contact in found.contacts:
        link = found.links.get(contact.customer)
        if link is None:
            link, _ = invitations.personal_link(
                study.study, contact.customer, found.terms, key=settings.customer_key
            )
            made.append(link)
        new.append(
            MessageRecord(
                tokens.new_id(), mailing.mailing, link.link, contact.customer, 0, "waiting", due
            )
        )
    links.add(c, made)
    mailings.add(c, mailing, new)
    return mailing


def recipient_of(
    contact: ContactRecord, link: LinkRecord, message: str, settings: Settings
) -> Recipient:
    """Who gets a mail, with the addresses that it carries."""
    base, key = settings.text("BASE_URL").rstrip("/"), settings.customer_key
    return Recipient(
        address=contact.address,
        language=contact.language,
        fields=contact.values,
        link=f"{base}/a/{tokens.link_token(link.link, key)}",
        stop=f"{base}/stop/{message}/{tokens.stop_token(message, key)}",
        until=_day_of(link),
    )


def specimen(
    study: Study, said: Mapping[str, str], language: str, address: str, settings: Settings
) -> Recipient:
    """Somebody who does not exist, for previews and test mails: every field is its own name.

    The links lead nowhere.
    """
    base = settings.text("BASE_URL").rstrip("/")
    named = names_in(f"{said['subject']} {said['body']}")
    fields = {name: f"[{name}]" for name in named if name not in OWN}
    wave_end = "[until]" if "until" in named else ""
    return Recipient(address, language, fields, f"{base}/a/x", f"{base}/stop/x/x", wave_end)


def said_to(texts: Texts, kind: str, language: str, study: Study) -> dict[str, str]:
    """Subject and body in a language, else in the study's default one."""
    said = texts[kind]
    return said.get(language) or said[study.default_language]


def in_share(customer: str, share: int, shares: int) -> bool:
    """Whether a customer is in one of equal shares; the same at any time and in any study."""
    dealt = hashlib.sha256(f"share {customer}".encode()).digest()
    return int.from_bytes(dealt[:8]) % shares == share - 1


def _judged(
    c: Connection, study: str, wish: Wish, good: Mapping[str, LinkRecord], settings: Settings
) -> Iterator[tuple[ContactRecord, str]]:
    """Every contact, with why it is left out, or an empty text."""
    silent = contacts.opted_out(c)
    mailed = mailings.links_mailed(c, study)
    every = settings.number("INVITE_EVERY_DAYS")
    live = wish.run_kind == "live" and every > 0
    lately = mailings.invited_since(c, clock.now(plus_seconds=-86_400 * every)) if live else {}
    before, answered = _members(c, study, wish), _answered(c, study, wish)
    for contact in contacts.of_study(c, study):
        link = good.get(contact.customer)
        reason = ""
        if contact.customer in silent or contact.address_key in silent:
            reason = "opted_out"
        elif before is not None and contact.customer not in before:
            reason = "elsewhere"
        elif not in_share(contact.customer, wish.panel.share, wish.panel.shares):
            reason = "other_share"
        elif contact.customer in answered:
            reason = "answered"
        elif link and link.link in mailed:
            reason = "invited"
        elif link and not can_be_mailed(link, settings):
            reason = "other_key"
        elif contact.customer in lately:
            reason = "lately"
        yield contact, reason


def can_be_mailed(link: LinkRecord, settings: Settings) -> bool:
    """Whether the address of a link can be made again with the installation's key."""
    made = tokens.link_token(link.link, settings.customer_key)
    return tokens.token_hash(made) == link.token_hash


def _members(c: Connection, study: str, wish: Wish) -> frozenset[str] | None:
    """The customers of the earlier wave; None: everybody may be invited."""
    if wish.panel.wave is None:
        return None
    kept = {"complete"} if wish.panel.who == "complete" else set(INVITED_AGAIN)
    return frozenset(
        person.customer
        for person in respondents.of_study(c, study)
        if person.customer and (person.wave, person.run_kind) == (wish.panel.wave, wish.run_kind)
        if person.ended in kept
    )


def _answered(c: Connection, study: str, wish: Wish) -> frozenset[str]:
    """Customers who came to an end in this wave, by whatever link; also who withdrew from it."""
    return links.customers_ended(c, study, wish.wave, wish.run_kind)


def _terms(study: Study, wish: Wish) -> Terms:
    """The links' terms; without days of their own, those of the wave."""
    wave = next((known for known in study.waves if known.id == wish.wave), None)
    first = wish.days.first or (wave.starts if wave else None)
    last = wish.days.last or (wave.ends if wave else None)
    return invitations.terms_of(
        study,
        wave=wish.wave,
        run_kind=wish.run_kind,
        days=Days(first, last, wish.days.zone),
        batch=f"mailing {wish.wave or 'without wave'}",
    )


def _unfilled(study: Study, wish: Wish, found: Plan) -> Iterator[str]:
    """Placeholders for which contacts have no value, with how many."""
    lacks: Counter[tuple[str, str]] = Counter()
    for contact in found.contacts:
        to = Recipient("", contact.language, contact.values, "x", "x", found.terms.expires or "")
        for kind in ("invitation", *(["reminder"] if wish.remind_at_most else [])):
            for name in lacking(study, said_to(wish.texts, kind, contact.language, study), to):
                lacks[kind, name] += 1
    for (kind, name), n in lacks.items():
        who = "1 contact has" if n == 1 else f"{n:,} contacts have"
        yield (
            f"{who} no '{name}' for the {kind}. Write a word that stands in, as ${{{name}|there}}, "
            "or add it."
        )


def _day_of(link: LinkRecord) -> str:
    if not link.expires:
        return ""
    zone = ZoneInfo(link.zone or "UTC")
    return datetime.fromisoformat(link.expires).astimezone(zone).date().isoformat()
