"""How well a fit predicts the holdout tasks, beside somebody who knows less."""

from __future__ import annotations

from dataclasses import asdict

from analysis.choices.beliefs import Beliefs, beliefs_of
from analysis.choices.holdout import Scores, validate
from analysis.choices.identification import NotIdentified
from analysis.choices.mnl import NotConverged, fit_mnl
from analysis.diagnostics.fit import Fit
from analysis.diagnostics.types import Predicted, Prediction, ShareError

NAMES = {
    "at the mean part-worths": "Each respondent's mean part-worths",
    "aggregate logit": "Aggregate logit: everybody alike",
    "commonest choice of the others": "What most others chose",
    "equal chances": "Equal chances",
}


def predict(fit: Fit) -> Prediction | None:
    """Predictions of the tasks that were kept out of the fit; None when there are none."""
    if not (fit.choices.frame["role"] == "holdout").any():
        return None
    found = validate(
        beliefs_of(fit.fitted, fit.choices, seed=fit.seed),
        _logit(fit),
        fit.choices,
        seed=fit.seed,
    )
    if found is None:
        return None
    first, *others = found.scores
    return Prediction(
        respondents=found.respondents,
        tasks=found.tasks,
        fit=_named(first, "This fit"),
        others=tuple(_named(score, NAMES.get(score.name, score.name)) for score in others),
        repeated=found.agreement,
    )


def _logit(fit: Fit) -> Beliefs | None:
    """The aggregate logit of the same choices; None when it is the fit, or cannot be had."""
    if fit.fitted.hierarchy is None:
        return None
    try:
        logit = fit_mnl(fit.study, fit.choices)
    except (NotIdentified, NotConverged):
        return None
    return beliefs_of(logit, fit.choices, seed=fit.seed)


def _named(score: Scores, name: str) -> Predicted:
    shares = ShareError(**asdict(score.shares))
    return Predicted(name=name, hit_rate=score.hit_rate, log_loss=score.log_loss, shares=shares)
