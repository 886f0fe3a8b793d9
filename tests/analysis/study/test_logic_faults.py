"""Faults of logic: every one at once, each at its place, and the study that has none."""

import pytest

from analysis.study import StudyFaults, parse_study
from analysis.study.routing import Way


def faults(pages, **more):
    extra = "".join(f"{name}: {value}\n" for name, value in more.items())
    with pytest.raises(StudyFaults) as found:
        parse_study(f"study: s\ntitle: T\n{extra}pages:\n{pages}")
    return {(fault.code, fault.path) for fault in found.value.faults}


FIRST = """
  - id: a
    questions:
      - {id: n, kind: number, text: N}
      - {id: t, kind: short_text, text: T}
      - {id: d, kind: date, text: D}
      - {id: m, kind: multiple_choice, text: M, options: [{id: x, label: X}, {id: y, label: Y}]}
      - {id: grid, kind: semantic_differential, text: G, items: [{id: i, left: L, right: R}]}
"""
LATER = '  - {id: z, show_if: "%s", questions: [{id: q, kind: number, text: Q}]}\n'


@pytest.mark.parametrize(
    ("condition", "code"),
    [
        ("n + t > 2", "MISFIT"),
        ("t", "WRONG_KIND"),
        ("n", "WRONG_KIND"),
        ("not t", "MISFIT"),
        ("n > t", "MISFIT"),
        ("m > n", "MISFIT"),
        ("m in ['x']", "SEVERAL_ANSWERS"),
        ("count(n) > 1", "MISFIT"),
        ("length(n) > 1", "MISFIT"),
        ("d > 'yesterday'", "MISFIT"),
        ("year(n) > 3", "MISFIT"),
        ("sum(t) > 3", "MISFIT"),
        ("n > (1 if n > 2 else 'x')", "MISFIT"),
        ("grid > 3", "UNKNOWN_REFERENCE"),
        ("grid.j > 3", "UNKNOWN_REFERENCE"),
        ("sum(grid.i, nn) > 3", "UNKNOWN_REFERENCE"),
        ("respondent.customer == 'x'", "UNKNOWN_REFERENCE"),
        ("entry == 'x'", "UNKNOWN_REFERENCE"),
        ("q > 3", "LATER_REFERENCE"),
        ("1 > 2", "CONSTANT"),
        ("n >", "EXPRESSION"),
        ("eval(n)", "EXPRESSION"),
        ("round(n, 1, 2) > 1", "EXPRESSION"),
    ],
)
def test_conditions_that_cannot_be_meant(condition, code):
    assert faults(FIRST + LATER % condition) == {(code, "pages[1].show_if")}


@pytest.mark.parametrize(
    "condition",
    [
        "sum(grid) > 3 and known(n, t) == 2 and answered(n)",
        "d >= '2026-01-31' and days(d, respondent.started) < 30",
        "contains(t, 'x') or t > 'm' or t in ['a', 'b']",
        "(n > 1) + (n > 2) > 1",
        "'x' in m and m.y == '1' and count(m) < 2",
        "n > 3 if t == 'x' else n < 3",
    ],
)
def test_conditions_that_fit(condition):
    pages = FIRST + LATER % condition
    assert len(parse_study(f"study: s\ntitle: T\npages:\n{pages}").pages) == 2


def test_computed_variables():
    found = faults(
        FIRST,
        computed="[{id: a1, kind: number, value: b1 + 1}, {id: b1, kind: number, value: a1},"
        " {id: n, kind: number, value: grid.i}, {id: c, kind: text, value: n * 2},"
        " {id: c2, kind: number, value: later_one}, {id: e, kind: number, value: a1 / 2},"
        " {id: c2, kind: truth, value: n > 1}]",
    )
    assert found == {
        ("CYCLE", "computed[0].value"),
        ("CYCLE", "computed[1].value"),
        ("DUPLICATE_ID", "computed[2].id"),
        ("WRONG_KIND", "computed[3].value"),
        ("UNKNOWN_REFERENCE", "computed[4].value"),
        ("DUPLICATE_ID", "computed[6]"),
    }


def test_a_computed_variable_is_used_after_all_that_it_rests_on():
    computed = (
        "[{id: twice, kind: number, value: thrice * 2}, {id: thrice, kind: number, value: 3 * n}]"
    )
    pages = (
        '  - {id: z, show_if: twice > 1, text: "${thrice}"}\n'
        + FIRST
        + "  - {id: y, show_if: twice > 1, text: Y}\n"
    )
    assert faults(pages, computed=computed) == {
        ("LATER_REFERENCE", "pages[0].show_if"),
        ("LATER_REFERENCE", "pages[0].text"),
    }


def test_skips():
    found = faults(
        FIRST
        + """
    skip_to: [{page: lost}, {page: a, if: n > 1}, {page: in_order, if: n > 4},
              {page: mixed, if: n > 3}, {page: x2, if: n > 2}]
  - id: mixed
    page_order: random
    pages:
      - {id: x1, text: X, skip_to: [{page: x2, if: n > 1}, {page: in_order, if: n > 1}]}
      - {id: x2, text: X}
  - {id: in_order, text: T, skip_to: [{page: mixed, if: n > 1}, {page: end}]}
  - {id: never, text: T}
"""
    )
    assert found == {
        ("UNKNOWN_REFERENCE", "pages[0].skip_to[0].page"),
        ("UNREACHABLE", "pages[1].pages[0]"),
        ("UNREACHABLE", "pages[1].pages[1]"),
        ("UNREACHABLE", "pages[2]"),
        ("BACKWARD_SKIP", "pages[0].skip_to[1].page"),
        ("SKIP_INTO", "pages[0].skip_to[4].page"),
        ("SKIP_INTO", "pages[1].pages[0].skip_to[0].page"),
        ("BACKWARD_SKIP", "pages[2].skip_to[0].page"),
        ("UNREACHABLE", "pages[3]"),
    }


def test_random_orders_hide_what_comes_first():
    found = faults("""
  - id: mixed
    page_order: random
    pages:
      - {id: x1, questions: [{id: q1, kind: number, text: Q}]}
      - id: two
        pages:
          - {id: x2, questions: [{id: q2, kind: number, text: Q}]}
          - {id: x3, show_if: q2 > q1, text: "${q1} ${q2}"}
      - {id: x4, fixed: true, show_if: q1 > q2, text: X}
  - {id: x5, show_if: q1 > q2, text: X}
""")
    place = "pages[0].pages[1].pages[1]"
    assert found == {("LATER_REFERENCE", f"{place}.show_if"), ("LATER_REFERENCE", f"{place}.text")}


def test_loops():
    found = faults(
        FIRST
        + """
  - id: over_text
    loop: {over: t}
    pages:
      - {id: l1, questions: [{id: r1, kind: number, text: "${entry} ${r2}", show_if: wrong > 1}]}
  - id: both
    loop: {over: m, entries: [{id: x, label: X}], own: who}
    pages: [{id: l2, questions: [{id: r2, kind: number, text: T}]}]
  - id: lst
    loop: {entries: [{id: x, label: X}, {id: x2, label: Y}], own: y}
    pages:
      - {id: l3, exercise: e}
      - {id: l4, questions: [{id: r4, kind: consent, text: T},
          {id: r5, kind: number, text: "${n}", show_if: r6 > 1}]}
      - {id: l5, show_if: r5 > 1, questions: [{id: r6, kind: number, text: "${r5} of ${entry}"}]}
      - {id: inner, loop: {over: m}, pages: [{id: l6, text: L}]}
  - {id: after, show_if: r5 > 1, questions: [{id: r6__x2, kind: number, text: "${r5} ${r5__x}"}]}
  - {id: l5__x, text: L}
""",
        exercises="[{id: e, kind: best_worst, question: Q, best_label: B, worst_label: W,"
        " set_size: 3, sets: 2, items: [{id: i, label: I}, {id: j, label: J}, {id: k, label: K}]}]",
    )
    last = "pages[3].pages"
    assert found == {
        ("WRONG_VALUE", "pages[1].loop.over"),
        ("UNKNOWN_REFERENCE", "pages[1].pages[0].questions[0].show_if"),
        ("LOOPED_NAME", "pages[1].pages[0].questions[0].text"),
        ("WRONG_VALUE", "pages[2].loop"),
        ("UNKNOWN_REFERENCE", "pages[3].loop.own"),
        ("WRONG_VALUE", f"{last}[0].exercise"),
        ("WRONG_VALUE", f"{last}[1]"),
        ("LATER_REFERENCE", f"{last}[1].questions[1].show_if"),
        ("WRONG_VALUE", f"{last}[3].loop"),
        ("LOOPED_NAME", "pages[4].show_if"),
        ("LOOPED_NAME", "pages[4].questions[0].text"),
        ("DUPLICATE_ID", "pages[4].questions[0]"),
        ("DUPLICATE_ID", "pages[5]"),
    }


def test_checks_and_places_in_texts():
    found = faults(
        FIRST
        + """
    checks:
      - {that: n > 1, message: "at least ${n}", at: q}
      - {that: q > 1, message: "${Wrong} ${oops}"}
  - id: z
    text: "${n} ${t|nobody} ${grid.i} ${m} ${grid} $${x}"
    checks: [{that: n > 1, message: M}]
    questions: [{id: q, kind: number, text: Q, checks: [{that: n > 1, message: M}]}]
""",
        introduction='"Hello ${n}"',
        ends='{complete: "Bye ${n} ${nn}"}',
    )
    assert found == {
        ("UNKNOWN_REFERENCE", "pages[0].checks[0].at"),
        ("LATER_REFERENCE", "pages[0].checks[1].that"),
        ("IDLE_CHECK", "pages[0].checks[1].that"),
        ("PIPE", "pages[0].checks[1].message"),
        ("UNKNOWN_REFERENCE", "pages[0].checks[1].message"),
        ("UNKNOWN_REFERENCE", "pages[1].text"),
        ("IDLE_CHECK", "pages[1].checks[0].that"),
        ("IDLE_CHECK", "pages[1].questions[0].checks[0].that"),
        ("PIPE_HERE", "introduction"),
        ("UNKNOWN_REFERENCE", "ends.complete"),
    }


def test_an_unknown_field_of_a_block_is_told_the_fields_of_blocks():
    block = "  - {id: b, page_ordr: random, pages: [{id: p, text: T}]}\n"
    with pytest.raises(StudyFaults, match="Did you mean 'page_order'"):
        parse_study(f"study: s\ntitle: T\npages:\n{block}")


def test_many_variables_that_rest_on_many_are_checked_and_computed_at_once():
    names = [f"v{n}" for n in range(60)]
    sums = [" + ".join(names[:n]) or "n" for n in range(60)]
    rows = [f"{{id: {a}, kind: number, value: {b}}}" for a, b in zip(names, sums, strict=True)]
    study = parse_study(
        f"study: s\ntitle: T\ncomputed: [{', '.join(rows)}]\npages:{FIRST}"
        "  - {id: z, show_if: v59 > 1, text: Z}\n"
    )
    assert len(Way(study, {("n", ""): "1"}, {}).steps) == 2
