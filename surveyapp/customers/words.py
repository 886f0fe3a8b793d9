"""What scores say of a customer, in words: for pages and files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

BREADTH = {"products": "product", "channels": "channel", "stores": "store"}


def offer_words(score: Mapping[str, Any]) -> str:
    """How a customer responded to offers; the reason where that is not known.

    Parameters
    ----------
    score
        A row of a run's customers; one of an earlier build has no columns of offers.
    """
    if "offers_sent" not in score:
        return "unavailable: this run is older than scores of offers"
    sent = score["offers_sent"]
    if sent is None:
        return "unavailable: no offers ledger"
    if sent == 0:
        return "no offer of the last 52 weeks whose 28 days have ended"
    said = [f"redeemed {score['offers_redeemed']} of {_many(sent, 'offer')} within 28 days"]
    if score["offers_redeemed"] < sent:
        said.append(f"bought within them without redeeming after {score['offers_bought']}")
    said.append(f"had bought in the 28 days before {score['offers_bought_before']}")
    return "; ".join(said)


def breadth_words(score: Mapping[str, Any]) -> str:
    """What different things a customer bought in 52 weeks; 'unknown' where nothing names them."""
    known = [
        _many(score[name], one) for name, one in BREADTH.items() if score.get(name) is not None
    ]
    return ", ".join(known) or "unknown"


def _many(n: int, one: str) -> str:
    return f"{n:,} {one}" if n == 1 else f"{n:,} {one}s"
