"""The demo's ledgers: what customers bought was on offer then and there, at the price paid."""

from datetime import date

import pytest

from analysis.customers.on_offer import frozen_on_offer
from analysis.ledgers.kinds import AVAILABILITY, PURCHASES
from analysis.ledgers.looking import read_rows_of
from surveyapp.jobs import pastry_shop
from surveyapp.jobs.ledgers import ledgers_folder
from tests import builders

TODAY = date(2026, 11, 22)


@pytest.fixture(scope="module")
def ledgers(tmp_path_factory):
    """Purchases and availability, loaded as the demo loads them."""
    settings = builders.make_settings(tmp_path_factory.mktemp("instance"))
    company = pastry_shop.invent(builders.pastry(), today=TODAY, respondents=5)
    file = pastry_shop.load(settings, company)
    assert file.accepted == len(company.purchases)
    folder = ledgers_folder(settings)
    return tuple(read_rows_of(folder / kind.name, kind) for kind in (PURCHASES, AVAILABILITY))


def test_every_bun_of_the_demo_was_on_offer_at_its_price(ledgers):
    study = builders.pastry()
    purchases, offers = ledgers
    sold = {one.product for one in study.analysis.products}
    buns = purchases[purchases["product"].isin(sold)]
    assert set(offers["product"]) == sold
    everybody = set(purchases["customer"])
    table, facts = frozen_on_offer(study, ledgers, customers=everybody, as_of=TODAY, seed=1)
    assert int(facts["on_offer_found"]) == len(buns) > 20_000
    others = len(purchases) - len(buns)
    assert facts["on_offer_left_out"] == f"{others:,} of products without levels in the plan"
    assert table["price"].between(0.90, 1.35).all()  # inside the prices of the tasks
    bought = table[table["bought"] == 1]
    paid = (buns["amount"] / 100 / buns["quantity"]).round(2)
    assert set(bought["price"].round(2)) <= set(paid)


def test_the_gift_bun_is_to_be_had_at_one_of_the_two_stores(ledgers):
    purchases, _ = ledgers
    assert set(purchases.loc[purchases["product"] == "gift_bun", "store"]) == {"market_square"}
    assert len(set(purchases["store"])) == 2
