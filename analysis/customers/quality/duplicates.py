"""Respondents who are one person twice in a wave, or whose answers are those of another.

Nothing is read of the browser: only the id that a customer or panel member came with, what was
answered, and what was written.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import log

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.customers.quality.attention import Given
from analysis.customers.quality.ordinal import ordinal_of
from analysis.customers.quality.types import Mark, Rule
from analysis.study.types import Study

Floats = NDArray[np.float64]
LEAST_ANSWERS = 15
"""Closed answers that two respondents must share before they are compared."""
LEAST_LETTERS = 40
"""Of a text that two respondents wrote alike: printed English carries at least 0.6 bits a letter
(Shannon 1951), so that two who write freely agree by chance once in 2^24."""
CHUNK = 1_000
ENOUGH = 50
STRANGERS = 4_000
"""Simulated people, at least."""
MARGIN = 2
"""The stated rate is so many times that of strangers: people are not cut normals, and those who use
only the ends of the scale came to 1.3 times the rate without it (docs/deep-checks.md)."""


def duplicates(
    study: Study,
    respondents: pd.DataFrame,
    answers: Mapping[str, Given],
    choices: Mapping[str, pd.DataFrame],
    *,
    wanted: float,
    seed: int,
) -> Rule:
    """The later of two who came with the same id, wrote the same text, or answered all alike.

    Parameters
    ----------
    respondents
        With the columns respondent, started and customer; where they are there, panel_key (a person
        of a panel) and wave. Only respondents of the same wave are compared: a person may answer
        every wave, and much the same.
    answers, choices
        Of these respondents.
    """
    order = [str(r) for r in respondents.sort_values(["started", "respondent"])["respondent"]]
    found: dict[str, str] = {}
    waves = _waves(respondents, order)
    for column in ("customer", "panel_key"):
        if column in respondents.columns:
            found |= _same_id(respondents, column, waves) | found
    found = _same_text(study, answers, waves) | found
    closed = _columns(study, answers, choices, order, list(waves.values()))
    limit, copies, scores = _same_answers(closed, order, wanted, seed)
    found = copies | found
    marks = tuple(Mark(name, "duplicates", found[name]) for name in order if name in found)
    rule = (
        f"the id of an earlier respondent of the wave; the same text of {LEAST_LETTERS} letters or "
        "more; or more answers in common with an earlier one than chance gives"
    )
    null = (
        "no two people share an id; texts are independent (0.6 bits a letter); the answers that a "
        "respondent has in common with the nearest other are as those of simulated strangers who "
        "rate as people do here, and at least as the lower half of these respondents suggests "
        "(both at half the rate, for people are no such strangers)"
    )
    if limit is None:
        null += " (too few respondents or answers to compare these here)"
    rate = wanted if limit is not None else 0.0
    return Rule("duplicates", wanted, rate, rule, null, len(order), scores=scores, marks=marks)


def _waves(respondents: pd.DataFrame, order: Sequence[str]) -> dict[str, str]:
    """Wave by respondent, in the order given."""
    if "wave" not in respondents.columns:
        return dict.fromkeys(order, "")
    waves = respondents.set_index("respondent")["wave"].fillna("").astype(str)
    return {name: waves[name] for name in order}


def _same_id(respondents: pd.DataFrame, column: str, waves: Mapping[str, str]) -> dict[str, str]:
    ids = respondents.set_index("respondent")[column].fillna("").astype(str)
    noun = "customer" if column == "customer" else "panel member"
    first: dict[tuple[str, str], str] = {}
    found = {}
    for name, wave in waves.items():
        if ids[name] and (earlier := first.setdefault((wave, ids[name]), name)) != name:
            found[name] = f"the same {noun} as {earlier}"
    return found


def _same_text(
    study: Study, answers: Mapping[str, Given], waves: Mapping[str, str]
) -> dict[str, str]:
    texts = [q.id for q in study.questions() if q.kind in ("short_text", "long_text")]
    first: dict[tuple[str, str, str], str] = {}
    found = {}
    for name, wave in waves.items():
        for question in texts:
            plain = "".join(re.findall(r"\w", answers.get(name, {}).get((question, ""), "")))
            plain = plain.casefold()
            if len(plain) < LEAST_LETTERS or len(set(plain)) < 8:
                continue
            earlier = first.setdefault((wave, question, plain), name)
            if earlier != name:
                found[name] = f"wrote to '{question}' the same as {earlier}"
    return found


def _columns(
    study: Study,
    answers: Mapping[str, Given],
    choices: Mapping[str, pd.DataFrame],
    order: Sequence[str],
    waves: Sequence[str],
) -> Closed:
    """The closed answers of everybody; choices are compared where the same task was seen."""
    rated = {(q.id, item.id) for q, item in study.items()}
    open_kinds = ("short_text", "long_text", "consent", "number", "date")
    keys = [(q.id, i) for q in study.questions() if q.kind not in open_kinds for i in q.storable()]
    table: list[tuple[bool, Sequence[object]]] = []
    for key in keys:
        values: Sequence[str | None] = [answers.get(name, {}).get(key) for name in order]
        if key in rated:
            table.append((True, [None if value is None else float(value) for value in values]))
        else:
            table.append((False, values))
    for frame in choices.values():
        if "chosen" not in frame.columns or frame.empty:
            continue
        picked = frame.loc[frame["chosen"] == 1, ["respondent", "block", "task", "alternative"]]
        for _, mine in picked.groupby(["block", "task"]):
            given = mine.set_index("respondent")["alternative"].astype(object)
            there = given.reindex(list(order))
            table.append((False, list(there.where(there.notna(), None))))
    columns, ordered = [], []
    for is_rated, column in table:
        found = pd.factorize(np.array(column, dtype=object), sort=is_rated)[0]
        if found.max(initial=-1) > 0:
            columns.append(found.astype(np.int64))
            ordered.append(is_rated)
    codes = np.array(columns).T.reshape(len(order), -1)
    wave = pd.factorize(np.array(waves, dtype=object))[0].astype(np.int64)
    return Closed(codes, np.array(ordered, dtype=bool), wave)


@dataclass(frozen=True, slots=True, eq=False)
class Closed:
    """Closed answers as codes (respondents, columns), -1 for none; which columns are ratings; the
    wave of each respondent."""

    codes: NDArray[np.int64]
    ordered: NDArray[np.bool_]
    wave: NDArray[np.int64]

    def strangers(self, times: int, seed: int) -> Iterator[NDArray[np.int64]]:
        """Codes of as many simulated people who copy nobody, several times.

        Ratings as in ``ordinal``, with the correlations of this study, so that people who like or
        dislike everything are among them; other answers are independent.
        """
        rng = np.random.default_rng(seed)
        given = np.where(self.codes < 0, np.nan, self.codes)[:, self.ordered]
        fitted = ordinal_of(given) if given.shape[1] else None
        for _ in range(times):
            found = self.codes.copy()
            if fitted:
                found[:, self.ordered] = fitted.draw(len(given), rng).astype(np.int64)
            for k in np.flatnonzero(~self.ordered):
                there = np.flatnonzero(self.codes[:, k] >= 0)
                found[there, k] = rng.permutation(self.codes[there, k])
            found[self.codes < 0] = -1
            yield found


@dataclass(frozen=True, slots=True)
class Nearest:
    """For each respondent (n,): how far the answers in common exceed what chance gives.

    ``any`` in spreads, against whoever is nearest; ``earlier`` and ``whom`` against those who began
    before; ``share`` of the answers in common with that one.
    """

    any: Floats
    earlier: Floats
    whom: NDArray[np.int64]
    share: Floats


def _same_answers(
    closed: Closed, order: Sequence[str], wanted: float, seed: int
) -> tuple[float | None, dict[str, str], dict[str, float]]:
    """The limit in spreads, who lies above it, and everybody's score (negative).

    The limit is the larger of two, both at the wanted rate / ``MARGIN``: that of simulated
    strangers, and that of a Gumbel distribution (of the greatest of many) through the median and
    lower quartile of these respondents, for the answers whose correlations are not simulated.
    Copies are all on the other side.
    """
    n = len(order)
    if n < ENOUGH or closed.codes.shape[1] < LEAST_ANSWERS:
        return None, {}, {}
    near = _nearest(closed.codes, closed.wave)
    known = np.isfinite(near.any)
    if known.sum() < ENOUGH:
        return None, {}, {}
    times = max(1, -(-STRANGERS // n))
    drawn = closed.strangers(times, seed)
    strangers = np.concatenate([_nearest(codes, closed.wave).any for codes in drawn])
    quartile, middle = np.quantile(near.any[known], [0.25, 0.5])
    scale = (middle - quartile) / (log(log(4)) - log(log(2)))
    place = middle + scale * log(log(2))
    gumbel = float(place - scale * log(-log(1 - wanted / MARGIN)))
    simulated = float(np.quantile(strangers[np.isfinite(strangers)], 1 - wanted / MARGIN))
    limit = max(gumbel, simulated)
    found = {
        order[i]: f"{100 * near.share[i]:.0f} % of the answers are those of {order[near.whom[i]]}"
        for i in range(n)
        if near.earlier[i] > limit
    }
    scores = {order[i]: -float(near.earlier[i]) for i in range(n) if np.isfinite(near.earlier[i])}
    return limit, found, scores


def _nearest(codes: NDArray[np.int64], wave: NDArray[np.int64]) -> Nearest:
    """Compare everybody with everybody of the same wave, in chunks of rows."""
    n = len(codes)
    there = (codes >= 0).astype(np.float32)
    hot = np.concatenate(
        [codes[:, [k]] == np.arange(codes[:, k].max() + 1) for k in range(codes.shape[1])], axis=1
    ).astype(np.float32)
    chance = np.array([_chance(column) for column in codes.T], dtype=np.float32)
    found = Nearest(np.full(n, -np.inf), np.full(n, -np.inf), np.zeros(n, np.int64), np.zeros(n))
    for first in range(0, n, CHUNK):
        rows = np.arange(first, min(first + CHUNK, n))
        both = there[rows] @ there.T
        same = hot[rows] @ hot.T
        expected = (there[rows] * chance) @ there.T
        spread = np.sqrt((there[rows] * chance * (1 - chance)) @ there.T)
        with np.errstate(divide="ignore", invalid="ignore"):
            excess = np.where(both >= LEAST_ANSWERS, (same - expected) / spread, -np.inf)
        excess = np.nan_to_num(excess, nan=-np.inf, neginf=-np.inf)
        excess[rows - first, rows] = -np.inf
        excess[wave[rows][:, None] != wave] = -np.inf
        found.any[rows] = excess.max(axis=1)
        excess[np.arange(n) >= rows[:, None]] = -np.inf
        found.whom[rows] = whom = excess.argmax(axis=1)
        found.earlier[rows] = excess.max(axis=1)
        found.share[rows] = (same / np.maximum(both, 1))[rows - first, whom]
    return found


def _chance(column: NDArray[np.int64]) -> float:
    """Chance that two who answered gave the same answer."""
    counts = np.bincount(column[column >= 0])
    shares = counts / max(counts.sum(), 1)
    return float((shares**2).sum())
