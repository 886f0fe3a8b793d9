"""The files of a simulation, and what is said of it on standard output."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

import click

from analysis.choices.simulator.calibration import Calibration
from analysis.choices.simulator.exponent import read_exponent
from analysis.choices.simulator.files import are_final
from analysis.choices.simulator.holdouts import read_holdouts
from analysis.choices.simulator.outcomes import (
    in_words,
    line,
    monte_carlo_error,
    outcomes,
    size,
    too_small,
)
from analysis.choices.simulator.prices import NoPrice, elasticities, price_curve
from analysis.choices.simulator.products import Market, Product, price_of
from analysis.choices.simulator.reading import ProductsFile, Wanted
from analysis.choices.simulator.search import Found, NoGoal, TooLarge, search
from analysis.choices.simulator.sensitivity import sensitivity
from analysis.choices.simulator.shares import Simulated, Simulator
from analysis.choices.simulator.volume import source_of_volume
from analysis.cli.bad_input import bad_input
from analysis.cli.partworths.tables import estimate_cells, write_csv, write_json
from analysis.estimate import Estimate

BASE = "as it is"
Rows = Iterator[dict[str, object]]


def write_all(
    out: Path,
    simulator: Simulator,
    file: ProductsFile,
    folder: Path,
    *,
    tuned: bool = False,
    calibration: Calibration | None = None,
) -> list[str]:
    """Simulate everything that was asked for; returns what to say.

    ``tuned``: the tuned exponent was asked for, and is in the markets where it earned it.
    ``calibration``: what the simulator's part-worths are calibrated with.
    """
    click.echo("Simulating ...", err=True)
    markets = {BASE: file.market, **file.scenarios}
    found = {name: simulator.simulate(market) for name, market in markets.items()}
    write_csv(out / "shares.csv", _share_rows(simulator, found))
    write_csv(out / "own_products.csv", _line_rows(simulator, found))
    volume = ["scenario", "segment", "gained_by", "from", "kind", "value", "fair_share"]
    write_csv(out / "source_of_volume.csv", _volume_rows(simulator, found), (*volume, *CELLS))
    write_csv(out / "sensitivity.csv", _sensitivity_rows(simulator, file.market))
    prices = ("product", "price", "tested", "figure", "value", "chance_best", "regret")
    write_csv(out / "price_curve.csv", _curve_rows(simulator, file.market), (*prices, *CELLS))
    arcs = ("price_of", "share_of", "price_low", "price_high", "elasticity")
    write_csv(out / "elasticities.csv", _elastic_rows(simulator, file.market), (*arcs, *CELLS))
    best = None
    if file.search is not None:
        best = _searched(simulator, file.market, file.search)
        write_csv(out / "search.csv", _search_rows(simulator, best))
    held = read_holdouts(folder)
    summary = _summary(simulator, file, found[BASE], folder)
    write_json(out / "summary.json", summary | {"calibration": _calibration(calibration)})
    said = _said(simulator, found, best, tuned)
    if calibration is not None:
        said += ["", *calibration.sentences(), *calibration.used(_names(markets))]
    said += ["", *held.sentences(), "", *read_exponent(folder).sentences()]
    if not are_final(folder):
        said.insert(0, f"NOT FINAL: the chains of the draws in '{folder}' do not agree.")
    return said


def _names(markets: Mapping[str, Market]) -> list[str]:
    """The products of all markets, each once."""
    return list(dict.fromkeys(p.name for market in markets.values() for p in market.products))


def _calibration(made: Calibration | None) -> dict[str, object] | None:
    """What is in the figures, without its draws."""
    if made is None or made.found is None:
        return None
    return made.found.model_dump(mode="json", exclude={"drawn"})


CELLS = ("low", "high", "low_50", "high_50", "unit", "n", "method", "unavailable")


def _share_rows(simulator: Simulator, found: Mapping[str, Simulated]) -> Rows:
    base = found[BASE]
    for scenario, simulated in found.items():
        for k, segment in enumerate(simulator.worths.segments):
            before = None if scenario == BASE else base
            rows = outcomes(simulator, simulated, before, segment=k)
            products = {p.name: p for p in simulated.market.products}
            for place, row in enumerate(rows):
                product = products.get(row.name)
                error = monte_carlo_error(simulated.drawn[:, k, place])
                yield {
                    "scenario": scenario,
                    "segment": segment,
                    "alternative": row.name,
                    "own": row.own,
                    "price": row.price,
                    **estimate_cells("share", row.share),
                    "monte_carlo_error": error if row.share.available else None,
                    **_prefixed("change", row.change),
                    **_prefixed("units", row.units),
                    **_prefixed("revenue", row.revenue),
                    **_prefixed("profit", row.profit),
                    "availability": product.availability if product else 1.0,
                    "factor": product.factor if product else 1.0,
                }


def _prefixed(name: str, estimate: Estimate | None) -> dict[str, object]:
    return {
        name: estimate.value if estimate else None,
        f"{name}_low": estimate.low if estimate else None,
        f"{name}_high": estimate.high if estimate else None,
        f"{name}_unavailable": (estimate.reason or "") if estimate else "",
    }


def _line_rows(simulator: Simulator, found: Mapping[str, Simulated]) -> Rows:
    for scenario, simulated in found.items():
        for k, segment in enumerate(simulator.worths.segments):
            base = None if scenario == BASE else found[BASE]
            own = line(simulator, simulated, base, segment=k)
            for figure, estimate in asdict_shallow(own).items():
                if estimate is not None:
                    at = {"scenario": scenario, "segment": segment, "figure": figure}
                    yield at | estimate_cells("value", estimate)


def asdict_shallow(part: object) -> dict[str, Estimate | None]:
    """The fields of a result by name."""
    return {name: getattr(part, name) for name in part.__slots__}  # type: ignore[attr-defined]


def _volume_rows(simulator: Simulator, found: Mapping[str, Simulated]) -> Rows:
    for scenario, simulated in found.items():
        for k, segment in enumerate(simulator.worths.segments):
            volume = source_of_volume(simulator, found[BASE], simulated, segment=k)
            if volume is None:
                continue
            head = {"scenario": scenario, "segment": segment}
            head["gained_by"] = "; ".join(volume.gained_by)
            yield head | {"from": "", "kind": "gained"} | estimate_cells("value", volume.gained)
            for loss in volume.losses:
                own = head | {"from": loss.name}
                yield own | {"kind": "points"} | estimate_cells("value", loss.points)
                cells = estimate_cells("value", loss.part)
                yield own | {"kind": "part of the volume", "fair_share": loss.fair} | cells


def _sensitivity_rows(simulator: Simulator, market: Market) -> Rows:
    for place, product in enumerate(market.products):
        if not product.own and any(p.own for p in market.products):
            continue
        for swap in sensitivity(simulator, market, place):
            yield {
                "product": product.name,
                "attribute": swap.attribute,
                "level": swap.level,
                "present": swap.present,
                **estimate_cells("share", swap.share),
                **_prefixed("change", swap.change),
            }


def _curve_rows(simulator: Simulator, market: Market) -> Rows:
    for place, product in enumerate(market.products):
        if not product.own:
            continue
        try:
            curve = price_curve(simulator, market, place)
        except NoPrice:
            return
        best = {"revenue": curve.best_revenue, "profit": curve.best_profit}
        ranks = {kind: {r.place: r for r in b.ranks} for kind, b in best.items() if b is not None}
        for c, point in enumerate(curve.points):
            at = {"product": product.name, "price": point.price, "tested": point.tested}
            for figure in ("share", "revenue", "profit"):
                rank = ranks.get(figure, {}).get(c)
                yield {
                    **at,
                    "figure": figure,
                    **estimate_cells("value", getattr(point, figure)),
                    "chance_best": rank.chance if rank else None,
                    "regret": rank.regret if rank else None,
                }


def _elastic_rows(simulator: Simulator, market: Market) -> Rows:
    try:
        found = elasticities(simulator, market)
    except NoPrice:
        return
    for one in found:
        yield {
            "price_of": one.price_of,
            "share_of": one.of,
            "price_low": one.low,
            "price_high": one.high,
            **estimate_cells("elasticity", one.estimate),
        }


def _searched(simulator: Simulator, market: Market, wanted: Wanted) -> Found:
    place = market.place(wanted.product)
    with bad_input(TooLarge, NoGoal):
        return search(simulator, market, place, wanted.vary, goal=wanted.goal)


def _levels(simulator: Simulator, product: Product) -> dict[str, object]:
    """The levels of a product, its price as a number."""
    found: dict[str, object] = dict(product.levels)
    price, number = simulator.worths.coding.exercise.price, None
    if price is not None:
        number = price_of(simulator.worths.coding, product)
    return found if price is None or number is None else found | {price.id: number}


def _search_rows(simulator: Simulator, found: Found) -> Rows:
    for number, rank in enumerate(found.ranking.ranks, start=1):
        yield {
            "rank": number,
            **_levels(simulator, found.candidates[rank.place]),
            **estimate_cells(found.goal, rank.value),
            "chance_best": rank.chance,
            "regret": rank.regret,
            "not_told_from_best": rank.tied,
        }


def _summary(
    simulator: Simulator, file: ProductsFile, base: Simulated, folder: Path
) -> dict[str, object]:
    worths, market = simulator.worths, file.market
    errors = [monte_carlo_error(base.drawn[:, 0, j]) for j in range(base.drawn.shape[2])]
    return {
        "exercise": worths.coding.exercise.id,
        "method": in_words(simulator),
        "part_worths": worths.kind,
        "n_respondents": dict(zip(worths.segments, worths.n, strict=True)),
        "draws": len(worths.points) if worths.kind in ("draws", "logit") else None,
        "draws_saved": worths.kept_of,
        "monte_carlo_error_of_shares": max(errors),
        "scale": market.scale,
        "exponent": read_exponent(folder).model_dump(mode="json"),
        "similarity": simulator.errors.similarity if simulator.method == "rfc" else None,
        "market_size": market.size,
        "units_and_money_for": size(market),
        "calibration_factors": {p.name: p.factor for p in market.products if p.factor != 1},
        "availability": {p.name: p.availability for p in market.products if p.availability < 1},
        "holdouts": asdict(read_holdouts(folder)),
        "final": are_final(folder),
        "seed": worths.seed,
        "program": f"surveyapp {version('surveyapp')}",
    }


def _said(
    simulator: Simulator, found: Mapping[str, Simulated], best: Found | None, tuned: bool
) -> list[str]:
    worths, market = simulator.worths, found[BASE].market
    said = [f"{in_words(simulator)}; {worths.n[0]:,} respondents."]
    how = "not tuned" if not tuned else "tuned" if market.scale != 1 else "tuning did not earn more"
    said.append(f"Scale (exponent) {market.scale:.4g}, {how}.")
    marked = [f"{p.name} x {p.factor:g}" for p in market.products if p.factor != 1]
    if marked:
        said.append(f"Calibration factors from outside: {', '.join(marked)}.")
    for scenario, simulated in found.items():
        said.append(f"\n{scenario}:")
        base = None if scenario == BASE else found[BASE]
        said += [
            f"  {row.name:24} {_spoken(row.share)}{_change(row.change)}"
            for row in outcomes(simulator, simulated, base)
        ]
    small = [s for k, s in enumerate(worths.segments) if too_small(worths, k)]
    if small:
        said.append(f"\nSuppressed, fewer than 10 respondents: {', '.join(small)}")
    if best is not None:
        said += ["", *_best_said(simulator, best)]
    return said


def _spoken(estimate: Estimate) -> str:
    if estimate.value is None or estimate.low is None or estimate.high is None:
        return f"not available: {estimate.reason}"
    low, high = 100 * estimate.low, 100 * estimate.high
    return f"{100 * estimate.value:5.1f} % ({low:.1f} to {high:.1f})"


def _change(change: Estimate | None) -> str:
    if change is None or change.value is None or change.low is None or change.high is None:
        return ""
    return (
        f"   {100 * change.value:+.1f} points ({100 * change.low:+.1f} to {100 * change.high:+.1f})"
    )


def _best_said(simulator: Simulator, found: Found) -> list[str]:
    ranking, coding = found.ranking, simulator.worths.coding
    top = found.candidates[ranking.best.place]
    levels = ", ".join(f"{name} {value}" for name, value in _levels(simulator, top).items())
    said = [
        f"Best of {len(found.candidates):,} versions by {found.goal}: {levels}.",
        f"Chance that it is the best: {100 * ranking.best.chance:.0f} %; {ranking.tied} versions "
        f"cannot be told from the best ({ranking.draws:,} draws).",
    ]
    if found.left_out:
        said.append(f"{found.left_out:,} prohibited combinations were left out.")
    if ranking.present is not None:
        unit = coding.money_unit if found.goal != "share" else "of choices"
        said.append(f"Keeping the product as it is costs {ranking.present.regret:,.4g} {unit}.")
    if price_of(coding, top) is None:
        said.append("The exercise has no price in numbers.")
    return said
