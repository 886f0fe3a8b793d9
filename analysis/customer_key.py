"""The pseudonym under which a customer is known everywhere: a keyed HMAC.

A plain hash of an e-mail address can be guessed; this one cannot without the installation's key.
"""

from __future__ import annotations

import hmac
import unicodedata


def customer_key(raw: str, key: bytes) -> str:
    """The key of a customer: 32 hexadecimal digits (128 bits).

    Parameters
    ----------
    raw
        The identifier as the company writes it (e-mail, card number). Case, surrounding space and
        Unicode form make no difference.
    key
        The secret of the installation, at least 16 bytes.

    Raises
    ------
    ValueError
        When the identifier is empty or the key is too short.
    """
    if len(key) < 16:
        raise ValueError("the key of the customer pseudonyms needs at least 16 bytes")
    normalised = normal_identifier(raw)
    if not normalised:
        raise ValueError("a customer identifier is empty")
    return hmac.digest(key, normalised.encode(), "sha256").hex()[:32]


def normal_identifier(raw: str) -> str:
    """An identifier without what makes no difference: case, surrounding space, Unicode form."""
    form = raw if raw.isascii() else unicodedata.normalize("NFKC", raw)
    return form.strip().casefold()


def erased_mark(customer: str, key: bytes) -> str:
    """What is kept of an erased customer: a keyed hash of the pseudonym, 32 hexadecimal digits.

    It tells that a file names the person again, and leads to nothing else that is stored.
    """
    return hmac.digest(key, b"erased:" + customer.encode(), "sha256").hex()[:32]
