"""Planted scale and constants are found, and worthless part-worths are not called useful."""

import numpy as np
import pandas as pd
import pytest

from analysis.choices.coding import coding_of
from analysis.choices.simulator.worths import from_draws
from analysis.customers.occasions import CannotCompare, occasions
from analysis.customers.on_offer import on_offer
from analysis.customers.stated_bought import compare
from analysis.study import read_study
from tests.builders import PASTRY

STUDY = read_study(PASTRY)
CODING = coding_of(STUDY, STUDY.choice_exercise())
PRODUCTS = ("plain", "filled", "grand")
START = pd.Timestamp("2026-01-01")


def levels(place):
    return {a.id: a.levels[min(place, len(a.levels) - 1)].id for a in CODING.exercise.attributes}


def world(seed, *, scale, constants, people=250, each=10):
    rng = np.random.default_rng(seed)
    beta = rng.normal(0, 0.8, (people, CODING.width))
    price = CODING.exercise.price
    beta[:, CODING.places(price.id)] = -np.abs(beta[:, CODING.places(price.id)])
    draws = (beta + rng.normal(0, 0.1, (200, *beta.shape))).astype(np.float32)
    names = [f"r{n}" for n in range(people)]
    worths = from_draws(CODING, names, draws, seed=1)
    tested = sorted(level.number for level in price.levels)
    middle = float(np.mean(tested))
    # from March the first product is cheaper, and the third is had at the station only
    offers = pd.DataFrame(
        [("plain", START, tested[-1], ""), ("plain", pd.Timestamp("2026-03-01"), tested[0], ""),
         ("filled", START, middle, ""), ("grand", START, middle, "station")],
        columns=["product", "time", "price", "store"],
    ).assign(until=pd.NaT)  # fmt: skip
    products = {name: levels(place) for place, name in enumerate(PRODUCTS)}
    rows = []
    from analysis.choices.simulator.products import row

    for person in range(people):
        for _ in range(each):
            day = START + pd.Timedelta(days=int(rng.integers(1, 120)))
            store = ("station", "square")[int(rng.integers(2))]
            first = tested[0] if day >= pd.Timestamp("2026-03-01") else tested[-1]
            v = np.array(
                [
                    scale * float(row(CODING, products[n] | {price.id: p}) @ beta[person]) + c
                    for n, p, c in zip(PRODUCTS, (first, middle, middle), constants, strict=True)
                ]
            )
            if store == "square":
                v[2] = -np.inf
            chosen = int(np.argmax(v + rng.gumbel(size=3)))
            rows.append((f"c{person}", day, PRODUCTS[chosen], store))
    bought = pd.DataFrame(rows, columns=["customer", "time", "product", "store"])
    links = {f"r{n}": f"c{n}" for n in range(people)}
    return {
        "coding": CODING, "worths": worths, "links": links, "purchases": bought,
        "availability": offers, "products": products,
    }  # fmt: skip


SPLIT = pd.Timestamp("2026-03-15")


def lined_up(*, purchases, availability, **given):
    offered = on_offer(
        purchases,
        availability,
        customers=set(given["links"].values()),
        products=given["products"],
    )
    return occasions(offered=offered, **given)


def test_scale_and_constants_are_found_and_judged_later():
    given = world(1, scale=0.6, constants=(0.5, 0.0, -0.5))
    found = compare(lined_up(**given), split=SPLIT, seed=1)
    assert found.scale.low < 0.6 < found.scale.high
    for name, truth in zip(PRODUCTS, (0.5, 0.0, -0.5), strict=True):
        assert found.constants[name].value == pytest.approx(truth, abs=0.2)
    ours, stated, *baselines = found.judged
    assert found.supported
    assert ours.log_loss.value < stated.log_loss.value
    assert all(ours.log_loss.value < other.log_loss.value for other in baselines)
    assert found.fitted_on + found.judged_on == 2_500
    big = [band for band in found.bands if band.bought.available and band.bought.n > 200]
    assert all(abs(band.predicted - band.bought.value) < 0.08 for band in big)


def test_part_worths_that_say_nothing_of_purchases_are_not_supported():
    found = compare(lined_up(**world(2, scale=0.0, constants=(0.5, 0, -0.5))), split=SPLIT, seed=1)
    assert found.scale.low < 0 < found.scale.high
    assert not found.supported


def test_what_cannot_be_lined_up_is_counted_or_refused():
    given = world(3, scale=1.0, constants=(0, 0, 0), people=40)
    strange = given["purchases"][:30].assign(customer="stranger")
    gone = given["purchases"][:5].assign(product="unheard of")
    given["purchases"] = pd.concat([given["purchases"], strange, gone])
    found = lined_up(**given)
    assert found.left_out["of customers not linked"] == 30
    assert found.left_out["of products without levels in the plan"] == 5
    assert np.isinf(found.utility).any()
    with pytest.raises(CannotCompare, match="each of the two periods"):
        compare(found, split=pd.Timestamp("2027-01-01"), seed=1)
    with pytest.raises(CannotCompare, match="100 are needed"):
        lined_up(**{**given, "links": {}})
