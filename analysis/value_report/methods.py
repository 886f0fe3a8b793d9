"""How each number was made: one entry for each method that a report uses."""

from __future__ import annotations

from typing import Literal

from analysis.value_report.types import Method

METHODS: dict[str, Method] = {
    method.id: method
    for method in (
        Method(
            id="part_worths",
            title="Part-worths",
            text="What each level adds to how attractive an offer is, from the choices people "
            "made: an aggregate logit. Levels of an attribute add up to zero. Differences between "
            "people are averaged, which draws the figures towards zero.",
            source="McFadden (1974); errors clustered by respondent",
            page="docs/methods/part-worths.md",
        ),
        Method(
            id="importances",
            title="Importance",
            text="The share of an attribute's range of part-worths in all ranges, among the "
            "levels tested: other levels give other figures. The dashed tick is what an attribute "
            "without any effect would score.",
            source="middle 95 % of draws from the estimates",
            page="docs/methods/importances.md",
        ),
        Method(
            id="willingness_to_pay",
            title="What customers would pay",
            text="The price difference that offsets a change, from choices between offers at "
            "different prices. It is stated: prices were not varied in the shop.",
            source="delta method, errors clustered by respondent",
            page="docs/methods/willingness-to-pay.md",
        ),
        Method(
            id="tag_values",
            title="Functional and emotional money value",
            text="Going from the worst to the best level of every attribute of a kind, together. "
            "Which kind an attribute is was fixed in the study beforehand.",
            source="delta method, errors clustered by respondent",
            page="docs/methods/willingness-to-pay.md",
        ),
        Method(
            id="changes",
            title="What has changed",
            text="The headline figures beside those of the report before. A difference counts as a "
            "change when its interval leaves out zero: that of two separate samples (from the "
            "widths of both intervals), wide enough for all figures at once. Where people are in "
            "both reports the two are not separate, and nothing is tested.",
            source="normal approximation; Bonferroni intervals (Dunn 1961)",
            page="docs/methods/report.md",
        ),
        Method(
            id="prediction",
            title="How well it predicts",
            text="Choice tasks that were answered like the others but kept out of the fit. The hit "
            "rate is how often the likeliest offer was chosen; the log-loss also counts how sure "
            "the prediction was, and less is better.",
            source="95 % of bootstrap samples of respondents",
            page="docs/methods/validation.md",
        ),
        Method(
            id="best_worst",
            title="What matters most and least",
            text="From the best and the worst of small sets: a sequential best-worst logit. A "
            "share is the chance of being best among average items, made to add up to 100, so "
            "that twice the share is twice as often best. The score of 0 to 100 only ranks.",
            source="Marley & Louviere (2005); draws from the estimates, clustered by respondent",
            page="docs/methods/best-worst.md",
        ),
        Method(
            id="rated_profiles",
            title="Rated offers",
            text="What each level adds to the rating of an offer, in points of the rating scale: "
            "least squares over all ratings. Levels of an attribute add up to zero.",
            source="least squares; errors clustered by respondent",
            page="docs/methods/ratings-based.md",
        ),
        Method(
            id="segments",
            title="Segments",
            text="By value: the best 5, 20 and 50 per cent of customers with points. By need: "
            "latent classes of choices that allow for people who choose more or less "
            "consistently. The number of classes has the lowest BIC among those that are found "
            "again in other samples; a range of tastes without gaps is fitted beside them.",
            source="Magidson and Vermunt (2007); adjusted Rand index, Hubert and Arabie (1985)",
            page="docs/methods/segments.md",
        ),
        Method(
            id="strategies",
            title="What to do",
            text="A strategy is named where a difference that speaks for it passes a test, all "
            "tests of a table taken together; otherwise there is not enough evidence. Measured "
            "effects come from randomised tests only.",
            source="Welch, t, binomial tests and draws; Holm (1979)",
            page="docs/methods/actions.md",
        ),
        Method(
            id="offers",
            title="Offers",
            text="The change of the chance of being taken, the offer against today's product and "
            "none, for each draw of everybody's part-worths. An own offer is best in half of the "
            "draws or more; else that of the segment or the market, if it is clear.",
            source="hierarchical Bayes, draws, Bayesian bootstrap over respondents",
            page="docs/methods/actions.md",
        ),
        Method(
            id="tests",
            title="Randomised tests",
            text="Customers contacted less those left alone by lot, everybody counted in the group "
            "of the lot. Where the plan said so, adjusted for the same weeks before.",
            source="Lin (2013); HC2 errors",
            page="docs/methods/actions.md",
        ),
        Method(
            id="drivers",
            title="Drivers",
            text="How much of the differences between people in an outcome goes with each "
            "construct: its part of R squared, averaged over all orders of entering them, so that "
            "constructs that go together share fairly. Places come with the range they take in "
            "bootstrap samples.",
            source="Lindeman, Merenda and Gold (1980); middle 95 % of 1,000 bootstrap samples",
            page="docs/methods/drivers.md",
        ),
        Method(
            id="agreement",
            title="Three looks at one question",
            text="Whether functional or emotional value carries more, by what people choose, by "
            "what goes with their verdict, and by what they go on to buy. A look counts where its "
            "interval leaves out that both carry the same. Where attributes name the construct "
            "that is asked about, every pair of constructs is compared too, costs among them.",
            source="intervals of each look, wide enough for all comparisons; at most 7.5 % false "
            "disagreement among three",
            page="docs/methods/agreement.md",
        ),
        Method(
            id="stated_bought",
            title="Stated against bought",
            text="Every purchase of a linked customer beside the products on offer then and there, "
            "at their prices. A scale of the part-worths and a constant for each product are "
            "fitted to the earlier two thirds of the purchases and judged on the later third.",
            source="maximum likelihood, sandwich over customers; bootstrap of customers",
            page="docs/methods/stated-and-bought.md",
        ),
        Method(
            id="join",
            title="Answers joined with purchases",
            text="Completed answers of respondents who agreed, the latest of each customer, beside "
            "the purchases of the same customer by a keyed pseudonym.",
            source="Wilson's interval of the share",
            page="docs/methods/value-and-engagement.md",
        ),
        Method(
            id="relative_value",
            title="Relative value",
            text="The own brand less each competitor, within the same people and on the items they "
            "answered about both. Ahead or behind is said only where the interval of the "
            "difference leaves out zero; the intervals are wide enough for all comparisons "
            "at once.",
            source="paired t, Bonferroni intervals (Dunn 1961); Gale (1994)",
            page="docs/methods/perceived-value.md",
        ),
        Method(
            id="groups",
            title="Groups and waves side by side",
            text="The same figure in every group. A difference is named only when its "
            "interval (Welch) leaves out zero; the intervals are wide enough for all differences "
            "of the table at once. Customers who answered in both waves are compared with "
            "themselves. Groups of fewer than ten are not shown.",
            source="Welch (1951), Dunn (1961), Holm (1979) for whole questions, Rao and Scott "
            "(1984) for weights",
            page="docs/methods/groups.md",
        ),
        Method(
            id="weights",
            title="Weights",
            text="Respondents are weighted so that known shares are met (raking), with classes of "
            "fewer than 30 merged and weights above five times the median cut. The effective n "
            "says how many equally weighted respondents would tell as much. Weighting by purchases "
            "gives them the points and the recency of all customers.",
            source="Deming and Stephan (1940); Kish (1965)",
            page="docs/methods/weights.md",
        ),
        Method(
            id="corrected",
            title="Later purchases, errors removed",
            text="How many times the later purchase days for ten points more of value, when value "
            "is taken as measured with its known error and earlier purchase days as a count of a "
            "habit. Customers who bought on sale only before are left out. What is left rests on "
            "these two being the only errors.",
            source="Poisson quasi-likelihood with both errors integrated out; bootstrap interval",
            page="docs/methods/value-and-engagement.md",
        ),
        Method(
            id="cross_lagged",
            title="From wave to wave",
            text="Later value and later engagement of the same customers, each regressed on both "
            "earlier scores, with the errors of measurement of the earlier scores taken off their "
            "variances. Two waves cannot tell persons from changes.",
            source="Fuller (1987); Hamaker, Kuiper and Grasman (2015); bootstrap interval",
            page="docs/methods/value-and-engagement.md",
        ),
        Method(
            id="structure",
            title="Do the items measure what they should?",
            text="A confirmatory factor analysis: every item on its own construct only, fitted to "
            "the respondents who rated every item. Fit says whether that structure is tenable; "
            "omega and AVE how well items hold together; HTMT whether two constructs are two. "
            "Groups may be compared when loadings and intercepts can be held equal.",
            source="maximum likelihood, Satorra-Bentler correction; Hu and Bentler (1999), "
            "Henseler et al. (2015), Chen (2007)",
            page="docs/methods/structure.md",
        ),
        Method(
            id="answers",
            title="All answers",
            text="The share of those who answered a question that chose an option, or the mean of "
            "their answers. Who was not asked is not counted; who left the question out or refused "
            "is counted beside it.",
            source="Wilson (1927) for shares, t interval for means",
            page="docs/methods/report.md",
        ),
        Method(
            id="nps",
            title="Net Promoter Score",
            text="Share of 9 and 10 less share of 0 to 6, in points, from −100 to 100.",
            source="Reichheld (2003); adjusted Wald interval (Rocks 2016)",
            page="docs/methods/net-promoter-score.md",
        ),
        Method(
            id="constructs",
            title="Scores of 0 to 100",
            text="The mean of the answers to the items of a construct; the gap is felt less "
            "expected, within the same people and on the items that were asked both ways. Alpha "
            "says how well the items agree.",
            source="t intervals, those of gaps Bonferroni (Dunn 1961); Cronbach (1951), Feldt "
            "(1965)",
            page="docs/methods/construct-scores.md",
        ),
        Method(
            id="perceived_value",
            title="Perceived value",
            text="Benefits less costs, in points of 100. The ratio of rated answers is an index: "
            "its zero is the lowest answer to every item, so people are ranked by the difference.",
            source="t interval; Fieller (1954)",
            page="docs/methods/perceived-value.md",
        ),
        Method(
            id="customer_score",
            title="Customer score",
            text="A point for each unit of money spent in 52 weeks, the latest 13 weeks doubled. "
            "Limits are the mean of the weekly points and two standard deviations; they describe "
            "and are no alarm.",
            source="weeks of seven days that end with the day of the purchases",
            page="docs/methods/customer-score.md",
        ),
        Method(
            id="lists",
            title="Lists of customers",
            text="Declining: fewer purchase days in the last 13 weeks than the 52 before suggest, "
            "by an alarm whose threshold was set on earlier dates of your own history. Where even "
            "no purchase at all would be no alarm, there are too few purchases to tell. The most "
            "spend at risk comes first; a lot decides who is left alone.",
            source="gamma-Poisson predictive test (Fader, Hardie & Lee 2005), placebo dates",
            page="docs/methods/win-back.md",
        ),
        Method(
            id="value_map",
            title="Map of value and buying",
            text="Perceived value against the change in purchase days. The cuts are the median "
            "value and no change. Hollow dots lie so close to a cut that error of measurement or "
            "chance could have put them on the other side.",
            source="error of measurement from alpha; Poisson noise of counts",
            page="docs/methods/value-and-engagement.md",
        ),
        Method(
            id="relation",
            title="Value and purchases",
            text="Purchase days against perceived value; where enough weeks follow the survey, "
            "those after it, given earlier purchases. It does not show a cause.",
            source="Poisson regression with robust errors",
            page="docs/methods/value-and-engagement.md",
        ),
        Method(
            id="engagement",
            title="Engagement as answered",
            text="What customers think, feel and do, each the mean of its constructs.",
            source="t intervals",
            page="docs/methods/value-and-engagement.md",
        ),
        Method(
            id="engagement_profile",
            title="Engagement profile",
            text="What customers think, feel and do, from survey items, the answer of 0 to 10, and "
            "what they had done before they answered. A component is the mean of its measures, the "
            "composite that of the components by the weights of the plan.",
            source="t intervals; rank correlations by Bonett and Wright (2000)",
            page="docs/methods/engagement-profile.md",
        ),
        Method(
            id="engagement_money",
            title="Engagement and what upgrades are worth",
            text="Engagement enters the upper level of hierarchical Bayes. In every draw "
            "part-worths are regressed on it, and money values taken where it is low and where it "
            "is high.",
            source="draws, Bayesian bootstrap over respondents; differences with intervals that "
            "hold at once (Bonferroni)",
            page="docs/methods/engagement-profile.md",
        ),
        Method(
            id="quality",
            title="Quality of answers",
            text="Each flag has a rule and a null: what careful respondents do. Its rate is the "
            "share of careful respondents that it hits all the same. Nobody is deleted; figures "
            "are shown with the flagged and without.",
            source="rates from simulated nulls, or from the respondents of the study",
            page="docs/methods/data-quality.md",
        ),
        Method(
            id="sample",
            title="Who is counted",
            text="Completed answers; test runs are left out.",
            source="",
            page="docs/methods/report.md",
        ),
    )
}


OF_DRAWS: dict[str, Method] = {
    method.id: method
    for method in (
        Method(
            id="part_worths",
            title="Part-worths",
            text="What each level adds to how attractive an offer is, from the choices people "
            "made. Everybody has part-worths of their own, and people inform one another; shown "
            "is the mean of the respondents. Levels of an attribute add up to zero. Where people "
            "differ little the prior stretches all of them alike, by up to about a tenth: between "
            "studies or groups compare money and shares, not part-worths.",
            source="hierarchical Bayes (Rossi, Allenby & McCulloch 2005); draws, Bayesian "
            "bootstrap over respondents",
            page="docs/methods/hierarchical-bayes.md",
        ),
        Method(
            id="importances",
            title="Importance",
            text="For each respondent the share of an attribute's range of part-worths in all "
            "ranges, among the levels tested; then the mean. The second figure is the share of the "
            "mean part-worths: likings that go in both directions cancel out in it. The dashed "
            "tick is what an attribute without any effect would score.",
            source="draws, Bayesian bootstrap over respondents",
            page="docs/methods/importances.md",
        ),
        Method(
            id="willingness_to_pay",
            title="What customers would pay",
            text="The price difference that offsets a change to each respondent; shown is the "
            "median respondent. It is stated: prices were not varied in the shop.",
            source="draws, Bayesian bootstrap over respondents",
            page="docs/methods/willingness-to-pay.md",
        ),
        Method(
            id="tag_values",
            title="Functional and emotional money value",
            text="Going from the worst to the best level of every attribute of a kind, together, "
            "to the median respondent. Which kind an attribute is was fixed in the study before.",
            source="draws, Bayesian bootstrap over respondents",
            page="docs/methods/willingness-to-pay.md",
        ),
        Method(
            id="best_worst",
            title="What matters most and least",
            text="From the best and the worst of small sets: a sequential best-worst logit in "
            "which everybody has utilities of their own. A share is the chance of being best among "
            "average items, made to add up to 100 for each respondent; shown are means over "
            "respondents. The score of 0 to 100 only ranks.",
            source="Marley & Louviere (2005); hierarchical Bayes, draws, Bayesian bootstrap over "
            "respondents",
            page="docs/methods/best-worst.md",
        ),
    )
}
"""The entries that read differently when everybody has part-worths of their own."""


def methods_named(ids: set[str], estimator: Literal["mnl", "hb"]) -> tuple[Method, ...]:
    """The entries of these ids, in a fixed order, for the estimator of the plan."""
    known = METHODS
    if estimator == "hb":
        known = {name: OF_DRAWS.get(name, method) for name, method in METHODS.items()}
    return tuple(method for name, method in known.items() if name in ids)
