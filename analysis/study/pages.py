"""Pages and blocks of pages as a study file has them: order, loops, conditions, skips."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Discriminator, Field, StringConstraints, Tag

from analysis.study.questions import Check, Order, Question, scalar_id
from analysis.study.texts import Expression, Id, Part, Text

END = "end"
"""The target of a skip that ends the survey as complete."""


class Skip(Part):
    """After this page, go on at a later page or block, or at the end."""

    page: Id
    """A later page or block; ``end``: finish the survey."""
    if_: Annotated[Expression | None, Field(alias="if")] = None
    """The condition; None: always."""


class Page(Part):
    """One page: either questions, or the tasks of one exercise (one task a page)."""

    id: Id
    title: Text | None = None
    text: Text | None = None
    """Markdown shown above the questions."""
    show_if: Expression | None = None
    screen_out_if: Expression | None = None
    """After this page, end the survey for respondents for whom this is true."""
    quality_out_if: Expression | None = None
    """The same for respondents who failed an attention check."""
    skip_to: tuple[Skip, ...] = ()
    """Where to go on after this page: the first whose condition is true."""
    checks: tuple[Check, ...] = ()
    """What must hold between the answers of the page."""
    question_order: Order = "fixed"
    fixed: bool = False
    """True: keeps its place in a block of random order."""
    questions: tuple[Question, ...] = ()
    exercise: Id | None = None


EntryId = Annotated[
    str, StringConstraints(pattern=r"^[a-z0-9_]{1,32}$"), BeforeValidator(scalar_id)
]
"""Lower-case letters, digits and underscores: it becomes part of ids."""


class Entry(Part):
    """One entry of a list that a loop goes over."""

    id: EntryId
    label: Text


class Loop(Part):
    """A block is asked once for each entry of a list, or option of an earlier question."""

    entries: Annotated[tuple[Entry, ...], Field(max_length=50)] = ()
    """A list of its own; or else:"""
    over: Id | None = None
    """An earlier multiple-choice question."""
    take: Literal["chosen", "not_chosen"] = "chosen"
    """Which of its options."""
    most: Annotated[int, Field(ge=1)] | None = None
    """At most so many entries, the first in the order shown."""
    order: Order = "fixed"
    own: EntryId | None = None
    """The entry that is the own brand: only its items count in the scores of constructs."""


class Block(Part):
    """Pages and blocks that belong together."""

    id: Id
    show_if: Expression | None = None
    page_order: Order = "fixed"
    """random: its pages and blocks stand in an order of the respondent's own."""
    most: Annotated[int, Field(ge=1)] | None = None
    """At most so many of its pages and blocks, the first in the order shown."""
    fixed: bool = False
    """True: keeps its place in a block of random order."""
    loop: Loop | None = None
    pages: Annotated[tuple[PageOrBlock, ...], Field(min_length=1)]


def _is_block(value: Any) -> str:
    """What tells a block from a page: it has pages, or what only blocks have."""
    if isinstance(value, Part):
        return "block" if isinstance(value, Block) else "page"
    found = set(value) if isinstance(value, dict) else set()
    return "block" if found & {"pages", "loop", "page_order"} else "page"


PageOrBlock = Annotated[
    Annotated[Page, Tag("page")] | Annotated[Block, Tag("block")], Discriminator(_is_block)
]
Block.model_rebuild()
