"""How well a fit predicts: respondent_fit.csv, holdout.csv, and the holdout of summary.json."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from analysis.choices.beliefs import Beliefs, Fitted
    from analysis.choices.holdout import Holdout, Scores
    from analysis.estimate import Estimate
    from analysis.study import Study
    from analysis.tables import Choices


def write_validation(
    out: Path, study: Study, table: Choices, fitted: Fitted, *, seed: int
) -> dict[str, Any]:
    """Write respondent_fit.csv and, with holdout tasks, holdout.csv; the lines of summary.json."""
    from analysis.choices.beliefs import beliefs_of
    from analysis.choices.holdout import respondent_fit, validate

    beliefs = beliefs_of(fitted, table, seed=seed)
    respondent_fit(beliefs, table).to_csv(out / "respondent_fit.csv", index=False)
    found = validate(beliefs, _logit(study, table, beliefs), table, seed=seed)
    if found is not None:
        found.rows.to_csv(out / "holdout.csv", index=False)
    asked = len(table.frame[["respondent", "task"]].drop_duplicates())
    return {
        "n_holdout_tasks": asked - fitted.n_tasks,
        "holdout": None if found is None else _lines(found),
    }


def _logit(study: Study, table: Choices, beliefs: Beliefs) -> Beliefs | None:
    """The aggregate logit as a baseline; None where the fit is one, or there is none."""
    from analysis.choices.beliefs import beliefs_of
    from analysis.choices.identification import NotIdentified
    from analysis.choices.mnl import NotConverged, fit_mnl

    is_logit = beliefs.estimator == "mnl" and not beliefs.coding.covariates
    if is_logit or not (table.frame["role"] == "holdout").any():
        return None
    try:
        return beliefs_of(fit_mnl(study, table), table, seed=1)
    except (NotIdentified, NotConverged):
        return None


def _lines(found: Holdout) -> dict[str, Any]:
    first, *others = found.scores
    return {
        "respondents": found.respondents,
        "respondents_not_in_the_fit": found.new_respondents,
        "tasks": found.tasks,
        "chance_log_loss": found.chance_log_loss,
        **_score_lines(first),
        "others": [_score_lines(score) for score in others],
        "agreement": _estimate_lines(found.agreement),
    }


def _score_lines(score: Scores) -> dict[str, Any]:
    lines: dict[str, Any] = {"prediction": score.name}
    for name, estimate in (("log_loss", score.log_loss), ("hit_rate", score.hit_rate)):
        lines[name] = estimate.value
        lines[f"{name}_low"], lines[f"{name}_high"] = estimate.low, estimate.high
    shares = score.shares
    return lines | {
        "intervals": score.log_loss.reason or score.log_loss.method,
        "share_mae": shares.mae,
        "share_mae_of_sampling": shares.noise,
        "share_mae_of_sampling_high": shares.noise_high,
        "share_mae_tasks": shares.tasks,
        "share_mae_unavailable": shares.reason,
    }


def _estimate_lines(estimate: Estimate) -> dict[str, Any]:
    return {
        "value": estimate.value,
        "low": estimate.low,
        "high": estimate.high,
        "n": estimate.n,
        "method": estimate.method,
        "unavailable": estimate.reason or "",
    }
