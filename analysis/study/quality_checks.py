"""What the plan for the quality of answers, and the merging of versions, may name."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches

from analysis.study.faults import Catalogue, Fault
from analysis.study.quality import named_item
from analysis.study.questions import Question
from analysis.study.types import Study

NO_ATTENTION_KINDS = ("consent", "matrix", "semantic_differential", "ranking", "constant_sum")
"""Kinds that have no single answer to expect; a matrix has it on its items."""


def quality_faults(study: Study) -> list[Fault]:
    """Faults of attention items, repeats, and parts declared equivalent."""
    return [*_attention(study), *_repeats(study), *_equivalent(study)]


def _attention(study: Study) -> Iterator[Fault]:
    for p, page in enumerate(study.pages):
        for q, question in enumerate(page.questions):
            place = f"pages[{p}].questions[{q}].expects"
            if question.expects and question.kind in NO_ATTENTION_KINDS:
                why = f"a question of kind '{question.kind}' has no single answer"
                hint = "Write 'expects' on an item of the matrix, or on a question of another kind"
                yield Catalogue.NO_ATTENTION.at(place, name=question.id, why=why, hint=hint)
                continue
            yield from _expected(study, question, place)


def _expected(study: Study, question: Question, place: str) -> Iterator[Fault]:
    measuring = {item.id for item in question.rated_items() if item.measures}
    for item, values in question.expected().items():
        name = f"{question.id}.{item}" if item else question.id
        if item in measuring:
            why, hint = "it measures a construct", "Take 'measures' away, or 'expects'"
            yield Catalogue.NO_ATTENTION.at(place, name=name, why=why, hint=hint)
        if question.kind == "multiple_choice":
            known = {option.id for option in question.options}
            wrong = [f"'{value[:40]}' is not one of its options" for value in values
                     if value not in known]  # fmt: skip
        else:
            points = len(study.scales.get(scale, ())) if isinstance(
                scale := getattr(question, "scale", ()), str
            ) else len(scale)  # fmt: skip
            faults = (question.fault(item, value, scale_points=points) for value in values)
            wrong = [fault for fault in faults if fault]
        for why in wrong:
            hint = "Write an answer as it is stored, such as the number of the point"
            yield Catalogue.NO_ATTENTION.at(place, name=name, why=why, hint=hint)


def _repeats(study: Study) -> Iterator[Fault]:
    rated = {
        f"{question.id}.{item.id}" if item.id else question.id: question
        for question, item in study.items()
    }
    for n, (first, second) in enumerate(study.analysis.quality.repeats):
        unknown = [name for name in (first, second) if name not in rated]
        place = f"analysis.quality.repeats[{n}]"
        for name in unknown:
            near = get_close_matches(name, sorted(rated), n=12, cutoff=0.3)
            known = ", ".join(near or sorted(rated)[:12]) or "(there is none)"
            yield Catalogue.UNKNOWN_REFERENCE.at(place, noun="rated item", name=name, known=known)
        if unknown:
            continue
        if first == second:
            why = "they are one item"
        elif _points(study, rated[first]) != _points(study, rated[second]):
            why = "their scales differ"
        else:
            continue
        yield Catalogue.NOT_REPEATED.at(place, first=first, second=second, why=why)


def _points(study: Study, question: Question) -> tuple[int, int] | None:
    try:
        return study.points(question)
    except KeyError:
        return None


def _equivalent(study: Study) -> Iterator[Fault]:
    known = {q.id for q in study.questions()} | {e.id for e in study.exercises}
    for name in study.analysis.equivalent:
        if name not in known:
            near = get_close_matches(name, sorted(known), n=12, cutoff=0.3) or sorted(known)[:12]
            shown = ", ".join(near) or "(there is none)"
            place = f"analysis.equivalent.{name}"
            yield Catalogue.NOTHING_EQUIVALENT.at(place, name=name, known=shown)


def expected_answers(study: Study) -> dict[tuple[str, str], tuple[str, ...]]:
    """The attention items of a study: by (question, item), the answers that are expected."""
    return {
        (question.id, item): values
        for question in study.questions()
        for item, values in question.expected().items()
    }


__all__ = ["expected_answers", "named_item", "quality_faults"]
