"""The sections of engagement: the profile, and how engagement goes with what upgrades are worth."""

from __future__ import annotations

import numpy as np

from analysis.choices.hb.along import lines_along, money_at
from analysis.choices.hb.fit import Hierarchy
from analysis.choices.hb.market import COVER, money_estimate
from analysis.choices.price_offset import why_no_money
from analysis.customers.profile import Component, Profile
from analysis.customers.segments.tiers import value_tiers
from analysis.diagnostics.fit import Fit
from analysis.purchases.tiers import TierRule
from analysis.ratings.between_groups import LEAST_GROUP
from analysis.ratings.simultaneous import named, tail
from analysis.value_report.choice_parts import ChoiceParts, changes_of
from analysis.value_report.engagement_parts import ENGAGEMENT, LEAST, profile_of
from analysis.value_report.group_sections import (
    Figure,
    group_table,
    in_order,
    named_groups,
    waves_of,
    waves_section,
)
from analysis.value_report.section import TOGETHER as AT_ONCE
from analysis.value_report.section import Cell, Section, Table
from analysis.value_report.used import Used

QUARTERS = (0.25, 0.75)
NO_ORDER = (
    "Recommending is part of the emotional component, so that this profile explains no Net "
    "Promoter Score. Survey answers and behaviour before them describe; they show no cause."
)
TOGETHER = (
    "Answers and choices were given in one sitting: they go together, and which comes first is not "
    "known. Engagement is taken as measured, with its error, which draws differences towards zero."
)


def engagement_sections(used: Used, choices: ChoiceParts, *, seed: int) -> tuple[Section, ...]:
    """The profile where anything of it is known; then the relation with money values."""
    if used.answers.empty:
        return ()
    profile = profile_of(used)
    if not profile.weights:
        return ()
    money = _money(used, profile, choices, seed)
    return (_profile(used, profile), *([money] if money else []))


def _profile(used: Used, profile: Profile) -> Section:
    found = profile.estimate
    title = "Engagement: what customers think, feel and do"
    if found.value is not None and found.n >= LEAST_GROUP:
        title = (
            f"Engagement stands at {found.value:.0f} of 100 ({found.low:.0f} to {found.high:.0f})"
        )
    return Section(
        id="engagement_profile",
        title=title,
        method="engagement_profile",
        text=(_rests_on(profile),),
        caution=NO_ORDER,
        tables=(_components(profile), *_rankings(profile), *_side_by_side(used, profile)),
    )


def _rests_on(profile: Profile) -> str:
    said = [
        f"{c.label.split(':')[0].lower()} {profile.weights[c.name]:.0%}"
        for c in profile.components
        if c.name in profile.weights
    ]
    left = [c.label.split(":")[0].lower() for c in profile.components
            if c.name not in profile.weights]  # fmt: skip
    out = f" Not in it: {', '.join(left)}." if left else ""
    return (
        f"The composite weighs {', '.join(said)}, and counts only respondents who have all of "
        f"these.{out}"
    )


def _components(profile: Profile) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for component in profile.components:
        rows.append((component.label, component.estimate, _weight(profile, component)))
        rows += [(f"– {m.label}", m.estimate, m.reliability) for m in component.measures]
        rows += [(f"– {label}", why, "") for label, why in component.absent]
    rows.append(("Composite", profile.estimate, "100%"))
    return Table(
        id="components",
        caption="Engagement by component and what it rests on, 0 to 100",
        columns=("Score", "Mean of respondents", "Weight, or reliability"),
        rows=tuple(rows),
        chart=1,
        note="A component is the mean of its measures, for those who have them all.",
    )


def _weight(profile: Profile, component: Component) -> str:
    return f"weight {profile.weights.get(component.name, 0.0):.0%}"


def _rankings(profile: Profile) -> tuple[Table, ...]:
    if not profile.others:
        return ()
    return (
        Table(
            id="rankings",
            caption="Would other weights rank customers otherwise?",
            columns=("Weights", "Rank correlation", "Stay among the most engaged fifth"),
            rows=tuple((o.label, o.rank_correlation, o.top_stays) for o in profile.others),
            note="Against the ranking by the weights of the plan; 1 is the same ranking.",
        ),
    )


def _side_by_side(used: Used, profile: Profile) -> list[Table]:
    """Wave by wave, by groups of the plan, and by value tier."""
    people = used.respondents.set_index("respondent")
    figures = _compared(profile)
    found = []
    waves, customers = waves_of(used.waves)
    if waves.nunique() > 1:
        all_waves = figures if used.every_wave is None else _compared(profile_of(used.waves))
        table = waves_section(used.waves, all_waves, waves, customers).tables[0]
        found.append(table.model_copy(update={"id": "waves", "caption": "Wave by wave"}))
    for name in used.study.analysis.groups:
        groups, title = named_groups(used, people, name)
        if (groups.value_counts() >= LEAST_GROUP).sum() > 1:
            found.append(group_table(used, figures, groups, f"By {title}", name=f"by_{name}"))
    return found + _by_tier(used, profile)


def _compared(profile: Profile) -> list[Figure]:
    parts = [Figure(c.label, c.scores.dropna()) for c in profile.components if c.measures]
    return [*parts, Figure("Composite", profile.composite.dropna())]


def _by_tier(used: Used, profile: Profile) -> list[Table]:
    """Without what is made of purchases: the tiers are cut by it."""
    customers = used.archive.customers
    figures = [
        Figure(c.label, c.scores.dropna())
        for c in profile.components
        if c.measures and c.name != "behavioural"
    ]
    if customers.empty or not figures:
        return []
    tiers = value_tiers(customers.set_index("customer")["points"])
    people = used.respondents.set_index("respondent")
    groups = in_order(people["customer"].map(tiers), TierRule().names)
    if (groups.value_counts() >= LEAST_GROUP).sum() < 2:
        return []
    return [group_table(used, figures, groups, "By value tier of the customer", name="by_tier")]


def _money(used: Used, profile: Profile, choices: ChoiceParts, seed: int) -> Section | None:
    """What upgrades are worth with little and with much engagement; None without part-worths."""
    fit = choices.fit
    if fit is None or not fit.fitted.converged or why_no_money(fit.fitted.coding):
        return None
    title = "Engagement and what upgrades are worth"
    lacking = _why_not(fit, used, profile)
    if lacking:
        return Section(id="engagement_money", title=f"{title}: not known",
                       method="engagement_money", text=(lacking,))  # fmt: skip
    table, clear = _upgrades(fit, used, profile, seed)
    if clear:
        title = f"More engaged customers differ in what they would pay for: {', '.join(clear)}"
    else:
        title = f"{title}: no difference for certain"
    inside = len(set(used.respondents["respondent"]) & set(profile.composite.dropna().index))
    without = len(used.respondents) - inside
    text = [
        "Engagement is in the upper level of the fit, so that the draws are not pulled towards one "
        "mean for everybody."
    ]
    if without:
        text.append(
            f"{without} respondents without an engagement score have a mean of their own in the "
            "fit, and are not in these figures."
        )
    return Section(
        id="engagement_money",
        title=title,
        method="engagement_money",
        text=tuple(text),
        caution=TOGETHER,
        tables=(table,),
    )


def _why_not(fit: Fit, used: Used, profile: Profile) -> str:
    hierarchy = fit.fitted.hierarchy
    if hierarchy is None:
        return "Only hierarchical Bayes (estimator: hb) has part-worths to relate to engagement."
    if ENGAGEMENT not in hierarchy.covariates:
        return f"Fewer than {LEAST} respondents with choices have an engagement score."
    names = set(used.respondents["respondent"]) & set(hierarchy.respondents)
    known = profile.composite.reindex(sorted(names)).dropna()
    if len(known) < LEAST or known.nunique() < 2:
        return f"Fewer than {LEAST} respondents of this group have choices and engagement."
    return ""


def _upgrades(fit: Fit, used: Used, profile: Profile, seed: int) -> tuple[Table, list[str]]:
    """Money at the quarters of engagement, and the changes whose difference is clear of zero."""
    hierarchy = fit.fitted.hierarchy
    assert hierarchy is not None
    names = [n for n in hierarchy.respondents if n in set(used.respondents["respondent"])]
    scores = profile.composite.reindex(names).dropna()
    low, high = (float(scores.quantile(q)) for q in QUARTERS)
    lines = lines_along(fit.fitted, scores, seed=seed, weights=_weights(used, hierarchy))
    changes = changes_of(fit.fitted.coding.exercise)
    drawn = [
        money_at(fit.fitted, lines, fit.fitted.coding.contrast(*change), (low, high))
        for _, change in changes
    ]
    with np.errstate(invalid="ignore"):
        gaps = [np.nan_to_num(d[:, 1] - d[:, 0], nan=0.0, posinf=np.inf, neginf=-np.inf)
                for d in drawn]  # fmt: skip
    method = f"money at the mean part-worths with that engagement; {COVER}"
    tests = len(gaps)
    apart = [
        money_estimate(fit.fitted, gap, n=lines.n, method=named(method, tests), tail=tail(tests))
        for gap in gaps
    ]
    clear = [gap.clear_of_zero for gap in apart]
    rows = [
        (
            label,
            *(money_estimate(fit.fitted, values, n=lines.n, method=method)
              for values in (money[:, 0], money[:, 1])),
            gap,
            "differs" if sure else "no difference for certain",
        )
        for (label, _), money, gap, sure in zip(changes, drawn, apart, clear, strict=True)
    ]  # fmt: skip
    table = Table(
        id="upgrades",
        caption="What upgrades are worth, by engagement",
        columns=("Upgrade", f"Engagement {low:.0f}", f"Engagement {high:.0f}", "Difference",
                 "Verdict"),
        rows=tuple(rows),
        chart=3,
        note="The engagement values are the lower and upper quarter of respondents. Upgrades "
        f"differ where the range of the difference leaves out zero. {AT_ONCE}",
    )  # fmt: skip
    return table, [label for (label, _), sure in zip(changes, clear, strict=True) if sure]


def _weights(used: Used, hierarchy: Hierarchy) -> dict[str, float] | None:
    """Weights of everybody in the fit; zero for those of other groups."""
    weighing = used.weighing
    if weighing is None:
        return None
    return {name: weighing.get(name, 0.0) for name in hierarchy.respondents}
