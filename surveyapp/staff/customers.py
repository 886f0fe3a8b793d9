"""What staff ask about a customer: to be erased, or whom a pseudonym stands for."""

from __future__ import annotations

from analysis.customer_key import customer_key, normal_identifier
from analysis.ledgers.identifiers import identifier_of
from surveyapp import clock, tokens
from surveyapp.settings import Settings
from surveyapp.store import Store, erasures
from surveyapp.store.records import ErasureRecord

ANSWERS = ("keep", "erase")
ARCHIVES = ("list", "rewrite", "delete")
LONGEST = 1_000


class CustomerFault(ValueError):
    """An identifier that cannot be used; the message says why."""


def ask_to_erase(
    settings: Settings, store: Store, identifier: str, *, by: str, answers: str, archives: str
) -> ErasureRecord:
    """Note that a customer is to be erased; the identifier is kept only until that is done.

    Raises
    ------
    CustomerFault
        When there is no identifier, or a choice that does not exist.
    """
    if not normal_identifier(identifier):
        raise CustomerFault("Write the identifier as in the files that were loaded.")
    if len(identifier) > LONGEST:
        raise CustomerFault(f"An identifier has at most {LONGEST} characters.")
    if answers not in ANSWERS or archives not in ARCHIVES:
        raise CustomerFault("Choose what becomes of answers and of archives.")
    new = ErasureRecord(
        erasure=tokens.new_id(),
        asked=clock.now(),
        asked_by=by,
        answers=answers,
        archives=archives,
        customer=customer_key(identifier, settings.customer_key),
        identifier=identifier,
        finished=None,
        counts=None,
    )
    with store.write() as c:
        erasures.add(c, new)
    return new


def identify(settings: Settings, pseudonym: str) -> str | None:
    """Whom a pseudonym stands for, or None where that is not kept."""
    return identifier_of(settings.raw_files / "identifiers.sqlite", pseudonym.strip())
