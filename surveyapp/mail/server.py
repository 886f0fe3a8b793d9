"""The mail server: its settings, and what it says to one message."""

from __future__ import annotations

import smtplib
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import parseaddr
from pathlib import Path
from typing import Literal

from surveyapp.settings import Settings

TIMEOUT_SECONDS = 30
SECURITY = ("starttls", "tls", "none")

Fate = Literal["sent", "later", "bounced", "unknown"]


class MailFault(ValueError):
    """Mails cannot be sent at all; the message says why and what to do."""


class ServerAway(MailFault):
    """The mail server cannot be reached now; another attempt may succeed."""


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where mails go, and who they are from."""

    host: str
    port: int
    security: str
    user: str
    password: str
    sender: str
    sender_name: str
    reply_to: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a message.

    ``later``: refused for now (4xx); ``bounced``: refused for good (5xx); ``unknown``: the
    connection broke while the server had it, so it may have been sent.
    """

    fate: Fate
    reply: str


def mail_server(settings: Settings) -> MailServer:
    """The mail server of an installation.

    Raises
    ------
    MailFault
        With every setting that is missing or wrong.
    """
    host, security = settings.text("MAIL_HOST"), settings.text("MAIL_SECURITY").lower()
    name, sender = parseaddr(settings.text("MAIL_FROM"))
    reply_to = parseaddr(settings.text("MAIL_REPLY_TO"))[1]
    faults = []
    if not host:
        faults.append("MAIL_HOST is empty. Name your mail server.")
    if security not in SECURITY:
        faults.append(f"MAIL_SECURITY is '{security}'. Use {', '.join(SECURITY)}.")
    if not is_address(sender):
        faults.append("MAIL_FROM names no address. Write 'Our shop <surveys@example.org>'.")
    if settings.text("MAIL_REPLY_TO") and not is_address(reply_to):
        faults.append("MAIL_REPLY_TO names no address.")
    if settings.number("MAIL_PER_MINUTE") < 1:
        faults.append("MAIL_PER_MINUTE is below 1. Allow at least one mail a minute.")
    password, path = settings.text("MAIL_PASSWORD"), settings.text("MAIL_PASSWORD_FILE")
    if path:
        try:
            password = Path(path).read_text().strip()
        except (OSError, UnicodeDecodeError) as error:
            faults.append(f"MAIL_PASSWORD_FILE cannot be read: {error}.")
    if settings.text("MAIL_USER") and security == "none" and host not in LOOPBACK:
        faults.append(
            "MAIL_SECURITY is none, so the password would travel in the clear. Use starttls or tls."
        )
    if faults:
        raise MailFault("Mails cannot be sent. " + " ".join(faults))
    port, user = settings.number("MAIL_PORT"), settings.text("MAIL_USER")
    return MailServer(host, port, security, user, password, sender, name, reply_to)


LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


def is_address(text: str) -> bool:
    """Whether a text is one plain e-mail address, fit for a header and an envelope."""
    if not text or len(text) > 254 or not text.isprintable() or set(text) & set(' ,;:<>()[]"\\'):
        return False
    local, _, domain = text.rpartition("@")
    if not local or "@" in local or len(local) > 64 or "." not in domain.strip("."):
        return False
    try:
        domain.encode("idna")
        Address(addr_spec=text if text.isascii() else f"x@{domain.encode('idna').decode()}")
    except (ValueError, IndexError, UnicodeError):
        return False
    return local.isascii()


@contextmanager
def connected(server: MailServer) -> Iterator[smtplib.SMTP]:
    """A connection that is logged in.

    Raises
    ------
    MailFault
        When the server cannot be reached, offers no encryption, or refuses the log-in.
    """
    place = f"the mail server {server.host}:{server.port}"
    context = ssl.create_default_context()
    made: smtplib.SMTP | None = None
    try:
        if server.security == "tls":
            made = smtplib.SMTP_SSL(
                server.host, server.port, timeout=TIMEOUT_SECONDS, context=context
            )
        else:
            made = smtplib.SMTP(server.host, server.port, timeout=TIMEOUT_SECONDS)
        if server.security == "starttls":
            made.starttls(context=context)
        if server.user:
            made.login(server.user, server.password)
        made.ehlo_or_helo_if_needed()
    except smtplib.SMTPAuthenticationError as error:
        raise MailFault(
            f"{place} refuses the log-in ({error.smtp_code}). Check MAIL_USER and the password."
        ) from None
    except smtplib.SMTPNotSupportedError:
        raise MailFault(
            f"{place} offers no such encryption or log-in. Check MAIL_SECURITY."
        ) from None
    except ssl.SSLError as error:
        _close(made)
        raise MailFault(f"{place}: {error.reason}. Check MAIL_SECURITY and MAIL_PORT.") from None
    except (OSError, smtplib.SMTPException, socket.gaierror) as error:
        _close(made)
        raise ServerAway(f"{place} cannot be reached: {error}.") from None
    try:
        yield made
    finally:
        _close(made)


def deliver(connection: smtplib.SMTP, message: EmailMessage, *, to: str, sender: str) -> Answer:
    """Hand one message to the server, and say what became of it."""
    raw = message.as_bytes(policy=SMTP)
    try:
        for code, reply in (connection.mail(sender), connection.rcpt(to)):
            if code >= 400:
                with suppress(smtplib.SMTPServerDisconnected):
                    connection.rset()
                return _refused(code, reply)
    except (smtplib.SMTPServerDisconnected, OSError):
        return Answer("later", "the connection broke before the message")
    try:
        code, reply = connection.data(raw)
    except smtplib.SMTPDataError as error:
        return _refused(error.smtp_code, error.smtp_error)
    except (smtplib.SMTPServerDisconnected, OSError):
        return Answer("unknown", "the connection broke while the server had the message")
    if code >= 400:
        return _refused(code, reply)
    return Answer("sent", _said(code, reply))


def is_open(connection: smtplib.SMTP) -> bool:
    """Whether a connection can take another message."""
    return connection.sock is not None


def _refused(code: int, reply: bytes | str) -> Answer:
    return Answer("bounced" if code >= 500 else "later", _said(code, reply))


def _said(code: int, reply: bytes | str) -> str:
    """The server's words without addresses, which belong into no other table."""
    said = reply.decode("utf-8", "replace") if isinstance(reply, bytes) else reply
    words = ("…" if "@" in word else word for word in said.split())
    return f"{code} {' '.join(words)}"[:300]


def _close(connection: smtplib.SMTP | None) -> None:
    if connection is not None:
        with suppress(smtplib.SMTPException, OSError):
            connection.quit()
        connection.close()
