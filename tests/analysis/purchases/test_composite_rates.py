"""The composite score over many companies: false claims, power, and coverage of its gain."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from analysis.purchases.composite.behaviours import Beyond, behaviours, later_value
from analysis.purchases.composite.score import composite_score
from analysis.purchases.score import ScoreRule

AS_OF = date(2026, 6, 28)
CUTS = (AS_OF - timedelta(weeks=52), AS_OF - timedelta(weeks=26))
FIGURES = ("rank_correlation", "top_decile_capture")
COMPANIES, CUSTOMERS, MANY = 60, 1_000, 20_000


def purchases_of(who, after, weeks, names, sale_only, generator):
    """Purchases of customers (with repeats), on days of the weeks after a day."""
    days = generator.integers(1, weeks * 7 + 1, len(who))
    on_sale = np.where(sale_only[who], generator.random(len(who)) < 0.9, False)
    return pd.DataFrame(
        {
            "customer": names[who],
            "time": pd.Timestamp(after) + pd.to_timedelta(days, unit="D"),
            "amount": (3_000 * generator.gamma(2, 0.5, len(who))).astype(np.int64) + 1,
            "on_sale": on_sale,
        }
    )


def company(n, *, seed, effect):
    """A year before the first cut, then two half years that depend on the points at their start.

    Expected purchases are proportional to the points, times e^effect for those who buy on sale:
    with no effect nothing goes with later value beyond points.
    """
    generator = np.random.default_rng(seed)
    names = np.array([f"c{seed}-{i}" for i in range(n)])
    sale_only = generator.random(n) < 0.5
    counts = 1 + generator.poisson(generator.gamma(1.2, 6, n))
    who = np.repeat(np.arange(n), counts)
    parts = [purchases_of(who, CUTS[0] - timedelta(weeks=60), 60, names, sale_only, generator)]
    for cut in CUTS:
        now, _ = behaviours(pd.concat(parts), on=cut, rule=ScoreRule(), beyond=Beyond())
        points = now["plain_points"].reindex(names).fillna(0).to_numpy(dtype=float)
        mean = points / 30 / 2.6 * np.exp(effect * sale_only)
        bought = generator.poisson(mean * generator.gamma(2, 0.5, n))
        who = np.repeat(np.arange(n), bought)
        parts.append(purchases_of(who, cut, 26, names, sale_only, generator))
    return pd.concat(parts, ignore_index=True)


def truth_of(found, table, value):
    """Gain of the fitted score over points on very many other customers, by figure."""
    points = table["plain_points"].to_numpy(dtype=float)
    own, plain = (figures_of(score, value) for score in (found.fitted.expected(table), points))
    return dict(zip(FIGURES, np.subtract(own, plain), strict=True))


def figures_of(score, value):
    """Rank correlation, and the share of value held by the first tenth."""
    first = np.argsort(-score, kind="stable")[: len(value) // 10]
    return spearmanr(score, value).statistic, value[first].sum() / value.sum()


@pytest.mark.deep
@pytest.mark.parametrize("effect", [0.0, -1.5])
def test_deep_gains_are_covered_and_rarely_claimed_in_vain(effect):
    many = company(MANY, seed=1, effect=effect)
    table, _ = behaviours(many, on=CUTS[1], rule=ScoreRule(), beyond=Beyond())
    value = later_value(many, after=CUTS[1], until=AS_OF).reindex(table.index).fillna(0)
    rows = []
    for seed in range(100, 100 + COMPANIES):
        found = composite_score(company(CUSTOMERS, seed=seed, effect=effect), as_of=AS_OF)
        truth = truth_of(found, table, value.to_numpy(dtype=float))
        mine = found.judged.figures.query("score == 'composite'").set_index("figure")
        for figure in FIGURES:
            low, high = mine.loc[figure, ["gain_low", "gain_high"]]
            rows.append(
                {
                    "figure": figure,
                    "verdict": found.verdict,
                    "chosen": found.chosen,
                    "gain": mine.loc[figure, "gain"],
                    "truth": truth[figure],
                    "covered": low <= truth[figure] <= high,
                    "zero": low <= 0 <= high,
                    "better": low > 0,
                }
            )
    each = pd.DataFrame(rows)
    by = each.groupby("figure")[["gain", "truth", "covered", "zero", "better"]].mean()
    companies = each[each["figure"] == FIGURES[0]]
    print(effect, by, companies["chosen"].value_counts(), companies["verdict"].value_counts())
    error = 3 * np.sqrt(0.05 * 0.95 / COMPANIES)
    assert (by["covered"] > 0.95 - error).all()
    claimed = companies["verdict"].str.startswith("better").mean()
    if effect:
        assert claimed > 0.9
    else:
        assert (by["zero"] > 0.95 - error).all()
        assert claimed < 0.05 + error
