"""Ratings-based conjoint: least squares to the last digit, pooled and by respondent."""

import numpy as np
import pandas as pd
import pytest

from analysis.choices.identification import NotIdentified
from analysis.choices.importances import importances
from analysis.choices.partworths import level_worths
from analysis.choices.ratings_based import check_ratings, fit_ratings, read_ratings
from analysis.choices.willingness_to_pay import willingness_to_pay
from analysis.study import Study
from analysis.tables import TableFaults

TRUTH = np.array([-1.0, 0.4, -0.8, -1.5])


def make(**changes):
    def level(name, **more):
        return {"id": name, "label": name, **more}

    attributes = [
        {"id": "taste", "label": "T", "levels": [level(n) for n in ("plain", "sweet", "salty")]},
        {"id": "look", "label": "L", "tag": "emotional", "levels": [level("poor"), level("good")]},
        {
            "id": "price",
            "label": "P",
            "tag": "price",
            "coding": "linear",
            "levels": [level(f"p{n}", number=n / 2) for n in (1, 2, 3, 4)],
        },
    ]
    exercise = {"id": "r", "kind": "ratings", "question": "How much?", "least": -20}
    exercise |= {"greatest": 20, "attributes": attributes}
    return Study.model_validate({"study": "s", "title": "S", "exercises": [exercise | changes]})


def rated(study, *, people=80, profiles=16, noise=1.0, seed=1):
    generator = np.random.default_rng(seed)
    rows = people * profiles
    look = generator.choice(["poor", "good"], rows)
    taste = np.resize(["plain", "sweet", "salty"], rows)
    price = generator.choice(["p1", "p2", "p3", "p4"], rows)
    frame = pd.DataFrame(
        {
            "respondent": np.repeat(np.arange(people), profiles),
            "profile": np.tile(np.arange(profiles), people),
            "taste": taste,
            "look": look,
            "price": price,
        }
    )
    person = generator.normal(0, 1, people)[frame["respondent"]]
    slope = TRUTH[3] + generator.normal(0, 0.5, people)[frame["respondent"]]
    worth = {"plain": TRUTH[0], "sweet": TRUTH[1], "salty": -TRUTH[:2].sum()}
    fit = frame["taste"].map(worth) + np.where(look == "poor", TRUTH[2], -TRUTH[2])
    fit += slope * (frame["price"].str[1].astype(int) / 2 - 1.25)
    frame["rating"] = 5 + person + fit + noise * generator.normal(size=rows)
    return check_ratings(frame, study.exercise())


@pytest.fixture(scope="module")
def study():
    return make()


@pytest.fixture(scope="module")
def ratings(study):
    return rated(study)


@pytest.fixture(scope="module")
def fitted(study, ratings):
    return fit_ratings(study, ratings)


def design(fitted, frame):
    return np.column_stack([np.ones(len(frame)), fitted.part_worths.coding.matrix(frame)])


def test_pooled_is_least_squares(fitted, ratings):
    x, y = design(fitted, ratings.frame), ratings.frame["rating"].to_numpy()
    expected = np.linalg.lstsq(x, y, rcond=None)[0]
    found = np.concatenate([[fitted.intercept], fitted.part_worths.coefficients])
    np.testing.assert_allclose(found, expected, atol=1e-12)
    residuals = y - x @ expected
    assert fitted.r_squared == pytest.approx(1 - residuals.var() / y.var())
    inverse = np.linalg.inv(x.T @ x)
    sigma = residuals @ residuals / (len(y) - 5)
    np.testing.assert_allclose(
        fitted.part_worths.covariance("classical"), (inverse * sigma)[1:, 1:], rtol=1e-9
    )
    sums = pd.DataFrame(x * residuals[:, None]).groupby(ratings.frame["respondent"]).sum()
    meat = sums.to_numpy().T @ sums.to_numpy() * 80 / 79 * (len(y) - 1) / (len(y) - 5)
    np.testing.assert_allclose(
        fitted.part_worths.covariance("cluster"), (inverse @ meat @ inverse)[1:, 1:], rtol=1e-9
    )


def test_planted_part_worths_come_back_and_money_follows(fitted):
    errors = np.sqrt(np.diag(fitted.part_worths.covariance("cluster")))
    assert (np.abs(fitted.part_worths.coefficients - TRUTH) < 3.5 * errors).all()
    money = willingness_to_pay(fitted.part_worths, "look", "poor", "good")
    assert money.low < 2 * 0.8 / 1.5 < money.high
    shares = importances(fitted.part_worths, seed=1)
    assert sum(s.estimate.value for s in shares) == pytest.approx(1)
    worths = [w.part_worth for w in level_worths(fitted.part_worths) if w.attribute == "taste"]
    assert sum(worths) == pytest.approx(0, abs=1e-12)


def test_each_respondent_has_a_fit_of_their_own(fitted, ratings):
    one = ratings.frame[ratings.frame["respondent"] == "7"]
    expected = np.linalg.lstsq(design(fitted, one), one["rating"], rcond=None)[0][1:]
    rows = fitted.part_worths.coding.level_rows()[1]
    place = fitted.respondents.index("7")
    np.testing.assert_allclose(fitted.individual[place], rows @ expected, atol=1e-10)
    assert (fitted.individual_errors[place] > 0).all()
    price = fitted.individual[:, -1]
    assert np.nanmean(price) == pytest.approx(TRUTH[3], abs=0.25)
    assert set(fitted.reasons) == {""}


def test_respondents_who_tell_nothing_are_said_why(study, ratings):
    frame = ratings.frame.copy()
    frame.loc[frame["respondent"] == "3", "rating"] = 4
    frame.loc[frame["respondent"] == "4", "look"] = "good"
    five = frame["respondent"].eq("5") & (frame["profile"].astype(int) > 2)
    table = check_ratings(frame[~five].drop(columns="role"), study.exercise())
    found = fit_ratings(study, table)
    assert found.reasons[3] == "all ratings are equal"
    assert "do not tell all levels apart" in found.reasons[4]
    assert "do not tell all levels apart" in found.reasons[5]
    assert np.isnan(found.individual[3:6]).all()
    assert np.isfinite(found.individual[6:]).all()


def test_weights_multiply_people(study, ratings):
    frame = ratings.frame.drop(columns="role")
    some = frame["respondent"].astype(int) < 20
    copies = frame[some].assign(respondent="c" + frame.loc[some, "respondent"])
    doubled = fit_ratings(study, check_ratings(pd.concat([frame, copies]), study.exercise()))
    weights = {str(n): 2.0 if n < 20 else 1.0 for n in range(80)}
    weighted = fit_ratings(study, ratings, weights=weights)
    np.testing.assert_allclose(
        weighted.part_worths.coefficients, doubled.part_worths.coefficients, atol=1e-10
    )


def test_one_respondent_is_fitted_with_a_warning(study):
    found = fit_ratings(study, rated(study, people=1, profiles=30))
    assert "so there are no intervals" in found.part_worths.warnings[0]
    assert found.part_worths.why_no_intervals("cluster").endswith("(1) than parameters (5)")
    np.testing.assert_allclose(
        found.part_worths.covariance("cluster"), found.part_worths.covariance("robust")
    )


def test_what_cannot_be_fitted_is_refused_by_name(study, ratings):
    frame = ratings.frame.drop(columns="role")

    def refit(**changes):
        return fit_ratings(study, check_ratings(frame.assign(**changes), study.exercise()))

    with pytest.raises(NotIdentified, match="level 'poor' of attribute 'look' is in no profile"):
        refit(look="good")
    with pytest.raises(NotIdentified, match="attribute 'price' is the same in all profiles"):
        refit(price="p2")
    together = np.where(frame["look"] == "good", "p1", "p4")
    with pytest.raises(NotIdentified, match=r"vary together in every profile.*look 'poor', price"):
        refit(price=together)
    with pytest.raises(ValueError, match="all 1280 ratings are 3"):
        refit(rating=3)
    with pytest.raises((ValueError, NotIdentified)):
        fit_ratings(study, check_ratings(frame.head(4), study.exercise()))


def test_all_faults_of_the_table_are_listed(study, tmp_path):
    path = tmp_path / "ratings.csv"
    path.write_text(
        "respondent,profile,rating,taste,look,price\n1,1,99,plain,good,p1\n"
        "1,1,2,bitter,good,p1\n,2,x,plain,,p1\n"
    )
    with pytest.raises(TableFaults) as caught:
        read_ratings(path, study.exercise())
    said = str(caught.value)
    assert "row 2, column 'rating': the rating is outside -20 to 20" in said
    assert "row 3, column 'profile': this respondent rated the profile twice" in said
    assert "row 3, column 'taste': 'bitter' is not a level" in said
    assert "row 4, column 'rating': the rating is empty or not a number" in said
    assert "row 4, column 'respondent': the cell is empty" in said
    assert "row 4, column 'look': the cell is empty" in said
    with pytest.raises(TableFaults, match="column 'rating': the column is missing"):
        check_ratings(pd.DataFrame({"respondent": [1]}), study.exercise())
