"""What must hold of a study's logic: conditions, checks, skips, loops, computed variables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from analysis.study.expression_checks import Expressions, parses, unknown
from analysis.study.faults import Catalogue, Fault
from analysis.study.flow import ENTRY, Group, Placed
from analysis.study.functions import Kind
from analysis.study.names import read_by
from analysis.study.pages import END
from analysis.study.places import Places
from analysis.study.types import Study


def logic_faults(study: Study) -> list[Fault]:
    """All faults of conditions, checks, skips, loops and computed variables."""
    check = Expressions(study)
    return [
        *_conditions(check),
        *_skips(check),
        *_blocks(check),
        *_computed(check),
        *_fielding(check),
    ]


def _fielding(check: Expressions) -> Iterator[Fault]:
    study = check.study
    for n, quota in enumerate(study.quotas):
        yield from check.condition(f"quotas[{n}].when", quota.when, None, own=True)
    if len(study.cells) == 1:
        what = f"'{study.cells[0].id}' is the only cell"
        hint = "Add the cells that it is compared with, or drop 'cells'"
        yield Catalogue.IMPOSSIBLE.at("cells", what=what, hint=hint)


def _conditions(check: Expressions) -> Iterator[Fault]:
    """Conditions see what was asked on earlier pages; screen-outs and checks their own page too."""
    for placed in check.study.placed:
        if placed.repeated:
            continue
        page, path = placed.page, placed.path
        yield from check.condition(f"{path}.show_if", page.show_if, page.id)
        where = f"{path}.screen_out_if"
        yield from check.condition(where, page.screen_out_if, page.id, own=True)
        where = f"{path}.quality_out_if"
        yield from check.condition(where, page.quality_out_if, page.id, own=True)
        yield from _checks(check, placed)
        for k, question in enumerate(page.questions):
            place = f"{path}.questions[{k}]"
            yield from check.condition(f"{place}.show_if", question.show_if, page.id)
            for field in ("options", "items"):
                for n, part in enumerate(getattr(question, field, ())):
                    where = f"{place}.{field}[{n}].show_if"
                    yield from check.condition(where, part.show_if, page.id)


def _checks(check: Expressions, placed: Placed) -> Iterator[Fault]:
    page, path = placed.page, placed.path
    of_questions = [
        (f"{path}.questions[{k}].checks[{n}]", one)
        for k, question in enumerate(page.questions)
        for n, one in enumerate(question.checks)
    ]
    for where, one in of_questions:
        if one.at is not None:
            hint = "Leave it out: a check of a question is said beside it"
            yield Catalogue.IMPOSSIBLE.at(f"{where}.at", what="'at' is for pages", hint=hint)
    asked = [question.id for question in page.questions]
    for n, one in enumerate(page.checks):
        if one.at and one.at not in asked:
            yield unknown(f"{path}.checks[{n}].at", "question of this page", one.at, asked)
        if not asked:
            what = "a page without questions has a check"
            hint = "Put it on the page that asks"
            yield Catalogue.IMPOSSIBLE.at(f"{path}.checks[{n}]", what=what, hint=hint)
    of_page = [(f"{path}.checks[{n}]", one) for n, one in enumerate(page.checks)]
    for where, one in [*of_questions, *of_page]:
        yield from check.condition(f"{where}.that", one.that, page.id, own=True)
        rests = {q for name in read_by(one.that) for q in check.places.asked_for(name)}
        if asked and parses(one.that) and not rests & set(asked):
            yield Catalogue.IDLE_CHECK.at(f"{where}.that")


def _skips(check: Expressions) -> Iterator[Fault]:
    study, places = check.study, check.places
    order = [placed.page.id for placed in study.placed]
    blocks = {group.id: group for group in study.flow.groups() if group.id}
    for number, placed in enumerate(study.placed):
        if placed.repeated:
            continue
        for n, skip in enumerate(placed.page.skip_to):
            path = f"{placed.path}.skip_to[{n}]"
            yield from check.condition(f"{path}.if", skip.if_, placed.page.id, own=True)
            if skip.page not in places.at and skip.page not in blocks:
                if skip.page != END:
                    known = {*order, *blocks, END}
                    yield unknown(f"{path}.page", "page or block", skip.page, known)
                continue
            first = blocks[skip.page].placed() if skip.page in blocks else ()
            target = first[0].page.id if first else skip.page
            if target not in places.at:
                continue
            if order.index(target) <= number or placed.page.id in getattr(
                blocks.get(skip.page), "ids", ()
            ):
                yield Catalogue.BACKWARD_SKIP.at(f"{path}.page", name=skip.page)
            elif not _is_reached(places, placed.page.id, skip.page, blocks):
                yield Catalogue.SKIP_INTO.at(f"{path}.page", name=skip.page)
        yield from _left_out(check, placed, number)


def _is_reached(places: Places, page: str, target: str, blocks: dict[str, Group]) -> bool:
    """Whether a skip knows where its target stands: in no block whose order or choice varies."""
    inside = blocks[target].placed()[0].page.id if target in blocks else target
    here = [group.id for group, _ in places.at[page]]
    above = [group for group, _ in places.at[inside]]
    if target in blocks:
        above = above[: next((n for n, g in enumerate(above) if g.id == target), len(above))]
    shared = [group for group in above if group.id in here]
    varies = any(g.order == "random" or g.most or g.loop for g in above if g.id not in here)
    last = shared[-1] if shared else None
    return not varies and (last is None or last.order == "fixed")


def _left_out(check: Expressions, placed: Placed, number: int) -> Iterator[Fault]:
    """Pages that nobody reaches, because everybody is led past them."""
    always = [skip for skip in placed.page.skip_to if skip.if_ is None]
    if not always or placed.conditional:
        return
    blocks = {group.id: group for group in check.study.flow.groups()}
    target = always[0].page
    for later in check.study.placed[number + 1 :]:
        if later.page.id == target or (target in blocks and later.page.id in blocks[target].ids):
            return
        if not later.repeated:
            yield Catalogue.UNREACHABLE.at(later.path, name=later.template, by=placed.page.id)


def _blocks(check: Expressions) -> Iterator[Fault]:
    study = check.study
    pages = {placed.page.id for placed in study.placed}
    templates = {placed.template for placed in study.placed}
    seen: Counter[str] = Counter()
    for group in study.flow.groups():
        if not group.id or group.entry:
            if group.entry:
                yield from _inner_loops(group)
            continue
        seen[group.id] += 1
        if seen[group.id] > 1 or group.id in pages or group.id in templates:
            yield Catalogue.DUPLICATE_ID.at(f"{group.path}.id", id=group.id, first="pages")
        first = group.placed()[0].page.id if group.placed() else None
        if first:
            yield from check.condition(f"{group.path}.show_if", group.show_if, first)
        if group.most and group.loop is None and group.most >= len(group.members):
            what = f"at most {group.most} of {len(group.members)} are to be shown"
            yield Catalogue.IMPOSSIBLE.at(f"{group.path}.most", what=what, hint="Lower 'most'")
        if group.loop:
            yield from _loop(check, group, first)


def _inner_loops(entry: Group) -> Iterator[Fault]:
    for inner in entry.groups():
        if inner.loop:
            what, hint = "a loop stands inside a loop", "Write one loop over all entries"
            yield Catalogue.IMPOSSIBLE.at(f"{inner.path}.loop", what=what, hint=hint)


def _loop(check: Expressions, group: Group, first: str | None) -> Iterator[Fault]:
    loop, path = group.loop, f"{group.path}.loop"
    assert loop is not None
    if bool(loop.over) == bool(loop.entries):
        what = "a loop goes over its own 'entries', or 'over' the options of a question"
        yield Catalogue.IMPOSSIBLE.at(path, what=what, hint="Give one of the two")
        return
    entries = [m.entry.id for m in group.members if isinstance(m, Group) and m.entry]
    if loop.over:
        questions = check.places.questions
        source = questions.get(loop.over)
        if source is None:
            yield unknown(f"{path}.over", "question", loop.over, questions)
            return
        if source.kind != "multiple_choice":
            what = f"'{loop.over}' is of kind '{source.kind}', which has no list of chosen options"
            hint = "Loop over a question of kind 'multiple_choice'"
            yield Catalogue.IMPOSSIBLE.at(f"{path}.over", what=what, hint=hint)
            return
        if first:
            yield from check.order(f"{path}.over", [loop.over], first, own=False)
        odd = [o.id for o in source.options if not o.exclusive and o.id not in entries]
        if odd:
            what = f"the options {', '.join(odd)} of '{loop.over}' cannot become part of an id"
            hint = "Give them ids of small letters, digits and underscores, at most 32"
            yield Catalogue.IMPOSSIBLE.at(f"{path}.over", what=what, hint=hint)
    for name, count in Counter(entries).items():
        if count > 1:
            yield Catalogue.DUPLICATE_ID.at(f"{path}.entries", id=name, first=f"{path}.entries")
    if loop.own and loop.own not in entries:
        yield unknown(f"{path}.own", "entry", loop.own, entries)
    for placed in group.placed():
        if placed.page.exercise:
            what = "an exercise stands in a loop, where its tasks would be asked again"
            place = f"{placed.path}.exercise"
            yield Catalogue.IMPOSSIBLE.at(place, what=what, hint="Put it outside of the loop")
        for question in placed.page.questions:
            if len(question.id) > 64:
                what = f"'{question.id}' has more than 64 characters"
                hint = "Shorten the ids of the question or of the entry"
                yield Catalogue.IMPOSSIBLE.at(placed.path, what=what, hint=hint)
            if question.kind == "consent":
                what = "consent is asked in a loop"
                yield Catalogue.IMPOSSIBLE.at(placed.path, what=what, hint="Ask it before")


def _computed(check: Expressions) -> Iterator[Fault]:
    study = check.study
    taken = {ENTRY, "respondent", *check.places.questions}
    taken |= {found.question for found in study.looped.values()}
    for n, variable in enumerate(study.computed):
        path = f"computed[{n}]"
        if variable.id in taken:
            yield Catalogue.DUPLICATE_ID.at(f"{path}.id", id=variable.id, first="a question")
        cycle = _cycle(study, variable.id)
        if cycle:
            yield Catalogue.CYCLE.at(f"{path}.value", names=" -> ".join(cycle))
            continue
        kinds: tuple[Kind, ...] = (variable.kind,)
        yield from check.expression(f"{path}.value", variable.value, None, own=True, kinds=kinds)
    if study.looped and ENTRY in check.places.questions:
        yield Catalogue.RESERVED_ID.at("pages", id=ENTRY)


def _cycle(study: Study, name: str) -> list[str]:
    """The way from a computed variable back to itself; empty when there is none."""
    if name in study.names.rests_on:
        return []
    ways, seen = [[name]], {name}
    while ways:
        way = ways.pop()
        for part in sorted(read_by(study.names.computed[way[-1]]) & study.names.computed.keys()):
            if part == name:
                return [*way, name]
            if part not in seen:
                seen.add(part)
                ways.append([*way, part])
    return []
