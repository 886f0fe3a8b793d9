"""Which texts of a study are missing in which of its languages."""

from __future__ import annotations

from collections.abc import Iterator

from analysis.study.faults import Catalogue, Fault
from analysis.study.texts import SHIPPED, base_of, given_texts
from analysis.study.types import Study


def default_texts(study: Study) -> Iterator[Fault]:
    """Every text is there at least in the default language."""
    for path, text in given_texts(study, ""):
        if text.missing(study.languages[:1]) and isinstance(text.root, dict):
            yield Catalogue.NO_DEFAULT_TEXT.at(path, language=study.default_language)


def warnings_about_languages(study: Study) -> list[Fault]:
    """What is not translated, or translated in vain: no fault, but respondents will notice."""
    found: list[Fault] = []
    for language in study.languages:
        if base_of(language) not in SHIPPED:
            known = ", ".join(SHIPPED)
            found.append(Catalogue.OWN_WORDS.at("languages", language=language, known=known))
    for path, text in given_texts(study, ""):
        missing = text.missing(study.languages)
        if missing and any(sign.isalpha() for sign in text.say()):
            found.append(Catalogue.LANGUAGE.at(path, languages=", ".join(missing)))
        offered = {*study.languages, *map(base_of, study.languages)}
        other = [x for x in text.root if x not in offered] if isinstance(text.root, dict) else []
        if other:
            found.append(Catalogue.OTHER_LANGUAGE.at(path, languages=", ".join(other)))
    return found
