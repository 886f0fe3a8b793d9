"""Do the flags hit careful respondents as rarely as they say? Recorded in docs/deep-checks.md."""

from __future__ import annotations

import re
from functools import lru_cache
from gettext import GNUTranslations
from pathlib import Path
from statistics import NormalDist

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom

from analysis.choices.coding import coding_of
from analysis.choices.design import design_of
from analysis.choices.hb import Settings, fit_hb
from analysis.choices.mnl import fit_mnl
from analysis.customers.quality.attention import attention
from analysis.customers.quality.consistency import consistency
from analysis.customers.quality.duplicates import duplicates
from analysis.customers.quality.gibberish import can_be_judged, distance
from analysis.customers.quality.repeats import repeated_tasks, repeats
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


def held(rate: float, n: int, stated: float) -> None:
    """Fail where a rate observed on ``n`` lies above the stated one beyond chance (1 in 1,000)."""
    assert rate * n <= binom.ppf(0.999, n, stated), f"{rate:.4f} of {n}, stated {stated:.4f}"


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


@pytest.mark.parametrize("items", [8, 15, 30])
@pytest.mark.parametrize("n", [60, 200, 400])
@pytest.mark.parametrize("correlation", [0.3, 0.8])
def test_duplicates(n, items, correlation):
    study = rated_study(items=items)
    rng = np.random.default_rng(4)
    honest, copied = [], []
    for seed in range(2_400 // n):
        answers = rated_answers(n, rng, items=items, correlation=correlation)
        people = pd.DataFrame({"respondent": list(answers), "customer": ""})
        people["started"] = [f"2026-11-01T{n:06d}" for n in range(len(people))]
        rule = duplicates(study, people, answers, {}, wanted=0.01, seed=seed)
        honest.append((marked(rule), 0, n))
        answers |= copies(answers, rng)
        order = [*list(answers)[5:], *list(answers)[:5]]
        people["started"] = [f"2026-11-01T{order.index(name):06d}" for name in answers]
        rule = duplicates(study, people, answers, {}, wanted=0.01, seed=seed)
        copied.append((marked(rule), 5, n))
    hit, (_, caught) = rates(honest)[0], rates(copied)
    print(f"duplicates n={n} items={2 * items} r={correlation}: {hit:.4f}, copies {caught:.2f}")
    held(hit, 2_400, 0.01)
    assert correlation > 0.5 or items == 8 or caught > 0.5


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


@pytest.mark.parametrize(("estimator", "studies"), [("mnl", 8), ("hb", 4)])
@pytest.mark.parametrize("spread", [0.3, 0.8, 2.0])
@pytest.mark.parametrize("random", [0, 20, 40])
def test_consistency(estimator, spread, studies, random):
    rng = np.random.default_rng(5)
    found, stated, told = [], [], []
    for seed in range(studies):
        choices = check_choices(choices_of(200, random, rng, spread), PASTRY.choice_exercise())
        fitted = fit_mnl(PASTRY, choices)
        if estimator == "hb":
            quick = Settings(draws=600, burn_in=300, chains=2)
            fitted = fit_hb(PASTRY, choices, seed=seed, settings=quick)
        rule = consistency(fitted, choices, wanted=0.01, seed=seed)
        found.append((marked(rule), random, 200))
        stated.append(rule.rate)
        told.append(rule.caught)
    hit, caught = rates(found)
    print(
        f"consistency {estimator} spread={spread} random={random}: careful {hit:.4f} "
        f"(stated {np.mean(stated):.4f}), random {caught:.2f} (stated {np.mean(told):.2f})"
    )
    held(hit, (200 - random) * studies, 0.01)
    assert spread < 0.5 or random == 0 or caught > 4 * 0.01


@pytest.mark.parametrize(("items", "slips"), [(1, 0.02), (2, 0.02), (3, 0.02), (5, 0.05)])
def test_attention(items, slips):
    study = rated_study(f"slips: {slips}", more="".join(
        f"  - {{id: page_{k}, questions: [{{id: q{k}, kind: nps, text: Choose 3, expects: 3}}]}}\n"
        for k in range(items)
    ))  # fmt: skip
    missed = np.random.default_rng(6).random((20_000, items)) < slips
    answers = {
        f"r{n:05d}": {(f"q{k}", ""): "4" if miss else "3" for k, miss in enumerate(row)}
        for n, row in enumerate(missed)
    }
    rule = attention(study, answers, wanted=0.01)
    hit = len(rule.marks) / len(answers)
    print(f"attention items={items} slips={slips}: {hit:.4f} (stated {rule.rate:.4f})")
    held(hit, len(answers), rule.rate)


@pytest.mark.parametrize("random", [0, 20])
def test_repeated_tasks(random):
    rng = np.random.default_rng(7)
    found = []
    for _ in range(50):
        again = rng.random((200, 6)) < np.where(np.arange(200)[:, None] < random, 1 / 3, 0.85)
        rows = [
            {"respondent": f"r{person:04d}", "task": task, "alternative": k + 1,
             "price": str(10 * (task % 6) + k), "role": "estimation",
             "chosen": int(k == (0 if task < 6 or again[person, task - 6] else 1))}
            for person in range(200) for task in range(12) for k in range(3)
        ]  # fmt: skip
        rule = repeated_tasks({"bun": pd.DataFrame(rows)}, wanted=0.01)
        found.append((marked(rule), random, 200))
    hit, caught = rates(found)
    print(f"repeated tasks random={random}: careful {hit:.4f}, random {caught:.2f}")
    held(hit, 50 * (200 - random), 0.01)


@pytest.mark.parametrize("language", ["sk", "xh", "ga", "is", "af", "gl", "pl", "cs", "de", "hu"])
def test_gibberish(language):
    """Messages of programs; xh, ga, is, af and gl are not among the languages known."""
    found = sorted(messages(language))
    if len(found) < 500:
        pytest.skip(f"this machine has no translated programs in '{language}'")
    far = np.array([distance(text) for text in found if can_be_judged(text)])
    for wanted in (0.01, 0.0056):
        hit = float((far < NormalDist().inv_cdf(wanted)).mean())
        print(f"gibberish {language} n={len(far)} wanted={wanted}: {hit:.4f}")
        held(hit, len(far), wanted)


def messages(language: str) -> set[str]:
    """Sentences of three words or more from the catalogues of installed programs."""
    found = set()
    for path in Path("/usr/share/locale", language, "LC_MESSAGES").glob("*.mo"):
        try:
            with path.open("rb") as file:
                catalogue = GNUTranslations(file)._catalog
        except (OSError, UnicodeDecodeError):
            continue
        for key, value in catalogue.items():
            if isinstance(key, str) and isinstance(value, str) and key and key != value:
                text = re.sub(r"%[-\d.]*[a-zA-Z]|%\(\w+\)\w|[_&]|<[^>]+>", " ", value).strip()
                if len(text.split()) > 2 and "/" not in text and "--" not in text:
                    found.add(text)
    return found
