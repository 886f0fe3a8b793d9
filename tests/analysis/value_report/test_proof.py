"""A whole company with a known truth, and what the report makes of its archive.

``proof.py`` works the truth out without the code of the report.
"""

from functools import cache

import numpy as np
import pytest
from scipy import stats

from analysis.synthetic.pastry import ChoiceTruth
from analysis.synthetic.planted import PlantedTruth
from tests.analysis.value_report.proof import (
    alarms,
    intervals,
    reported,
    true_money,
    true_nps,
)

NOT_REPAIRED = ("nps unweighted", "perceived value unweighted")
NOT_CORRECTED = "ratio as measured"
BY_LIKING = PlantedTruth(answering="liking")


ONE_TASTE = ((ChoiceTruth(), 1.0),)
"""Choices pay most for emotional upgrades, recommending goes most with functional quality."""


@cache
def company(answering="purchases"):
    truth = PlantedTruth(answering=answering, tastes=ONE_TASTE)
    buyers, respondents = (1600, 320) if answering == "purchases" else (800, 200)
    return reported(truth, 7, buyers=buyers, respondents=respondents)


@cache
def figures():
    return intervals(company(), limit=true_money(company().company.truth)[0])


def inside(figure):
    low, truth, high, _ = figure
    return low <= truth <= high


def test_the_report_recovers_what_was_planted():
    found = figures()
    promised = [name for name in found if name not in (*NOT_REPAIRED, NOT_CORRECTED)]
    covered = sum(inside(found[name]) for name in promised)
    assert len(promised) == 20
    # the figures of one company hang together, so that several may miss at once
    assert covered >= 15
    drivers = [s for s in company().report.sections if s.id == "drivers_1"]
    assert "Quality" in drivers[0].title


def test_answers_that_purchases_explain_are_repaired_and_others_are_not():
    found = figures()
    assert found["nps unweighted"][0] > true_nps()
    assert inside(found["nps"])
    other = company("liking").report
    assert other.nps.estimate.low > true_nps()
    weights = next(s for s in other.sections if s.id == "weights")
    assert "takes away only what purchases explain" in weights.caution


def test_a_planted_disagreement_of_choices_and_answers_is_told():
    section = next(s for s in company().report.sections if s.id == "agreement")
    assert "disagree" in section.title
    said = {row[0]: row[2] for row in section.tables[0].rows}
    assert {"functional", "emotional"} <= set(said.values())


def test_decliners_are_listed_and_shoppers_of_sales_are_not():
    found = alarms(company())
    among_all = found["planted"] / len(company().archive.customers)
    assert found["found"] / found["listed"] > 4 * among_all
    assert found["found"] > 0.3 * found["planted"]
    assert found["fell"] >= found["at_least"]
    assert found["sale_only"] == 0


@pytest.mark.deep
def test_intervals_cover_over_companies_as_often_as_promised():
    companies, limit = 24, true_money()[0]
    hits, lists = {}, []
    for seed in range(4000, 4000 + companies):
        report = reported(PlantedTruth(), seed)
        for name, figure in intervals(report, limit=limit).items():
            hits.setdefault(name, []).append((inside(figure), figure[3]))
        lists.append(alarms(report))
    least = stats.binom.ppf(0.001, companies, 0.95)
    for name, found in hits.items():
        covered = sum(hit for hit, _ in found)
        print(name, covered, "of", companies, np.mean([value for _, value in found]))
        if name in (*NOT_REPAIRED, NOT_CORRECTED):
            assert covered < least
        else:
            assert covered >= least
    totals = {name: sum(one[name] for one in lists) for name in lists[0]}
    print(totals)
    assert totals["found"] > 0.3 * totals["planted"]
    assert totals["found"] > 0.55 * totals["testable"]
    assert totals["fell"] >= totals["at_least"]


@pytest.mark.deep
def test_answers_that_liking_decides_stay_biased_and_the_report_says_so():
    limit = true_money()[0]
    for seed in range(5000, 5004):
        report = reported(BY_LIKING, seed)
        found = intervals(report, limit=limit)
        assert not inside(found["nps"])
        assert not inside(found["perceived value"])
        weights = next(s for s in report.report.sections if s.id == "weights")
        assert "takes away only what purchases explain" in weights.caution
