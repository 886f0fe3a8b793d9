"""The demo: a pastry shop with simulated customers."""

from __future__ import annotations

import json
import os
import secrets
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import click

from analysis.study import Study, dump_study, parse_study
from surveyapp import clock
from surveyapp.commands.group import Fault, open_instance, progress_lines, say
from surveyapp.settings import CHECKOUT, PACKAGE, Settings
from surveyapp.staff import accounts
from surveyapp.store import Store, links, reports, studies
from surveyapp.store import staff as stored_staff

STUDY = "pastry"
RESPONDENTS = 400
NOTES = "demo.json"


@click.command()
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    default=8000,
    show_default=True,
    help="Port to serve on.",
)
@click.option("--no-serve", is_flag=True, help="Prepare everything, then stop.")
@click.option(
    "--respondents",
    "count",
    type=click.IntRange(min=1),
    default=RESPONDENTS,
    show_default=True,
    help="Simulated customers who answer.",
)
def demo(port: int, no_serve: bool, count: int) -> None:
    """Field the demo study to simulated customers, analyse it, and serve everything.

    What an earlier run has done is not done again.
    """
    started = time.monotonic()
    settings, store = open_instance()
    notes = _read_notes(settings)
    _add_staff(store, notes)
    study = _publish(store)
    if not _has_report(store):
        _field_and_analyse(settings, store, study, notes, count)
    _write_notes(settings, notes)
    say(f"Ready after {time.monotonic() - started:.0f} s.")
    base_url = f"http://127.0.0.1:{port}"
    click.echo(_addresses(base_url, _open_slug(store), notes["passwords"]))
    if not no_serve:
        from surveyapp.commands.serving import serve_until_stopped

        serve_until_stopped("127.0.0.1", port)


def _field_and_analyse(
    settings: Settings, store: Store, study: Study, notes: dict[str, Any], count: int
) -> None:
    from surveyapp.bots import walk_all
    from surveyapp.commands.running import run_to_end
    from surveyapp.jobs import pastry_shop, queue
    from surveyapp.jobs.scoring import score_ledger

    say("Inventing a pastry shop with customers and purchases")
    # As of the day of the first run, so that a second run invents the same.
    today = notes.setdefault("today", datetime.now(UTC).date().isoformat())
    company = pastry_shop.invent(study, today=date.fromisoformat(today), respondents=count)
    file = pastry_shop.load(settings, company)
    say(f"Loaded purchases: {file.rows:,} rows, {file.accepted:,} accepted")
    notes["paths"] = pastry_shop.invite(settings, store, company, notes.get("paths", {}))
    _write_notes(settings, notes)
    visits = pastry_shop.visits(settings, store, company, notes["paths"])
    say(f"{len(visits)} simulated customers answer on the real pages")
    for done in walk_all(settings, study, visits, processes=min(os.cpu_count() or 1, 4)):
        if done % 50 == 0 or done == len(visits):
            say(f"  {done} of {len(visits)}")
    say("Analysing")
    with store.read() as c:
        version = studies.get(c, STUDY)
    assert version is not None
    assert version.version is not None
    run_to_end(settings, store, queue.analyse(store, STUDY, version.version))
    say("Scoring the customers, now and 13 weeks ago")
    score_ledger(settings, as_of=company.today - timedelta(weeks=13))
    score_ledger(settings, as_of=None)


def _add_staff(store: Store, notes: dict[str, Any]) -> None:
    """One member of staff for each role; passwords are kept with the instance."""
    passwords = notes.setdefault("passwords", {})
    with store.read() as c:
        known = {member.name: member for member in stored_staff.every(c)}
    for role in accounts.ROLES:
        name = f"demo-{role}"
        if role not in passwords:
            passwords[role] = secrets.token_urlsafe(9)
            if name in known:
                accounts.set_password(store, known[name], passwords[role])
        if name not in known:
            accounts.add(store, name, role, passwords[role])


def _publish(store: Store) -> Study:
    """The newest version of the demo study; stored and published when there is none."""
    from surveyapp.jobs import publish as publishing
    from surveyapp.studies import fielding

    with store.read() as c:
        record = studies.get(c, STUDY)
        version = fielding.newest(c, record) if record else None
    if version:
        return fielding.read_definition(version.definition)
    text = _study_file().read_text()
    study = parse_study(text)
    with store.write() as c:
        studies.save_draft(c, STUDY, study.title.say(), text, at=clock.now())
    publishing.publish(
        store,
        study,
        dump_study(study),
        by="demo",
        import_only=False,
        progress=progress_lines(),
    )
    return study


def _study_file() -> Path:
    """The demo study: in the checkout, or inside the installed package."""
    for place in (CHECKOUT / "examples", PACKAGE / "examples"):
        if (place / STUDY / "study.yaml").is_file():
            return place / STUDY / "study.yaml"
    raise Fault("The demo study examples/pastry/study.yaml is missing from this installation.")


def _has_report(store: Store) -> bool:
    with store.read() as c:
        return reports.newest(c, STUDY) is not None


def _open_slug(store: Store) -> str:
    with store.read() as c:
        found = [link.slug for link in links.of_study(c, STUDY, "open") if not link.revoked]
    return str(found[-1]) if found else ""


def _addresses(base_url: str, slug: str, passwords: dict[str, str]) -> str:
    return "\n".join(
        [
            "",
            "The people and purchases of this demo are simulated. The log-ins are for the demo:",
            "remove them before you use this installation for real people.",
            "",
            f"Answer the survey   {base_url}/s/{slug}",
            f"Researcher          {base_url}/studies/",
            f"                    demo-researcher    {passwords['researcher']}",
            f"Manager             {base_url}/reports/",
            f"                    demo-manager       {passwords['manager']}",
            f"Customers           {base_url}/customers/ (the manager's log-in)",
            f"(Administrator      demo-administrator {passwords['administrator']})",
            "",
        ]
    )


def _read_notes(settings: Settings) -> dict[str, Any]:
    path = settings.instance / NOTES
    found: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    return found


def _write_notes(settings: Settings, notes: dict[str, Any]) -> None:
    """Keep what a second run needs; readable by the owner only, for it holds passwords."""
    path = settings.instance / NOTES
    path.touch(mode=0o600)
    path.write_text(json.dumps(notes, indent=1) + "\n")
