"""Predictions of holdout tasks: every estimator, baselines, sampling noise, ceiling."""

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from analysis.choices.beliefs import beliefs_of
from analysis.choices.bootstrap import mean_of_answers
from analysis.choices.comparison import information_criteria, paired_differences
from analysis.choices.hb import Settings, fit_hb
from analysis.choices.holdout import respondent_fit, tasks_of, validate
from analysis.choices.latent_class import fit_latent_class
from analysis.choices.mixed_logit import fit_mixed_logit
from analysis.choices.mnl import fit_mnl
from analysis.tables import check_choices

TRUTH = np.array([-0.6, 0.4, -0.5, -1.2, -0.8])
HELD = [2, 5]


def held_out(table, tasks=HELD):
    frame = table.frame.copy()
    frame["role"] = np.where(frame["task"].isin(tasks), "holdout", "estimation")
    return replace(table, frame=frame)


def same_for_everybody(table, tasks):
    """The alternatives of the first respondent in these tasks, for everybody; answers redrawn."""
    frame = table.frame.copy()
    first = frame[frame["respondent"] == frame["respondent"].iloc[0]]
    for task in tasks:
        rows = frame["task"] == task
        own = first[first["task"] == task]
        for name in ("taste", "look", "price"):
            frame.loc[rows, name] = np.tile(own[name].to_numpy(), rows.sum() // len(own))
    return frame


def answered(frame, study, truth, seed):
    rng = np.random.default_rng(seed)
    from analysis.choices.coding import coding_of

    exercise = study.choice_exercise()
    utility = coding_of(study, exercise).matrix(frame) @ truth + rng.gumbel(size=len(frame))
    frame["chosen"] = (
        utility
        == pd.Series(utility)
        .groupby([frame["respondent"], frame["task"]])
        .transform("max")
        .to_numpy()
    )
    return check_choices(frame.reset_index(drop=True), exercise)


@pytest.fixture(scope="module")
def fixed(study, choices):
    """300 respondents; tasks 2 and 5 are holdouts that everybody saw alike."""
    return held_out(answered(same_for_everybody(choices, HELD), study, TRUTH, 4))


@pytest.fixture(scope="module")
def logit(study, fixed):
    return fit_mnl(study, fixed)


def scores(found):
    return {score.name: score for score in found.scores}


def by_hand(logit, table):
    """Log-loss and hit rate of the holdout tasks, task by task in plain Python."""
    frame = table.frame[table.frame["role"] == "holdout"]
    losses, hits = [], []
    for _, task in frame.groupby(["respondent", "task"]):
        utility = logit.coding.matrix(task) @ logit.coefficients
        chance = np.exp(utility) / np.exp(utility).sum()
        chosen = int(np.flatnonzero(task["chosen"])[0])
        losses.append(-np.log(chance[chosen]))
        likeliest = np.isclose(utility, utility.max())  # a profile may be shown twice
        hits.append(likeliest[chosen] / likeliest.sum())
    return np.mean(losses), np.mean(hits)


def test_the_logit_predicts_as_calculated_by_hand(study, choices):
    table = held_out(choices)
    logit = fit_mnl(study, table)
    found = scores(validate(beliefs_of(logit, table, seed=1), None, table, seed=1))["mnl"]
    loss, hit = by_hand(logit, table)
    assert found.log_loss.value == pytest.approx(loss)
    assert found.hit_rate.value == pytest.approx(hit)
    assert found.log_loss.n == 300
    assert found.log_loss.low < loss < found.log_loss.high < np.log(4)


def test_everybody_must_see_a_task_for_its_shares_to_be_judged(study, choices, fixed, logit):
    random = held_out(choices)
    found = validate(beliefs_of(logit, random, seed=1), None, random, seed=1)
    assert found.scores[0].shares.mae is None
    assert "different holdout tasks" in found.scores[0].shares.reason
    assert not scores(found)["commonest choice of the others"].log_loss.available
    found = validate(beliefs_of(logit, fixed, seed=1), None, fixed, seed=1)
    shares = found.scores[0].shares
    assert (shares.tasks, shares.reason) == (2, "")
    assert shares.mae < shares.noise_high


def test_sampling_noise_is_that_of_multinomial_counts(fixed, logit):
    found = validate(beliefs_of(logit, fixed, seed=1), None, fixed, seed=1)
    frame = fixed.frame[fixed.frame["role"] == "holdout"]
    observed = frame.groupby(["task", "alternative"])["chosen"].mean().to_numpy()
    expected = np.sqrt(2 / np.pi * observed * (1 - observed) / 300).mean()
    assert found.scores[0].shares.noise == pytest.approx(expected, rel=0.05)


def test_the_commonest_choice_leaves_the_respondent_out(fixed, logit):
    found = scores(validate(beliefs_of(logit, fixed, seed=1), None, fixed, seed=1))
    frame = fixed.frame[fixed.frame["role"] == "holdout"]
    chosen = frame[frame["chosen"]].pivot(index="respondent", columns="task", values="alternative")
    losses, hits = [], []
    for task in HELD:
        for person in chosen.index:
            others = chosen[task].drop(person).value_counts().reindex(range(1, 5), fill_value=0)
            own = chosen.loc[person, task]
            losses.append(-np.log((others[own] + 0.25) / 300))
            hits.append((others[own] == others.max()) / (others == others.max()).sum())
    common = found["commonest choice of the others"]
    assert common.log_loss.value == pytest.approx(np.mean(losses))
    assert common.hit_rate.value == pytest.approx(np.mean(hits))
    assert common.shares.mae is None
    equal = found["equal chances"]
    assert (equal.log_loss.value, equal.hit_rate.value) == pytest.approx((np.log(4), 0.25))
    assert equal.shares.mae > found["mnl"].shares.mae


def test_a_repeated_task_gives_the_ceiling(study, choices):
    frame = choices.frame[choices.frame["task"] <= 3].copy()
    again = frame[frame["task"] == 3].copy()
    again["task"] = 9
    again["alternative"] = 5 - again["alternative"]  # shown in the opposite order
    changed = again["respondent"].astype(int) < 60
    first = again.groupby("respondent")["alternative"].transform("min")
    was_first = again.groupby("respondent")["chosen"].transform("first")
    again.loc[changed, "chosen"] = (
        again["alternative"] == np.where(was_first, first, again["alternative"].max())
    )[changed]
    both = pd.concat([frame, again]).sort_values(["respondent", "task", "alternative"])
    table = check_choices(both.reset_index(drop=True), choices.exercise)
    logit = fit_mnl(study, held_out(table))
    found = validate(beliefs_of(logit, held_out(table), seed=1), None, held_out(table), seed=1)
    answers = table.frame[table.frame["chosen"]].set_index(["respondent", "task"])
    one = answers.xs(3, level="task")["alternative"]
    two = 5 - answers.xs(9, level="task")["alternative"]
    expected = np.mean(one == two.reindex(one.index))
    assert 0.7 < expected < 1
    # profiles shown twice within the task may be exchanged, which counts as the same answer
    assert found.agreement.value == pytest.approx(expected, abs=0.05)
    assert re.match("30[0-3] repeated tasks; ", found.agreement.method)  # some by chance


def test_without_a_repeat_the_ceiling_is_unknown(study, choices):
    own = (choices.frame["task"] <= 2) & (choices.frame["respondent"].astype(int) < 60)
    few = choices.frame[own].reset_index(drop=True)
    table = held_out(check_choices(few, choices.exercise))
    found = validate(beliefs_of(fit_mnl(study, table), table, seed=1), None, table, seed=1)
    assert found.agreement.reason == "unknown: no repeated task"


def test_classes_are_believed_by_membership(study, fixed):
    found = fit_latent_class(study, fixed, classes=2, seed=1, starts=2)
    beliefs = beliefs_of(found, fixed, seed=1)
    chances = np.array([chance for _, chance in beliefs.points(found.respondents)]).T
    np.testing.assert_allclose(chances, found.membership, atol=1e-6)
    strangers = np.array([chance for _, chance in beliefs.points(["nobody"])])
    np.testing.assert_allclose(strangers[:, 0], found.mixture.shares)


def test_mixed_logit_is_believed_by_its_own_draws(study, fixed):
    frame = fixed.frame[fixed.frame["respondent"].astype(int) < 60].reset_index(drop=True)
    few = check_choices(frame, fixed.exercise)
    found = fit_mixed_logit(study, few, n_draws=40, random=["look", "price"])
    beliefs = beliefs_of(found, few, seed=1)
    means = sum(chance[:, None] * beta for beta, chance in beliefs.points(found.respondents))
    rows = found.coding.level_rows()[1]
    np.testing.assert_allclose(means @ rows.T, found.individual_means, atol=1e-10)
    both = np.array([(b[1], c[1]) for b, c in beliefs.points(["0", "stranger"])], dtype=object)
    assert sum(both[:, 1]) == pytest.approx(1)


def test_people_who_are_not_in_the_fit_are_predicted_from_the_population(study, choices):
    frame = choices.frame.copy()
    new = frame["respondent"].astype(int) >= 250
    frame["role"] = np.where(new, "holdout", "estimation")
    table = replace(choices, frame=frame)
    for fitted in (
        fit_mnl(study, table),
        fit_hb(study, table, seed=2, settings=Settings(burn_in=200, draws=100, kept=100)),
    ):
        found = validate(beliefs_of(fitted, table, seed=3), None, table, seed=1)
        assert (found.respondents, found.new_respondents, found.tasks) == (50, 50, 400)
        assert found.scores[0].log_loss.high < found.chance_log_loss
    mean = np.mean([beta[0] for beta, _ in beliefs_of(fitted, table, seed=3).points(["x"])], axis=0)
    spread = fitted.hierarchy.posterior.sigma.mean((0, 1))
    error = np.sqrt(np.diag(spread) / 100)
    assert np.all(np.abs(mean - fitted.coefficients) < 5 * error)


def test_root_likelihood_of_respondents(study, choices):
    table = held_out(choices)
    logit = fit_mnl(study, table)
    fit = respondent_fit(beliefs_of(logit, table, seed=1), table).set_index("respondent")
    total = (fit["n_tasks"] * np.log(fit["rlh"])).sum()
    assert total == pytest.approx(logit.log_likelihood)
    assert list(fit["n_tasks"].unique()) == [6]
    assert list(fit["holdout_n_tasks"].unique()) == [2]
    assert fit["chance_rlh"].to_numpy() == pytest.approx(0.25)
    loss, hit = by_hand(logit, table)
    assert -np.log(fit["holdout_rlh"]).mean() == pytest.approx(loss)
    assert fit["holdout_hit_rate"].mean() == pytest.approx(hit)


def test_draws_and_mean_part_worths_are_named_apart(study, choices):
    frame = choices.frame[choices.frame["respondent"].astype(int) < 60].reset_index(drop=True)
    table = held_out(check_choices(frame, choices.exercise))
    settings = Settings(burn_in=100, draws=100, kept=100)
    found = fit_hb(study, table, seed=1, settings=settings)
    beliefs = beliefs_of(found, table, seed=1)
    fit = respondent_fit(beliefs, table).set_index("respondent")
    tasks = tasks_of(found.coding, table, "estimation")
    beta = found.hierarchy.posterior.beta.reshape(-1, 60, 5).astype(float)
    person = 7
    at = tasks.people.index(found.hierarchy.respondents[person])
    x = np.concatenate([c.x.reshape(-1, 4, 5) for c in tasks.chunks])[tasks.person == at]
    chosen = tasks.chosen[tasks.person == at]
    utility = np.einsum("tjk,dk->dtj", x, beta[:, person])
    logs = utility - np.log(np.exp(utility).sum(2, keepdims=True))
    each = logs[:, np.arange(6), chosen].mean(1)
    own = fit.loc[found.hierarchy.respondents[person]]
    assert own["rlh"] == pytest.approx(np.exp(each).mean(), rel=1e-5)
    mean = x @ beta[:, person].mean(0)
    at_mean = (mean - np.log(np.exp(mean).sum(1, keepdims=True)))[np.arange(6), chosen].mean()
    assert own["rlh_at_mean"] == pytest.approx(np.exp(at_mean), rel=1e-5)


def test_the_bootstrap_covers_a_mean_of_answers():
    rng = np.random.default_rng(2)
    inside = 0
    for study in range(200):
        chance = rng.beta(2, 2, size=120)
        counts = rng.integers(1, 5, size=120).astype(float)
        sums = rng.binomial(counts.astype(int), chance).astype(float)
        found = mean_of_answers(sums, counts, seed=study)
        inside += found.low <= 0.5 <= found.high
    assert inside / 200 == pytest.approx(0.95, abs=0.045)
    few = mean_of_answers(np.ones(9), np.ones(9), seed=1)
    assert "9 respondents" in few.reason


def test_better_is_said_only_when_the_paired_interval_excludes_zero():
    rng = np.random.default_rng(3)
    names = {"respondent": np.repeat(np.arange(80), 2), "task": np.tile([1, 2], 80)}
    hard = rng.normal(1.0, 0.5, size=160)
    tables = {
        "good": pd.DataFrame({**names, "log_loss": hard - 0.05 + rng.normal(0, 0.1, size=160)}),
        "plain": pd.DataFrame({**names, "log_loss": hard}),
        "noisy": pd.DataFrame({**names, "log_loss": hard + rng.normal(0, 0.1, size=160)}),
    }
    said = {(d.first, d.second): d.verdict for d in paired_differences(tables)}
    assert said["good", "plain"] == "good predicts better"
    assert said["plain", "noisy"] == "no clear difference"
    tables["other"] = tables["plain"].iloc[:-1]
    with pytest.raises(ValueError, match="different holdout answers"):
        paired_differences(tables)


def test_information_criteria():
    assert information_criteria(-100.0, 5, 50) == pytest.approx((210, 200 + 5 * np.log(50)))
