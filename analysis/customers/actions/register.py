"""The register of randomised tests: a folder with one folder a test.

``NAME/plan.json`` says what, when, who decided and how; ``NAME/list.csv`` which customers the lot
put into which group; both are written once. ``NAME/result.json`` is what was measured.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import pandas as pd

from analysis.customers.actions.measured import Span, measured_effect
from analysis.customers.actions.planned import (
    LIST,
    PLAN,
    RESULT,
    Measured,
    TestPlan,
    stored_test,
    stored_tests,
)
from analysis.purchases.engine import Purchases
from analysis.purchases.winback.campaign import read_list, write_list


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
        return stored_tests(self.folder)

    def get(self, name: str) -> Measured:
        """One test; ValueError when there is none, or its files are damaged."""
        return stored_test(self.folder, name)

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
