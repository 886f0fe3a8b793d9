"""Markets of the simulator that staff saved under a name, by study version."""

from __future__ import annotations

from dataclasses import asdict

from sqlalchemy import Connection, delete, insert, select

from surveyapp.store.records import ScenarioRecord
from surveyapp.store.schema import scenarios


def add(c: Connection, new: ScenarioRecord) -> None:
    """Store a scenario; its name must be new for the study version."""
    c.execute(insert(scenarios).values(asdict(new)))


def get(c: Connection, scenario: str) -> ScenarioRecord | None:
    """A scenario by id, or None."""
    row = c.execute(select(scenarios).where(scenarios.c.scenario == scenario)).first()
    return ScenarioRecord(**row._mapping) if row else None


def of_version(c: Connection, study: str, version: int) -> list[ScenarioRecord]:
    """All scenarios of a study version, by name."""
    wanted = select(scenarios).where(scenarios.c.study == study, scenarios.c.version == version)
    return [ScenarioRecord(**row._mapping) for row in c.execute(wanted.order_by(scenarios.c.name))]


def remove(c: Connection, scenario: str) -> None:
    """Forget a scenario."""
    c.execute(delete(scenarios).where(scenarios.c.scenario == scenario))
