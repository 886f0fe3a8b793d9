"""Panel providers of studies."""

from __future__ import annotations

from dataclasses import asdict

from sqlalchemy import Connection, insert, select, update

from surveyapp.store.records import PanelRecord
from surveyapp.store.schema import links, panels


def save(c: Connection, new: PanelRecord) -> None:
    """Store a panel; one of that name keeps its id and its key, and gets the rest of the new."""
    known = named(c, new.study, new.name)
    if known is None:
        c.execute(insert(panels).values(asdict(new)))
        return
    changed = {"parameters": new.parameters, "person": new.person, "returns": new.returns}
    c.execute(update(panels).where(panels.c.panel == known.panel).values(changed))


def get(c: Connection, panel: str) -> PanelRecord | None:
    """A panel by id, or None."""
    row = c.execute(select(panels).where(panels.c.panel == panel)).first()
    return PanelRecord(**row._mapping) if row else None


def of_link(c: Connection, link: str) -> PanelRecord | None:
    """The panel whose people use a link, or None."""
    joined = select(panels).join(links, links.c.panel == panels.c.panel)
    row = c.execute(joined.where(links.c.link == link)).first()
    return PanelRecord(**row._mapping) if row else None


def named(c: Connection, study: str, name: str) -> PanelRecord | None:
    """A panel of a study by its name, or None."""
    wanted = (panels.c.study == study) & (panels.c.name == name)
    row = c.execute(select(panels).where(wanted)).first()
    return PanelRecord(**row._mapping) if row else None


def of_study(c: Connection, study: str) -> list[PanelRecord]:
    """The panels of a study by name."""
    rows = c.execute(select(panels).where(panels.c.study == study).order_by(panels.c.name))
    return [PanelRecord(**row._mapping) for row in rows]
