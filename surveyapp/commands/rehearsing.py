"""The full-chain rehearsal, from the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from analysis.study import StudyFaults, faults_before_asking, parse_study
from surveyapp.commands.group import Fault, open_instance, progress_lines, study_or_fault
from surveyapp.store import designs

if TYPE_CHECKING:
    from surveyapp.jobs.full_chain import FullChain

SURE = 0.001
"""Chance below which a distance to the truth is called a disagreement."""


@click.command()
@click.argument("name", metavar="STUDY")
@click.option(
    "--bots",
    type=click.IntRange(10, 100_000),
    default=200,
    show_default=True,
    help="Simulated respondents.",
)
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True, help="Seed.")
def rehearse(name: str, bots: int, seed: int) -> None:
    """Let bots with known part-worths walk the real pages, and compare what comes out.

    The draft is published in a scratch installation that is thrown away: pages, archive and
    estimators are those of this program, and no bot stands among real respondents.
    """
    from analysis.rehearsal import words
    from surveyapp.jobs.full_chain import walk_and_compare

    _, store = open_instance()
    study = parse_study(study_or_fault(store, name).draft)
    faults = faults_before_asking(study)
    if faults:
        raise StudyFaults(faults)
    if study.rehearsed_exercise() is None:
        raise Fault(
            f"The plan of '{name}' reports no choices that respondents make, so nothing can be "
            f"rehearsed. {words.unrehearsed(study)}".strip()
        )
    with store.read() as c:
        drafted = designs.of_version(c, name)
    found = walk_and_compare(
        study, bots=bots, seed=seed, progress=progress_lines(), drafted=drafted
    )
    click.echo(_table(found))
    if found.altered:
        raise Fault(f"{found.altered} choices were stored otherwise than they were made.")


def _table(found: FullChain) -> str:
    head = f"{'':24}{'limit':>9}{'logit':>9}{'se':>8}{'planted':>10}{'hb':>9}{'sd':>8}"
    rows = [
        f"{f'{row.attribute} {row.level}':24}{row.limit:9.3f}{row.logit:9.3f}{row.logit_se:8.3f}"
        f"{row.planted:10.3f}{row.hb:9.3f}{row.hb_sd:8.3f}"
        for row in found.rows
    ]
    return "\n".join(
        [
            f"{found.completed} of {found.bots} bots completed; {found.choices:,} choices in the "
            f"archive, {found.altered} of them altered on the way.",
            head,
            *rows,
            f"Aggregate logit and its own limit: {_agreement(found.logit_distance)}.",
            f"Hierarchical Bayes and the planted means: {_agreement(found.hb_distance)}"
            f"{'' if found.hb_final else '; its chains do not agree yet'}.",
        ]
    )


def _agreement(chance: float) -> str:
    word = "they agree" if chance >= SURE else "they differ"
    return f"{word} (chance of such a distance {chance:.2g})"
