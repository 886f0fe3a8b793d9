from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner

from analysis.archive import normalised, read_archive, write_archive
from analysis.cli import main
from analysis.purchases.winback.campaign import COLUMNS, read_list
from analysis.rendering.html import report_html
from analysis.study import parse_study, read_study
from analysis.synthetic.archive_of import archive_of
from analysis.synthetic.generic import any_company
from analysis.synthetic.pastry import pastry_company
from analysis.value_report.build import analyse, build_report
from analysis.value_report.sentences import change
from analysis.value_report.types import Upgrade, ValueReport

ROOT = Path(__file__).parents[3]
DEMO = read_study(ROOT / "examples" / "pastry" / "study.yaml")
LOGIT = DEMO.analysis.model_copy(update={"estimator": "mnl"})
STUDY = DEMO.model_copy(update={"analysis": LOGIT})
"""By the logit, which takes no time; test_of_draws.py has hierarchical Bayes."""
TODAY = date(2026, 11, 22)


@pytest.fixture(scope="module")
def archive():
    company = pastry_company(STUDY, seed=2, today=TODAY, buyers=700, respondents=200)
    return normalised(archive_of(company, STUDY))


@pytest.fixture(scope="module")
def report(archive):
    return build_report(archive, seed=1)


def test_same_archive_and_seed_same_bytes(archive, report, tmp_path):
    write_archive(tmp_path / "a.sqlite", archive)
    again = build_report(read_archive(tmp_path / "a.sqlite"), seed=1)
    assert again.model_dump_json() == report.model_dump_json()


def test_rows_in_another_order_change_nothing(archive, report):
    shuffled = replace(
        archive,
        answers=archive.answers.sample(frac=1, random_state=1),
        choices={n: f.sample(frac=1, random_state=1) for n, f in archive.choices.items()},
    )
    assert build_report(shuffled, seed=1) == report


def test_the_report_survives_as_json(report):
    assert ValueReport.model_validate_json(report.model_dump_json()) == report


def test_the_first_screen_is_there(report):
    assert "pineapple pieces in the cream and two on top" in report.headlines[0].text.lower()
    assert len(report.key_figures) == 3
    assert len(report.actions) == 3
    assert report.header.simulated
    assert report.header.n_completed < report.header.n_started
    assert 0 < report.header.n_linked < report.header.n_completed


def test_more_than_any_other_only_when_the_difference_is_clear(report):
    best = max(report.upgrades, key=lambda u: u.estimate.value)
    others = [u for u in report.upgrades if u is not best]
    if "more than for any other" in report.headlines[0].text:
        assert all(u.estimate.value < best.estimate.value for u in others)
        # If even the single intervals are apart, the difference must be called clear.
    apart = all(u.estimate.high < best.estimate.low for u in others)
    assert not apart or "more than for any other" in report.headlines[0].text


def test_a_close_race_is_not_called_won():
    company = pastry_company(STUDY, seed=5, today=TODAY, buyers=60, respondents=8)
    few = build_report(archive_of(company, STUDY), seed=1)
    assert "more than for any other" not in few.headlines[0].text


def test_every_method_that_is_named_is_explained(report):
    known = {method.id for method in report.methods}
    named = {h.method for h in report.headlines} | {k.method for k in report.key_figures}
    assert named <= known
    for method in report.methods:
        assert (ROOT / method.page).exists(), method.page


def test_no_p_value_and_no_hyphen_minus_in_sentences(report):
    sentences = [h.text for h in report.headlines] + [k.meaning for k in report.key_figures]
    sentences += [f"{a.title} {a.evidence}" for a in report.actions]
    for sentence in sentences:
        assert "p =" not in sentence
        assert "p <" not in sentence
        assert " -" not in sentence


def test_the_win_back_act_claims_no_lift(report):
    act = next(a for a in report.actions if "by lot" in a.title)
    assert "no measured lift" in act.evidence


def test_declining_customers_come_with_a_lot_and_what_chance_lists(report, archive):
    counts = {a.answer: a.n for a in report.alarm_answers}
    watched = (archive.alarms["alarm"] != "not_watched").sum()
    assert sum(counts.values()) == watched
    assert counts["too_few"] > 0
    assert {row.group for row in report.declining_customers} == {"contact", "control"}
    risks = [row.spend_at_risk for row in report.declining_customers]
    assert risks == sorted(risks, reverse=True)
    figure = next(k for k in report.key_figures if k.method == "lists")
    assert figure.figure == str(counts["declining"])
    assert figure.estimate.n == watched
    chance = round(counts["declining"] - figure.estimate.value)
    assert f"would list about {chance} where" in report.list_note
    assert "117 are needed" in report.list_note


def test_how_many_decline_beyond_chance_has_an_interval_of_both_counts(report, archive):
    """Listed less a placebo date's, each a Poisson count: no end is the count of the list."""
    on_sale = archive.customers.set_index("customer")["sale_share"].fillna(0) >= 0.9
    alarms = archive.alarms[~archive.alarms["customer"].map(on_sale)]
    now, then = ((alarms[name] != "not_watched").sum() for name in ("alarm", "alarm_13_weeks_ago"))
    listed = (alarms["alarm"] == "declining").sum()
    false = (alarms["alarm_13_weeks_ago"] == "declining").sum()
    ratio = false * now / then / listed
    half = 1.96 * ratio * (1 / false + 1 / listed) ** 0.5
    found = next(k for k in report.key_figures if k.method == "lists").estimate
    assert found.value == pytest.approx(listed * (1 - ratio))
    assert found.low == pytest.approx(listed * max(1 - ratio - half, 0))
    assert found.high == pytest.approx(listed * min(1 - ratio + half, 1))


def test_the_map_counts_as_clear_only_who_is_not_too_close(report):
    found = report.value_map
    (said,) = (h.text for h in report.headlines if h.section == "value_map")
    clear = sum(p.quadrant == "at_risk" and not p.too_close for p in found.points)
    share = sum(p.too_close for p in found.points) / found.n
    assert said.startswith(f"{clear or 'None'} of {found.n} linked customers clearly value")
    assert f"{100 * share:.0f}% are too close to a cut to call" in said


def test_the_whole_list_goes_with_the_report(archive):
    campaign = analyse(archive, seed=1).campaign
    assert list(campaign.columns) == list(COLUMNS)
    again = analyse(archive, seed=2).campaign
    assert list(again["group"]) == list(campaign["group"])


def test_without_an_alarm_nobody_is_called_declining_and_the_reason_is_given(archive):
    old = {name: value for name, value in archive.facts.items() if not name.startswith("alarm")}
    for facts, words in (
        (old, "before there was an alarm"),
        ({**old, "alarm": "not enough history: 60 weeks"}, "not enough history: 60 weeks"),
    ):
        bare = replace(archive, alarms=archive.alarms.iloc[:0], facts=facts)
        found = analyse(bare, seed=1)
        assert found.campaign is None
        assert found.report.alarm_answers == found.report.declining_customers == ()
        assert words in found.report.list_note
        assert not any("declining" in act.title for act in found.report.actions)
        assert found.report.value_map is not None
        page = report_html(found.report, {})
        assert words in page
        assert "buy clearly less often" not in page


def test_no_purchases_no_map(archive):
    bare = replace(
        archive,
        customers=archive.customers.iloc[:0],
        alarms=archive.alarms.iloc[:0],
        outcomes=archive.outcomes.iloc[:0],
        facts={**archive.facts, "as_of": "", "alarm": "there are no purchases"},
    )
    found = build_report(bare, seed=1)
    assert found.value_map is None
    assert found.best_customers == ()
    assert any("No purchases" in warning for warning in found.warnings)
    assert found.part_worths


def test_no_exercise_no_part_worths():
    study = parse_study(
        "study: short\ntitle: Short\npages:\n  - id: one\n    questions:\n"
        "      - {id: nps, kind: nps, text: 'Would you recommend us?'}\n"
    ).model_copy(update={"simulated": True})
    found = build_report(
        archive_of(any_company(study, seed=1, today=TODAY, respondents=30), study), seed=1
    )
    assert found.part_worths == ()
    assert found.nps is not None
    assert found.headlines[0].method == "nps"
    assert any("no choice exercise" in warning for warning in found.warnings)


def test_bots_do_not_count_in_a_real_study(archive):
    real = STUDY.model_copy(update={"simulated": False})
    people = archive.respondents.copy()
    people.loc[people.index[:50], "run_kind"] = "live"
    found = build_report(replace(archive, versions={1: real}, respondents=people), seed=1)
    assert not found.header.simulated
    assert found.header.n_started == 50
    assert "bots" in found.header.excluded
    with pytest.raises(ValueError, match="nobody completed"):
        build_report(replace(archive, versions={1: real}), seed=1)


def test_answers_to_another_version_are_left_out_with_a_warning(archive):
    other = STUDY.model_copy(update={"currency": "EUR"})
    people = archive.respondents.copy()
    people["study_version"] = 2
    people.loc[people.index[:20], "study_version"] = 1
    mixed = replace(archive, versions={1: other, 2: STUDY}, respondents=people)
    found = build_report(mixed, seed=1)
    assert found.header.version == 2
    assert any(w.startswith("20 respondents answered other versions") for w in found.warnings)
    same = build_report(replace(mixed, versions={1: STUDY, 2: STUDY}), seed=1)
    assert not any("other versions" in warning for warning in same.warnings)


@pytest.mark.parametrize(
    ("attribute", "level", "said"),
    [
        ("Pineapple pieces", "In the cream", "Pineapple pieces in the cream"),
        ("Freshness", "Baked this morning", "Baked this morning"),
        ("Packaging", "Gift box", "Gift box"),
        ("Look", "Decorated", "Look: Decorated"),
    ],
)
def test_an_upgrade_in_words_that_stand_alone(report, attribute, level, said):
    upgrade = report.upgrades[0].model_copy(
        update={"attribute_label": attribute, "to_level": level}
    )
    assert isinstance(upgrade, Upgrade)
    assert change(upgrade) == said


def test_the_command_writes_its_files(archive, tmp_path):
    write_archive(tmp_path / "a.sqlite", archive)
    out = tmp_path / "out"
    done = CliRunner().invoke(main, ["report", str(tmp_path / "a.sqlite"), "--out", str(out)])
    assert done.exit_code == 0, done.output
    assert done.stdout == ""
    ValueReport.model_validate_json((out / "report.json").read_text())
    assert "<svg" in (out / "report.html").read_text()
    assert 'href="diagnostics.html"' in (out / "report.html").read_text()
    assert 'href="win-back.csv"' in (out / "report.html").read_text()
    assert set(read_list(out / "win-back.csv")["group"]) == {"contact", "control"}
    assert "What a statistician checks" in (out / "diagnostics.html").read_text()


def test_the_command_refuses_what_is_no_archive(tmp_path):
    (tmp_path / "a.sqlite").write_text("hello")
    done = CliRunner().invoke(
        main, ["report", str(tmp_path / "a.sqlite"), "--out", str(tmp_path / "out")]
    )
    assert done.exit_code == 2
    assert "not an archive" in done.stderr
    assert not (tmp_path / "out").exists()
