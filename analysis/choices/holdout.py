"""How well a fit predicts choices that it was not shown, beside what is easy and what is possible.

Chances are averaged over the points of ``beliefs`` (draws, classes). Intervals are percentiles of a
bootstrap over respondents.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import expit

from analysis.choices.beliefs import Beliefs, Point
from analysis.choices.bootstrap import METHOD, mean_of_answers, resamples
from analysis.choices.coding import Coding, Floats, covariate_columns
from analysis.choices.sets import Chunk, Places, choice_sets
from analysis.choices.shown_tasks import ShownTasks, agreement, shown_tasks
from analysis.estimate import Estimate, unavailable
from analysis.tables import Choices

IN_SAMPLE_DRAWS = 200
"""Draws of hierarchical Bayes that figures of the estimation tasks are averaged over."""


@dataclass(frozen=True, slots=True)
class Predicted:
    """Predictions of T tasks.

    Attributes
    ----------
    chances
        (T, most alternatives): of each alternative of the first question, 0 where there is none.
    answered
        (T,): of the answers given; with a dual-response none, of both.
    rlh
        (people,) for each respondent the root likelihood, averaged over the points.
    """

    chances: Floats
    answered: Floats
    rlh: Floats


@dataclass(frozen=True, slots=True)
class Tasks:
    """Coded tasks to predict; T tasks, sorted by number of alternatives.

    ``people`` are the names, ``person`` (T,) places among them, ``chosen`` (T,), ``sizes`` (T,);
    ``equal`` (T,) is the chance of the answers when all are equally likely.
    """

    coding: Coding
    chunks: tuple[Chunk, ...]
    people: tuple[str, ...]
    person: Places
    chosen: Places
    sizes: Places
    equal: Floats
    dual: bool
    shown: ShownTasks

    def predict(self, points: Iterator[Point]) -> Predicted:
        """Chances averaged over points."""
        chances = np.zeros((len(self.person), int(self.sizes.max())))
        answered, rlh = np.zeros(len(self.person)), np.zeros(len(self.people))
        counts = np.bincount(self.person, minlength=len(self.people))
        none = self.coding.row(None) if self.dual else None
        for beta, weight in points:
            log_answered = np.empty(len(self.person))
            for chunk in self.chunks:
                person = self.person[chunk.place]
                chance, both = _chances(chunk, beta[person], none)
                chances[chunk.place, : chunk.size] += weight[person, None] * chance
                answered[chunk.place] += weight[person] * both
                log_answered[chunk.place] = np.log(both)
            total = np.bincount(self.person, log_answered, minlength=len(self.people))
            rlh += weight * np.exp(total / counts)
        return Predicted(chances, answered, rlh)

    def sums(self, values: Floats) -> Floats:
        """Sums over the tasks of each respondent, (people,)."""
        return np.bincount(self.person, values, minlength=len(self.people)).astype(float)

    def hits(self, chances: Floats) -> Floats:
        """(T,) 1 where the likeliest alternative was chosen; a tie counts by its share."""
        top = chances.max(axis=1, keepdims=True)
        likeliest = chances >= top - 1e-12
        every = np.arange(len(self.chosen))
        found: Floats = likeliest[every, self.chosen] / likeliest.sum(axis=1)
        return found


def _chances(chunk: Chunk, beta: Floats, none: Floats | None) -> Point:
    """Chances of every alternative (tasks, size), and of the answers (tasks,).

    ``none`` (K,) is the none alternative of a dual response.
    """
    x = chunk.x.reshape(len(beta), chunk.size, -1)
    utility = np.einsum("tjk,tk->tj", x, beta)
    top = utility.max(axis=1, keepdims=True)
    chance = np.exp(utility - top)
    total = chance.sum(axis=1, keepdims=True)
    chance /= total
    both = chance[np.arange(len(x)), chunk.chosen]
    if none is not None and chunk.bought is not None:
        worth = top[:, 0] + np.log(total[:, 0]) - beta @ none
        both = both * expit(np.where(chunk.bought > 0, worth, -worth))
    return chance, np.maximum(both, 1e-300)


def tasks_of(coding: Coding, choices: Choices, role: str) -> Tasks | None:
    """The tasks of a role, coded as in the fit; None when there are none."""
    frame = choices.frame
    if coding.covariates:
        frame = covariate_columns(frame, coding.covariates)
    frame = frame[frame["role"] == role]
    if frame.empty:
        return None
    frame = frame.sort_values(["respondent", "task", "alternative"], kind="stable")
    frame = frame.assign(role="estimation").reset_index(drop=True)
    sets = choice_sets(coding, frame)
    chunks = tuple(sets.chunks())
    sizes = np.concatenate([np.full(len(chunk.chosen), chunk.size) for chunk in chunks])
    equal = 1.0 / sizes
    if sets.bought is not None:
        equal = np.where(sets.bought > 0, 1.0 / (sizes + 1), 1.0 / (sizes * (sizes + 1)))
    return Tasks(
        coding,
        chunks,
        sets.respondents,
        sets.respondent,
        np.concatenate([chunk.chosen for chunk in chunks]),
        sizes,
        equal,
        choices.exercise.is_dual,
        shown_tasks(choices.exercise, frame),
    )


@dataclass(frozen=True, slots=True)
class ShareError:
    """Mean absolute error of shares over the alternatives of fixed tasks.

    ``noise`` is the mean error, and ``noise_high`` its 97.5 % quantile, if shares were exactly
    right and only the respondents had been sampled. Without fixed tasks the numbers are None and
    ``reason`` says so.
    """

    mae: float | None
    noise: float | None
    noise_high: float | None
    tasks: int
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Scores:
    """One way of predicting: its name, its log-loss, hit rate and error of shares."""

    name: str
    log_loss: Estimate
    hit_rate: Estimate
    shares: ShareError


@dataclass(frozen=True, slots=True)
class Holdout:
    """Predictions of the holdout tasks.

    Attributes
    ----------
    respondents, new_respondents, tasks
        Who answered them, how many of those the fit has not seen, and how many answers.
    chance_log_loss
        The log-loss of equal chances.
    scores
        The fit itself first, then hb at the posterior means, then the baselines.
    agreement
        How often the same task got the same answer again: the ceiling.
    rows
        A row an answer: respondent, task, log_loss, hit.
    """

    respondents: int
    new_respondents: int
    tasks: int
    chance_log_loss: float
    scores: tuple[Scores, ...]
    agreement: Estimate
    rows: pd.DataFrame


def validate(
    beliefs: Beliefs, logit: Beliefs | None, choices: Choices, *, seed: int
) -> Holdout | None:
    """Predict the holdout tasks; None when there are none.

    Parameters
    ----------
    beliefs
        Of the fit to judge, see ``beliefs_of``.
    logit
        Of the aggregate logit of the same choices, the baseline; None when it is the fit itself or
        there is none.
    choices
        As fitted, holdouts included.
    seed
        Of the bootstrap.

    Notes
    -----
    Every respondent counts alike. Hits and shares are those of the first question where none is
    asked in a second one; losses are of both answers.
    """
    tasks = tasks_of(beliefs.coding, choices, "holdout")
    if tasks is None:
        return None
    own = tasks.predict(beliefs.points(tasks.people))
    scores = [scores_of(_own_name(beliefs), tasks, own, seed)]
    means = beliefs.means_of(tasks.people)
    if means is not None:
        at = tasks.predict(iter([(means, np.ones(len(means)))]))
        scores.append(scores_of("at the mean part-worths", tasks, at, seed))
    if logit is not None:
        plain = tasks_of(logit.coding, choices, "holdout")
        assert plain is not None
        predicted = plain.predict(logit.points(plain.people))
        scores.append(scores_of("aggregate logit", plain, predicted, seed))
    scores += [_commonest(tasks, seed), _equal(tasks, seed)]
    known = set(beliefs.respondents)
    rows = {
        "respondent": np.array(tasks.people, dtype=object)[tasks.person],
        "task": tasks.shown.task,
        "log_loss": -np.log(own.answered),
        "hit": tasks.hits(own.chances),
    }
    return Holdout(
        len(tasks.people),
        sum(name not in known for name in tasks.people),
        len(tasks.person),
        float(-np.log(tasks.equal).mean()),
        tuple(scores),
        agreement(choices, seed=seed),
        pd.DataFrame(rows),
    )


def _own_name(beliefs: Beliefs) -> str:
    return "over draws" if beliefs.means is not None else beliefs.estimator


def scores_of(name: str, tasks: Tasks, predicted: Predicted, seed: int) -> Scores:
    """Log-loss, hit rate and error of shares of predictions, resampling respondents by a seed."""
    losses = -np.log(predicted.answered)
    shares = share_error(tasks, predicted.chances, seed=seed)
    return _scored(name, tasks, losses, tasks.hits(predicted.chances), shares, seed)


def _scored(
    name: str, tasks: Tasks, losses: Floats, hits: Floats, shares: ShareError, seed: int
) -> Scores:
    counts = tasks.sums(np.ones(len(tasks.person)))
    return Scores(
        name,
        mean_of_answers(tasks.sums(losses), counts, seed=seed, unit="nats"),
        mean_of_answers(tasks.sums(hits), counts, seed=seed, unit="share"),
        shares,
    )


def _equal(tasks: Tasks, seed: int) -> Scores:
    """Equal chances for every alternative."""
    offered = np.arange(int(tasks.sizes.max())) < tasks.sizes[:, None]
    chances = offered / tasks.sizes[:, None]
    return scores_of("equal chances", tasks, Predicted(chances, tasks.equal, tasks.equal), seed)


def _commonest(tasks: Tasks, seed: int) -> Scores:
    """The shares of each fixed task among the other respondents, one equal-chances answer added.

    Leaving the respondent out keeps it a prediction; the added answer keeps chances above zero.
    """
    name, why = "commonest choice of the others", tasks.shown.why_none
    if not why and tasks.dual:
        why = "not defined where none is asked in a second question"
    covered = sum(len(task.places) for task in tasks.shown.fixed)
    if not why and covered < len(tasks.person):
        why = "some holdout tasks were not the same for everybody"
    if why:
        none = unavailable(why, n=len(tasks.people), method=METHOD)
        return Scores(name, none, none, ShareError(None, None, None, 0, why))
    chances = np.zeros((len(tasks.person), int(tasks.sizes.max())))
    for task in tasks.shown.fixed:
        size, chosen = int(tasks.sizes[task.places[0]]), tasks.chosen[task.places]
        others = np.bincount(chosen, minlength=size) - np.eye(size)[chosen]
        chances[task.places, :size] = (others + 1 / size) / len(chosen)
    answered = chances[np.arange(len(chances)), tasks.chosen]
    own = ShareError(None, None, None, 0, "these are the shares that were observed")
    return _scored(name, tasks, -np.log(answered), tasks.hits(chances), own, seed)


def share_error(tasks: Tasks, chances: Floats, *, seed: int) -> ShareError:
    """Mean absolute error of the shares of fixed tasks, and that of sampling alone."""
    if tasks.shown.why_none:
        return ShareError(None, None, None, 0, tasks.shown.why_none)
    fixed, errors = tasks.shown.fixed, []
    picks = [np.eye(int(tasks.sizes[t.places[0]]))[tasks.chosen[t.places]] for t in fixed]
    for task, picked in zip(fixed, picks, strict=True):
        predicted = chances[task.places, : picked.shape[1]].mean(axis=0)
        errors.append(np.abs(predicted - picked.mean(axis=0)))
    noise = []
    for weights in resamples(len(tasks.people), seed):
        wrong = []
        for task, picked in zip(fixed, picks, strict=True):
            drawn = weights[:, tasks.person[task.places]]
            again = drawn @ picked / np.maximum(drawn.sum(axis=1, keepdims=True), 1)
            wrong.append(np.abs(again - picked.mean(axis=0)))
        noise.append(np.concatenate(wrong, axis=1).mean(axis=1))
    sampled = np.concatenate(noise)
    return ShareError(
        float(np.concatenate(errors).mean()),
        float(sampled.mean()),
        float(np.quantile(sampled, 0.975)),
        len(errors),
    )


def respondent_fit(beliefs: Beliefs, choices: Choices) -> pd.DataFrame:
    """Root likelihood and hit rate of each respondent, beside those of equal chances.

    Columns: respondent; of the tasks of the fit n_tasks, rlh (of each draw, averaged over draws),
    hit_rate (chances averaged over draws), for hb rlh_at_mean and hit_rate_at_mean, chance_rlh and
    chance_hit_rate; and the same of the holdout tasks where there are some. Figures of the tasks of
    the fit flatter it: it has seen the answers.
    """
    tables = []
    for role, prefix in (("estimation", ""), ("holdout", "holdout_")):
        tasks = tasks_of(beliefs.coding, choices, role)
        if tasks is not None:
            found = _fit_rows(beliefs, tasks).add_prefix(prefix)
            tables.append(found)
    table = pd.concat(tables, axis=1).rename_axis("respondent").reset_index()
    counts = [name for name in table.columns if name.endswith("n_tasks")]
    return table.fillna(dict.fromkeys(counts, 0)).astype(dict.fromkeys(counts, int))


def _fit_rows(beliefs: Beliefs, tasks: Tasks) -> pd.DataFrame:
    counts = tasks.sums(np.ones(len(tasks.person)))
    own = tasks.predict(beliefs.points(tasks.people, most=IN_SAMPLE_DRAWS))
    found = {
        "n_tasks": counts,
        "rlh": own.rlh,
        "hit_rate": tasks.sums(tasks.hits(own.chances)) / counts,
    }
    means = beliefs.means_of(tasks.people)
    if means is not None:
        at = tasks.predict(iter([(means, np.ones(len(means)))]))
        found["rlh_at_mean"] = at.rlh
        found["hit_rate_at_mean"] = tasks.sums(tasks.hits(at.chances)) / counts
    found["chance_rlh"] = np.exp(tasks.sums(np.log(tasks.equal)) / counts)
    found["chance_hit_rate"] = tasks.sums(1 / tasks.sizes) / counts
    return pd.DataFrame(found, index=list(tasks.people))
