"""Showing the settings."""

from __future__ import annotations

import click

from surveyapp.settings import SETTINGS, read_settings


@click.command()
def settings() -> None:
    """Print every setting with its value and help; secrets are hidden."""
    found = read_settings()
    click.echo(f"Instance: {found.instance}")
    for setting in SETTINGS:
        value = found.values[setting.name]
        secret = setting.secret or setting.hidden
        shown = ("(set)" if value else "(empty)") if secret else repr(value)
        click.echo(f"\n{setting.name} = {shown}\n    {setting.help}")
