"""From an archive to the ValueReport; every section that lacks its input says so and stays out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from analysis.archive import Archive, digest, normalised
from analysis.choices.simulator.calibration import Calibration
from analysis.customers.actions.planned import Measured
from analysis.customers.quality.assess import Assessed
from analysis.diagnostics.build import diagnostics_of
from analysis.diagnostics.fit import Fit
from analysis.diagnostics.prediction import predict
from analysis.diagnostics.types import Diagnostics
from analysis.study.quality import QualityPlan
from analysis.value_report.action_sections import ActionParts, action_parts
from analysis.value_report.agreement_section import agreement_section
from analysis.value_report.answer_sections import answer_section, gap_section
from analysis.value_report.bought_section import BoughtParts, bought_parts
from analysis.value_report.changes import Earlier, changes_section
from analysis.value_report.choice_parts import ChoiceParts, Progress, chains_like, choice_parts
from analysis.value_report.customer_parts import CustomerParts, customer_parts
from analysis.value_report.driver_sections import driver_sections
from analysis.value_report.engagement_sections import engagement_sections
from analysis.value_report.group_sections import group_sections
from analysis.value_report.join_section import join_section
from analysis.value_report.methods import methods_named
from analysis.value_report.quality_parts import (
    EXCLUDED,
    Figures,
    assessed,
    quality_part,
    version_parts,
)
from analysis.value_report.rating_parts import rating_parts
from analysis.value_report.relation_sections import relation_sections
from analysis.value_report.relative_section import relative_section
from analysis.value_report.section import Section
from analysis.value_report.sentences import actions, headlines, key_figures
from analysis.value_report.small_cells import without_small_cells
from analysis.value_report.structure_section import structure_section
from analysis.value_report.subset import Group, narrowed
from analysis.value_report.task_parts import TaskParts, task_parts
from analysis.value_report.types import Header, ValueReport
from analysis.value_report.used import Used, answered_again, once_each, used_rows
from analysis.value_report.weight_section import weight_section, weighted

STEPS = 5


@dataclass(frozen=True, slots=True)
class Analysis:
    """A report with the fit of its choices and the fit's diagnostics, where there is one.

    ``campaign`` is the whole win-back list, with the columns of ``winback.campaign.COLUMNS``; None
    without an alarm. ``quality`` has the flags on every respondent, ``plan`` says
    which of them exclude. ``offers`` has the customers who agreed to the linking with the offer
    that their part-worths support; None without such part-worths. ``joined`` has one row per
    customer whose answers stand beside purchases (index): respondent, answered_on, scores of
    constructs, perceived_value, then the archive's columns of customers and outcomes; None
    without purchases. ``recommended`` has the customers of every supported strategy, see
    ``ActionParts``. ``calibration`` is that of the simulator on purchases; None where no purchases
    were set beside what was on offer.
    """

    report: ValueReport
    fit: Fit | None
    diagnostics: Diagnostics | None
    campaign: pd.DataFrame | None
    quality: Assessed
    plan: QualityPlan
    quality_out: int
    """Who failed an attention check that ended the survey."""
    offers: pd.DataFrame | None = None
    joined: pd.DataFrame | None = None
    recommended: pd.DataFrame | None = None
    calibration: Calibration | None = None


def build_report(
    archive: Archive,
    *,
    seed: int,
    progress: Progress | None = None,
    kinds: Sequence[str] = (),
    tests: Sequence[Measured] = (),
) -> ValueReport:
    """The report alone; see ``analyse``."""
    return analyse(archive, seed=seed, progress=progress, kinds=kinds, tests=tests).report


def analyse(
    archive: Archive,
    *,
    seed: int,
    progress: Progress | None = None,
    kinds: Sequence[str] = (),
    only: Sequence[Group] = (),
    earlier: Earlier | None = None,
    tests: Sequence[Measured] = (),
) -> Analysis:
    """Analyse an archive.

    Same archive, same seed: the same report, to the last digit.

    Parameters
    ----------
    archive
        What ``read_archive`` returned, or ``archive_of``.
    seed
        Of everything drawn at random.
    progress
        Told each step; while draws are made, returning False cancels.
    kinds
        Kinds of run that count, of 'live', 'test' and 'bot'; default: live ones, in a simulated
        study bots as well.
    only
        Groups of respondents that the report is narrowed down to. Draws of hierarchical Bayes are
        made for everybody together; ``fit`` is that joint fit.
    earlier
        A report to compare the headline figures with.
    tests
        Randomised tests, whose measured effects the report tells.

    Raises
    ------
    ValueError
        When the archive's tables lack columns, answers are no answers of their question, or
        nobody completed; a ``SubsetFault`` when a group is unknown or too small.
    Cancelled
        When ``progress`` returned False.
    """
    tell = progress or (lambda step, done, total: None)
    content = normalised(archive)
    rows = used_rows(content, kinds)
    of_a_wave = any(group.name == "wave" for group in only)
    used = weighted(rows if of_a_wave else once_each(rows))
    if used.respondents.empty:
        raise ValueError(f"nobody completed the study '{used.study.study}'; {used.excluded}")
    tell("Fitting the choices", 0, STEPS)
    judged = _judged(used, only, seed, progress)
    counted, figures = judged.counted, judged.figures
    tasks = task_parts(counted, seed=seed, progress=progress)
    tell("Joining answers and purchases", 2, STEPS)
    customers = customer_parts(counted, figures.ratings)
    tell("Writing the report", 3, STEPS)
    choices = figures.choices
    linked = pd.DataFrame() if customers.linked is None else customers.linked
    acts = action_parts(counted, choices.counted, linked, tests, seed=seed)
    bought = bought_parts(counted, choices.fit, customers.linked, seed=seed)
    report = _assembled(counted, figures, tasks, customers, acts, bought, seed)
    if not only:
        part = quality_part(judged.quality, used, judged.first, judged.others)
        report = report.model_copy(update={"quality": part})
    report = without_small_cells(_compared(report, counted, earlier))
    found = _diagnosed(choices, report)
    tell("Done", STEPS, STEPS)
    return Analysis(
        report=report,
        fit=choices.fit,
        diagnostics=found,
        campaign=customers.campaign,
        quality=judged.quality,
        plan=used.study.analysis.quality,
        quality_out=used.quality_out,
        offers=acts.offers,
        recommended=acts.recommended,
        joined=customers.linked,
        calibration=bought.calibration,
    )


@dataclass(frozen=True, slots=True)
class _Judged:
    """Whom a report counts and their figures; ``first``: before anybody was left out."""

    counted: Used
    figures: Figures
    quality: Assessed
    first: Figures
    others: Figures | None


def _judged(
    everybody: Used, only: Sequence[Group], seed: int, progress: Progress | None
) -> _Judged:
    """Fit, judge the quality of the answers among everybody, and leave out whom the plan says."""
    tell = progress or (lambda step, done, total: None)
    used = once_each(narrowed(everybody, only)) if only else everybody
    found = choice_parts(everybody, seed=seed, progress=progress, part=used if only else None)
    first = Figures(found, rating_parts(used))
    tell("Judging the quality of answers", 1, STEPS)
    quality = assessed(everybody, found, seed=seed)
    if only:
        counted, figures = _of_group(everybody, used, first, quality, seed, progress)
        return _Judged(counted, figures, quality, first, None)
    counted, figures, others = _without_flagged(used, first, quality, seed, progress)
    return _Judged(counted, figures, quality, first, others)


def _diagnosed(choices: ChoiceParts, report: ValueReport) -> Diagnostics | None:
    if choices.fit is None:
        return None
    prediction = choices.prediction or predict(choices.fit)
    return diagnostics_of(choices.fit, program=report.header.program, prediction=prediction)


def _of_group(
    everybody: Used,
    used: Used,
    figures: Figures,
    quality: Assessed,
    seed: int,
    progress: Progress | None,
) -> tuple[Used, Figures]:
    """A group without those whom the plan excludes, judged among everybody, and its figures."""
    excluded = frozenset(quality.flagged(everybody.study.analysis.quality.exclude))
    inside = excluded & frozenset(used.respondents["respondent"])
    if not inside:
        return used, figures
    counted = used.without(inside, EXCLUDED)
    kept = everybody.without(excluded, EXCLUDED)
    again = choice_parts(kept, seed=seed, progress=progress, part=counted)
    return counted, Figures(again, rating_parts(counted))


def _without_flagged(
    used: Used, everybody: Figures, quality: Assessed, seed: int, progress: Progress | None
) -> tuple[Used, Figures, Figures | None]:
    """Whom the report counts, its figures, and those without the flagged (None: nobody is)."""
    excluded = quality.flagged(used.study.analysis.quality.exclude)
    flagged = excluded or quality.flagged()
    if not flagged or len(flagged) == len(used.respondents):
        return used, everybody, None
    kept = used.without(flagged, EXCLUDED)
    chains = chains_like(everybody.choices)
    others = Figures(
        choice_parts(kept, seed=seed, progress=progress, chains=chains), rating_parts(kept)
    )
    return (kept, others, others) if excluded else (used, everybody, others)


def _compared(report: ValueReport, used: Used, earlier: Earlier | None) -> ValueReport:
    """The report with a first section on what has changed since an earlier one."""
    if earlier is None:
        return report
    changed = changes_section(report, frozenset(used.respondents["respondent"]), earlier)
    if changed is None:
        return report
    methods = _method_ids(report) | {changed.method}
    return report.model_copy(
        update={
            "sections": (changed, *report.sections),
            "methods": methods_named(methods, used.study.analysis.estimator),
        }
    )


def _assembled(
    used: Used,
    figures: Figures,
    tasks: TaskParts,
    customers: CustomerParts,
    acts: ActionParts,
    bought: BoughtParts,
    seed: int,
) -> ValueReport:
    choices, ratings = figures.choices, figures.ratings
    currency = used.archive.facts.get("currency") or used.study.currency
    parts = (choices, ratings, customers)
    report = ValueReport(
        header=_header(used, customers, currency, seed),
        headlines=headlines(*parts, currency=currency),
        key_figures=key_figures(*parts, currency=currency),
        actions=actions(*parts, currency=currency, segments=acts.actions, lift=acts.lift),
        part_worths=choices.part_worths,
        importances=choices.importances,
        upgrades=choices.upgrades,
        importance_note=choices.importance_note,
        money_note=choices.money_note,
        tag_values=choices.tag_values,
        tag_note=choices.tag_note,
        estimation=choices.estimation,
        prediction=choices.prediction,
        best_worst=tasks.best_worst,
        rated_profiles=tasks.rated_profiles,
        nps=ratings.nps,
        constructs=ratings.constructs,
        perceived_value=ratings.perceived_value,
        engagement=ratings.engagement,
        states=customers.states,
        value_map=customers.value_map,
        best_customers=customers.best,
        declining_customers=customers.declining,
        sale_only_customers=customers.sale_only,
        alarm_answers=customers.answers,
        list_note=customers.list_note,
        relation=customers.relation,
        sections=(*acts.sections, *_sections(used, figures, customers, bought, seed)),
        versions=version_parts(used),
        methods=(),
        warnings=(
            *answered_again(used),
            *(
                warning
                for part in (used, choices, tasks, ratings, customers, acts)
                for warning in part.warnings
            ),
        ),
    )
    return report.model_copy(
        update={"methods": methods_named(_method_ids(report), used.study.analysis.estimator)}
    )


def _sections(
    used: Used, figures: Figures, customers: CustomerParts, bought: BoughtParts, seed: int
) -> tuple[Section, ...]:
    """What there is to dig into, in the order in which it is shown."""
    ratings = figures.ratings
    found = (
        gap_section(used),
        relative_section(used),
        *engagement_sections(used, figures.choices, seed=seed),
        *driver_sections(used, ratings.answered, seed=seed),
        agreement_section(used, ratings.answered, figures.choices, customers, seed=seed),
        bought.section,
        *group_sections(used, ratings.answered),
        *relation_sections(used, ratings, customers, seed=seed),
        join_section(used, customers.linkage),
        weight_section(used, ratings),
        structure_section(used, seed=seed),
        answer_section(used),
    )
    return tuple(section for section in found if section is not None)


def _header(used: Used, customers: CustomerParts, currency: str, seed: int) -> Header:
    archive, people = used.archive, used.respondents
    days = people["completed"].str[:10]
    waves = {wave.id: wave.label.say() for wave in used.study.waves}
    return Header(
        study=used.study.study,
        title=used.study.title.say(),
        version=archive.version,
        waves=tuple(waves.get(name, name) for name in sorted(set(people["wave"]) - {""})),
        currency=currency,
        simulated=used.study.simulated,
        n_started=used.started,
        n_completed=len(people),
        n_linked=customers.n_linked,
        n_customers=len(archive.customers),
        first_answer=str(days.min()),
        last_answer=str(days.max()),
        purchases_as_of=archive.facts.get("as_of") or None,
        archive=digest(archive),
        seed=seed,
        program=archive.facts.get("program", ""),
        excluded=used.excluded,
        subset=used.subset,
        ledger=archive.facts.get("ledger", ""),
    )


def _method_ids(report: ValueReport) -> set[str]:
    shown = {
        "part_worths": report.part_worths,
        "importances": report.importances,
        "willingness_to_pay": report.upgrades,
        "tag_values": report.tag_values,
        "prediction": report.prediction,
        "best_worst": report.best_worst,
        "rated_profiles": report.rated_profiles,
        "nps": report.nps,
        "constructs": report.constructs,
        "perceived_value": report.perceived_value,
        "engagement": report.engagement,
        "customer_score": report.states,
        "value_map": report.value_map,
        "lists": report.list_note,
        "relation": report.relation,
    }
    sections = {section.method for section in report.sections}
    return {"sample", "quality"} | sections | {name for name, part in shown.items() if part}
