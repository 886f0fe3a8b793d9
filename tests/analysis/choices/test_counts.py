"""Counts: shares of what was offered, and intervals that cover."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from analysis.choices.counts import fit_counts
from analysis.tables import check_choices

TRUTH = np.array([-0.6, 0.4, -0.5, -1.2, -0.8])


@pytest.fixture(scope="module")
def counted(study, choices):
    return fit_counts(study, choices)


def main_of(counts):
    return {(c.attribute[0], c.level[0]): c for c in counts.main}


def test_shares_are_chosen_over_shown(counted, choices):
    frame = choices.frame
    for (attribute, level), count in main_of(counted).items():
        rows = frame[frame[attribute] == level]
        assert count.shown == len(rows)
        assert count.chosen == rows["chosen"].sum()
        assert count.share.value == pytest.approx(rows["chosen"].mean())
        assert count.share.low < count.share.value < count.share.high
    none = frame[frame["taste"].isna()]
    assert counted.none.share.value == pytest.approx(none["chosen"].mean())


def test_two_way_counts_add_up_to_main_effects(counted):
    main = main_of(counted)
    for level in ("plain", "sweet", "salty"):
        own = [c for c in counted.pairs if c.attribute == ("taste", "look") and c.level[0] == level]
        assert len(own) == 2
        assert sum(c.shown for c in own) == main["taste", level].shown
        assert sum(c.chosen for c in own) == main["taste", level].chosen


def test_without_none_the_shares_of_an_attribute_average_to_the_chance(make):
    make_study, simulate = make
    study = make_study(none=None)
    counts = fit_counts(study, simulate(study, TRUTH[:4]))
    looks = [c for c in counts.main if c.attribute == ("look",)]
    assert sum(c.chosen for c in looks) == counts.n_tasks == 2400
    assert counts.none is None


def test_the_wald_test_finds_effects_and_only_those(make):
    make_study, simulate = make
    study = make_study()
    null = np.array([0, 0, -0.5, -1.2, -0.8])
    p_values = [
        fit_counts(study, simulate(study, null, respondents=60, seed=n)).tests for n in range(60)
    ]
    assert max(p["look"] for p in p_values) < 0.01
    taste = np.array([p["taste"] for p in p_values])
    assert (taste < 0.1).sum() <= 13
    assert taste.max() > 0.8


def test_intervals_cover_between_people_who_differ(make):
    """Clustered people: half like sweet much, half do not; the 95 % interval covers the share."""
    make_study, simulate = make
    study = make_study()
    other = np.array([0.6, -1.4, -0.5, -1.2, -0.8])

    one = simulate(study, TRUTH, respondents=1000, tasks=12, seed=1).frame
    two = simulate(study, other, respondents=1000, tasks=12, seed=2).frame
    people = pd.concat([one.assign(respondent="a" + one["respondent"]), two])
    everybody = check_choices(people, study.choice_exercise())
    truth = main_of(fit_counts(study, everybody))["taste", "sweet"].share.value
    names = np.array(sorted(set(people["respondent"])))
    generator = np.random.default_rng(3)
    covered = []
    for _ in range(150):
        some = people[people["respondent"].isin(generator.choice(names, 40, replace=False))]
        share = main_of(fit_counts(study, replace(everybody, frame=some)))["taste", "sweet"].share
        covered.append(share.low <= truth <= share.high)
    assert 0.9 <= np.mean(covered) <= 0.99


def test_a_weight_of_two_counts_like_two_people(study, choices):
    frame = choices.frame
    some = frame["respondent"].astype(int) < 50
    copies = frame[some].assign(respondent=frame.loc[some, "respondent"] + "copy")
    doubled = fit_counts(study, replace(choices, frame=pd.concat([frame, copies])))
    weights = {n: 2.0 if int(n) < 50 else 1.0 for n in frame["respondent"].unique()}
    weighted = fit_counts(study, choices, weights=weights)
    for one, two in zip(weighted.main, doubled.main, strict=True):
        assert one.share.value == pytest.approx(two.share.value)
        assert one.shown < two.shown
    with pytest.raises(ValueError, match="have no weight"):
        fit_counts(study, choices, weights={})


def test_respondents_of_weight_zero_do_not_count(study, choices):
    frame = choices.frame
    kept = {str(n) for n in range(5)}
    weights = {n: float(n in kept) for n in frame["respondent"].unique()}
    found = fit_counts(study, choices, weights=weights)
    alone = fit_counts(study, replace(choices, frame=frame[frame["respondent"].isin(kept)]))
    assert (found.n_respondents, found.n_tasks) == (5, alone.n_tasks)
    for one, two in zip(found.main, alone.main, strict=True):
        assert (one.share.n, one.share.value) == (two.share.n, pytest.approx(two.share.value))
        assert (one.share.low, one.share.high) == pytest.approx((two.share.low, two.share.high))
    for attribute, p_value in alone.tests.items():
        assert found.tests[attribute] == pytest.approx(p_value)


def test_levels_never_shown_or_never_chosen(study, choices):
    frame = choices.frame
    keys = [frame["respondent"], frame["task"]]
    salty = frame["taste"] == "salty"
    never = frame[~(salty & frame["chosen"]).groupby(keys).transform("any")]
    count = main_of(fit_counts(study, replace(choices, frame=never)))["taste", "salty"]
    assert (count.share.value, count.share.low) == (0, 0)
    assert 0 < count.share.high < 0.05
    gone = frame[~salty.groupby(keys).transform("any")]
    counts = fit_counts(study, replace(choices, frame=gone))
    assert main_of(counts)["taste", "salty"].share.reason == "the level is in no task"
    assert "level 'salty' of attribute 'taste' is in no task" in counts.warnings


def test_one_respondent_is_counted_with_a_warning(study, make):
    _, simulate = make
    counts = fit_counts(study, simulate(study, TRUTH, respondents=1, tasks=30))
    assert "1 respondents" in counts.warnings[0]
    assert set(counts.tests.values()) == {None}


def test_what_cannot_be_counted_is_refused(study, choices, make):
    make_study, _ = make
    with pytest.raises(ValueError, match="all tasks are holdouts"):
        fit_counts(study, replace(choices, frame=choices.frame.assign(role="holdout")))
    speed = {"id": "speed", "label": "S", "coding": "linear"}
    ranged = make_study(attributes=[speed | {"range": {"least": 0, "greatest": 9}}])
    rows = {"respondent": "a", "task": 1, "alternative": [1, 2], "chosen": [1, 0]}
    table = check_choices(pd.DataFrame(rows | {"speed": [1, 2]}), ranged.choice_exercise())
    with pytest.raises(ValueError, match="'speed' has a range"):
        fit_counts(ranged, table)


def test_the_test_of_equal_levels_needs_more_respondents_than_levels(study, make):
    two = fit_counts(study, make[1](study, TRUTH, respondents=2, tasks=40))
    assert two.tests["taste"] is None
    assert 0 <= two.tests["look"] <= 1


@pytest.mark.deep
def test_equal_levels_are_called_different_as_often_as_promised_among_few(study, make):
    """300 samples of 12 people to whom taste is all the same; chi-square gives 12 %."""
    truth = np.array([0, 0, 0, -0.5, -0.5])
    found = [
        fit_counts(study, make[1](study, truth, respondents=12, seed=n)).tests["taste"]
        for n in range(300)
    ]
    assert 0.03 < np.mean(np.array(found) < 0.05) < 0.09
