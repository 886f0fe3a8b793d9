"""How choice tasks are made: the method, what is expected beforehand, tasks that are given."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, StringConstraints

from analysis.study.texts import Id, LevelId, Part

Method = Literal[
    "random",
    "complete-enumeration",
    "shortcut",
    "balanced-overlap",
    "d-optimal",
    "bayesian-d",
]


class DesignPlan(Part):
    """How the choice tasks are made."""

    method: Method = "balanced-overlap"
    """balanced-overlap: levels balanced in every block and pair, some levels repeated within tasks;
    complete-enumeration and shortcut: repeated as little as possible; d-optimal: the smallest
    D-error at the means of the priors, or at equal chances without priors; bayesian-d: the smallest
    mean D-error over the priors; random: levels drawn freely."""
    blocks: Annotated[int, Field(ge=1, le=2000)] = 10
    seed: Annotated[int, Field(ge=0)] = 1
    starts: Annotated[int, Field(ge=1, le=1000)] | None = None
    """Starting designs of d-optimal and bayesian-d; default: as many as the size allows."""
    time_limit: Annotated[float, Field(gt=0)] | None = None
    """Seconds after which the best design so far is taken."""
    varying: Annotated[int, Field(ge=1)] | None = None
    """Partial profiles: how many attributes differ within a task; default: all."""
    balance: Annotated[float, Field(ge=0)] = 0.0
    """Weight of uneven level counts in d-optimal and bayesian-d (0: only the error counts)."""
    overlap: Annotated[float, Field(ge=0)] = 0.0
    """Weight of levels repeated within a task in d-optimal and bayesian-d."""
    keep_dominated: bool = False
    """True: alternatives that are better in nothing, by 'preference' or the means of the priors,
    may be shown."""


def as_id(value: Any) -> Any:
    """A number as the id of its level; anything else as it is."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return f"{value:g}"
    return value


def _keys_as_ids(value: Any) -> Any:
    return {as_id(key): part for key, part in value.items()} if isinstance(value, dict) else value


WorthName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.+:-]{0,200}$")]
"""A level, a piece between knots ('1-2'), or a cell of an interaction ('low:blue')."""


class Prior(Part):
    """What is expected of the part-worths of one attribute before anybody is asked."""

    mean: float | None = None
    """Of the one slope of a linear attribute (per unit), or of none."""
    means: Annotated[dict[WorthName, float], BeforeValidator(_keys_as_ids)] = Field(
        default_factory=dict
    )
    """Of every level (up to a constant), of every piece, or of every cell of an interaction."""
    sd: Annotated[float, Field(ge=0)] | None = None
    """How far a part-worth may lie from its mean (standard deviation), the same for all."""
    sds: Annotated[
        dict[WorthName, Annotated[float, Field(ge=0)]], BeforeValidator(_keys_as_ids)
    ] = Field(default_factory=dict)
    """The same, of every level, piece or cell."""


PriorName = Annotated[
    str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}(:[a-z][a-z0-9_]{0,63})?$")
]
"""An attribute, 'none', or an interaction ('first:second')."""


class FixedTask(Part):
    """A task that is given instead of made, the same in every block."""

    role: Literal["estimation", "holdout"] = "holdout"
    alternatives: tuple[dict[Id, Annotated[LevelId, BeforeValidator(as_id)]], ...]
