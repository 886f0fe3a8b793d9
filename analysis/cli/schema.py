"""``python -m analysis schema``: the JSON Schema of study files, for editors."""

from __future__ import annotations

import json

import click


@click.command("schema")
def schema() -> None:
    """Print the JSON Schema of study files; editors complete and check with it."""
    from analysis.study import study_schema

    click.echo(json.dumps(study_schema(), indent=2, ensure_ascii=False))
