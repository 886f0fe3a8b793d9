"""Do the flags hit careful respondents as rarely as they say? Recorded in docs/deep-checks.md."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.choices.coding import coding_of
from analysis.choices.design import design_of
from analysis.choices.hb import Settings, fit_hb
from analysis.choices.mnl import fit_mnl
from analysis.customers.quality.consistency import consistency
from analysis.customers.quality.duplicates import duplicates
from analysis.customers.quality.repeats import repeats
from analysis.customers.quality.speed import speeding
from analysis.customers.quality.straight_lining import straight_lining
from analysis.study import read_study
from analysis.tables import check_choices
from tests.analysis.customers.quality.worlds import page_times, rated_answers, rated_study

pytestmark = pytest.mark.deep
PASTRY = read_study(Path(__file__).parents[4] / "examples" / "pastry" / "study.yaml")


def rates(flagged: list[tuple[set[str], int, int]]) -> tuple[float, float]:
    """Share of the careful and of the careless (the first ones) that was flagged."""
    careful = sum(len({name for name in hit if int(name[1:]) >= bad}) for hit, bad, _ in flagged)
    found = sum(len({name for name in hit if int(name[1:]) < bad}) for hit, bad, _ in flagged)
    careless = sum(bad for _, bad, _ in flagged)
    return careful / sum(n - bad for _, bad, n in flagged), found / max(careless, 1)


def marked(rule) -> set[str]:
    return {mark.respondent for mark in rule.marks}


@pytest.mark.parametrize(("n", "fast"), [(60, 0), (200, 0), (200, 30)])
@pytest.mark.parametrize("wanted", [0.01, 0.0056])
def test_speeding(n, fast, wanted, record_property):
    study = rated_study(more="".join(
        f"  - {{id: page_{k}, questions: [{{id: q{k}, kind: nps, text: How likely}}]}}\n"
        for k in range(10)
    ))  # fmt: skip
    rng = np.random.default_rng(1)
    found = []
    for _ in range(40_000 // n):
        times = page_times(n, rng, fast=fast)
        found.append((marked(speeding(study, times, "speeding", wanted=wanted)), fast, n))
    hit, caught = rates(found)
    print(f"speeding n={n} fast={fast} wanted={wanted}: careful {hit:.4f}, fast {caught:.2f}")
    assert hit <= 1.25 * wanted
    assert fast == 0 or caught > 0.5


@pytest.mark.parametrize(("lines", "correlation"), [(0, 0.3), (0, 0.6), (20, 0.45)])
@pytest.mark.parametrize("wanted", [0.01, 0.0056])
def test_straight_lining(lines, correlation, wanted):
    study = rated_study()
    rng = np.random.default_rng(2)
    found = []
    for seed in range(100):
        answers = rated_answers(200, rng, correlation=correlation, lines=lines)
        rule = straight_lining(study, answers, wanted=wanted, seed=seed)
        found.append((marked(rule), lines, 200))
    hit, caught = rates(found)
    print(f"lines={lines} r={correlation} wanted={wanted}: careful {hit:.4f}, lines {caught:.2f}")
    assert hit <= 1.25 * wanted
    assert lines == 0 or caught > 0.9


@pytest.mark.parametrize("retest", [0.6, 0.8])
def test_repeats(retest):
    pairs = "repeats: [[first.i0, second.i0], [first.i1, second.i1], [first.i2, second.i2]]"
    study = rated_study(pairs)
    rng = np.random.default_rng(3)
    found = []
    for seed in range(100):
        answers = rated_answers(200, rng, correlation=retest)
        for k in range(20):
            for key in answers[f"r{k:04d}"]:
                answers[f"r{k:04d}"][key] = str(rng.integers(1, 6))
        rule = repeats(study, answers, wanted=0.01, seed=seed)
        found.append((marked(rule), 20, 200))
    hit, caught = rates(found)
    print(f"retest={retest}: careful {hit:.4f}, random {caught:.2f}")
    assert hit <= 0.0125


@pytest.mark.parametrize("n", [100, 400])
def test_duplicates(n):
    study = rated_study(items=15)
    rng = np.random.default_rng(4)
    honest, copied = [], []
    for _ in range(2_000 // n):
        answers = rated_answers(n, rng, items=15)
        people = pd.DataFrame({"respondent": list(answers), "customer": ""})
        people["started"] = [f"2026-11-01T{n:06d}" for n in range(len(people))]
        honest.append((marked(duplicates(study, people, answers, {}, wanted=0.01, seed=1)), 0, n))
        answers |= copies(answers, rng)
        order = [*list(answers)[5:], *list(answers)[:5]]
        people["started"] = [f"2026-11-01T{order.index(name):06d}" for name in answers]
        copied.append((marked(duplicates(study, people, answers, {}, wanted=0.01, seed=1)), 5, n))
    hit, (_, caught) = rates(honest)[0], rates(copied)
    print(f"duplicates n={n}: honest {hit:.4f}, copies with 1 in 10 changed {caught:.2f}")
    assert hit <= 0.0125
    assert caught > 0.7


def copies(answers, rng):
    """The first five answer as others do, but one answer in ten."""
    found = {}
    for k in range(5):
        source = answers[f"r{k + 20:04d}"]
        found[f"r{k:04d}"] = {
            key: str(rng.integers(1, 6)) if rng.random() < 0.1 else value
            for key, value in source.items()
        }
    return found


@lru_cache
def shown_by_block() -> tuple[list[pd.DataFrame], list[np.ndarray], int]:
    """The demo's tasks by block, one row per alternative (the none last), and the rows coded."""
    exercise = PASTRY.choice_exercise()
    coding = coding_of(PASTRY, exercise)
    frames, coded = [], []
    for _, mine in design_of(exercise).groupby("block"):
        rows, x = [], []
        for task, shown in mine.groupby("task"):
            for k, levels in enumerate([*shown[list(exercise.columns)].to_dict("records"), None]):
                rows.append({"task": task, "alternative": k + 1, "role": shown["role"].iloc[0],
                             **(levels or dict.fromkeys(exercise.columns))})  # fmt: skip
                x.append(coding.row(levels))
        frames.append(pd.DataFrame(rows))
        coded.append(np.array(x))
    return frames, coded, coding.width


def choices_of(n: int, random: int, rng: np.random.Generator, spread: float) -> pd.DataFrame:
    """Choices in the demo's tasks, part-worths normal over people; the first answer at random."""
    frames, coded, width = shown_by_block()
    mean = rng.normal(0, 0.5, size=width)
    found = []
    for person in range(n):
        frame, x = frames[person % len(frames)], coded[person % len(frames)]
        beta = rng.normal(mean, spread) * (person >= random)
        utility = pd.Series(x @ beta + rng.gumbel(size=len(x)))
        best = utility.groupby(frame["task"].to_numpy()).transform("max")
        mine = frame.assign(respondent=f"r{person:04d}", chosen=(utility == best).astype(int))
        found.append(mine)
    return pd.concat(found, ignore_index=True)


@pytest.mark.parametrize(("estimator", "spread", "studies"), [
    ("mnl", 0.8, 30), ("mnl", 1.2, 30), ("hb", 0.8, 10), ("hb", 1.2, 10),
])  # fmt: skip
@pytest.mark.parametrize("random", [0, 30])
def test_consistency(estimator, spread, studies, random):
    rng = np.random.default_rng(5)
    found, stated, told = [], [], []
    for seed in range(studies):
        frame = choices_of(200, random, rng, spread)
        choices = check_choices(frame, PASTRY.choice_exercise())
        fitted = fit_mnl(PASTRY, choices)
        if estimator == "hb":
            quick = Settings(draws=600, burn_in=300, chains=2)
            fitted = fit_hb(PASTRY, choices, seed=seed, settings=quick)
        rule = consistency(fitted, choices, wanted=0.02, seed=seed)
        found.append((marked(rule), random, 200))
        stated.append(rule.rate)
        told.append(rule.caught)
    hit, caught = rates(found)
    print(
        f"consistency {estimator} spread={spread} random={random}: careful {hit:.4f} "
        f"(stated {np.mean(stated):.4f}), random {caught:.2f} (stated {np.mean(told):.2f})"
    )
    assert hit <= 0.03
