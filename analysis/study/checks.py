"""What must hold between the parts of a study: references, order, numbers, prohibitions."""

from __future__ import annotations

import keyword
from collections.abc import Iterator, Sequence
from itertools import pairwise

from analysis.study.design_checks import design_faults
from analysis.study.exercises import (
    Attribute,
    BestWorstExercise,
    ChoiceExercise,
    Exercise,
    Level,
    RatingsExercise,
)
from analysis.study.expression_checks import unknown
from analysis.study.faults import Catalogue, Fault
from analysis.study.language_checks import default_texts
from analysis.study.logic_checks import logic_faults
from analysis.study.mail_checks import mail_faults
from analysis.study.piping_checks import piping_faults
from analysis.study.product_checks import product_faults
from analysis.study.quality_checks import quality_faults
from analysis.study.questions import Option, Question
from analysis.study.types import Score, Study


def faults_between_parts(study: Study) -> list[Fault]:
    """All faults that no part shows alone."""
    return [
        *_repeated_ids(study),
        *_pages(study),
        *_items(study),
        *_exercises(study),
        *_asked_about(study),
        *_plan(study),
        *product_faults(study),
        *quality_faults(study),
        *_scores(study),
        *logic_faults(study),
        *piping_faults(study),
        *default_texts(study),
        *mail_faults(study),
    ]


def faults_before_publication(study: Study) -> list[Fault]:
    """What a study needs besides before it is published for respondents."""
    return [*_targets(study), *faults_before_asking(study)]


def faults_before_asking(study: Study) -> list[Fault]:
    """What keeps respondents from being asked with a study, published or not."""
    found: list[Fault] = []
    asking = [n for n, placed in enumerate(study.placed) if placed.page.questions]
    consents = [
        n
        for n, placed in enumerate(study.placed)
        for q in placed.page.questions
        if q.kind == "consent" and q.purpose == "participation" and q.show_if is None
    ]
    if not consents:
        found.append(Catalogue.NO_CONSENT.at("pages"))
    elif min(consents) > asking[0] or _stands_anywhere(study, study.placed[min(consents)].page.id):
        found.append(Catalogue.CONSENT_LATE.at(study.placed[min(consents)].path))
    fielded = {page.exercise for page in study.pages if page.exercise}
    for n, exercise in enumerate(study.exercises):
        path = f"exercises[{n}]"
        if exercise.id not in fielded:
            found.append(Catalogue.UNUSED_EXERCISE.at(path, name=exercise.id))
        if isinstance(exercise, BestWorstExercise) and exercise.set_size > len(exercise.items):
            what = f"a set of {exercise.set_size} out of {len(exercise.items)} items"
            found.append(Catalogue.NOT_FIELDABLE.at(path, what=what, hint="Lower 'set_size'"))
        for k, attribute in enumerate(getattr(exercise, "attributes", ())):
            if attribute.range and exercise.id in fielded:
                what, hint = "an attribute with a range", "List the levels to be shown"
                place = f"{path}.attributes[{k}]"
                found.append(Catalogue.NOT_FIELDABLE.at(place, what=what, hint=hint))
    return found


def _stands_anywhere(study: Study, page: str) -> bool:
    """Whether a page stands in a block of random order, and does not keep its place there."""
    return any(group.order == "random" and page in group.ids for group in study.flow.groups())


def _targets(study: Study) -> Iterator[Fault]:
    """A study that is rehearsed says what it must tell, and with how many people."""
    if study.rehearsed_exercise() is None:
        return
    targets = study.analysis.targets
    if targets is None or (
        targets.willingness_to_pay_half_width is None and targets.smallest_difference is None
    ):
        yield Catalogue.NO_TARGETS.at("analysis.targets")
    if targets is None or targets.respondents is None:
        yield Catalogue.NO_RESPONDENTS.at("analysis.targets")


def _repeated_ids(study: Study) -> Iterator[Fault]:
    groups: list[list[tuple[str, str]]] = [
        [(f"constructs[{n}]", c.id) for n, c in enumerate(study.constructs)],
        [(placed.path, placed.page.id) for placed in study.placed],
        [(path, q.id) for path, q in _questions(study, every=True)],
        [(f"exercises[{n}]", e.id) for n, e in enumerate(study.exercises)],
        [(f"waves[{n}]", w.id) for n, w in enumerate(study.waves)],
        [(f"quotas[{n}]", q.id) for n, q in enumerate(study.quotas)],
        [(f"cells[{n}]", c.id) for n, c in enumerate(study.cells)],
        [(f"computed[{n}]", c.id) for n, c in enumerate(study.computed)],
        [(f"scores[{n}]", s.id) for n, s in enumerate(study.scores)],
    ]
    for path, question in _questions(study):
        for field in ("options", "items"):
            parts = getattr(question, field, ())
            groups.append([(f"{path}.{field}[{n}]", part.id) for n, part in enumerate(parts)])
    for e, exercise in enumerate(study.exercises):
        items = getattr(exercise, "items", ())
        groups.append([(f"exercises[{e}].items[{n}]", item.id) for n, item in enumerate(items)])
        attributes = getattr(exercise, "attributes", ())
        groups.append([(f"exercises[{e}].attributes[{n}]", a.id) for n, a in enumerate(attributes)])
        for n, attribute in enumerate(attributes):
            path = f"exercises[{e}].attributes[{n}].levels"
            groups.append([(f"{path}[{k}]", lv.id) for k, lv in enumerate(attribute.levels)])
    for group in groups:
        yield from _twice(group)


def _twice(group: list[tuple[str, str]]) -> Iterator[Fault]:
    first: dict[str, str] = {}
    for path, name in group:
        if name in first:
            yield Catalogue.DUPLICATE_ID.at(path, id=name, first=first[name])
        first.setdefault(name, path)


def _questions(study: Study, *, every: bool = False) -> Iterator[tuple[str, Question]]:
    """Questions with their places; those of a loop once, or with ``every`` for each entry."""
    for placed in study.placed:
        if placed.repeated and not every:
            continue
        for q, question in enumerate(placed.page.questions):
            yield f"{placed.path}.questions[{q}]", question


def _pages(study: Study) -> Iterator[Fault]:
    exercises = {e.id for e in study.exercises}
    seen: set[str] = set()
    for placed in study.placed:
        page, path = placed.page, placed.path
        if placed.repeated:
            continue
        if page.exercise and page.questions:
            yield Catalogue.PAGE_CONTENT.at(path, hint="Split it into two pages")
        elif not page.exercise and not page.questions and not page.text:
            yield Catalogue.PAGE_CONTENT.at(path, hint="Add 'questions', 'exercise' or 'text'")
        if page.exercise and page.exercise not in exercises:
            yield unknown(f"{path}.exercise", "exercise", page.exercise, exercises)
        if page.exercise and page.exercise in seen:
            yield Catalogue.EXERCISE_TWICE.at(f"{path}.exercise", name=page.exercise)
        seen.add(page.exercise or "")
        if keyword.iskeyword(page.id):
            yield Catalogue.RESERVED_ID.at(f"{path}.id", id=page.id)


def _items(study: Study) -> Iterator[Fault]:
    constructs = {c.id for c in study.constructs}
    for path, question in _questions(study):
        if keyword.iskeyword(question.id) or question.id in ("respondent", "true", "false"):
            yield Catalogue.RESERVED_ID.at(f"{path}.id", id=question.id)
        scale = getattr(question, "scale", None)
        if isinstance(scale, str) and scale not in study.scales:
            yield unknown(f"{path}.scale", "scale", scale, study.scales)
        for n, item in enumerate(question.rated_items()):
            place = f"{path}.items[{n}]" if item.id else path
            if item.measures and item.measures not in constructs:
                yield unknown(f"{place}.measures", "construct", item.measures, constructs)
        yield from _bounds(path, question)
        yield from _images(f"{path}.options", getattr(question, "options", ()))
    for name, scale_points in study.scales.items():
        if not 2 <= len(scale_points) <= 11:
            yield Catalogue.SCALE_SHORT.at(f"scales.{name}", n=len(scale_points))


def _asked_about(study: Study) -> Iterator[Fault]:
    """Constructs of attributes are constructs of the study."""
    constructs = {c.id for c in study.constructs}
    for e, exercise in enumerate(study.exercises):
        for n, attribute in enumerate(getattr(exercise, "attributes", ())):
            if attribute.measured_by and attribute.measured_by not in constructs:
                place = f"exercises[{e}].attributes[{n}].measured_by"
                yield unknown(place, "construct", attribute.measured_by, constructs)


def _images(path: str, parts: Sequence[Option | Level]) -> Iterator[Fault]:
    """Images on some options or levels only draw the eye to those."""
    wanted = [part for part in parts if not getattr(part, "exclusive", False)]
    without = [part.id for part in wanted if part.image is None]
    if without and len(without) < len(wanted):
        what = f"some have an image, {', '.join(without[:5])} have none"
        yield Catalogue.IMPOSSIBLE.at(path, what=what, hint="Give all of them an image, or none")


def _bounds(path: str, question: Question) -> Iterator[Fault]:
    pairs = (("least", "greatest"), ("earliest", "latest"), ("least", "most"))
    for low_name, high_name in pairs:
        low, high = getattr(question, low_name, None), getattr(question, high_name, None)
        if low is None or high is None:
            continue
        if low > high or (question.kind == "slider" and low == high):
            yield Catalogue.RANGE_ORDER.at(f"{path}.{low_name}", low=low, high=high)
    if question.kind == "ranking" and (question.most or 0) > len(question.options):
        what = f"{question.most} of {len(question.options)} options are to be placed"
        yield Catalogue.IMPOSSIBLE.at(f"{path}.most", what=what, hint="Lower 'most'")
    if question.kind == "multiple_choice":
        most = len(question.options)
        if question.least > most or (question.most or 0) > most:
            what = f"more answers are required or allowed than the {most} options"
            yield Catalogue.IMPOSSIBLE.at(path, what=what, hint=f"Use at most {most}")


def _exercises(study: Study) -> Iterator[Fault]:
    for n, exercise in enumerate(study.exercises):
        path = f"exercises[{n}]"
        for a, attribute in enumerate(getattr(exercise, "attributes", ())):
            yield from _attribute(f"{path}.attributes[{a}]", attribute)
        prices = [a for a in getattr(exercise, "attributes", ()) if a.tag == "price"]
        if len(prices) > 1:
            yield Catalogue.TWO_PRICES.at(f"{path}.attributes", n=len(prices))
        yield from _reserved(path, exercise)
        if isinstance(exercise, ChoiceExercise):
            yield from _prohibitions(path, exercise)
            yield from _interactions(path, exercise)
            yield from design_faults(path, exercise)
        elif isinstance(exercise, RatingsExercise) and exercise.least >= exercise.greatest:
            low, high = exercise.least, exercise.greatest
            yield Catalogue.RANGE_ORDER.at(f"{path}.least", low=low, high=high)


TABLE_COLUMNS = frozenset(
    ("respondent", "exercise", "block", "task", "alternative", "chosen", "role", "none")
)
"""Columns of a table of choices, which no attribute may take."""


def _reserved(path: str, exercise: Exercise) -> Iterator[Fault]:
    """Attributes may not take the columns of the tables in which their exercise is kept."""
    taken = set(TABLE_COLUMNS)
    if isinstance(exercise, RatingsExercise):
        taken |= {"profile", "rating"}
    if isinstance(exercise, ChoiceExercise):
        taken |= {"bought"} if exercise.is_dual else set()
        taken |= {"position"} if exercise.alternative_order == "random" else set()
    for n, attribute in enumerate(getattr(exercise, "attributes", ())):
        if attribute.id in taken:
            yield Catalogue.RESERVED_ID.at(f"{path}.attributes[{n}].id", id=attribute.id)


def _attribute(path: str, attribute: Attribute) -> Iterator[Fault]:
    yield from _images(f"{path}.levels", attribute.levels)
    if attribute.range:
        if attribute.levels:
            yield Catalogue.LEVELS_AND_RANGE.at(path, attribute=attribute.id)
        if attribute.coding == "effects":
            yield Catalogue.RANGE_NOT_LINEAR.at(path, attribute=attribute.id)
        if attribute.range.least >= attribute.range.greatest:
            low, high = attribute.range.least, attribute.range.greatest
            yield Catalogue.RANGE_ORDER.at(f"{path}.range", low=low, high=high)
    elif len(attribute.levels) < 2:
        yield Catalogue.ONE_LEVEL.at(path, attribute=attribute.id, n=len(attribute.levels))
    yield from _knots(path, attribute)
    if attribute.shown_as != "label" and attribute.coding == "effects":
        for n, level in enumerate(attribute.levels):
            if level.number is None:
                place = f"{path}.levels[{n}]"
                name = attribute.id
                yield Catalogue.NOT_ALL_NUMBERS.at(place, attribute=name, level=level.id)
    if attribute.coding != "effects":
        for n, level in enumerate(attribute.levels):
            if level.number is None:
                place = f"{path}.levels[{n}]"
                yield Catalogue.NO_NUMBER.at(place, level=level.id, attribute=attribute.id)


def _knots(path: str, attribute: Attribute) -> Iterator[Fault]:
    knots, name = attribute.knots, attribute.id
    if attribute.coding != "piecewise":
        if knots:
            what = f"attribute '{name}' has knots but is not piecewise"
            hint = "Add 'coding: piecewise', or drop 'knots'"
            yield Catalogue.IMPOSSIBLE.at(f"{path}.knots", what=what, hint=hint)
        return
    if not knots:
        what = f"the piecewise attribute '{name}' has no knots"
        hint = "Add 'knots: [number]' where its slope may change, or use 'coding: linear'"
        yield Catalogue.IMPOSSIBLE.at(path, what=what, hint=hint)
    span = attribute.range
    numbers = [lv.number for lv in attribute.levels if lv.number is not None]
    edges = (span.least, span.greatest) if span else (min(numbers), max(numbers)) if numbers else ()
    steps = [*edges[:1], *knots, *edges[1:]]
    if any(low >= high for low, high in pairwise(steps)):
        what = f"the knots of '{name}' do not rise between its least and greatest number"
        hint = "List the knots from low to high, inside the tested range"
        yield Catalogue.IMPOSSIBLE.at(f"{path}.knots", what=what, hint=hint)


def _interactions(path: str, exercise: ChoiceExercise) -> Iterator[Fault]:
    known = {a.id for a in exercise.attributes}
    seen: set[frozenset[str]] = set()
    for n, pair in enumerate(exercise.interactions):
        place = f"{path}.interactions[{n}]"
        for name in pair:
            if name not in known:
                yield unknown(place, "attribute", name, known)
        if len(set(pair)) < 2 or frozenset(pair) in seen:
            what = f"the interaction of '{pair[0]}' and '{pair[1]}' is no new pair of attributes"
            yield Catalogue.IMPOSSIBLE.at(place, what=what, hint="Name two attributes, once")
        seen.add(frozenset(pair))


def _prohibitions(path: str, exercise: ChoiceExercise) -> Iterator[Fault]:
    levels = {a.id: {lv.id for lv in a.levels} for a in exercise.attributes}
    for n, prohibition in enumerate(exercise.prohibitions):
        place = f"{path}.prohibitions[{n}]"
        if len(prohibition) < 2:
            yield Catalogue.PROHIBITION.at(place)
        for attribute, forbidden in prohibition.items():
            if attribute not in levels:
                yield unknown(place, "attribute", attribute, levels)
                continue
            for level in forbidden:
                if level not in levels[attribute]:
                    yield unknown(f"{place}.{attribute}", "level", level, levels[attribute])


def _plan(study: Study) -> Iterator[Fault]:
    plan, constructs = study.analysis, {c.id for c in study.constructs}
    exercises = {e.id for e in study.exercises}
    if plan.exercise and plan.exercise not in exercises:
        yield unknown("analysis.exercise", "exercise", plan.exercise, exercises)
    if plan.prior and plan.estimator != "hb":
        yield Catalogue.PRIOR_WITHOUT_HB.at("analysis.prior", estimator=plan.estimator)
    nps = {q.id for q in study.questions() if q.kind == "nps"}
    if plan.recommendation and plan.recommendation not in nps:
        yield unknown("analysis.recommendation", "NPS question", plan.recommendation, nps)
    grouping = {q.id for q in study.questions() if q.kind == "single_choice"} | {"language", "cell"}
    for name in plan.groups:
        if name not in grouping:
            yield unknown("analysis.groups", "single-choice question", name, grouping)
    if plan.engagement.weights and not sum(plan.engagement.weights.values()):
        what = "all weights are zero, so that nothing counts"
        hint = "Give a component a weight above zero, or leave 'weights' out: all count alike"
        yield Catalogue.IMPOSSIBLE.at("analysis.engagement.weights", what=what, hint=hint)
    yield from _margins(study)
    value = plan.perceived_value
    for field, names in (
        ("benefits", value.benefits),
        ("costs", value.costs),
        ("weights", tuple(value.weights)),
    ):
        for name in names:
            if name not in constructs:
                place = f"analysis.perceived_value.{field}"
                yield unknown(place, "construct", name, constructs)


def _margins(study: Study) -> Iterator[Fault]:
    """Margins name what is known of respondents, every answer of it, and add up to 1."""
    plan = study.analysis.weighting
    facts = {"language": set(study.languages), "cell": {cell.id for cell in study.cells},
             "wave": {wave.id for wave in study.waves}}  # fmt: skip
    known = facts | {
        q.id: {option.id for option in getattr(q, "options", ())}
        for q in study.questions()
        if q.kind == "single_choice"
    }
    for name, shares in (plan.margins if plan else {}).items():
        place = f"analysis.weighting.margins.{name}"
        if name not in known:
            yield unknown(place, "single-choice question", name, set(known))
            continue
        for answer in [*(set(shares) - known[name]), *(known[name] - set(shares))]:
            what = f"'{answer}' is {'no answer' if answer in shares else 'without a share'}"
            hint = "Give every answer a share"
            yield Catalogue.IMPOSSIBLE.at(place, what=f"{what} of '{name}'", hint=hint)
        if abs(sum(shares.values()) - 1) > 0.005:
            what = f"the shares add up to {sum(shares.values()):g}"
            yield Catalogue.IMPOSSIBLE.at(place, what=what, hint="Let them add up to 1")


def _scores(study: Study) -> Iterator[Fault]:
    constructs = {c.id for c in study.constructs}
    for n, score in enumerate(study.scores):
        for name in score.constructs:
            if name not in constructs:
                yield unknown(f"scores[{n}].constructs", "construct", name, constructs)
        edge = score.bands[0].low
        if score.show_to_respondent:
            yield from _shown_score(study, f"scores[{n}]", score)
        for band in score.bands:
            if band.low != edge or band.high <= band.low:
                yield Catalogue.BANDS.at(f"scores[{n}].bands", at=f"{band.low:g}")
            edge = band.high


def _shown_score(study: Study, path: str, score: Score) -> Iterator[Fault]:
    """A score that respondents see can be made, and has a band whatever it comes to."""
    for name in score.constructs:
        if not study.items_of(name):
            yield Catalogue.NO_ITEMS.at(f"{path}.constructs", construct=name)
    for edge, wanted in ((score.bands[0].low, 0), (score.bands[-1].high, 100)):
        if edge != wanted:
            what = f"a score of 0 to 100 is shown, but its bands run from or to {edge:g}"
            hint = "Let the lowest band start at 0 and the highest end at 100"
            yield Catalogue.IMPOSSIBLE.at(f"{path}.bands", what=what, hint=hint)
