"""Question kinds: what each asks, and which answers it accepts.

An answer is a row (question, item, value). ``storable`` names the items of a question, and
``fault`` is the single rule for which values are accepted: the server's forms and the checks of
imported tables both call it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from analysis.study.texts import Expression, Id, ImageName, LevelId, Part, Text, shipped

Asked = Literal["desired", "perceived"]
"""desired: what is expected before buying; perceived: what is felt after."""

ONE = ""
"""The item of a question that has only one answer."""


Order = Literal["fixed", "random"]
"""random: in an order of the respondent's own, which follows from the stored seed."""


def scalar_id(value: object) -> object:
    """A number as an id is its text."""
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def _as_texts(value: object) -> object:
    values = value if isinstance(value, list | tuple) else [value]
    return [scalar_id(one) for one in values]


Expected = Annotated[tuple[str, ...], BeforeValidator(_as_texts)]


class Option(Part):
    """One answer to choose."""

    id: Annotated[LevelId, BeforeValidator(scalar_id)]
    label: Text
    image: ImageName | None = None
    """Shown above the label, which says the same in words."""
    exclusive: bool = False
    """In a multiple choice: may not be combined with others ('none of these')."""
    fixed: bool = False
    """True: keeps its place where the order is random; so does an exclusive option."""
    show_if: Expression | None = None


class Check(Part):
    """What must hold between answers, and what the respondent reads otherwise."""

    that: Expression
    """Unknown passes: an answer that is not given is asked for by ``required``."""
    message: Text
    at: Id | None = None
    """Of a page: the question beside which it is said; default: the first that ``that`` names."""


class Measured(Part):
    """What a rated item measures."""

    measures: Id | None = None
    """The construct."""
    asked_as: Asked = "perceived"
    reversed: bool = False
    """True: agreement means less of the construct; the score is turned round."""


class Item(Measured):
    """One rated statement; ``id`` is empty for a question that is its own single item."""

    id: str
    text: Text
    fixed: bool = False
    """True: keeps its place where the order is random."""
    show_if: Expression | None = None


class MatrixItem(Item):
    id: Id
    expects: Expected = ()
    """An attention item: the answers that a careful reader gives, as stored."""


Scale = Annotated[tuple[Text, ...], Field(min_length=2, max_length=11)] | Id
"""Labels from least to most, or the name of a scale of the study."""


PARTS = (("options", "option_order"), ("items", "item_order"))
"""The fields of questions that hold parts, and those that say how the parts are ordered."""


class QuestionBase(Part):
    """What all kinds of question share."""

    id: Id
    text: Text
    help: Text | None = None
    required: bool = True
    refusable: bool = False
    """True: 'prefer not to answer' is offered."""
    expects: Expected = ()
    """An attention item: the answers that a careful reader gives, as stored (of a matrix, on its
    item; of a multiple choice, all that are ticked). Texts are compared without case."""
    show_if: Expression | None = None
    checks: tuple[Check, ...] = ()
    """What must hold of the answer."""

    def storable(self) -> tuple[str, ...]:
        """The items under which answers are stored."""
        return (ONE,)

    def varies(self) -> bool:
        """Whether its options or rows depend on the respondent, or their order does."""
        orders = (getattr(self, name, "fixed") for _, name in PARTS)
        parts = (part for name, _ in PARTS for part in getattr(self, name, ()))
        return "random" in orders or any(part.show_if for part in parts)

    def rated_items(self) -> tuple[Item, ...]:
        """The items that carry a rating."""
        return ()

    def expected(self) -> dict[str, tuple[str, ...]]:
        """Of attention items: the answers that a careful reader gives, by item."""
        return {ONE: self.expects} if self.expects else {}

    def least_and_greatest(self, scale_points: int) -> tuple[int, int]:
        """Range of a rating, given how many labelled points its scale has."""
        raise TypeError(f"'{self.id}' is no rating")

    def fault(self, item: str, value: str, *, scale_points: int = 0) -> str | None:
        """Why a stored value is not an answer of this question, or None when it is."""
        return None

    def fault_together(self, values: Mapping[str, str]) -> tuple[str, str] | None:
        """Why values that are answers alone are none together: the item, and why; or None.

        ``values`` has every item.
        """
        return None


class _Rated(QuestionBase):
    def fault(self, item: str, value: str, *, scale_points: int = 0) -> str | None:
        low, high = self.least_and_greatest(scale_points)
        if _is_whole(value.removeprefix("-")) and low <= int(value) <= high and value != "-0":
            return None
        return f"'{value[:40]}' is not a whole number from {low} to {high}"


class _OneRating(_Rated, Measured):
    def rated_items(self) -> tuple[Item, ...]:
        return (
            Item(
                id=ONE,
                text=self.text,
                measures=self.measures,
                asked_as=self.asked_as,
                reversed=self.reversed,
            ),
        )


class SingleChoice(QuestionBase):
    """One answer out of several."""

    kind: Literal["single_choice"]
    options: Annotated[tuple[Option, ...], Field(min_length=2, max_length=200)]
    option_order: Order = "fixed"

    def fault(self, item: str, value: str, *, scale_points: int = 0) -> str | None:
        return _not_an_option(value, self.options)


class MultipleChoice(QuestionBase):
    """Any number of answers out of several; stored as one row per option, 1 or 0."""

    kind: Literal["multiple_choice"]
    options: Annotated[tuple[Option, ...], Field(min_length=2, max_length=200)]
    option_order: Order = "fixed"
    least: Annotated[int, Field(ge=0)] = 0
    most: Annotated[int, Field(ge=1)] | None = None

    def storable(self) -> tuple[str, ...]:
        return tuple(option.id for option in self.options)

    def fault(self, item: str, value: str, *, scale_points: int = 0) -> str | None:
        return None if value in {"0", "1"} else f"'{value[:40]}' is not 0 or 1"


class Likert(_OneRating):
    """One statement rated on a scale whose points are all labelled; stored 1, 2, ..."""

    kind: Literal["likert"]
    scale: Scale

    def least_and_greatest(self, scale_points: int) -> tuple[int, int]:
        return 1, scale_points


class Matrix(_Rated):
    """Several statements rated on one labelled scale; stored 1, 2, ... per item."""

    kind: Literal["matrix"]
    scale: Scale
    items: Annotated[tuple[MatrixItem, ...], Field(min_length=1, max_length=50)]
    item_order: Order = "fixed"

    def expected(self) -> dict[str, tuple[str, ...]]:
        return {item.id: item.expects for item in self.items if item.expects}

    def storable(self) -> tuple[str, ...]:
        return tuple(item.id for item in self.items)

    def rated_items(self) -> tuple[Item, ...]:
        return self.items

    def least_and_greatest(self, scale_points: int) -> tuple[int, int]:
        return 1, scale_points


class Nps(_OneRating):
    """Likelihood to recommend, 0 to 10."""

    kind: Literal["nps"]
    low_label: Text = shipped(
        "Not at all likely",
        "Überhaupt nicht wahrscheinlich",
        "Pas du tout probable",
        "Nada probable",
        "غير مرجّح إطلاقًا",
    )
    high_label: Text = shipped(
        "Extremely likely",
        "Äußerst wahrscheinlich",
        "Extrêmement probable",
        "Sumamente probable",
        "مرجّح للغاية",
    )

    def least_and_greatest(self, scale_points: int) -> tuple[int, int]:
        return 0, 10


class Rating(_OneRating):
    """A number on a short scale with labelled ends."""

    kind: Literal["rating"]
    least: Annotated[int, Field(ge=0, le=1)] = 1
    greatest: Annotated[int, Field(ge=2, le=10)] = 7
    low_label: Text
    high_label: Text

    def least_and_greatest(self, scale_points: int) -> tuple[int, int]:
        return self.least, self.greatest


class Slider(_OneRating):
    """A number on a long scale with labelled ends, typed: no handle to drag, and no preset."""

    kind: Literal["slider"]
    least: Annotated[int, Field(ge=-1000, le=1000)] = 0
    greatest: Annotated[int, Field(ge=-1000, le=1000)] = 100
    low_label: Text
    high_label: Text
    unit: Text | None = None

    def least_and_greatest(self, scale_points: int) -> tuple[int, int]:
        return self.least, self.greatest


class Pole(Measured):
    """One pair of opposites of a semantic differential."""

    id: Id
    left: Text
    """What the value 1 means."""
    right: Text
    """What the greatest value means."""
    fixed: bool = False
    """True: keeps its place where the order is random."""
    show_if: Expression | None = None


class SemanticDifferential(_Rated):
    """Steps between pairs of opposites; stored 1 (left) to ``points`` (right) per pair."""

    kind: Literal["semantic_differential"]
    points: Annotated[int, Field(ge=3, le=7)] = 7
    items: Annotated[tuple[Pole, ...], Field(min_length=1, max_length=30)]
    item_order: Order = "fixed"

    def storable(self) -> tuple[str, ...]:
        return tuple(item.id for item in self.items)

    def rated_items(self) -> tuple[Item, ...]:
        return tuple(
            Item(
                id=pole.id,
                text=pole.right,
                measures=pole.measures,
                asked_as=pole.asked_as,
                reversed=pole.reversed,
            )
            for pole in self.items
        )

    def least_and_greatest(self, scale_points: int) -> tuple[int, int]:
        return 1, self.points


class Ranking(QuestionBase):
    """Options put in order; stored per option as its place from 1, or 0 when not placed."""

    kind: Literal["ranking"]
    options: Annotated[tuple[Option, ...], Field(min_length=2, max_length=20)]
    option_order: Order = "fixed"
    most: Annotated[int, Field(ge=1)] | None = None
    """How many are placed; default: all."""

    @property
    def places(self) -> int:
        """How many options are placed."""
        return min(self.most or len(self.options), len(self.options))

    def storable(self) -> tuple[str, ...]:
        return tuple(option.id for option in self.options)

    def fault(self, item: str, value: str, *, scale_points: int = 0) -> str | None:
        unplaced = value == "0" and self.most is None
        if _is_whole(value) and not unplaced and int(value) <= self.places:
            return None
        return f"'{value[:40]}' is not a place from 1 to {self.places}"

    def fault_together(self, values: Mapping[str, str]) -> tuple[str, str] | None:
        taken: dict[str, str] = {}
        for item, value in values.items():
            if value in taken and value != "0":
                return item, f"place {value} is given twice"
            taken.setdefault(value, item)
        if len(taken.keys() - {"0"}) < self.places:
            free = next(n for n in range(1, self.places + 1) if str(n) not in taken)
            return taken.get("0", self.options[0].id), f"place {free} is not given"
        return None


class ConstantSum(QuestionBase):
    """A total divided among options; stored per option as a whole number."""

    kind: Literal["constant_sum"]
    options: Annotated[tuple[Option, ...], Field(min_length=2, max_length=20)]
    option_order: Order = "fixed"
    total: Annotated[int, Field(ge=2, le=1_000_000)] = 100
    unit: Text | None = None

    def storable(self) -> tuple[str, ...]:
        return tuple(option.id for option in self.options)

    def fault(self, item: str, value: str, *, scale_points: int = 0) -> str | None:
        if _is_whole(value) and int(value) <= self.total:
            return None
        return f"'{value[:40]}' is not a whole number from 0 to {self.total}"

    def fault_together(self, values: Mapping[str, str]) -> tuple[str, str] | None:
        found = sum(int(value) for value in values.values())
        if found == self.total:
            return None
        return next(iter(values)), f"the numbers add up to {found}, not to {self.total}"


class Number(QuestionBase):
    """A number, with bounds and unit."""

    kind: Literal["number"]
    least: float | None = None
    greatest: float | None = None
    whole: bool = False
    unit: Text | None = None

    def fault(self, item: str, value: str, *, scale_points: int = 0) -> str | None:
        try:
            number = float(value)
        except ValueError:
            number = math.nan
        if not math.isfinite(number) or len(value) > 40 or "_" in value:
            return f"'{value[:40]}' is not a number"
        if self.whole and number != int(number):
            return f"{value} is not a whole number"
        if self.least is not None and number < self.least:
            return f"{value} is less than {self.least:g}"
        if self.greatest is not None and number > self.greatest:
            return f"{value} is more than {self.greatest:g}"
        return None


class _Text(QuestionBase):
    longest: int

    def fault(self, item: str, value: str, *, scale_points: int = 0) -> str | None:
        if "\x00" in value:
            return "the text holds a null character"
        if len(value) > self.longest:
            return f"the text has {len(value)} characters, {self.longest} are allowed"
        return None


class ShortText(_Text):
    """A line of text."""

    kind: Literal["short_text"]
    longest: Annotated[int, Field(ge=1, le=1000)] = 200


class LongText(_Text):
    """Several lines of text."""

    kind: Literal["long_text"]
    longest: Annotated[int, Field(ge=1, le=20_000)] = 5000
    lines: Annotated[int, Field(ge=2, le=20)] = 5
    """Lines that the field shows: how long an answer is expected."""


class Consent(QuestionBase):
    """Consent, asked as yes or no and never preset."""

    kind: Literal["consent"]
    purpose: Literal["participation", "linking"] = "participation"
    """participation: declining ends the survey; linking: to join answers with purchases."""
    agree_label: Text = shipped(
        "Yes, I agree", "Ja, ich stimme zu", "Oui, j’accepte", "Sí, acepto", "نعم، أوافق"
    )
    decline_label: Text = shipped("No", "Nein", "Non", "No", "لا")

    def fault(self, item: str, value: str, *, scale_points: int = 0) -> str | None:
        return None if value in {"yes", "no"} else f"'{value[:40]}' is not yes or no"


class Date(QuestionBase):
    """A calendar date, stored as YYYY-MM-DD."""

    kind: Literal["date"]
    earliest: date | None = None
    latest: date | None = None

    def fault(self, item: str, value: str, *, scale_points: int = 0) -> str | None:
        try:
            day = date.fromisoformat(value)
        except ValueError:
            return f"'{value[:40]}' is not a date such as 2026-08-31"
        if value != day.isoformat():
            return f"'{value[:40]}' is not written as YYYY-MM-DD"
        if self.earliest and day < self.earliest:
            return f"{value} is before {self.earliest}"
        if self.latest and day > self.latest:
            return f"{value} is after {self.latest}"
        return None


def _is_whole(value: str) -> bool:
    """Whether a text is a whole number from 0, written plainly."""
    return value.isascii() and value.isdigit() and len(value) < 10 and value == str(int(value))


def _not_an_option(value: str, options: tuple[Option, ...]) -> str | None:
    if any(option.id == value for option in options):
        return None
    return f"'{value[:40]}' is not one of: {', '.join(option.id for option in options)}"


Question = Annotated[
    SingleChoice
    | MultipleChoice
    | Likert
    | Matrix
    | Nps
    | Rating
    | Slider
    | SemanticDifferential
    | Ranking
    | ConstantSum
    | Number
    | ShortText
    | LongText
    | Consent
    | Date,
    Field(discriminator="kind"),
]
KINDS: tuple[str, ...] = (
    "single_choice",
    "multiple_choice",
    "likert",
    "matrix",
    "nps",
    "rating",
    "slider",
    "semantic_differential",
    "ranking",
    "constant_sum",
    "number",
    "short_text",
    "long_text",
    "consent",
    "date",
)
NUMERIC_KINDS = frozenset(
    {
        "likert",
        "matrix",
        "nps",
        "rating",
        "slider",
        "semantic_differential",
        "ranking",
        "constant_sum",
        "number",
    }
)
"""Kinds whose stored values are numbers."""
