"""The demo: a pastry shop with simulated customers."""

from __future__ import annotations

import click


@click.command()
@click.option("--port", default=8000, show_default=True, help="Port to serve on.")
@click.option("--no-serve", is_flag=True, help="Prepare everything, then stop.")
def demo(port: int, no_serve: bool) -> None:
    """Field the demo study to simulated customers, analyse it, and serve everything."""
