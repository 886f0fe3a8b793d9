"""What must hold between an exercise and its priors, given tasks and labels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from analysis.study.designs import Prior
from analysis.study.exercises import ChoiceExercise
from analysis.study.faults import Catalogue, Fault


def design_faults(path: str, exercise: ChoiceExercise) -> Iterator[Fault]:
    """Faults of the parts of an exercise that its choice tasks are made from."""
    known = [a.id for a in exercise.attributes]
    for name, prior in exercise.priors.items():
        place = f"{path}.priors.{name}"
        names = worth_names(exercise, name)
        if names is None:
            shown = ", ".join(_prior_names(exercise))
            yield Catalogue.UNKNOWN_REFERENCE.at(
                place, noun="attribute or interaction", name=name, known=shown
            )
        else:
            yield from _prior(place, name, prior, names)
    if exercise.labelled_by is not None:
        yield from _label(f"{path}.labelled_by", exercise, known)
    most = len(known) - (exercise.labelled_by is not None)
    if exercise.design.varying is not None and exercise.design.varying > most:
        what = f"{exercise.design.varying} attributes shall vary, but there are {most}"
        hint = f"Use 'varying: {most}' or less, or leave it out"
        yield Catalogue.IMPOSSIBLE.at(f"{path}.design.varying", what=what, hint=hint)
    yield from _fixed(path, exercise)


def worth_names(exercise: ChoiceExercise, name: str) -> tuple[str, ...] | None:
    """Names of the part-worths of an attribute, 'none' or 'first:second'.

    Levels, pieces or cells; empty for a single slope or none; None when there is no such part.
    """
    if name == "none":
        return () if exercise.none else None
    first, _, second = name.partition(":")
    if second:
        if (first, second) not in exercise.interactions:
            return None
        left, right = (_own_names(exercise, n) or ("",) for n in (first, second))
        cells = tuple(f"{a}:{b}" for a in left for b in right)
        return () if cells == (":",) else cells
    return _own_names(exercise, name)


def _own_names(exercise: ChoiceExercise, name: str) -> tuple[str, ...] | None:
    attribute = next((a for a in exercise.attributes if a.id == name), None)
    if attribute is None:
        return None
    if attribute.coding == "effects":
        return tuple(level.id for level in attribute.levels)
    if attribute.coding == "linear" or not (attribute.range or attribute.levels):
        return ()
    if not attribute.range and all(level.number is None for level in attribute.levels):
        return ()
    return attribute.pieces


def _prior_names(exercise: ChoiceExercise) -> list[str]:
    names = [a.id for a in exercise.attributes]
    names += [f"{first}:{second}" for first, second in exercise.interactions]
    return [*names, *(["none"] if exercise.none else [])]


def _prior(place: str, name: str, prior: Prior, names: tuple[str, ...]) -> Iterator[Fault]:
    if names:
        if prior.mean is not None:
            what = f"'{name}' has {len(names)} part-worths, but one mean"
            hint = f"Use 'means: {{{names[0]}: ..., ...}}'"
            yield Catalogue.PRIOR.at(f"{place}.mean", what=what, hint=hint)
        for field, given in (("means", prior.means), ("sds", prior.sds)):
            if given:
                yield from _complete(f"{place}.{field}", name, list(given), names)
    else:
        for field, given in (("means", prior.means), ("sds", prior.sds)):
            if given:
                what = f"'{name}' has a single part-worth, but '{field}'"
                hint = f"Use '{field[:-1]}: NUMBER'" + ("" if name == "none" else ", per unit")
                yield Catalogue.PRIOR.at(f"{place}.{field}", what=what, hint=hint)
    if prior.sd is not None and prior.sds:
        what = f"'{name}' has both 'sd' and 'sds'"
        yield Catalogue.PRIOR.at(place, what=what, hint="Keep one of them")


def _complete(
    place: str, name: str, given: Sequence[str], names: tuple[str, ...]
) -> Iterator[Fault]:
    for wrong in sorted(set(given) - set(names)):
        shown = ", ".join(names)
        yield Catalogue.UNKNOWN_REFERENCE.at(
            f"{place}.{wrong}", noun=f"part-worth of '{name}' called", name=wrong, known=shown
        )
    for missing in names:
        if missing not in given:
            yield Catalogue.MISSING.at(place, field=missing)


def _label(place: str, exercise: ChoiceExercise, known: list[str]) -> Iterator[Fault]:
    if exercise.labelled_by not in known:
        shown = ", ".join(known)
        yield Catalogue.UNKNOWN_REFERENCE.at(
            place, noun="attribute", name=exercise.labelled_by, known=shown
        )
        return
    labels = len(exercise.attribute(exercise.labelled_by).levels)
    if labels < exercise.alternatives:
        what = f"{exercise.alternatives} alternatives shall have different labels of {labels}"
        hint = f"Use 'alternatives: {labels}' or add labels"
        yield Catalogue.IMPOSSIBLE.at(place, what=what, hint=hint)


def _fixed(path: str, exercise: ChoiceExercise) -> Iterator[Fault]:
    for role, most in (("estimation", exercise.tasks), ("holdout", exercise.holdouts)):
        count = sum(task.role == role for task in exercise.fixed_tasks)
        field = "tasks" if role == "estimation" else "holdouts"
        if count > most:
            what = f"{count} tasks for {role} are given, but '{field}' is {most}"
            hint = f"Use '{field}: {count}' or more"
            yield Catalogue.IMPOSSIBLE.at(f"{path}.fixed_tasks", what=what, hint=hint)
    for n, task in enumerate(exercise.fixed_tasks):
        place = f"{path}.fixed_tasks[{n}].alternatives"
        if len(task.alternatives) != exercise.alternatives:
            what = f"the task has {len(task.alternatives)} alternatives"
            hint = f"Give {exercise.alternatives}, as 'alternatives' says"
            yield Catalogue.IMPOSSIBLE.at(place, what=what, hint=hint)
        shown: list[dict[str, str]] = []
        for k, alternative in enumerate(task.alternatives):
            yield from _alternative(f"{place}[{k}]", exercise, alternative)
            if alternative in shown:
                what = "the same alternative stands twice in the task"
                yield Catalogue.IMPOSSIBLE.at(f"{place}[{k}]", what=what, hint="Change one")
            shown.append(alternative)


def _alternative(place: str, exercise: ChoiceExercise, given: dict[str, str]) -> Iterator[Fault]:
    levels = {a.id: [level.id for level in a.levels] for a in exercise.attributes}
    for name in given:
        if name not in levels:
            shown = ", ".join(levels)
            yield Catalogue.UNKNOWN_REFERENCE.at(place, noun="attribute", name=name, known=shown)
    for name, known in levels.items():
        if name not in given:
            yield Catalogue.MISSING.at(place, field=name)
        elif given[name] not in known:
            shown = ", ".join(known)
            yield Catalogue.UNKNOWN_REFERENCE.at(
                f"{place}.{name}", noun="level", name=given[name], known=shown
            )
    for n, prohibition in enumerate(exercise.prohibitions):
        if all(given.get(name) in forbidden for name, forbidden in prohibition.items()):
            what = f"the alternative is prohibited (prohibitions[{n}])"
            yield Catalogue.IMPOSSIBLE.at(place, what=what, hint="Change it, or the prohibition")
