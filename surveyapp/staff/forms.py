"""Forms of the log-in, the own password and the list of staff."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask_wtf import FlaskForm
from wtforms import PasswordField, StringField
from wtforms.validators import InputRequired, Length


class LogIn(FlaskForm):  # type: ignore[misc]
    name = StringField(validators=[InputRequired("Enter your log-in name"), Length(max=100)])
    password = PasswordField(validators=[InputRequired("Enter your password"), Length(max=200)])


class OwnPassword(FlaskForm):  # type: ignore[misc]
    present = PasswordField(validators=[InputRequired("Enter your present password")])
    new = PasswordField(validators=[InputRequired("Enter a new password")])


class NewMember(FlaskForm):  # type: ignore[misc]
    name = StringField(validators=[InputRequired("Enter a log-in name"), Length(max=100)])
    role = StringField(validators=[InputRequired("Choose a role")])
    password = PasswordField(validators=[InputRequired("Enter a first password")])


class EraseCustomer(FlaskForm):  # type: ignore[misc]
    identifier = StringField(validators=[InputRequired("Enter the identifier"), Length(max=1_000)])
    answers = StringField(validators=[InputRequired("Choose what becomes of the answers")])
    archives = StringField(validators=[InputRequired("Choose what becomes of the archives")])


class Identify(FlaskForm):  # type: ignore[misc]
    pseudonym = StringField(validators=[InputRequired("Enter a pseudonym"), Length(max=100)])


def local_path(target: str | None) -> str | None:
    """The address when it stays within this site, else None."""
    if not target or not target.startswith("/") or target.startswith(("//", "/\\")):
        return None
    if "\\" in target or any(ord(letter) < 33 for letter in target):
        return None
    parts = urlsplit(target)
    return None if parts.scheme or parts.netloc else target


def errors_of(form: FlaskForm) -> list[tuple[str, str]]:
    """Pairs of a field and its first message."""
    return [(name, str(messages[0])) for name, messages in form.errors.items() if name and messages]
