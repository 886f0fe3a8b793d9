"""From a fit to its diagnostics: checks, a verdict in words, and everything behind it."""

from __future__ import annotations

from analysis.diagnostics import of_logit
from analysis.diagnostics.fit import Fit
from analysis.diagnostics.likelihoods import likelihoods
from analysis.diagnostics.prediction import NAMES
from analysis.diagnostics.types import Check, Diagnostics, Prediction

RIVALS = (NAMES["aggregate logit"], NAMES["commonest choice of the others"], NAMES["equal chances"])
LABELS = {"mnl": "Aggregate multinomial logit", "hb": "Hierarchical Bayes"}


def diagnostics_of(fit: Fit, *, program: str, prediction: Prediction | None = None) -> Diagnostics:
    """Diagnostics of a logit or a hierarchical fit.

    Parameters
    ----------
    program
        Name and version of what made it.
    prediction
        Of the holdout tasks, where there are any.

    Raises
    ------
    ValueError
        For any other estimator.
    """
    fitted, hierarchy = fit.fitted, fit.fitted.hierarchy
    estimator = fitted.estimator
    if estimator not in ("mnl", "hb"):
        raise ValueError(f"there are no diagnostics of estimator '{estimator}'; use mnl or hb")
    shared = Diagnostics(
        study=fit.study.study,
        title=fit.study.title.say(),
        exercise=fit.choices.exercise.id,
        simulated=fit.study.simulated,
        estimator="hb" if hierarchy else "mnl",
        estimator_label=LABELS[estimator],
        n_respondents=fitted.n_respondents,
        n_tasks=fitted.n_tasks,
        seed=fit.seed,
        program=program,
        final=fitted.converged,
        verdict="",
        checks=(),
        facts=(),
        likelihoods=likelihoods(fit),
        prediction=prediction,
        notes=fitted.warnings,
    )
    if hierarchy is None:
        checks = tuple(of_logit.checks(fit))
        more = {"facts": of_logit.facts(fit), "coefficients": of_logit.coefficients(fit)}
    else:
        from analysis.diagnostics import of_draws  # a second to load, with the sampler

        names, draws = of_draws.population(fit, hierarchy)
        found = of_draws.parameters(names, draws)
        checks = tuple(of_draws.checks(fit, hierarchy, found))
        more = {
            "facts": of_draws.facts(fit, hierarchy),
            "prior": of_draws.prior(fit, hierarchy),
            "parameters": found,
            "traces": of_draws.traces(found, draws),
        }
    checks += _predictive(prediction)
    return shared.model_copy(update={**more, "checks": checks, "verdict": _verdict(checks)})


def _predictive(prediction: Prediction | None) -> tuple[Check, ...]:
    """Whether the holdouts are predicted better than by each of those who know less."""
    if prediction is None or prediction.fit.log_loss.value is None:
        return ()
    rivals = [other for other in prediction.others if other.name in RIVALS]
    losses = {r.name: r.log_loss.value for r in rivals if r.log_loss.value is not None}
    if not losses:
        return ()
    best = min(losses, key=lambda name: losses[name])
    check = Check(
        name="Predicts tasks that were kept out",
        found=f"log-loss {prediction.fit.log_loss.value:.3f}",
        wanted=f"below {losses[best]:.3f} ({best[0].lower()}{best[1:]})",
        passes=prediction.fit.log_loss.value < losses[best],
        decides=False,
    )
    return (check,)


def _verdict(checks: tuple[Check, ...]) -> str:
    """What the checks say together, in plain words."""
    failed = [c.name for c in checks if c.decides and not c.passes]
    doubts = [c.name for c in checks if not c.decides and not c.passes]
    if failed:
        return (
            f"Not final: {len(failed)} of {sum(c.decides for c in checks)} checks that decide "
            f"{'is' if len(failed) == 1 else 'are'} not passed ({'; '.join(failed)}). Nothing of "
            "this fit should be reported as a result."
        )
    text = f"Final: all {sum(c.decides for c in checks)} checks that decide are passed."
    if doubts:
        return f"{text} Look at {'; '.join(doubts)} before you rely on it."
    return f"{text} Nothing else stands out."
