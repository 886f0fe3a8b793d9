"""``python -m analysis report``: the value report of an archive."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click

from analysis.cli.bad_input import bad_input


@click.command("report")
@click.argument("archive", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--out",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for report.json, report.html and what belongs to them; made when missing.",
)
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=1,
    show_default=True,
    help="Seed of the draws behind intervals.",
)
@click.option(
    "--run-kind",
    "kinds",
    multiple=True,
    type=click.Choice(["live", "test", "bot"]),
    help="Runs that count, once for each kind; default: live, in a simulated study bots as well.",
)
@click.option(
    "--tests",
    "register",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder of randomised tests, whose measured effects the report tells.",
)
def report(
    archive: Path, out: Path, seed: int, kinds: tuple[str, ...], register: Path | None
) -> None:
    """Make the value report of an archive: report.json, report.html and diagnostics.html."""
    from analysis.archive import read_archive
    from analysis.customers.actions.register import Register
    from analysis.customers.quality.files import SUMMARY, TABLE, write_quality
    from analysis.purchases.winback.campaign import write_list
    from analysis.rendering.charts import draw
    from analysis.rendering.html import diagnostics_html, report_html
    from analysis.rendering.traces import draw_diagnostics
    from analysis.value_report.build import analyse

    with bad_input(ValueError):
        tests = Register(register).every() if register else ()
        source = read_archive(archive)
        found = analyse(source, seed=seed, progress=_saying(), kinds=kinds, tests=tests)
        out.mkdir(parents=True, exist_ok=True)
        write_quality(out, found.quality, found.plan, ended=found.quality_out)
        text = found.report.model_dump_json(indent=2)
        (out / "report.json").write_text(text + "\n", encoding="utf-8")
        listed = ""
        if found.campaign is not None:
            listed = "win-back.csv"
            write_list(found.campaign, out / listed)
        offered = ""
        if found.offers is not None:
            offered = "offers.csv"
            write_list(found.offers, out / offered)
        beside = ""
        if found.diagnostics is not None:
            beside = "diagnostics.html"
            page = diagnostics_html(found.diagnostics, draw_diagnostics(found.diagnostics))
            (out / beside).write_text(page, encoding="utf-8")
        page = report_html(found.report, draw(found.report), diagnostics=beside, win_back=listed)
        (out / "report.html").write_text(page, encoding="utf-8")
    names = ("report.json", "report.html", beside, listed, offered, TABLE, SUMMARY)
    written = ", ".join(name for name in names if name)
    click.echo(f"Wrote {written} into {out}.", err=True)


def _saying() -> Callable[[str, int, int], None]:
    """A progress callback that says each step once, and long ones by the quarter."""
    shown: set[tuple[str, int]] = set()

    def say(step: str, done: int, total: int) -> None:
        quarter = 4 * done // total if total > 100 else done
        if (step, quarter) not in shown:
            shown.add((step, quarter))
            click.echo(f"{step} ({done:,} of {total:,})", err=True)

    return say
