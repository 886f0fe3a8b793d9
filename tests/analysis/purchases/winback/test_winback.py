from __future__ import annotations

import json
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from scipy import stats

from analysis.cli.winback import winback
from analysis.cli.winback_uplift import winback_uplift
from analysis.purchases.winback.alarms import by_chance, frozen_alarms, open_episodes, true_alarms
from analysis.purchases.winback.campaign import (
    COLUMNS,
    Campaign,
    lot,
    read_list,
    win_back,
    write_list,
)
from analysis.purchases.winback.placebo import NotEnoughHistory, calibrate
from analysis.purchases.winback.predictive import (
    Prior,
    Windows,
    chances,
    prior_of,
    windows,
)
from analysis.purchases.winback.shared import looked_at
from analysis.purchases.winback.uplift import measure_uplift
from analysis.purchases.winback.weeks import customer_weeks
from tests.analysis.purchases.winback.worlds import world

AS_OF = date(2026, 6, 28)
KINDS = ("poisson", "bursty", "seasonal")


@pytest.fixture(scope="module")
def shop():
    """1,500 customers; the history ended 13 weeks ago."""
    return world("poisson", 1_500, seed=4, history=120, watched=13)


@pytest.fixture(scope="module")
def purchases(shop):
    return shop.purchases(AS_OF, 13)


@pytest.fixture(scope="module")
def found(purchases):
    campaign = Campaign(margin=0.4, capacity=60, control_share=0.25)
    return win_back(purchases, as_of=AS_OF, campaign=campaign)


def monitored_for_26_weeks(kind, n, seed):
    """Who is alarmed within 26 and within 13 weeks; the alarm is calibrated anew twice."""
    own = world(kind, n, seed=seed)
    within_26, within_13 = np.zeros((2, n), dtype=bool)
    for watched in range(1, 27):
        weeks = own.weeks(watched)
        if watched in (1, 14):
            calibration = calibrate(weeks, false_alarms=0.05, seed=1)
        chance = chances(looked_at(weeks, calibration.prior, ago=0), calibration.prior)[0]
        within_26 |= chance < calibration.threshold
        if watched <= 13:
            within_13 |= chance < calibration.threshold
    return own, within_26, within_13


def figures(kind, n, seed):
    own, within_26, within_13 = monitored_for_26_weeks(kind, n, seed)
    band = (own.rate >= 0.3) & (own.rate < 1)
    return (
        within_26[own.unchanged].mean(),
        within_13[own.fall & band].mean(),
        within_13[own.stop & band].mean(),
    )


@pytest.mark.parametrize("kind", KINDS)
def test_unchanged_customers_are_rarely_alarmed(kind):
    false, fall, stop = figures(kind, 4_000, 2)
    assert false < 0.06
    if kind == "poisson":
        assert fall > 0.35
        assert stop > 0.8


@pytest.mark.deep
@pytest.mark.parametrize("kind", KINDS)
def test_deep_false_alarms_and_power(kind):
    found = np.array([figures(kind, 20_000, seed) for seed in range(5)])
    print(kind, found.mean(axis=0), found.max(axis=0))
    assert found[:, 0].max() < 0.06
    if kind == "poisson":
        assert found[:, 1].mean() >= 0.40
        assert found[:, 2].mean() >= 0.85


def test_the_chance_is_that_of_a_gamma_poisson():
    prior = Prior(0.7, 1.5, 0.0)
    some = Windows(
        np.array([20, 3, 0, 20]),
        np.array([2, 0, 0, 2]),
        np.full(4, 52.0),
        13.0,
        np.array([True, True, True, False]),
    )
    mid, none = chances(some, prior)
    for at in range(3):
        share = (1.5 + 52) / (1.5 + 52 + 13)
        predictive = stats.nbinom(0.7 + some.before[at], share)
        n = some.latest[at]
        expected = predictive.cdf(n) - predictive.pmf(n) / 2
        assert mid[at] == pytest.approx(expected)
        assert none[at] == pytest.approx(predictive.pmf(0) / 2)
    assert (mid[3], none[3]) == (1, 1)
    bursty = chances(some, Prior(0.7, 1.5, 0.05))[0]
    assert bursty[0] > mid[0]


def test_windows_leave_out_the_week_that_made_a_customer_known(shop, purchases):
    weeks = customer_weeks(purchases, as_of=AS_OF)
    seen = windows(weeks, ago=3)
    for at in (0, 7, 200):
        name = weeks.customers[at]
        mine = purchases[purchases["customer"] == name]
        ago = (pd.Timestamp(AS_OF) - mine["time"]).dt.days // 7
        first = ago.max()
        assert weeks.first[at] == first
        assert seen.latest[at] == ((ago >= 3) & (ago < 16)).sum()
        assert seen.before[at] == ((ago >= 16) & (ago < 68) & (ago < first)).sum()
    assert (weeks.season != 1).any()


def test_a_season_is_found_and_not_taken_for_decline():
    own = world("seasonal", 3_000, seed=3, changes=0)
    season = own.weeks(0).season
    t = own.history - 1 - np.arange(own.history)
    truth = 1 + 0.5 * np.sin(2 * np.pi * t / 52) + np.isin(t % 52, range(47, 51))
    assert np.corrcoef(season, truth)[0, 1] > 0.9
    short = world("seasonal", 500, seed=3, history=100, watched=0).weeks(0)
    assert (short.season == 1).all()
    assert "117 are needed" in short.season_source


def test_bursts_are_estimated():
    assert prior_of(world("poisson", 4_000, seed=1).weeks(0), ago=13).bursts < 0.005
    assert 0.01 < prior_of(world("bursty", 4_000, seed=1).weeks(0), ago=13).bursts < 0.05


def test_the_list_holds_those_who_fell(found, shop):
    table = found.customers
    changed = pd.Series(~shop.unchanged, index=[f"c{n:05}" for n in range(len(shop.rate))])
    assert list(table.columns) == list(COLUMNS)
    assert changed[table["customer"]].mean() > 0.8
    assert found.true_alarms.low <= changed[table["customer"]].mean()
    assert found.true_alarms.value > 0.5
    assert (table["spend_at_risk"].diff().dropna() <= 0).all()
    assert list(table["rank"]) == list(range(1, len(table) + 1))
    np.testing.assert_allclose(table["value_at_risk"], 0.4 * table["spend_at_risk"])
    lost = (table["rate_before"] - table["rate_now"]) * 52 * table["spend_a_purchase"]
    np.testing.assert_allclose(table["spend_at_risk"], lost)
    assert found.common_change < 0.9
    assert 0 < found.too_few < found.monitored


def test_capacity_and_control_are_kept(found):
    groups = found.customers["group"]
    assert (groups == "contact").sum() == 60
    last = groups[groups == "contact"].index[-1]
    assert (groups[last + 1 :] == "beyond_capacity").all()
    share = (groups[:last] == "control").mean()
    assert 0.1 < share < 0.45
    names = [f"c{n:05}" for n in range(5_000)]
    draws = np.array([lot(name, 1) for name in names])
    assert stats.kstest(draws, "uniform").pvalue > 0.001
    assert lot("a", 1) == lot("a", 1) != lot("a", 2)


def test_one_alarm_an_episode_and_a_new_one_after_recovery(shop):
    weeks = shop.weeks(13)
    calibration = calibrate(weeks, false_alarms=0.05, seed=1)
    days = weeks.days.copy()
    days[:3] = 2
    days[0, :8] = 0  # stopped eight weeks ago
    days[1, 12:22] = 0  # a pause, and recovered
    days[2, :10], days[2, 21:31] = 0, 0  # a pause, recovered, and stopped
    object.__setattr__(weeks, "days", days)
    now, earlier = open_episodes(weeks, calibration, ago=(0, 2))
    assert 0 <= now[0] < 8
    assert now[1] == -1
    assert 0 <= now[2] < 10
    assert earlier[0] in {-1, now[0]}


def test_power_and_false_alarms_are_stated_by_rate(found):
    bands = found.calibration.bands
    assert [band.low for band in bands] == [0.0, 0.1, 0.3, 1.0]
    assert bands[0].found_stop < 0.05 < 0.7 < bands[2].found_stop
    assert bands[2].found_fall < bands[2].found_stop
    assert found.calibration.attained < 0.05 < found.calibration.n


@pytest.mark.parametrize(
    ("weeks", "customers", "words"), [(60, 400, "60 weeks"), (110, 150, "customers could be")]
)
def test_an_alarm_that_cannot_be_calibrated_is_not_raised(weeks, customers, words):
    own = world("poisson", customers, seed=1, history=weeks, watched=0)
    with pytest.raises(NotEnoughHistory, match=words):
        calibrate(own.weeks(0), false_alarms=0.05, seed=1)


def test_a_log_that_ends_early_raises_no_alarm(shop, purchases):
    week = timedelta(weeks=1)
    with pytest.raises(NotEnoughHistory, match="nobody at all bought in the last 2 weeks"):
        win_back(purchases, as_of=AS_OF + 2 * week, campaign=Campaign())
    # A firm that was closed for three weeks before may be closed for two.
    ago = (pd.Timestamp(AS_OF) - purchases["time"]).dt.days // 7
    closed = purchases[~ago.between(20, 22)]
    found = win_back(closed, as_of=AS_OF + 2 * week, campaign=Campaign())
    assert found.monitored > 200


@pytest.mark.parametrize(
    "wrong", [{"false_alarms": 5}, {"margin": 40}, {"control_share": 1}, {"capacity": 0}]
)
def test_impossible_campaigns_are_refused(wrong):
    with pytest.raises(ValueError, match=r"write|must be"):
        Campaign(**wrong)


def test_uplift_is_the_difference_of_the_groups():
    generator = np.random.default_rng(1)
    listed = pd.DataFrame(
        {
            "customer": [f"c{n}" for n in range(300)],
            "group": ["contact"] * 200 + ["control"] * 80 + ["beyond_capacity"] * 20,
        }
    )
    counts = np.r_[generator.poisson(2.5, 200), generator.poisson(1.5, 80), np.full(20, 9)]
    rows = [
        (name, AS_OF + timedelta(days=1 + day), 1000)
        for name, count in zip(listed["customer"], counts, strict=True)
        for day in range(count)
    ]
    rows += [("c0", AS_OF, 9900), ("c0", AS_OF + timedelta(days=92), 9900)]
    table = pd.DataFrame(rows, columns=["customer", "time", "amount"])
    table["time"] = pd.to_datetime(table["time"])
    found = measure_uplift(listed, table, began=AS_OF, weeks=13)
    welch = stats.ttest_ind(counts[:200], counts[200:280], equal_var=False)
    interval = welch.confidence_interval()
    assert (found.contacted, found.control) == (200, 80)
    assert found.purchases.value == pytest.approx(counts[:200].mean() - counts[200:280].mean())
    assert found.purchases.low == pytest.approx(interval.low)
    assert found.purchases.high == pytest.approx(interval.high)
    assert found.spend.value == pytest.approx(10 * found.purchases.value)
    few = measure_uplift(listed[190:], table, began=AS_OF, weeks=13)
    assert "10 contacted and 80 in the control group" in few.purchases.reason


def test_an_uplift_that_cannot_be_right_is_refused(tmp_path):
    listed = pd.DataFrame({"customer": ["a", "b"], "group": ["contact", "control"]})
    bought = pd.DataFrame({"customer": ["a"], "time": pd.to_datetime([AS_OF]), "amount": [100]})
    with pytest.raises(ValueError, match="purchases end more than a week before 2026-09-27"):
        measure_uplift(listed, bought, began=AS_OF, weeks=13)
    strangers = bought.assign(customer="x")
    with pytest.raises(ValueError, match="nobody of the list is among the customers"):
        measure_uplift(listed, strangers, began=AS_OF - timedelta(weeks=13), weeks=13)
    for broken, words in (
        (listed[["customer"]], "lacks the column"),
        (pd.concat([listed, listed]), "2 customer"),
        (listed.assign(group="written to"), "written to"),
    ):
        write_list(broken, tmp_path / "list.csv")
        with pytest.raises(ValueError, match=words):
            read_list(tmp_path / "list.csv")


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_list_is_read_as_it_was_written(tmp_path, ending):
    listed = pd.DataFrame({"customer": ["=1+1", "0012", "'x"], "group": ["contact"] * 3})
    write_list(listed, tmp_path / f"list.{ending}")
    assert list(read_list(tmp_path / f"list.{ending}")["customer"]) == list(listed["customer"])


def test_the_uplift_command_reads_the_exported_list(tmp_path):
    rows = [
        (f"-{n}", AS_OF + timedelta(days=day), "5.00")
        for n in range(60)
        for day in (1, 80 if n < 30 else 1)
    ]
    pd.DataFrame(rows, columns=["customer", "time", "amount"]).to_csv(
        tmp_path / "log.csv", index=False
    )
    groups = ["contact"] * 30 + ["control"] * 30
    listed = pd.DataFrame({"customer": [f"-{n}" for n in range(60)], "group": groups})
    write_list(listed, tmp_path / "list.csv")
    arguments = [str(tmp_path / name) for name in ("list.csv", "log.csv")]
    arguments += ["--began", AS_OF.isoformat(), "--weeks", "12"]
    done = CliRunner().invoke(winback_uplift, arguments)
    assert done.exit_code == 0, done.output
    assert "30 contacted, 30 left alone by lot" in done.output
    assert "purchase days a customer: +1.00" in done.output
    found = json.loads(CliRunner().invoke(winback_uplift, [*arguments, "--json"]).output)
    assert (found["contacted"], found["purchases"]["value"], found["spend"]["n"]) == (30, 1.0, 60)
    done = CliRunner().invoke(winback_uplift, [*arguments[:-1], "40"])
    assert done.exit_code == 2
    assert "purchases end more than a week before" in done.output


def test_everybody_gets_one_of_the_answers(shop, purchases, found):
    table, facts = frozen_alarms(purchases, as_of=AS_OF)
    answers = table.set_index("customer")["alarm"]
    assert set(answers) == {"declining", "not_declining", "too_few", "not_watched"}
    assert len(table) == (shop.days.sum(axis=1) > 0).sum()
    assert set(answers.index[answers == "declining"]) == set(found.customers["customer"])
    assert (answers == "too_few").sum() == found.too_few
    assert (answers != "not_watched").sum() == found.monitored
    rare = table["alarm"] == "too_few"
    assert table.loc[rare, "days_before"].max() < table.loc[~rare, "days_before"].mean()
    assert ((table["alarmed_on"] != "") == (table["alarm"] == "declining")).all()
    assert facts["alarm"] == "calibrated"
    assert float(facts["alarm_attained"]) == found.calibration.attained
    assert float(facts["alarm_true_share"]) == found.true_alarms.value


def test_what_chance_lists_is_what_a_placebo_date_lists():
    table = pd.DataFrame(
        {
            "alarm": ["declining"] * 10 + ["not_declining"] * 80 + ["not_watched"] * 10,
            "alarm_13_weeks_ago": ["declining"] * 2 + ["too_few"] * 58 + ["not_watched"] * 40,
        }
    )
    assert by_chance(table) == pytest.approx(2 * 90 / 60)
    share = true_alarms(table)
    assert (share.value, share.n) == (pytest.approx(0.7), 10)
    none = table.assign(alarm_13_weeks_ago="too_few")
    assert true_alarms(none).value == 1
    assert true_alarms(none).low < 1  # nobody among a few proves nothing
    assert not true_alarms(table[10:]).available
    assert not true_alarms(table.assign(alarm_13_weeks_ago="not_watched")).available


def test_without_history_the_reason_is_frozen(purchases):
    early = AS_OF - timedelta(weeks=60)
    table, facts = frozen_alarms(purchases, as_of=early)
    assert table.empty
    assert facts["alarm"].startswith("not enough history")


def test_the_command_writes_a_list_and_how_far_to_trust_it(purchases, tmp_path):
    rows = purchases.assign(amount=purchases["amount"] / 100, customer="=" + purchases["customer"])
    rows.to_csv(tmp_path / "log.csv", index=False)
    out = tmp_path / "list.csv"
    arguments = [str(tmp_path / "log.csv"), "--as-of", AS_OF.isoformat(), "--out", str(out)]
    done = CliRunner().invoke(winback, [*arguments, "--false-alarms", "0.05", "--capacity", "30"])
    assert done.exit_code == 0, done.output
    listed = pd.read_csv(out)
    assert listed["customer"].str.startswith("'=c").all()
    assert listed["value_at_risk"].isna().all()
    assert listed["reason"].str.contains("purchase days? in 13 weeks").all()
    about = json.loads(out.with_suffix(".json").read_text())
    assert about["listed"] == len(listed)
    assert about["groups"]["contact"] == 30
    assert len(about["by_purchases_a_week"]) == 4
    assert about["value_at_risk"].startswith("unknown")
    wrong = CliRunner().invoke(winback, [*arguments, "--false-alarms", "5"])
    assert wrong.exit_code == 2
    early = [*arguments[:2], "2024-12-31", *arguments[3:]]
    done = CliRunner().invoke(winback, early)
    assert done.exit_code == 0
    assert "not enough history" in done.output
    assert pd.read_csv(out).empty
    assert "unavailable" in json.loads(out.with_suffix(".json").read_text())
