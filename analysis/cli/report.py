"""``python -m analysis report``: the value report of an archive."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from analysis.cli.bad_input import bad_input
from analysis.cli.run_kinds import run_kinds

if TYPE_CHECKING:
    from analysis.value_report.changes import Earlier
    from analysis.value_report.subset import Group


@click.command("report")
@click.argument("archive", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--format",
    "formats",
    type=click.Choice(["html", "json", "pdf", "pptx", "xlsx"]),
    multiple=True,
    default=("html", "json"),
    show_default=True,
    help="What to write; may be given several times.",
)
@click.option(
    "--only",
    "groups",
    metavar="NAME=VALUE",
    multiple=True,
    help="Report on some respondents: wave, language, cell, or a question of the plan's groups.",
)
@click.option(
    "--before",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="An earlier archive of the study: the report says what has changed since.",
)
@click.option("--no-customers", is_flag=True, help="Leave out the lists of single customers.")
@click.option(
    "--out",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for report.FORMAT and what belongs to it; made when missing.",
)
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=1,
    show_default=True,
    help="Seed of the draws behind intervals.",
)
@run_kinds
@click.option(
    "--tests",
    "register",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder of randomised tests, whose measured effects the report tells.",
)
def report(archive: Path, out: Path, seed: int, no_customers: bool, **asked: Any) -> None:
    """Make the value report of an archive as report.html, report.json, .pdf, .pptx or .xlsx."""
    from analysis.archive import read_archive
    from analysis.customers.actions.register import Register
    from analysis.customers.quality.files import SUMMARY, TABLE, write_quality
    from analysis.purchases.winback.campaign import write_list
    from analysis.rendering.charts import draw
    from analysis.rendering.files import Beside, report_as
    from analysis.rendering.html import diagnostics_html
    from analysis.rendering.traces import draw_diagnostics
    from analysis.value_report.build import analyse
    from analysis.value_report.subset import parse_groups

    with bad_input(ValueError):
        only, kinds = parse_groups(asked["groups"]), asked["kinds"]
        earlier = _earlier(asked["before"], only, seed) if asked["before"] else None
        found = analyse(
            read_archive(archive),
            seed=seed,
            progress=_saying(),
            kinds=kinds,
            only=only,
            earlier=earlier,
            tests=Register(asked["register"]).every() if asked["register"] else (),
        )
        out.mkdir(parents=True, exist_ok=True)
        write_quality(out, found.quality, found.plan, ended=found.quality_out)
        listed = ""
        if found.campaign is not None and not no_customers:
            listed = "win-back.csv"
            write_list(found.campaign, out / listed)
        offered = ""
        if found.offers is not None and not no_customers:
            offered = "offers.csv"
            write_list(found.offers, out / offered)
        joined = ""
        if found.joined is not None and not no_customers:
            joined = "joined.csv"
            write_list(found.joined.reset_index(), out / joined)
        beside = ""
        if found.diagnostics is not None:
            beside = "diagnostics.html"
            page = diagnostics_html(found.diagnostics, draw_diagnostics(found.diagnostics))
            (out / beside).write_text(page, encoding="utf-8")
        with_it = Beside(customers=not no_customers, diagnostics=beside, win_back=listed)
        charts = draw(found.report)
        names = [f"report.{kind}" for kind in dict.fromkeys(asked["formats"])]
        for name in names:
            kind = name.rpartition(".")[2]
            (out / name).write_bytes(report_as(kind, found.report, charts, with_it))
    names += [beside, listed, offered, joined, TABLE, SUMMARY]
    written = ", ".join(name for name in names if name)
    click.echo(f"Wrote {written} into {out}.", err=True)


def _earlier(path: Path, only: Sequence[Group], seed: int) -> Earlier:
    """The report of an earlier archive, with whom it rests on."""
    from analysis.archive import read_archive
    from analysis.value_report.build import analyse
    from analysis.value_report.changes import Earlier

    archive = read_archive(path)
    click.echo(f"Making the earlier report, of {path}", err=True)
    found = analyse(archive, seed=seed, only=only).report
    made = archive.facts.get("created", "")[:10] or found.header.last_answer
    return Earlier(found, made, frozenset(archive.respondents["respondent"]))


def _saying() -> Callable[[str, int, int], None]:
    """A progress callback that says each step once, and long ones by the quarter."""
    shown: set[tuple[str, int]] = set()

    def say(step: str, done: int, total: int) -> None:
        quarter = 4 * done // total if total > 100 else done
        if (step, quarter) not in shown:
            shown.add((step, quarter))
            click.echo(f"{step} ({done:,} of {total:,})", err=True)

    return say
