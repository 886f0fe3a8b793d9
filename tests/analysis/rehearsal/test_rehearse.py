"""What a rehearsal promises is what later studies show."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import chi2, norm

from analysis.choices.mnl import fit_mnl, fit_sets
from analysis.choices.partworths import level_worths
from analysis.choices.willingness_to_pay import willingness_to_pay
from analysis.rehearsal import words
from analysis.rehearsal.laid_out import RehearsalFault
from analysis.rehearsal.population import PLANTED, population_of
from analysis.rehearsal.repeats import power_of
from analysis.rehearsal.run import rehearse
from analysis.rehearsal.sample_size import one_respondent
from analysis.rehearsal.types import Figure, Rehearsal
from analysis.study.types import Targets
from analysis.tables import check_choices
from tests.analysis.rehearsal.studies import laid, study_of

N, REPEATS = 150, 100


@pytest.fixture(scope="module")
def study():
    return study_of()


@pytest.fixture(scope="module")
def found(study):
    return rehearse(study, n=N, repeats=REPEATS, seed=1)


def real_choices(study, n, rng):
    """Choices made row by row, without the rehearsal's own simulator."""
    design = laid(study)
    coding, population = design.coding, population_of(design.coding)
    root = np.linalg.cholesky(population.covariance + 1e-12 * np.eye(coding.width))
    names = [a.id for a in coding.exercise.attributes]
    shown = {
        key: rows[names].to_dict("records") for key, rows in design.frame.groupby(["block", "task"])
    }
    roles = design.frame.groupby(["block", "task"])["role"].first()
    rows = []
    for person in range(n):
        worths = population.mean + root @ rng.standard_normal(coding.width)
        for (block, task), alternatives in shown.items():
            if block != person % 5 + 1:
                continue
            offered = [*alternatives, None]
            utility = [coding.row(a) @ worths + rng.gumbel() for a in offered]
            rows += [
                {
                    "respondent": f"p{person}",
                    "task": task,
                    "alternative": k + 1,
                    "chosen": int(k == int(np.argmax(utility))),
                    "role": roles[block, task],
                    **(a or dict.fromkeys(names)),
                }
                for k, a in enumerate(offered)
            ]
    return check_choices(pd.DataFrame(rows), coding.exercise)


def test_promised_errors_are_those_of_later_studies(study, found):
    rng = np.random.default_rng(99)
    fits = [fit_mnl(study, real_choices(study, N, rng)) for _ in range(24)]
    later = np.array([[w.part_worth for w in level_worths(f)] for f in fits])
    stated = np.array([[w.se for w in level_worths(f)] for f in fits]).mean(axis=0)
    half = [willingness_to_pay(f, "colour", "red", "blue") for f in fits]
    for k, row in enumerate(found.main.worths):
        assert stated[k] == pytest.approx(row.estimated_se.value, rel=0.06)
        ratio = later[:, k].var(ddof=1) / row.estimated_se.value**2
        low, high = chi2.ppf([0.0005, 0.9995], len(fits) - 1) / (len(fits) - 1)
        assert low < ratio < high
        noise = row.estimated_se.value * (1 / len(fits) + 1 / REPEATS) ** 0.5
        assert abs(later[:, k].mean() - row.estimate.value) < 4 * noise
    money = found.main.money[0]
    seen = np.median([(e.high - e.low) / 2 for e in half])
    assert seen == pytest.approx(money.half_width.value, rel=0.1)


def test_estimates_stand_at_their_limit_and_intervals_cover_it(found):
    for row in found.main.worths:
        assert abs(row.bias.value) < 4 * row.bias.error + 0.02 * abs(row.true)
        assert row.empirical_se.value == pytest.approx(row.estimated_se.value, rel=0.25)
    covered = np.mean([row.coverage.value for row in found.main.worths])
    assert 0.9 < covered < 0.985
    assert 0.88 < np.mean([row.coverage.value for row in found.main.money]) <= 1


def test_the_same_seed_gives_the_same_rehearsal(study):
    one, two = (rehearse(study, n=40, repeats=3, seed=4) for _ in range(2))
    assert one.model_copy(update={"seconds": 0.0}) == two.model_copy(update={"seconds": 0.0})
    assert rehearse(study, n=40, repeats=3, seed=5).main != one.main
    assert Rehearsal.model_validate_json(one.model_dump_json()) == one


def test_power_is_how_often_the_smallest_difference_is_found(study, found):
    """Counted: estimates moved so that the true difference is the one that matters."""
    wanted = study.analysis.targets.smallest_difference
    row = next(r for r in found.main.power if r.attribute == "colour")
    design = laid(study)
    rng = np.random.default_rng(8)
    population = population_of(design.coding)
    columns = design.coding.contrast("colour", row.from_level, row.to_level)
    limit = design.limit(population.spread_evenly(4096, PLANTED, seed=2), N) @ columns
    hits = 0
    for _ in range(200):
        answers = design.answers(population.draw(N, PLANTED, rng), rng)
        fitted = fit_sets(design.sets(answers), np.zeros(design.coding.width))
        error = (columns @ fitted.covariance("cluster") @ columns) ** 0.5
        hits += abs(fitted.coefficients @ columns - limit + wanted) > 1.96 * error
    noise = (row.power.value * (1 - row.power.value) / 200) ** 0.5
    assert abs(hits / 200 - row.power.value) < 4 * (noise + row.power.error)


def test_power_formula_by_hand():
    targets = Targets(smallest_difference=0.28, power=0.8)
    exact = Figure(value=0.1, error=0.0)
    power, needed = power_of(exact, exact, 100, targets)
    assert power.value == pytest.approx(norm.cdf(2.8 - 1.959964))
    assert needed.value == pytest.approx(100 * ((1.959964 + 0.841621) * 0.1 / 0.28) ** 2, rel=1e-5)


def test_the_number_it_names_reaches_the_targets(study, found):
    needed = found.needed[-1].respondents.value
    again = rehearse(study, n=round(needed * 1.15), repeats=60, seed=77, worlds=False)
    assert words.verdict(again) in ("reached", "close")
    fewer = rehearse(study, n=round(needed * 0.6), repeats=60, seed=77, worlds=False)
    assert words.verdict(fewer) == "missed"


def test_other_worlds_stand_beside_and_are_worse(found):
    worlds = {w.world: w for w in found.worlds}
    price = {
        name: next(r for r in w.worths if r.attribute == "price").estimate.value
        for name, w in {**worlds, "planted": found.main}.items()
    }
    assert abs(price["random_responders"]) < 0.95 * abs(price["planted"])
    assert abs(price["non_attendance"]) < 0.95 * abs(price["planted"])
    assert abs(price["price_limits"]) > 1.1 * abs(price["planted"])
    assert price["halved"] == pytest.approx(price["planted"] / 2, rel=0.15)
    assert worlds["halved"].widest.half_width.value > 1.3 * found.main.widest.half_width.value
    assert worlds["random_responders"].hits.logit.value < found.main.hits.logit.value - 0.02


def test_the_hit_rate_to_expect_lies_between_guessing_and_knowing(study, found):
    hits = found.main.hits
    assert hits.chance == 0.25
    assert hits.chance < hits.logit.value < hits.best_possible
    rng = np.random.default_rng(4)
    choices = real_choices(study, 200, rng)
    held = choices.frame[choices.frame["role"] == "holdout"].reset_index(drop=True)
    utility = fit_mnl(study, choices).coding.matrix(held) @ fit_mnl(study, choices).coefficients
    best = pd.Series(utility).groupby([held["respondent"], held["task"]]).idxmax()
    assert held["chosen"][best].mean() == pytest.approx(hits.logit.value, abs=0.08)


def test_rules_of_thumb_by_hand(study, found):
    rules = {rule.name: rule.respondents for rule in found.rules}
    assert rules["Orme, n t a / c = 500"] == pytest.approx(500 * 4 / (8 * 3))
    design = laid(study)
    population = population_of(design.coding)
    information = np.zeros((design.coding.width,) * 2)
    for block, task in np.argwhere(design.estimation):
        x = design.x[block, task]
        p = np.exp(x @ population.mean) / np.exp(x @ population.mean).sum()
        information += x.T @ (np.diag(p) - np.outer(p, p)) @ x / design.blocks
    variances = np.linalg.inv(information)
    assert one_respondent(design, population) == pytest.approx(variances, rel=1e-6)
    mean = population.mean
    there = np.abs(mean) > 1e-9
    by_hand = (1.959964**2 * np.diag(variances)[there] / mean[there] ** 2).max()
    assert rules["S-error (Bliemer and Rose)"] == pytest.approx(by_hand, rel=1e-5)
    across = design.coding.contrast("price", "1", "4")
    pairs = [design.coding.contrast("size", a, b) for a, b in
             (("small", "middle"), ("small", "large"), ("middle", "large"))]  # fmt: skip
    pairs += [across, design.coding.contrast("colour", "red", "blue")]
    worst = max(c @ variances @ c for c in pairs)
    by_hand = (1.644854 + 0.841621) ** 2 * worst / 0.3**2
    assert rules["de Bekker-Grob and others (2015)"] == pytest.approx(by_hand, rel=1e-5)


def test_verdict_and_words(study, found):
    loose = "{willingness_to_pay_half_width: 30, smallest_difference: 2, respondents: 150}"
    assert words.verdict(rehearse(study_of(targets=loose), n=N, repeats=10)) == "reached"
    strict = "{willingness_to_pay_half_width: 0.01, smallest_difference: 0.3, respondents: 150}"
    missed = rehearse(study_of(targets=strict), n=N, repeats=10)
    assert words.verdict(missed) == "missed"
    assert "more than the 0.01 wanted" in words.shortfall(missed)
    none = rehearse(study_of(targets="{respondents: 150}"), n=N, repeats=10)
    assert words.verdict(none) == "no targets"
    assert words.shortfall(none) == ""


def test_a_target_in_money_without_a_price_is_missed():
    without = "{id: shape, label: Shape, levels: [{id: round, label: R}, {id: square, label: S}]}"
    found = rehearse(study_of(priors="", price=without), n=100, repeats=5)
    assert words.verdict(found) == "missed"
    assert "no price" in words.shortfall(found)
    assert found.needed[-1].respondents.value is None
    assert "No number of respondents can be named" in words.shortfall(found)


def test_a_stepped_price_is_rehearsed_too():
    price = "{id: price, label: Price, tag: price, levels: [1, 2, 3, 4]}"
    priors = "\n".join(
        ["colour: {means: {red: 0, blue: 0.8}, sd: 0.4}",
         "price: {means: {1: 1.2, 2: 0.8, 3: 0.4, 4: 0}, sd: 0.2}"]
    )  # fmt: skip
    found = rehearse(study_of(priors=priors, price=price), n=200, repeats=4)
    colour = found.main.money[0]
    assert colour.true == pytest.approx(2.0, rel=0.1)
    assert colour.half_width.value > 0


@pytest.mark.parametrize(
    ("n", "repeats", "said"),
    [(5, 10, "too few for 5 part-worths"), (50, 1, "at least 2 repeats")],
)
def test_what_cannot_be_rehearsed_says_why(study, n, repeats, said):
    with pytest.raises(RehearsalFault, match=said):
        rehearse(study, n=n, repeats=repeats)


def test_prohibitions_that_hide_a_part_worth_are_named():
    more = "prohibitions: [{colour: red, size: [small, middle]}, {colour: blue, size: large}]"
    with pytest.raises(RehearsalFault, match="vary together in every task") as refused:
        rehearse(study_of(more=more), n=100, repeats=3)
    assert "colour 'red', size 'small', size 'middle'" in str(refused.value)


def test_studies_in_which_nobody_ever_chooses_a_level_have_no_estimate():
    """As with the estimator itself: perfect prediction is no estimate, however it converges."""
    priors = "colour: {means: {red: 0, blue: 9}, sd: 0}\nprice: {mean: -0.2, sd: 0}"
    with pytest.raises(RehearsalFault, match="level 'red' of attribute 'colour' is never chosen"):
        rehearse(study_of(priors=priors, none=""), n=20, repeats=4, worlds=False)


def test_tasks_too_few_for_the_part_worths_are_named():
    more = "interactions: [[colour, size]]"
    few = study_of(more=more, priors="", none="")
    exercise = few.exercises[0]
    plan = exercise.design.model_copy(update={"blocks": 1})
    short = exercise.model_copy(update={"design": plan, "tasks": 2, "holdouts": 0})
    with pytest.raises(RehearsalFault, match="cannot be told apart"):
        rehearse(few.model_copy(update={"exercises": (short,)}), n=100, repeats=3)


def test_hierarchical_bayes_stands_beside(study):
    found = rehearse(study, n=60, repeats=3, hb_repeats=1)
    hb = found.hierarchical
    assert hb.repeats == 1
    assert hb.hit_rate.value is None or 0 < hb.hit_rate.value < 1
    price = next(row for row in hb.worths if row.attribute == "price")
    assert price.planted == -0.4
    assert abs(price.estimate.value - price.planted) < 5 * price.posterior_sd


@pytest.mark.deep
def test_hierarchical_bayes_matches_the_planted_means():
    """Where people differ about as much as its prior expects (sd 1)."""
    priors = """
    colour: {means: {red: 0, blue: 0.8}, sd: 1}
    size: {means: {small: 0, middle: 0.3, large: 0.6}, sd: 1}
    price: {mean: -0.8, sd: 0.8}
    none: {mean: -0.5, sd: 1}
    """
    found = rehearse(study_of(priors=priors), n=500, repeats=2, hb_repeats=10, worlds=False)
    for row in found.hierarchical.worths:
        assert abs(row.estimate.value - row.planted) < 4 * row.posterior_sd / 10**0.5 + 0.02
    inside = np.mean([row.inside / 10 for row in found.hierarchical.worths])
    assert inside > 0.85


@pytest.mark.deep
def test_coverage_over_many_repeats(study):
    found = rehearse(study, n=N, repeats=400, seed=3, worlds=False)
    worths = [row.coverage.value for row in found.main.worths]
    money = [row.coverage.value for row in found.main.money]
    # Three standard errors of a share of 400: the worst of ten figures is looked at.
    assert all(0.917 <= one <= 0.983 for one in [*worths, *money])
