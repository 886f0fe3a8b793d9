"""Accounts of staff: passwords, and the sessions that a log-in opens."""

from __future__ import annotations

from functools import lru_cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from surveyapp import clock, tokens
from surveyapp.store import Store, staff
from surveyapp.store.records import StaffRecord

ROLES = ("researcher", "manager", "administrator")
LEAST_CHARACTERS = 10
MOST_CHARACTERS = 200

_hasher = PasswordHasher()


class AccountFault(ValueError):
    """An account that cannot be made or changed so; the message says why."""


def password_fault(password: str, name: str) -> str | None:
    """Why a password is not accepted, or None when it is."""
    if len(password) < LEAST_CHARACTERS:
        return f"The password has {len(password)} characters. Use at least {LEAST_CHARACTERS}."
    if len(password) > MOST_CHARACTERS:
        return f"The password is too long. Use at most {MOST_CHARACTERS} characters."
    if len(set(password)) < 4 or password.casefold() == name.casefold():
        return "The password is too easy to guess. Use several words."
    return None


def add(store: Store, name: str, role: str, password: str) -> StaffRecord:
    """Add a member of staff.

    Raises
    ------
    AccountFault
        When the name is empty, too long or taken, or there is no such role.
    """
    name = name.strip()
    if not 1 <= len(name) <= 100 or not name.isprintable():
        raise AccountFault("A log-in name has 1 to 100 characters.")
    if role not in ROLES:
        raise AccountFault(f"'{role}' is no role. Use one of: {', '.join(ROLES)}.")
    new = StaffRecord(tokens.new_id(), name, role, _hasher.hash(password), clock.now(), None)
    with store.write() as c:
        if staff.by_name(c, name):
            raise AccountFault(f"'{name}' is already a member of staff. Choose another name.")
        staff.add(c, new)
    return new


def check(store: Store, name: str, password: str) -> StaffRecord | None:
    """Who logs in with a name and a password; None when either is wrong.

    An unknown name costs the same work as a wrong password.
    """
    with store.read() as c:
        found = staff.by_name(c, name.strip()) if name.isprintable() else None
    right = _verify(found.password_hash if found else _nobody(), password[: MOST_CHARACTERS + 1])
    return found if found and right and not found.disabled else None


def set_password(store: Store, member: StaffRecord, password: str) -> None:
    """Change a password; all sessions of the member end."""
    hashed = _hasher.hash(password)
    with store.write() as c:
        staff.change(c, member.staff, password_hash=hashed)
        staff.close_sessions_of(c, member.staff)


def set_disabled(store: Store, member_id: str, disabled: bool) -> None:
    """Disable a member of staff, whose sessions end, or enable them again.

    Raises
    ------
    LookupError
        When there is no such member.
    AccountFault
        When nobody who may log in would be an administrator any more.
    """
    with store.write() as c:
        members = staff.every(c)
        if member_id not in {member.staff for member in members}:
            raise LookupError(member_id)
        others = [
            m
            for m in members
            if m.role == "administrator" and not m.disabled and m.staff != member_id
        ]
        if disabled and not others:
            raise AccountFault("There must be another administrator who can log in.")
        staff.change(c, member_id, disabled=clock.now() if disabled else None)
        staff.close_sessions_of(c, member_id)


def set_identifiers(store: Store, name: str, may: bool) -> None:
    """Let a member of staff see whom pseudonyms stand for, or no longer.

    Raises
    ------
    AccountFault
        When there is no such member.
    """
    with store.write() as c:
        member = staff.by_name(c, name.strip())
        if member is None:
            raise AccountFault(f"There is no member of staff '{name}'.")
        staff.change(c, member.staff, identifiers=int(may))


def open_session(store: Store, member: StaffRecord, *, hours: int) -> str:
    """Open a session; returns its secret, of which only the hash is stored."""
    secret = tokens.new_token()
    with store.write() as c:
        expires = clock.now(plus_seconds=hours * 3600)
        hashed = tokens.token_hash(secret)
        staff.open_session(c, hashed, member.staff, at=clock.now(), expires=expires)
    return secret


def _verify(hashed: str, password: str) -> bool:
    try:
        return _hasher.verify(hashed, password)
    except (VerificationError, InvalidHashError):
        return False


@lru_cache(maxsize=1)
def _nobody() -> str:
    """A hash that no password fits."""
    return _hasher.hash(tokens.new_token())
