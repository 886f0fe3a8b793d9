"""Many pseudonyms at once are those that each customer gets alone."""

import pytest

from analysis.customer_key import customer_key, customer_keys

NAMES = ["ann@example.org", " Ann@Example.org ", "Straße 7", "\uff21nn", "4711", "ß" * 200]


@pytest.mark.parametrize("length", [16, 63, 64, 65, 200])
def test_keys_at_once_equal_keys_one_by_one(length: int) -> None:
    key = bytes(range(length))
    assert customer_keys(NAMES, key) == [customer_key(name, key) for name in NAMES]


@pytest.mark.parametrize(("names", "key"), [(["ann"], b"short"), (["ann", "  "], b"k" * 16)])
def test_keys_at_once_refuse_what_one_refuses(names: list[str], key: bytes) -> None:
    with pytest.raises(ValueError, match=r"16 bytes|empty"):
        customer_keys(names, key)
