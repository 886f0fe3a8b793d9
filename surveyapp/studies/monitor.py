"""The field monitor: how a study is going, live."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from flask import render_template, request
from flask.typing import ResponseReturnValue

from analysis.study import Study
from analysis.study.routing import tasks_shown
from surveyapp import clock, current
from surveyapp.access import access
from surveyapp.store import links, monitor, quotas
from surveyapp.store.monitor import Standing, StepCount
from surveyapp.store.quotas import Fill
from surveyapp.studies import fielding, mailings_counted
from surveyapp.studies.door import door, found
from surveyapp.studies.quality_flags import flag_counts

LEFT_AFTER_SECONDS = 30 * 60
"""Who sends nothing for so long has left."""
NOW_SECONDS = 5 * 60
"""What counts as now, of the answers a minute."""
RUN_KINDS = ("live", "test", "bot")
ENDS = ("complete", "screened_out", "quota_full", "quality_out", "declined", "withdrawn", "started")


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


@dataclass(frozen=True, slots=True)
class CellRow:
    """A cell in a wave: who started and completed, all who started, and the share due to it."""

    label: str
    wave: str
    started: int
    complete: int
    all: int
    due: float


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
        standing = monitor.standing(c, name, run_kind)
        ended = _by(standing, lambda row: row.ended)
        started = _by(standing, lambda row: row.device)
        complete = _by([r for r in standing if r.ended == "complete"], lambda row: row.device)
        batches = links.batches(c, name, at=clock.now())
        return {
            "study": study,
            "version": version.version,
            "ends": {end: ended[end] for end in ENDS},
            "started": ended.total(),
            "pages": page_rows(study, by_step),
            "n_pages": n_pages,
            "seconds": seconds,
            "n_seconds": n_seconds,
            "a_minute": recent * 60 / NOW_SECONDS,
            "active": active,
            "devices": {device: (n, complete[device]) for device, n in started.items()},
            "cells": cell_rows(study, standing),
            "quotas": quota_rows(study, quotas.fill(c, name, run_kind, at=clock.now())),
            "batches": [batch for batch in batches if batch.run_kind == run_kind],
            "mailings": mailings_counted.of_study(c, name, run_kind),
            "flags": flag_counts(c, study, version.version, run_kind, known=current.flags()),
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


def cell_rows(study: Study, standing: Sequence[Standing]) -> list[CellRow]:
    """The cells in every wave in which somebody has one."""
    known = [row for row in standing if row.cell]
    started = _by(known, lambda row: (row.wave, row.cell))
    complete = _by([r for r in known if r.ended == "complete"], lambda row: (row.wave, row.cell))
    in_wave = _by(known, lambda row: row.wave)
    total = sum(cell.weight for cell in study.cells)
    return [
        CellRow(
            cell.label.say() if cell.label else cell.id,
            wave,
            started[wave, cell.id],
            complete[wave, cell.id],
            in_wave[wave],
            cell.weight / total,
        )
        for wave in sorted(in_wave)
        for cell in study.cells
    ]


def _by(rows: Iterable[Standing], key: Callable[[Standing], Hashable]) -> Counter[Any]:
    counted: Counter[Any] = Counter()
    for row in rows:
        counted[key(row)] += row.n
    return counted
