import numpy as np
import pandas as pd
import pytest

from analysis.customers.actions.randomised import Wanted, drawn_groups, sample_size

RNG = np.random.default_rng(5)


def test_two_shares_as_in_the_textbook():
    """Fleiss, Levin and Paik (2003), table A.4: .6 against .7, power .8, equal groups: 356 each
    without the continuity correction."""
    before = pd.Series([1.0] * 60 + [0.0] * 40)
    found = sample_size(Wanted("buyers", 0.1), before)
    assert found.control == found.contact == 356


def test_two_means_as_by_hand():
    before = pd.Series(np.tile([8.0, 12.0], 200))
    found = sample_size(Wanted("spend", 0.5), before)
    by_hand = 2 * ((1.959964 + 0.841621) * before.std() / 0.5) ** 2
    assert found.control == int(np.ceil(by_hand))


def test_skewed_spend_needs_more_when_the_difference_is_large():
    before = pd.Series(RNG.lognormal(0, 1.5, 4000))
    found = sample_size(Wanted("spend", 10.0, control_share=0.2), before)
    assert found.control > 28
    assert found.contact == pytest.approx(4 * found.control, abs=1)
    assert "skewness" in found.method


def test_the_stated_power_is_the_one_that_is_had():
    wanted = Wanted("buyers", 0.08, control_share=0.3)
    size = sample_size(wanted, pd.Series([1.0] * 30 + [0.0] * 70))
    control = RNG.binomial(size.control, 0.30, 4000) / size.control
    contact = RNG.binomial(size.contact, 0.38, 4000) / size.contact
    error = np.sqrt(control * (1 - control) / size.control + contact * (1 - contact) / size.contact)
    assert np.mean((contact - control) / error > 1.96) == pytest.approx(0.8, abs=0.03)


def test_all_faults_of_a_plan_at_once():
    with pytest.raises(ValueError, match=r"(?s)above 0.*control share.*power"):
        Wanted("spend", -1, control_share=1, power=0.2)
    with pytest.raises(ValueError, match="not possible"):
        sample_size(Wanted("buyers", 0.5), pd.Series([1.0, 1, 1, 0]))
    with pytest.raises(ValueError, match="same for all"):
        sample_size(Wanted("spend", 0.5), pd.Series([0.0, 0.0]))


def test_the_lot_is_frozen_and_exact():
    customers = pd.Series([f"c{n}" for n in range(101)])
    first = drawn_groups(customers, control_share=0.2, seed=3)
    again = drawn_groups(customers[::-1], control_share=0.2, seed=3)
    assert first.equals(again.sort_index())
    assert (first == "control").sum() == 20
    assert not first.equals(drawn_groups(customers, control_share=0.2, seed=4))
