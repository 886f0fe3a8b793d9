"""A planned test and what it changed, as they are kept. Light: the web process imports it."""

from __future__ import annotations

import csv
import hashlib
import json
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from analysis.customers.actions.families import Family, Outcome
from analysis.estimate import Estimate

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
    """Of list.csv: the groups are frozen, but for who is erased."""
    erased: int = 0
    """Customers of the list who were erased since."""


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


def stored_tests(folder: Path) -> tuple[Measured, ...]:
    """All tests of a register, the latest contact first.

    Raises
    ------
    ValueError
        Naming a test whose files cannot be read.
    """
    if not folder.is_dir():
        return ()
    found = [stored_test(folder, path.parent.name) for path in sorted(folder.glob(f"*/{PLAN}"))]
    return tuple(sorted(found, key=lambda test: test.plan.began, reverse=True))


def stored_test(folder: Path, name: str) -> Measured:
    """One test of a register; ValueError when there is none, or its files are damaged."""
    place = folder / name
    if not (place / PLAN).is_file():
        known = ", ".join(sorted(p.parent.name for p in folder.glob(f"*/{PLAN}")))
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


def forget_customer(folder: Path, customer: str) -> int:
    """Take an erased customer out of the lists of all tests; of how many.

    The plan notes it and the new hash first, so that an erasure that is interrupted between the two
    files is finished by repeating it.
    """
    found = 0
    for path in sorted(folder.glob(f"*/{LIST}")):
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        cells = list(csv.reader(lines))
        at = cells[0].index("customer")
        kept = "".join(
            line for line, row in zip(lines, cells, strict=True) if row[at].lstrip("'") != customer
        )
        if len(kept) == sum(map(len, lines)):
            continue
        plan = stored_test(folder, path.parent.name).plan
        digest = hashlib.sha256(kept.encode("utf-8")).hexdigest()
        if plan.list_sha256 != digest:
            plan = plan.model_copy(update={"list_sha256": digest, "erased": plan.erased + 1})
            _replace(path.parent / PLAN, plan.model_dump_json(indent=2) + "\n")
        _replace(path, kept)
        found += 1
    return found


def _replace(path: Path, text: str) -> None:
    draft = path.with_name(f".{path.name}")
    draft.write_text(text, encoding="utf-8", newline="")
    draft.replace(path)
