"""The option that names the kinds of run that count."""

from __future__ import annotations

import click

run_kinds = click.option(
    "--run-kind",
    "kinds",
    multiple=True,
    type=click.Choice(["live", "test", "bot"]),
    help="Runs that count, once for each kind; default: live, in a simulated study bots as well.",
)
