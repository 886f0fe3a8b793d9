"""A throw-away installation with a survey to load it with."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from analysis.study import Study, dump_study, parse_study
from surveyapp import clock, tokens
from surveyapp.settings import Settings, read_settings
from surveyapp.store import Store, links, migrate, studies
from surveyapp.store.connection import scratch_database
from surveyapp.store.records import LinkRecord

STUDY = "load"
SLUG = "load"
START = f"/s/{SLUG}"
QUESTIONS = 11
RADIOS = 49


@contextmanager
def throwaway(pages: int, database: str = "") -> Iterator[Settings]:
    """An installation in a folder that is removed at the end, with the survey and its open link.

    Parameters
    ----------
    pages
        Pages of the survey.
    database
        Address of a PostgreSQL server: a database is made there, and removed. Empty: SQLite.
    """
    with (
        tempfile.TemporaryDirectory(prefix="surveyapp-load-") as folder,
        scratch_database(database) as url,
    ):
        settings = read_settings(Path(folder))
        settings = replace(settings, values={**settings.values, "DATABASE_URL": url})
        store = Store(settings.database_url)
        try:
            migrate.prepare(store)
            _publish(store, survey(pages))
            yield settings
        finally:
            store.close()


def environment(settings: Settings) -> dict[str, str]:
    """The environment by which a server of this installation is started."""
    values = {f"SURVEYAPP_{name}": str(value) for name, value in settings.values.items()}
    return {**values, "SURVEYAPP_INSTANCE": str(settings.instance)}


def survey(pages: int) -> Study:
    """A survey whose pages all have 11 questions and 49 radios: seven agreements on five points,
    a likelihood from 0 to 10, a choice of three, a line and a text.
    """
    lines = ["study: load", "title: A load test", "scales:"]
    lines.append("  agreement: [Strongly disagree, Disagree, Neither, Agree, Strongly agree]")
    lines.append("pages:")
    for page in range(1, pages + 1):
        lines += [f"  - id: page{page}", f"    title: Page {page}", "    questions:"]
        for n in range(1, 8):
            text = f"Statement {n}: a good pastry is worth a detour"
            lines += _question(f"p{page}_q{n}", "likert", text, "scale: agreement")
        lines += _question(f"p{page}_nps", "nps", "How likely are you to recommend us?")
        options = (
            "options: [{id: a, label: A shop}, {id: b, label: A market}, {id: c, label: None}]"
        )
        lines += _question(f"p{page}_where", "single_choice", "Where do you buy?", options)
        lines += _question(f"p{page}_name", "short_text", "What is it called?", "required: false")
        lines += _question(f"p{page}_wish", "long_text", "What is missing?", "required: false")
    return parse_study("\n".join(lines) + "\n")


def _question(name: str, kind: str, text: str, *more: str) -> list[str]:
    found = [f"      - id: {name}", f"        kind: {kind}", f"        text: '{text}'"]
    return found + [f"        {line}" for line in more]


def _publish(store: Store, study: Study) -> None:
    at, definition = clock.now(), dump_study(study)
    link = LinkRecord(
        link=tokens.new_id(),
        study=STUDY,
        kind="open",
        slug=SLUG,
        token_hash=None,
        customer=None,
        wave=None,
        run_kind="bot",
        created=at,
        expires=None,
        revoked=None,
    )
    with store.write() as c:
        studies.save_draft(c, STUDY, study.title.say(), definition, at=at)
        studies.publish(c, STUDY, definition, [], by="load test", at=at)
        links.add(c, [link])
