"""The register of randomised tests: a folder with one folder a test.

``NAME/plan.json`` says what, when, who decided and how; ``NAME/list.csv`` which customers the lot
put into which group; both are written once. ``NAME/result.json`` is what was measured.
"""

from __future__ import annotations

import hashlib
import json
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated, Literal

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from analysis.customers.actions.measured import Span, measured_effect
from analysis.customers.actions.randomised import Outcome
from analysis.estimate import Estimate
from analysis.purchases.engine import Purchases
from analysis.purchases.winback.campaign import read_list, write_list

Family = Literal[
    "product_improvement",
    "service_recovery",
    "personalisation",
    "relationship_loyalty",
    "win_back",
    "leave_alone",
]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")]
Words = Annotated[str, StringConstraints(min_length=1, max_length=500, strip_whitespace=True)]
PLAN, LIST, RESULT = "plan.json", "list.csv", "result.json"


class TestPlan(BaseModel):
    """What is tested on whom, fixed before anybody is contacted."""

    __test__ = False
    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Name
    what: Words
    """What the contacted customers get."""
    strategy: Family
    segment: str = ""
    """Whom it concerns, in the words of the report; empty: everybody on the list."""
    decided_by: Words
    decided_on: date
    began: date
    """The day of the contact."""
    weeks: Annotated[int, Field(ge=1, le=104)]
    """The horizon."""
    outcome: Outcome
    smallest: Annotated[float, Field(gt=0)]
    power: float
    error: float
    control_share: Annotated[float, Field(gt=0, lt=1)]
    seed: int
    adjusted: bool
    """Whether the weeks before are adjusted for, decided beforehand."""
    contact: int
    control: int
    needed: int
    """Customers needed in both groups; fewer listed: the test may miss the difference."""
    needed_method: str
    currency: str = ""
    list_sha256: str
    """Of list.csv: the groups are frozen."""


class Measured(BaseModel):
    """A test with what it changed, as reports read it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    plan: TestPlan
    effect: Estimate | None = None
    """A customer; None: not measured yet."""

    @property
    def until(self) -> date:
        """The last day of the horizon."""
        return self.plan.began + timedelta(weeks=self.plan.weeks)


class Register:
    """The tests of a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def add(self, plan: TestPlan, listed: pd.DataFrame) -> TestPlan:
        """Keep a plan and its list (columns customer, group and others), the hash filled in.

        Raises
        ------
        ValueError
            When there is a test of this name: plans are never altered.
        """
        place = self.folder / plan.name
        if place.exists():
            raise ValueError(
                f"there is a test '{plan.name}'; plans are never altered: name another"
            )
        place.mkdir(parents=True)
        write_list(listed, place / LIST)
        kept = plan.model_copy(update={"list_sha256": _digest(place / LIST)})
        (place / PLAN).write_text(kept.model_dump_json(indent=2) + "\n", encoding="utf-8")
        return kept

    def every(self) -> tuple[Measured, ...]:
        """All tests, the latest contact first; ValueError naming a file that cannot be read."""
        if not self.folder.is_dir():
            return ()
        found = [self.get(path.parent.name) for path in sorted(self.folder.glob(f"*/{PLAN}"))]
        return tuple(sorted(found, key=lambda test: test.plan.began, reverse=True))

    def get(self, name: str) -> Measured:
        """One test; ValueError when there is none, or its files are damaged."""
        place = self.folder / name
        if not (place / PLAN).is_file():
            known = ", ".join(sorted(p.parent.name for p in self.folder.glob(f"*/{PLAN}")))
            raise ValueError(f"there is no test '{name}'; known: {known or 'none'}")
        try:
            plan = TestPlan.model_validate_json((place / PLAN).read_text(encoding="utf-8"))
            effect = None
            if (place / RESULT).is_file():
                stored = json.loads((place / RESULT).read_text(encoding="utf-8"))
                effect = Estimate.model_validate(stored)
        except (ValidationError, json.JSONDecodeError, UnicodeDecodeError) as error:
            raise ValueError(f"the test '{name}' cannot be read: {error}") from None
        return Measured(plan=plan, effect=effect)

    def measure(self, name: str, purchases: Purchases) -> Measured:
        """Measure a test and keep the result; measuring again replaces it.

        Raises
        ------
        ValueError
            When its list was altered, or purchases are not known to the end of the horizon.
        """
        plan = self.get(name).plan
        path = self.folder / name / LIST
        if _digest(path) != plan.list_sha256:
            raise ValueError(
                f"the list of the test '{name}' is not the one that the lot was drawn on: put back "
                f"the file that 'plan-test' wrote ({LIST})"
            )
        effect = measured_effect(
            read_list(path),
            purchases,
            Span(plan.began, plan.weeks),
            outcome=plan.outcome,
            adjusted=plan.adjusted,
        )
        if plan.outcome == "spend":
            effect = effect.model_copy(update={"unit": plan.currency})
        text = effect.model_dump_json(indent=2, exclude_none=True)
        (self.folder / name / RESULT).write_text(text + "\n", encoding="utf-8")
        return Measured(plan=plan, effect=effect)


def _digest(path: Path) -> str:
    if not path.is_file():
        raise ValueError(f"the list {path.name} of the test '{path.parent.name}' is missing")
    return hashlib.sha256(path.read_bytes()).hexdigest()
