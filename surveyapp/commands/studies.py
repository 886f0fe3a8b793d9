"""Studies, from the command line."""

from __future__ import annotations

from pathlib import Path

import click

from analysis.study import Study, StudyFaults, dump_study, faults_before_publication, parse_study
from surveyapp import clock, tokens
from surveyapp.commands.group import Fault, Group, open_instance, progress_lines, study_or_fault
from surveyapp.store import images, studies

STUDY_FILE = click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))


@click.group(cls=Group)
def study() -> None:
    """Studies: check, add, rehearse, publish, list."""


@study.command()
@STUDY_FILE
def check(file: Path) -> None:
    """Say "ok", or list every fault of a study file."""
    found = parse_study(file.read_bytes())
    click.echo("ok")
    for fault in faults_before_publication(found):
        click.echo(f"before it can be fielded: {fault}", err=True)


@study.command()
@STUDY_FILE
def add(file: Path) -> None:
    """Store a study file as the draft of its study, with its images.

    Images that the study names are taken from the folder 'images' beside the file.
    """
    text = file.read_bytes()
    found = parse_study(text)
    _, store = open_instance()
    try:
        with store.write() as c:
            studies.save_draft(
                c, found.study, str(found.title), text.decode("utf-8-sig"), at=clock.now()
            )
            for name in sorted(found.images()):
                path = file.parent / "images" / name
                if path.is_file():
                    images.add(c, found.study, name, path.read_bytes(), at=clock.now())
    except images.ImageFault as fault:
        raise Fault(str(fault)) from None
    click.echo(f"Stored the draft of '{found.study}'. Next: surveyapp study publish {found.study}")


@study.command()
@click.argument("name", metavar="STUDY")
@click.option(
    "--import-only",
    is_flag=True,
    help="Publish for choices collected elsewhere: no tasks are made, nobody can be asked.",
)
@click.option(
    "--despite",
    metavar="REASON",
    help="Publish a study whose rehearsal misses its targets; the reason is kept and shown.",
)
def publish(name: str, import_only: bool, despite: str | None) -> None:
    """Freeze the draft as the next version, with its choice tasks.

    A study that reports choices is rehearsed first and refused when it cannot reach its targets.
    A study without pages is published for imported answers only.
    """
    from analysis.rehearsal import words
    from surveyapp.jobs import publish as publishing

    _, store = open_instance()
    draft = parse_study(study_or_fault(store, name).draft)
    import_only = import_only or not draft.pages
    if not import_only:
        _refuse_unfieldable(draft)
    newest = publishing.publish(
        store,
        draft,
        dump_study(draft),
        by="command line",
        import_only=import_only,
        despite=despite,
        progress=progress_lines(),
    )
    use = (
        "It takes imported answers only (surveyapp responses import); nobody can be asked."
        if import_only
        else "It can be fielded."
    )
    click.echo(f"'{name}' has the published version {newest}. {use}")
    said = "" if import_only else words.unrehearsed(draft)
    if said:
        click.echo(said, err=True)


@study.command()
@click.argument("name", metavar="STUDY")
def rehearse(name: str) -> None:
    """Try the draft on simulated respondents and keep the result for the gate of publishing.

    The same as the button on the study's page; `python -m analysis rehearse` writes files.
    """
    from analysis.rehearsal import words
    from analysis.rehearsal.types import Rehearsal
    from surveyapp.jobs.rehearse import rehearse_and_keep

    _, store = open_instance()
    draft = parse_study(study_or_fault(store, name).draft)
    record = rehearse_and_keep(
        store,
        tokens.new_id(),
        dump_study(draft),
        whole=True,
        progress=progress_lines(),
    )
    found = Rehearsal.model_validate_json(record.document)
    click.echo("\n".join([words.headline(found), *words.sentences(found)]))


@study.command("list")
def list_() -> None:
    """List the studies, one a line: id, newest version, title."""
    _, store = open_instance()
    with store.read() as c:
        for record in studies.every(c):
            click.echo(f"{record.study}\t{record.version or 'draft'}\t{record.title}")


def _refuse_unfieldable(draft: Study) -> None:
    faults = faults_before_publication(draft)
    if faults:
        hint = (
            "To analyse answers collected elsewhere, without asking anybody: "
            f"surveyapp study publish {draft.study} --import-only"
        )
        raise Fault(f"{StudyFaults(faults)}\n{hint}")
