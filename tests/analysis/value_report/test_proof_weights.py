"""Weighted figures over many planted companies, without the rest of the report."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from analysis.customers.weighting import weighting
from analysis.ratings.means import mean_of
from analysis.ratings.nps import net_promoter_score
from analysis.synthetic.planted import PlantedTruth, planted_company
from tests.analysis.value_report.proof import DEMO, TODAY, study_of, true_means, true_nps

STUDY = study_of("mnl")
NO_ANSWERS = pd.DataFrame(columns=["respondent", "question", "item", "value", "status"])


def customers_of(purchases):
    """Points (a dollar each in 52 weeks, twice in the last 13) and days since the last purchase."""
    days = (pd.Timestamp(TODAY) - purchases["time"].dt.normalize()).dt.days
    points = purchases["amount"] / 100 * np.select([days < 91, days < 364], [2.0, 1.0], 0.0)
    made = pd.DataFrame({"customer": purchases["customer"], "points": points, "days": days})
    grouped = made.groupby("customer")
    table = pd.DataFrame({"points": grouped["points"].sum(), "recency_days": grouped["days"].min()})
    return table.reset_index()


def answered(company, rng):
    """Perceived value and recommendation of every respondent, as answered."""
    truth, scores = company.truth, {}
    plan = DEMO.analysis.perceived_value
    for name in (*plan.benefits, *plan.costs):
        latent = np.array([person.latent[name] for person in company.respondents])
        items = len(DEMO.items_of(name))
        seen = latent[:, None] + rng.normal(0, truth.ratings.item, (len(latent), items))
        scores[name] = (25 * np.clip(np.round(seen / 25), 0, 4)).mean(axis=1)
    felt = rng.normal(truth.ratings.recommend[0], truth.ratings.recommend[2], len(latent))
    for name, slope in truth.slopes.items():
        latent = np.array([person.latent[name] for person in company.respondents])
        felt = felt + slope * (latent - truth.ratings.perceived[name][0])
    benefits, costs = (
        np.mean([scores[name] for name in side], axis=0) for side in (plan.benefits, plan.costs)
    )
    return benefits - costs, np.clip(np.round(felt), 0, 10)


def estimates(seed):
    """Perceived value and NPS of one company, weighted by purchases."""
    company = planted_company(STUDY, PlantedTruth(), seed=seed, today=TODAY)
    value, rating = answered(company, np.random.default_rng([seed, 1]))
    names = [person.customer for person in company.respondents]
    people = pd.DataFrame({"respondent": names, "customer": names, "weight": 1.0})
    found = weighting(STUDY, people, NO_ANSWERS, customers_of(company.purchases))
    weights = found.raked.weights.reindex(names)
    mean = mean_of(pd.Series(value, index=names), unit="points", weights=weights)
    return mean, net_promoter_score(rating, weights=weights.to_numpy()).estimate


@pytest.mark.deep
def test_weighted_figures_are_those_of_the_customers_in_the_purchase_file():
    companies = 300
    found = [estimates(seed) for seed in range(90_000, 90_000 + companies)]
    for which, truth in enumerate((true_means()["value"], true_nps())):
        values = np.array([pair[which].value for pair in found])
        covered = np.mean([pair[which].low <= truth <= pair[which].high for pair in found])
        error = values.std(ddof=1) / companies**0.5
        print(truth, values.mean() - truth, error, covered)
        assert abs(values.mean() - truth) < 3 * error
        assert covered >= stats.binom.ppf(0.001, companies, 0.95) / companies
