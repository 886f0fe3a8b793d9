"""The report's numbers from choices: part-worths, importances, money value of upgrades."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import combinations

from analysis.choices.chosen_ends import tag_difference, worth_difference
from analysis.choices.coding import Coding, Floats
from analysis.choices.hb import Settings, fit_hb
from analysis.choices.importances import Importance as EstimatedImportance
from analysis.choices.mnl import NotConverged, fit_mnl
from analysis.choices.willingness_to_pay import beyond_tested_prices
from analysis.diagnostics.fit import Fit
from analysis.diagnostics.prediction import predict
from analysis.diagnostics.types import Prediction
from analysis.estimate import Estimate
from analysis.study import Attribute, ChoiceExercise
from analysis.tables import Choices, TableFaults, check_choices
from analysis.value_report import sensitivity
from analysis.value_report.engagement_parts import upper_level
from analysis.value_report.from_draws import FromDraws
from analysis.value_report.from_logit import FromLogit
from analysis.value_report.types import (
    Estimation,
    Importance,
    LevelWorth,
    Tag,
    TagValue,
    Upgrade,
)
from analysis.value_report.used import Used

Figures = FromLogit | FromDraws
Progress = Callable[[str, int, int], bool | None]
VALUE_TAGS: tuple[Tag, ...] = ("functional", "emotional")
CHAINS = Settings(at_most=16_000)
"""2,000 draws a chain, and more while the chains do not agree, up to the limit."""


@dataclass(frozen=True, slots=True)
class ChoiceParts:
    """What choices add to a report; ``best_is_clear``: the difference to all others is.

    ``tag_difference``: money value of all functional upgrades less that of all emotional ones;
    ``construct_differences``: the same of the attributes of two constructs, by their ids.
    """

    part_worths: tuple[LevelWorth, ...] = ()
    importances: tuple[Importance, ...] = ()
    upgrades: tuple[Upgrade, ...] = ()
    tag_values: tuple[TagValue, ...] = ()
    tag_difference: Estimate | None = None
    construct_differences: Mapping[tuple[str, str], Estimate] = field(default_factory=dict)
    best_is_clear: bool = False
    importance_note: str = ""
    money_note: str = ""
    tag_note: str = ""
    estimation: Estimation | None = None
    prediction: Prediction | None = None
    warnings: tuple[str, ...] = ()
    fit: Fit | None = None
    part: Fit | None = None
    """The fit's draws and choices of the respondents whose figures these are; None: of all."""

    @property
    def counted(self) -> Fit | None:
        """The draws and choices of the respondents whose figures these are."""
        return self.part or self.fit


def choice_parts(
    used: Used,
    *,
    seed: int,
    progress: Progress | None = None,
    chains: Settings | None = None,
    part: Used | None = None,
) -> ChoiceParts:
    """Fit the reported exercise by the plan's estimator; without usable choices, only a warning.

    A fit that is not final gives no figures: only ``estimation`` with the reasons, and ``fit``.
    ``chains`` is for hierarchical Bayes. ``part``: some of the respondents, whose figures are
    wanted. Everybody's part-worths are then drawn together, and the figures are those of the draws
    of the part; an aggregate logit has no draws of respondents and is fitted to the part alone.
    """
    if part is not None and used.study.analysis.estimator == "mnl":
        used, part = part, None
    if not used.study.exercises:
        return _without("The study has no choice exercise")
    if not any(isinstance(e, ChoiceExercise) for e in used.study.exercises):
        return ChoiceParts()
    try:
        exercise = used.study.choice_exercise()
    except TypeError as error:
        return _without(str(error).capitalize())
    frame = used.choices.get(exercise.id)
    if frame is None or not (frame["role"] == "estimation").any():
        return _without(f"Nobody answered the choice tasks of '{exercise.id}'")
    try:
        choices = check_choices(frame, exercise)
        fit = _fit(used, choices, seed, progress, chains or CHAINS)
    except (TableFaults, ValueError, NotConverged) as error:
        return _without(f"The choices of '{exercise.id}' cannot be fitted ({error})")
    parts = ChoiceParts(
        estimation=_estimation(fit),
        warnings=(*choices.notes, *fit.fitted.warnings),
        fit=fit,
    )
    if not fit.fitted.converged:
        return parts
    if part is None:
        return _with_figures(parts, fit, exercise)
    together = (
        f"The part-worths of all {fit.fitted.n_respondents:,} respondents were drawn together; the "
        "figures are those of this group's draws, and lean a little towards everybody's."
    )
    own = _of_part(fit, part)
    parts = replace(parts, warnings=(*parts.warnings, together), part=own)
    return _with_figures(parts, own, exercise)


def _of_part(fit: Fit, part: Used) -> Fit:
    """The draws of some respondents of a joint fit, with their choices."""
    hierarchy, inside = fit.fitted.hierarchy, set(part.respondents["respondent"])
    if hierarchy is None:
        raise ValueError("an aggregate fit has no draws of single respondents")
    kept = [n for n, name in enumerate(hierarchy.respondents) if name in inside]
    if not kept:
        raise ValueError("nobody of the group answered the choice tasks")
    frame = fit.choices.frame
    frame = frame[frame["respondent"].astype(str).isin(inside)].reset_index(drop=True)
    posterior = replace(hierarchy.posterior, beta=hierarchy.posterior.beta[:, :, kept])
    names = tuple(hierarchy.respondents[n] for n in kept)
    tasks = frame[frame["role"] == "estimation"].groupby(["respondent", "task"], observed=True)
    fitted = replace(
        fit.fitted,
        hierarchy=replace(hierarchy, respondents=names, posterior=posterior),
        n_respondents=len(kept),
        n_tasks=tasks.ngroups,
    )
    weights = part.weighing
    return replace(fit, choices=replace(fit.choices, frame=frame), fitted=fitted, weights=weights)


def _without(why: str) -> ChoiceParts:
    text = f"{why}: the report has no part-worths and no willingness to pay."
    return ChoiceParts(warnings=(text,))


def chains_like(parts: ChoiceParts) -> Settings:
    """Chains for the same choices without a few respondents: at most twice as long as these."""
    hierarchy = parts.fit.fitted.hierarchy if parts.fit else None
    if hierarchy is None:
        return CHAINS
    return replace(CHAINS, at_most=min(2 * hierarchy.posterior.gamma.shape[1], CHAINS.at_most))


def _fit(
    used: Used, choices: Choices, seed: int, progress: Progress | None, chains: Settings
) -> Fit:
    plan, weights = used.study.analysis, used.weighing
    if plan.estimator == "mnl":
        fitted = fit_mnl(used.study, choices, weights=weights)
        return Fit(used.study, choices, fitted, seed, weights=weights)
    prior = plan.prior or "sawtooth"
    estimation = choices.frame[choices.frame["role"] == "estimation"]
    fitted = fit_hb(
        used.study,
        choices,
        seed=seed,
        prior=prior,
        settings=chains,
        covariates=upper_level(used, sorted(set(estimation["respondent"].astype(str)))),
        progress=progress and partial(progress, "Drawing everybody's part-worths"),
    )
    return Fit(
        used.study, choices, fitted, seed, weights=weights, prior=prior, burn_in=chains.burn_in
    )


def _estimation(fit: Fit) -> Estimation:
    hierarchy = fit.fitted.hierarchy
    return Estimation(
        estimator="mnl" if hierarchy is None else "hb",
        text=fit.in_words(),
        n_respondents=fit.fitted.n_respondents,
        n_tasks=fit.fitted.n_tasks,
        reasons=() if hierarchy is None else hierarchy.diagnostics.reasons,
    )


def _with_figures(parts: ChoiceParts, fit: Fit, exercise: ChoiceExercise) -> ChoiceParts:
    figures: Figures = FromLogit(fit.fitted, fit.seed)
    if fit.fitted.hierarchy is not None:
        figures = FromDraws(fit.fitted, fit.seed, fit.weights)
    changes = [c for a in exercise.attributes if a.tag != "price" for c in _changes(a)]
    contrasts = [fit.fitted.coding.contrast(a.id, start, end) for a, start, end in changes]
    upgrades = [
        _upgrade(figures, change, contrast)
        for change, contrast in zip(changes, contrasts, strict=True)
    ]
    shares = importance_rows(
        figures.importances(), exercise.attributes, figures.importances_of_the_mean()
    )
    coding, tags = fit.fitted.coding, figures.tag_figures()
    return replace(
        parts,
        part_worths=worth_rows(coding, figures.levels()),
        importances=shares,
        upgrades=tuple(upgrades),
        tag_values=_tag_values(figures, exercise),
        tag_difference=tag_difference(fit.fitted, figures.money, seed=fit.seed),
        construct_differences=_construct_differences(figures, fit, exercise),
        best_is_clear=_best_is_clear(figures, contrasts, upgrades),
        importance_note=sensitivity.of_prices(coding, tags),
        money_note=figures.price_note(),
        tag_note=sensitivity.of_tags(coding, tags),
        prediction=predict(fit),
    )


def _construct_differences(
    figures: Figures, fit: Fit, exercise: ChoiceExercise
) -> dict[tuple[str, str], Estimate]:
    """Money value of what belongs to one construct less what belongs to another, every pair."""
    found = {}
    for (one, first), (other, second) in combinations(exercise.by_construct.items(), 2):
        apart = worth_difference(fit.fitted, figures.money, first, second, seed=fit.seed)
        if apart is not None:
            found[one, other] = apart
    return found


def importance_rows(
    found: Sequence[EstimatedImportance],
    attributes: Sequence[Attribute],
    of_the_mean: Sequence[Estimate | None],
) -> tuple[Importance, ...]:
    """Importances with the labels and tags of their attributes."""
    known = {attribute.id: attribute for attribute in attributes}
    return tuple(
        Importance(
            attribute=one.attribute,
            label=known[one.attribute].label.say(),
            tag=known[one.attribute].tag,
            estimate=one.estimate,
            null_reference=one.null_reference,
            levels_tested=one.levels_tested,
            of_the_mean=mean,
        )
        for one, mean in zip(found, of_the_mean, strict=True)
    )


def worth_rows(coding: Coding, estimates: Iterable[Estimate]) -> tuple[LevelWorth, ...]:
    """The part-worths of all levels, from those of ``coding.level_rows()``; none stays out."""
    found = []
    for row, estimate in zip(coding.level_rows()[0], estimates, strict=True):
        if row.kind not in ("effects", "linear", "piecewise"):
            continue
        attribute = coding.exercise.attribute(row.attribute)
        effects = row.kind == "effects"
        label = attribute.level(row.level).label.say() if effects else _slope(attribute, row.level)
        found.append(
            LevelWorth(
                attribute=attribute.id,
                attribute_label=attribute.label.say(),
                tag=attribute.tag,
                level=row.level if effects else "",
                level_label=label,
                estimate=estimate,
            )
        )
    return tuple(found)


def _slope(attribute: Attribute, piece: str) -> str:
    unit = attribute.unit.say() if attribute.unit else "unit"
    return f"per {unit}, {piece}" if piece else f"per {unit}"


Change = tuple[str, str | float, str | float]
"""Id of the attribute, from level, to level."""
_Change = tuple[Attribute, str | float, str | float]


def _changes(attribute: Attribute) -> list[_Change]:
    """From the first (worst) level to each other one, or across the range tested."""
    if attribute.range:
        ends = (attribute.range.least, attribute.range.greatest)
        low, high = ends if attribute.preference != "decreasing" else ends[::-1]
        return [(attribute, low, high)]
    ids = [level.id for level in attribute.levels]
    if attribute.preference == "decreasing":
        ids.reverse()
    if attribute.coding == "linear":
        return [(attribute, ids[0], ids[-1])]
    return [(attribute, ids[0], other) for other in ids[1:]]


def changes_of(exercise: ChoiceExercise) -> list[tuple[str, Change]]:
    """Every upgrade with its words: '<attribute>: <from> to <to>', and (attribute id, from, to)."""
    found = []
    for attribute in exercise.attributes:
        for _, start, end in _changes(attribute) if attribute.tag != "price" else ():
            words = f"{_said(attribute, start)} to {_said(attribute, end)}"
            found.append((f"{attribute.label.say()}: {words}", (attribute.id, start, end)))
    return found


def _upgrade(figures: Figures, change: _Change, contrast: Floats) -> Upgrade:
    attribute, start, end = change
    estimate = figures.money(contrast)
    names = [_said(attribute, level) for level in (start, end)]
    half = figures.half_of_customers(contrast) if estimate.available else None
    return Upgrade(
        attribute=attribute.id,
        attribute_label=attribute.label.say(),
        label=names[1],
        tag=attribute.tag,
        from_level=names[0],
        to_level=names[1],
        estimate=estimate,
        beyond_tested_prices=beyond_tested_prices(figures.fitted, estimate),
        half_low=half[0] if half else None,
        half_high=half[1] if half else None,
    )


def _said(attribute: Attribute, level: str | float) -> str:
    if isinstance(level, str):
        return attribute.level(level).label.say()
    return f"{level:g} {attribute.unit.say() if attribute.unit else ''}".strip()


def _best_is_clear(figures: Figures, contrasts: list[Floats], upgrades: list[Upgrade]) -> bool:
    """Whether the best upgrade is clearly worth more than every other one."""
    known = [n for n, u in enumerate(upgrades) if u.estimate.available]
    if not known:
        return False
    best = max(known, key=lambda n: upgrades[n].estimate.value or 0.0)
    return figures.clearly_more(contrasts[best], [contrasts[n] for n in known if n != best])


def _tag_values(figures: Figures, exercise: ChoiceExercise) -> tuple[TagValue, ...]:
    found = []
    for tag in VALUE_TAGS:
        if any(attribute.tag == tag for attribute in exercise.attributes):
            money = figures.tag(tag)
            names = tuple(exercise.attribute(u.attribute).label.say() for u in money.upgrades)
            found.append(TagValue(tag=tag, upgrades=names, money=money.money, share=money.share))
    return tuple(found)
