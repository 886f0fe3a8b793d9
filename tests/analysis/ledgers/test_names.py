"""Customers of a file by number: told apart as written, joined as one where spelled differently."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from analysis.customer_key import customer_key, erased_mark
from analysis.ledgers.engine import connection
from analysis.ledgers.names import Names

KEY = b"0123456789abcdef"


@pytest.fixture
def engine():
    with connection() as made:
        yield made


def pseudonyms(names, raw):
    return names.pseudonyms(names.numbers(pa.array(raw, pa.string()))).to_pylist()


def test_each_customer_has_the_pseudonym_of_customer_key(engine):
    rng = np.random.default_rng(3)
    names = Names(engine, KEY, frozenset())
    for size in (1, 5_000, 40_000):
        raw = [f"c{who}@x.org" for who in rng.integers(0, 30_000, size)]
        raw[0] = None
        wanted = [text and customer_key(text, KEY) for text in raw]
        assert pseudonyms(names, raw) == wanted


@pytest.mark.parametrize("other", ["Ann@X.org", "ann@x.org\x1f", "ａnn@x.org", "\x0bann@x.org"])
def test_spellings_of_one_customer_share_a_pseudonym_that_stands_once(engine, other):
    names = Names(engine, KEY, frozenset())
    numbers = names.numbers(pa.array(["ann@x.org", other, "bob", "ann@x.org"]))
    found = names.pseudonyms(numbers)
    assert found.to_pylist()[0] == found.to_pylist()[1] == customer_key("ann@x.org", KEY)
    assert len(found.dictionary) == len(set(found.dictionary.to_pylist())) == 2
    assert names.raw(numbers).to_pylist() == ["ann@x.org", other, "bob", "ann@x.org"]


def test_identifiers_that_share_a_hash_stay_apart(engine):
    engine.execute("CREATE MACRO hash(text) AS CAST(7 AS UBIGINT)")
    assert engine.execute("SELECT hash('a') = hash('b')").fetchall() == [(True,)]
    names = Names(engine, KEY, frozenset())
    for raw in (["ann", "bob", "ann"], ["cy", "bob", "ann", "cy"]):
        assert pseudonyms(names, raw) == [customer_key(text, KEY) for text in raw]


def test_erased_customers_are_known_and_not_paired(engine):
    mark = erased_mark(customer_key("ann", KEY), KEY)
    names = Names(engine, KEY, frozenset({mark}))
    numbers = names.numbers(pa.array(["bob", "Ann", None]))
    assert names.erased(numbers).tolist() == [False, True, False]
    assert list(names.pairs()) == [(customer_key("bob", KEY), "bob")]
