"""The change of price that offsets a worth: linear, in steps, in pieces."""

import numpy as np
import pytest

from analysis.choices.coding import coding_of
from analysis.choices.price_offset import offsets, undeterred, why_no_money

PRICE = {
    "id": "price",
    "label": "Price",
    "tag": "price",
    "levels": [{"id": f"p{n}", "label": f"{n}", "number": n} for n in (4, 1, 2)],
}


def coded(make, **changes):
    make_study, _ = make
    attributes = make_study().choice_exercise().model_dump(mode="json")["attributes"][:2]
    study = make_study(attributes=[*attributes, PRICE | changes])
    coding = coding_of(study, study.choice_exercise())
    return coding, coding.exercise.price


def test_a_linear_price_is_followed_beyond_the_tested_prices(make):
    coding, price = coded(make, coding="linear")
    beta = np.zeros((4, coding.width))
    beta[:, coding.places("price")] = [[-0.5], [-0.5], [0.0], [0.1]]
    found = offsets(coding, price, np.array([1.0, -9.0, 1.0, -1.0]), beta)
    np.testing.assert_allclose(found, [2.0, -18.0, np.inf, -np.inf])
    assert list(undeterred(coding, price, beta)) == [False, False, True, True]


@pytest.mark.parametrize("how", ["effects", "piecewise"])
def test_steps_are_interpolated_upwards_from_the_lowest_price(make, how):
    more = {} if how == "effects" else {"knots": [2]}
    coding, price = coded(make, coding=how, **more)
    # utility 0 at price 1, -1 at 2, -2 at 4
    if how == "effects":
        own = np.array([-2.0, 0.0])  # levels 4 and 1; level 2 is minus their sum
        own -= np.array([-2.0, 0.0, -1.0]).mean()
    else:
        own = np.array([-1.0, -0.5])
    beta = np.zeros((5, coding.width))
    beta[:, coding.places("price")] = own
    found = offsets(coding, price, np.array([0.5, 1.5, -1.5, 2.0, 2.1]), beta)
    np.testing.assert_allclose(found, [0.5, 2.0, -2.0, 3.0, np.inf])


def test_where_steps_cross_the_first_price_that_offsets_counts(make):
    coding, price = coded(make, coding="effects")
    beta = np.zeros((2, coding.width))
    utility = np.array([-0.2, 0.0, -1.0])  # at 4, 1 and 2: falls, then rises
    beta[:, coding.places("price")] = (utility - utility.mean())[:2]
    found = offsets(coding, price, np.array([0.5, 1.2]), beta)
    np.testing.assert_allclose(found, [0.5, np.inf])
    assert not undeterred(coding, price, beta).any()


def test_a_price_without_numbers_has_no_money(make):
    levels = [{"id": name, "label": name} for name in ("low", "high")]
    coding, _ = coded(make, coding="effects", levels=levels)
    assert "have no numbers" in why_no_money(coding)
