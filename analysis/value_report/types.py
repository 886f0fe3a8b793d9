"""The ValueReport: what a manager reads, as plain frozen data that survives as JSON.

Nothing here computes. ``build`` fills it, ``rendering`` draws it. Every number is an Estimate
(value, interval, n, method) or a count, and names the entry of ``methods`` that explains it.
"""

from __future__ import annotations

from typing import Literal

from analysis.diagnostics.types import Prediction
from analysis.estimate import Estimate
from analysis.value_report.part import Part
from analysis.value_report.section import Cell, Point, PointMap, Section, Table

__all__ = ["Cell", "Part", "Point", "PointMap", "Section", "Table", "ValueReport"]

FORMAT = 1
"""Stored reports of this format stay readable; a change of meaning gets a new number."""

Tag = Literal["functional", "emotional", "price"]
State = Literal["above_3_weeks", "within", "near_lower", "below", "too_few"]
AlarmAnswer = Literal["declining", "sale_only", "not_declining", "too_few"]
Quadrant = Literal["keep_close", "at_risk", "habit", "leave_alone"]


class Header(Part):
    """Where the numbers come from."""

    study: str
    title: str
    version: int
    waves: tuple[str, ...] = ()
    currency: str
    simulated: bool
    n_started: int
    n_completed: int
    n_linked: int
    """Completed respondents whose answers are joined with purchases."""
    n_customers: int
    """Customers in the purchase ledger."""
    first_answer: str
    last_answer: str
    purchases_as_of: str | None
    archive: str
    """SHA-256 of the archive's facts: same archive and seed, same numbers."""
    seed: int
    program: str
    excluded: str
    """Which respondents are left out, in words (tests, bots, not completed)."""
    subset: tuple[str, ...] = ()
    """Of which group of respondents it is, in words; empty: of all."""
    ledger: str = ""
    """Digest of the purchase ledger; empty without purchases, or in older reports."""


class Headline(Part):
    """A sentence that says what was found; the first one heads the report."""

    text: str
    method: str
    section: str = ""
    """The section that it heads; empty for the first screen."""


class KeyFigure(Part):
    """One of the large figures of the first screen."""

    figure: str
    """As printed, '+24¢'."""
    label: str
    meaning: str
    estimate: Estimate
    method: str


class LevelWorth(Part):
    """The part-worth of one level (logit, zero-centred within its attribute), or a slope."""

    attribute: str
    attribute_label: str
    tag: Tag
    level: str
    """Empty for the slope of a linear or piecewise attribute."""
    level_label: str
    estimate: Estimate


class Importance(Part):
    """The share of an attribute in the utility range, among the levels tested."""

    attribute: str
    label: str
    tag: Tag
    estimate: Estimate
    null_reference: float
    """What an attribute without any effect would score in this study."""
    levels_tested: str
    of_the_mean: Estimate | None = None
    """The share in the ranges of the mean part-worths, where ``estimate`` is another figure."""


class ItemWorth(Part):
    """How much one item of a best-worst exercise matters."""

    item: str
    label: str
    tag: Tag
    score: Estimate
    """0 for the least, 100 for the greatest."""
    share: Estimate
    """Chances of being best, adding up to 100 over the items: a ratio scale."""


class BestWorstScores(Part):
    """The items of a best-worst exercise, the greatest share first."""

    exercise: str
    question: str
    best_label: str
    set_size: int
    items: tuple[ItemWorth, ...]


class RatedProfiles(Part):
    """Part-worths from rated profiles, in points of the rating scale."""

    exercise: str
    question: str
    least: int
    greatest: int
    part_worths: tuple[LevelWorth, ...]
    importances: tuple[Importance, ...]


class Upgrade(Part):
    """The money value of going from one named level to another."""

    attribute: str
    label: str
    tag: Tag
    from_level: str
    to_level: str
    attribute_label: str = ""
    estimate: Estimate
    beyond_tested_prices: bool = False
    half_low: float | None = None
    half_high: float | None = None
    """Between which amounts the middle half of the customers lies, where they are known."""


class TagValue(Part):
    """Money value of the functional or the emotional upgrades together, and their share."""

    tag: Tag
    upgrades: tuple[str, ...]
    money: Estimate
    share: Estimate


class NetPromoterScore(Part):
    """NPS in points (-100 to 100) and the counts it is made of."""

    question: str
    estimate: Estimate
    promoters: int
    passives: int
    detractors: int
    shares: tuple[float, float, float] | None = None
    """Of promoters, passives and detractors, weighted as the score is; None in older reports."""

    @property
    def parts(self) -> tuple[float, float, float]:
        """The shares, or those of the counts where the report has none."""
        counts = (self.promoters, self.passives, self.detractors)
        total = sum(counts)
        return self.shares or (counts[0] / total, counts[1] / total, counts[2] / total)


class ConstructScore(Part):
    """A construct on 0 to 100: what was expected, what is felt, and the gap."""

    id: str
    label: str
    facet: str
    items: int
    perceived: Estimate
    desired: Estimate | None = None
    gap: Estimate | None = None
    """Perceived minus desired, paired within respondents."""
    reliability: Estimate
    """Cronbach's alpha."""


class PerceivedValue(Part):
    """Benefits against costs."""

    benefits: tuple[str, ...]
    costs: tuple[str, ...]
    weights: str
    difference: Estimate
    """Benefits minus costs, in points of 100."""
    ratio: Estimate
    """Benefits over costs where both are on a ratio scale, else an index or unavailable."""
    ratio_is_index: bool
    money_ratio: Estimate | None = None


class EngagementFacet(Part):
    """Cognitive, emotional or behavioural engagement."""

    facet: str
    label: str
    estimate: Estimate


class StateCount(Part):
    """How many customers read this way on their weekly points."""

    state: State
    label: str
    n: int


class AlarmCount(Part):
    """How many customers got this answer of the alarm."""

    answer: AlarmAnswer
    label: str
    n: int


class MapPoint(Part):
    """One linked respondent on the value x engagement map."""

    value: float
    engagement: float
    quadrant: Quadrant
    too_close: bool
    """True: the interval of the respondent's value crosses a cut."""


class QuadrantSummary(Part):
    """One group of the map."""

    quadrant: Quadrant
    name: str
    action: str
    n: int
    too_close: int
    yearly_spend: Estimate
    """Mean spend per customer over the last 52 weeks."""


class ValueMap(Part):
    """Perceived value against what customers buy."""

    value_label: str
    engagement_label: str
    value_cut: float
    engagement_cut: float
    value_band: float
    """Half the width of the band in which a respondent is too close to call."""
    engagement_band: float
    quadrants: tuple[QuadrantSummary, ...]
    points: tuple[MapPoint, ...]
    n: int


class CustomerRow(Part):
    """One customer on a list."""

    rank: int
    customer: str
    points: float
    last_13_weeks: float
    """Spend in the last 13 weeks."""
    before_13_weeks: float
    """Mean spend per 13 weeks in the 39 weeks before."""
    recency_days: int
    state: State
    sale_share: float | None
    """None: not known."""
    perceived_value: float | None = None
    reason: str
    group: Literal["contact", "control"] | None = None
    """On the list of declining customers: written to, or left alone by lot."""
    alarmed_on: str | None = None
    spend_at_risk: float | None = None
    """A year, if the customer goes on as now."""


class Relation(Part):
    """How perceived value goes with engagement, in words no stronger than the design."""

    sentence: str
    predictor: str
    outcome: str
    estimate: Estimate
    design: str
    """What the design allows to say, and what not."""


class Action(Part):
    """A suggested act with its evidence."""

    title: str
    evidence: str


class Estimation(Part):
    """How the choices were fitted, and whether the result may be presented as final."""

    estimator: Literal["mnl", "hb"]
    text: str
    """'hierarchical Bayes, Sawtooth prior, 2 chains of 2,000 draws after a burn-in of 400'."""
    n_respondents: int
    n_tasks: int
    reasons: tuple[str, ...] = ()
    """Why it is not final; empty when it is."""


class QualityRule(Part):
    """One flag on the quality of answers as it was applied, or why it was not (``unused``)."""

    flag: str
    label: str
    n: int
    """Respondents who carry it."""
    judged: int
    rate: float | None
    """Share of careful respondents that it hits under its null."""
    rule: str
    null: str
    unused: str = ""
    caught: float | None = None
    """Share of simulated random responders that it hits, where that is known."""


class ComparedFigure(Part):
    """A figure of the report on everybody, and without the flagged respondents."""

    section: str
    label: str
    everybody: Estimate
    without: Estimate
    change: str
    """What would be concluded otherwise; empty: nothing."""


class AnswerQuality(Part):
    """Flags on respondents, and what they change. Nobody is deleted."""

    rules: tuple[QualityRule, ...]
    n: int
    flagged: int
    """Respondents with any flag."""
    overall: float
    """Share of careful respondents with any flag, at most."""
    overall_if_independent: float
    exclude: tuple[str, ...]
    """The flags that exclude by the plan, in words; empty: none does."""
    excluded: int
    """Respondents whom the report leaves out for them."""
    without: int
    """Respondents whom the column 'without' leaves out."""
    ended: int = 0
    """Who failed an attention check that ended the survey, and so is not in the report."""
    figures: tuple[ComparedFigure, ...]
    conclusion: str


class VersionPart(Part):
    """What of an earlier version's answers is analysed with those of the latest."""

    version: int
    n: int
    """Its respondents in this report."""
    pooled: int
    """Questions and exercises that did not change."""
    differences: tuple[str, ...]


class Method(Part):
    """How a number was made."""

    id: str
    title: str
    text: str
    source: str
    page: str
    """The page of docs/methods/ that says more."""


class ValueReport(Part):
    """Everything the report shows."""

    format: Literal[1] = 1
    header: Header
    headlines: tuple[Headline, ...]
    key_figures: tuple[KeyFigure, ...]
    actions: tuple[Action, ...]
    part_worths: tuple[LevelWorth, ...] = ()
    importances: tuple[Importance, ...] = ()
    upgrades: tuple[Upgrade, ...] = ()
    importance_note: str = ""
    """How the importances depend on the prices tested."""
    money_note: str = ""
    """What a reader of the money values must know."""
    tag_values: tuple[TagValue, ...] = ()
    tag_note: str = ""
    """How the money values depend on tags that could be argued about."""
    estimation: Estimation | None = None
    prediction: Prediction | None = None
    """Of the holdout tasks."""
    best_worst: tuple[BestWorstScores, ...] = ()
    rated_profiles: tuple[RatedProfiles, ...] = ()
    nps: NetPromoterScore | None = None
    constructs: tuple[ConstructScore, ...] = ()
    perceived_value: PerceivedValue | None = None
    engagement: tuple[EngagementFacet, ...] = ()
    states: tuple[StateCount, ...] = ()
    value_map: ValueMap | None = None
    best_customers: tuple[CustomerRow, ...] = ()
    declining_customers: tuple[CustomerRow, ...] = ()
    sale_only_customers: tuple[CustomerRow, ...] = ()
    """Shoppers who buy on sale only and have not come lately: told apart from the declining."""
    alarm_answers: tuple[AlarmCount, ...] = ()
    list_note: str = ""
    """How far the list of declining customers can be trusted."""
    relation: Relation | None = None
    sections: tuple[Section, ...] = ()
    """What there is to dig into, in the order in which it is shown."""
    quality: AnswerQuality | None = None
    versions: tuple[VersionPart, ...] = ()
    """Earlier versions of the study that were answered, when there are any."""
    methods: tuple[Method, ...]
    warnings: tuple[str, ...] = ()
    outdated: tuple[str, ...] = ()
    """What has become outdated since, in sentences; only where a report is written to a file."""
