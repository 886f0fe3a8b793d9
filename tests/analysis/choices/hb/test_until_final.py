"""Drawing on until the chains agree: when it goes on, when it stops, what it says."""

from dataclasses import replace

import pytest

from analysis.choices.hb import Cancelled, Settings, until_final
from analysis.choices.hb.until_final import fit_until_final
from analysis.tables import check_choices

SHORT = Settings(burn_in=100, draws=20)


@pytest.fixture(scope="module")
def few(study, choices):
    """The study and the choices of 40 people."""
    frame = choices.frame[choices.frame["respondent"].astype(int) < 40].reset_index(drop=True)
    return study, check_choices(frame, choices.exercise)


def pretend(monkeypatch, converges_after):
    """``fit_hb`` whose diagnostics pass from so many draws a chain in all."""
    real, rounds = until_final.fit_hb, []

    def fit(*given, **more):
        fitted = real(*given, **more)
        rounds.append((more["settings"].draws, more.get("state") is not None))
        return replace(fitted, converged=fitted.iterations >= converges_after)

    monkeypatch.setattr(until_final, "fit_hb", fit)
    return rounds


def test_a_run_that_has_converged_is_not_prolonged(monkeypatch, few):
    rounds = pretend(monkeypatch, 20)
    fitted = fit_until_final(*few, seed=1, settings=SHORT, longest=1000)
    assert rounds == [(20, False)]
    assert fitted.converged


def test_it_goes_on_from_where_it_stood_with_twice_the_draws(monkeypatch, few):
    rounds = pretend(monkeypatch, 100)
    fitted = fit_until_final(*few, seed=1, settings=SHORT, longest=1000)
    assert rounds == [(20, False), (40, True), (80, True)]
    assert fitted.iterations == 140
    assert fitted.hierarchy.posterior.mu.shape[1] == 80


def test_it_stops_at_the_limit_and_does_not_call_that_final(monkeypatch, few):
    rounds = pretend(monkeypatch, 10**6)
    fitted = fit_until_final(*few, seed=1, settings=SHORT, longest=139)
    assert rounds == [(20, False), (40, True)]
    assert not fitted.converged


def test_one_chain_cannot_converge_and_is_not_prolonged(monkeypatch, few):
    rounds = pretend(monkeypatch, 10**6)
    fit_until_final(*few, seed=1, settings=replace(SHORT, chains=1))
    assert len(rounds) == 1


def test_progress_names_the_round_and_can_cancel(monkeypatch, few):
    pretend(monkeypatch, 60)
    said = []
    fit_until_final(
        *few,
        seed=1,
        settings=SHORT,
        longest=1000,
        progress=lambda step, done, total: said.append((step, total)),
    )
    assert ("Drawing everybody's part-worths", 240) in said
    assert ("The chains do not agree yet: drawing on", 80) in said
    with pytest.raises(Cancelled):
        fit_until_final(*few, seed=1, settings=SHORT, progress=lambda *_: False)
