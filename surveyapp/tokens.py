"""Random ids and secret tokens; only hashes of tokens are stored."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets


def new_id() -> str:
    """A random id that is no secret."""
    return secrets.token_hex(8)


def new_token() -> str:
    """A secret of 160 bits, safe in an address."""
    return secrets.token_urlsafe(20)


def token_hash(token: str) -> str:
    """What is stored of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


def new_seed() -> int:
    """A seed by which things are shuffled for a respondent; no secret."""
    return secrets.randbelow(2**31)


def link_token(link: str, key: bytes) -> str:
    """The secret of a personal link: 160 bits that only the installation's key can make again.

    So a reminder carries the same address as the invitation, although only a hash is stored.
    """
    return _derived(b"personal link", link, key)


def stop_token(message: str, key: bytes) -> str:
    """The secret by which whoever got a mail can ask for no more of them."""
    return _derived(b"no more mails", message, key)


def is_stop_token(sent: str, message: str, key: bytes) -> bool:
    """Whether a secret is that of a message, compared in constant time."""
    return hmac.compare_digest(sent.encode(), stop_token(message, key).encode())


def _derived(purpose: bytes, name: str, key: bytes) -> str:
    """Keyed BLAKE2b: another function than the pseudonyms made with the same key."""
    keyed = hashlib.sha256(key).digest()
    made = hashlib.blake2b(name.encode(), digest_size=20, key=keyed, person=purpose).digest()
    return base64.urlsafe_b64encode(made).rstrip(b"=").decode()
