"""Log-in sessions: kept in the store under the hash of a secret that the cookie carries."""

from __future__ import annotations

from flask import session
from flask.sansio.app import App
from flask_login import LoginManager, current_user, login_user, logout_user

from surveyapp import clock, current, tokens
from surveyapp.staff import accounts
from surveyapp.store import staff
from surveyapp.store.records import StaffRecord


class Member:
    """A logged-in member of staff; the id that the cookie carries is the session's secret."""

    is_authenticated = True
    is_active = True
    is_anonymous = False

    def __init__(self, record: StaffRecord, secret: str) -> None:
        self.record = record
        self.name = record.name
        self.role = record.role
        self._secret = secret

    def get_id(self) -> str:
        """The secret of the session."""
        return self._secret

    def may(self, *roles: str) -> bool:
        """Whether the role is one of these; an administrator may all."""
        return self.role == "administrator" or self.role in roles


login = LoginManager()
# The secret is worthless after log-out and the cookie is signed: addresses need not be fixed.
login.session_protection = None


@login.user_loader  # type: ignore[untyped-decorator]
def _member(secret: str) -> Member | None:
    with current.store().read() as c:
        found = staff.of_session(c, tokens.token_hash(secret), at=clock.now())
    return Member(found, secret) if found else None


def start(app: App) -> None:
    """Let an app know its staff."""
    login.init_app(app)


def log_in(record: StaffRecord) -> None:
    """Begin a new session; one from before the log-in ends."""
    log_out()
    hours = current.settings().number("SESSION_HOURS")
    secret = accounts.open_session(current.store(), record, hours=hours)
    login_user(Member(record, secret))
    session.permanent = True


def log_out() -> None:
    """End the session, also for copies of its cookie."""
    if current_user.is_authenticated:
        with current.store().write() as c:
            staff.close_session(c, tokens.token_hash(current_user.get_id()))
    logout_user()
    session.clear()
