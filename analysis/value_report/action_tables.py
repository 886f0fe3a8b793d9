"""The tables and sentences of segments, strategies, offers and tests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.customers.actions.evidence import LEAST, Answers, Evidence
from analysis.customers.actions.in_money import Margin, profit_effect, revenue_effect
from analysis.customers.actions.offers import Gains
from analysis.customers.actions.planned import Measured
from analysis.customers.actions.strategies import FAMILIES, Strategy, measured_for
from analysis.customers.segments.money import Worth
from analysis.customers.segments.needs import STABLE, Needs
from analysis.estimate import Estimate, unavailable
from analysis.ratings.between_groups import holm
from analysis.ratings.scales import mean_estimate, score_column
from analysis.rendering.figures import ends, money, money_range, plain, whole
from analysis.value_report.section import Cell, Section, Table
from analysis.value_report.types import Action

CUTS = {"value": "By value", "need": "By need", "cross": "Value and need"}
NOT_MEASURED = "no measured effect yet"
NO_MONEY = (
    "What these strategies would bring in money is unknown, not zero: no test by lot has measured "
    "one of them here."
)
BY_POINTS = (
    "By value no segment is called declining: who buys less often has fewer points, and so falls "
    "into a lower tier. The list of declining customers names them whatever their tier. Spend "
    "differs between tiers by construction."
)
TOLD_APART = 3
"""Upgrades by which a segment is described."""


@dataclass(frozen=True, slots=True, eq=False)
class Effects:
    """What tests by lot measured, what the part-worths state, and what of spend is profit."""

    tests: Sequence[Measured]
    gains: Gains | None
    margin: Margin

    def stated(self, strategy: Strategy) -> Cell:
        """The largest stated gain of a segment by need, where product or offer is to change."""
        wanted = {strategy.family, *strategy.also} & {"product_improvement", "personalisation"}
        if self.gains is None or not wanted:
            return "-"
        own = self.gains.segments.get(strategy.segment, {})
        return max(own.values(), key=lambda gain: gain.value or 0.0) if own else "-"


@dataclass(frozen=True, slots=True, eq=False)
class Members:
    """One cut into segments.

    ``by_customer`` and ``by_respondent`` give the segment of everybody who has one.
    """

    kind: str
    names: tuple[str, ...]
    by_customer: pd.Series
    by_respondent: pd.Series

    @staticmethod
    def of(kind: str, segment: pd.Series, respondent: pd.Series) -> Members:
        """From the segment by customer; ``respondent`` by customer, of the linked ones."""
        own = segment.reindex(respondent.index)
        by_respondent = pd.Series(own.to_numpy(), index=respondent.to_numpy(), dtype=object)
        counts = segment.value_counts()
        return Members(kind, _large(counts), segment, by_respondent)

    @staticmethod
    def of_respondents(kind: str, segment: pd.Series, customer: pd.Series) -> Members:
        """From the segment by respondent; ``customer`` by respondent, of the linked ones."""
        own = segment.reindex(customer.index)
        by_customer = pd.Series(own.to_numpy(), index=customer.to_numpy(), dtype=object).dropna()
        return Members(kind, _large(segment.value_counts()), by_customer, segment)

    @property
    def by_points(self) -> bool:
        """Whether points make the segments: buying less often then moves a customer down."""
        return self.kind in ("value", "cross")

    def respondents(self, name: str) -> pd.Index:
        return self.by_respondent.index[self.by_respondent == name]

    def customers(self, name: str) -> pd.Index:
        return self.by_customer.index[self.by_customer == name]

    def n(self, name: str) -> int:
        """Members: customers by value, respondents by need."""
        return len(self.customers(name) if self.kind == "value" else self.respondents(name))


def _large(counts: pd.Series) -> tuple[str, ...]:
    """Names of segments of ten and more, the largest first."""
    kept = counts[counts >= LEAST].sort_index()
    return tuple(str(name) for name in kept.sort_values(ascending=False, kind="stable").index)


def segment_section(
    answers: Answers, members: Sequence[Members], needs: Needs | None, worths: Sequence[Worth]
) -> Section | None:
    """Who the segments are, how large, what they spend, and how sure the needs are."""
    if not members and needs is None:
        return None
    tables = [_sizes(answers, cut) for cut in members if cut.names]
    text: list[str] = []
    title = "Customers by value"
    if needs is not None:
        count = needs.fit.n_classes
        title = _title(needs)
        if count > 1:
            text += [_described(number, needs, worths) for number in range(1, count + 1)]
            text += [_certain(needs), *_ranges(needs)]
            if worths:
                tables.append(_worth_table(needs, worths))
        tables.append(_tried(needs))
    return Section(
        id="segments",
        title=title,
        method="segments",
        text=tuple(text),
        caution="Segments with fewer than ten members are not shown. Segments by need are found in "
        "stated choices, among those who answered; people at their edges could be in either.",
        tables=tuple(tables),
    )


def _sizes(answers: Answers, cut: Members) -> Table:
    total = float(answers.spend.sum())
    rows: list[tuple[Cell, ...]] = []
    for name in cut.names:
        own = answers.spend[answers.spend.index.isin(cut.customers(name))]
        mean: Cell = "not linked"
        if len(own) >= LEAST:
            mean = mean_estimate(own).model_copy(update={"unit": answers.currency})
        part = f"{float(own.sum()) / total:.0%}" if total > 0 and len(own) >= LEAST else "-"
        inside = answers.scores.index.isin(cut.respondents(name))
        rows.append((name, cut.n(name), mean, part, *_profile(answers, inside)))
    constructs = [label for label, _ in _profiled(answers)]
    counted = "Customers" if cut.kind == "value" else "Respondents"
    return Table(
        id=f"segments_{cut.kind}",
        caption=f"{CUTS[cut.kind]}: size, spend and answers",
        columns=("Segment", counted, "Spend a year, mean", "Of all spend", *constructs),
        rows=tuple(rows),
        note=f"Spend is that of {_spenders(cut)} of a segment in the last 52 weeks.",
    )


def _spenders(cut: Members) -> str:
    return "all customers" if cut.kind == "value" else "the linked customers"


def _profiled(answers: Answers) -> list[tuple[str, str]]:
    wanted = ("satisfaction", "emotional_engagement")
    found = [
        (construct.label.say(), score_column(construct.id))
        for construct in answers.study.constructs
        if construct.facet in wanted and score_column(construct.id) in answers.scores
    ]
    if "recommend" in answers.scores:
        found.append(("Recommending, 0 to 10", "recommend"))
    return found


def _profile(answers: Answers, inside: NDArray[np.bool_]) -> list[Cell]:
    found: list[Cell] = []
    for _, column in _profiled(answers):
        values = answers.scores.loc[inside, column].dropna()
        small = len(values) < LEAST
        found.append("fewer than 10" if small else mean_estimate(values.astype(float)))
    return found


def _described(number: int, needs: Needs, worths: Sequence[Worth]) -> str:
    own = [w for w in worths if w.segment == number and w.money.available]
    share = needs.fit.mixture.shares[number - 1]
    intro = f"Needs {number} ({share:.0%} of respondents, n = {(needs.segment == number).sum()})"
    adjusted = holm([w.more_p for w in worths])
    told = {w.change for w, p in zip(worths, adjusted, strict=True)
            if w.segment == number and p is not None and p < 0.05}  # fmt: skip
    clear = [w for w in own if w.more.available and w.change in told]
    clear.sort(key=lambda w: -abs(ends(w.more)[0]))
    if clear:
        said = "; ".join(
            f"{w.label} is worth {_money(w.money)}, {'more' if ends(w.more)[0] > 0 else 'less'} "
            "than to the others"
            for w in clear[:TOLD_APART]
        )
        return f"{intro}: {said}."
    if own:
        best = max(own, key=lambda w: ends(w.money)[0])
        return (
            f"{intro}: worth most is {best.label}, {_money(best.money)}; no single money value "
            "differs clearly from the others'."
        )
    return f"{intro}: no money value can be stated."


def _money(estimate: Estimate) -> str:
    value, low, high = ends(estimate)
    return f"{money(value, estimate.unit)} ({money_range(low, high, estimate.unit)})"


def _certain(needs: Needs) -> str:
    taken = needs.tried[-1]
    again = taken.found_again
    found = "" if again is None or not again.available else (
        f" In {again.method.split(' of ')[-1]} the segments were found again with an agreement of "
        f"{again.value:.2f} ({again.low:.2f} to {again.high:.2f}; 1 is the same, 0 is chance)."
    )  # fmt: skip
    return (
        f"Respondents belong to their segment with a chance of {needs.certainty.value:.0%} on "
        f"average; drawn by these chances, segments agree {needs.over_draws.value:.2f}.{found}"
    )


def _title(needs: Needs) -> str:
    count = needs.fit.n_classes
    if count == 1:
        return "Customers do not fall into segments by need that would be found again"
    if needs.divides_a_range:
        return f"Needs range without gaps; {count} segments divide that range"
    return f"Customers fall into {count} segments by need"


def _ranges(needs: Needs) -> tuple[str, ...]:
    """Whether the segments are kinds of customer or parts of a range."""
    if needs.bic_of_a_range is None:
        return ()
    both = f"BIC {needs.bic_of_a_range:,.1f} against {needs.tried[-1].bic:,.1f}, lower is better"
    if needs.divides_a_range:
        return (
            "A range of tastes without gaps describes the choices better than these segments "
            f"({both}): read them as parts of a range, of which most customers are between, not as "
            "kinds of customer that are there to be found.",
        )
    return (f"They describe the choices better than a range of tastes without gaps ({both}).",)


def _worth_table(needs: Needs, worths: Sequence[Worth]) -> Table:
    changes = list(dict.fromkeys(w.label for w in worths))
    by = {(w.label, w.segment): w.money for w in worths}
    numbers = range(1, needs.fit.n_classes + 1)
    return Table(
        id="segments_money",
        caption="What upgrades are worth to each segment by need",
        columns=("Upgrade", *(f"Needs {number}" for number in numbers)),
        rows=tuple((label, *(by[label, number] for number in numbers)) for label in changes),
        note="Against the first level; the price difference that offsets it, as stated in choices.",
    )


def _tried(needs: Needs) -> Table:
    none = unavailable("not looked at", n=needs.fit.n_respondents, method="adjusted Rand index")
    one = unavailable("one class", n=needs.fit.n_respondents, method="adjusted Rand index")
    rows = tuple(
        (
            f"{t.classes} with {t.scale_classes} of scale",
            f"{t.bic:,.1f}",
            f"{t.smallest:.0%}",
            f"{t.starts_at_best} of {t.starts}",
            t.found_again or (one if t.classes == 1 else none),
            t.why_not or "taken",
        )
        for t in needs.tried
    )
    return Table(
        id="segments_tried",
        caption="How the number of segments was chosen",
        columns=("Classes", "BIC", "Smallest", "Starts at the best", "Found again", "Verdict"),
        rows=rows,
        note="The lowest BIC is taken whose classes have ten respondents each and are found again "
        f"in bootstrap samples (median adjusted Rand index of {STABLE} or more).",
    )


def advice_section(
    answers: Answers,
    members: Sequence[Members],
    advice: Sequence[Sequence[Strategy]],
    effects: Effects,
) -> Section | None:
    """For every segment the evidence, the strategy, its effect where measured, and the size."""
    cuts = [(cut, found) for cut, found in zip(members, advice, strict=True) if found]
    if not cuts:
        return None
    supported = [s for _, found in cuts for s in found if s.family]
    every = sum(len(found) for _, found in cuts)
    title = f"The evidence supports a strategy for {len(supported)} of {every} segments"
    tables = [
        Table(
            id=f"advice_{cut.kind}",
            caption=f"{CUTS[cut.kind]}: what to do",
            columns=("Segment", "Members", "Strategy", "Evidence", "Measured effect a customer",
                     "Stated change of share",
                     "Spend of 52 weeks"),
            rows=tuple(_advice_row(answers, cut, s, effects) for s in found),
            note="Evidence stands here only where it passes its test among all that was tested for "
            "these segments; its range is that of this piece alone.",
        )
        for cut, found in cuts
    ]  # fmt: skip
    money_tables = [_money_table(answers, cut, found, effects) for cut, found in cuts]
    tables += [table for table in money_tables if table is not None]
    by_points = any(cut.by_points for cut, _ in cuts)
    acts = any(s.family not in (None, "leave_alone") for _, found in cuts for s in found)
    unknown = acts and not any(money_tables)
    return Section(
        id="what_to_do",
        title=title,
        method="strategies",
        text=(*((BY_POINTS,) if by_points else ()), *((NO_MONEY,) if unknown else ())),
        caution="Answers and choices say what is wanted, not what an act will bring. Each line can "
        "be turned into a randomised test; its measured effect then stands here. The stated change "
        "of share is that of the offer that gains most in the segment.",
        tables=tuple(tables),
    )


def _money_table(
    answers: Answers, cut: Members, found: Sequence[Strategy], effects: Effects
) -> Table | None:
    """What the supported strategies would bring; None where none is an act, or none was tested."""
    rows: list[tuple[Cell, ...]] = []
    for strategy in found:
        if strategy.family in (None, "leave_alone"):
            continue
        customers = len(cut.customers(strategy.segment))
        revenue = revenue_effect(
            strategy, effects.tests, customers=customers, currency=answers.currency
        )
        profit = profit_effect(revenue, effects.margin)
        told: Cell = customers if customers >= LEAST else "fewer than 10"
        rows.append((strategy.segment, strategy.title, told, revenue, profit))
    tested = [s for s in found if measured_for(s, effects.tests) is not None]
    if not rows or not tested:
        return None
    margin = effects.margin
    said = f"a margin of {margin.share:.0%} ({margin.source})" if margin.share else "no margin"
    return Table(
        id=f"expected_{cut.kind}",
        caption=f"{CUTS[cut.kind]}: expected effect in money",
        columns=("Segment", "Strategy", "Customers", "Effect on revenue", "Effect on profit"),
        rows=tuple(rows),
        note="Measured effect a customer times the customers of the segment, in the weeks of the "
        f"test; n is that of the test. Profit: with {said}, before what the act itself costs. "
        "What no test has measured is unknown, not zero.",
    )


def _advice_row(
    answers: Answers, cut: Members, strategy: Strategy, effects: Effects
) -> tuple[Cell, ...]:
    test = measured_for(strategy, effects.tests)
    effect: Cell = NOT_MEASURED if strategy.family else "-"
    if test is not None and test.effect is not None:
        effect = test.effect
    said = "; ".join(_said(piece) for piece in strategy.passed) or strategy.next_step
    said = said[:1].upper() + said[1:]
    name = strategy.title
    if strategy.also:
        name += "; also " + ", ".join(FAMILIES[family].lower() for family in strategy.also)
    own = answers.spend[answers.spend.index.isin(cut.customers(strategy.segment))]
    spend = money(float(own.sum()), answers.currency) if len(own) >= LEAST else "-"
    stated = effects.stated(strategy)
    return (strategy.segment, cut.n(strategy.segment), name, said, effect, stated, spend)


def _said(piece: Evidence) -> str:
    value, low, high = ends(piece.estimate)
    if piece.estimate.unit == "share":
        more = [f"{whole(100 * share, signed=True)}" for share in (value, low, high)]
        figures = f"{more[0]} in 100, {more[1]} to {more[2]}"
    elif piece.estimate.unit == "points":
        figures = f"{plain(value)}, {plain(low)} to {plain(high)}"
    else:
        figures = _money(piece.estimate)
    return f"{piece.what} ({figures}; n = {piece.estimate.n})"


def acts_of(
    answers: Answers,
    members: Sequence[Members],
    advice: Sequence[Sequence[Strategy]],
    tests: Sequence[Measured],
) -> tuple[Action, ...]:
    """The supported strategy of the segment by need that spends most, for the first screen."""
    for cut, found in zip(members, advice, strict=True):
        known = [s for s in found if s.family not in (None, "leave_alone")]
        if cut.kind != "need" or not known:
            continue
        spend = {
            s.segment: float(
                answers.spend[answers.spend.index.isin(cut.customers(s.segment))].sum()
            )
            for s in known
        }
        best = max(known, key=lambda s: spend[s.segment])
        test = measured_for(best, tests)
        said = _said(best.passed[0])
        effect = "There is no measured effect yet: try it by lot first."
        if test is not None and test.effect is not None:
            value, low, high = ends(test.effect)
            effect = (
                f"Tested by lot: {value:+.2f} ({low:+.2f} to {high:+.2f}) {test.effect.unit} a "
                f"customer in {test.plan.weeks} weeks."
            )
        return (
            Action(
                title=f"{best.title} for segment {best.segment}.",
                evidence=f"{said[:1].upper()}{said[1:]}. {effect}",
            ),
        )
    return ()


def offer_section(gains: Gains | None) -> Section | None:
    """What offers would gain, and on whose part-worths the listed offers rest."""
    if gains is None or not gains.offers:
        return None
    counts = gains.customers["basis"].value_counts()
    own, every = int(counts.get("own", 0)), len(gains.customers)
    told = {"own": "their own part-worths", "segment": "their segment", "market": "the market",
            "none": "nothing: no offer is listed"}  # fmt: skip
    names = tuple(gains.segments)
    none = unavailable("fewer than 10 respondents", n=0, method="")
    return Section(
        id="offers",
        title=f"For {own} of {every} respondents their own choices support one offer",
        method="offers",
        text=tuple(f"{int(counts[b])} rest on {told[b]}." for b in told if counts.get(b)),
        caution="Gains are stated, not seen in sales; what an offer costs is not counted. Own "
        "offers are right on average over people, not for each of them.",
        tables=(
            Table(
                id="gains",
                caption="Change of the share of preference, the offer against today's product",
                columns=("Offer", "Everybody", *names),
                rows=tuple(
                    (o.label, gains.market[o.name],
                     *(gains.segments[g].get(o.name, none) for g in names))
                    for o in gains.offers
                ),
                chart=1,
                note="Today's product has the first level of every attribute and the middle price.",
            ),
        ),
    )  # fmt: skip


def tests_section(tests: Sequence[Measured]) -> Section | None:
    """The register of randomised tests with what they changed."""
    if not tests:
        return None
    done = [test for test in tests if test.effect is not None]
    rows: list[tuple[Cell, ...]] = []
    for test in tests:
        plan = test.plan
        rows.append(
            (
                plan.what,
                FAMILIES[plan.strategy],
                plan.segment or "everybody listed",
                f"{plan.began} to {test.until}, decided by {plan.decided_by}",
                f"{plan.contact} contacted, {plan.control} left alone",
                plan.outcome.replace("_", " "),
                test.effect or NOT_MEASURED,
            )
        )
    return Section(
        id="tests",
        title=f"{len(done)} of {len(tests)} randomised tests are measured",
        method="tests",
        tables=(
            Table(
                id="register",
                caption="Randomised tests",
                columns=("What", "Strategy", "Segment", "When", "Customers", "Outcome", "Effect"),
                rows=tuple(rows),
            ),
        ),
    )
