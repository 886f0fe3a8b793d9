"""Reading study files: YAML or JSON in, a Study or all its faults out."""

from __future__ import annotations

import difflib
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from analysis.study.checks import faults_between_parts
from analysis.study.exercises import ChoiceExercise
from analysis.study.faults import Catalogue, Fault, StudyFaults
from analysis.study.language_checks import warnings_about_languages
from analysis.study.types import FORMAT, Study

MAX_BYTES = 1_000_000

Place = tuple[str | int, ...]


class _Loader(yaml.SafeLoader):
    """YAML without aliases, repeated keys, dates, yes/no as truth, 010 as 8 or 1:30 as 90."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.events.AliasEvent):
            event = self.peek_event()  # type: ignore[no-untyped-call]
            raise StudyFaults([Catalogue.ALIAS.at("file", line=event.start_mark.line + 1)])
        return super().compose_node(parent, index)


_OWN_TAGS = tuple(f"tag:yaml.org,2002:{name}" for name in ("timestamp", "bool", "int", "float"))
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag not in _OWN_TAGS]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(?:true|false)$"), list("tf"))
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:int", re.compile(r"^-?(?:0|[1-9][0-9]{0,17})$"), list("-0123456789")
)
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?$"),
    list("-0123456789"),
)


def read_study(path: Path | str) -> Study:
    """Read a study file (YAML or JSON).

    Raises
    ------
    StudyFaults
        With every fault of the file, each with place, fact and mend.
    OSError
        When the file cannot be opened.
    """
    return parse_study(Path(path).read_bytes())


def parse_study(source: bytes | str) -> Study:
    """Parse the text of a study file; see ``read_study``."""
    data, lines = parse_yaml(source)
    faults, study = _validate(data)
    if faults:
        placed = [_with_line(fault, lines) for fault in faults]
        raise StudyFaults(list(dict.fromkeys(placed)))
    assert study is not None
    return study


def language_warnings(source: bytes | str) -> list[Fault]:
    """What a sound study file leaves untranslated, each with its line; see ``parse_study``."""
    data, lines = parse_yaml(source)
    study = Study.model_validate(data)
    return [_with_line(warning, lines) for warning in warnings_about_languages(study)]


def read_priors(path: Path | str, study: Study, exercise: ChoiceExercise) -> ChoiceExercise:
    """The exercise with the priors of a file, which holds what stands under ``priors:``.

    Raises
    ------
    StudyFaults
        With every fault of the file.
    OSError
        When the file cannot be opened.
    """
    data, lines = parse_yaml(Path(path).read_bytes())
    if set(data) == {"priors"} and isinstance(data["priors"], dict):
        data, lines = data["priors"], {place[1:]: n for place, n in lines.items() if place}
    given = exercise.model_dump(mode="json", exclude_defaults=True) | {"priors": data}
    shell = {"study": study.study, "title": "Priors", "exercises": [given]}
    faults, read = _validate(shell)
    prefix = "exercises[0].priors"
    if faults:
        own = [replace(f, path=f.path.removeprefix(prefix).lstrip(".") or "file") for f in faults]
        raise StudyFaults(list(dict.fromkeys(_with_line(fault, lines) for fault in own)))
    assert read is not None
    return read.choice_exercise()


def dump_study(study: Study) -> str:
    """The canonical JSON of a study: what a published version stores, and what is hashed."""
    return json.dumps(
        study.model_dump(mode="json", exclude_defaults=True, by_alias=True) | {"format": FORMAT},
        ensure_ascii=False,
        sort_keys=True,
    )


def study_schema() -> dict[str, Any]:
    """The JSON Schema of study files, for editors."""
    return Study.model_json_schema() | {"$schema": "https://json-schema.org/draft/2020-12/schema"}


def parse_yaml(source: bytes | str) -> tuple[dict[str, Any], dict[Place, int]]:
    """A YAML or JSON mapping, and the line of every place in it; StudyFaults when it is none.

    Ids stay text: ``no`` is not false, and ``090`` is not 90.
    """
    raw = source.encode() if isinstance(source, str) else source
    if len(raw) > MAX_BYTES:
        raise StudyFaults([Catalogue.TOO_LARGE.at("file", size=len(raw), limit=MAX_BYTES)])
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise StudyFaults([Catalogue.NOT_TEXT.at("file")]) from None
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        lines: dict[Place, int] = {}
        repeated: list[Fault] = []
        if node is not None:
            _note_lines(node, (), lines, repeated)
        if repeated:
            raise StudyFaults(repeated)
        data = loader.construct_document(node) if node is not None else None
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        if isinstance(error, StudyFaults):
            raise
        mark = getattr(error, "problem_mark", None)
        why = str(getattr(error, "problem", None) or error or type(error).__name__)[:200]
        line = mark.line + 1 if mark else 0
        raise StudyFaults([Catalogue.UNREADABLE.at("file", why=why, line=line)]) from None
    if not isinstance(data, dict):
        what = "empty" if data is None else f"a {type(data).__name__}"
        raise StudyFaults([Catalogue.NOT_MAPPING.at("file", what=what)])
    return data, lines


def _note_lines(node: Any, place: Place, lines: dict[Place, int], repeated: list[Fault]) -> None:
    lines[place] = node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            name = str(key.value)
            if name in seen:
                path = _dotted((*place, name))
                line = key.start_mark.line + 1
                repeated.append(Catalogue.TWICE.at(path, key=name, line=line))
            seen.add(name)
            _note_lines(value, (*place, name), lines, repeated)
            lines[(*place, name)] = key.start_mark.line + 1
    elif isinstance(node, yaml.SequenceNode):
        for n, value in enumerate(node.value):
            _note_lines(value, (*place, n), lines, repeated)


def _validate(data: dict[str, Any]) -> tuple[list[Fault], Study | None]:
    """Faults of the parts and, as far as the sound parts allow, those between them."""
    found_format = data.get("format", FORMAT)
    if found_format != FORMAT:
        return [Catalogue.FORMAT.at("format", found=found_format, known=FORMAT)], None
    try:
        study = Study.model_validate(data)
    except ValidationError as error:
        details = error.errors()
        faults = [_fault(detail, data) for detail in details]
        return faults + _faults_of_the_rest(data, details), None
    return faults_between_parts(study), study


def _faults_of_the_rest(data: dict[str, Any], details: list[ErrorDetails]) -> list[Fault]:
    """Cross-checks of what is left when the unsound parts are cut out, so that nothing hides.

    References to parts that were cut out are not reported: those may well be what is meant.
    """
    cut = {_enclosing_element(_plain(detail["loc"], data), data) for detail in details}
    gone: set[str] = set()
    kept_indexes: dict[Place, list[int]] = {}
    rest = _without(data, cut, (), (), gone, kept_indexes)
    try:
        study = Study.model_validate({"study": "unnamed", "title": "Unnamed"} | rest)
    except ValidationError:
        return []
    noise = {Catalogue.PAGE_CONTENT.name, Catalogue.ONE_LEVEL.name, Catalogue.IMPOSSIBLE.name}
    return [
        replace(fault, path=_original_path(fault.path, kept_indexes))
        for fault in faults_between_parts(study)
        if fault.code not in noise and not any(f"'{name}'" in fault.fact for name in gone)
    ]


def _enclosing_element(place: Place, data: Any) -> Place:
    """The innermost list element or prior that holds a place, else its top-level field."""
    if "priors" in place[:-1]:
        return place[: place.index("priors") + 2]
    for depth in range(len(place), 0, -1):
        if isinstance(place[depth - 1], int):
            return place[:depth]
    return place[:1]


def _without(
    data: Any,
    cut: set[Place],
    old: Place,
    new: Place,
    gone: set[str],
    kept_indexes: dict[Place, list[int]],
) -> Any:
    if isinstance(data, dict):
        return {
            key: _without(value, cut, (*old, key), (*new, key), gone, kept_indexes)
            for key, value in data.items()
            if (*old, key) not in cut
        }
    if isinstance(data, list):
        kept = [n for n in range(len(data)) if (*old, n) not in cut]
        kept_indexes[new] = kept
        lost = [element for n, element in enumerate(data) if n not in kept]
        gone.update(str(part["id"]) for part in lost if isinstance(part, dict) and "id" in part)
        return [
            _without(data[n], cut, (*old, n), (*new, place), gone, kept_indexes)
            for place, n in enumerate(kept)
        ]
    return data


def _original_path(path: str, kept_indexes: dict[Place, list[int]]) -> str:
    place = _place(path)
    original: list[str | int] = []
    for n, step in enumerate(place):
        kept = kept_indexes.get(place[:n], [])
        original.append(kept[step] if isinstance(step, int) and step < len(kept) else step)
    return _dotted(tuple(original))


def _fault(detail: ErrorDetails, data: dict[str, Any]) -> Fault:
    place = _plain(detail["loc"], data)
    path = _dotted(place)
    last = str(place[-1]) if place else "file"
    if detail["type"] == "missing":
        return Catalogue.MISSING.at(_dotted(place[:-1]) or "file", field=last)
    if detail["type"] == "extra_forbidden":
        return Catalogue.UNKNOWN_FIELD.at(path, field=last, hint=_field_hint(place, data, last))
    what, hint = _described(detail)
    return Catalogue.WRONG_VALUE.at(path, what=what, hint=hint)


def _described(detail: ErrorDetails) -> tuple[str, str]:
    context = detail.get("ctx", {})
    given = repr(detail["input"])[:60]
    match detail["type"]:
        case "union_tag_invalid":
            return f"'{context['tag']}' is no kind", f"Use one of: {context['expected_tags']}"
        case "union_tag_not_found":
            return "'kind' is missing", "Add 'kind'"
        case "literal_error":
            return f"{given} is not accepted", f"Use {context['expected']}"
        case "string_pattern_mismatch" if r"[a-z]" in str(context.get("pattern", ""))[:6]:
            return (
                f"{given} is not an id",
                "Use lower-case letters, digits and underscores, starting with a letter",
            )
        case "string_pattern_mismatch":
            return f"{given} does not fit", f"It must match {context['pattern']}"
        case _:
            return f"{given}: {detail['msg'].lower()}", "Mend the value"


def _field_hint(place: Place, data: dict[str, Any], last: str) -> str:
    known = sorted(_fields_at(place[:-1], data))
    near = difflib.get_close_matches(last, known, n=1)
    if near:
        return f"Did you mean '{near[0]}'?"
    return f"Remove it; fields here: {', '.join(known)}" if known else "Remove it"


def _fields_at(place: Place, data: dict[str, Any]) -> set[str]:
    """Names of the fields allowed at a place, found in the schema."""
    schema = study_schema()
    node: dict[str, Any] = schema
    value: Any = data
    for step in place:
        value = value[step]
        node = _follow(node, step, schema, value)
    return set(_resolve(node, schema, value).get("properties", {}))


def _follow(node: dict[str, Any], step: str | int, schema: Any, value: Any) -> dict[str, Any]:
    node = _resolve(node, schema, value)
    if isinstance(step, int):
        found = node.get("items", {})
    else:
        by_pattern = next(iter(node.get("patternProperties", {}).values()), None)
        found = node.get("properties", {}).get(step) or by_pattern
        found = found or node.get("additionalProperties", {})
    return _resolve(found if isinstance(found, dict) else {}, schema, value)


def _resolve(node: dict[str, Any], schema: Any, value: Any) -> dict[str, Any]:
    while "$ref" in node:
        node = schema["$defs"][node["$ref"].rsplit("/", 1)[1]]
    kind = value.get("kind") if isinstance(value, dict) else None
    options = node.get("oneOf") or node.get("anyOf") or ()
    known = [_resolve(option, schema, None) for option in options]
    if isinstance(value, dict) and "pages" in value:
        known = [one for one in known if "pages" in one.get("properties", {})] or known
    for resolved in known:
        const = resolved.get("properties", {}).get("kind", {}).get("const")
        if (const is not None and const == (kind or "choice")) or (
            const is None and resolved.get("type") in ("object", "array")
        ):
            return resolved
    return node


def _plain(location: tuple[int | str, ...], data: Any) -> Place:
    """A pydantic location without the union tags that are no keys of the file."""
    place: list[str | int] = []
    here = data
    for n, step in enumerate(location):
        inside = step in here if isinstance(here, dict) else _is_index(here, step)
        if inside:
            place.append(step)
            here = here[step]
        elif n == len(location) - 1 and isinstance(here, dict) and str(step).isidentifier():
            place.append(step)
    return tuple(place)


def _is_index(here: Any, step: int | str) -> bool:
    return isinstance(here, list | tuple) and isinstance(step, int) and step < len(here)


def _place(path: str) -> Place:
    steps = re.findall(r"\[([0-9]+)\]|([^.\[\]]+)", path)
    return tuple(int(number) if number else name for number, name in steps)


def _dotted(place: Place) -> str:
    dotted = ""
    for step in place:
        dotted += f"[{step}]" if isinstance(step, int) else f".{step}"
    return dotted.lstrip(".")


def _with_line(fault: Fault, lines: dict[Place, int]) -> Fault:
    if fault.line:
        return fault
    place = _place(fault.path)
    while place and place not in lines:
        place = place[:-1]
    return replace(fault, line=lines.get(place, 1))
