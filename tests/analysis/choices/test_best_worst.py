"""Best-worst scaling: the likelihood of the formula, planted utilities, scales that add up."""

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import approx_fprime, minimize

from analysis.choices.best_worst import (
    best_worst_sets,
    check_best_worst,
    fit_best_worst,
    read_best_worst,
)
from analysis.choices.identification import NotIdentified
from analysis.choices.mnl import evaluate
from analysis.study import Study
from analysis.tables import TableFaults

NAMES = ["fresh", "near", "cheap", "kind", "quick", "pretty"]
TRUTH = np.array([1.2, 0.5, 0.1, -0.2, -0.6, -1.0])


def make():
    items = [{"id": name, "label": name.title()} for name in NAMES]
    exercise = {"id": "m", "kind": "best_worst", "question": "?", "items": items}
    return Study.model_validate({"study": "s", "title": "S", "exercises": [exercise]})


def simulated(*, people=200, tasks=8, size=4, seed=1, utilities=TRUTH):
    """Best by the logit; worst among the others by the logit of negated utilities."""
    generator = np.random.default_rng(seed)
    parts = []
    for person in range(people):
        for task in range(tasks):
            shown = generator.permutation(6)[:size]
            best = (utilities[shown] + generator.gumbel(size=size)).argmax()
            worst = -utilities[shown] + generator.gumbel(size=size)
            worst[best] = -np.inf
            row = {"respondent": person, "task": task, "item": [NAMES[i] for i in shown]}
            row |= {"best": np.arange(size) == best, "worst": np.arange(size) == worst.argmax()}
            parts.append(pd.DataFrame(row))
    return pd.concat(parts, ignore_index=True)


@pytest.fixture(scope="module")
def study():
    return make()


@pytest.fixture(scope="module")
def frame():
    return simulated()


@pytest.fixture(scope="module")
def fitted(study, frame):
    return fit_best_worst(study, check_best_worst(frame, study.exercise()), seed=1)


def log_likelihood(frame, utilities):
    """The sequential logit, task by task, without the package."""
    worth = dict(zip(NAMES, utilities, strict=True))
    total = 0.0
    for _, task in frame.groupby(["respondent", "task"]):
        u = task["item"].map(worth).to_numpy()
        best, worst = task["best"].to_numpy(), task["worst"].to_numpy()
        total += u[best][0] - np.log(np.exp(u).sum())
        total += -u[worst][0] - np.log(np.exp(-u[~best]).sum())
    return total


def test_the_likelihood_is_that_of_the_formula(fitted, frame):
    utilities = [score.utility for score in fitted.scores]
    assert sum(utilities) == pytest.approx(0, abs=1e-12)
    expected = log_likelihood(frame, utilities)
    assert fitted.part_worths.log_likelihood == pytest.approx(expected, abs=1e-8)
    zero = log_likelihood(frame, np.zeros(6))
    assert fitted.part_worths.null_log_likelihood == pytest.approx(zero)


def test_gradient_and_information_match_numeric_ones(study, fitted, frame):
    few = frame[frame["respondent"] < 30]
    mixed = few[~((few["task"] == 1) & ~few["best"] & ~few["worst"] & (few.index % 4 == 0))]
    answers = check_best_worst(mixed, study.exercise())
    sets = best_worst_sets(
        fitted.part_worths.coding, answers, {str(n): 1 + n % 2 for n in range(30)}
    )
    point = np.array([0.5, -0.3, 0.2, 0.8, -0.4])
    here = evaluate(sets, point)
    numeric = approx_fprime(point, lambda b: evaluate(sets, b).log_likelihood, 1e-6)
    np.testing.assert_allclose(here.gradient, numeric, rtol=1e-4, atol=1e-2)
    bend = [
        (evaluate(sets, point + h).gradient - evaluate(sets, point - h).gradient) / 2e-5
        for h in 1e-5 * np.eye(5)
    ]
    np.testing.assert_allclose(-here.information, bend, rtol=1e-6, atol=1e-4)


def test_a_general_optimiser_finds_the_same_maximum(study):
    frame = simulated(people=12, tasks=5, seed=3)
    fitted = fit_best_worst(study, check_best_worst(frame, study.exercise()), seed=1)

    def loss(free):
        return -log_likelihood(frame, np.append(free, -free.sum()))

    found = minimize(loss, np.zeros(5), method="BFGS", options={"gtol": 1e-3})
    utilities = [score.utility for score in fitted.scores][:5]
    np.testing.assert_allclose(utilities, found.x, atol=1e-3)


def test_planted_utilities_come_back(fitted):
    for score, truth in zip(fitted.scores, TRUTH, strict=True):
        assert abs(score.utility - truth) < 3.5 * score.se < 0.4


def test_scales(fitted):
    scores = {s.item: s for s in fitted.scores}
    assert list(scores) == NAMES
    assert (scores["fresh"].score.value, scores["pretty"].score.value) == (100, 0)
    assert sum(s.share.value for s in fitted.scores) == pytest.approx(100)
    assert fitted.set_size == 4
    u = scores["near"].utility
    assert scores["near"].chance.value == pytest.approx(np.exp(u) / (np.exp(u) + 3))
    ratio = scores["near"].share.value / scores["kind"].share.value
    assert ratio == pytest.approx(scores["near"].chance.value / scores["kind"].chance.value)
    for s in fitted.scores:
        for estimate in (s.score, s.chance, s.share):
            assert estimate.low <= estimate.value <= estimate.high


def test_a_weight_of_two_counts_like_two_people(study, frame):
    some = frame["respondent"] < 60
    copies = frame[some].assign(respondent=frame.loc[some, "respondent"] + 1000)
    both = pd.concat([frame, copies])
    doubled = fit_best_worst(study, check_best_worst(both, study.exercise()), seed=1)
    weights = {str(n): 2.0 if n < 60 else 1.0 for n in range(200)}
    answers = check_best_worst(frame, study.exercise())
    weighted = fit_best_worst(study, answers, seed=1, weights=weights)
    np.testing.assert_allclose(
        weighted.part_worths.coefficients, doubled.part_worths.coefficients, atol=1e-9
    )


def test_what_cannot_be_fitted_is_refused_by_name(study, frame):
    def fit(table):
        return fit_best_worst(study, check_best_worst(table, study.exercise()), seed=1)

    keys = [frame["respondent"], frame["task"]]
    seen = (frame["item"] == "pretty").groupby(keys).transform("any")
    with pytest.raises(NotIdentified, match="item 'pretty' is in no task"):
        fit(frame[~seen])
    first = frame["item"].isin(NAMES[:3]).groupby(keys).transform("sum")
    three = simulated(people=40, size=3)
    keys = [three["respondent"], three["task"]]
    first = three["item"].isin(NAMES[:3]).groupby(keys).transform("sum")
    with pytest.raises(NotIdentified, match="never compared"):
        fit(three[first.isin([0, 3])])
    sure = simulated(people=20, utilities=1000 * TRUTH)
    with pytest.raises(NotIdentified, match="order 'fresh', 'near', 'cheap', 'kind', 'quick'"):
        fit(sure)


def test_all_faults_of_the_table_are_listed(study, tmp_path):
    path = tmp_path / "answers.csv"
    path.write_text(
        "respondent,task,item,best,worst\n1,1,fresh,1,1\n1,1,near,1,0\n1,1,near,0,0\n"
        "1,2,fresh,1,0\n1,2,kind,0,1\n"
    )
    with pytest.raises(TableFaults) as caught:
        read_best_worst(path, study.exercise())
    said = str(caught.value)
    assert "row 2, column 'best': the task has not exactly one best item" in said
    assert "row 2, column 'worst': the item is both best and worst" in said
    assert "row 4, column 'item': the item stands twice" in said
    assert "row 5, column 'item': the task has fewer than three items" in said
    path.write_text("respondent,task,item,best,worst\n1,1,odd,1,2\n")
    with pytest.raises(TableFaults) as caught:
        read_best_worst(path, study.exercise())
    assert "'odd' is not a level" in str(caught.value)
    assert "column 'worst': '2' is not 0 or 1" in str(caught.value)


def test_one_respondent_has_utilities_without_intervals(study):
    frame = simulated(people=1, tasks=80, utilities=TRUTH / 2)
    found = fit_best_worst(study, check_best_worst(frame, study.exercise()), seed=1)
    assert found.scores[0].utility > found.scores[-1].utility
    assert "need more respondents (1)" in found.scores[0].share.reason
