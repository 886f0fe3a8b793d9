"""``--market FILE``: what changes of a product are worth in a market, into market_wtp.csv."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.cli.bad_input import BadInput, bad_input
from analysis.cli.partworths.tables import estimate_cells, write_csv

if TYPE_CHECKING:
    from analysis.choices.coding import Coding
    from analysis.choices.hb.market import Weights
    from analysis.choices.market_wtp import Profile
    from analysis.choices.partworths import PartWorths

KEYS = ("product", "changes", "competitors", "none")


@dataclass(frozen=True, slots=True)
class Market:
    """A product, named changes of it, its competitors by name, and whether none is there."""

    product: Profile
    changes: Mapping[str, Profile]
    competitors: Mapping[str, Profile]
    none: bool | None


def read_market(path: Path, coding: Coding) -> Market:
    """Read a market file; BadInput listing every fault.

    ``product`` has a level of every attribute; ``changes`` has, by name, the levels that differ;
    ``competitors`` is like product, by name; ``none`` (true or false) is optional.
    """
    from analysis.choices.market_wtp import market_faults
    from analysis.study import StudyFaults
    from analysis.study.load import parse_yaml

    with bad_input(StudyFaults):
        content, _ = parse_yaml(path.read_bytes())
    faults = [
        f"there is no key '{key}'; known: {', '.join(KEYS)}" for key in content if key not in KEYS
    ]
    changes, competitors = (_named(content.get(key, {}), key, faults) for key in KEYS[1:3])
    product = _named({"product": content.get("product", {})}, "product", faults).get("product", {})
    none = content.get("none")
    if none is not None and not isinstance(none, bool):
        faults.append(f"none: '{none}' is neither true nor false")
    if not changes:
        faults.append("changes: name at least one change, as in 'better look: {look: good}'")
    if not faults:
        market = Market(
            _ids(coding, product),
            {name: _ids(coding, levels) for name, levels in changes.items()},
            {name: _ids(coding, levels) for name, levels in competitors.items()},
            none,
        )
        for name, change in market.changes.items():
            found = market_faults(
                coding, market.product, change, [*market.competitors.values()], none
            )
            faults += [f.replace("change:", f"change '{name}':") for f in found]
        if not faults:
            return market
    raise BadInput("\n".join([f"{path.name}:", *(f"- {f}" for f in dict.fromkeys(faults))]))


def _named(value: Any, key: str, faults: list[str]) -> dict[str, dict[str, Any]]:
    """A mapping of mappings; anything else is a fault."""
    if not isinstance(value, dict) or not all(isinstance(v, dict) for v in value.values()):
        faults.append(f"{key}: write ATTRIBUTE: LEVEL pairs, under a name for each but the product")
        return {}
    return {str(name): levels for name, levels in value.items()}


def _ids(coding: Coding, levels: Mapping[str, Any]) -> dict[str, str | float]:
    """Levels as ids where the attribute has one like that, else as numbers where it is numeric."""
    known = {a.id: a for a in coding.exercise.attributes}
    found: dict[str, str | float] = {}
    for name, level in levels.items():
        text = f"{level:g}" if isinstance(level, int | float) else str(level)
        found[name] = text
        attribute = known.get(name)
        if attribute is None or text in [lv.id for lv in attribute.levels]:
            continue
        if attribute.coding != "effects" and isinstance(level, int | float):
            found[name] = float(level)
    return found


def write_market(
    out: Path, fitted: PartWorths, market: Market, *, seed: int, weights: Weights = None
) -> None:
    """Write market_wtp.csv: a row a change."""
    with bad_input(ValueError):
        write_csv(out / "market_wtp.csv", _rows(fitted, market, seed, weights))


def _rows(
    fitted: PartWorths, market: Market, seed: int, weights: Weights
) -> Iterator[dict[str, object]]:
    from analysis.choices.market_wtp import market_willingness_to_pay

    for name, change in market.changes.items():
        found = market_willingness_to_pay(
            fitted,
            market.product,
            change,
            [*market.competitors.values()],
            seed=seed,
            none=market.none,
            weights=weights,
        )
        yield {
            "change": name,
            **estimate_cells("price_change", found.price_change),
            "share_before": found.share_before.value,
            "share_before_low": found.share_before.low,
            "share_before_high": found.share_before.high,
            "share_after": found.share_after.value,
            "share_after_low": found.share_after.low,
            "share_after_high": found.share_after.high,
        }
