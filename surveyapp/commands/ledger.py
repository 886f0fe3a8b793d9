"""Ledgers of purchases and of everything else that is known of customers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from surveyapp.commands.group import Fault, Group, open_instance, say
from surveyapp.commands.mapping import read_mapping

if TYPE_CHECKING:
    from collections.abc import Callable

FILES = click.argument(
    "files",
    nargs=-1,
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
)
OPTIONS = (
    click.option("--map", "mapping", multiple=True, help="Columns: customer=id,time=date,..."),
    click.option("--source", help="Where the files come from, such as 'web shop'."),
    click.option("--currency", help="Currency of amounts without one, such as USD."),
    click.option("--zone", help="Zone of times without an offset, such as Europe/Berlin."),
    click.option("--zones", multiple=True, help="Zones by store: STORE=ZONE,..."),
    click.option("--time-format", help="Format of times, such as '%d.%m.%Y %H:%M'."),
    click.option("--decimal", type=click.Choice(["point", "comma"]), help="Of amounts."),
    click.option("--encoding", help="Encoding of the files, such as cp1252."),
    click.option("--delimiter", help="Character between cells."),
    click.option("--largest", type=float, help="Largest amount that is believed."),
    click.option("--saved", metavar="NAME", help="Read the files as saved under this name."),
    click.option("--save", metavar="NAME", help="Save how the files are written by this name."),
    click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON."),
)


def _options(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in reversed(OPTIONS):
        command = option(command)
    return command


@click.group(cls=Group)
def purchases() -> None:
    """Purchases: load them into the ledger."""


@purchases.command("load")
@FILES
@_options
def load_purchases(files: tuple[Path, ...], **options: Any) -> None:
    """Load purchase files (CSV or Parquet); rows that cannot be accepted are set apart.

    Exit code 0 also when rows were set apart: the summary counts them by reason.
    """
    _load("purchases", files, options)


@click.group(cls=Group)
def ledgers() -> None:
    """Ledgers: purchases, events, contacts, offers, costs, margins, availability."""


@ledgers.command("load")
@click.argument("kind")
@FILES
@_options
def load_kind(kind: str, files: tuple[Path, ...], **options: Any) -> None:
    """Load files into the ledger of a KIND; `surveyapp ledgers list` shows the kinds."""
    _load(kind, files, options)


@ledgers.command("list")
@click.option("--columns", is_flag=True, help="Also the columns of each kind.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def list_(columns: bool, as_json: bool) -> None:
    """The kinds of ledgers, with the files, rows, corrections and rows set apart of each."""
    from analysis.ledgers.kinds import KINDS
    from analysis.ledgers.looking import overview
    from surveyapp.jobs.ledgers import ledgers_folder

    settings, _ = open_instance()
    found = overview(ledgers_folder(settings))
    if as_json:
        click.echo(json.dumps(found, indent=1))
        return
    for row in found:
        click.echo(
            f"{row['kind']:<13} {row['rows']:>12,} rows, {row['history']:,} corrected, "
            f"{row['quarantine']:,} set apart, {row['files']:,} files: {row['title']}"
        )
        for column in KINDS[str(row["kind"])].columns if columns else ():
            words = f" ({', '.join(column.words)})" if column.words else ""
            needed = ", required" if column.required else ""
            click.echo(f"  {column.name}: {column.kind}{needed}{words} {column.help}".rstrip())


@ledgers.command()
@click.argument("kind")
@click.option("--out", type=click.Path(path_type=Path), help="CSV file; default: the first 50.")
def quarantine(kind: str, out: Path | None) -> None:
    """Rows that were not accepted: file, row, all reasons in their order, and the text."""
    from analysis.ledgers.looking import read_quarantine_of
    from surveyapp.exports.spreadsheet import safe
    from surveyapp.jobs.ledgers import loading

    settings, _ = open_instance()
    how = loading(settings, kind)
    found = read_quarantine_of(how.folder, how.kind, how.raw)
    found["reasons"] = [" ".join(reasons) for reasons in found["reasons"]]
    if out is not None:
        found["text"] = [safe(str(text)) for text in found["text"]]
        found.drop(columns=["reason"]).to_csv(out, index=False)
        click.echo(f"Wrote {len(found):,} rows to {out}.")
        return
    for row in found.head(50).to_dict("records"):
        click.echo(f"{row['file']} row {row['row']}: {row['reasons']}")
        click.echo(f"  {row['text']}")
    if len(found) > 50:
        click.echo(f"and {len(found) - 50:,} more: --out FILE.csv writes all")


@ledgers.command()
@click.argument("kind")
@click.option("--out", type=click.Path(path_type=Path), help="CSV file of the corrected rows.")
@click.option("--json", "as_json", is_flag=True, help="The loads as JSON.")
def history(kind: str, out: Path | None, as_json: bool) -> None:
    """The loads of a ledger, and the rows that later files corrected."""
    from analysis.ledgers.folder import load_records
    from analysis.ledgers.looking import read_history_of
    from surveyapp.jobs.ledgers import loading

    settings, _ = open_instance()
    how = loading(settings, kind)
    records = load_records(how.folder)
    if out is not None:
        rows = read_history_of(how.folder, how.kind)
        rows.to_csv(out, index=False)
        click.echo(f"Wrote {len(rows):,} corrected rows to {out}.")
    elif as_json:
        click.echo(json.dumps(list(records.values()), indent=1))
    else:
        for record in records.values():
            click.echo(
                f"{record['at']} {record['file']}: {record['rows']:,} rows, "
                f"{record['accepted']:,} accepted ({record['superseding']:,} corrections), "
                f"{record['duplicates']:,} known already, {record['quarantined']:,} set apart"
            )


def _load(kind: str, files: tuple[Path, ...], options: dict[str, Any]) -> None:
    from analysis.ledgers.load import load_files
    from surveyapp.jobs.ledgers import chosen_layout, ledgers_folder, loading

    settings, _ = open_instance()
    how = loading(settings, kind, _progress())
    folder = ledgers_folder(settings) / "layouts"
    for name in ("saved", "save"):
        _check_name(options[name])
    columns, zones = read_mapping(options["mapping"]), read_mapping(options["zones"])
    layout = chosen_layout(options, folder, columns=columns, zones=zones)
    if options["save"]:
        layout.save(folder / f"{options['save']}.json")
    summary = load_files(files, how, layout)
    if options["as_json"]:
        click.echo(json.dumps([_as_json(file.as_record()) for file in summary.files], indent=1))
    else:
        _tell(summary)


def _as_json(record: dict[str, Any]) -> dict[str, Any]:
    return {**record, "reconciled": True}


def _check_name(name: str | None) -> None:
    if name and not name.replace("-", "").replace("_", "").isalnum():
        raise Fault(f"'{name}' is no name to save by: use letters, digits, - and _.")


def _progress() -> Callable[[str, int, int], None]:
    """Say each step once, and every tenth of a long one."""
    said: set[str] = set()

    def progress(step: str, done: int, total: int) -> None:
        tenth = f"{step} {100 * done // total // 10 * 10} %" if total > 50_000_000 else step
        if tenth not in said:
            said.add(tenth)
            say(tenth)

    return progress


def _tell(summary: Any) -> None:
    for file in summary.files:
        before = "loaded before: " if file.already_loaded else ""
        more = f", {file.superseding:,} of them corrections" if file.superseding else ""
        click.echo(
            f"{file.file}: {before}{file.rows:,} rows, {file.accepted:,} accepted{more}, "
            f"{file.duplicates:,} known already, {file.quarantined:,} set apart"
        )
        for reason, n in file.reasons.items():
            click.echo(f"  {reason}: {n:,}")
        if file.erased:
            click.echo(f"  {file.erased:,} rows of erased customers were left out")
        if file.ambiguous_times:
            click.echo(f"  {file.ambiguous_times:,} times came twice that night: the earlier taken")
        for note in file.notes:
            click.echo(f"  {note}")
