"""What was loaded into the ledgers: every row of every file accounted for."""

from __future__ import annotations

from flask import Response, abort, render_template, request
from flask.typing import ResponseReturnValue
from flask_login import current_user

from analysis.ledgers.kinds import LedgerKind
from analysis.ledgers.stored import SET_APART, set_apart, stored_ledger, stored_ledgers
from surveyapp import current
from surveyapp.access import access
from surveyapp.exports.spreadsheet import csv_lines
from surveyapp.jobs.ledgers import ledgers_folder
from surveyapp.ledgers import uploading  # noqa: F401 - it adds routes
from surveyapp.ledgers.door import door as door
from surveyapp.ledgers.door import kind_of
from surveyapp.store import uploads

LISTED = 100


@door.get("/")
@access("researcher", "administrator")
def every() -> ResponseReturnValue:
    """Each kind of ledger: rows, files, the last load, corrections, rows set apart."""
    found = stored_ledgers(ledgers_folder(current.settings()))
    with current.store().read() as c:
        recent = uploads.newest(c)
    titles = {ledger.kind.name: ledger.kind.title for ledger in found}
    return render_template("ledgers/every.html", ledgers=found, uploads=recent, titles=titles)


@door.get("/<kind>")
@access("researcher", "administrator")
def one(kind: str) -> ResponseReturnValue:
    """One ledger: what became of each file, why rows were set apart, which columns it takes."""
    ledger = stored_ledger(ledgers_folder(current.settings()), kind_of(kind))
    return render_template(
        "ledgers/one.html",
        ledger=ledger,
        loads=ledger.loads[:LISTED],
        texts=current_user.record.identifiers,
    )


@door.get("/<kind>/set-apart.csv")
@access("researcher", "administrator")
def set_apart_file(kind: str) -> ResponseReturnValue:
    """Rows set apart, with all reasons and how to mend them; of one load with ``?load=``."""
    return _csv(kind_of(kind), texts=False)


@door.get("/<kind>/set-apart-with-text.csv")
@access("researcher", "administrator")
def set_apart_texts(kind: str) -> ResponseReturnValue:
    """The same with the rows as they stood: only for those who may see identifiers."""
    if not current_user.record.identifiers:
        abort(403)
    return _csv(kind_of(kind), texts=True)


def _csv(kind: LedgerKind, *, texts: bool) -> Response:
    settings = current.settings()
    raw, load = settings.raw_files if texts else None, request.args.get("load")
    rows = set_apart(ledgers_folder(settings), kind, raw, load=load)
    header = (*SET_APART, "text") if texts else SET_APART
    name = f"{kind.name}-set-apart{'-with-text' if texts else ''}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return Response(csv_lines(header, rows), mimetype="text/csv", headers=headers)
