"""Random ids and secret tokens; only hashes of tokens are stored."""

from __future__ import annotations

import hashlib
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
