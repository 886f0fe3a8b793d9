"""The section that holds part-worths against what customers bought when it was on offer."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.choices.coding import tested_range
from analysis.choices.simulator.calibration import Calibration, Source
from analysis.choices.simulator.products import Levels, settled
from analysis.choices.simulator.worths import NoWorths, Worths, from_draws, from_logit
from analysis.customers.calibration import calibration_of, last_prices
from analysis.customers.occasions import CannotCompare, Occasions, later_third, occasions
from analysis.customers.on_offer import FOUND, LEFT_OUT, OnOffer
from analysis.customers.stated_bought import CALIBRATED, GUESSES, StatedBought, compare
from analysis.diagnostics.fit import Fit
from analysis.estimate import Estimate
from analysis.rendering.figures import ends
from analysis.value_report.section import Cell, Section, Table
from analysis.value_report.used import Used

CAUTION = (
    "Only what was bought is seen: who bought nothing is not, so that none is not calibrated. "
    "Linked customers need not buy as all others do. A constant holds whatever sets a product "
    "apart besides the attributes: its brand, its place on the shelf, its fame."
)
USEFUL = "Yes: the simulator offers it, 'as calibrated on purchases'."
USELESS = (
    "No: the gain over the best of the simple guesses (the lines without part-worths) is not clear "
    "of zero."
)
NO_BETTER = "No: the gain over the part-worths as stated is not clear of zero; they can stay so."


@dataclass(frozen=True, slots=True)
class BoughtParts:
    """The section, and the calibration that a simulator may use; both None without purchases."""

    section: Section | None = None
    calibration: Calibration | None = None


def bought_parts(
    used: Used, fit: Fit | None, linked: pd.DataFrame | None, *, seed: int
) -> BoughtParts:
    """Calibration on earlier purchases, judged on later ones.

    Nothing without the archive's table ``on_offer``, the plan's products, or a final fit.
    ``linked`` is ``Linkage.table``.
    """
    if fit is None or not fit.fitted.converged or linked is None or "respondent" not in linked:
        return BoughtParts()
    products = _products(fit)
    archive = used.archive
    if archive.on_offer.empty or not products:
        return BoughtParts()
    table = archive.on_offer[archive.on_offer["customer"].isin(linked.index)]
    found = int(archive.facts.get(FOUND, 0))
    links = {str(name): str(customer) for customer, name in linked["respondent"].items()}
    try:
        lined_up = occasions(
            fit.fitted.coding,
            _worths(fit, seed),
            links=links,
            offered=OnOffer(table, found, {}),
            products=products,
        )
        made = compare(lined_up, split=later_third(lined_up.time), seed=seed)
    except (CannotCompare, NoWorths) as why:
        return BoughtParts(_cannot(str(why)), Calibration(reason=str(why)))
    calibration = calibration_of(
        made, _priced(products, table, fit), source=_source(used, lined_up)
    )
    return BoughtParts(_section(used, fit, made, lined_up), calibration)


def _section(used: Used, fit: Fit, made: StatedBought, lined_up: Occasions) -> Section:
    return Section(
        id="stated_bought",
        title=_title(made),
        method="stated_bought",
        text=(
            _periods(made, lined_up),
            *_apart(made),
            _when(used, lined_up, made),
            *_left_out(used, made),
        ),
        caution=CAUTION,
        tables=(_judged(made), _calibration(made, fit), _bands(made)),
        folded=True,
    )


def _cannot(why: str) -> Section:
    return Section(
        id="stated_bought",
        title="Part-worths could not be held against purchases",
        method="stated_bought",
        text=(f"{why[:1].upper()}{why[1:]}.",),
        folded=True,
    )


def _products(fit: Fit) -> dict[str, Levels]:
    exercise = fit.fitted.coding.exercise
    return {
        sold.product: {
            name: settled(exercise.attribute(name), value) for name, value in sold.levels.items()
        }
        for sold in fit.study.analysis.products
    }


def _priced(
    products: dict[str, Levels], offered: pd.DataFrame, fit: Fit
) -> dict[str, dict[str, str | float]]:
    """The products with the last price on offer that the tasks cover; else the plan's own."""
    price, last = fit.fitted.coding.exercise.price, last_prices(offered)
    found = {name: dict(levels) for name, levels in products.items()}
    if price is None:
        return found
    low, high = tested_range(price)
    for name, levels in found.items():
        if low <= (now := last.get(name, math.nan)) <= high:
            levels[price.id] = now
        levels.setdefault(price.id, (low + high) / 2)
    return found


def _source(used: Used, found: Occasions) -> Source:
    return Source(
        study=used.study.study,
        version=int(used.archive.facts["version"]),
        first=np.datetime_as_string(found.time.min(), unit="D"),
        last=np.datetime_as_string(found.time.max(), unit="D"),
    )


def _worths(fit: Fit, seed: int) -> Worths:
    coding, hierarchy = fit.fitted.coding, fit.fitted.hierarchy
    if hierarchy is None:
        covariance = fit.fitted.covariances["cluster"].astype(np.float32)
        beta = fit.fitted.coefficients.astype(np.float32)
        return from_logit(coding, beta, covariance, n=fit.fitted.n_respondents, seed=seed)
    beta = hierarchy.posterior.beta
    names = hierarchy.respondents
    return from_draws(coding, names, beta.reshape(-1, *beta.shape[2:]), seed=seed)


def _title(made: StatedBought) -> str:
    ours = next(one for one in made.judged if one.prediction == CALIBRATED)
    guesses = [one for one in made.judged if one.prediction in GUESSES]
    best = max(guesses, key=lambda one: one.hit_rate.value or 0.0)
    hits = (
        f"they name the product bought in {_share(ours.hit_rate)} of later purchases, the best "
        f"simple guess in {_share(best.hit_rate)}"
    )
    if made.supported:
        return (
            "Part-worths, calibrated on earlier purchases, predict later ones better than every "
            f"simple guess: {hits}"
        )
    return f"Part-worths do not clearly predict purchases better than every simple guess: {hits}"


def _share(estimate: Estimate) -> str:
    return f"{estimate.value or 0:.0%} ({estimate.low or 0:.0%} to {estimate.high or 0:.0%})"


def _periods(made: StatedBought, found: Occasions) -> str:
    first, last = (np.datetime_as_string(t, unit="D") for t in (found.time.min(), found.time.max()))
    earlier = found.time < np.datetime64(made.split)
    people = [len(np.unique(found.customer[rows])) for rows in (earlier, ~earlier)]
    return (
        f"Fitted on {made.fitted_on:,} purchases of {people[0]:,} customers from {first} to "
        f"the day before {made.split}; judged on {made.judged_on:,} of {people[1]:,} customers "
        f"from then to {last}. Is the calibration of use? "
        + (USEFUL if made.useful else NO_BETTER if made.supported else USELESS)
    )


def _apart(made: StatedBought) -> tuple[str, ...]:
    """Products bought clearly more or less than their attributes say, the widest first."""
    clear = [(name, one) for name, one in made.constants.items() if one.clear_of_zero]
    if not clear:
        return ()
    clear.sort(key=lambda pair: -abs(pair[1].value or 0.0))
    said = "; ".join(f"{name} {_factor(one)}" for name, one in clear)
    return (
        "Bought more or less often than attributes and prices explain (odds beside those of the "
        f"average product; 1: just as explained): {said}.",
    )


def _factor(constant: Estimate) -> str:
    """exp of a constant: what multiplies a product's odds, with its range."""
    value, low, high = (math.exp(x) for x in ends(constant))
    return f"{value:.2f} ({low:.2f} to {high:.2f})"


def _when(used: Used, found: Occasions, made: StatedBought) -> str:
    """How many of the later purchases were made after all answers: nobody recalled those."""
    last = np.datetime64(used.respondents["completed"].max()[:10])
    later = (found.time >= np.datetime64(made.split)) & (found.time >= last + 1)
    return (
        f"{int(later.sum()):,} of the purchases judged were made after the last answer to the "
        "survey; before it, what was bought may have shaped what was answered."
    )


def _left_out(used: Used, made: StatedBought) -> tuple[str, ...]:
    found = int(used.archive.facts.get(FOUND, 0))
    own = [f"{n:,} {why}" for why, n in made.left_out.items() if n]
    reasons = ", ".join(filter(None, [used.archive.facts.get(LEFT_OUT, ""), *own]))
    occasions_frozen = used.archive.on_offer.groupby(["customer", "occasion"]).ngroups
    drawn = (
        (f"The archive holds {occasions_frozen:,} purchases drawn by lot from {found:,}.",)
        if found > occasions_frozen
        else ()
    )
    return (*drawn, *((f"Purchases left out: {reasons}.",) if reasons else ()))


def _judged(made: StatedBought) -> Table:
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (_words(one.prediction), one.log_loss, one.gain, one.hit_rate) for one in made.judged
    )
    return Table(
        id="judged",
        caption="Predictions of the later purchases",
        columns=("Prediction", "Log-loss", "Gain over even chances", "Product bought named"),
        rows=rows,
        chart=3,
        note="Log-loss is the mean of minus the logarithm of the chance given to what was bought: "
        "less is better. What sold before names the commonest product on offer.",
    )


def _words(prediction: str) -> str:
    own = {"earlier shares of the products": "What sold before (shares of the earlier purchases)"}
    return own.get(prediction, prediction[:1].upper() + prediction[1:])


def _calibration(made: StatedBought, fit: Fit) -> Table:
    rows: list[tuple[Cell, ...]] = [("Scale of the part-worths", made.scale, "")]
    rows += [(f"Constant of {name}", one, _factor(one)) for name, one in made.constants.items()]
    kind = "the same for everybody" if fit.fitted.hierarchy is None else "everybody's own"
    return Table(
        id="calibration",
        caption="Scale and constants, fitted on the earlier purchases",
        columns=("What", "Estimate", "Factor in the simulator"),
        rows=tuple(rows),
        note=f"Part-worths: {kind}. A scale of 1 says that purchases weigh the attributes as "
        "strongly as the estimated part-worths do, below 1 less, around 0 that they say nothing of "
        "purchases. Errors of the part-worths draw the scale down, and are not in its interval: "
        "below 1 need not mean that people are less exact in shops. Constants add up to zero.",
    )


def _bands(made: StatedBought) -> Table:
    return Table(
        id="bands",
        caption="Chances given by the calibrated part-worths, and shares bought",
        columns=("Chance given", "Mean chance", "Share bought"),
        rows=tuple(
            (f"{band.low:.0%} to {band.high:.0%}", f"{band.predicted:.1%}", band.bought)
            for band in made.bands
        ),
        note="Offers of the later period, by the chance that each was given.",
    )
