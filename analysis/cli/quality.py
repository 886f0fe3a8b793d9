"""``python -m analysis quality``: flags on the answers of an archive."""

from __future__ import annotations

from pathlib import Path

import click

from analysis.cli.bad_input import bad_input
from analysis.cli.run_kinds import run_kinds


@click.command("quality")
@click.argument("archive", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--out",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for quality.csv and quality.json; made when missing.",
)
@click.option(
    "--estimator",
    type=click.Choice(["mnl", "hb"]),
    help="Fit in which the consistency of choices is judged; default: that of the study's plan.",
)
@run_kinds
@click.option(
    "--seed", type=click.IntRange(min=0), default=1, show_default=True,
    help="Seed of draws and simulated nulls.",
)  # fmt: skip
def quality(
    archive: Path, out: Path, estimator: str | None, kinds: tuple[str, ...], seed: int
) -> None:
    """Flag careless answers, each flag with its rule, its null and its rate; nobody is deleted."""
    from dataclasses import replace

    from analysis.archive import normalised, read_archive
    from analysis.customers.quality.files import SUMMARY, TABLE, write_quality
    from analysis.customers.quality.types import LABELS
    from analysis.value_report.choice_parts import choice_parts
    from analysis.value_report.quality_parts import assessed
    from analysis.value_report.used import used_rows

    with bad_input(ValueError):
        used = used_rows(normalised(read_archive(archive)), kinds)
        if used.respondents.empty:
            raise ValueError(f"nobody completed the study '{used.study.study}'; {used.excluded}")
        if estimator and estimator != used.study.analysis.estimator:
            plan = used.study.analysis.model_copy(update={"estimator": estimator, "prior": None})
            used = replace(used, study=used.study.model_copy(update={"analysis": plan}))
        found = assessed(used, choice_parts(used, seed=seed), seed=seed)
        out.mkdir(parents=True, exist_ok=True)
        write_quality(out, found, used.study.analysis.quality, ended=used.quality_out)
    for rule in found.rules:
        said = rule.unused or (
            f"{len({m.respondent for m in rule.marks})} of {rule.judged} judged; "
            f"careful ones {100 * (rule.rate or 0):.2f} in 100"
        )
        click.echo(f"{LABELS[rule.flag]}: {said}", err=True)
    click.echo(
        f"{len(found.flagged())} of {len(found.flags)} respondents carry a flag; of careful ones "
        f"at most {100 * found.overall:.1f} in 100 would. Wrote {TABLE}, {SUMMARY} into {out}.",
        err=True,
    )
