"""What the plan's list of products sold may say: attributes and levels of the exercise."""

from __future__ import annotations

from collections.abc import Iterator

from analysis.study.exercises import Attribute, ChoiceExercise
from analysis.study.expression_checks import unknown
from analysis.study.faults import Catalogue, Fault
from analysis.study.types import Study

PLACE = "analysis.products"


def product_faults(study: Study) -> Iterator[Fault]:
    """Faults of products named twice, of unknown attributes and levels, and of what is missing."""
    products = study.analysis.products
    if not products:
        return
    try:
        exercise = study.choice_exercise()
    except (KeyError, TypeError):
        what = "the plan reports no choice exercise whose levels the products could have"
        yield Catalogue.IMPOSSIBLE.at(PLACE, what=what, hint="Leave 'products' out")
        return
    if len(products) < 2:
        hint = "List all products that customers could choose from"
        yield Catalogue.IMPOSSIBLE.at(PLACE, what="one product leaves no choice", hint=hint)
    price = exercise.price
    if price is not None and price.range is None and any(v.number is None for v in price.levels):
        what = f"the levels of '{price.id}' have no numbers, so that prices paid have no place"
        yield Catalogue.IMPOSSIBLE.at(PLACE, what=what, hint="Add 'number:' to the levels")
    first: dict[str, str] = {}
    for n, sold in enumerate(products):
        place = f"{PLACE}[{n}]"
        if sold.product in first:
            what = f"the product '{sold.product}' stands twice (first at {first[sold.product]})"
            yield Catalogue.IMPOSSIBLE.at(f"{place}.product", what=what, hint="Keep one of them")
        first.setdefault(sold.product, place)
        yield from _levels(f"{place}.levels", exercise, sold.levels)


def _levels(place: str, exercise: ChoiceExercise, levels: dict[str, str]) -> Iterator[Fault]:
    attributes = {a.id: a for a in exercise.attributes}
    for name, value in levels.items():
        if name not in attributes:
            yield unknown(place, "attribute", name, attributes)
        elif not _tested(attributes[name], value):
            known = {level.id for level in attributes[name].levels}
            yield unknown(f"{place}.{name}", "level", value, known)
    for name, attribute in attributes.items():
        if name not in levels and attribute.tag != "price":
            what = f"the attribute '{name}' has no level"
            yield Catalogue.IMPOSSIBLE.at(place, what=what, hint=f"Add '{name}: LEVEL'")


def _tested(attribute: Attribute, value: str) -> bool:
    """Whether a value is a level, or a number between those tested."""
    if any(level.id == value for level in attribute.levels):
        return True
    numbers = [level.number for level in attribute.levels if level.number is not None]
    if attribute.range is not None:
        numbers = [attribute.range.least, attribute.range.greatest]
    elif len(numbers) < len(attribute.levels):
        return False
    try:
        return bool(numbers) and min(numbers) <= float(value) <= max(numbers)
    except ValueError:
        return False
