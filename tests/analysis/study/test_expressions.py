"""Conditions: three-valued logic, membership, arithmetic, and what is refused."""

import itertools

import pytest

from analysis.study.expressions import (
    Compared,
    ExpressionFault,
    answers_lookup,
    parse,
    renamed,
)
from analysis.study.functions import Several

VALUES = {
    "visits": "weekly",
    "nps": 9.0,
    "age": 40.0,
    "channels": frozenset({"web", "shop"}),
    "brand.quality": 4.0,
    "unknown": None,
}


def holds(source, **more):
    return parse(source).holds((VALUES | more).get, {"fun": 4.5, "empty": None}.get)


@pytest.mark.parametrize(
    "source",
    [
        'visits == "weekly" and nps >= 9',
        '"web" in channels and "app" not in channels',
        'visits in ["weekly", "monthly"]',
        "nps in [9, 10]",
        "not answered(unknown)",
        "answered(nps)",
        "brand.quality > 3",
        "mean(fun) >= 4",
        "count(channels) == 2",
        "1 < nps < 10",
        "2 * nps - 8 == 10 and -nps < 0",
        'visits != "rarely"',
        "(nps > 10) or (age > 30)",
    ],
)
def test_true_conditions(source):
    assert holds(source)


@pytest.mark.parametrize(
    "source",
    [
        "unknown > 3",
        "not (unknown > 3)",
        "unknown == unknown",
        'unknown != "x"',
        "unknown + 1 > 0",
        "mean(empty) > 1",
        "not (mean(empty) > 1)",
        '"web" in unknown',
        "count(unknown) == 0",
        'visits > "" and unknown > 1',
        'nps == "9"',
        "visits < 3",
    ],
)
def test_unknown_and_unlike_kinds_count_as_false(source):
    assert not holds(source)


TRUTH = {"t": "nps > 1", "f": "nps < 1", "u": "unknown > 1"}


@pytest.mark.parametrize(("a", "b"), list(itertools.product("tfu", repeat=2)))
def test_kleene_tables(a, b):
    """Kleene (1952): or is the greater, and the lesser, of false < unknown < true."""
    rank = {"f": 0, "u": 1, "t": 2}
    for word, result in (("and", min(rank[a], rank[b])), ("or", max(rank[a], rank[b]))):
        source = f"({TRUTH[a]}) {word} ({TRUTH[b]})"
        assert holds(source) is (result == 2)
        assert holds(f"not ({source})") is (result == 0)


def test_a_chain_is_the_and_of_its_comparisons():
    assert not holds("0 < unknown < 5")
    assert not holds("not (0 < unknown < 5)")
    assert holds("not (unknown < nps < 1)")
    assert holds("not ((unknown < nps) and (nps < 1))")


@pytest.mark.parametrize(
    "source",
    [
        "",
        "nps >",
        "nps = 9",
        "__import__('os')",
        "nps.real.imag",
        "[n for n in channels]",
        "lambda: 1",
        "nps ** 99",
        "nps // 2",
        "nps % 2",
        "round()",
        "days(visits)",
        "sum(*channels)",
        "round(nps, digits=1)",
        "-" * 80 + "nps",
        "channels[0]",
        "visits is None",
        "None",
        "1j",
        "b'x'",
        "f'{nps}'",
        "answered(nps, age)",
        "answered('nps')",
        "mean(nps + 1)",
        "nps in [age]",
        "open('x')",
        "1e400 > nps",
        f"{10**20} * nps > 1",
        "a and " * 300 + "a",
        "(" * 500 + "nps" + ")" * 500,
        "nps\x00",
        "~nps",
        "nps := 3",
    ],
)
def test_what_is_not_in_the_language_is_refused(source):
    with pytest.raises(ExpressionFault):
        parse(source)


def test_names_means_and_compared_texts_are_noted():
    found = parse('visits == "weekly" and mean(fun) > 2 and "web" in channels and m.i > 1')
    assert found.names == {"visits", "channels", "m.i"}
    assert found.means == {"fun"}
    assert found.comparisons == (
        Compared("visits", "weekly"),
        Compared("channels", "web", member=True),
        Compared("m.i", 1),
    )


def test_stored_answers_are_looked_up_by_kind():
    stored = {
        ("nps", ""): "7",
        ("visits", ""): "weekly",
        ("m", "i"): "3",
        ("c", "a"): "1",
        ("c", "b"): "0",
    }
    kinds = (frozenset({"nps", "m"}), {"c": ("a", "b"), "d": ("a", "b")})
    look = answers_lookup(stored, *kinds, {"wave": "w1", "cell": ""})
    assert look("nps") == 7.0
    assert look("visits") == "weekly"
    assert look("m.i") == 3.0
    assert look("c") == frozenset({"a"})
    assert look("d") is None
    assert look("respondent.wave") == "w1"
    assert look("respondent.cell") is None
    assert look("missing") is None


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("nps / 2", 4.5),
        ("nps / (age - 40)", None),
        ("nps / unknown", None),
        ("1e14 * 1e14 * 1e14 * " * 8 + "1e14 * 1e14", None),
        ("sum(nps, unknown, 1)", 10.0),
        ("sum(unknown)", None),
        ("sum(parts)", 5.0),
        ("min(parts, nps)", 2.0),
        ("max(parts, nps)", 9.0),
        ("known(parts, nps, unknown)", 3.0),
        ("answered(parts)", True),
        ("nps + unknown", None),
        ("round(2.5)", 3.0),
        ("round(-2.5)", -3.0),
        ("round(1.005, 2)", 1.01),
        ("abs(-nps)", 9.0),
        ("length(words)", 9.0),
        ('contains(words, "GOOD")', True),
        ('starts_with(words, "so")', True),
        ('lower(words) == "so good ß"', False),
        ("contains(unknown, words)", None),
        ("days(first, last)", 30.0),
        ("days(first, words)", None),
        ("year(last) * 100 + month(last)", 202603.0),
        ('"many" if nps > 5 else "few"', "many"),
        ('"many" if unknown > 5 else "few"', None),
        ("unknown > 1 and age < 3", False),
        ("unknown > 1 or age > 3", True),
        ('first < "2026-02-02" <= last', True),
    ],
)
def test_values(source, value):
    more = {"words": "So good ß", "first": "2026-02-01", "last": "2026-03-03"}
    more["parts"] = Several((2.0, None, 3.0))
    assert parse(source).value((VALUES | more).get, {}.get) == value


def test_an_expression_may_be_written_over_several_lines():
    assert holds('visits == "weekly"\n  and nps >= 9\n')


def test_names_are_replaced_only_where_they_are_names():
    found = renamed(
        'a.x > 1 and "a" in b and mean(a) > 2 and c == entry and sum(a, b) > 1',
        {"a": "a__z", "b": "b__z"},
        {"entry": "z"},
    )
    assert found == (
        "a__z.x > 1 and 'a' in b__z and (mean(a) > 2) and (c == 'z') and (sum(a__z, b__z) > 1)"
    )
    assert renamed("a >", {"a": "b"}, {}) == "a >"
