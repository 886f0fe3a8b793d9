"""The section that says whether the items measure what the study meant them to measure."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from analysis.estimate import Estimate
from analysis.ratings.confirmatory import (
    Improper,
    Invariance,
    StructureFit,
    fit_structure,
    invariance,
    validity,
)
from analysis.ratings.confirmatory.invariance import LEAST_CFI, MOST_FALL, MOST_RISE
from analysis.ratings.confirmatory.validity import LEAST_AVE, MOST_HTMT, Validity
from analysis.ratings.scales import item_scores
from analysis.value_report.section import Cell, Section, Table
from analysis.value_report.used import Used

LEAST = 100
"""Complete respondents below which a structure is not tested."""
GROUPED_BY = {"language": "languages", "wave": "waves", "cell": "cells"}
EQUAL = {
    "nothing": "the same items on the same constructs",
    "loadings": "and items weigh the same",
    "intercepts": "and the same feeling gets the same answer",
}
COMPARABLE = {
    "means": "Scores may be compared between {}",
    "relations": "Between {}, compare how scores go with other things, not their height",
    "nothing": "Scores must not be compared between {}",
}


@dataclass(frozen=True, slots=True, eq=False)
class Items:
    """The felt items of all constructs that have at least two, of complete respondents."""

    constructs: dict[str, list[str]]
    answers: pd.DataFrame
    dropped: int
    """Respondents who rated some of them, not all."""


def structure_section(used: Used, *, seed: int) -> Section | None:
    """The confirmatory check, or None when no two items measure one construct."""
    items = _items(used)
    if not items.constructs:
        return None
    if len(items.answers) < LEAST:
        return _untested(
            f"{len(items.answers)} respondents rated every item; a check of the structure needs "
            f"{LEAST}."
        )
    try:
        fit = fit_structure(items.constructs, items.answers)
    except Improper as why:
        return _untested(f"The structure could not be fitted: {why}.")
    found = validity(fit, seed=seed)
    labels = {c: used.study.construct_named(c).label.say() for c in items.constructs}
    compared = [
        part for by, words in GROUPED_BY.items() for part in _groups(used, items, by, words)
    ]
    return Section(
        id="structure",
        title=_title(fit),
        method="structure",
        text=(
            *_weak(found, labels),
            *(sentence for sentence, _ in compared),
        ),
        caution=(
            f"{items.dropped} respondents who left some items out are not in this check."
            if items.dropped
            else ""
        ),
        tables=(
            _construct_table(found, labels),
            _pair_table(found, labels),
            _fit_table(fit),
            *(table for _, table in compared if table is not None),
            _loading_table(used, found, labels),
        ),
        folded=True,
    )


def _items(used: Used) -> Items:
    constructs: dict[str, list[str]] = {}
    frames = []
    for construct in used.study.constructs:
        scores = item_scores(used.study, used.answers, construct.id)
        if scores.shape[1] >= 2:
            constructs[construct.id] = list(scores.columns)
            frames.append(scores)
    everybody = pd.concat(frames, axis=1) if frames else pd.DataFrame()
    complete = everybody.dropna()
    return Items(constructs, complete.sort_index(), len(everybody) - len(complete))


def _untested(why: str) -> Section:
    return Section(
        id="structure",
        title="Whether the items measure what they should is not known",
        method="structure",
        text=(why,),
    )


def fits(fit: StructureFit) -> str:
    """'well', 'acceptably' or 'badly' (Hu and Bentler 1999, and the laxer bounds before them)."""
    if fit.cfi >= 0.95 and fit.rmsea <= 0.06 and fit.srmr <= 0.08:
        return "well"
    if fit.cfi >= 0.90 and fit.rmsea <= 0.08 and fit.srmr <= 0.10:
        return "acceptably"
    return "badly"


def _title(fit: StructureFit) -> str:
    words = fits(fit)
    if words == "badly":
        return "The items do not fit the constructs they were written for: read scores with care"
    return f"The items fit the constructs they were written for {words}"


def _weak(found: Validity, labels: dict[str, str]) -> list[str]:
    weak = [labels[c.construct] for c in found.constructs if _below(c.ave, LEAST_AVE)]
    same = [f"{labels[p.one]} and {labels[p.other]}" for p in found.pairs if p.distinct is False]
    sentences = []
    if weak:
        sentences.append(
            f"Less than half of what these items vary by is shared: {', '.join(weak)}. Their "
            "scores are blurred."
        )
    if same:
        sentences.append(
            f"Answers do not tell these apart beyond doubt: {'; '.join(same)}. Do not read one "
            "against the other."
        )
    return sentences


def _below(estimate: Estimate, limit: float) -> bool:
    return estimate.value is not None and estimate.value < limit


def _construct_table(found: Validity, labels: dict[str, str]) -> Table:
    return Table(
        id="constructs",
        caption="How well the items of each construct hold together",
        columns=("Construct", "Reliability (omega)", "Variance extracted (AVE)"),
        rows=tuple((labels[c.construct], c.omega, c.ave) for c in found.constructs),
        note=f"An AVE below {LEAST_AVE} says that items share less than they differ by.",
    )


def _pair_table(found: Validity, labels: dict[str, str]) -> Table:
    told = {True: "yes", False: "not beyond doubt", None: "not known"}
    return Table(
        id="pairs",
        caption="Whether two constructs can be told apart",
        columns=("Constructs", "Correlation, error removed", "HTMT", "Told apart"),
        rows=tuple(
            (f"{labels[p.one]} / {labels[p.other]}", p.correlation, p.htmt, told[p.distinct])
            for p in found.pairs
        )
        or (("one construct only", "", "", ""),),
        note=f"Told apart when the whole range of HTMT is below {MOST_HTMT}.",
    )


def _fit_table(fit: StructureFit) -> Table:
    rmsea = f"{fit.rmsea:.3f} (90 % interval {fit.rmsea_low:.3f} to {fit.rmsea_high:.3f})"
    rows = (
        ("CFI, robust", f"{fit.cfi:.3f}", "at least .95"),
        ("TLI, robust", f"{fit.tli:.3f}", "at least .95"),
        ("RMSEA, robust", rmsea, "at most .06"),
        ("SRMR", f"{fit.srmr:.3f}", "at most .08"),
        (
            "Chi-squared, scaled",
            f"{fit.chi2 / fit.scaling:.1f} on {fit.df} degrees of freedom, p {fit.p:.3f}",
            "grows with n",
        ),
    )
    return Table(
        id="fit",
        caption=f"Fit of the planned structure, {fit.n} respondents",
        columns=("Measure", "Value", "Well when"),
        rows=rows,
    )


def _groups(used: Used, items: Items, by: str, words: str) -> list[tuple[str, Table | None]]:
    """What may be compared between the groups of a column, where there are several."""
    if by == "wave" and used.every_wave is not None:
        used, items = used.waves, _items(used.waves)
    people = used.respondents.set_index("respondent")
    groups = people[by].astype(str).reindex(items.answers.index)
    if people[by].nunique() < 2:
        return []
    try:
        found = invariance(items.constructs, items.answers, groups)
    except Improper as why:
        return [(f"Whether scores compare between {words} could not be tested: {why}.", None)]
    sentence = COMPARABLE[found.comparable].format(words) + "."
    return [(sentence, _steps_table(found, by, words))]


def _steps_table(found: Invariance, by: str, words: str) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for step in found.steps:
        fall = "" if step.fall is None else f"{step.fall:.3f}"
        rise = "" if step.rise is None else f"{step.rise:.3f}"
        fit = f"{step.fit.cfi:.3f}"
        held = "holds" if step.holds else "does not hold"
        rows.append((EQUAL[step.equal], fit, fall, rise.replace("-", "\u2212"), held))
    named = ", ".join(f"{name} {n}" for name, n in found.groups.items())
    small = ", ".join(f"{name} {n}" for name, n in found.left_out.items())
    tested = ", ".join(f"{step.p:.3f}" for step in found.steps if step.p is not None)
    note = (
        f"The first line holds from a CFI of {LEAST_CFI:.2f} on, the others where CFI falls by at "
        f"most {MOST_FALL:.3f} and RMSEA rises by at most {MOST_RISE:.3f}."
    )
    if tested:
        note += (
            f" Chi-squared tests of the steps (p {tested}) do not decide: with many respondents "
            "they refuse differences too small to matter."
        )
    return Table(
        id=f"invariance_{by}",
        caption=f"Do {words} answer alike? ({named})",
        columns=("Held equal", "CFI", "Fall of CFI", "Rise of RMSEA", "Verdict"),
        rows=tuple(rows),
        note=f"{note} Too small to test: {small}." if small else note,
    )


def _loading_table(used: Used, found: Validity, labels: dict[str, str]) -> Table:
    texts = {
        f"{question.id}.{item.id}" if item.id else question.id: item.text.say()
        for question, item in used.study.items()
    }
    return Table(
        id="loadings",
        caption="Standardised loadings: how much an item is about its construct",
        columns=("Item", "Construct", "Loading"),
        rows=tuple(
            (texts.get(item, item), labels[construct], loading)
            for construct, item, loading in found.loadings
        ),
    )
