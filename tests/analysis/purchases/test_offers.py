from __future__ import annotations

from datetime import date

import pandas as pd
import pytest

from analysis.purchases.offers import offer_response

AS_OF = date(2026, 6, 30)


def offers(*rows):
    return pd.DataFrame(rows, columns=["customer", "sent", "redeemed"])


def test_only_what_was_sent_and_redeemed_by_the_day_counts():
    table = offers(
        ("a", "2026-05-01", "2026-05-02"),
        ("a", "2026-06-01", "2026-07-01"),
        ("b", "2026-06-30", None),
        ("b", "2026-07-01", "2026-07-01"),
    )
    each, overall = offer_response(table, as_of=AS_OF)
    assert each[["customer", "sent", "redeemed"]].to_numpy().tolist() == [["a", 2, 1], ["b", 1, 0]]
    assert (overall.value, overall.n) == (pytest.approx(1 / 3), 3)
    # Wilson by hand: (p + z2/2n) / (1 + z2/n) -+ ...
    assert (overall.low, overall.high) == (
        pytest.approx(0.0615, abs=1e-4),
        pytest.approx(0.7923, abs=1e-4),
    )


def test_all_faults_at_once():
    table = offers(("a", "soon", ""), ("b", "2026-06-02", "2026-06-01"), ("c", "2026-06-02", "x"))
    with pytest.raises(ValueError, match="row 2: 'soon'") as fault:
        offer_response(table, as_of=AS_OF)
    assert "row 3: redeemed on 2026-06-01" in str(fault.value)
    assert "row 4: 'x'" in str(fault.value)


def test_no_offers_is_no_number():
    assert offer_response(offers(("a", "2027-01-01", None)), as_of=AS_OF)[1].reason
