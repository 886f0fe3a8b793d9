"""The kinds of ledgers: what stands in their files, declared once.

Files are read, checked, loaded, listed and erased by these declarations alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

ColumnKind = Literal["customer", "text", "time", "money", "number", "flag", "currency", "rest"]
SQL_TYPES: dict[str, str] = {
    "customer": "VARCHAR",
    "text": "VARCHAR",
    "time": "TIMESTAMP",
    "money": "BIGINT",
    "number": "DOUBLE",
    "flag": "BOOLEAN",
    "currency": "VARCHAR",
    "rest": "VARCHAR",
}
DAY = "day"
"""Stored beside the columns of every kind: the calendar day of ``time`` where it happened."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a ledger.

    ``customer`` is stored as a pseudonym, ``time`` in UTC, ``money`` in whole cents, ``rest`` as
    JSON of all columns of the file that no other column takes.
    """

    name: str
    kind: ColumnKind = "text"
    required: bool = False
    words: tuple[str, ...] = ()
    """The only words allowed, written in lower case."""
    least: float | None = None
    ahead: bool = False
    """Whether times after today make sense, as for an offer that is announced."""
    ends: bool = False
    """Whether a day without a time of day means its last moment, not its first."""
    help: str = ""

    @property
    def sql(self) -> str:
        """The type in which the column is stored."""
        return SQL_TYPES[self.kind]


@dataclass(frozen=True, slots=True)
class LedgerKind:
    """One kind of ledger.

    A row in which all columns of ``named_by`` are filled is known by ``identity``: the same
    identity with other content is a correction. Other rows are known by their whole content.
    """

    name: str
    title: str
    columns: tuple[Column, ...]
    identity: tuple[str, ...]
    named_by: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The columns in the order in which they are stored."""
        return tuple(column.name for column in self.columns)

    @property
    def stored(self) -> tuple[str, ...]:
        """The columns as they are stored: those of files, then the day of ``time``."""
        return (*self.names, DAY)

    @property
    def column_kinds(self) -> frozenset[ColumnKind]:
        """What the columns hold."""
        return frozenset(column.kind for column in self.columns)

    @property
    def required(self) -> tuple[str, ...]:
        """The columns that every row needs."""
        return tuple(column.name for column in self.columns if column.required)

    @property
    def customers(self) -> tuple[str, ...]:
        """The columns that name a customer."""
        return tuple(column.name for column in self.columns if column.kind == "customer")

    @property
    def content(self) -> tuple[str, ...]:
        """The columns besides the identity."""
        return tuple(name for name in self.names if name not in self.identity)

    @property
    def plainly_named(self) -> bool:
        """Whether the identity is text as it stands in the file."""
        named = [self.column(name) for name in self.identity]
        return set(self.identity) == set(self.named_by) and all(
            column.kind == "text" and not column.words for column in named
        )

    def column(self, name: str) -> Column:
        """A column by its name."""
        return next(column for column in self.columns if column.name == name)


_CUSTOMER = Column("customer", "customer", required=True, help="Card, e-mail or account")
_TIME = Column("time", "time", required=True, help="When it happened")
_CURRENCY = Column("currency", "currency", help="ISO 4217, such as USD")

PURCHASES = LedgerKind(
    "purchases",
    "Purchases and refunds",
    (
        _CUSTOMER,
        _TIME,
        Column("amount", "money", required=True, help="Paid for the line; refunds are negative"),
        _CURRENCY,
        Column("store"),
        Column("product"),
        Column("channel"),
        Column("on_sale", "flag", help="Whether it was bought at a reduced price"),
        Column("order", help="Number of the receipt or order"),
        Column("line", help="Number of the line within the order"),
        Column("quantity", "number", help="Pieces; negative in refunds"),
    ),
    identity=("order", "line"),
    named_by=("order", "line"),
)
ATTRIBUTES = LedgerKind(
    "attributes",
    "Customer attributes, one row a customer",
    (
        _CUSTOMER,
        Column("time", "time", help="Since when this is known"),
        Column("details", "rest", help="Every other column of the file, as JSON"),
    ),
    identity=("customer",),
)
EVENTS = LedgerKind(
    "events",
    "Social and referral events",
    (
        _CUSTOMER,
        _TIME,
        Column(
            "event",
            required=True,
            words=("like", "share", "comment", "review", "referral", "follow", "mention"),
        ),
        Column("channel", help="Where: site or network"),
        Column("product"),
        Column("rating", "number", least=0, help="Stars of a review"),
        Column("referred", "customer", help="Who was referred"),
        Column("id", help="Number of the event in its source"),
    ),
    identity=("id",),
    named_by=("id",),
)
LOYALTY = LedgerKind(
    "loyalty",
    "Taking part in loyalty programmes",
    (
        _CUSTOMER,
        _TIME,
        Column(
            "action", required=True, words=("joined", "left", "earned", "redeemed", "tier_changed")
        ),
        Column("programme"),
        Column("tier"),
        Column("points", "number", help="Points earned or redeemed"),
        Column("id", help="Number of the entry in its source"),
    ),
    identity=("id",),
    named_by=("id",),
)
CONTACTS = LedgerKind(
    "contacts",
    "Service contacts and complaints",
    (
        _CUSTOMER,
        _TIME,
        Column(
            "reason",
            required=True,
            words=("question", "complaint", "return", "repair", "praise", "other"),
        ),
        Column("channel"),
        Column("store"),
        Column("product"),
        Column("resolved", "flag"),
        Column("resolved_at", "time"),
        Column("id", help="Number of the ticket"),
    ),
    identity=("id",),
    named_by=("id",),
)
OFFERS = LedgerKind(
    "offers",
    "Offers sent and redeemed",
    (
        _CUSTOMER,
        _TIME,
        Column("offer", required=True, help="Name or code of the offer"),
        Column("action", required=True, words=("sent", "opened", "clicked", "redeemed")),
        Column("channel"),
        Column("product"),
        Column("value", "money", least=0, help="What the offer gave"),
        _CURRENCY,
        Column("order", help="The order in which it was redeemed"),
    ),
    identity=("customer", "time", "offer", "action"),
)
ACQUISITION = LedgerKind(
    "acquisition",
    "Acquisition cost by channel, or by customer",
    (
        Column("customer", "customer", help="Whose acquisition it was; blank: the channel's"),
        Column("time", "time", required=True, help="Day, or first day of the month"),
        Column("channel", required=True),
        Column("campaign"),
        Column("cost", "money", required=True, least=0),
        _CURRENCY,
        Column("customers", "number", least=0, help="How many customers the cost brought"),
    ),
    identity=("customer", "time", "channel", "campaign"),
)
MARGINS = LedgerKind(
    "margins",
    "Margins by product, store or channel",
    (
        Column("product"),
        Column("store"),
        Column("channel"),
        Column("time", "time", required=True, ahead=True, help="From when the margin holds"),
        Column("margin", "number", required=True, help="Share of the net price, such as 0.35"),
        Column("unit_cost", "money", least=0),
        _CURRENCY,
    ),
    identity=("product", "store", "channel", "time"),
)
AVAILABILITY = LedgerKind(
    "availability",
    "Which product was on offer where, when, at what price",
    (
        Column("product", required=True),
        Column("store"),
        Column("channel"),
        Column("time", "time", required=True, ahead=True, help="From when it was on offer"),
        Column(
            "until", "time", ahead=True, ends=True, help="Until when, or last day; blank: still"
        ),
        Column("price", "money", required=True, least=0),
        _CURRENCY,
        Column("on_sale", "flag"),
    ),
    identity=("product", "store", "channel", "time"),
)

KINDS: dict[str, LedgerKind] = {
    kind.name: kind
    for kind in (
        PURCHASES,
        ATTRIBUTES,
        EVENTS,
        LOYALTY,
        CONTACTS,
        OFFERS,
        ACQUISITION,
        MARGINS,
        AVAILABILITY,
    )
}
