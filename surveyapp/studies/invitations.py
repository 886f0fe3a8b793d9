"""Making links: open ones, one-time ones, and personal ones for customers."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from analysis.customer_key import customer_key
from analysis.study import Study
from surveyapp import clock, tokens
from surveyapp.store import Connection, links, studies
from surveyapp.store.records import LinkRecord

MOST_AT_ONCE = 100_000
LONGEST_BATCH = 80
HEADINGS = frozenset({"customer", "customer_id", "id", "identifier", "email", "e-mail"})


class InvitationFault(ValueError):
    """Links that cannot be made; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Terms:
    """For what links are: wave, kind of run, when they open and expire, and their batch.

    ``zone`` is the time zone in which their days were stated, ``panel`` the provider that sends
    people to an open link.
    """

    wave: str | None = None
    run_kind: str = "live"
    expires: str | None = None
    opens: str | None = None
    zone: str | None = None
    batch: str | None = None
    panel: str | None = None


@dataclass(frozen=True, slots=True)
class Days:
    """The first and the last day of links, each whole, in a time zone such as Europe/Berlin."""

    first: date | None = None
    last: date | None = None
    zone: str = "UTC"

    def bounds(self) -> tuple[str | None, str | None]:
        """The first moment and the last, in UTC.

        Raises
        ------
        InvitationFault
            When there is no such time zone, or the last day is before the first or over.
        """
        try:
            zone = ZoneInfo(self.zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise InvitationFault(
                f"There is no time zone '{self.zone}'. Write one such as Europe/Berlin or UTC."
            ) from None
        if self.first and self.last and self.last < self.first:
            raise InvitationFault(f"The last day {self.last} is before the first, {self.first}.")
        opens = datetime.combine(self.first, time.min, zone) if self.first else None
        over = datetime.combine(self.last, time(23, 59, 59, 999_000), zone) if self.last else None
        expires = _utc(over) if over else None
        if expires and expires < clock.now():
            raise InvitationFault(f"{self.last} is over. Choose a day to come.")
        return (_utc(opens) if opens else None), expires


def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass(frozen=True, slots=True)
class Invitation:
    """One row of the file of personal links; shown once, since only a hash is stored."""

    customer: str
    address: str
    note: str


def terms_of(
    study: Study,
    *,
    wave: str | None = None,
    run_kind: str = "live",
    days: Days | None = None,
    batch: str | None = None,
    panel: str | None = None,
) -> Terms:
    """Terms for links of a study; ``panel`` is the id of a panel provider.

    Raises
    ------
    InvitationFault
        When the study has no such wave, or the days or the name of the batch cannot be used.
    """
    waves = [known.id for known in study.waves]
    if wave and wave not in waves:
        raise InvitationFault(f"There is no wave '{wave}'. Waves: {', '.join(waves) or 'none'}.")
    if batch and (len(batch) > LONGEST_BATCH or not batch.isprintable()):
        raise InvitationFault(f"The name of a batch is one line of at most {LONGEST_BATCH} signs.")
    days = days or Days()
    opens, expires = days.bounds()
    return Terms(wave, run_kind, expires, opens, days.zone, batch or None, panel)


def make_open(c: Connection, study: str, terms: Terms) -> LinkRecord:
    """Make an open link: whoever has its address may answer."""
    new = _link(study, "open", terms, slug=tokens.new_token()[:10])
    links.add(c, [new])
    return new


def open_address(base_url: str, link: LinkRecord) -> str:
    """The address of an open link."""
    return f"{base_url.rstrip('/')}/s/{link.slug}"


def link_at(c: Connection, address: str) -> LinkRecord | None:
    """The link with an address, or None."""
    door, _, secret = address.strip().partition("?")[0].rstrip("/").rpartition("/")
    if door.endswith("/s"):
        return links.by_slug(c, secret)
    return links.by_token(c, tokens.token_hash(secret))


def make_one_time(
    c: Connection, study: str, number: int, terms: Terms, *, base_url: str
) -> list[Invitation]:
    """Make links for one person each, whoever it is.

    Raises
    ------
    InvitationFault
        When the number is none to make.
    """
    if not 1 <= number <= MOST_AT_ONCE:
        raise InvitationFault(f"Make between 1 and {MOST_AT_ONCE:,} links at once.")
    secrets = [tokens.new_token() for _ in range(number)]
    links.add(
        c, [_link(study, "one_time", terms, token_hash=tokens.token_hash(s)) for s in secrets]
    )
    return [Invitation("", f"{base_url.rstrip('/')}/a/{secret}", "one-time") for secret in secrets]


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
    invited = set(good_links(c, study, terms))
    made: list[LinkRecord] = []
    rows: list[Invitation] = []
    for identifier in wanted:
        customer = customer_key(identifier, key)
        if customer in invited:
            rows.append(Invitation(identifier, "", "was invited before: the earlier link counts"))
            continue
        invited.add(customer)
        link, token = personal_link(study, customer, terms, key=key)
        made.append(link)
        rows.append(Invitation(identifier, f"{base_url.rstrip('/')}/a/{token}", "new"))
    links.add(c, made)
    return rows


def personal_link(study: str, customer: str, terms: Terms, *, key: bytes) -> tuple[LinkRecord, str]:
    """A new personal link of a customer key, not stored yet, and its secret."""
    new = _link(study, "personal", terms, customer=customer)
    token = tokens.link_token(new.link, key)
    return replace(new, token_hash=tokens.token_hash(token)), token


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


def good_links(c: Connection, study: str, terms: Terms) -> dict[str, LinkRecord]:
    """The links of this wave and kind of run that are still good, by customer."""
    now = clock.now()
    return {
        link.customer: link
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
        opens=terms.opens,
        zone=terms.zone,
        batch=terms.batch,
        panel=terms.panel,
    )
