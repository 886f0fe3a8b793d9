"""Diagnostics: the numbers are those of the draws, and a bad fit is not called good."""

import re
from dataclasses import replace
from datetime import date
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from analysis.choices.hb import Settings, diagnose, fit_hb
from analysis.choices.mnl import fit_mnl
from analysis.diagnostics.build import diagnostics_of
from analysis.diagnostics.fit import Fit
from analysis.diagnostics.prediction import predict
from analysis.diagnostics.types import Diagnostics
from analysis.rendering.html import STATIC, diagnostics_fragment, diagnostics_html
from analysis.rendering.traces import draw_diagnostics
from analysis.study import read_study
from analysis.synthetic.archive_of import archive_of
from analysis.synthetic.pastry import pastry_company
from analysis.tables import check_choices

STUDY = read_study(Path(__file__).parents[3] / "examples" / "pastry" / "study.yaml")


@pytest.fixture(scope="module")
def choices():
    company = pastry_company(STUDY, seed=3, today=date(2026, 11, 22), buyers=150, respondents=60)
    return check_choices(archive_of(company, STUDY).choices["bun"], STUDY.choice_exercise())


@pytest.fixture(scope="module")
def draws(choices):
    fitted = fit_hb(STUDY, choices, seed=1, settings=Settings(burn_in=300, draws=900))
    return Fit(STUDY, choices, fitted, 1, prior="sawtooth", burn_in=300)


@pytest.fixture(scope="module")
def found(draws):
    return diagnostics_of(draws, program="test", prediction=predict(draws))


@pytest.fixture(scope="module")
def logit(choices):
    return Fit(STUDY, choices, fit_mnl(STUDY, choices), 1)


def check(found, name):
    return next(c for c in found.checks if c.name.startswith(name))


def test_every_population_parameter_has_its_row(draws, found):
    posterior = draws.fitted.hierarchy.posterior
    assert [p.symbol for p in found.parameters] == ["mu"] * 7 + ["Sigma"] * 7 + ["ll"]
    price = next(p for p in found.parameters if p.name == "Price per USD" and p.symbol == "mu")
    of_price = posterior.mu[:, :, 5].ravel()
    assert price.mean == pytest.approx(of_price.mean())
    assert price.sd == pytest.approx(of_price.std(ddof=1))
    quantiles = np.quantile(of_price, [0.025, 0.5, 0.975])
    assert (price.low, price.median, price.high) == pytest.approx(tuple(quantiles))
    variance = [p for p in found.parameters if p.name == "Price per USD"][1]
    assert variance.mean == pytest.approx(posterior.sigma[:, :, 5, 5].mean())


def test_the_monte_carlo_error_is_that_of_batch_means(draws, found):
    """An estimate by another road: the spread of the means of 30 batches."""
    price = next(p for p in found.parameters if p.name == "Price per USD")
    batches = draws.fitted.hierarchy.posterior.mu[:, :, 5].reshape(30, -1).mean(axis=1)
    by_batches = batches.std(ddof=1) / np.sqrt(30)
    assert 0.6 < price.mcse / by_batches < 1.6


def test_the_verdict_is_that_of_the_fit(draws, found):
    assert found.final == draws.fitted.converged is True
    assert found.verdict.startswith("Final: all 4 checks that decide are passed.")
    assert {c.name for c in found.checks if c.decides and not c.passes} == set()


def test_chains_that_stay_apart_are_not_final(draws):
    hierarchy = draws.fitted.hierarchy
    gamma = hierarchy.posterior.gamma.copy()
    gamma[1, :, 0, 5] += 3.0
    posterior = replace(hierarchy.posterior, gamma=gamma)
    apart = replace(hierarchy, posterior=posterior, diagnostics=diagnose(posterior))
    fitted = replace(draws.fitted, hierarchy=apart, converged=False)
    found = diagnostics_of(replace(draws, fitted=fitted), program="test")
    agree = check(found, "The chains agree")
    assert not agree.passes
    assert "Mean of Price" in agree.found
    assert not found.final
    assert found.verdict.startswith("Not final")
    assert "Nothing of this fit should be reported" in found.verdict
    trace = next(t for t in found.traces if t.name == "Mean of Price per USD")
    # The chain that was moved up holds the upper ranks.
    assert sum(trace.ranks[0][10:]) < 0.1 * sum(trace.ranks[0])
    page = diagnostics_fragment(found, draw_diagnostics(found))
    assert page.count("not passed</span>") == sum(not c.passes for c in found.checks if c.decides)


def test_ranks_count_every_draw(found):
    for trace in found.traces:
        assert [sum(counts) for counts in trace.ranks] == [900, 900]
        assert all(
            sum(column) == pytest.approx(90, abs=1) for column in zip(*trace.ranks, strict=True)
        )
        assert all(len(chain) <= 250 for chain in trace.chains)


def test_root_likelihoods_stand_against_equal_chances(found, draws):
    rlh = found.likelihoods
    assert rlh.n == sum(rlh.counts) == draws.fitted.n_respondents
    assert rlh.chance == pytest.approx(1 / 4)
    assert rlh.median > rlh.chance


def test_the_prior_is_named_as_used(found, draws):
    said = {fact.name: fact.value for fact in found.prior}
    assert said["Name"] == "sawtooth"
    assert "12 degrees of freedom" in said["Variances"]
    prior = draws.fitted.hierarchy.prior
    mean = prior.scale[0, 0] / (prior.nu - 7 - 1)
    assert f"Pineapple pieces: None {mean:.2f}" in said["Prior mean of the variances"]
    assert "compare those" in said["Scale"]
    chains = next(fact.value for fact in found.facts if fact.name == "Chains")
    assert chains == "2 chains of 900 draws after 300 left out"


def test_the_prior_of_an_order_is_said_to_be_one_of_logarithms(choices):
    settings = Settings(burn_in=100, draws=50)
    held = fit_hb(STUDY, choices, seed=1, settings=settings, monotone=["freshness", "price"])
    page = diagnostics_of(Fit(STUDY, choices, held, 1, prior="sawtooth"), program="test")
    said = {fact.name: fact.value for fact in page.prior}
    assert said["Held to an order"].startswith("freshness, price: ")
    # worth 2 from worst to best: one step, and a slope over 0.45 USD
    assert (
        "freshness from yesterday to morning 2.00; price from 1.35 to 0.9 4.44"
        in said["Held to an order"]
    )
    assert "22 degrees of freedom" in said["Variances"]


def test_holdouts_are_judged_against_those_who_know_less(found, choices):
    prediction = found.prediction
    held = choices.frame[choices.frame["role"] == "holdout"]
    assert prediction.tasks == held["chosen"].sum()
    assert prediction.respondents == held["respondent"].nunique()
    names = [way.name for way in prediction.others]
    assert "Equal chances" in names
    assert "Aggregate logit: everybody alike" in names
    equal = prediction.others[names.index("Equal chances")]
    assert equal.log_loss.value == pytest.approx(np.log(4))
    assert prediction.fit.log_loss.low < prediction.fit.log_loss.value < equal.log_loss.value
    frame = choices.frame[choices.frame["role"] == "estimation"]
    without = check_choices(frame.drop(columns="block"), choices.exercise)
    assert predict(Fit(STUDY, without, fit_mnl(STUDY, without), 1)) is None


def test_the_logit_shows_its_optimum_and_three_errors(logit):
    found = diagnostics_of(logit, program="test", prediction=predict(logit))
    assert found.final
    assert check(found, "The optimum is reached").passes
    for kind in ("classical", "robust", "cluster"):
        name = "se" if kind == "classical" else f"se_{kind}"
        errors = np.sqrt(np.diag(logit.fitted.covariance(kind)))
        assert [getattr(c, name) for c in found.coefficients] == pytest.approx(list(errors))
    assert found.prediction.fit.log_loss.value < np.log(4)
    page = diagnostics_fragment(found, draw_diagnostics(found))
    assert "Clustered" in page
    assert "R-hat" not in page


def test_coefficients_off_the_optimum_are_not_final(logit):
    moved = replace(logit.fitted, coefficients=logit.fitted.coefficients + 0.05)
    found = diagnostics_of(replace(logit, fitted=moved), program="test")
    assert not check(found, "The optimum is reached").passes
    assert found.verdict.startswith("Not final")


def test_other_estimators_are_refused(logit):
    other = replace(logit, fitted=replace(logit.fitted, estimator="ratings"))
    with pytest.raises(ValueError, match="no diagnostics of estimator 'ratings'"):
        diagnostics_of(other, program="test")


class Page(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.ids, self.tags, self.styled, self.labels = [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.tags.append(tag)
        self.ids += [given["id"]] if "id" in given else []
        self.labels += given.get("aria-labelledby", "").split()
        if "style" in given or any(name.startswith("on") for name in given):
            self.styled.append((tag, given))


def test_the_page_fits_a_strict_policy_and_has_words_for_its_drawings(found):
    charts = draw_diagnostics(found)
    assert len(charts) == len(found.traces) + 1
    page = Page(diagnostics_fragment(found, charts))
    assert page.styled == []
    assert not {"style", "script", "link"} & set(page.tags)
    assert len(page.ids) == len(set(page.ids))
    assert set(page.labels) <= set(page.ids)
    assert page.tags.count("h1") == 1
    css = (STATIC / "report.css").read_text()
    for svg in charts.values():
        assert re.search(r"<desc[^>]*>[^<]*\d", svg)
        for colour in re.findall(r'(?:fill|stroke)="#\w{6}"', svg):
            assert f".report .chart [{colour}]" in css


def test_the_file_stands_alone_and_the_diagnostics_survive_as_json(found):
    page = diagnostics_html(found, draw_diagnostics(found))
    assert page.startswith("<!doctype html>")
    assert "http" not in page.replace("http://www.w3.org/2000/svg", "")
    assert Diagnostics.model_validate_json(found.model_dump_json()) == found
