"""What a planted company's report should find, worked out without the report's code."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from itertools import permutations
from pathlib import Path

import numpy as np
from scipy import stats

from analysis.archive import read_archive, write_archive
from analysis.choices.coding import coding_of
from analysis.choices.design import make_tasks
from analysis.customer_key import customer_key
from analysis.study import read_study
from analysis.study.types import Weighting
from analysis.synthetic.archive_of import KEY, archive_of
from analysis.synthetic.buying import draw_habits, visit_rates
from analysis.synthetic.planted import (
    PlantedTruth,
    draw_latents,
    draw_tastes,
    planted_company,
    true_score,
    true_value,
)
from analysis.value_report.build import Analysis, analyse

DEMO = read_study(Path(__file__).parents[3] / "examples" / "pastry" / "study.yaml")
TODAY = date(2026, 11, 22)
DRIVERS = ("quality", "pleasure", "price_burden", "effort")


def study_of(estimator):
    """The demo's study, weighted by purchases, with an estimator."""
    plan = DEMO.analysis.model_copy(
        update={"estimator": estimator, "weighting": Weighting(purchases=True)}
    )
    return DEMO.model_copy(update={"analysis": plan})


@dataclass(frozen=True)
class Reported:
    company: object
    archive: object
    found: Analysis

    @property
    def report(self):
        return self.found.report


def reported(truth, seed, *, estimator="mnl", buyers=2000, respondents=400):
    """A company's report, through a file, as a user gets it."""
    study = study_of(estimator)
    company = planted_company(
        study, truth, seed=seed, today=TODAY, buyers=buyers, respondents=respondents
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "archive.sqlite"
        write_archive(path, archive_of(company, study))
        archive = read_archive(path)
    return Reported(company, archive, analyse(archive, seed=seed))


@cache
def people(n=100_000, seed=20261126):
    """Truth, latent scores, and the chance of each to be in the purchase file at all.

    Reports speak of the customers in the purchase file, and weigh respondents to them: who never
    bought is no customer. They like the shop less, so that all who were drawn are another
    population (perceived value .35 lower).
    """
    truth, rng = PlantedTruth(), np.random.default_rng(seed)
    habits = draw_habits(truth.buying, n, rng)
    scale = truth.buying.mean_rate / truth.buying.shape
    regular = stats.norm.ppf(stats.gamma.cdf(habits.rate, truth.buying.shape, scale=scale))
    apart = (1 - truth.habit**2) ** 0.5 * rng.normal(size=n)
    latent = draw_latents(truth, truth.habit * regular + apart, rng)
    value = true_value(DEMO, truth, latent)
    lift = np.exp(truth.relation * (value - value.mean()) / 10)
    visits = np.array([
        visit_rates(truth.buying, _some(habits, part), lift[part]).sum(axis=1)
        for part in np.array_split(np.arange(n), 20)
    ]).ravel()  # fmt: skip
    return truth, latent, 1 - np.exp(-visits)


def _some(habits, part):
    arrays = {name: getattr(habits, name)[part] for name in habits.__slots__ if name != "names"}
    return replace(habits, names=(), **arrays)


def _recommending(seed=7):
    """Answers of 0 to 10 of the people."""
    truth, latent, _ = people()
    spread = np.random.default_rng(seed).normal(
        0, truth.ratings.recommend[2], len(latent["effort"])
    )
    felt = truth.ratings.recommend[0] + spread
    for name, slope in truth.slopes.items():
        felt = felt + slope * (latent[name] - truth.ratings.perceived[name][0])
    return np.clip(np.round(felt), 0, 10)


@cache
def true_nps():
    """Of the customers in the purchase file: of all people exactly, less what the others move."""
    truth, ratings = PlantedTruth(), PlantedTruth().ratings
    together = sum(s * ratings.perceived[c][1] for c, s in truth.slopes.items())
    apart = sum(s**2 for s in truth.slopes.values()) * ratings.own**2
    spread = (together**2 + apart + ratings.recommend[2] ** 2) ** 0.5
    felt = stats.norm(ratings.recommend[0], spread)
    given, inside = _recommending(), people()[2]
    score = (given >= 9) * 1.0 - (given <= 6)
    moved = np.average(score, weights=inside) - score.mean()
    return 100 * float(felt.sf(8.5) - felt.cdf(6.5) + moved)


@cache
def true_means():
    """Mean score of each construct, and perceived value, as answered."""
    truth, latent, inside = people()
    scores = {name: true_score(truth, values) for name, values in latent.items()}
    scores["value"] = true_value(DEMO, truth, latent)
    return {name: float(np.average(score, weights=inside)) for name, score in scores.items()}


@cache
def true_shares():
    """Shapley shares of what the answered scores explain of the answered recommendation."""
    truth, latent, inside = people()
    rng, scores = np.random.default_rng(8), []
    for name in DRIVERS:
        items = len(DEMO.items_of(name))
        seen = latent[name][:, None] + rng.normal(0, truth.ratings.item, (len(inside), items))
        scores.append((25 * np.clip(np.round(seen / 25), 0, 4)).mean(axis=1))
    covariance = np.cov([*scores, _recommending()], aweights=inside)
    scale = np.sqrt(np.diag(covariance))
    return dict(zip(DRIVERS, _shapley(covariance / np.outer(scale, scale)), strict=True))


def _shapley(r):
    """By all orders of entering, the slow way."""
    k = len(r) - 1

    def explained(own):
        own = list(own)
        return float(r[own, k] @ np.linalg.solve(r[np.ix_(own, own)], r[own, k])) if own else 0.0

    orders = list(permutations(range(k)))
    gains = np.zeros(k)
    for order in orders:
        for place, driver in enumerate(order):
            gains[driver] += explained(order[: place + 1]) - explained(order[:place])
    return gains / gains.sum()


def true_money(truth=None, people_=40_000, seed=20261126):
    """Money values: the limit of one logit for all, and the median person's; by (attribute, level).

    The limit is a logit fitted to the exact choice chances, averaged over people, of the design.
    """
    truth, rng = truth or PlantedTruth(), np.random.default_rng(seed)
    _, worths = draw_tastes(truth, people_, rng)
    keys = [name.split(".") for name in worths if "." in name]
    x, shares = _tasks(truth, worths, keys)
    coding = coding_of(DEMO, DEMO.choice_exercise())
    beta = _logit(x, shares)
    slope = -beta[[c.attribute for c in coding.columns].index("price")]
    firsts = {a.id: a.levels[0].id for a in DEMO.choice_exercise().attributes}
    limit = {(a, v): float(beta @ coding.contrast(a, firsts[a], v) / slope) for a, v in keys}
    median = {(a, v): float(np.median(worths[f"{a}.{v}"] / -worths["price"])) for a, v in keys}
    return limit, median


def _tasks(truth, worths, keys):
    exercise = DEMO.choice_exercise()
    tasks = make_tasks(exercise)
    tasks = tasks[tasks["role"] == "estimation"].sort_values(["block", "task", "alternative"])
    rows, names = tasks.to_dict("records"), [a.id for a in exercise.attributes]
    coding = coding_of(DEMO, exercise)
    x = np.array([coding.row({n: a[n] for n in names}) for a in rows])
    x = x.reshape(-1, exercise.alternatives, coding.width)
    none = np.broadcast_to(coding.row(None), (len(x), 1, coding.width))
    numbers = {v.id: v.number for v in exercise.attribute("price").levels}
    shown = np.array([[float(a[n] == v) for n, v in keys] for a in rows])
    price = np.array([numbers[a["price"]] for a in rows]) - truth.tastes[0][0].price_centre
    total, n = np.zeros((len(x), exercise.alternatives + 1)), len(worths["price"])
    for first in range(0, n, 1000):
        some = {name: values[first : first + 1000] for name, values in worths.items()}
        drawn = np.array([some[f"{a}.{v}"] for a, v in keys])
        utility = (shown @ drawn + price[:, None] * some["price"]).reshape(len(x), -1, 1000)
        e = np.exp(np.concatenate([utility, np.broadcast_to(some["none"], (len(x), 1, 1000))], 1))
        total += (e / e.sum(axis=1, keepdims=True)).sum(axis=2)
    return np.concatenate([x, none], axis=1), total / n


def _logit(x, shares):
    beta = np.zeros(x.shape[2])
    for _ in range(30):
        p = np.exp(x @ beta)
        p /= p.sum(axis=1, keepdims=True)
        centred = x - (p[:, :, None] * x).sum(axis=1, keepdims=True)
        information = np.einsum("sj,sjk,sjl->kl", p, centred, centred)
        beta = beta + np.linalg.solve(information, np.einsum("sj,sjk->k", shares - p, x))
    return beta


def keys_of(customers):
    return {customer_key(raw, KEY) for raw in customers}


def intervals(company, *, limit):
    """Every figure that is promised to cover the truth: name to (low, truth, high).

    ``limit`` has the money values that the estimator goes to.
    """
    report, means = company.report, true_means()
    found = {
        "nps": (report.nps.estimate, true_nps()),
        "perceived value": (report.perceived_value.difference, means["value"]),
    }
    for construct in report.constructs:
        found[f"mean {construct.id}"] = (construct.perceived, means[construct.id])
    for upgrade in report.upgrades:
        truth = money_of(upgrade, limit)
        found[f"money {upgrade.attribute} {upgrade.to_level}"] = (upgrade.estimate, truth)
    labels = {DEMO.construct_named(name).label.say(): name for name in DRIVERS}
    shares = true_shares()
    for row in table(report, "drivers_1", "importance").rows:
        found[f"driver {labels[row[0]]}"] = (row[1], shares[labels[row[0]]])
    ratio = float(np.exp(PlantedTruth().relation))
    rows = table(report, "later_purchases", "ratio").rows
    found["ratio as measured"], found["ratio corrected"] = ((row[1], ratio) for row in rows)
    plain = table(report, "weights", "changes").rows
    found["nps unweighted"] = (plain[0][2], true_nps())
    found["perceived value unweighted"] = (plain[1][2], means["value"])
    return {name: (e.low, truth, e.high, e.value) for name, (e, truth) in found.items()}


def money_of(upgrade, values):
    """The value of a change named by labels."""
    attribute = DEMO.choice_exercise().attribute(upgrade.attribute)
    level = next(v.id for v in attribute.levels if v.label.say() == upgrade.to_level)
    return values[attribute.id, level]


def table(report, section, name):
    sections = {s.id: s for s in report.sections}
    return next(t for t in sections[section].tables if t.id == name)


def alarms(company):
    """Customers: planted decliners, listed, both, listed sale-only shoppers, by chance at most."""
    truth = company.company.truth
    planted, listed = keys_of(truth.decliners), set(company.found.campaign["customer"])
    answered = company.archive.alarms.set_index("customer")["alarm"]
    testable = set(answered.index[answered.isin(["declining", "not_declining"])])
    decline = next(f for f in company.report.key_figures if f.method == "lists").estimate
    return {
        "planted": len(planted),
        "testable": len(planted & testable),
        "listed": len(listed),
        "found": len(listed & planted),
        "fell": len(listed & keys_of(truth.fell)),
        "sale_only": len(listed & keys_of(truth.sale_only)),
        "at_least": decline.low,
    }
