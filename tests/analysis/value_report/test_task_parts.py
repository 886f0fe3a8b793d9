"""Best-worst sets, rated profiles and dual-response none in the report, against a planted truth."""

import math
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import pytest

from analysis.choices.hb import Settings
from analysis.rendering.charts import draw
from analysis.rendering.html import report_html
from analysis.study import read_study
from analysis.synthetic.archive_of import archive_of
from analysis.synthetic.generic import AnyRespondent, any_company
from analysis.value_report import task_parts
from analysis.value_report.build import build_report

STUDY = read_study(Path(__file__).parents[3] / "examples" / "all-kinds" / "study.yaml")
ITEMS = {
    "fresh": 1.2, "near": 0.5, "friendly": 0.3, "cheap": -0.2, "choice": -0.6, "pretty": -1.2,
}  # fmt: skip
ORIGINS = {"many": 0.0, "coop": 0.6, "family": 1.0}
PRICE = -0.8
NONE = -1.5


@dataclass(frozen=True, slots=True, eq=False)
class Planted(AnyRespondent):
    """Answers by utilities that all respondents share."""

    def best_and_worst(self, exercise, items):
        draw = self._draw("sets", *items)
        best = self._of(draw, [ITEMS[item] for item in items])
        left = [n for n in range(len(items)) if n != best]
        worst = left[self._of(draw, [-ITEMS[items[n]] for n in left])]
        return best + 1, worst + 1

    def choose(self, exercise, alternatives):
        if exercise.id != "coffee":
            return super(Planted, self).choose(exercise, alternatives)
        return self._of(self._tasted(alternatives), self._utilities(alternatives)) + 1

    def buys(self, exercise, alternatives):
        draw = self._tasted(alternatives)
        draw.random()
        total = sum(math.exp(u) for u in self._utilities(alternatives))
        return draw.random() < total / (total + math.exp(NONE))

    def rate(self, exercise, levels):
        told = {"rolls": -1, "croissant": 1, "jam": -0.5, "cheese": 0.5, "4": 1, "6": -1}
        spread = self._draw("rate", repr(sorted(levels.items()))).gauss(0, 1)
        return min(max(round(5.5 + sum(told[level] for level in levels.values()) + spread), 1), 10)

    def _utilities(self, alternatives):
        return [ORIGINS[a["origin"]] + PRICE * float(a["price"]) for a in alternatives]

    def _tasted(self, alternatives):
        return self._draw("coffee", repr([sorted(a.items()) for a in alternatives]))

    @staticmethod
    def _of(draw, utilities):
        weights = [math.exp(u) for u in utilities]
        at, n = draw.random() * sum(weights), 0
        while at > weights[n]:
            at, n = at - weights[n], n + 1
        return n


@pytest.fixture(scope="module")
def report():
    plan = STUDY.analysis.model_copy(update={"exercise": "coffee"})
    live = STUDY.model_copy(update={"analysis": plan})
    found = any_company(live, seed=4, today=date(2026, 11, 22), respondents=400)
    people = tuple(
        Planted(p.customer, p.answered_on, live, p.seed, p.stops_after) for p in found.respondents
    )
    return build_report(archive_of(replace(found, respondents=people), live), seed=2)


def test_shares_of_items_cover_the_planted_ones(report):
    (scores,) = report.best_worst
    assert [item.item for item in scores.items] == sorted(ITEMS, key=lambda i: -ITEMS[i])
    chances = {name: 1 / (1 + 3 * math.exp(-u)) for name, u in ITEMS.items()}
    inside = [
        item.share.low <= 100 * chances[item.item] / sum(chances.values()) <= item.share.high
        for item in scores.items
    ]
    assert sum(inside) >= 5
    assert sum(item.share.value for item in scores.items) == pytest.approx(100)
    ends = scores.items[0].score.value, scores.items[-1].score.value
    assert ends == (pytest.approx(100), pytest.approx(0))
    assert {item.share.n for item in scores.items} == {400}


def test_rated_profiles_give_points_a_level(report):
    (rated,) = report.rated_profiles
    worths = {w.level: w.estimate for w in rated.part_worths if w.level}
    assert worths["croissant"].low < 1 < worths["croissant"].high
    assert worths["cheese"].value == pytest.approx(0.5, abs=0.15)
    (slope,) = [w.estimate for w in rated.part_worths if not w.level]
    assert slope.value == pytest.approx(-1, abs=0.15)
    assert {slope.unit, worths["jam"].unit} == {"points"}
    assert sum(i.estimate.value for i in rated.importances) == pytest.approx(1)


def test_a_dual_response_is_fitted_by_one_utility(report):
    """The planted world answers by METHODS' two chances, so the plain intervals must cover it."""
    worths = {(w.attribute, w.level): w.estimate for w in report.part_worths}
    mean = sum(ORIGINS.values()) / 3
    for level, value in ORIGINS.items():
        found = worths["origin", level]
        assert found.low - 0.05 < value - mean < found.high + 0.05
    assert worths["price", ""].low < PRICE < worths["price", ""].high
    assert not any(attribute == "none" for attribute, _ in worths)
    assert not any("second answer" in warning for warning in report.warnings)


def test_both_have_a_section_with_a_chart_a_table_and_a_method(report):
    charts = draw(report)
    assert {f"best_worst_matters.{w}" for w in ("wide", "narrow")} <= charts.keys()
    assert "Everything is baked the same day" in charts["best_worst_matters.wide"]
    page = report_html(report, charts)
    assert "What matters most, and what least" in page and "What makes an offer attractive" in page
    assert {"best_worst", "rated_profiles"} <= {method.id for method in report.methods}


def test_sets_are_fitted_by_the_estimator_of_the_plan(monkeypatch):
    monkeypatch.setattr(task_parts, "CHAINS", Settings(kept=300, burn_in=300))
    plan = STUDY.analysis.model_copy(update={"exercise": "matters", "estimator": "hb"})
    only = STUDY.model_copy(update={"analysis": plan})
    found = any_company(only, seed=4, today=date(2026, 11, 22), respondents=80)
    people = tuple(
        Planted(p.customer, p.answered_on, only, p.seed, p.stops_after) for p in found.respondents
    )
    report = build_report(archive_of(replace(found, respondents=people), only), seed=2)
    (scores,) = report.best_worst
    assert scores.items[0].item == "fresh" and scores.items[-1].item == "pretty"
    assert "hierarchical Bayes" in scores.items[0].share.method
    (method,) = [m for m in report.methods if m.id == "best_worst"]
    assert "utilities of their own" in method.text


def test_a_study_without_choices_is_no_fault():
    only = STUDY.model_copy(
        update={
            "exercises": tuple(e for e in STUDY.exercises if e.id == "matters"),
            "pages": tuple(p for p in STUDY.pages if p.exercise in (None, "matters")),
            "analysis": STUDY.analysis.model_copy(update={"exercise": "matters"}),
        }
    )
    found = any_company(only, seed=1, today=date(2026, 11, 22), respondents=60)
    report = build_report(archive_of(found, only), seed=1)
    assert report.best_worst and not report.part_worths
    assert not any("part-worths" in warning for warning in report.warnings)
