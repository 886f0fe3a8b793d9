"""Piecewise slopes and interactions: coded as the formulas say, and recovered."""

import numpy as np
import pandas as pd
import pytest

from analysis.choices.coding import Column, coding_of
from analysis.choices.identification import NotIdentified
from analysis.choices.importances import importances
from analysis.choices.mnl import fit_mnl
from analysis.choices.partworths import level_worths
from analysis.choices.sets import choice_sets
from analysis.choices.willingness_to_pay import money_value_of_tag, willingness_to_pay
from analysis.study import Study
from analysis.study.checks import faults_between_parts
from analysis.tables import check_choices


def with_price(make_study, **changes):
    attributes = [a.model_dump() for a in make_study().choice_exercise().attributes]
    attributes[2] |= changes
    return make_study(attributes=attributes)


@pytest.fixture(scope="module")
def bent(make):
    """Price falls gently to 1, steeply from there."""
    make_study, simulate = make
    study = with_price(make_study, coding="piecewise", knots=[1.0])
    truth = np.array([-0.6, 0.4, -0.5, -0.4, -2.0, -0.8])
    return study, truth, simulate(study, truth, respondents=500)


def test_pieces_add_up_to_the_number_and_are_centred(bent):
    study, _, choices = bent
    coding = coding_of(study, choices.exercise)
    assert coding.columns[3:5] == (
        Column("price", "0.5-1", "piecewise"),
        Column("price", "1-2", "piecewise"),
    )
    price = choices.exercise.attribute("price")
    table = coding.table(price)
    np.testing.assert_allclose(np.diff(table, axis=0), [[0.5, 0], [0, 0.5], [0, 0.5]])
    np.testing.assert_allclose(table.sum(axis=0), 0, atol=1e-12)
    assert coding.contrast("price", "p1", "p4")[3:5] == pytest.approx([0.5, 1.0])
    assert coding.contrast("price", 0.75, 1.25)[3:5] == pytest.approx([0.25, 0.25])
    rows = [coding.row({"taste": "plain", "look": "good", "price": "p2"}), coding.row(None)]
    frame = pd.DataFrame({"taste": ["plain", None], "look": ["good", None], "price": ["p2", None]})
    np.testing.assert_allclose(coding.matrix(frame), rows)


def test_bent_slopes_are_recovered_and_money_follows_them(bent):
    study, truth, choices = bent
    fitted = fit_mnl(study, choices)
    errors = np.sqrt(np.diag(fitted.covariance("cluster")))
    assert (np.abs(fitted.coefficients - truth) < 3.5 * errors).all()
    worths = {(w.attribute, w.level): w for w in level_worths(fitted)}
    assert worths["price", "1-2"].part_worth == fitted.coefficients[4]
    money = willingness_to_pay(fitted, "look", "poor", "good")
    gentle, steep = -fitted.coefficients[3:5]
    worth = -2 * fitted.coefficients[2]
    assert money.value == pytest.approx(0.5 + (worth - 0.5 * gentle) / steep)
    assert money.low < money.value < money.high
    assert sum(i.estimate.value for i in importances(fitted, seed=1)) == pytest.approx(1)


def test_a_range_may_be_piecewise(make):
    make_study, _ = make
    speed = {
        "id": "speed",
        "label": "Speed",
        "coding": "piecewise",
        "range": {"least": 0, "greatest": 10},
        "knots": [4],
    }
    price = {"id": "price", "label": "Price", "tag": "price", "coding": "linear"}
    price |= {"range": {"least": 0, "greatest": 5}}
    study = make_study(attributes=[speed, price], none=None, alternatives=2)
    generator = np.random.default_rng(1)
    x, p = generator.uniform(0, 10, 3000), generator.uniform(0, 5, 3000)
    utility = 0.8 * np.minimum(x, 4) + 0.1 * np.maximum(x - 4, 0) - 0.5 * p
    chosen = (utility + generator.gumbel(size=3000)).reshape(-1, 2).argmax(axis=1)
    frame = pd.DataFrame(
        {
            "respondent": np.arange(3000) // 20,
            "task": np.arange(3000) // 2,
            "alternative": np.tile([1, 2], 1500),
            "chosen": np.arange(3000) % 2 == chosen.repeat(2),
            "speed": x,
            "price": p,
        }
    )
    fitted = fit_mnl(study, check_choices(frame, study.choice_exercise()))
    errors = np.sqrt(np.diag(fitted.covariance("cluster")))
    assert (np.abs(fitted.coefficients - [0.8, 0.1, -0.5]) < 3.5 * errors).all()
    money = willingness_to_pay(fitted, "speed", 0, 4)
    assert money.value == pytest.approx(4 * fitted.coefficients[0] / -fitted.coefficients[2])
    assert money_value_of_tag(fitted, "functional").upgrades[0].to_level == "10.0"


@pytest.fixture(scope="module")
def crossed(make):
    make_study, simulate = make
    study = make_study(interactions=[["taste", "look"], ["look", "price"]])
    truth = np.array([-0.6, 0.4, -0.5, -1.2, 0.5, -0.3, 0.4, -0.8])
    return study, truth, simulate(study, truth, respondents=600)


def test_interactions_are_products(crossed):
    study, _, choices = crossed
    coding = coding_of(study, choices.exercise)
    assert coding.columns[4:7] == (
        Column("taste:look", "plain:poor", "interaction"),
        Column("taste:look", "sweet:poor", "interaction"),
        Column("look:price", "poor:", "interaction"),
    )
    assert coding.columns[-1].attribute == "none"
    row = coding.row({"taste": "salty", "look": "good", "price": "p4"})
    np.testing.assert_allclose(row, [-1, -1, -1, 0.75, 1, 1, -0.75, 0])
    x = coding.matrix(choices.frame)
    np.testing.assert_allclose(x[:, 6], x[:, 2] * x[:, 3])
    chunk = next(choice_sets(coding, choices.frame).chunks())
    np.testing.assert_allclose(chunk.x, x[: len(chunk.x)])


def test_interactions_are_recovered_and_listed_for_every_pair(crossed):
    study, truth, choices = crossed
    fitted = fit_mnl(study, choices)
    errors = np.sqrt(np.diag(fitted.covariance("cluster")))
    assert (np.abs(fitted.coefficients - truth) < 3.5 * errors).all()
    assert errors.max() < 0.12
    assert "average of the attributes that interact" in fitted.warnings[0]
    worths = {(w.attribute, w.level): w.part_worth for w in level_worths(fitted)}
    cells = [worth for (name, _), worth in worths.items() if name == "taste:look"]
    assert len(cells) == 6
    assert sum(cells) == pytest.approx(0, abs=1e-12)
    assert worths["taste:look", "salty:good"] == pytest.approx(fitted.coefficients[4:6].sum())
    main = plain(study)
    without = fit_mnl(main, check_choices(choices.frame, main.choice_exercise()))
    assert fitted.log_likelihood > without.log_likelihood + 10


def plain(study):
    exercise = study.choice_exercise().model_copy(update={"interactions": ()})
    return study.model_copy(update={"exercises": (exercise,)})


def test_an_interaction_that_no_task_shows_is_named(crossed):
    study, _, choices = crossed
    frame = choices.frame
    same = (frame["taste"] == "sweet") & (frame["look"] == "good")
    gone = same | ((frame["taste"] == "plain") & (frame["look"] == "good"))
    keys = [frame["respondent"], frame["task"]]
    left = frame[~gone.groupby(keys).transform("any")]
    table = check_choices(left, study.choice_exercise())
    with pytest.raises(NotIdentified) as caught:
        fit_mnl(study, table)
    assert [reason.split(",")[0] for reason in caught.value.reasons] == [
        "'plain' of 'taste' is never shown with 'good' of 'look'",
        "'sweet' of 'taste' is never shown with 'good' of 'look'",
    ]


@pytest.mark.parametrize(
    ("price", "exercise", "said"),
    [
        ({"coding": "piecewise"}, {}, "has no knots"),
        ({"coding": "piecewise", "knots": [2.0]}, {}, "do not rise"),
        ({"coding": "piecewise", "knots": [1.5, 1.0]}, {}, "do not rise"),
        ({"knots": [1.0]}, {}, "has knots but is not piecewise"),
        ({}, {"interactions": [["taste", "taste"]]}, "no new pair"),
        ({}, {"interactions": [["taste", "look"], ["look", "taste"]]}, "no new pair"),
        ({}, {"interactions": [["taste", "colour"]]}, "no attribute 'colour'"),
    ],
)
def test_studies_that_make_no_sense_are_faulted(make, price, exercise, said):
    parts = with_price(make[0], **price).choice_exercise().model_dump(mode="json") | exercise
    study = Study.model_validate({"study": "s", "title": "S", "exercises": [parts]})
    assert said in " ".join(str(fault) for fault in faults_between_parts(study))
