"""Segments and what to do: who they are, what evidence supports, what was measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from analysis.choices.mnl import NotConverged
from analysis.choices.simulator.worths import NoWorths, from_draws, weighted
from analysis.customers.actions.evidence import Answers, Evidence, evidence, personal
from analysis.customers.actions.in_money import Margin
from analysis.customers.actions.offers import Gains, best_offers
from analysis.customers.actions.planned import Measured
from analysis.customers.actions.strategies import Strategy, strategies
from analysis.customers.lists import buys_on_sale_only
from analysis.customers.segments.money import Worth, money_of_segments
from analysis.customers.segments.needs import Needs, needs_segments
from analysis.customers.segments.tiers import value_tiers
from analysis.diagnostics.fit import Fit
from analysis.estimate import Estimate
from analysis.purchases.winback.alarms import by_chance
from analysis.purchases.winback.campaign import lot
from analysis.ratings.gaps import gap_column, gap_scores
from analysis.ratings.scales import construct_scores, recommendations
from analysis.value_report.action_tables import (
    Effects,
    Members,
    acts_of,
    advice_section,
    offer_section,
    segment_section,
    tests_section,
)
from analysis.value_report.section import Section
from analysis.value_report.types import Action
from analysis.value_report.used import Used

AS_THEY_ARE = (
    "Segments are described and tested without weights: these figures are of the respondents, "
    "those of other sections of whom they stand for."
)
CONTROL = 0.2
"""Share of the customers with an offer who get none by lot, so that it can be measured."""


@dataclass(frozen=True, slots=True, eq=False)
class ActionParts:
    """Sections, first-screen acts, and the list of customers with their offers."""

    sections: tuple[Section, ...] = ()
    actions: tuple[Action, ...] = ()
    offers: pd.DataFrame | None = None
    recommended: pd.DataFrame | None = None
    """Customers of every supported strategy but leaving alone: customer, cut, segment, strategy."""
    lift: Estimate | None = None
    """What a win-back offer brought a customer in the latest measured test."""
    warnings: tuple[str, ...] = ()


def action_parts(
    used: Used, fit: Fit | None, linked: pd.DataFrame, tests: Sequence[Measured], *, seed: int
) -> ActionParts:
    """Segments by value and by need, their cross, the strategy of each, and offers.

    Needs segments need an exercise fitted by hierarchical Bayes: the plan then says that people
    are told apart. ``fit`` is of these respondents and no others. ``linked`` is ``Linkage.table``.
    """
    warnings: list[str] = []
    needs, worths = _needs(fit, seed, warnings)
    members = _members(used, linked, needs)
    answers = _answers(used)
    advice = [_advised(answers, cut, worths) for cut in members]
    found: list[Section | None] = [segment_section(answers, members, needs, worths)]
    gains = _gains(fit, needs, used.weighing, seed, warnings)
    effects = Effects(tests, gains, Margin.of(used.archive.facts))
    found.append(advice_section(answers, members, advice, effects))
    found.append(offer_section(gains))
    found.append(tests_section(tests))
    listed = None if gains is None or linked.empty else _listed(gains, linked, seed)
    acts = acts_of(answers, members, advice, tests)
    sections = tuple(_as_weighted(used, section) for section in found if section is not None)
    return ActionParts(
        sections, acts, listed, _recommended(members, advice), _lift(tests), tuple(warnings)
    )


def _as_weighted(used: Used, section: Section) -> Section:
    """The section, which says where the report is weighted that these figures are not."""
    if used.weights is None or section.id not in ("segments", "what_to_do"):
        return section
    return section.model_copy(update={"caution": f"{section.caution} {AS_THEY_ARE}".strip()})


def _recommended(
    members: Sequence[Members], advice: Sequence[Sequence[Strategy]]
) -> pd.DataFrame | None:
    found = [
        pd.DataFrame({"customer": cut.customers(s.segment).astype(str), "cut": cut.kind,
                      "segment": s.segment, "strategy": family})
        for cut, advised in zip(members, advice, strict=True)
        for s in advised
        for family in (s.family, *s.also)
        if family not in (None, "leave_alone")
    ]  # fmt: skip
    return pd.concat(found, ignore_index=True) if found else None


def _lift(tests: Sequence[Measured]) -> Estimate | None:
    known = [
        test.effect
        for test in tests
        if test.plan.strategy == "win_back" and test.effect is not None and test.effect.available
    ]
    return known[0] if known else None


def _needs(
    fit: Fit | None, seed: int, warnings: list[str]
) -> tuple[Needs | None, tuple[Worth, ...]]:
    if fit is None or fit.fitted.hierarchy is None or not fit.fitted.converged:
        return None, ()
    try:
        needs = needs_segments(fit.study, fit.choices, seed=seed)
    except (NotConverged, ValueError) as error:
        warnings.append(f"There are no segments by need: {error}.")
        return None, ()
    return needs, money_of_segments(needs.fit, seed=seed)


def _members(used: Used, linked: pd.DataFrame, needs: Needs | None) -> tuple[Members, ...]:
    """Value tiers (of all customers), needs (of respondents), and both crossed."""
    customers = used.archive.customers
    by_customer: pd.Series = pd.Series(dtype=str)
    if "respondent" in linked:
        by_customer = linked["respondent"].astype(str)
    found = []
    tier = pd.Series(dtype="str")
    if not customers.empty:
        tier = value_tiers(customers.set_index("customer")["points"].astype(float))
        found.append(Members.of("value", tier, by_customer))
    if needs is not None and needs.fit.n_classes > 1:
        named = needs.segment.map(lambda number: f"needs {number}")
        owner = pd.Series(by_customer.index, index=by_customer.to_numpy())
        found.append(Members.of_respondents("need", named, owner))
        if len(owner):
            both = named.reindex(owner.index).dropna()
            crossed = tier.reindex(owner.reindex(both.index)).to_numpy() + ", " + both
            found.append(Members.of_respondents("cross", crossed, owner))
    return tuple(found)


def _answers(used: Used) -> Answers:
    scores = _scores(used) if len(used.answers) else pd.DataFrame()
    archive = used.archive
    customers = archive.customers
    spend = pd.Series(dtype=float)
    if not customers.empty:
        spend = customers.set_index("customer")["spend_52_weeks"].astype(float)
    alarm, chance = pd.Series(dtype=float), 0.0
    if not archive.no_alarm and len(archive.alarms):
        watched = archive.alarms[~buys_on_sale_only(customers, archive.alarms)]
        known = watched[watched["alarm"].isin(["declining", "not_declining"])]
        alarm = (known.set_index("customer")["alarm"] == "declining").astype(float)
        chance = by_chance(watched) / len(known) if len(known) else 0.0
    currency = archive.facts.get("currency") or used.study.currency
    return Answers(used.study, scores, spend, alarm, chance, currency)


def _scores(used: Used) -> pd.DataFrame:
    """Constructs, felt less expected where both were asked, and recommending; by respondent."""
    scores = construct_scores(used.study, used.answers)
    gaps = {c.id: gap_scores(used.study, used.answers, c.id) for c in used.study.constructs}
    columns = {gap_column(name): found[0] for name, found in gaps.items() if found is not None}
    given = recommendations(used.study, used.answers)
    if given is not None:
        columns["recommend"] = given.reindex(scores.index)
    return scores.assign(**columns)


def _advised(answers: Answers, cut: Members, worths: Sequence[Worth]) -> tuple[Strategy, ...]:
    pieces: list[Evidence] = []
    by_number: dict[int, list[Worth]] = {}
    for worth in worths:
        by_number.setdefault(worth.segment, []).append(worth)
    for name in cut.names:
        found = evidence(answers, name, cut.respondents(name), cut.customers(name))
        pieces += [piece for piece in found if not (cut.by_points and piece.family == "win_back")]
        if cut.kind == "need":
            pieces += personal(name, by_number, int(name.rsplit(" ", 1)[1]))
    return strategies(pieces, cut.names)


def _gains(
    fit: Fit | None,
    needs: Needs | None,
    weights: Mapping[str, float] | None,
    seed: int,
    warnings: list[str],
) -> Gains | None:
    hierarchy = None if fit is None else fit.fitted.hierarchy
    if fit is None or hierarchy is None or not fit.fitted.converged:
        return None
    beta = hierarchy.posterior.beta
    try:
        worths = from_draws(
            fit.fitted.coding,
            hierarchy.respondents,
            beta.reshape(-1, *beta.shape[2:]),
            seed=seed,
            cells=400_000,
        )
        worths = worths if weights is None else weighted(worths, weights)
        several = needs is not None and needs.fit.n_classes > 1
        segments = (
            needs.segment.map("needs {}".format) if needs and several else pd.Series(dtype=str)
        )
        return best_offers(worths, segments=segments)
    except NoWorths as error:
        warnings.append(f"No offers are listed: {error}.")
        return None


def _listed(gains: Gains, linked: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Linked customers with their offer, and by lot those who are to get none."""
    owner = linked.reset_index()[["customer", "respondent"]]
    found = owner.merge(gains.customers, on="respondent", how="inner").drop(columns="respondent")
    drawn = found["customer"].map(lambda name: lot(str(name), seed))
    group = (drawn < CONTROL).map({True: "control", False: "contact"})
    found.insert(1, "group", group.where(found["basis"] != "none", ""))
    return found.sort_values(["gain", "customer"], ascending=[False, True], ignore_index=True)
