"""Study files: every fault at once with its place, and the traps of YAML."""

import copy
import json
import random
from pathlib import Path

import pytest
import yaml

from analysis.study import (
    Catalogue,
    StudyFaults,
    dump_study,
    faults_before_publication,
    language_warnings,
    parse_study,
    read_study,
)
from analysis.study.load import MAX_BYTES
from tests import builders

EXAMPLES = Path(__file__).parents[3] / "examples"
PASTRY = (EXAMPLES / "pastry/study.yaml").read_text()


def faults(text):
    with pytest.raises(StudyFaults) as caught:
        parse_study(text)
    return caught.value.faults


def codes(text):
    return {fault.code for fault in faults(text)}


def only(text):
    found = faults(text)
    assert len(found) == 1, found
    return found[0]


def question(body):
    lines = "\n".join(f"      {line}" for line in body.strip().splitlines())
    return f"study: s\ntitle: T\npages:\n  - id: p\n    questions:\n{lines}\n"


def test_all_faults_at_once_with_line_path_fact_and_mend():
    text = """study: Bad Name
title: T
pages:
  - id: p
    exercise: nowhere
  - id: p
    questions:
      - {id: q, kind: singel_choice, text: T}
colour: red
"""
    found = faults(text)
    assert [(f.line, f.path, f.code) for f in found] == [
        (1, "study", "WRONG_VALUE"),
        (5, "pages[0].exercise", "UNKNOWN_REFERENCE"),
        (6, "pages[1]", "DUPLICATE_ID"),
        (8, "pages[1].questions[0]", "WRONG_VALUE"),
        (9, "colour", "UNKNOWN_FIELD"),
    ]
    assert all(f.fact and f.mend for f in found)
    assert "line 9, colour: 'colour' is not a field here." in str(StudyFaults(list(found)))


def test_references_to_a_part_that_is_itself_unsound_are_not_reported():
    text = """study: s
title: T
pages:
  - {id: p, exercise: e}
exercises:
  - {id: e, question: Q, attributes: []}
"""
    assert {f.path for f in faults(text)} == {"exercises[0].attributes"}


def test_a_misspelt_field_names_the_nearest():
    found = only(question("- {id: q, kind: nps, text: T, requird: true}"))
    assert found.mend == "Did you mean 'required'?."[:-1]
    assert found.path == "pages[0].questions[0].requird"


@pytest.mark.parametrize("words", ["yes", "no", "on", "off", "Yes", "NO", "y", "n"])
def test_words_that_yaml_takes_for_truth_are_ids(words):
    text = question(
        f"- {{id: q, kind: single_choice, text: T, options: "
        f"[{{id: {words}, label: A}}, {{id: b, label: B}}]}}"
    )
    assert parse_study(text).question("q").options[0].id == words


@pytest.mark.parametrize("number", ["010", "1_000", "0x1F", "1:30", "+5", "007"])
def test_numbers_stay_what_they_look_like(number):
    """YAML 1.1 reads 010 as 8, 1:30 as 90 and 0x1F as 31."""
    option = f"[{{id: {number!r}, label: {number}}}, {{id: b, label: B}}]"
    text = question(f"- {{id: q, kind: single_choice, text: T, options: {option}}}")
    if not set(number) & {":"}:
        assert parse_study(text).question("q").options[0].label.say() == number
    unquoted = yaml.safe_load(f"[{number}]")[0]
    assert str(unquoted) != number


def test_bare_numbers_are_levels():
    text = """study: s
title: T
exercises:
  - id: e
    question: Q
    attributes: [{id: a, label: A, coding: linear, levels: [0, 1.50, 20]}]
"""
    levels = parse_study(text).choice_exercise().attributes[0].levels
    assert [(lv.id, lv.number) for lv in levels] == [("0", 0.0), ("1.5", 1.5), ("20", 20.0)]


@pytest.mark.parametrize("value", ["nan", "inf", ".nan", "-.inf", "1e999"])
def test_numbers_are_finite(value):
    text = f"""study: s
title: T
exercises:
  - id: e
    question: Q
    attributes:
      - {{id: a, label: A, coding: linear, levels: [1, {{id: x, label: X, number: {value}}}]}}
"""
    assert any(f.path.startswith("exercises[0].attributes[0].levels[1]") for f in faults(text))


def test_dates_stay_text_until_a_date_is_wanted():
    text = "study: s\ntitle: 2026-08-31\nwaves: [{id: 2026-08, label: A, starts: 2026-08-31}]\n"
    study = parse_study(text)
    assert study.title.say() == "2026-08-31"
    assert study.waves[0].starts.isoformat() == "2026-08-31"


def test_anchors_and_aliases_are_refused_at_their_line():
    found = only("study: s\ntitle: &t T\nintroduction: *t\n")
    assert (found.code, found.line) == ("ALIAS", 3)


def test_a_bomb_of_aliases_is_refused_at_once():
    lines = ["a0: &a0 [x, x]"] + [f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 40)]
    assert codes("\n".join(lines)) == {"ALIAS"}


def test_all_repeated_keys_are_named():
    found = faults("study: s\ntitle: T\ntitle: U\npages:\n  - {id: p, id: q, text: A}\n")
    assert [(f.code, f.line, f.path) for f in found] == [
        ("TWICE", 3, "title"),
        ("TWICE", 5, "pages[0].id"),
    ]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "NOT_MAPPING"),
        ("- a\n- b\n", "NOT_MAPPING"),
        ("just words", "NOT_MAPPING"),
        ("study: [unclosed", "UNREADABLE"),
        ("study: s\n\ttitle: T", "UNREADABLE"),
        ("study: !!python/object:os.system x\ntitle: T", "UNREADABLE"),
        ("study: s\n---\nstudy: t\n", "UNREADABLE"),
        ("? [a, b]\n: c\n", "UNREADABLE"),
        ("[" * 5000, "UNREADABLE"),
        (b"study: \xff\xfe", "NOT_TEXT"),
        (b"x" * (MAX_BYTES + 1), "TOO_LARGE"),
        ("format: 2\nstudy: s\ntitle: T\n", "FORMAT"),
    ],
)
def test_what_is_no_study_says_so(text, code):
    assert codes(text) == {code}


def test_a_byte_order_mark_and_json_are_read():
    assert parse_study(b"\xef\xbb\xbfstudy: s\ntitle: T\n").study == "s"
    assert parse_study(json.dumps({"study": "s", "title": "T"})).study == "s"


def test_conditions_are_checked_against_what_is_asked_before():
    text = """study: s
title: T
constructs: [{id: c, label: C, facet: satisfaction}]
pages:
  - id: first
    show_if: later >= 3
    questions:
      - {id: one, kind: single_choice, text: T, options: [{id: a, label: A}, {id: b, label: B}]}
  - id: second
    show_if: one == "c"
    questions:
      - {id: later, kind: nps, text: T, show_if: gone > 1}
      - {id: more, kind: nps, text: T, show_if: mean(nothing) > 1}
      - {id: odd, kind: nps, text: T, show_if: one ===}
      - {id: who, kind: nps, text: T, show_if: respondent.age > 3}
"""
    found = {f.path: f.code for f in faults(text)}
    assert found == {
        "pages[0].show_if": "LATER_REFERENCE",
        "pages[1].show_if": "UNKNOWN_VALUE",
        "pages[1].questions[0].show_if": "UNKNOWN_REFERENCE",
        "pages[1].questions[1].show_if": "UNKNOWN_REFERENCE",
        "pages[1].questions[2].show_if": "EXPRESSION",
        "pages[1].questions[3].show_if": "UNKNOWN_REFERENCE",
    }


@pytest.mark.parametrize(
    ("condition", "code"),
    [
        ('one == "a"', None),
        ("one == 1", "TEXT_AS_NUMBER"),
        ('number > "3"', "NUMBER_AS_TEXT"),
        ("number > 3", None),
        ('"a" in many', None),
        ('many == "a"', "SEVERAL_ANSWERS"),
        ('"z" in many', "UNKNOWN_VALUE"),
    ],
)
def test_conditions_that_could_never_hold_are_faults(condition, code):
    options = "[{id: a, label: A}, {id: b, label: B}]"
    text = f"""
study: shop
title: Shop
pages:
  - id: first
    questions:
      - {{id: one, kind: single_choice, text: T, options: {options}}}
      - {{id: many, kind: multiple_choice, text: T, options: {options}}}
      - {{id: number, kind: nps, text: T}}
  - id: second
    show_if: '{condition}'
    text: Hello
"""
    found = faults(text) if code else parse_study(text)
    assert not code or [f.code for f in found] == [code]


def test_exercises_are_checked():
    text = """study: s
title: T
exercises:
  - id: e
    question: Q
    attributes:
      - {id: a, label: A, levels: [1]}
      - {id: p, label: P, tag: price, coding: linear, levels: [{id: x, label: X}, 2]}
      - {id: r, label: R, tag: price, coding: linear, range: {least: 3, greatest: 1}}
      - {id: d, label: D, levels: [1, 1]}
      - {id: chosen, label: C, levels: [1, 2]}
    prohibitions: [{a: 1}, {a: 9, p: x}, {z: 1, p: x}]
"""
    assert codes(text) == {
        "RESERVED_ID",
        "ONE_LEVEL",
        "NO_NUMBER",
        "RANGE_ORDER",
        "TWO_PRICES",
        "DUPLICATE_ID",
        "PROHIBITION",
        "UNKNOWN_REFERENCE",
    }


def test_before_publication_consent_and_targets_are_wanted():
    text = question("- {id: q, kind: nps, text: T}")
    missing = faults_before_publication(parse_study(text))
    assert [f.code for f in missing] == [Catalogue.NO_CONSENT.name]
    assert faults_before_publication(parse_study(PASTRY)) == []


@pytest.mark.parametrize("path", sorted(EXAMPLES.rglob("study.yaml")), ids=lambda p: p.parent.name)
def test_a_study_survives_its_canonical_form(path):
    study = read_study(path)
    stored = dump_study(study)
    assert parse_study(stored) == study
    assert dump_study(parse_study(stored)) == stored


def test_a_prior_belongs_to_hierarchical_bayes():
    with_prior = PASTRY.replace("  estimator: hb\n", "  estimator: hb\n  prior: bayesm\n")
    assert parse_study(with_prior).analysis.prior == "bayesm"
    fault = only(with_prior.replace("estimator: hb", "estimator: mnl"))
    assert (fault.path, fault.code) == ("analysis.prior", "PRIOR_WITHOUT_HB")


PUBLISHED = Path(__file__).with_name("published-format-1.json")


def test_published_studies_of_format_1_stay_readable():
    """The file is what a version published in format 1 stores; it must be read for good."""
    study = parse_study(PUBLISHED.read_bytes())
    assert study.study == "pastry"
    assert study.question("recommend").kind == "nps"
    exercise = study.choice_exercise("bun")
    assert [lv.number for lv in exercise.attribute("price").levels] == [0.9, 1.05, 1.2, 1.35]
    assert (exercise.tasks, exercise.holdouts, exercise.design.seed) == (10, 2, 11)
    assert study.page("better").show_if == "recommend <= 6"
    assert dump_study(study) == PUBLISHED.read_text().rstrip("\n")


def places(part, place=()):
    if place:
        yield place
    if isinstance(part, dict | list):
        pairs = part.items() if isinstance(part, dict) else enumerate(part)
        for key, value in pairs:
            yield from places(value, (*place, key))


ODD = (None, 1, 0.5, "", "x", [], {}, [1], {"a": 1}, True, {1: 2}, {"kind": []}, {"a[b].c": 1})


@pytest.mark.parametrize("seed", range(4))
def test_whatever_is_wrong_it_is_said_as_faults(seed):
    """Three random damages each: only StudyFaults, each fault with a place and a mend."""
    chance = random.Random(seed)
    whole = yaml.safe_load(PASTRY)
    everywhere = list(places(whole))
    refused = 0
    for _ in range(60):
        damaged = copy.deepcopy(whole)
        for place in chance.sample(everywhere, 3):
            here = damaged
            try:
                for step in place[:-1]:
                    here = here[step]
                here[place[-1]] = chance.choice(ODD)
            except (KeyError, IndexError, TypeError):
                continue
        try:
            parse_study(yaml.safe_dump(damaged))
        except StudyFaults as caught:
            refused += 1
            assert all(f.path and f.fact and f.mend and f.line for f in caught.faults)
    assert refused > 40


def test_texts_hold_no_null_character():
    found = faults('study: s\ntitle: "a\\0b"\npages:\n  - {id: p, text: Hello}\n')
    assert {fault.path for fault in found} == {"title"}


TASKS = """study: s
title: T
exercises:
  - {id: m, kind: best_worst, question: Q, set_size: 4, items: [%s]}
  - id: r
    kind: ratings
    question: Q
    least: 5
    greatest: 5
    attributes:
      - {id: rating, label: L, levels: [1, 2]}
  - id: c
    question: Q
    alternative_order: random
    none: {response: dual}
    attributes:
      - {id: bought, label: L, levels: [1, 2]}
      - {id: position, label: L, levels: [1, 2]}
"""


def test_exercises_other_than_choices_are_checked_as_well():
    items = ", ".join(f"{{id: {name}, label: L}}" for name in ("a", "b", "a"))
    found = {(f.path, f.code) for f in faults(TASKS % items)}
    assert found == {
        ("exercises[0].items[2]", "DUPLICATE_ID"),
        ("exercises[1].least", "RANGE_ORDER"),
        ("exercises[1].attributes[0].id", "RESERVED_ID"),
        ("exercises[2].attributes[0].id", "RESERVED_ID"),
        ("exercises[2].attributes[1].id", "RESERVED_ID"),
    }


def test_a_set_larger_than_the_items_is_told_before_publication_only():
    items = ", ".join(f"{{id: {name}, label: L}}" for name in "abc")
    study = parse_study(TASKS.partition("  - id: r")[0] % items)
    found = [f for f in faults_before_publication(study) if f.code == "NOT_FIELDABLE"]
    assert [f.path for f in found] == ["exercises[0]"] and "4 out of 3" in found[0].fact


def test_names_of_columns_that_an_exercise_does_not_have_stay_free():
    text = TASKS.replace("alternative_order: random", "alternatives: 2").replace(
        "{response: dual}", "{response: single}"
    )
    items = ", ".join(f"{{id: {name}, label: L}}" for name in "abcd")
    assert [f.path for f in faults(text % items)] == [
        "exercises[1].least",
        "exercises[1].attributes[0].id",
    ]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("- {id: q, kind: slider, text: T, least: 5, greatest: 5, low_label: L, high_label: H}",
         "RANGE_ORDER"),
        ("- {id: q, kind: ranking, text: T, most: 3, options: [{id: a, label: A}, "
         "{id: b, label: B}]}", Catalogue.IMPOSSIBLE.name),
        ("- {id: q, kind: semantic_differential, text: T, items: [{id: a, left: L, right: R, "
         "measures: nothing}]}", "UNKNOWN_REFERENCE"),
        ("- {id: q, kind: constant_sum, text: T, options: [{id: a, label: A}, "
         "{id: a, label: B}]}", "DUPLICATE_ID"),
    ],
)  # fmt: skip
def test_the_newer_question_kinds_are_checked(body, code):
    assert only(question(body)).code == code


def test_parts_of_a_ranking_and_a_constant_sum_can_be_asked_about():
    pages = """study: s
title: T
pages:
  - id: p
    questions:
      - {id: order, kind: ranking, text: T, options: [{id: a, label: A}, {id: b, label: B}]}
      - {id: money, kind: constant_sum, text: T, options: [{id: a, label: A}, {id: b, label: B}]}
  - {id: n, text: Hello, show_if: %s}
"""
    parse_study(pages % "order.a == 1 and money.b > 50")
    assert only(pages % "order == 1").code == "UNKNOWN_REFERENCE"
    assert only(pages % "order.c == 1").code == "UNKNOWN_REFERENCE"


def test_missing_translations_are_warnings_with_their_place():
    """The default language stands in, so the study can be fielded; respondents would notice."""
    source = (
        "study: s\ntitle: {en: T, de: T}\nlanguages: [en, de, it]\n"
        "introduction: Hello\nsponsor: '42'\n"
        "ends:\n  complete: {en: Done, fr: Fini}\n"
    )
    parse_study(source)
    found = [(w.code, w.path, w.line) for w in language_warnings(source)]
    assert found == [
        ("OWN_WORDS", "languages", 3),
        ("LANGUAGE", "title", 2),
        ("LANGUAGE", "introduction", 4),
        ("LANGUAGE", "ends.complete", 7),
        ("OTHER_LANGUAGE", "ends.complete", 7),
    ]
    assert "de, it" in language_warnings(source)[2].fact


def test_a_text_without_the_default_language_is_a_fault():
    with pytest.raises(StudyFaults, match="missing in the default language"):
        parse_study("study: s\ntitle: {de: T}\nlanguages: [en, de]\n")


def test_a_text_speaks_the_default_language_where_none_is_asked_for_also_when_published():
    source = """
study: greetings
languages: [en, de]
title: {de: Hallo, en: Hello}
pages:
  - {id: one, questions: [{id: what, kind: short_text, text: {de: Was, en: What}}]}
"""
    drafted = parse_study(source)
    published = parse_study(dump_study(drafted))
    for study in (drafted, published):
        assert study.title.say() == "Hello"
        assert study.question("what").text.say() == "What"
    assert drafted == published


def test_products_of_the_plan_have_levels_of_the_exercise():
    bun = "{pineapple: none, look: plain, freshness: morning, packaging: bag}"
    plan = builders.pastry_without_products()
    both = f"  products:\n    - {{product: BUN, levels: {bun}}}\n"
    cream = bun.replace("none", "cream").replace("bag", "bag, price: 1.1")
    right = plan + both + f"    - {{product: 4711, levels: {cream}}}\n".replace("4711", "'4711'")
    assert [sold.product for sold in parse_study(right).analysis.products] == ["BUN", "4711"]
    assert {f.path for f in faults(plan + both)} == {"analysis.products"}
    wrong = "{pineapple: lots, colour: red, look: plain, packaging: bag, price: 3}"
    found = faults(right + f"    - {{product: BUN, levels: {wrong}}}\n")
    place = "analysis.products[2]"
    assert sorted(f.path for f in found) == [
        f"{place}.levels",  # no freshness
        f"{place}.levels",  # there is no colour
        f"{place}.levels.pineapple",
        f"{place}.levels.price",  # beyond the tested
        f"{place}.product",  # stands twice
    ]
    assert all(f.line for f in found)
