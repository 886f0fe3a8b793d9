"""Which answers of different versions of a study mean the same, and may be analysed together.

The rule: same id and same meaning-bearing content, then pooled; otherwise kept apart, unless the
newer version declares the part equivalent (``analysis.equivalent``) and its answers are stored
alike. Meaning-bearing is what a respondent reads and answers with: kind, wording, scale, options,
items, levels, how tasks are answered. Not so: order and conditions of pages, help, whether an
answer is required, constructs, design, a language more.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from analysis.study.exercises import (
    Attribute,
    BestWorstExercise,
    ChoiceExercise,
    Exercise,
    RatingsExercise,
)
from analysis.study.questions import Question
from analysis.study.texts import Text
from analysis.study.types import Study

Outcome = Literal["pooled", "declared", "apart", "refused", "new", "gone"]
"""declared: pooled because the study says that it means the same; refused: it says so, but the
answers are not stored alike."""
POOLED: tuple[Outcome, ...] = ("pooled", "declared")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of the answers of an earlier version to one part.

    Attributes
    ----------
    part
        'question', 'exercise', or 'study' for what concerns all its answers.
    id, label
        Of a matrix, the verdict is on each item: 'function.fresh'.
    reasons
        What differs, in words.
    """

    part: Literal["question", "exercise", "study"]
    id: str
    label: str
    outcome: Outcome
    reasons: tuple[str, ...] = ()

    def in_words(self) -> str:
        """One sentence for the researcher."""
        why = "; ".join(self.reasons)
        noun = {"question": "Question", "exercise": "Exercise", "study": "The study"}[self.part]
        name = noun if self.part == "study" else f"{noun} '{self.id}'"
        return {
            "pooled": f"{name} is pooled with the earlier answers" + (f" ({why})" if why else ""),
            "declared": f"{name} is pooled because it is declared equivalent, although {why}",
            "apart": f"{name} is kept apart from the earlier answers: {why}",
            "refused": f"{name} is declared equivalent but cannot be pooled: {why}",
            "new": f"{name} is new",
            "gone": f"{name} is no longer asked; its answers stay with the earlier versions",
        }[self.outcome] + "."


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that differs; ``stored``: answers are stored otherwise, so nothing can pool."""

    words: str
    stored: bool = False


def compare_versions(old: Study, new: Study, *, number: int) -> tuple[Verdict, ...]:
    """What of the answers to an earlier version can be analysed with those to a newer one.

    Parameters
    ----------
    old, new
        The earlier and the newer version.
    number
        The number of the earlier one, which ``analysis.equivalent`` of the newer may name.
    """
    found = [*_whole(old, new)]
    for was, now, name in _pairs({q.id: q for q in old.questions()},
                                 {q.id: q for q in new.questions()}):  # fmt: skip
        if (now or was).kind != "consent":
            found += _questions(name, (old, was), (new, now), number)
    shown = [{e.id: e for e in study.exercises} for study in (old, new)]
    for before, after, name in _pairs(*shown):
        label = (after or before).question.say()
        if before is None or after is None:
            found.append(Verdict("exercise", name, label, "gone" if after is None else "new"))
            continue
        differences = list(_exercise(before, after, _common(old, new)))
        found.append(_verdict("exercise", name, label, differences, new, number))
    return tuple(found)


def _pairs(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[tuple[Any, Any, str]]:
    for name in dict.fromkeys([*new, *old]):
        yield old.get(name), new.get(name), name


def pooled_with(study: Study, number: int, old: Study) -> tuple[frozenset[str], frozenset[str]]:
    """Of an earlier version: the items ('q' or 'q.item') and exercises that are not pooled.

    Those that the newer version no longer has are not among them.
    """
    verdicts = compare_versions(old, study, number=number)
    kept = [v for v in verdicts if v.outcome in ("apart", "refused")]
    everything = any(v.part == "study" for v in kept)
    questions = {v.id for v in (verdicts if everything else kept) if v.part == "question"}
    exercises = {v.id for v in (verdicts if everything else kept) if v.part == "exercise"}
    return frozenset(questions), frozenset(exercises)


def _whole(old: Study, new: Study) -> Iterator[Verdict]:
    hard = []
    if old.currency != new.currency:
        hard.append(f"the currency was {old.currency} and is {new.currency}")
    if old.simulated != new.simulated:
        hard.append("simulated people are never pooled with real ones")
    if hard:
        yield Verdict("study", new.study, new.title.say(), "apart", tuple(hard))
    soft = []
    if _screens(old) != _screens(new):
        soft.append("who is screened out has changed, so that other people answer")
    shown = {p.id: p.show_if for p in old.pages}
    moved = [p.id for p in new.pages if p.id in shown and shown[p.id] != p.show_if]
    if moved:
        soft.append(f"other people are asked on: {', '.join(moved)}")
    if soft and not hard:
        yield Verdict("study", new.study, new.title.say(), "pooled", tuple(soft))


def _screens(study: Study) -> list[str]:
    return sorted(page.screen_out_if for page in study.pages if page.screen_out_if)


Side = tuple[Study, Question | None]


def _questions(name: str, old: Side, new: Side, number: int) -> Iterator[Verdict]:
    was, now = old[1], new[1]
    if was is None or now is None:
        found = now or was
        assert found is not None
        yield Verdict("question", name, found.text.say(), "gone" if now is None else "new")
        return
    common = _common(old[0], new[0])
    differences = list(_question(old[0], was, new[0], now, common))
    items: list[Any] = [*getattr(now, "items", ())]
    if not items or now.kind != was.kind:
        yield _verdict("question", name, now.text.say(), differences, new[0], number)
        return
    before: dict[str, Any] = {item.id: item for item in getattr(was, "items", ())}
    for item in items:
        label = _item_texts(item)[-1].say()
        if item.id not in before:
            yield Verdict("question", f"{name}.{item.id}", label, "new")
            continue
        texts = zip(_item_texts(before[item.id]), _item_texts(item), strict=True)
        own = [Difference(_worded(*pair)) for pair in texts if _differs(*pair, common)]
        yield _verdict("question", f"{name}.{item.id}", label, differences + own, new[0], number)
    for item_id in before.keys() - {item.id for item in items}:
        yield Verdict(
            "question", f"{name}.{item_id}", _item_texts(before[item_id])[-1].say(), "gone"
        )


def _verdict(
    part: Literal["question", "exercise"],
    name: str,
    label: str,
    differences: list[Difference],
    new: Study,
    number: int,
) -> Verdict:
    reasons = tuple(difference.words for difference in differences)
    declared = number in new.analysis.equivalent.get(name.partition(".")[0], ())
    if not reasons:
        return Verdict(part, name, label, "pooled")
    if not declared:
        return Verdict(part, name, label, "apart", reasons)
    stored = tuple(difference.words for difference in differences if difference.stored)
    return Verdict(part, name, label, "refused" if stored else "declared", stored or reasons)


def _item_texts(item: Any) -> tuple[Text, ...]:
    return (item.left, item.right) if hasattr(item, "left") else (item.text,)


def _common(old: Study, new: Study) -> tuple[str, ...]:
    """Languages that both have; of those that one lacks nothing was answered before or after."""
    return tuple(code for code in new.languages if code in old.languages) or new.languages[:1]


def _differs(was: Text | None, now: Text | None, languages: tuple[str, ...]) -> bool:
    if was is None or now is None:
        return was is not now
    return any(
        " ".join(was.say(code).split()) != " ".join(now.say(code).split()) for code in languages
    )


def _worded(was: Text | None, now: Text | None) -> str:
    texts = [f"“{text.say()[:60]}”" if text else "nothing" for text in (was, now)]
    if texts[0] == texts[1]:
        return f"the wording has changed in one language or further on ({texts[0]})"
    return f"the wording was {texts[0]} and is {texts[1]}"


def _question(
    old: Study, was: Question, new: Study, now: Question, common: tuple[str, ...]
) -> Iterator[Difference]:
    if was.kind != now.kind:
        yield Difference(f"its kind was {was.kind} and is {now.kind}", stored=True)
        return
    if _differs(was.text, now.text, common):
        yield Difference(_worded(was.text, now.text))
    yield from _numbers(was, now, ("least", "greatest", "points", "total"))
    if getattr(was, "most", None) != getattr(now, "most", None) and was.kind == "ranking":
        yield Difference("another number of options is placed", stored=True)
    if _differs(getattr(was, "unit", None), getattr(now, "unit", None), common):
        yield Difference("the unit has changed", stored=True)
    for field in ("low_label", "high_label"):
        if _differs(getattr(was, field, None), getattr(now, field, None), common):
            yield Difference(f"the label of an end has changed ('{field}')")
    yield from _scales(old.scale(was), new.scale(now), common)
    yield from _labelled("option", getattr(was, "options", ()), getattr(now, "options", ()), common)


def _numbers(was: Any, now: Any, fields: tuple[str, ...]) -> Iterator[Difference]:
    for field in fields:
        before, after = getattr(was, field, None), getattr(now, field, None)
        if before != after and was.__class__.__name__ != "MultipleChoice":
            yield Difference(f"'{field}' was {before} and is {after}", stored=True)


def _scales(
    was: tuple[Text, ...], now: tuple[Text, ...], common: tuple[str, ...]
) -> Iterator[Difference]:
    if len(was) != len(now):
        words = f"the scale had {len(was)} points and has {len(now)}"
        yield Difference(words, stored=True)
    elif any(_differs(*pair, common) for pair in zip(was, now, strict=True)):
        yield Difference("the labels of the scale have changed")


def _labelled(
    noun: str, was: tuple[Any, ...], now: tuple[Any, ...], common: tuple[str, ...]
) -> Iterator[Difference]:
    """What differs between options, levels or items by id; their order does not matter."""
    before, after = {part.id: part for part in was}, {part.id: part for part in now}
    for words, names in (
        ("is no longer there", before.keys() - after.keys()),
        ("is new", after.keys() - before.keys()),
    ):
        if names:
            listed = ", ".join(f"'{name}'" for name in sorted(names))
            yield Difference(f"{noun} {listed} {words}", stored=True)
    for name in [n for n in after if n in before]:
        if _differs(before[name].label, after[name].label, common):
            change = _worded(before[name].label, after[name].label)
            yield Difference(f"{noun} '{name}': {change}")
        if getattr(before[name], "image", None) != getattr(after[name], "image", None):
            yield Difference(f"{noun} '{name}' has another image")


def _exercise(was: Exercise, now: Exercise, common: tuple[str, ...]) -> Iterator[Difference]:
    if was.kind != now.kind:
        yield Difference(f"its kind was {was.kind} and is {now.kind}", stored=True)
        return
    if _differs(was.question, now.question, common):
        yield Difference(_worded(was.question, now.question))
    if isinstance(was, BestWorstExercise) and isinstance(now, BestWorstExercise):
        yield from _labelled("item", was.items, now.items, common)
        for label in ("best_label", "worst_label"):
            if _differs(getattr(was, label), getattr(now, label), common):
                yield Difference(f"the word to answer with has changed ('{label}')")
        return
    if isinstance(was, RatingsExercise) and isinstance(now, RatingsExercise):
        yield from _numbers(was, now, ("least", "greatest"))
        for label in ("low_label", "high_label"):
            if _differs(getattr(was, label), getattr(now, label), common):
                yield Difference(f"the label of an end has changed ('{label}')")
    if isinstance(was, ChoiceExercise) and isinstance(now, ChoiceExercise):
        yield from _none(was, now, common)
        if was.alternative_order != now.alternative_order:
            yield Difference("the order of the alternatives is no longer the same", stored=True)
    old, new = getattr(was, "attributes", ()), getattr(now, "attributes", ())
    yield from _labelled("attribute", old, new, common)
    before = {attribute.id: attribute for attribute in old}
    for attribute in new:
        if attribute.id in before:
            yield from _attribute(before[attribute.id], attribute, common)


def _none(
    was: ChoiceExercise, now: ChoiceExercise, common: tuple[str, ...]
) -> Iterator[Difference]:
    if (was.none and was.none.response) != (now.none and now.none.response):
        yield Difference("choosing none is offered otherwise than before", stored=True)
    elif was.none and now.none and _differs(was.none.label, now.none.label, common):
        yield Difference(f"none: {_worded(was.none.label, now.none.label)}")


def _attribute(was: Attribute, now: Attribute, common: tuple[str, ...]) -> Iterator[Difference]:
    name = f"attribute '{now.id}'"
    for difference in _labelled("level", was.levels, now.levels, common):
        yield Difference(f"{name}: {difference.words}", stored=difference.stored)
    numbers = {level.id: level.number for level in was.levels}
    for level in now.levels:
        if level.id in numbers and numbers[level.id] != level.number:
            words = (
                f"level '{level.id}' stood for {numbers[level.id]} and stands for {level.number}"
            )
            yield Difference(f"{name}: {words}", stored=True)
    if was.range != now.range:
        yield Difference(f"{name}: another range is tested", stored=True)
    if _differs(was.unit, now.unit, common):
        yield Difference(f"{name}: the unit has changed", stored=True)
