"""``--estimator counts``: how often levels were chosen when offered."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from analysis.cli.bad_input import bad_input
from analysis.cli.partworths.request import Request, read_weights
from analysis.cli.partworths.tables import (
    say,
    summary_head,
    write_csv,
    write_json,
)

if TYPE_CHECKING:
    from analysis.choices.counts import Count

OPTIONS: tuple[str, ...] = ()


def run(request: Request) -> None:
    """Write counts.csv and summary.json."""
    from analysis.choices.counts import fit_counts

    study, table = request.read()
    with bad_input(ValueError):
        found = fit_counts(study, table, weights=read_weights(request.weights))
    out = request.folder()
    none = () if found.none is None else (found.none,)
    write_csv(out / "counts.csv", _count_rows((*found.main, *none, *found.pairs)))
    summary = summary_head("counts", table.exercise.id, request) | {
        "n_respondents": found.n_respondents,
        "n_tasks": found.n_tasks,
        "p_values": dict(found.tests),
        "notes": list(table.notes),
        "warnings": list(found.warnings),
    }
    write_json(out / "summary.json", summary)
    say(request, *table.notes, *found.warnings)


def _count_rows(counts: Sequence[Count]) -> Iterator[dict[str, object]]:
    for count in counts:
        pair = len(count.attribute) == 2
        yield {
            "attribute": count.attribute[0],
            "level": count.level[0],
            "attribute_2": count.attribute[1] if pair else "",
            "level_2": count.level[1] if pair else "",
            "shown": count.shown,
            "chosen": count.chosen,
            "share": count.share.value,
            "low": count.share.low,
            "high": count.share.high,
            "n": count.share.n,
            "unavailable": count.share.reason or "",
        }
