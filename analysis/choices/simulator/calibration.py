"""A calibration on purchases, as it was fitted and judged: read, said and applied, not fitted."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from analysis.choices.simulator.worths import Worths, plain_name
from analysis.estimate import Estimate

FILE = "calibration.json"
NOT_SAVED = (
    "no purchases were set beside what was on offer, which needs 'products' in the study's plan, "
    "and ledgers of purchases and of availability"
)
LIMITS = (
    "It was found among customers who agreed to the linking, in purchases, and purchases do not "
    "show who bought nothing: 'none' keeps the place that it has in the survey."
)


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings")


class Sold(_Part):
    """A product of the shop: its levels, the price that it was last on offer at among them, and
    its factor: what its odds are beside those that attributes and price explain.
    """

    name: str
    levels: dict[str, str | float]
    factor: Estimate


class Source(_Part):
    """Of which study, version (None: of files) and purchases, from the first to the last day."""

    study: str
    version: int | None
    first: str
    last: str


class Calibrated(_Part):
    """Scale and factors fitted on earlier purchases, and how they did on later ones.

    Attributes
    ----------
    scale
        Multiplies all utilities.
    drawn
        Draws of the scale and of the logarithm of every factor, in the order of ``sold``.
    split
        Fitted on purchases before this day, judged on those from it on.
    hit_rate
        Share of later purchases in which the product bought was named.
    over_stated, over_guess
        By how much the log-loss of later purchases is less than with the part-worths as stated,
        and than that of the hardest simple guess, ``guess`` (nats a purchase, paired).
    """

    scale: Estimate
    sold: tuple[Sold, ...]
    drawn: tuple[tuple[float, ...], ...]
    split: str
    fitted_on: int
    judged_on: int
    hit_rate: Estimate
    over_stated: Estimate
    over_guess: Estimate
    guess: str
    source: Source

    @property
    def why_not(self) -> str:
        """Why it is of no use; empty when it predicts later purchases better, beyond its error."""
        for gain, than in (
            (self.over_stated, "the part-worths as stated"),
            (self.over_guess, f"a simple guess ({self.guess})"),
        ):
            if (gain.low or 0.0) <= 0:
                return (
                    f"on {self.judged_on:,} later purchases it does not predict better than {than} "
                    f"beyond its error, {_nats(gain)}"
                )
        return ""


class Calibration(_Part):
    """What was found; ``found`` is None where ``reason`` says why nothing could be calibrated."""

    found: Calibrated | None = None
    reason: str = ""

    @property
    def why_not(self) -> str:
        """Why a simulator may not use it; empty when it may."""
        return self.reason if self.found is None else self.found.why_not

    @property
    def usable(self) -> Calibrated | None:
        """The calibration, where it earned its use."""
        return None if self.found is None or self.found.why_not else self.found

    def sentences(self) -> tuple[str, ...]:
        """The same in words, for every page and output."""
        made = self.found
        if made is None:
            return (f"Not calibrated on purchases: {self.reason}.",)
        source = made.source
        version = f", version {source.version}" if source.version is not None else ""
        said = (
            f"Calibration on purchases (study '{source.study}'{version}): scale "
            f"{_range(made.scale)} and a factor for each of {len(made.sold)} products, fitted on "
            f"{made.fitted_on:,} purchases from {source.first} to the day before {made.split}, "
            f"judged on {made.judged_on:,} from then to {source.last}."
        )
        if made.why_not:
            return (f"{said} It is not offered: {made.why_not}.",)
        return (
            said,
            f"Of these it names the product bought in {_share(made.hit_rate)}, and predicts better "
            f"than the part-worths as stated by {_nats(made.over_stated)}, than the hardest simple "
            f"guess ({made.guess}) by {_nats(made.over_guess)}.",
        )

    def used(self, names: Sequence[str]) -> tuple[str, ...]:
        """What is in figures made with it: scale, factors by product, what has none, and limits."""
        made = self.usable
        if made is None:
            return ()
        factors = {plain_name(sold.name): sold.factor for sold in made.sold}
        own = [f"{n} {_range(factors[plain_name(n)])}" for n in names if plain_name(n) in factors]
        none = [n for n in names if plain_name(n) not in factors]
        said = [
            f"Calibrated on purchases, with the errors of the calibration in all ranges: utilities "
            f"times {_range(made.scale)}"
            + (f"; odds times {', '.join(own)}." if own else ", and no product's odds changed.")
        ]
        if none:
            said.append(
                f"Without a factor of their own, as no product of the shop has their name: "
                f"{', '.join(none)}. They count as the shop's average product."
            )
        return (*said, LIMITS)


def calibrated(worths: Worths, made: Calibrated) -> Worths:
    """Part-worths with scale and constants of the calibration, a draw of it in every draw.

    The draws of the calibration are independent of those of the part-worths, whose errors were
    averaged over when it was fitted.
    """
    if worths.kind not in ("draws", "logit"):
        raise ValueError(f"a calibration is of draws, not of {worths.kind}")
    drawn = np.array(made.drawn, dtype=np.float32)
    own = drawn[np.arange(len(worths.points)) % len(drawn)]
    constants = {sold.name: own[:, n + 1] for n, sold in enumerate(made.sold)}
    return replace(worths, points=worths.points * own[:, :1, None], constants=constants)


def read_calibration(place: Path) -> Calibration:
    """What an analysis left in its folder, or the file that ``stated-bought`` wrote.

    A folder without one says so. ValueError when the file is no calibration.
    """
    if place.is_dir():
        place = place / FILE
        if not place.is_file():
            return Calibration(reason=NOT_SAVED)
    try:
        content = json.loads(place.read_text(encoding="utf-8"))
        inside = content.get("calibration", content) if isinstance(content, Mapping) else content
        return Calibration.model_validate(inside)
    except (ValidationError, json.JSONDecodeError, UnicodeDecodeError):
        raise ValueError(
            f"'{place}' is no calibration: give the {FILE} of an analysis, or what "
            "'stated-bought' wrote"
        ) from None


def _range(estimate: Estimate) -> str:
    return f"{estimate.value:.2f} ({estimate.low:.2f} to {estimate.high:.2f})"


def _nats(gain: Estimate) -> str:
    return f"{gain.value:+.3f} nats a purchase ({gain.low:+.3f} to {gain.high:+.3f})"


def _share(estimate: Estimate) -> str:
    return f"{estimate.value:.0%} ({estimate.low:.0%} to {estimate.high:.0%})"
