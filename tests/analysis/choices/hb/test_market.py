"""Figures of the market and files from draws that are set by hand."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from analysis.choices.beliefs import beliefs_of
from analysis.choices.hb import Settings, fit_hb
from analysis.choices.hb.files import write_diagnostics, write_draws, write_individual
from analysis.choices.hb.market import importances_of_respondents, money_value, wrong_price_sign
from analysis.choices.holdout import validate
from analysis.choices.mnl import fit_mnl


@pytest.fixture(scope="module")
def fitted(study, choices):
    """300 respondents; everybody's draws replaced by known numbers."""
    short = fit_hb(study, choices, seed=1, settings=Settings(burn_in=100, draws=50, kept=50))
    beta = np.tile(np.array([-0.6, 0.4, -0.5, -2.0, -0.8], np.float32), (2, 25, 300, 1))
    beta[:, :, :100, 3] = -1.0
    hierarchy = short.hierarchy
    posterior = replace(hierarchy.posterior, beta=beta)
    return replace(short, hierarchy=replace(hierarchy, posterior=posterior))


def test_money_is_that_of_the_median_respondent(fitted):
    contrast = fitted.coding.contrast("look", "poor", "good")
    money = money_value(fitted, contrast, seed=1)
    assert money.value == pytest.approx(0.5)  # 1.0 / 2.0, that of two in three
    assert money.unit == "EUR"
    assert money.n == 300


def test_money_is_unbounded_when_price_deters_less_than_half(fitted):
    posterior = fitted.hierarchy.posterior
    beta = posterior.beta.copy()
    beta[:, :, 100:, 3] = 0.1
    changed = replace(
        fitted,
        hierarchy=replace(fitted.hierarchy, posterior=replace(posterior, beta=beta)),
    )
    money = money_value(changed, fitted.coding.contrast("look", "poor", "good"), seed=1)
    assert not money.available
    assert "does not deter" in money.reason
    assert wrong_price_sign(changed) == pytest.approx(2 / 3)
    assert wrong_price_sign(fitted) == 0


def test_importances_are_means_of_respondents_shares(fitted):
    shares = {s.attribute: s.estimate for s in importances_of_respondents(fitted, seed=2)}
    taste, look = 0.4 + 0.6, 1.0  # price from 0.5 to 2
    expected = (100 * look / (taste + look + 1.5) + 200 * look / (taste + look + 3.0)) / 300
    assert shares["look"].value == pytest.approx(expected, abs=0.01)
    assert sum(s.value for s in shares.values()) == pytest.approx(1, abs=0.01)
    assert shares["price"].low < shares["price"].value < shares["price"].high


def test_holdout_chances_are_averaged_over_draws(study, choices):
    frame = choices.frame.copy()
    frame["role"] = np.where(frame["task"].isin([2, 5]), "holdout", "estimation")
    table = replace(choices, frame=frame)
    found = fit_hb(study, table, seed=3, settings=Settings(burn_in=100, draws=100))
    held = validate(beliefs_of(found, table, seed=1), None, table, seed=1)
    assert found.n_tasks == 300 * 6
    assert held.tasks == 600
    assert held.chance_log_loss == pytest.approx(np.log(4))
    over_draws, at_mean = held.scores[:2]
    assert (over_draws.name, at_mean.name) == ("over draws", "at the mean part-worths")
    assert over_draws.log_loss.high < held.chance_log_loss
    assert over_draws.hit_rate.value > 0.4
    assert validate(beliefs_of(found, choices, seed=1), None, choices, seed=1) is None


def test_files_open_elsewhere(fitted, tmp_path):
    write_individual(tmp_path / "individual.parquet", fitted)
    table = pd.read_parquet(tmp_path / "individual.parquet")
    assert list(table.columns[:3]) == ["respondent", "taste:plain", "taste:plain sd"]
    assert table["taste:salty"].iloc[0] == pytest.approx(0.2)
    assert len(table) == 300
    write_diagnostics(tmp_path / "diagnostics.json", fitted)
    facts = json.loads((tmp_path / "diagnostics.json").read_text())
    assert {"r_hat_max", "ess_bulk_min", "ess_tail_min", "acceptance"} <= set(facts)
    assert facts["converged"] is False
    write_draws(tmp_path / "draws.nc", fitted)
    import xarray

    with xarray.open_dataset(tmp_path / "draws.nc", group="posterior", engine="h5netcdf") as draws:
        assert draws["beta"].dims == ("chain", "draw", "respondent", "column")
        assert draws["Sigma"].shape == (2, 25, 5, 5)
        kept = fitted.hierarchy.posterior.mu[:, 1::2]
        np.testing.assert_allclose(draws["mu"].values, kept)


def test_the_logit_has_no_draws_of_respondents(study, choices):
    logit = fit_mnl(study, choices)
    with pytest.raises(ValueError, match="mnl"):
        money_value(logit, np.zeros(5), seed=1)
