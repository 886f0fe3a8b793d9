from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from analysis.purchases.winback.alarms import _caveats, alarms, true_alarms
from analysis.purchases.winback.own_seasons import own_seasons
from analysis.purchases.winback.placebo import NotEnoughHistory, calibrate
from analysis.purchases.winback.predictive import chances, prior_of, rates, windows
from analysis.purchases.winback.shared import looked_at, shared_change
from tests.analysis.purchases.winback import other_worlds as worlds
from tests.analysis.purchases.winback.other_worlds import WATCHED, other_world

AS_OF = date(2026, 6, 28)
CALIBRATED_EVERY = 6
SEEDS = range(3)


def watch(log):
    """26 weekly looks at a log; what was stated, and what happened."""
    n = len(log.days)
    within_26, within_13, monitored, band = np.zeros((4, n), dtype=bool)
    for watched in range(1, WATCHED + 1):
        who, weeks = log.weeks(watched)
        if watched % CALIBRATED_EVERY == 1:
            calibration = calibrate(weeks, false_alarms=0.05, seed=1)
        seen = looked_at(weeks, calibration.prior, ago=0)
        hit = chances(seen, calibration.prior)[0] < calibration.threshold
        able = seen.watched & (seen.before > 0)
        within_26[who] |= hit
        monitored[who] |= able
        if watched <= 13:
            within_13[who] |= hit
        if watched == 1:
            rate = rates(seen, calibration.prior)[0]
            band[who] = able & (rate >= 0.3) & (rate < 1)
        if watched == 13:
            stated, open_now = calibration.bands[2], who[hit]
    changed = log.fall | log.stop | log.left
    return {
        "false": within_26[log.unchanged & monitored].mean(),
        "fall": within_13[log.fall & band],
        "stop": within_13[log.stop & band],
        "stated": (stated.found_fall, stated.found_stop),
        "true": changed[open_now],
    }


OTHER = {
    "Poisson": (),
    "seasonal, promotions": (worlds.seasonal, worlds.promotions),
    "strong season": (worlds.strong_season,),
    "growing, seasonal": (worlds.growing, worlds.seasonal),
    "newcomers fade": (worlds.fading_newcomers,),
    "newcomers fade, seasonal": (worlds.fading_newcomers, worlds.seasonal),
    "every 7 or 14 days": (worlds.weekly_or_fortnightly,),
    "monthly": (worlds.subscribers,),
    "very bursty": (worlds.very_bursty,),
    "shut for 3 weeks": (worlds.outage,),
    "shut for 3 weeks, half a year ago": (worlds.earlier_outage,),
    "price rise, 30 % less": (worlds.price_rise,),
    "holidays": (worlds.holidays,),
    "5 % less every ten weeks": (worlds.shrinking,),
    "rates drift": (worlds.drifting,),
    "80 % buy once": (worlds.one_time_buyers,),
    "customers leave": (worlds.leaving,),
    "a third buy mostly in summer": (worlds.some_in_summer,),
    "mixture": (worlds.mixture,),
}
SETTINGS = {
    **{name: (parts, {}) for name, parts in OTHER.items()},
    **{
        f"strong season, begins in week {week}": ((worlds.strong_season,), {"begins": week})
        for week in (13, 26, 39)
    },
    **{
        f"seasonal, {history} weeks": ((worlds.seasonal,), {"history": history, "begins": 39})
        for history in (78, 104, 156)
    },
    "seasonal, 500 customers": ((worlds.seasonal,), {"n": 500}),
}


@pytest.mark.deep
@pytest.mark.parametrize("name", SETTINGS)
def test_deep_other_worlds_keep_to_what_is_stated(name):
    parts, options = SETTINGS[name]
    found = [watch(other_world(*parts, **({"n": 4_000} | options), seed=seed)) for seed in SEEDS]
    false = np.mean([each["false"] for each in found])
    fall, stop = (np.concatenate([each[what] for each in found]) for what in ("fall", "stop"))
    stated = np.mean([each["stated"] for each in found], axis=0)
    true = np.concatenate([each["true"] for each in found])
    print(
        f"| {name} | {false:.1%} | {_share(fall)} ({stated[0]:.0%}) | "
        f"{_share(stop)} ({stated[1]:.0%}) | {_share(true)} of {len(true)} |"
    )
    assert false < 0.06
    for hits, share in zip((fall, stop), stated, strict=True):
        if len(hits) >= 50:
            assert share - hits.mean() < 0.12


def _share(hits):
    return f"{hits.mean():.0%}" if len(hits) else "none"


@pytest.mark.parametrize("kind", [worlds.outage, worlds.price_rise])
def test_what_all_do_is_told_and_nobody_is_listed_for_it(kind):
    log = other_world(kind, n=2_500, seed=3)
    _, weeks = log.weeks(13)
    prior = prior_of(weeks, ago=13)
    assert 0.7 < shared_change(windows(weeks, ago=0), prior) < 0.88
    found = watch(log)
    assert found["false"] < 0.06
    assert found["true"].mean() > 0.7


@pytest.mark.parametrize(("changes", "n"), [(0.0, 2_000), (0.4, 2_000), (0.3, 300)])
def test_customers_who_leave_one_by_one_are_no_shared_change(changes, n):
    log = other_world(n=n, seed=5, changes=changes)
    _, weeks = log.weeks(13)
    shared = shared_change(windows(weeks, ago=0), prior_of(weeks, ago=13))
    assert shared == pytest.approx(1, abs=0.05 if n > 1_000 else 0.12)


def test_there_is_no_alarm_where_customers_have_seasons_of_their_own():
    log = other_world(worlds.summer_customers, n=1_500, seed=3)
    with pytest.raises(NotEnoughHistory, match="seasons of their own"):
        calibrate(log.weeks(0)[1], false_alarms=0.05, seed=1)
    common = other_world(worlds.strong_season, worlds.very_bursty, n=1_500, seed=3)
    assert own_seasons(common.weeks(0)[1]) < 0.15
    some = other_world(worlds.mixture, worlds.some_in_summer, n=2_500, seed=3)
    calibration = calibrate(some.weeks(0)[1], false_alarms=0.05, seed=1)
    assert 0.2 < calibration.own_seasons < 0.35
    assert any("seasons of their own" in told for told in _caveats(calibration, 1.0))


@pytest.mark.parametrize(("begins", "power"), [(13, (0.0, 0.6)), (26, (0.75, 1.0))])
def test_power_is_that_of_the_present_season(begins, power):
    log = other_world(worlds.strong_season, n=2_500, seed=7, begins=begins)
    _, weeks = log.weeks(13)
    stated = calibrate(weeks, false_alarms=0.05, seed=1).bands[2].found_stop
    found = watch(log)["stop"].mean()
    assert power[0] <= stated <= power[1]
    assert abs(stated - found) < 0.2


def test_short_histories_say_what_was_not_tried():
    log = other_world(worlds.seasonal, n=1_000, seed=2, history=80)
    _, weeks = log.weeks(0)
    calibration = calibrate(weeks, false_alarms=0.05, seed=1)
    assert calibration.attained_year_ago is None
    assert "one part of the year only (91 weeks" in next(_caveats(calibration, 1.0))
    with pytest.raises(NotEnoughHistory, match="66 weeks"):
        calibrate(other_world(n=1_000, seed=2, history=66).weeks(0)[1], false_alarms=0.05, seed=1)


def test_a_shared_change_is_in_what_is_expected_and_in_the_caveats():
    log = other_world(worlds.price_rise, n=1_500, seed=4)
    customer, week = np.nonzero(log.days[:, : log.history + 13])
    times = log.days[customer, week]
    turn = np.concatenate([np.arange(k) for k in times])
    ago = 7 * (log.history + 12 - np.repeat(week, times)) + turn
    purchases = pd.DataFrame(
        {
            "customer": [f"c{n:05}" for n in np.repeat(customer, times)],
            "time": [pd.Timestamp(AS_OF - timedelta(days=int(days))) for days in ago],
            "amount": 2000,
        }
    )
    found = alarms(purchases, as_of=AS_OF)
    assert found.shared_change < 0.9
    assert "nobody is listed for it" in found.caveats[0]
    able = found.customers[found.customers["weeks_before"] == 52]
    usual = able["rate_before"].mean() * 13
    assert able["expected_13_weeks"].mean() == pytest.approx(usual * found.shared_change, rel=0.15)
    changed = log.fall | log.stop
    listed = found.customers["customer"][found.customers["alarm"] == "declining"]
    real = changed[listed.str[1:].astype(int)].mean()
    assert true_alarms(found.customers).low <= real
