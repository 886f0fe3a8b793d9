"""Best-worst scores of every respondent: planted utilities, scales, and the ceiling."""

import numpy as np
import pandas as pd
import pytest

from analysis.choices.best_worst import (
    best_worst_sets,
    check_best_worst,
    fit_best_worst_hb,
    individual_scores,
)
from analysis.choices.hb import Settings
from analysis.choices.hb.fit import packed_sets
from analysis.choices.identification import NotIdentified
from analysis.study import Study
from tests.analysis.choices.hb.test_kernel import at

NAMES = ["fresh", "near", "cheap", "kind", "quick", "pretty"]
MEANS = np.array([1.2, 0.5, 0.1, -0.2, -0.6, -1.0])
SPREAD = 0.9
PEOPLE, SETS, SIZE = 200, 9, 4
SHORT = Settings(burn_in=100, draws=60)


def make():
    items = [{"id": name, "label": name.title()} for name in NAMES]
    exercise = {"id": "m", "kind": "best_worst", "question": "?", "items": items}
    return Study.model_validate({"study": "s", "title": "S", "exercises": [exercise]})


def truth(people=PEOPLE, seed=1):
    """(people, items) utilities, zero on average over the items."""
    own = MEANS + SPREAD * np.random.default_rng(seed).normal(size=(people, 6))
    return own - own.mean(1, keepdims=True)


def answered(utilities, seed=2, sets=SETS):
    generator = np.random.default_rng(seed)
    parts = []
    for person, own in enumerate(utilities):
        for task in range(sets):
            shown = generator.permutation(6)[:SIZE]
            best = (own[shown] + generator.gumbel(size=SIZE)).argmax()
            worst = -own[shown] + generator.gumbel(size=SIZE)
            worst[best] = -np.inf
            marks = np.arange(SIZE) == best, np.arange(SIZE) == worst.argmax()
            parts.append(
                pd.DataFrame(
                    {
                        "respondent": person,
                        "task": task,
                        "item": [NAMES[i] for i in shown],
                        "best": marks[0],
                        "worst": marks[1],
                    }
                )
            )
    return pd.concat(parts, ignore_index=True)


@pytest.fixture(scope="module")
def study():
    return make()


@pytest.fixture(scope="module")
def answers(study):
    return check_best_worst(answered(truth()), study.exercise())


@pytest.fixture(scope="module")
def fitted(study, answers):
    return fit_best_worst_hb(study, answers, seed=1, settings=Settings(burn_in=300, draws=1000))


def test_the_likelihood_is_that_of_the_sequential_logit(fitted, answers):
    sets = best_worst_sets(fitted.part_worths.coding, answers)
    own = truth()
    people = np.array(sets.respondents).astype(int)
    ll, _, _ = at(packed_sets(sets), own[people, :5])
    expected = np.zeros(PEOPLE)
    for (person, _), task in answers.frame.groupby(["respondent", "task"], observed=True):
        u = own[int(person), task["item"].cat.codes]
        best, worst = task["best"].to_numpy(), task["worst"].to_numpy()
        expected[int(person)] += u[best][0] - np.log(np.exp(u).sum())
        expected[int(person)] -= u[worst][0] + np.log(np.exp(-u[~best]).sum())
    np.testing.assert_allclose(ll, expected[people], rtol=1e-4, atol=1e-4)


def test_planted_means_and_spreads_come_back(fitted):
    worths = fitted.part_worths
    assert worths.converged, worths.warnings
    assert (worths.estimator, worths.n_tasks) == ("best-worst", PEOPLE * SETS)
    expected = truth().mean(0)
    for score, utility in zip(fitted.scores, expected, strict=True):
        assert abs(score.utility - utility) < 4 * score.se < 0.6
    sigma = worths.hierarchy.posterior.sigma
    rows = worths.coding.level_rows()[1]
    spread = np.sqrt(np.einsum("lk,cdkm,lm->cdl", rows, sigma, rows)).reshape(-1, 6)
    low, high = np.quantile(spread, [0.001, 0.999], axis=0)
    centred = SPREAD * np.sqrt(5 / 6)
    assert np.all((low < centred) & (centred < high))


def test_respondents_are_known_as_well_as_so_few_answers_allow(fitted):
    """The correlation with the truth is that which the posterior itself expects, not more."""
    table = individual_scores(fitted).set_index("respondent")
    own = truth()[table.index.astype(int)]
    mean, deviation = table[NAMES].to_numpy(), table[[f"{n} sd" for n in NAMES]].to_numpy()
    within = [np.corrcoef(mean[:, k], own[:, k])[0, 1] for k in range(6)]
    spread = mean.var(axis=0)
    ceiling = np.sqrt(spread / (spread + np.square(deviation).mean(0)))
    np.testing.assert_allclose(within, ceiling, atol=0.12)
    assert 0.65 < np.mean(within) < 0.9
    inside = np.abs(mean - own) < 1.96 * deviation
    assert inside.mean() == pytest.approx(0.95, abs=0.03)


def test_scores_are_means_of_respondents(fitted):
    table = individual_scores(fitted)
    for kind, total in (("share", 100), ("chance", None), ("score_0_100", None)):
        own = table[[f"{name} {kind}" for name in NAMES]].to_numpy()
        if total:
            np.testing.assert_allclose(own.sum(1), total)
        key = "score" if kind == "score_0_100" else kind
        found = [getattr(score, key) for score in fitted.scores]
        values = np.array([e.value for e in found])
        np.testing.assert_allclose(own.mean(0), values, atol=0.02 * values.max())
        assert all(e.low < e.value < e.high and e.n == PEOPLE for e in found)
        assert all("bootstrap over respondents" in e.method for e in found)
    own = truth()
    shares = 1 / (1 + 3 * np.exp(-own))
    shares = 100 * shares / shares.sum(1, keepdims=True)
    for score, share in zip(fitted.scores, shares.T, strict=True):
        assert score.share.low - 1 < share.mean() < score.share.high + 1


def test_weights_enter_the_scores_and_not_the_fit(study, answers):
    plain = fit_best_worst_hb(study, answers, seed=1, settings=SHORT)
    own = truth()
    weights = {str(n): float(own[n, 0] > own[n, 1]) for n in range(PEOPLE)}
    some = fit_best_worst_hb(study, answers, seed=1, settings=SHORT, weights=weights)
    np.testing.assert_array_equal(plain.part_worths.coefficients, some.part_worths.coefficients)
    assert some.scores[0].share.value > plain.scores[0].share.value + 1
    assert some.scores[0].share.n == sum(weights.values())


def test_everybody_agreeing_perfectly_is_no_obstacle_but_unseen_items_are(study):
    sure = answered(np.tile(1000 * MEANS, (20, 1)))
    found = fit_best_worst_hb(
        study, check_best_worst(sure, study.exercise()), seed=1, settings=SHORT
    )
    assert [s.item for s in sorted(found.scores, key=lambda s: -s.utility)] == NAMES
    seen = (sure["item"] == "pretty").groupby([sure["respondent"], sure["task"]]).transform("any")
    with pytest.raises(NotIdentified, match="item 'pretty' is in no task"):
        fit_best_worst_hb(study, check_best_worst(sure[~seen], study.exercise()), seed=1)


def test_one_respondent_with_one_set_gives_wide_draws(study):
    one = answered(truth(1), sets=2)
    two = answered(truth(2), seed=3, sets=1).assign(respondent=lambda f: f["respondent"] + 1)
    frame = pd.concat(
        [one, two, answered(truth(3), seed=5, sets=2).query("respondent == 2").assign(respondent=9)]
    )
    found = fit_best_worst_hb(
        study, check_best_worst(frame, study.exercise()), seed=1, settings=SHORT
    )
    assert found.part_worths.n_respondents == 4
    assert all(np.isfinite(s.utility) and s.score.high > s.score.low for s in found.scores)
