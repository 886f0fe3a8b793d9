"""``python -m analysis check``: every fault of a study file, or 'ok'."""

from __future__ import annotations

from pathlib import Path

import click

from analysis.cli.bad_input import bad_input


@click.command("check")
@click.argument("study", type=click.Path(path_type=Path))
def check(study: Path) -> None:
    """Check the study file STUDY: print 'ok', or list every fault with place and mend.

    What is still missing before respondents may see the study, and which texts are not translated,
    is said on standard error and is no fault of the file.
    """
    from analysis.study import (
        StudyFaults,
        faults_before_publication,
        language_warnings,
        read_study,
    )

    with bad_input(StudyFaults):
        found = read_study(study)
    click.echo("ok")
    for fault in faults_before_publication(found) if found.pages else ():
        click.echo(f"before publication: {fault}", err=True)
    for warning in language_warnings(study.read_bytes()):
        click.echo(f"warning: {warning}", err=True)
