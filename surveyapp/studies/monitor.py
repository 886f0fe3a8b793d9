"""The field monitor: how a study is going, live."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask import render_template, request
from flask.typing import ResponseReturnValue

from analysis.study import Study
from analysis.study.routing import tasks_shown
from surveyapp import clock, current
from surveyapp.access import access
from surveyapp.store import Connection, links, monitor, quotas
from surveyapp.store.monitor import StepCount
from surveyapp.store.quotas import Fill
from surveyapp.studies import fielding
from surveyapp.studies.door import door, found
from surveyapp.studies.quality_flags import flag_counts

LEFT_AFTER_SECONDS = 30 * 60
"""Who sends nothing for so long has left."""
NOW_SECONDS = 5 * 60
"""What counts as now, of the answers a minute."""
RUN_KINDS = ("live", "test", "bot")
ENDS = ("complete", "screened_out", "quota_full", "quality_out", "declined", "started")


@dataclass(frozen=True, slots=True)
class PageRow:
    """One page, among the people looked at.

    ``seconds`` is the median time; of a page of tasks, that of one task.
    """

    label: str
    sent: int
    here: int
    left: int
    seconds: float | None


@dataclass(frozen=True, slots=True)
class QuotaRow:
    """How full a quota is in a wave."""

    label: str
    wave: str
    limit: int
    taken: int
    held: int


@door.get("/<name>/monitor")
@access("researcher", "administrator")
def field_monitor(name: str) -> ResponseReturnValue:
    """How the fielding goes; a script keeps the figures up to date."""
    record = found(name)
    return render_template(
        "studies/monitor.html", record=record, run_kind=_run_kind(), **_figures(name)
    )


@door.get("/<name>/monitor/figures")
@access("researcher", "administrator")
def monitor_figures(name: str) -> ResponseReturnValue:
    """The figures alone, as the script of the page asks for them."""
    return render_template("studies/monitor_figures.html", run_kind=_run_kind(), **_figures(name))


def _run_kind() -> str:
    wanted = request.args.get("run_kind", "live")
    return wanted if wanted in RUN_KINDS else "live"


def _figures(name: str) -> dict[str, object]:
    record, run_kind = found(name), _run_kind()
    with current.store().read() as c:
        version = fielding.newest(c, record)
        if version is None:
            return {"study": None}
        study = fielding.read_definition(version.definition)
        left_before = clock.now(plus_seconds=-LEFT_AFTER_SECONDS)
        by_step, n_pages = monitor.steps(
            c, name, run_kind, version.version, left_before=left_before
        )
        seconds, n_seconds = monitor.completion_seconds(c, name, run_kind)
        recent, active = monitor.answers_since(
            c, name, run_kind, clock.now(plus_seconds=-NOW_SECONDS)
        )
        counted = monitor.ends(c, name, run_kind)
        batches = links.batches(c, name, at=clock.now())
        return {
            "study": study,
            "version": version.version,
            "ends": {end: counted.get(end, 0) for end in ENDS},
            "started": sum(counted.values()),
            "pages": page_rows(study, by_step),
            "n_pages": n_pages,
            "seconds": seconds,
            "n_seconds": n_seconds,
            "a_minute": recent * 60 / NOW_SECONDS,
            "active": active,
            "devices": monitor.devices(c, name, run_kind),
            "cells": _cells(c, study, run_kind),
            "quotas": quota_rows(study, quotas.fill(c, name, run_kind, at=clock.now())),
            "batches": [batch for batch in batches if batch.run_kind == run_kind],
            "flags": flag_counts(c, study, run_kind),
            "now": clock.now(),
        }


def page_rows(study: Study, by_step: Sequence[StepCount]) -> list[PageRow]:
    """The pages in order; the tasks of a page counted together, sent when the last one was."""
    known = {row.step: row for row in by_step}
    rows = []
    for page in study.pages:
        tasks = tasks_shown(study, page)
        ids = [f"{page.id}.{n}" for n in range(1, tasks + 1)] or [page.id]
        found = [known[step] for step in ids if step in known]
        timed = sorted(row.seconds for row in found if row.seconds is not None)
        last = known.get(ids[-1])
        rows.append(
            PageRow(
                label=page.title.say() if page.title else page.id,
                sent=last.sent if last else 0,
                here=sum(row.here for row in found),
                left=sum(row.left for row in found),
                seconds=timed[len(timed) // 2] if timed else None,
            )
        )
    return rows


def quota_rows(study: Study, filled: Sequence[Fill]) -> list[QuotaRow]:
    """The quotas of a study, in every wave in which somebody has a place."""
    known = {(fill.quota, fill.wave): fill for fill in filled}
    waves = sorted({fill.wave for fill in filled}) or [""]
    return [
        QuotaRow(
            quota.label.say() if quota.label else quota.id,
            wave,
            quota.limit,
            fill.taken if fill else 0,
            fill.held if fill else 0,
        )
        for wave in waves
        for quota in study.quotas
        for fill in [known.get((quota.id, wave))]
    ]


def _cells(c: Connection, study: Study, run_kind: str) -> list[dict[str, object]]:
    """The cells with what is due to each by its weight."""
    counted = monitor.cells(c, study.study, run_kind)
    labels = {cell.id: cell.label.say() if cell.label else cell.id for cell in study.cells}
    weights = {cell.id: cell.weight for cell in study.cells}
    started: dict[str, int] = {}
    for row in counted:
        started[row.wave] = started.get(row.wave, 0) + row.started
    return [
        {
            "label": labels.get(row.cell, row.cell),
            "wave": row.wave,
            "started": row.started,
            "complete": row.complete,
            "all": started[row.wave],
            "due": weights.get(row.cell, 0) / max(sum(weights.values()), 1),
        }
        for row in counted
    ]
