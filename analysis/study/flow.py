"""The flow of a study: pages and blocks, with every loop written out entry by entry.

A question ``quality`` in a loop becomes ``quality__a``, ``quality__b`` and so on, so that stores,
tables and exports see plain questions; ``Looped`` remembers what each stands for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from analysis.study.expressions import renamed
from analysis.study.pages import Block, Entry, Loop, Page, PageOrBlock, Skip
from analysis.study.questions import Check, MultipleChoice, Order, Question
from analysis.study.texts import Part, Text

ENTRY = "entry"
"""Within a loop: the id of the entry in expressions, its label in texts."""
_TOKEN = re.compile(r"(?<!\$)(\$\{)([a-z][a-z0-9_]*)((?:\.[A-Za-z0-9_+-]+)?(?:\|[^{}]*)?\})")


@dataclass(frozen=True, slots=True)
class Looped:
    """What a question in a loop stands for."""

    loop: str
    question: str
    """The id in the study file."""
    entry: Entry
    own: bool


@dataclass(frozen=True, slots=True)
class Placed:
    """A page, where it stands in the file, and what its questions stand for in a loop.

    ``conditional``: not everybody passes it, by its own condition or that of a block.
    """

    page: Page
    path: str
    conditional: bool
    entry: Entry | None = None
    template: str = ""
    """The id of the page in the study file."""
    looped: Mapping[str, Looped] = field(default_factory=dict)
    repeated: bool = False
    """True: of a later entry; what is wrong with it is said of the first."""


@dataclass(frozen=True, slots=True)
class Group:
    """A block as it is passed, or one entry of a loop."""

    id: str
    path: str
    members: tuple[Group | Placed, ...]
    show_if: str | None = None
    order: Order = "fixed"
    most: int | None = None
    fixed: bool = False
    loop: Loop | None = None
    """The members are the entries of a loop."""
    entry: Entry | None = None

    @property
    def ids(self) -> frozenset[str]:
        """All pages and blocks inside, and itself."""
        inside = (m.ids if isinstance(m, Group) else {m.page.id} for m in self.members)
        return frozenset({self.id}).union(*inside)

    def placed(self) -> tuple[Placed, ...]:
        """All pages, in the order of the file."""
        return tuple(
            found
            for member in self.members
            for found in (member.placed() if isinstance(member, Group) else (member,))
        )

    def groups(self) -> Iterator[Group]:
        """This group and all inside."""
        yield self
        for member in self.members:
            if isinstance(member, Group):
                yield from member.groups()


def flow_of(outline: Sequence[PageOrBlock]) -> Group:
    """The flow of pages and blocks."""
    questions = {q.id: q for page in _pages(outline) for q in page.questions}
    members = (_member(part, f"pages[{n}]", questions, False) for n, part in enumerate(outline))
    return Group("", "pages", tuple(members))


def loop_entries(loop: Loop, questions: Mapping[str, Question]) -> tuple[Entry, ...]:
    """The entries of a loop; of a question: its options, but exclusive ones and odd ids."""
    if loop.over is None:
        return loop.entries
    source = questions.get(loop.over)
    if not isinstance(source, MultipleChoice):
        return ()
    return tuple(
        Entry(id=option.id, label=option.label)
        for option in source.options
        if not option.exclusive and re.fullmatch(r"[a-z0-9_]{1,32}", option.id)
    )


def _pages(outline: Sequence[PageOrBlock]) -> Iterator[Page]:
    for part in outline:
        if isinstance(part, Block):
            yield from _pages(part.pages)
        else:
            yield part


def _member(
    part: PageOrBlock, path: str, questions: Mapping[str, Question], conditional: bool
) -> Group | Placed:
    if isinstance(part, Page):
        return Placed(part, path, conditional or part.show_if is not None, template=part.id)
    conditional = conditional or bool(part.show_if or part.most or part.loop)
    inside = [
        _member(member, f"{path}.pages[{n}]", questions, conditional)
        for n, member in enumerate(part.pages)
    ]
    block = Group(
        part.id, path, tuple(inside), part.show_if, part.page_order, part.most, part.fixed
    )
    return block if part.loop is None else _written_out(block, part.loop, questions)


def _written_out(block: Group, loop: Loop, questions: Mapping[str, Question]) -> Group:
    """The block of a loop: a group for each entry, holding the pages of the block.

    A loop without entries is at fault; it is written out once, so that no other fault hides.
    """
    entries = loop_entries(loop, questions) or (Entry(id="x", label=Text("x")),)
    members = []
    for number, entry in enumerate(entries):
        naming = _Naming(block, loop, entry, repeated=number > 0)
        members.append(
            Group(
                f"{block.id}__{entry.id}",
                block.path,
                tuple(naming.member(member) for member in block.members),
                order=block.order,
                most=block.most,
                entry=entry,
            )
        )
    return Group(
        block.id,
        block.path,
        tuple(members),
        block.show_if,
        loop.order,
        loop.most,
        block.fixed,
        loop=loop,
    )


class _Naming:
    """Writes the pages of a loop out for one entry."""

    def __init__(self, block: Group, loop: Loop, entry: Entry, *, repeated: bool) -> None:
        pages = block.placed()
        inner = [group.id for group in block.groups() if group is not block]
        names = [*(p.page.id for p in pages), *inner]
        self.questions = {q.id: self._id(q.id, entry) for p in pages for q in p.page.questions}
        self.places = {name: self._id(name, entry) for name in names}
        self.block, self.loop, self.entry, self.repeated = block, loop, entry, repeated

    @staticmethod
    def _id(name: str, entry: Entry) -> str:
        return f"{name}__{entry.id}"

    def member(self, member: Group | Placed) -> Group | Placed:
        if isinstance(member, Placed):
            return self._placed(member)
        return Group(
            self.places[member.id],
            member.path,
            tuple(self.member(inner) for inner in member.members),
            self._expression(member.show_if) if member.show_if else None,
            member.order,
            member.most,
            member.fixed,
            member.loop,
            member.entry,
        )

    def _placed(self, placed: Placed) -> Placed:
        own = self.entry.id == self.loop.own
        looped = {
            self.questions[q.id]: Looped(self.block.id, q.id, self.entry, own)
            for q in placed.page.questions
        }
        page = self._part(placed.page)
        return Placed(page, placed.path, True, self.entry, placed.page.id, looped, self.repeated)

    def _part(self, part: Any) -> Any:
        """A part with its ids, expressions and texts rewritten for the entry."""
        if isinstance(part, Text):
            return self._text(part)
        if isinstance(part, tuple):
            return tuple(self._part(element) for element in part)
        if not isinstance(part, Part):
            return part
        changed = {
            name: self._field(part, name, value)
            for name in type(part).model_fields
            if (value := getattr(part, name)) is not None
        }
        return part.model_copy(update=changed)

    def _field(self, part: Part, name: str, value: Any) -> Any:
        if name in ("show_if", "screen_out_if", "quality_out_if", "if_", "that"):
            return self._expression(value)
        if name == "id" and isinstance(part, Page):
            return self.places[value]
        if name == "id" and value in self.questions and hasattr(part, "kind"):
            return self.questions[value]
        if name == "page" and isinstance(part, Skip):
            return self.places.get(value, value)
        if name == "at" and isinstance(part, Check):
            return self.questions.get(value, value)
        return self._part(value)

    def _expression(self, source: str) -> str:
        return renamed(source, self.questions, {ENTRY: self.entry.id})

    def _text(self, text: Text) -> Text:
        def name(found: re.Match[str]) -> str:
            start, first, rest = found.groups()
            if first == ENTRY:
                return f"{start}{self.block.id}.{self.entry.id}{rest}"
            return f"{start}{self.questions.get(first, first)}{rest}"

        if isinstance(text.root, str):
            return Text(_TOKEN.sub(name, text.root))
        return Text({language: _TOKEN.sub(name, said) for language, said in text.root.items()})
