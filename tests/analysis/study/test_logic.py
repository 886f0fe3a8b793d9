"""The way through blocks, loops, skips and orders; what counts; answers in texts."""

from collections import Counter

import pytest

from analysis.study import dump_study, parse_study, read_study
from analysis.study.computed import computed_rows
from analysis.study.piping import Piped, Piping
from analysis.study.routing import Order, Way
from tests import builders

BRANDS = read_study(builders.BRANDS)
WHO = {"language": "en", "wave": "", "cell": "", "started": "2026-08-31", "seed": "7"}


def study(pages, **more):
    extra = "".join(f"{name}: {value}\n" for name, value in more.items())
    return parse_study(f"study: s\ntitle: T\n{extra}pages:\n{pages}")


def way(found, given=None, **who):
    stored = {tuple(key.partition(".")[::2]): str(v) for key, v in (given or {}).items()}
    return Way(found, stored, WHO | who)


def ids(found):
    return [step.id for step in found.steps]


def number(name, **more):
    extra = "".join(f", {key.rstrip('_')}: {value}" for key, value in more.items())
    return f"{{id: {name}, kind: number, text: T{extra}}}"


LOOP = study(f"""
  - id: known
    questions:
      - {{id: brands, kind: multiple_choice, text: B, options: [
          {{id: a, label: Alpha}}, {{id: b, label: Beta}}, {{id: c, label: Gamma}},
          {{id: none, label: None, exclusive: true}}]}}
  - id: each
    loop: {{over: brands}}
    pages:
      - id: rate
        questions: [{number("liking")}]
        skip_to: [{{page: ask, if: liking > 5}}]
      - {{id: why, show_if: 'liking < 3 and entry != "c"', questions: [{number("reason")}]}}
      - {{id: ask, questions: [{number("price", show_if="liking > 1")}]}}
  - {{id: end_page, questions: [{number("last")}]}}
""")


def chosen(*options):
    return {f"brands.{one}": int(one in options) for one in ("a", "b", "c", "none")}


def test_a_loop_asks_its_pages_for_every_chosen_option():
    assert ids(way(LOOP)) == ["known", "end_page"]
    assert ids(way(LOOP, chosen("c", "a"))) == [
        "known", "rate__a", "rate__c", "end_page"
    ]  # fmt: skip
    given = chosen("a", "c") | {"liking__a": 2, "liking__c": 2}
    assert ids(way(LOOP, given)) == [
        "known", "rate__a", "why__a", "ask__a", "rate__c", "ask__c", "end_page"
    ]  # fmt: skip


def test_a_skip_inside_a_loop_stays_within_its_entry():
    given = chosen("a", "b") | {"liking__a": 6, "liking__b": 2}
    assert ids(way(LOOP, given)) == [
        "known", "rate__a", "ask__a", "rate__b", "why__b", "ask__b", "end_page"
    ]  # fmt: skip


def test_answers_of_an_entry_that_is_not_chosen_any_more_do_not_count():
    given = chosen("a") | {"liking__a": 4, "liking__b": 1, "price__b": 3}
    found = way(LOOP, given)
    assert ("liking__b", "") not in found.asked
    assert found.seen.answer("liking__b") is None
    assert found.seen.answer("liking__a") == "4"
    assert way(LOOP, given | chosen("a", "b")).seen.answer("liking__b") == "1"


def test_looped_questions_remember_loop_question_and_entry():
    found = LOOP.looped["liking__b"]
    assert (found.loop, found.question, found.entry.id, found.own) == ("each", "liking", "b", False)
    assert found.entry.label.say() == "Beta"


def test_a_loop_over_what_is_not_chosen_takes_only_what_was_shown():
    other = study("""
  - id: first
    questions: [{id: up, kind: consent, purpose: linking, text: U}]
  - id: second
    questions:
      - {id: m, kind: multiple_choice, required: false, text: M, options: [
          {id: a, label: A}, {id: b, label: B, show_if: up == "yes"}]}
  - id: lp
    loop: {over: m, take: not_chosen}
    pages: [{id: p, questions: [{id: q, kind: number, text: Q}]}]
""")
    assert ids(way(other, {"up": "no", "m.a": 0, "m.b": 0})) == ["first", "second", "p__a"]
    assert ids(way(other, {"up": "yes", "m.a": 0, "m.b": 0}))[2:] == ["p__a", "p__b"]


def test_at_most_so_many_entries_the_first_in_the_respondents_order():
    more = LOOP.outline[1].loop.model_copy(update={"most": 2, "order": "random"})
    block = LOOP.outline[1].model_copy(update={"loop": more})
    limited = LOOP.model_copy(update={"outline": (LOOP.outline[0], block, LOOP.outline[2])})
    seen = Counter()
    for seed in range(60):
        found = way(limited, chosen("a", "b", "c"), seed=str(seed))
        rated = [step.id for step in found.steps if step.id.startswith("rate")]
        assert len(rated) == 2
        assert found.orders == [Order("entries", "each", tuple(r[-1] for r in rated))]
        seen[tuple(rated)] += 1
    assert len(seen) == 6
    one = way(limited, chosen("a", "b", "c"), seed="3")
    fewer = way(limited, chosen("a", "b"), seed="3")
    every = [part for part in one.orders[0].parts if part != "c"]
    assert [part for part in fewer.orders[0].parts if part in every][: len(every)] == every


def test_items_of_competitors_stay_out_of_the_scores_of_the_own_brand():
    own = BRANDS.items_of("quality")
    assert own == [(q, item) for q, item in own if q == "quality__ours"]
    assert len(own) == 2
    other = BRANDS.items_of("quality", entry="miller")
    assert {question for question, _ in other} == {"quality__miller"}
    assert BRANDS.items_of("quality", entry="nowhere") == []


def test_what_is_written_is_read_again():
    again = parse_study(dump_study(BRANDS))
    assert again == BRANDS
    assert dump_study(again) == dump_study(BRANDS)


RANDOM = study(
    """
  - id: start
    questions: [{id: s, kind: number, text: S}]
  - id: mixed
    page_order: random
    pages:
      - {id: one, questions: [{id: q1, kind: number, text: Q}]}
      - id: pair
        pages:
          - {id: two, questions: [{id: q2, kind: number, text: Q}]}
          - {id: three, questions: [{id: q3, kind: number, text: Q, show_if: q2 > 1}]}
      - {id: four, questions: [{id: q4, kind: number, text: Q}]}
      - {id: closing, fixed: true, questions: [{id: q5, kind: number, text: Q, show_if: q1 > 1}]}
  - id: list
    question_order: random
    questions:
      - {id: o, kind: single_choice, text: O, option_order: random, options: [
          1, 2, 3, {id: other, label: Other, fixed: true}]}
      - {id: p, kind: number, text: P}
""".replace("1, 2, 3,", " ".join(f"{{id: {n}, label: L{n}}}," for n in (1, 2, 3)))
)


def test_orders_are_random_fair_and_the_same_again():
    firsts, options = Counter(), Counter()
    for seed in range(300):
        found = way(RANDOM, {"q2": 2, "q1": 2}, seed=str(seed))
        again = way(RANDOM, {"q2": 2, "q1": 2, "o": 1}, seed=str(seed))
        assert ids(found) == ids(again)
        assert ids(found)[0] == "start" and ids(found)[-2:] == ["closing", "list"]
        assert ids(found).index("three") == ids(found).index("two") + 1
        firsts[ids(found)[1]] += 1
        (shown,) = [q for q in found.steps[-1].questions if q.id == "o"]
        assert shown.options[-1].id == "other"
        options[shown.options[0].id] += 1
        places = {(order.of, order.place) for order in found.orders}
        assert places == {("pages", "mixed"), ("questions", "list"), ("options", "o")}
    assert all(70 < count < 130 for count in [*firsts.values(), *options.values()])
    assert len(firsts) == len(options) == 3


def test_without_a_seed_everything_stands_as_in_the_file():
    found = way(RANDOM, {"q2": 2, "q1": 2}, seed="")
    assert ids(found) == ["start", "one", "two", "three", "four", "closing", "list"]


def test_some_pages_of_a_block_are_drawn():
    drawn = study("""
  - id: b
    page_order: random
    most: 2
    pages:
      - {id: x, questions: [{id: qx, kind: number, text: Q}]}
      - {id: y, questions: [{id: qy, kind: number, text: Q}]}
      - {id: z, questions: [{id: qz, kind: number, text: Q}]}
""")
    pairs = {tuple(ids(way(drawn, seed=str(seed)))) for seed in range(40)}
    assert len(pairs) == 6
    assert all(len(pair) == 2 for pair in pairs)


SKIPS = study("""
  - id: a
    questions: [{id: x, kind: number, text: X}]
    skip_to:
      - {page: end, if: x == 0}
      - {page: d, if: x == 1}
      - {page: inner, if: x == 2}
  - {id: b, questions: [{id: y, kind: number, text: Y}]}
  - id: inner
    show_if: x != 3
    pages:
      - {id: c, questions: [{id: z, kind: number, text: Z}]}
      - {id: d, show_if: not answered(y), questions: [{id: w, kind: number, text: W}]}
  - {id: e, questions: [{id: v, kind: number, text: V}]}
""")


@pytest.mark.parametrize(
    ("x", "steps"),
    [
        ("0", "a"),
        ("1", "a d e"),
        ("2", "a c d e"),
        ("3", "a b e"),
        ("4", "a b c d e"),
        (None, "a b d e"),
    ],
)
def test_skips_lead_on_at_the_first_that_holds(x, steps):
    given = {"x": x} if x else {}
    expected = steps.split() if x else ["a", "b", "e"]
    assert ids(way(SKIPS, given)) == expected


def test_answers_that_were_skipped_over_do_not_count():
    assert ids(way(SKIPS, {"x": 1, "y": 5})) == ["a", "d", "e"]
    assert ids(way(SKIPS, {"x": 4, "y": 5})) == ["a", "b", "c", "e"]


OPTIONS = study("""
  - id: first
    questions:
      - {id: m, kind: multiple_choice, text: M, options: [
          {id: a, label: A}, {id: b, label: B}, {id: c, label: C}]}
  - id: second
    questions:
      - {id: best, kind: single_choice, text: B, options: [
          {id: a, label: A, show_if: '"a" in m'}, {id: b, label: B, show_if: '"b" in m'}]}
      - {id: again, kind: multiple_choice, least: 2, text: B, options: [
          {id: a, label: A, show_if: '"a" in m'},
          {id: b, label: B, show_if: '"b" in m'}, {id: z, label: Z}]}
      - {id: order, kind: ranking, text: R, options: [
          {id: a, label: A, show_if: '"a" in m'}, {id: b, label: B}, {id: c, label: C}]}
      - {id: grid, kind: semantic_differential, text: G, items: [
          {id: a, left: L, right: R, show_if: '"a" in m'},
          {id: b, left: L, right: R, show_if: '"b" in m'}]}
""")


def test_options_and_rows_are_shown_by_their_conditions():
    (_, second) = way(OPTIONS, {"m.a": 1, "m.b": 0, "m.c": 1}).steps
    shown = {q.id: q.storable() for q in second.questions}
    assert shown == {"best": ("",), "again": ("a", "z"), "order": ("a", "b", "c"), "grid": ("a",)}
    (_, second) = way(OPTIONS, {"m.a": 0, "m.b": 0, "m.c": 1}).steps
    assert [q.id for q in second.questions] == ["again", "order"]
    again = second.questions[0]
    assert (again.storable(), again.least) == (("z",), 1)


def test_a_chosen_option_that_is_not_shown_any_more_is_no_answer():
    before = {"m.a": 1, "m.b": 1, "m.c": 0, "best": "a"}
    before |= {"again.a": 1, "again.b": 1, "again.z": 0, "order.a": 1, "order.b": 2, "order.c": 3}
    assert way(OPTIONS, before).steps[1].stale == frozenset()
    after = way(OPTIONS, before | {"m.a": 0})
    assert after.steps[1].stale == {"best", "again", "order"}
    assert after.seen.answer("best") is None
    assert ("again", "a") not in after.asked


COMPUTED = study(
    """
  - id: p
    questions:
      - {id: x, kind: number, text: X, required: false, refusable: true}
      - {id: y, kind: number, text: Y, required: false}
  - id: q
    show_if: tripled > 5
    checks: [{that: z < ratio, message: M}]
    questions:
      - {id: z, kind: number, text: Z}
      - {id: word, kind: short_text, text: W, checks: [{that: length(word) > 2, message: Short}]}
""",
    computed="[{id: tripled, kind: number, value: doubled + x}, "
    "{id: doubled, kind: number, value: 2 * x}, {id: ratio, kind: number, value: x / y}, "
    "{id: late, kind: truth, value: z > 1}, "
    """{id: big, kind: text, value: '"b" if x > 2 else "s"'}]""",
)


def test_computed_variables_rest_on_one_another_in_any_order():
    assert ids(way(COMPUTED, {"x": 2})) == ["p", "q"]
    assert ids(way(COMPUTED, {"x": 1})) == ["p"]
    assert ids(way(COMPUTED)) == ["p"]


def test_computed_variables_say_why_they_are_unknown():
    def rows(given, statuses):
        keyed = {tuple(key.partition(".")[::2]): status for key, status in statuses.items()}
        return {name: (v, s) for name, v, s in computed_rows(way(COMPUTED, given), keyed)}

    found = rows({"x": 3, "y": 2, "z": 5}, {"x": "answered", "y": "answered", "z": "answered"})
    assert found == {
        "tripled": ("9", "computed"),
        "doubled": ("6", "computed"),
        "ratio": ("1.5", "computed"),
        "late": ("true", "computed"),
        "big": ("b", "computed"),
    }
    found = rows({"x": 1, "y": 0}, {"x": "answered", "y": "answered"})
    assert found["ratio"] == (None, "unknown")
    assert found["late"] == (None, "not_asked")
    assert found["big"] == ("s", "computed")
    assert rows({"y": 1}, {"x": "refused", "y": "answered"})["tripled"] == (None, "refused")
    assert rows({"x": 1}, {"x": "answered", "y": "skipped"})["ratio"] == (None, "skipped")


def test_checks_fail_beside_the_field_that_they_name():
    found = way(COMPUTED, {"x": 4, "y": 2, "z": 3, "word": "ab"})
    said = [(f.question, f.item, f.message.say()) for f in found.failed(found.steps[1])]
    assert said == [("word", "", "Short"), ("z", "", "M")]
    assert not way(COMPUTED, {"x": 4, "y": 2, "z": 1, "word": "abc"}).failed(found.steps[1])
    unknown = way(COMPUTED, {"x": 4, "y": 0, "z": 1, "word": "abc"})
    assert not unknown.failed(unknown.steps[1])


def fill(text, given, language="en"):
    found = way(BRANDS, given)
    return Piping(found.seen, WHO, language).fill(text)


def test_answers_stand_in_texts_in_the_respondents_language():
    given = {"first_name": "Ann", "known_brands.ours": 1, "known_brands.station": 1}
    given |= {"known_brands.miller": 0, "known_brands.crumb": 0, "known_brands.nobody": 0}
    given |= {"favourite": "station", "visits": 3, "spend": "10", "consent": "yes"}
    given |= {"quality__ours.fresh": 3}
    assert fill("${first_name|you}!", given) == "Ann!"
    assert fill("${known_brands}", given, "de") == "Corner Pastry Shop, Die am Bahnhof"
    assert fill("${favourite}", given) == "The one at the station"
    assert fill("${spend_a_visit} ${buyer}", given) == "3.33 light"
    assert fill("${quality__ours.fresh} ${consent}", given, "de") == "Stimme zu Ja"
    assert fill("${brands.miller}, ${respondent.started}", given) == "Miller & Sons, 2026-08-31"
    assert fill("${age|old enough} ${age} ${age|}.", given) == "old enough … ."
    assert fill("$${age} and $5", given) == "${age} and $5"


def test_an_answer_is_never_read_as_a_text_with_places():
    piped = fill("Hi ${first_name}", {"first_name": "${consent} *x* <b>"})
    assert piped == "Hi ${consent} *x* <b>"
    assert isinstance(piped, Piped)
    assert (piped.parts, piped.answers) == (("Hi ", ""), ("${consent} *x* <b>",))
