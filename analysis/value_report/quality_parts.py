"""The report's section on the quality of answers: flags, and figures with and without them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from analysis.customers.quality.assess import NO_CHOICES, Answered, Assessed, assess
from analysis.customers.quality.speed import page_seconds
from analysis.customers.quality.types import LABELS
from analysis.estimate import Estimate
from analysis.value_report.choice_parts import ChoiceParts
from analysis.value_report.rating_parts import RatingParts
from analysis.value_report.types import AnswerQuality, ComparedFigure, QualityRule, VersionPart
from analysis.value_report.used import Used

EXCLUDED = "by the flags that the plan names"


def assessed(used: Used, choices: ChoiceParts, *, seed: int) -> Assessed:
    """All flags on the respondents of a report."""
    fit = choices.fit
    usable = fit is not None and fit.fitted.converged
    no_fit = NO_CHOICES if fit is None else "the fit of the choices is not final"
    found = None if fit is None or not usable else (fit.fitted, fit.choices)
    return assess(answered(used), seed=seed, fit=found, no_fit=no_fit)


def answered(used: Used) -> Answered:
    """What the respondents of a report left, as the flags look at it."""
    rows = used.answers[used.answers["status"] == "answered"]
    given: dict[str, dict[tuple[str, str], str]] = {
        str(name): {} for name in used.respondents["respondent"]
    }
    columns = (rows[name] for name in ("respondent", "question", "item", "value"))
    for respondent, question, item, value in zip(*columns, strict=True):
        given[respondent][question, item] = value
    return Answered(used.study, used.respondents, given, used.choices, seconds_of(used))


def seconds_of(used: Used) -> dict[str, dict[str, float]]:
    """Seconds by respondent and step; those whose clock stood still (bots) are left out."""
    names = (used.respondents[name].astype(str) for name in ("respondent", "started"))
    started = dict(zip(*names, strict=True))
    known = used.archive.page_times
    sent: dict[str, list[tuple[int, str, str]]] = {name: [] for name in started}
    mine = known[known["respondent"].isin(list(started))]
    columns = (mine[name] for name in ("respondent", "turn", "step", "at"))
    for respondent, turn, step, at in zip(*columns, strict=True):
        sent[respondent].append((int(turn), step, at))
    found = {name: page_seconds(started[name], pages) for name, pages in sent.items()}
    return {name: times for name, times in found.items() if any(times.values())}


@dataclass(frozen=True, slots=True)
class Figures:
    """Headline figures of the same study on some respondents."""

    choices: ChoiceParts
    ratings: RatingParts


def quality_part(
    found: Assessed, used: Used, everybody: Figures, others: Figures | None
) -> AnswerQuality:
    """The section.

    Parameters
    ----------
    found
        The flags.
    used
        All respondents, whatever they carry.
    everybody, others
        Figures of all, and of those who are left without whom the plan excludes or, when it
        excludes nobody, without everybody flagged; None when that leaves nobody out.
    """
    plan = used.study.analysis.quality
    left_out = found.flagged(plan.exclude) or found.flagged()
    rows = tuple(_compared(everybody, others)) if others else ()
    return AnswerQuality(
        rules=tuple(
            QualityRule(
                flag=rule.flag,
                label=LABELS[rule.flag],
                n=len({mark.respondent for mark in rule.marks}),
                judged=rule.judged,
                rate=rule.rate,
                rule=rule.rule,
                null=rule.null,
                unused=rule.unused,
                caught=rule.caught,
            )
            for rule in found.rules
        ),
        n=len(found.flags),
        flagged=len(found.flagged()),
        overall=found.overall,
        overall_if_independent=found.overall_if_independent,
        exclude=tuple(LABELS[flag] for flag in plan.exclude),
        excluded=len(found.flagged(plan.exclude)),
        without=len(left_out),
        ended=used.quality_out,
        figures=rows,
        conclusion=_conclusion(everybody, others, rows),
    )


def _compared(everybody: Figures, others: Figures) -> Iterator[ComparedFigure]:
    for section, label, one, other in _pairs(everybody, others):
        if one is not None and other is not None and (one.available or other.available):
            yield ComparedFigure(
                section=section,
                label=label,
                everybody=one,
                without=other,
                change=_change(section, one, other),
            )


Pair = tuple[str, str, Estimate | None, Estimate | None]


def _pairs(everybody: Figures, others: Figures) -> Iterator[Pair]:
    yield from _matched(
        "upgrades", everybody, others, lambda f: [(u.label, u.estimate) for u in f.choices.upgrades]
    )
    yield from _matched(
        "importances",
        everybody,
        others,
        lambda f: [(i.label, i.estimate) for i in f.choices.importances],
    )
    one, other = everybody.ratings, others.ratings
    if one.nps and other.nps:
        yield "nps", "Net Promoter Score", one.nps.estimate, other.nps.estimate
    if one.perceived_value and other.perceived_value:
        both = one.perceived_value.difference, other.perceived_value.difference
        yield "perceived_value", "Benefits less costs", *both
    yield from _matched(
        "constructs",
        everybody,
        others,
        lambda f: [(c.label, c.perceived) for c in f.ratings.constructs],
    )


def _matched(
    section: str,
    everybody: Figures,
    others: Figures,
    of: Callable[[Figures], Sequence[tuple[str, Estimate]]],
) -> Iterator[Pair]:
    left = of(others)
    for n, (label, estimate) in enumerate(of(everybody)):
        found = left[n][1] if n < len(left) and left[n][0] == label else None
        yield section, label, estimate, found


def _change(section: str, one: Estimate, other: Estimate) -> str:
    """What a reader would conclude otherwise; empty: nothing."""
    if one.available != other.available:
        return "known only with them" if one.available else "known only without them"
    if section in ("upgrades", "nps", "perceived_value"):
        said = [_direction(estimate) for estimate in (one, other)]
        if said[0] != said[1]:
            return f"{said[0]} with them, {said[1]} without"
    assert one.value is not None
    assert other.low is not None
    assert other.high is not None
    if not other.low <= one.value <= other.high:
        return "the figure with them lies outside the interval without"
    return ""


def _direction(estimate: Estimate) -> str:
    if not estimate.clear_of_zero:
        return "not clear of zero"
    return "above zero" if (estimate.value or 0) > 0 else "below zero"


def _conclusion(everybody: Figures, others: Figures | None, rows: Sequence[ComparedFigure]) -> str:
    if others is None:
        return "Nobody carries a flag, so there is nothing to compare."
    changed = [f"{row.label}: {row.change}" for row in rows if row.change]
    for noun, of in (("upgrade worth most", _upgrades), ("most important attribute", _shares)):
        best = [_best(of(figures)) for figures in (everybody, others)]
        if best[0] != best[1] and all(best):
            changed.append(f"the {noun} is {best[0]} with them and {best[1]} without")
    if not changed:
        return "No conclusion changes when they are left out."
    count = f"{len(changed)} conclusion{'s change' if len(changed) > 1 else ' changes'}"
    return f"{count} when they are left out. {'; '.join(changed)}."


def _upgrades(figures: Figures) -> list[tuple[str, Estimate]]:
    return [(u.label, u.estimate) for u in figures.choices.upgrades]


def _shares(figures: Figures) -> list[tuple[str, Estimate]]:
    return [(i.label, i.estimate) for i in figures.choices.importances]


def _best(rows: Sequence[tuple[str, Estimate]]) -> str:
    known = [(estimate.value, label) for label, estimate in rows if estimate.value is not None]
    return max(known)[1] if known else ""


def version_parts(used: Used) -> tuple[VersionPart, ...]:
    """What of earlier versions is pooled with the latest, where somebody answered them."""
    found = []
    for number, verdicts in used.verdicts.items():
        people = int((used.respondents["study_version"] == number).sum())
        pooled = sum(v.outcome == "pooled" and not v.reasons for v in verdicts)
        told = [v.in_words() for v in verdicts if v.outcome != "pooled" or v.reasons]
        found.append(VersionPart(version=number, n=people, pooled=pooled, differences=tuple(told)))
    return tuple(found)
