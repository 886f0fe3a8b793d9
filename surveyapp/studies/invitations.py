"""Making links: open ones, and personal ones for customers."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from analysis.customer_key import customer_key
from analysis.study import Study
from surveyapp import clock, tokens
from surveyapp.store import Connection, links, studies
from surveyapp.store.records import LinkRecord

MOST_AT_ONCE = 100_000
HEADINGS = frozenset({"customer", "customer_id", "id", "identifier", "email", "e-mail"})


class InvitationFault(ValueError):
    """Links that cannot be made; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Terms:
    """For what a link is: wave, kind of run, and the last moment it opens."""

    wave: str | None = None
    run_kind: str = "live"
    expires: str | None = None


@dataclass(frozen=True, slots=True)
class Invitation:
    """One row of the file of personal links; shown once, since only a hash is stored."""

    customer: str
    address: str
    note: str


def terms_of(
    study: Study, *, wave: str | None = None, run_kind: str = "live", last_day: date | None = None
) -> Terms:
    """Terms for links of a study; ``last_day`` ends at midnight UTC.

    Raises
    ------
    InvitationFault
        When the study has no such wave, or the last day is over.
    """
    waves = [known.id for known in study.waves]
    if wave and wave not in waves:
        raise InvitationFault(f"There is no wave '{wave}'. Waves: {', '.join(waves) or 'none'}.")
    expires = f"{last_day.isoformat()}T23:59:59.999Z" if last_day else None
    if expires and expires < clock.now():
        raise InvitationFault(f"{last_day} is over. Choose a day to come.")
    return Terms(wave, run_kind, expires)


def make_open(c: Connection, study: str, terms: Terms) -> LinkRecord:
    """Make an open link: whoever has its address may answer."""
    new = _link(study, "open", terms, slug=tokens.new_token()[:10])
    links.add(c, [new])
    return new


def open_address(base_url: str, link: LinkRecord) -> str:
    """The address of an open link."""
    return f"{base_url.rstrip('/')}/s/{link.slug}"


def make_personal(
    c: Connection,
    study: str,
    identifiers: Iterable[str],
    terms: Terms,
    *,
    key: bytes,
    base_url: str,
) -> list[Invitation]:
    """Make one personal link for each customer who has none in this wave.

    Raises
    ------
    InvitationFault
        When there are no identifiers, or too many.
    """
    wanted = dict.fromkeys(identifiers)
    if not wanted:
        raise InvitationFault("There are no customer identifiers. Give one a line.")
    if len(wanted) > MOST_AT_ONCE:
        raise InvitationFault(f"Make at most {MOST_AT_ONCE:,} links at once.")
    studies.lock(c, study)
    invited = _invited(c, study, terms)
    made: list[LinkRecord] = []
    rows: list[Invitation] = []
    for identifier in wanted:
        customer = customer_key(identifier, key)
        if customer in invited:
            rows.append(Invitation(identifier, "", "was invited before: the earlier link counts"))
            continue
        invited.add(customer)
        token = tokens.new_token()
        made.append(
            _link(study, "personal", terms, token_hash=tokens.token_hash(token), customer=customer)
        )
        rows.append(Invitation(identifier, f"{base_url.rstrip('/')}/a/{token}", "new"))
    links.add(c, made)
    return rows


def identifiers_of_file(raw: bytes) -> list[str]:
    """Customer identifiers in a file.

    Raises
    ------
    InvitationFault
        When the file is not a UTF-8 list.
    """
    try:
        return identifiers_in(raw.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise InvitationFault("The file is not UTF-8 text. Save it as CSV (UTF-8).") from None


def identifiers_in(text: str) -> list[str]:
    """Customer identifiers in a pasted list or a CSV file: the first column, a heading skipped.

    Raises
    ------
    InvitationFault
        When the text is not such a list.
    """
    rows = csv.reader(io.StringIO(text.replace("\x00", ""), newline=None))
    try:
        found = [row[0].strip() for row in rows if row and row[0].strip()]
    except csv.Error as error:
        raise InvitationFault(f"Line {rows.line_num} cannot be read: {error}.") from None
    return found[1:] if found and found[0].casefold() in HEADINGS else found


def _invited(c: Connection, study: str, terms: Terms) -> set[str]:
    """Customers with a link of this wave and kind of run that is still good."""
    now = clock.now()
    return {
        link.customer
        for link in links.of_study(c, study, "personal")
        if link.customer
        and (link.wave, link.run_kind) == (terms.wave, terms.run_kind)
        and link.revoked is None
        and (link.expires is None or link.expires > now)
    }


def _link(
    study: str,
    kind: str,
    terms: Terms,
    *,
    slug: str | None = None,
    token_hash: str | None = None,
    customer: str | None = None,
) -> LinkRecord:
    return LinkRecord(
        link=tokens.new_id(),
        study=study,
        kind=kind,
        slug=slug,
        token_hash=token_hash,
        customer=customer,
        wave=terms.wave,
        run_kind=terms.run_kind,
        created=clock.now(),
        expires=terms.expires,
        revoked=None,
    )
