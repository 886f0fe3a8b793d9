"""A calibration on purchases in the simulator: what it does to shares, and when it may not."""

import json
from dataclasses import replace

import numpy as np
import pytest

from analysis.choices.simulator.calibration import (
    NOT_SAVED,
    Calibration,
    calibrated,
    read_calibration,
)
from analysis.choices.simulator.candidates import of_candidates
from analysis.choices.simulator.outcomes import in_words
from analysis.choices.simulator.products import Market, Product
from analysis.choices.simulator.shares import CannotSimulate, simulator_of
from analysis.choices.simulator.worths import from_draws, from_means
from tests.analysis.choices.simulator.calibrations import calibration
from tests.analysis.choices.simulator.markets import CODING, drawn

PEOPLE = tuple(f"r{n}" for n in range(40))
OURS = Product("our_mug", {"colour": "red", "size": "small", "price": 2.0}, own=True)
RIVAL = Product("Rival", {"colour": "blue", "size": "large", "price": 1.5})
MARKET = Market((OURS, RIVAL), none=True)


def made(scale=0.5, constant=0.7, **more):
    """A calibration of our mug."""
    return calibration({"Our mug": OURS.levels}, scale=scale, constant=constant, **more)


def simulated(worths, market=MARKET):
    return simulator_of(worths).simulate(market).drawn[:, 0]


@pytest.fixture(scope="module")
def worths():
    return from_draws(CODING, PEOPLE, drawn(draws=800), seed=1)


def test_a_calibration_known_exactly_is_scale_and_factor_of_the_market(worths):
    """Names are the same whatever the case, with '_' or a space."""
    by_hand = replace(MARKET, scale=0.5, products=(replace(OURS, factor=float(np.exp(0.7))), RIVAL))
    assert simulated(calibrated(worths, made())) == pytest.approx(
        simulated(worths, by_hand), abs=1e-5
    )
    assert simulated(calibrated(worths, made(1.0, 0.0))) == pytest.approx(simulated(worths))


def test_errors_of_the_calibration_are_in_the_ranges(worths):
    sure = simulated(calibrated(worths, made()))[:, 0]
    unsure = simulated(calibrated(worths, made(spread=0.3)))[:, 0]
    assert unsure.mean() == pytest.approx(sure.mean(), abs=0.02)
    assert unsure.std() > 1.5 * sure.std()


def test_a_search_finds_what_trying_each_version_finds(worths):
    simulator = simulator_of(calibrated(worths, made(spread=0.3)))
    versions = [replace(OURS, levels={**OURS.levels, "price": price}) for price in (1.0, 2.0, 4.0)]
    found = of_candidates(simulator, MARKET, 0, versions).share
    for n, version in enumerate(versions):
        alone = simulator.simulate(MARKET.with_product(0, version)).drawn[:, 0, 0]
        assert found[:, n] == pytest.approx(alone, abs=1e-5)


def test_fewer_draws_keep_scale_and_constants_of_a_draw_together(worths):
    whole = calibrated(worths, made(spread=0.3))
    thin = whole.thinned(200 * 40)
    step = len(whole.points) // len(thin.points)
    assert step > 1
    assert simulated(thin) == pytest.approx(simulated(whole)[::step], abs=1e-6)


def test_it_is_of_share_of_preference_over_draws(worths):
    both = calibrated(worths, made())
    assert "share of preference, calibrated on purchases" in in_words(simulator_of(both))
    for method in ("first-choice", "rfc"):
        with pytest.raises(CannotSimulate, match="share of preference"):
            simulator_of(both, method)
    with pytest.raises(ValueError, match="not of means"):
        calibrated(from_means(CODING, PEOPLE, drawn().mean(axis=0), seed=1), made())


def test_one_that_did_not_predict_later_purchases_better_is_refused():
    good = Calibration(found=made())
    assert (good.usable, good.why_not) == (good.found, "")
    no_better = Calibration(found=made(gain=0.02))
    assert no_better.usable is None
    assert "not predict better than the part-worths as stated" in no_better.why_not
    guess = Calibration(found=made(other=-0.1))
    assert guess.usable is None
    assert "a simple guess (constants alone) beyond its error, -0.100 nats" in guess.why_not
    assert "It is not offered" in guess.sentences()[0]


def test_words_say_where_it_is_from_what_is_in_it_and_what_has_no_factor():
    found = Calibration(found=made())
    said = " ".join(found.sentences())
    assert "study 'mugs', version 3" in said
    assert "fitted on 1,800 purchases from 2025-06-01 to the day before 2026-05-27" in said
    assert "judged on 900 from then to 2026-11-22" in said
    used = found.used(MARKET.names[:2])
    assert "utilities times 0.50 (0.45 to 0.55); odds times our_mug 2.01" in used[0]
    assert "no product of the shop has their name: Rival" in used[1]


def test_it_is_read_from_the_folder_of_an_analysis_or_a_file(tmp_path):
    assert read_calibration(tmp_path) == Calibration(reason=NOT_SAVED)
    written = Calibration(found=made())
    (tmp_path / "calibration.json").write_text(written.model_dump_json())
    assert read_calibration(tmp_path) == written
    inside = tmp_path / "bought.json"
    inside.write_text(json.dumps({"split": "x", "calibration": written.model_dump(mode="json")}))
    assert read_calibration(inside) == written
    for wrong in ("{}x", '{"scale": 1}', "[1]"):
        inside.write_text(wrong)
        with pytest.raises(ValueError, match="is no calibration"):
            read_calibration(inside)
