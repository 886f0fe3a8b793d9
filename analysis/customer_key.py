"""The pseudonym under which a customer is known everywhere: a keyed HMAC.

A plain hash of an e-mail address can be guessed; this one cannot without the installation's key.
"""

from __future__ import annotations

import hashlib
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
    normalised = unicodedata.normalize("NFKC", raw).strip().casefold()
    if not normalised:
        raise ValueError("a customer identifier is empty")
    return hmac.new(key, normalised.encode(), hashlib.sha256).hexdigest()[:32]
