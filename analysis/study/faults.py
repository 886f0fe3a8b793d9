"""Faults in a study file: each with its place, the fact, and how to mend it.

The catalogue is the only place where messages are written; tests assert through it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with an input file.

    ``path`` is the dotted place (``pages[2].questions[0].kind``), ``line`` the line of the
    file where that place starts (0 when unknown).
    """

    code: str
    path: str
    fact: str
    mend: str
    line: int = 0

    def __str__(self) -> str:
        place = f"line {self.line}, {self.path}" if self.line else self.path
        return f"{place}: {self.fact}. {self.mend}."


class StudyFaults(ValueError):
    """All faults of one study file, raised together."""

    def __init__(self, faults: list[Fault]) -> None:
        self.faults = tuple(sorted(faults, key=lambda f: (f.line, f.path)))
        count = len(self.faults)
        heading = f"{count} fault{'s' if count != 1 else ''} in the study file"
        super().__init__("\n".join([heading, *(f"- {fault}" for fault in self.faults)]))


class Catalogue(Enum):
    """Every message about a study: (fact, mend), filled in by ``at``."""

    UNREADABLE = (
        "the file cannot be read as YAML ({why})",
        "Mend the file at that line; inside {{...}} and [...], put texts with signs in quotes",
    )
    TOO_LARGE = ("the file has {size:,} bytes", "Keep a study file under {limit:,} bytes")
    NOT_TEXT = ("the file is not UTF-8 text", "Save it as UTF-8")
    ALIAS = ("YAML anchors and aliases are not accepted", "Write the part out where it is used")
    TWICE = ("the key '{key}' stands twice", "Keep one of them")
    NOT_MAPPING = ("a study is a mapping of keys, this is {what}", "Start with 'study: my_study'")
    FORMAT = (
        "this file has format {found}, which this program does not read",
        "Use format {known}, or a newer program",
    )
    MISSING = ("'{field}' is missing", "Add '{field}'")
    UNKNOWN_FIELD = ("'{field}' is not a field here", "{hint}")
    WRONG_VALUE = ("{what}", "{hint}")
    MAIL = ("{what}", "{hint}")
    DUPLICATE_ID = ("the id '{id}' is used twice (first at {first})", "Give each its own id")
    RESERVED_ID = ("the id '{id}' is a reserved word", "Choose another id, such as '{id}_'")
    UNKNOWN_REFERENCE = ("there is no {noun} '{name}'", "Use one of: {known}")
    UNUSED_EXERCISE = ("the exercise '{name}' is on no page", "Add a page 'exercise: {name}'")
    EXERCISE_TWICE = ("the exercise '{name}' is on more than one page", "Keep one page for it")
    PAGE_CONTENT = ("a page holds either questions or an exercise", "{hint}")
    LATER_REFERENCE = (
        "this uses '{name}', which is not surely asked before this place{via}",
        "Move the question before this place and out of any block of random order that holds both, "
        "or change what uses it",
    )
    EXPRESSION = ("the expression cannot be understood: {why}", "{hint}")
    MISFIT = ("in the expression, {what}", "See 'Expressions' in docs/study-definition.md")
    WRONG_KIND = ("the expression gives {found}, not {wanted}", "Compare it, or convert it")
    LOOPED_NAME = (
        "'{name}' is asked once for each entry of a loop, so it has no value of its own here",
        "Name one of: {known}; or put it into sum(), min(), max() or known()",
    )
    CYCLE = ("the computed variables go round in a circle: {names}", "Break the circle")
    BACKWARD_SKIP = (
        "the skip leads to '{name}', which does not come after this page",
        "Skip to a later page or block; use 'show_if' to ask less",
    )
    SKIP_INTO = (
        "the skip leads to '{name}' inside a block whose pages vary from person to person",
        "Skip to the whole block, or to a page after it",
    )
    UNREACHABLE = (
        "nobody reaches the page '{name}', because everybody is led past it after '{by}'",
        "Give that skip a condition ('if'), or remove the page",
    )
    IDLE_CHECK = (
        "the check uses no answer of its own page, so the respondent cannot mend it there",
        "Put it on the page that asks, or use 'screen_out_if'",
    )
    PIPE = (
        "the place '{place}' in the text cannot be understood",
        "Write ${{id}} or ${{id|text when unanswered}}; a plain ${{ is written $${{",
    )
    PIPE_HERE = (
        "no answer can stand in this text ('{place}')",
        "Use such places in texts of pages, questions, checks and ends, or write $${{",
    )
    CONSTANT = (
        "the condition is {value} for everybody",
        "Let it name what it depends on, or leave it out",
    )
    UNKNOWN_VALUE = (
        "'{value}' is not an answer of '{name}'",
        "Use one of: {known}",
    )
    NUMBER_AS_TEXT = (
        "the expression compares the number '{name}' with the text '{value}'",
        "Write the number without quotes",
    )
    TEXT_AS_NUMBER = (
        "the expression compares '{name}', whose answers are texts, with {value}",
        "Put the value in quotes",
    )
    SEVERAL_ANSWERS = (
        "'{name}' may have several answers, so it is never equal to '{value}'",
        "Write: '{value}' in {name}",
    )
    NO_NUMBER = (
        "level '{level}' of the attribute '{attribute}' has no number, which its coding needs",
        "Add 'number:' to the level, or use 'coding: effects'",
    )
    ONE_LEVEL = (
        "attribute '{attribute}' has {n} level(s)",
        "An attribute needs at least two levels, or a 'range' when it is linear",
    )
    LEVELS_AND_RANGE = (
        "attribute '{attribute}' has both levels and a range",
        "Keep 'levels' for a study to be fielded, 'range' for imported choices only",
    )
    RANGE_NOT_LINEAR = (
        "attribute '{attribute}' has a range but is neither linear nor piecewise",
        "Add 'coding: linear', or list its levels",
    )
    RANGE_ORDER = ("the least value {low} is not below the greatest {high}", "Swap or mend them")
    TWO_PRICES = ("{n} attributes are tagged as price", "Tag one attribute as price")
    NOT_FIELDABLE = ("{what} cannot be fielded by this version", "{hint}")
    LANGUAGE = (
        "the text is missing in: {languages}",
        "Add the missing languages, or drop them from 'languages'",
    )
    NO_DEFAULT_TEXT = (
        "the text is missing in the default language ({language})",
        "Add it: it stands in wherever a translation is missing",
    )
    OTHER_LANGUAGE = (
        "the text is in '{languages}', which the study does not offer",
        "Add the language to 'languages', or drop the text",
    )
    OWN_WORDS = (
        "the app's own words (buttons, errors) are not translated into '{language}'",
        "Respondents read them in English there; translated are: {known}",
    )
    NOT_ALL_NUMBERS = (
        "levels of the attribute '{attribute}' are shown as numbers, but '{level}' has none",
        "Add 'number:' to the level, or drop 'shown_as'",
    )
    NO_ITEMS = (
        "no item measures '{construct}' as perceived, so its score cannot be made",
        "Let an item say 'measures: {construct}', or take the construct out of the score",
    )
    PRIOR_WITHOUT_HB = (
        "the estimator '{estimator}' has no prior",
        "Write 'estimator: hb', or leave 'prior' out",
    )
    NO_IMAGE = (
        "the image '{name}' is not stored with the study",
        "Upload it on the study's page, or put it into the folder 'images' beside the study file "
        "and add the file again",
    )
    NO_TARGETS = (
        "the study states no targets for its exercise",
        "Add 'analysis.targets' with 'willingness_to_pay_half_width' or 'smallest_difference'",
    )
    NO_RESPONDENTS = (
        "the study does not say how many respondents it plans",
        "Add 'respondents' to 'analysis.targets': how many will complete it",
    )
    NO_CONSENT = (
        "no question asks for consent to take part",
        "Add a question of kind 'consent' with 'purpose: participation' on the first page",
    )
    CONSENT_LATE = (
        "consent to take part is asked after other questions",
        "Put it on the first page that has questions",
    )
    SCALE_SHORT = ("a scale has {n} point(s)", "Give between 2 and 11 points")
    BANDS = ("the score bands leave a gap or overlap at {at}", "Let each band start where one ends")
    PROHIBITION = ("a prohibition names one attribute", "Name at least two attributes")
    NO_ATTENTION = ("'{name}' cannot be an attention item: {why}", "{hint}")
    NOT_REPEATED = (
        "'{first}' and '{second}' cannot be compared as the same item asked twice: {why}",
        "Name two rated items of the same number of points",
    )
    NOTHING_EQUIVALENT = (
        "there is no question or exercise '{name}' to declare equivalent",
        "Use one of: {known}",
    )
    PRIOR = ("the prior does not fit: {what}", "{hint}")
    IMPOSSIBLE = ("{what}", "{hint}")

    def at(self, path: str, *, line: int = 0, **facts: object) -> Fault:
        """Return the fault at a place, its message filled in."""
        fact, mend = self.value
        return Fault(self.name, path, fact.format(**facts), mend.format(**facts), line)
