"""What a manager reads first: headlines, key figures and suggested acts.

Conclusion first. 'More than any other' only when the interval of the difference excludes zero;
ranges in numbers; two significant figures; acts worded no stronger than the evidence.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from analysis.diagnostics.prediction import NAMES
from analysis.estimate import Estimate
from analysis.rendering.figures import decimal, ends, money, money_range, percent, whole
from analysis.value_report.choice_parts import ChoiceParts
from analysis.value_report.customer_parts import CustomerParts
from analysis.value_report.rating_parts import RatingParts
from analysis.value_report.types import Action, ConstructScore, Headline, KeyFigure, Upgrade


def headlines(
    choices: ChoiceParts, ratings: RatingParts, customers: CustomerParts, *, currency: str
) -> tuple[Headline, ...]:
    """The first heads the report; the others head their sections."""
    sections = [
        *_of_choices(choices),
        *_of_prediction(choices),
        *_of_customers(customers),
        *_of_ratings(ratings),
    ]
    first = _first(choices, ratings, customers, currency)
    return (first, *sections)


def _first(
    choices: ChoiceParts, ratings: RatingParts, customers: CustomerParts, currency: str
) -> Headline:
    best = best_upgrade(choices)
    if best is not None and best.estimate.clear_of_zero:
        about = money(ends(best.estimate)[0], best.estimate.unit)
        others = len([u for u in choices.upgrades if u.estimate.available]) > 1
        rest = ""
        if others:
            rest = (
                ", more than for any other change we tested"
                if choices.best_is_clear
                else ", and nothing else we tested is clearly worth more"
            )
        text = f"{change(best)}: customers would pay about {about} more{rest}"
        return Headline(text=text, method="willingness_to_pay")
    if customers.listed:
        return Headline(text=_decline_sentence(customers, currency), method="lists")
    if ratings.nps is not None and ratings.nps.estimate.available:
        return Headline(text=_nps_sentence(ratings.nps.estimate), method="nps")
    if best is not None:
        text = "Nothing we tested is clearly worth paying more for"
        return Headline(text=text, method="willingness_to_pay")
    if ratings.perceived_value is not None and ratings.perceived_value.difference.available:
        value, low, high = ends(ratings.perceived_value.difference)
        sign = "more than" if low > 0 else "less than" if high < 0 else "about as much as"
        return Headline(
            text=f"Customers feel they get {sign} it costs them: {whole(value, signed=True)} points"
            f" ({whole(low, signed=True)} to {whole(high, signed=True)})",
            method="perceived_value",
        )
    return Headline(text="There is not enough to draw a conclusion yet", method="sample")


def change(upgrade: Upgrade) -> str:
    """An upgrade in words that stand alone: 'Pineapple pieces in the cream'."""
    label, attribute = upgrade.to_level, upgrade.attribute_label
    if attribute.lower() in label.lower() or label.lower() in attribute.lower():
        return label
    prefixes = ("in ", "with ", "on ", "without ", "of ", "from ")
    if label.lower().startswith(prefixes):
        return f"{attribute} {label[0].lower()}{label[1:]}"
    return f"{attribute}: {label}" if len(label.split()) == 1 else label


def best_upgrade(choices: ChoiceParts) -> Upgrade | None:
    """The upgrade of the largest money value, or None."""
    known = [u for u in choices.upgrades if u.estimate.available]
    return max(known, key=lambda u: ends(u.estimate)[0], default=None)


def _of_choices(choices: ChoiceParts) -> Iterator[Headline]:
    known = [u for u in choices.upgrades if u.estimate.available]
    if not known:
        return
    worth = [u for u in known if ends(u.estimate)[1] > 0]
    worth.sort(key=lambda u: -ends(u.estimate)[0])
    rest = [u for u in known if u not in worth]
    text = f"{len(worth)} of {len(known)} changes are clearly worth paying for"
    if len(worth) == len(known):
        text = "Every change we tested is clearly worth paying for"
    if not worth:
        text = "No change we tested is clearly worth paying for"
    elif len(rest) == 1:
        text = f"Worth paying for, but for one: {_inside(change(rest[0]))} adds nothing we can see"
    yield Headline(text=text, method="willingness_to_pay", section="upgrades")
    tags = {t.tag: t.money for t in choices.tag_values if t.money.available}
    if len(tags) == 2:
        text = _tags(tags["functional"], tags["emotional"], choices.tag_difference)
        yield Headline(text=text, method="tag_values", section="tag_values")


def _of_prediction(choices: ChoiceParts) -> Iterator[Headline]:
    found = choices.prediction
    if found is None or not found.fit.hit_rate.available:
        return
    value, low, high = (whole(100 * x) for x in ends(found.fit.hit_rate))
    text = f"{value} of 100 choices that were kept out are foreseen ({low} to {high})"
    equal = NAMES["equal chances"]
    chance = next((o.hit_rate.value for o in found.others if o.name == equal), None)
    if chance is not None:
        text = f"{text}; guessing would foresee {whole(100 * chance)}"
    yield Headline(text=text, method="prediction", section="prediction")


def _inside(text: str) -> str:
    """A text as it stands within a sentence."""
    return text if text[1:2].isupper() else text[0].lower() + text[1:]


def _tags(functional: Estimate, emotional: Estimate, difference: Estimate | None) -> str:
    amounts = {"Functional": ends(functional)[0], "Emotional": ends(emotional)[0]}
    less, more = sorted(amounts, key=lambda name: amounts[name])
    unit = functional.unit
    words = f"{money(amounts[more], unit)} against {money(amounts[less], unit)}"
    if difference is not None and difference.clear_of_zero:
        return f"{more} upgrades are worth more than {less.lower()} ones: {words}"
    return f"Emotional and functional upgrades are not clearly apart: {words}"


def _of_customers(customers: CustomerParts) -> Iterator[Headline]:
    found = customers.value_map
    if found is not None:
        risk = next(q for q in found.quadrants if q.quadrant == "at_risk")
        clear = risk.n - risk.too_close
        close = sum(q.too_close for q in found.quadrants)
        text = (
            f"{whole(clear) if clear else 'None'} of {whole(found.n)} linked customers clearly "
            f"{'values us highly and buys' if clear == 1 else 'value us highly and buy'} "
            f"less than before; {percent(close / found.n)} are too close to a cut to call"
        )
        yield Headline(text=text, method="value_map", section="value_map")


def _of_ratings(ratings: RatingParts) -> Iterator[Headline]:
    if ratings.nps is not None and ratings.nps.estimate.available:
        yield Headline(text=_nps_sentence(ratings.nps.estimate), method="nps", section="nps")
    gap = widest_gap(ratings)
    if gap is not None and gap.gap is not None:
        value, low, high = ends(gap.gap)
        side = "stays behind" if value < 0 else "exceeds"
        low, high = sorted((abs(low), abs(high)))
        text = (
            f"{gap.label} {side} what was expected by {decimal(abs(value), 1)} points "
            f"({decimal(low, 1)} to {decimal(high, 1)})"
        )
        yield Headline(text=text, method="constructs", section="constructs")


def widest_gap(ratings: RatingParts) -> ConstructScore | None:
    """The construct that stays furthest behind what was expected, if clearly; else exceeds."""
    clear = [c for c in ratings.constructs if c.gap is not None and c.gap.clear_of_zero]
    behind = [c for c in clear if c.gap is not None and ends(c.gap)[0] < 0]
    pool = behind or clear
    return max(pool, key=lambda c: abs(ends(c.gap)[0]) if c.gap else 0.0, default=None)


def _nps_sentence(nps: Estimate) -> str:
    value, low, high = (whole(x, signed=True) for x in ends(nps))
    return f"Net Promoter Score {value}: very likely between {low} and {high}"


def _decline_sentence(customers: CustomerParts, currency: str) -> str:
    risk = money(customers.spend_at_risk, currency)
    return (
        f"{whole(customers.listed)} customers are listed as buying less often than before"
        f"{_beyond_chance(customers)}; {risk} of spend a year is at risk"
    )


def _beyond_chance(customers: CustomerParts) -> str:
    """How many of the list are more than chance: ', about 59 of them beyond chance (45 to 72)'."""
    if customers.decline is None or not customers.decline.available:
        return ", how many of them by chance is not known"
    value, low, high = (whole(x) for x in ends(customers.decline))
    return f", about {value} of them beyond chance ({low} to {high})"


def key_figures(
    choices: ChoiceParts, ratings: RatingParts, customers: CustomerParts, *, currency: str
) -> tuple[KeyFigure, ...]:
    """Up to three figures: the best upgrade, the declining customers, the recommendation."""
    found = [*_worth_figure(choices), *_decline_figure(customers, currency), *_nps_figure(ratings)]
    if len(found) < 3 and ratings.perceived_value is not None:
        found += _value_figure(ratings.perceived_value.difference)
    return tuple(found[:3])


def _worth_figure(choices: ChoiceParts) -> Iterator[KeyFigure]:
    best = best_upgrade(choices)
    if best is not None:
        value, low, high = ends(best.estimate)
        unit = best.estimate.unit
        yield KeyFigure(
            figure=money(value, unit, signed=True),
            label=f"for {_inside(change(best))}.",
            meaning=f"Very likely between {money_range(low, high, unit).replace(' to ', ' and ')}, "
            f"instead of “{best.from_level}”.",
            estimate=best.estimate,
            method="willingness_to_pay",
        )


def _decline_figure(customers: CustomerParts, currency: str) -> Iterator[KeyFigure]:
    if customers.listed and customers.decline is not None:
        beyond = _beyond_chance(customers).removeprefix(", ")
        yield KeyFigure(
            figure=whole(customers.listed),
            label="customers are listed as buying less often.",
            meaning=f"{beyond[:1].upper()}{beyond[1:]}. "
            f"{money(customers.spend_at_risk, currency)} of spend a year is at risk.",
            estimate=customers.decline,
            method="lists",
        )


def _nps_figure(ratings: RatingParts) -> Iterator[KeyFigure]:
    if ratings.nps is not None and ratings.nps.estimate.available:
        value, low, high = (whole(x, signed=True) for x in ends(ratings.nps.estimate))
        yield KeyFigure(
            figure=value,
            label="Net Promoter Score.",
            meaning=f"Very likely between {low} and {high}; n = {ratings.nps.estimate.n}.",
            estimate=ratings.nps.estimate,
            method="nps",
        )


def _value_figure(difference: Estimate) -> Iterator[KeyFigure]:
    if difference.available:
        value, low, high = (whole(x, signed=True) for x in ends(difference))
        yield KeyFigure(
            figure=value,
            label="points of perceived value.",
            meaning=f"Benefits less costs; very likely between {low} and {high}.",
            estimate=difference,
            method="perceived_value",
        )


def actions(
    choices: ChoiceParts,
    ratings: RatingParts,
    customers: CustomerParts,
    *,
    currency: str,
    segments: Sequence[Action] = (),
    lift: Estimate | None = None,
) -> tuple[Action, ...]:
    """Up to three acts, each with its evidence and what is not known.

    ``segments`` are what the evidence on segments supports, which goes first; ``lift`` is what a
    win-back offer brought a customer in a randomised test.
    """
    found = [
        *segments,
        *_try_upgrade(choices),
        *_win_back(customers, currency, lift),
        *_close_gap(ratings),
        *_leave_alone(choices),
    ]
    return tuple(found[:3])


def _try_upgrade(choices: ChoiceParts) -> Iterator[Action]:
    best = best_upgrade(choices)
    if best is not None and ends(best.estimate)[1] > 0:
        _, low, high = ends(best.estimate)
        unit = best.estimate.unit
        yield Action(
            title=f"Try {_inside(change(best))} at a price up to {money(low, unit)} higher.",
            evidence=f"{_worth(best)} ({money_range(low, high, unit)}){_quarter(best)}. That is "
            "stated, not yet seen in sales, and what it costs you is not known here: try it in one "
            "shop first.",
        )


def _worth(upgrade: Upgrade) -> str:
    """Whose amount it is: that of the median customer where people are told apart."""
    amount = money(ends(upgrade.estimate)[0], upgrade.estimate.unit)
    if upgrade.half_low is None:
        return f"On average customers say it is worth {amount}"
    return f"To half of the customers it is worth {amount} or more"


def _quarter(upgrade: Upgrade) -> str:
    if upgrade.half_low is None:
        return ""
    return f", to a quarter {money(upgrade.half_low, upgrade.estimate.unit)} or less"


def _win_back(customers: CustomerParts, currency: str, lift: Estimate | None) -> Iterator[Action]:
    if customers.to_contact:
        count, risk = whole(customers.listed), money(customers.spend_at_risk, currency)
        yield Action(
            title=f"Write to {whole(customers.to_contact)} of the {count} customers listed as "
            "declining, chosen by lot.",
            evidence=f"{risk} of their spend a year is at risk. {_lift(lift)}",
        )


def _lift(lift: Estimate | None) -> str:
    if lift is None:
        return (
            "There is no measured lift of such an offer yet; the others, marked “leave alone” on "
            "the list, show whether it pays, so keep the budget to a trial."
        )
    value, low, high = ends(lift)
    return (
        f"Tested by lot, such an offer brought {value:+.2f} ({low:+.2f} to {high:+.2f}) "
        f"{lift.unit} a customer, n = {lift.n}."
    )


def _close_gap(ratings: RatingParts) -> Iterator[Action]:
    gap = widest_gap(ratings)
    if gap is not None and gap.gap is not None and ends(gap.gap)[0] < 0:
        value, low, high = (decimal(x, 1) for x in ends(gap.gap))
        yield Action(
            title=f"Look into “{_inside(gap.label)}” first.",
            evidence=f"It is felt {value} points from what was expected ({low} to {high}), the "
            "furthest behind of what was asked both ways. The comments may say why.",
        )


def _leave_alone(choices: ChoiceParts) -> Iterator[Action]:
    known = [u for u in choices.upgrades if u.estimate.available]
    for upgrade in sorted(known, key=lambda u: ends(u.estimate)[0])[:1]:
        if len(known) > 1:
            value, low, high = ends(upgrade.estimate)
            unit = upgrade.estimate.unit
            yield Action(
                title=f"Do not start with {_inside(change(upgrade))}.",
                evidence=f"It is worth {money(value, unit)} ({money_range(low, high, unit)}): no "
                "other change tested came out lower, though ranges may overlap.",
            )
