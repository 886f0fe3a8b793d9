"""The door of the ledgers, and the kind that an address names."""

from __future__ import annotations

from flask import Blueprint, abort

from analysis.ledgers.kinds import KINDS, LedgerKind

door = Blueprint("ledgers", __name__, url_prefix="/ledgers")


def kind_of(name: str) -> LedgerKind:
    """The kind of ledger of an address, or 404."""
    return KINDS.get(name) or abort(404)
