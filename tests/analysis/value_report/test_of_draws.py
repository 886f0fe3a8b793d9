"""A report by hierarchical Bayes: its figures, their names, and what is kept back until final."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from analysis.archive import normalised
from analysis.choices.hb import Cancelled, Settings
from analysis.rendering.charts import draw
from analysis.rendering.html import report_fragment
from analysis.study import read_study
from analysis.synthetic.archive_of import archive_of
from analysis.synthetic.pastry import pastry_company
from analysis.value_report import choice_parts
from analysis.value_report.action_sections import _gains
from analysis.value_report.build import analyse
from analysis.value_report.subset import Group
from analysis.value_report.types import ValueReport
from analysis.value_report.used import used_rows

STUDY = read_study(Path(__file__).parents[3] / "examples" / "pastry" / "study.yaml")
TODAY = date(2026, 11, 22)


@pytest.fixture(scope="module")
def archive():
    company = pastry_company(STUDY, seed=7, today=TODAY, buyers=300, respondents=150)
    return normalised(archive_of(company, STUDY))


@pytest.fixture(scope="module")
def made(archive):
    return analyse(archive, seed=1)


@pytest.fixture(scope="module")
def unsettled(archive):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(choice_parts, "CHAINS", Settings(burn_in=100, draws=20, at_most=60))
        return analyse(archive, seed=1)


def test_the_estimator_is_named_with_prior_chains_and_draws(made):
    report = made.report
    assert report.estimation.estimator == "hb"
    assert report.estimation.text == (
        "hierarchical Bayes, Sawtooth prior, 2 chains of 2,000 draws after 400 left out"
    )
    assert report.estimation.reasons == ()
    methods = {method.id: method for method in report.methods}
    assert "median respondent" in methods["willingness_to_pay"].text
    assert "aggregate logit" not in methods["part_worths"].text


def test_every_figure_of_choices_has_interval_n_and_method(made):
    report = made.report
    shown = [u.estimate for u in report.upgrades]
    shown += [w.estimate for w in report.part_worths]
    shown += [e for i in report.importances for e in (i.estimate, i.of_the_mean)]
    shown += [e for t in report.tag_values for e in (t.money, t.share)]
    for estimate in shown:
        assert estimate.low <= estimate.value <= estimate.high
        assert estimate.n == report.estimation.n_respondents
        assert "Bayesian bootstrap" in estimate.method


def test_the_planted_money_values_lie_in_their_intervals(made):
    """Medians of -worth / price as planted, by 10^6 draws: 20 and 29 cents."""
    worth = {(u.attribute, u.to_level): u.estimate for u in made.report.upgrades}
    freshness = worth["freshness", "Baked this morning"]
    assert freshness.low < 0.200 < freshness.high
    pineapple = worth["pineapple", "In the cream and two on top"]
    assert pineapple.low < 0.290 < pineapple.high


def test_the_share_over_half_the_prices_stands_beside_the_share_that_is_shown(made):
    price = next(i for i in made.report.importances if i.attribute == "price").estimate.value
    assert made.report.importance_note.endswith(f"in place of {price:.0%}.")
    half = int(made.report.importance_note.split("would decide ")[1].split("%")[0]) / 100
    # the share over half the range is convex in the share: the mean over people lies above it
    assert price / 2 / (1 - price / 2) - 0.005 <= half < price


def test_half_of_the_customers_spread_wider_than_the_median_is_uncertain(made):
    for upgrade in made.report.upgrades:
        assert upgrade.half_low < upgrade.estimate.low_50
        assert upgrade.half_high > upgrade.estimate.high_50


def test_shares_of_respondents_and_of_the_mean_are_two_figures(made):
    shares = made.report.importances
    assert sum(i.estimate.value for i in shares) == pytest.approx(1, abs=0.01)
    assert sum(i.of_the_mean.value for i in shares) == pytest.approx(1, abs=0.01)
    # Likings in both directions cancel out in the mean of the packaging (planted 0.3 +- 0.6).
    packaging = next(i for i in shares if i.attribute == "packaging")
    assert packaging.of_the_mean.value < packaging.estimate.value


def test_predictions_head_their_section(made):
    heading = next(h for h in made.report.headlines if h.section == "prediction")
    assert f"{made.report.prediction.fit.hit_rate.value:.0%}"[:-1] in heading.text
    assert "guessing would foresee 25" in heading.text
    page = report_fragment(made.report, draw(made.report), diagnostics="there")
    assert heading.text in page
    assert 'href="there"' in page
    assert "not final" not in page


def test_results_that_are_not_final_are_kept_back(unsettled):
    report = unsettled.report
    assert report.estimation.reasons
    assert not (report.part_worths or report.importances or report.upgrades or report.tag_values)
    assert not {h.method for h in report.headlines} & {"willingness_to_pay", "tag_values"}
    assert not any("pay" in act.title or "price" in act.title for act in report.actions)
    assert report.nps is not None
    page = report_fragment(report, draw(report), diagnostics="there")
    assert "The part-worths are not final." in page
    assert page.index("not final") < page.index("<h1")
    assert report.estimation.reasons[0] in page
    assert not unsettled.diagnostics.final
    assert unsettled.diagnostics.prediction is not None
    assert unsettled.fit is not None


def test_weights_enter_the_figures_but_not_the_draws(archive, made):
    people = archive.respondents.copy()
    people["weight"] = [3.0 if n % 2 else 0.5 for n in range(len(people))]
    weighted = analyse(replace(archive, respondents=people), seed=1)
    assert weighted.diagnostics.parameters == made.diagnostics.parameters
    values = [u.estimate.value for u in weighted.report.upgrades]
    assert values != [u.estimate.value for u in made.report.upgrades]


def test_a_handful_of_people_gives_no_figures_of_a_market(archive):
    kept = archive.respondents[archive.respondents["ended"] == "complete"]["respondent"].iloc[:7]
    few = replace(
        archive, respondents=archive.respondents[archive.respondents["respondent"].isin(kept)]
    )
    parts = choice_parts.choice_parts(used_rows(normalised(few)), seed=1)
    assert "more respondents (7) than part-worths (7)" in parts.upgrades[0].estimate.reason


def test_the_sampler_tells_its_progress_and_is_cancelled(archive):
    said = []

    def cancel(step, done, total):
        said.append((step, total))
        return not step.startswith("Drawing everybody")

    with pytest.raises(Cancelled):
        analyse(archive, seed=1, progress=cancel)
    assert said[-1] == ("Drawing everybody's part-worths", 4800)


def test_published_reports_of_format_1_stay_readable():
    """What a report of the aggregate logit stored before there was another estimator."""
    stored = (Path(__file__).parent / "published-format-1.json").read_text()
    report = ValueReport.model_validate_json(stored)
    assert report.estimation is None
    assert report.upgrades[0].estimate.method == "delta method, cluster covariance"
    assert report.headlines[0].text in report_fragment(report, draw(report))


def test_offers_and_segments_of_a_group_are_of_that_group_alone(archive):
    """Part-worths are drawn for all together; who is outside is still not counted."""
    people = archive.respondents.copy()
    people["cell"] = ["a" if n % 2 else "b" for n in range(len(people))]
    found = analyse(replace(archive, respondents=people), seed=1, only=(Group("cell", "a"),))
    n, sections = found.report.header.n_completed, {s.id: s for s in found.report.sections}
    assert n < found.fit.fitted.n_respondents
    assert f" of {n} respondents " in sections["offers"].title
    assert {row[1].n for row in sections["offers"].tables[0].rows} == {n}
    tried = next(t for t in sections["segments"].tables if t.id == "segments_tried")
    assert all(row[4].n == n for row in tried.rows if not isinstance(row[4], str))


def test_offers_are_weighted_where_the_report_is(made):
    """All weight on one respondent: the market's gain of an offer is that person's."""
    plain = _gains(made.fit, None, None, 1, [])
    person = plain.customers[plain.customers["basis"] == "own"].iloc[0]
    names = made.fit.fitted.hierarchy.respondents
    one = {name: 1.0 if name == person["respondent"] else 1e-9 for name in names}
    gain = _gains(made.fit, None, one, 1, []).market[person["offer"]].value
    assert gain == pytest.approx(person["gain"], abs=1e-4)
    assert gain != pytest.approx(plain.market[person["offer"]].value, abs=1e-3)


def test_the_act_says_whose_amount_it_is(made):
    """The headline's amount is that of the median customer: half would not pay it."""
    act = next(a for a in made.report.actions if a.title.startswith("Try "))
    best = max(made.report.upgrades, key=lambda u: u.estimate.value)
    assert f"To half of the customers it is worth {100 * best.estimate.value:.0f}¢ or more" in (
        act.evidence
    )
    assert f"to a quarter {100 * best.half_low:.0f}¢ or less" in act.evidence
