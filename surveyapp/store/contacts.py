"""E-mail addresses, apart from all answers, and who wants no more mails.

Addresses are in no archive and no export. ``erase`` removes what is known of a customer.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass

from sqlalchemy import Connection, delete, func, select, update

from surveyapp.store.connection import insert
from surveyapp.store.schema import contacts, messages, opt_outs


@dataclass(frozen=True, slots=True)
class ContactRecord:
    """The address under which a customer is invited to a study.

    ``address_key`` is the keyed code of the address, ``fields`` is JSON: what mails may name, as
    the first name.
    """

    study: str
    customer: str
    address: str
    address_key: str
    language: str
    fields: str
    added: str

    @property
    def values(self) -> dict[str, str]:
        """What mails may name."""
        found: dict[str, str] = json.loads(self.fields)
        return found


def save(c: Connection, new: Iterable[ContactRecord]) -> int:
    """Store contacts; of a customer who has one in the study, the new one counts."""
    n = 0
    for record in new:
        changed = asdict(record)
        wanted = insert(c, contacts).values(changed)
        del changed["study"], changed["customer"]
        c.execute(wanted.on_conflict_do_update(index_elements=["study", "customer"], set_=changed))
        n += 1
    return n


def of_study(c: Connection, study: str) -> Iterator[ContactRecord]:
    """The contacts of a study, by customer."""
    wanted = select(contacts).where(contacts.c.study == study).order_by(contacts.c.customer)
    for row in c.execute(wanted):
        yield ContactRecord(**row._mapping)


def get(c: Connection, study: str, customer: str) -> ContactRecord | None:
    """The contact of a customer in a study, or None."""
    wanted = (contacts.c.study == study) & (contacts.c.customer == customer)
    row = c.execute(select(contacts).where(wanted)).first()
    return ContactRecord(**row._mapping) if row else None


def counts(c: Connection, study: str) -> dict[str, int]:
    """How many contacts a study has in each language."""
    wanted = select(contacts.c.language, func.count()).where(contacts.c.study == study)
    return {row[0]: row[1] for row in c.execute(wanted.group_by(contacts.c.language))}


def erase(c: Connection, customer: str) -> int:
    """Remove the addresses of a customer in all studies; returns how many there were.

    Mails that wait are not sent, and those that were sent stay counted but name nobody. That an
    address wants no more mails is kept, as a keyed code of the address: else it would be mailed
    again when it is uploaded again.
    """
    keep_silence(c, customer)
    waiting = (messages.c.customer == customer) & (messages.c.state == "waiting")
    c.execute(update(messages).where(waiting).values(state="left_out", reply="erased"))
    c.execute(update(messages).where(messages.c.customer == customer).values(customer=None))
    found = c.execute(delete(contacts).where(contacts.c.customer == customer)).rowcount
    c.execute(delete(opt_outs).where(opt_outs.c.key == customer))
    return found


def remove_all(c: Connection, study: str) -> int:
    """Remove the addresses of a study; returns how many there were."""
    for customer in list(
        c.execute(select(contacts.c.customer).where(contacts.c.study == study)).scalars()
    ):
        keep_silence(c, customer)
    return c.execute(delete(contacts).where(contacts.c.study == study)).rowcount


def keep_silence(c: Connection, customer: str) -> None:
    """Let a customer's opt-out hold for each of the customer's addresses."""
    row = c.execute(select(opt_outs).where(opt_outs.c.key == customer)).first()
    if row is None:
        return
    wanted = select(contacts.c.address_key).where(contacts.c.customer == customer)
    for key in list(c.execute(wanted).scalars()):
        _add(c, key, row.study, row.at)


def opt_out(c: Connection, study: str, keys: Iterable[str], *, at: str) -> None:
    """Note that somebody, known by keyed codes of customer and address, wants no more mails."""
    for key in keys:
        _add(c, key, study, at)


def opt_in(c: Connection, keys: Iterable[str]) -> None:
    """Forget that somebody wanted no more mails."""
    c.execute(delete(opt_outs).where(opt_outs.c.key.in_(list(keys))))


def opted_out(c: Connection) -> frozenset[str]:
    """The keyed codes of customers and addresses that want no more mails."""
    return frozenset(c.execute(select(opt_outs.c.key)).scalars())


def wants_silence(c: Connection, contact: ContactRecord) -> bool:
    """Whether a contact wants no more mails."""
    either = opt_outs.c.key.in_((contact.customer, contact.address_key))
    return c.execute(select(opt_outs.c.key).where(either)).first() is not None


def _add(c: Connection, key: str, study: str, at: str) -> None:
    row = {"key": key, "study": study, "at": at}
    c.execute(insert(c, opt_outs).values(row).on_conflict_do_nothing())
