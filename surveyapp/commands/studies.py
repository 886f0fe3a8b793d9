"""Studies, from the command line."""

from __future__ import annotations

from pathlib import Path

import click

from analysis.study import Study, StudyFaults, dump_study, faults_before_publication, parse_study
from analysis.study.design_layouts import LAYOUTS
from surveyapp import clock, tokens
from surveyapp.commands.group import Fault, Group, open_instance, progress_lines, study_or_fault
from surveyapp.store import Store, designs, images, studies

STUDY_FILE = click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))

EXERCISE = click.option("--exercise", help="Id of the exercise; default: the only one on a page.")
LAYOUT = click.option(
    "--layout", type=click.Choice(LAYOUTS), help="Layout of the file; default: by its columns."
)
BY = "command line"


@click.group(cls=Group)
def study() -> None:
    """Studies: check, add, design, rehearse, publish, list."""


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
@click.option(
    "--design",
    "file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Choice tasks from a file in place of made ones; kept with the draft.",
)
@EXERCISE
@LAYOUT
def publish(
    name: str,
    import_only: bool,
    despite: str | None,
    file: Path | None,
    exercise: str | None,
    layout: str | None,
) -> None:
    """Freeze the draft as the next version, with its choice tasks.

    A study that reports choices is rehearsed first and refused when it cannot reach its targets.
    A study without pages is published for imported answers only.
    """
    from analysis.rehearsal import words
    from surveyapp.jobs import publish as publishing

    _, store = open_instance()
    draft = parse_study(study_or_fault(store, name).draft)
    import_only = import_only or not draft.pages
    if import_only and file:
        raise Fault("A version for imported answers has no choice tasks: leave out --design.")
    if not import_only:
        _refuse_unfieldable(draft)
    if file:
        _keep_file(store, draft, file, exercise, layout)
    newest = publishing.publish(
        store,
        draft,
        dump_study(draft),
        by=BY,
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
@click.argument(
    "file", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@EXERCISE
@LAYOUT
@click.option("--remove", is_flag=True, help="Forget the file; tasks are made again.")
def design(
    name: str, file: Path | None, exercise: str | None, layout: str | None, remove: bool
) -> None:
    """Use the choice tasks of a design FILE for the draft, after a check, and say what they tell.

    Without FILE the tasks are made. What is shown here is what is rehearsed and published.
    """
    from surveyapp.jobs.designing import fielded_exercise, tasks_of_draft

    _, store = open_instance()
    draft = parse_study(study_or_fault(store, name).draft)
    wanted = fielded_exercise(draft, exercise).id
    if remove and file:
        raise Fault("Name a file or --remove, not both.")
    if remove:
        with store.write() as c:
            designs.remove(c, name, wanted)
        click.echo(f"The choice tasks of '{wanted}' will be made.")
        return
    if file:
        _keep_file(store, draft, file, wanted, layout)
    progress = progress_lines()
    record = tasks_of_draft(store, draft, wanted, by=BY, progress=progress)[1]
    for warning in record.found["warnings"]:
        click.echo(f"Warning: {warning}.", err=True)
    click.echo("\n".join(record.found["sentences"]))


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


def _keep_file(
    store: Store, draft: Study, file: Path, exercise: str | None, layout: str | None
) -> None:
    from surveyapp.jobs.designing import keep_file
    from surveyapp.jobs.queue import DesignFile

    text = file.read_bytes().decode("utf-8-sig", errors="replace")
    upload = DesignFile(file.name, text, layout)
    record = keep_file(store, draft, exercise, upload, by=BY)
    click.echo(f"The draft uses the choice tasks of {file.name} ({record.layout} layout).")


def _refuse_unfieldable(draft: Study) -> None:
    faults = faults_before_publication(draft)
    if faults:
        hint = (
            "To analyse answers collected elsewhere, without asking anybody: "
            f"surveyapp study publish {draft.study} --import-only"
        )
        raise Fault(f"{StudyFaults(faults)}\n{hint}")
