"""The manager's pages on customers; nothing is computed here but what a page adds up."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flask import Blueprint, Response, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from analysis.customer_key import customer_key
from surveyapp import current
from surveyapp.access import access
from surveyapp.customers.answered import answered_by
from surveyapp.customers.movement import earlier_runs, moves_between
from surveyapp.customers.runs import HEIGHT, LEAST, WIDTH, Chosen, chosen, drawing
from surveyapp.customers.words import breadth_words, offer_words
from surveyapp.exports.spreadsheet import csv_lines

door = Blueprint("customers", __name__, url_prefix="/customers")

LISTED, DAYS = 50, 20
WIN_BACK = (
    "rank", "customer", "group", "reason", "spend_at_risk", "value_at_risk", "chance",
    "days_last_13_weeks", "expected_13_weeks", "alarmed_on",
)  # fmt: skip


@door.get("/")
@access("manager", "administrator")
def overview() -> ResponseReturnValue:
    """Tiers and movement between them, and the way to everything else."""
    run = chosen()
    if run is None:
        return render_template("customers/none.html")
    with run.scores() as scores:
        return _page(
            "overview",
            run,
            tiers=scores.table("tiers"),
            moves=scores.table("moves"),
            offers=scores.table("offers"),
            facts=scores.facts(),
        )


@door.get("/list")
@access("manager", "administrator")
def every() -> ResponseReturnValue:
    """Customers by rank, of a tier or whose pseudonym begins so."""
    run = _run()
    begins, tier = request.args.get("begins", "").strip().lower(), request.args.get("tier", "")
    after = max(request.args.get("after", 0, type=int), 0)
    with run.scores() as scores:
        found = scores.search(begins=begins, tier=tier, limit=LISTED + 1, after=after)
    if len(found) == 1 and begins and not after:
        return redirect(url_for(".one", customer=found[0]["customer"], run=run.name), code=303)
    return _page(
        "list", run, found=found[:LISTED], more=len(found) > LISTED,
        begins=begins, tier=tier, after=after, size=LISTED,
    )  # fmt: skip


@door.get("/list.csv")
@access("manager", "administrator")
def every_file() -> ResponseReturnValue:
    """All scores of the run, or of a tier, as a file."""
    run, tier = _run(), request.args.get("tier", "")

    def rows() -> Iterator[list[object]]:
        with run.scores() as scores:
            for row in scores.every(tier=tier):
                words = (offer_words(row), breadth_words(row))
                yield [*(row[name] for name in columns), *words]

    with run.scores() as scores:
        columns = scores.columns()
    lines = csv_lines((*columns, "offers_in_words", "breadth_in_words"), rows())
    return _csv(lines, f"scores-{run.record['as_of']}.csv")


@door.post("/find")
@access("manager", "administrator")
def find() -> ResponseReturnValue:
    """A customer by the identifier of the company: only for those who may see identifiers."""
    if not current_user.record.identifiers:
        abort(403)
    identifier = request.form.get("identifier", "")[:200]
    try:
        key = customer_key(identifier, current.settings().customer_key)
    except ValueError:
        flash("Enter an identifier.", "error")
        return redirect(url_for(".overview"), code=303)
    run = _run()
    with run.scores() as scores:
        if scores.customer(key) is None:
            flash("No customer of this run has that identifier.", "error")
            return redirect(url_for(".overview"), code=303)
    return redirect(url_for(".one", customer=key), code=303)


@door.get("/one/<customer>")
@access("manager", "administrator")
def one(customer: str) -> ResponseReturnValue:
    """One customer: score with limits, purchases, tier, lifetime value, alarm, surveys."""
    run = _run()
    after = max(request.args.get("after", 0, type=int), 0)
    with run.scores() as scores:
        score = scores.customer(customer) or abort(404)
        weeks = scores.series(customer)
    history = []
    for record in run.every[:12]:
        with Chosen(record, run.every, run.folder.parent / record["run"]).scores() as earlier:
            history.append((record, earlier.customer(customer)))
    more: dict[str, Any] = {"value": None, "alarm": None, "days": [], "count": 0, "events": []}
    outlook = run.outlook()
    if outlook is not None:
        with outlook:
            more = {
                "value": outlook.value(customer),
                "alarm": outlook.alarm(customer),
                "days": outlook.days(customer, limit=DAYS, after=after),
                "count": outlook.count_days(customer),
                "events": outlook.events(customer),
                "facts": outlook.facts(),
            }
    more["surveys"] = answered_by(current.store(), customer)
    return _page(
        "one", run, score=score, weeks=weeks, drawn=drawing(weeks, score), history=history,
        after=after, size=DAYS, width=WIDTH, height=HEIGHT,
        offers=offer_words(score), breadth=breadth_words(score), **more,
    )  # fmt: skip


@door.get("/movement")
@access("manager", "administrator")
def movement() -> ResponseReturnValue:
    """Movement between the tiers of two runs, chosen by their day."""
    run = _run()
    known = earlier_runs(run)
    wanted = request.args.get("since", "")
    since = next((r for r in known if r["run"] == wanted), None) if wanted else None
    if wanted and since is None:
        abort(404)
    since = since or next(iter(known), None)
    moves = moves_between(run, since) if since else []
    return _page("movement", run, known=known, since=since, moves=moves)


@door.get("/retention")
@access("manager", "administrator")
def retention() -> ResponseReturnValue:
    """Who of each month's new customers still buys, month by month."""
    run = _run()
    with run.scores() as scores:
        cells, kept = scores.table("cohorts"), scores.table("retention")
    triangle: dict[str, dict[int, dict[str, Any]]] = {}
    for cell in cells:
        triangle.setdefault(cell["cohort"], {})[cell["age"]] = cell
    ages = range(max((cell["age"] for cell in cells), default=-1) + 1)
    return _page("retention", run, triangle=triangle, ages=ages, kept=kept)


@door.get("/acquisition")
@access("manager", "administrator")
def acquisition() -> ResponseReturnValue:
    """What customers are worth against what it cost to win them."""
    run = _run()
    outlook = run.outlook()
    if outlook is None:
        return _page("acquisition", run, rows=None, facts={})
    with outlook:
        return _page("acquisition", run, rows=outlook.table("acquisition"), facts=outlook.facts())


@door.get("/win-back")
@access("manager", "administrator")
def win_back() -> ResponseReturnValue:
    """Declining customers, the most at risk first, within what can be written to."""
    run, capacity = _run(), _capacity()
    after = max(request.args.get("after", 0, type=int), 0)
    outlook = run.outlook()
    if outlook is None:
        return _page("win_back", run, rows=None, counts={}, facts={}, capacity=capacity)
    with outlook:
        rows = outlook.win_back(capacity=capacity, limit=LISTED + 1, after=after)
        counts, facts = outlook.win_back_counts(capacity), outlook.facts()
    return _page(
        "win_back", run, rows=rows[:LISTED], more=len(rows) > LISTED, counts=counts, facts=facts,
        capacity=capacity, after=after, size=LISTED,
    )  # fmt: skip


@door.get("/win-back.csv")
@access("manager", "administrator")
def win_back_file() -> ResponseReturnValue:
    """The same as a file for the campaign."""
    run = _run()
    outlook = run.outlook()
    if outlook is None:
        abort(404)
    with outlook:
        rows = outlook.win_back(capacity=_capacity())
    lines = csv_lines(WIN_BACK, ([row[name] for name in WIN_BACK] for row in rows))
    return _csv(lines, f"win-back-{run.record['as_of']}.csv")


def _csv(lines: Iterator[str], name: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(lines, mimetype="text/csv", headers=headers)


def _run() -> Chosen:
    return chosen() or abort(404)


def _capacity() -> int | None:
    found = request.args.get("capacity", type=int)
    return found if found is not None and found >= 0 else None


def _page(name: str, run: Chosen, **more: Any) -> str:
    return render_template(f"customers/{name}.html", run=run, least=LEAST, **more)
