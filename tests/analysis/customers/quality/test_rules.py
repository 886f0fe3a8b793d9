from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.archive import normalised, read_archive, write_archive
from analysis.choices.mnl import fit_mnl
from analysis.choices.sets import choice_sets
from analysis.customers.quality.attention import attention, needed
from analysis.customers.quality.consistency import (
    consistency,
    estimated_population,
    laid_out,
)
from analysis.customers.quality.duplicates import duplicates
from analysis.customers.quality.gibberish import can_be_judged, distance
from analysis.customers.quality.lines import longest_run
from analysis.customers.quality.live import LiveRespondent, live_flags
from analysis.customers.quality.speed import page_seconds, speeding
from analysis.customers.quality.straight_lining import straight_lining
from analysis.study import StudyFaults, parse_study, read_study
from analysis.synthetic.archive_of import archive_of
from analysis.synthetic.pastry import pastry_company
from analysis.tables import check_choices
from analysis.value_report.build import analyse
from tests.analysis.customers.quality.worlds import page_times, rated_answers, rated_study

DEMO = read_study(Path(__file__).parents[4] / "examples" / "pastry" / "study.yaml")


def marked(rule):
    return {mark.respondent for mark in rule.marks}


def test_speeders_on_tasks_are_found_and_few_readers():
    times = page_times(200, np.random.default_rng(1), fast=15, tasks=True)
    hit = marked(speeding(rated_study(), times, "speeding_tasks", wanted=0.01))
    assert len({name for name in hit if int(name[1:]) < 15}) >= 8
    assert len({name for name in hit if int(name[1:]) >= 15}) <= 4


def test_a_page_sent_again_counts_with_its_first_time():
    sent = [(1, "a", "2026-11-25T10:00:05.000Z"), (2, "b", "2026-11-25T10:00:07.500Z"),
            (3, "a", "2026-11-25T10:00:08.000Z")]  # fmt: skip
    assert page_seconds("2026-11-25T10:00:00.000Z", sent) == {"a": 5.0, "b": 2.5}


def test_straight_lines_are_found_against_the_studys_own_answers():
    answers = rated_answers(150, np.random.default_rng(2), lines=10)
    rule = straight_lining(rated_study(), answers, wanted=0.01, seed=1)
    assert {f"r{n:04d}" for n in range(10)} <= marked(rule)
    assert len(marked(rule)) <= 14
    assert rule.rate <= 0.01
    assert longest_run(["1", "2", "2", "2", "1"]) == 3


def test_attention_items_are_missed_by_slips_as_rarely_as_stated():
    study = parse_study(
        "study: s\ntitle: S\npages:\n  - id: p\n    questions:\n"
        "      - {id: a, kind: nps, text: Choose 3, expects: 3}\n"
        "      - {id: b, kind: short_text, text: Write blue, expects: Blue}\n"
    )
    answers = {
        "good": {("a", ""): "3", ("b", ""): " blue "},
        "slip": {("a", ""): "4", ("b", ""): "blue"},
        "careless": {("a", ""): "4", ("b", ""): "x"},
    }
    rule = attention(study, answers, wanted=0.01)
    assert marked(rule) == {"careless"}
    assert rule.rate == pytest.approx(0.02**2)
    assert needed(1, 0.02, 0.01) == 1


def test_what_cannot_be_an_attention_item_or_a_repeat_is_said():
    with pytest.raises(StudyFaults) as raised:
        parse_study(
            "study: s\ntitle: S\npages:\n  - id: p\n    questions:\n"
            "      - {id: a, kind: nps, text: Choose, expects: 12}\n"
            "analysis: {quality: {repeats: [[a, a], [a, b]]}, equivalent: {c: [1]}}\n"
        )
    codes = [fault.code for fault in raised.value.faults]
    assert sorted(codes) == ["NOTHING_EQUIVALENT", "NOT_REPEATED", "NO_ATTENTION",
                             "UNKNOWN_REFERENCE"]  # fmt: skip


def test_the_later_of_two_of_one_customer_and_a_copied_text_are_flagged():
    study = parse_study(
        "study: s\ntitle: S\npages:\n  - id: p\n    questions:\n"
        "      - {id: why, kind: long_text, text: Why}\n"
    )
    text = "The queue in the morning is far too long for me, I rather go elsewhere."
    people = pd.DataFrame(
        {"respondent": list("abcd"), "customer": ["k", "k", "", ""], "started": list("1234")}
    )
    answers = {"c": {("why", ""): text}, "d": {("why", ""): text.upper() + "!"}}
    assert marked(duplicates(study, people, answers, {}, wanted=0.01, seed=1)) == {"b", "d"}


@pytest.mark.parametrize("text", [
    "The queue in the morning is too long", "Die Schlange am Morgen ist mir zu lang",
    "La file d'attente est trop longue", "Rano kolejka jest zbyt długa",
    "朝の行列が長すぎます。もっと早く開けて",
    "الطابور في الصباح طويل جدا", "Очередь утром слишком длинная", "ok", "n/a", "asdf",
])  # fmt: skip
def test_true_and_short_and_foreign_texts_are_no_gibberish(text):
    assert not can_be_judged(text) or distance(text) > -2.3


@pytest.mark.parametrize("text", [
    "dkfjslkdjf slkdjfsl", "jhgkjhg jhgfkjh kjhg", "aaaaaaaaaaaaaaaa", "xzcvbnm zxcvb hjkl",
])  # fmt: skip
def test_keys_struck_at_random_are(text):
    assert can_be_judged(text)
    assert distance(text) < -2.6


def test_live_flags_without_statistics():
    answers = rated_answers(40, np.random.default_rng(3), lines=3)
    people = [
        LiveRespondent(name, "2026-11-25T10:00:00.000Z", n == 9, given)
        for n, (name, given) in enumerate(answers.items())
    ]
    found = live_flags(rated_study(), people)
    assert sum("straight_lining" in flags for flags in found.values()) >= 3
    assert [name for name, flags in found.items() if "duplicates" in flags] == ["r0009"]


def test_who_answers_every_wave_is_no_duplicate():
    study = rated_study(items=15)
    rng = np.random.default_rng(5)
    answers = rated_answers(60, rng, items=15)
    again = {name.replace("r", "s"): given for name, given in answers.items()}
    people = pd.DataFrame({"respondent": [*answers, *again], "customer": [*answers, *answers]})
    people["started"] = [f"{n:04d}" for n in range(120)]
    people["wave"] = np.repeat(["spring", "autumn"], 60)
    both = {**answers, **again}
    assert len(marked(duplicates(study, people, both, {}, wanted=0.01, seed=1))) <= 3
    one = people.assign(wave="spring")
    assert marked(duplicates(study, one, both, {}, wanted=0.01, seed=1)) >= set(again)


def test_a_population_is_estimated_where_the_fit_has_none(archive):
    study = archive.study
    exercise = study.choice_exercise()
    choices = check_choices(archive.choices[exercise.id], exercise)
    fitted = fit_mnl(study, choices)
    tasks = laid_out(choice_sets(fitted.coding, choices.frame))
    mean, covariance = estimated_population(fitted, tasks, seed=1)
    assert np.linalg.eigvalsh(covariance).min() > 0
    assert np.abs(mean - fitted.coefficients).max() > 0.01
    rule = consistency(fitted, choices, wanted=0.01, seed=1)
    assert rule.rate <= 0.01 and 0 < rule.caught < 1
    assert "estimated from these choices" in rule.null


@pytest.fixture(scope="module")
def archive():
    quality = DEMO.analysis.quality.model_copy(update={"error_rate": 0.4})
    plan = DEMO.analysis.model_copy(update={"estimator": "mnl", "quality": quality})
    study = DEMO.model_copy(update={"analysis": plan})
    company = pastry_company(study, seed=2, today=date(2026, 11, 22), buyers=200, respondents=120)
    made = normalised(archive_of(company, study))
    name = made.respondents["respondent"].iloc[0]
    sent = pd.DataFrame(
        {"respondent": name, "turn": [1], "step": ["bun.1"], "at": ["2026-11-25T10:00:00+00:00"]}
    )
    return replace(made, page_times=sent)


def test_page_times_survive_the_archive(archive, tmp_path):
    write_archive(tmp_path / "a.sqlite", archive)
    assert read_archive(tmp_path / "a.sqlite").page_times["step"].tolist() == ["bun.1"]


def test_the_plan_decides_who_is_left_out_and_both_are_shown(archive):
    (version,) = archive.versions
    study = archive.study
    everybody = analyse(archive, seed=1)
    flagged = everybody.quality.flagged(("consistency",))
    assert flagged
    assert everybody.report.quality.excluded == 0
    assert everybody.report.quality.figures
    quality = study.analysis.quality.model_copy(update={"exclude": ("consistency",)})
    plan = study.analysis.model_copy(update={"quality": quality})
    planned = replace(archive, versions={version: study.model_copy(update={"analysis": plan})})
    found = analyse(planned, seed=1).report
    assert found.quality.excluded == len(flagged)
    assert found.header.n_completed == everybody.report.header.n_completed - len(flagged)
    assert "by the flags that the plan names" in found.header.excluded
    nps = next(row for row in found.quality.figures if row.section == "nps")
    assert nps.without == found.nps.estimate
    assert nps.everybody == everybody.report.nps.estimate
