"""The exponent tuned on half of the holdout tasks: planted scales come back, 1 stays 1."""

import numpy as np
import pandas as pd
import pytest

from analysis.choices.beliefs import Beliefs
from analysis.choices.coding import coding_of
from analysis.choices.exponent import tune
from analysis.choices.simulator.exponent import FILE, NOT_SAVED, Exponent, read_exponent
from analysis.tables import check_choices

CENTRE = np.array([-0.6, 0.4, -0.5, -1.2, -0.8])


def planted(make, scale, *, people=200, tasks=6, seed=1, held=None):
    """People who choose with errors of a logit, and beliefs whose utilities are ``scale`` times
    too small: the exponent that mends them is ``scale``.
    """
    make_study, simulate = make
    study = make_study()
    table = simulate(study, CENTRE, respondents=people, tasks=tasks, seed=seed)
    frame, coding = table.frame.copy(), coding_of(study, study.choice_exercise())
    rng = np.random.default_rng(seed)
    beta = CENTRE + rng.normal(0, 0.5, (people, len(CENTRE)))
    who = frame["respondent"].astype(int).to_numpy()
    worth = (coding.matrix(frame) * beta[who]).sum(axis=1) + rng.gumbel(size=len(frame))
    best = pd.Series(worth).groupby([frame["respondent"], frame["task"]]).transform("max")
    frame["chosen"] = worth == best.to_numpy()
    held = range(1, tasks + 1) if held is None else held
    frame["role"] = np.where(frame["task"].isin(list(held)), "holdout", "estimation")
    names = tuple(str(n) for n in range(people))
    place = {name: n for n, name in enumerate(names)}

    def points(asked, _most):
        at = [place[str(name)] for name in asked]
        for _ in range(2):
            yield beta[at] / scale, np.full(len(at), 0.5)

    beliefs = Beliefs(coding, "hb", names, beta / scale, points)
    return beliefs, check_choices(frame, study.choice_exercise())


@pytest.mark.parametrize("scale", [0.5, 2.0])
def test_a_planted_scale_is_found_and_predicts_better(make, scale):
    found = tune(*planted(make, scale), seed=1)
    tuned = found.tuned
    assert tuned.exponent.low <= scale <= tuned.exponent.high
    assert tuned.exponent.value == pytest.approx(scale, rel=0.2)
    assert tuned.exponent.n == 200
    assert tuned.better
    assert found.chosen == tuned.exponent.value
    assert tuned.own.log_loss.value < tuned.one.log_loss.value
    assert "better than 1, beyond its error" in found.sentences()[-1]


def test_where_the_part_worths_are_right_the_exponent_stays_1(make):
    found = tune(*planted(make, 1.0), seed=1)
    assert found.tuned.exponent.low <= 1 <= found.tuned.exponent.high
    assert not found.tuned.better
    assert found.chosen == 1
    assert "the exponent stays 1" in found.sentences()[-1]


def test_halves_share_no_task_and_hits_do_not_change(make):
    tuned = tune(*planted(make, 2.0), seed=3).tuned
    assert not set(tuned.tuned_on) & set(tuned.judged_on)
    assert {*tuned.tuned_on, *tuned.judged_on} == {str(n) for n in range(1, 7)}
    assert tuned.answers == 3 * 200
    # All draws of a person are alike here: an exponent changes chances, never their order.
    assert tuned.own.hit_rate.value == tuned.one.hit_rate.value
    assert tuned.one.mae is None
    assert "different holdout tasks" in tuned.one.why_no_mae


def test_a_scale_beyond_those_tried_ends_at_the_bound(make):
    found = tune(*planted(make, 20.0, people=60), seed=1)
    assert found.tuned.at_bound
    assert found.tuned.exponent.value == pytest.approx(5)
    assert "at the end of those tried" in found.sentences()[0]


def test_too_little_to_tune_on_says_so(make):
    none = tune(*planted(make, 2.0, held=()), seed=1)
    assert none.chosen == 1
    assert "No holdout tasks" in none.sentences()[0]
    one = tune(*planted(make, 2.0, held=(2,)), seed=1)
    assert one.chosen == 1
    assert "one holdout task" in one.sentences()[0]
    few = tune(*planted(make, 2.0, people=9), seed=1)
    assert few.chosen == 1
    assert "9 respondents answered holdout tasks" in few.sentences()[0]


def test_it_survives_its_file(make, tmp_path):
    found = tune(*planted(make, 2.0, people=40), seed=1)
    (tmp_path / FILE).write_text(found.model_dump_json())
    assert read_exponent(tmp_path) == found
    (tmp_path / FILE).unlink()
    assert read_exponent(tmp_path) == Exponent(reason=NOT_SAVED)


@pytest.mark.deep
def test_the_interval_covers_and_1_is_seldom_left(make):
    found = [tune(*planted(make, 1.0, people=100, seed=s), seed=s).tuned for s in range(200)]
    covered = np.mean([t.exponent.low <= 1 <= t.exponent.high for t in found])
    left = np.mean([t.better for t in found])
    print(f"\nexponent 1: covered in {covered:.3f}, left in {left:.3f} of 200 samples")
    assert 0.90 <= covered <= 0.99
    assert left <= 0.06
