"""Expected effects in money, reckoned by hand from a test, a segment's size and a margin."""

from datetime import date

import pytest

from analysis.customers.actions.in_money import Margin, profit_effect, revenue_effect
from analysis.customers.actions.planned import Measured, TestPlan
from analysis.customers.actions.strategies import Strategy
from analysis.estimate import Estimate, unavailable

EFFECT = Estimate(value=4.0, low=-1.0, high=9.0, n=300, method="by lot", unit="USD")
WIN_BACK = Strategy("gold", "win_back", (), (), None)


def by_lot(effect, *, outcome="spend", segment="gold"):
    plan = TestPlan(
        name="autumn", what="A letter", strategy="win_back", segment=segment, decided_by="A. Baker",
        decided_on=date(2026, 1, 1), began=date(2026, 1, 8), weeks=13, outcome=outcome,
        smallest=0.5, power=0.8, error=0.05, control_share=0.5, seed=1, adjusted=True, contact=150,
        control=150, needed=280, needed_method="two means", list_sha256="0",
    )  # fmt: skip
    return Measured(plan=plan, effect=effect)


def revenue(test, *, customers=200, currency="USD"):
    tests = [] if test is None else [test]
    return revenue_effect(WIN_BACK, tests, customers=customers, currency=currency)


def test_effect_times_size_times_margin_with_both_ends():
    found = revenue(by_lot(EFFECT))
    assert (found.value, found.low, found.high, found.n) == (800.0, -200.0, 1800.0, 300)
    assert "(200), in the 13 weeks of the test 'autumn'; by lot" in found.method
    profit = profit_effect(found, Margin(0.25, "the newest margin that holds for all"))
    assert (profit.value, profit.low, profit.high) == (200.0, -50.0, 450.0)
    assert "margin of 25% (the newest margin that holds for all)" in profit.method


def test_a_test_on_everybody_stands_in_and_says_so():
    assert "'autumn' among all customers" in revenue(by_lot(EFFECT, segment="")).method
    assert not revenue(by_lot(EFFECT, segment="silver")).available


@pytest.mark.parametrize(
    ("test", "said", "reason"),
    [
        (None, {}, "no test by lot"),
        (by_lot(None), {}, "no test by lot"),
        (by_lot(unavailable("3 left alone", n=9, method="", unit="USD")), {}, "no test by lot"),
        (by_lot(EFFECT, outcome="buyers"), {}, "measured buyers, not spend"),
        (by_lot(EFFECT), {"currency": "EUR"}, "in USD, spend in EUR"),
        (by_lot(EFFECT), {"customers": 9}, "fewer than 10 customers"),
    ],
)
def test_what_is_not_measured_is_unknown_and_never_zero(test, said, reason):
    found = revenue(test, **said)
    assert not found.available
    assert found.reason.startswith("unknown: ")
    assert reason in found.reason
    assert profit_effect(found, Margin(0.5, "known")).reason == found.reason


def test_without_a_margin_revenue_is_known_and_profit_is_not():
    facts = {"margin": "", "margin_source": "unknown: no margins are loaded"}
    found = profit_effect(revenue(by_lot(EFFECT)), Margin.of(facts))
    assert found.reason == "unknown: no margins are loaded"
    old = profit_effect(revenue(by_lot(EFFECT)), Margin.of({}))
    assert "freeze the study again" in old.reason
    assert Margin.of({"margin": "0.55", "margin_source": "x"}).share == 0.55
