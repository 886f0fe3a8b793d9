"""The shipped languages: complete, and numbers as people write them."""

import re

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po

from analysis.study.exercises import BestWorstExercise, NoneOption, RatingsExercise
from analysis.study.questions import Consent, Nps
from analysis.study.texts import SHIPPED, Text
from surveyapp import languages
from surveyapp.questions.typed import Unclear, any_number, whole_number, written
from tests.builders import ROOT

FOLDER = ROOT / "surveyapp" / "translations"
TRANSLATED = [language for language in SHIPPED if language != "en"]
GAP = re.compile(r"%\(\w+\)s")


@pytest.fixture(scope="module")
def sentences():
    """The app's own sentences, as they stand in code and templates."""
    method = [("surveyapp/**.py", "python"), ("templates/**.html", "jinja2")]
    keywords = {"gettext": None, "_": None, "noted": None, "ngettext": (1, 2)}
    found = extract_from_dir(
        ROOT,
        method,
        options_map={"templates/**.html": {"silent": "false"}},
        keywords=keywords,
        directory_filter=lambda path: (
            str(path).startswith(tuple(str(ROOT / room) for room in ("surveyapp", "templates")))
            or str(path) == str(ROOT)
        ),
    )
    return {message for _, _, message, _, _ in found}


@pytest.mark.parametrize("language", TRANSLATED)
def test_every_sentence_is_translated_with_its_gaps(sentences, language):
    with (FOLDER / language / "LC_MESSAGES" / "messages.po").open("rb") as file:
        catalogue = read_po(file)
    assert len(sentences) > 100
    for message in sentences:
        entry = catalogue.get(message if isinstance(message, str) else message[0])
        assert entry is not None, f"{language}: '{message}' is missing; run 'make translations'"
        assert not entry.fuzzy, f"{language}: '{message}' is uncertain"
        forms = (entry.string,) if isinstance(entry.string, str) else entry.string
        assert all(forms), f"{language}: '{message}' is not translated"
        if isinstance(message, str):
            assert set(GAP.findall(forms[0])) == set(GAP.findall(message)), message
        else:
            assert len(forms) == catalogue.num_plurals and set(GAP.findall(forms[-1])) == set(
                GAP.findall(message[1])
            )
    known = {m if isinstance(m, str) else m[0] for m in sentences}
    left = {m.id if isinstance(m.id, str) else m.id[0] for m in catalogue if m.id} - known
    assert not left, f"{language}: no longer said: {left}"


@pytest.mark.parametrize("language", TRANSLATED)
def test_the_compiled_translations_are_those_of_the_text(language):
    folder = FOLDER / language / "LC_MESSAGES"
    with (folder / "messages.po").open("rb") as po, (folder / "messages.mo").open("rb") as mo:
        written_down, compiled = read_po(po), read_mo(mo)
    assert pairs(compiled) == pairs(written_down), "run 'make translations'"


def pairs(catalogue) -> set[tuple[tuple[str, ...], tuple[str, ...]]]:
    """Sentences with their translations, every plural form of them."""

    def forms(text):
        return (text,) if isinstance(text, str) else tuple(text)

    return {(forms(m.id), forms(m.string)) for m in catalogue if m.id}


def test_labels_that_a_study_leaves_out_are_in_every_language():
    for part in (Nps, Consent, NoneOption, RatingsExercise, BestWorstExercise):
        given = [f.default for f in part.model_fields.values() if isinstance(f.default, Text)]
        assert given and all(not text.missing(SHIPPED) for text in given)


@pytest.mark.parametrize(
    ("language", "typed", "stored"),
    [
        ("en", "1234.5", "1234.5"),
        ("de", "1234,5", "1234.5"),
        ("de", "1.234,50", "1234.50"),
        ("de", "1,5", "1.5"),
        ("de", "1.5", "1.5"),
        ("en", "0,125", "0.125"),
        ("fr", "1\u202f234,5", "1234.5"),
        ("es", "1.234.567", "1234567"),
        ("ar", "١٢٫٥", "12.5"),
        ("ar", "١٬٢٣٤٫٥", "1234.5"),
        ("de-CH", "1’234.5", "1234.5"),
        ("en", "−3", "-3"),
        ("en", "about 5", "about 5"),
        ("en", "1,2,3", "1,2,3"),
        ("en", "1.2.3.4", "1.2.3.4"),
    ],
)
def test_numbers_are_read_as_they_are_typed(language, typed, stored):
    assert any_number(typed, language=language, whole=False) == stored


@pytest.mark.parametrize(
    ("language", "typed"), [("de", "1.234"), ("en", "1,234"), ("es", "12.345")]
)
def test_what_can_be_read_in_two_ways_is_asked_again(language, typed):
    with pytest.raises(Unclear, match=re.escape(typed)):
        any_number(typed, language=language, whole=False)
    assert any_number(typed, language=language, whole=True) == re.sub(r"\D", "", typed)


def test_whole_numbers_may_be_typed_in_other_digits():
    assert whole_number("٤٢") == "42" and whole_number("4,2") == "4,2"
    assert written("1234.5", "de") == "1234,5" and written("12", "de") == "12"


def test_money_dates_and_names_follow_the_language():
    assert languages.money(1234.5, "EUR", "de") == "1.234,50\u00a0€"
    assert languages.money(0.9, "USD", "en") == "$0.90"
    assert languages.money(1500, "JPY", "fr").startswith("1\u202f500")
    assert languages.moment("2026-01-31T09:05:00.000Z", "de") == "31.01.2026, 09:05:00 UTC"
    assert languages.name_of("ar") == "العربية" and languages.direction("ar-EG") == "rtl"
