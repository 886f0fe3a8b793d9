"""Weights and segments of the respondents of a folder of part-worths."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from analysis.choices.simulator.files import class_chances
from analysis.choices.simulator.worths import NoWorths, Singles, Worths

PEOPLE = "people.json"


@dataclass(frozen=True, slots=True)
class People:
    """``weights`` by respondent, None when all count alike; ``divisions``: by the label of what
    divides them, each respondent's segment, "" where it is not known.
    """

    weights: Mapping[str, float] | None = None
    divisions: Mapping[str, Sequence[str]] = field(default_factory=dict)


def read_people(folder: Path, worths: Worths) -> People:
    """What an analysis left of its respondents; nothing where there is no such file."""
    try:
        found = json.loads((folder / PEOPLE).read_text(encoding="utf-8"))
    except OSError:
        return People()
    except ValueError as error:
        raise NoWorths(f"'{folder / PEOPLE}' cannot be read ({error})") from None
    given, count = found["weights"], len(worths.respondents)
    lists = [given or worths.respondents, *found["segments"].values()]
    if any(len(values) != count for values in lists):
        raise NoWorths(f"'{folder / PEOPLE}' is of other respondents than the draws beside it")
    weights = None if given is None else dict(zip(worths.respondents, given, strict=True))
    return People(weights, found["segments"])


def members_of(segments: Sequence[str]) -> dict[str, Singles]:
    """Who belongs to each segment, (N,) of 0 and 1; nobody to the empty one."""
    own = np.array(segments, dtype=object)
    names = sorted({str(name) for name in segments} - {""})
    return {name: (own == name).astype(np.float32) for name in names}


def read_classes(folder: Path, worths: Worths) -> dict[str, Singles]:
    """How much each respondent belongs to each class of a latent-class run of the same choices."""
    names, chances = class_chances(folder)
    at = {name: n for n, name in enumerate(names)}
    missing = [name for name in worths.respondents if name not in at]
    if missing:
        shown = ", ".join(missing[:5])
        raise NoWorths(f"'{folder}': {len(missing)} respondents have no class: {shown}")
    own = chances[[at[name] for name in worths.respondents]]
    return {f"class {k + 1}": own[:, k] for k in range(own.shape[1])}
