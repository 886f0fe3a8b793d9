"""``python -m analysis report``: the value report of an archive."""

from __future__ import annotations

from pathlib import Path

import click

from analysis.cli.bad_input import bad_input


@click.command("report")
@click.argument("archive", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--out",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for report.json and report.html; made when missing.",
)
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=1,
    show_default=True,
    help="Seed of the draws behind intervals.",
)
def report(archive: Path, out: Path, seed: int) -> None:
    """Make the value report of an archive: report.json and report.html."""
    from analysis.archive import read_archive
    from analysis.rendering.charts import draw
    from analysis.rendering.html import report_html
    from analysis.value_report.build import build_report

    with bad_input(ValueError):
        found = build_report(read_archive(archive), seed=seed, progress=_say)
        out.mkdir(parents=True, exist_ok=True)
        (out / "report.json").write_text(found.model_dump_json(indent=2) + "\n", encoding="utf-8")
        (out / "report.html").write_text(report_html(found, draw(found)), encoding="utf-8")
    click.echo(f"Wrote {out / 'report.json'} and {out / 'report.html'}.", err=True)


def _say(step: str, done: int, total: int) -> None:
    click.echo(f"{step} ({done} of {total})", err=True)
