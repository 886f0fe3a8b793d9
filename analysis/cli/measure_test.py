"""``python -m analysis measure-test``: what a randomised test changed."""

from __future__ import annotations

from pathlib import Path

import click

from analysis.cli.bad_input import bad_input
from analysis.cli.purchase_options import MAP, purchases_given


@click.command("measure-test")
@click.argument("name")
@click.argument("purchases", type=click.Path(exists=True, path_type=Path))
@click.option(
    "--register",
    required=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder of tests that 'plan-test' wrote.",
)
@MAP
@click.option("--json", "as_json", is_flag=True, help="Print plan and result as JSON.")
def measure_test(name: str, purchases: Path, register: Path, mapping: str, as_json: bool) -> None:
    """Measure the test NAME on PURCHASES up to its horizon, and keep the result in the register.

    Customers count in the group of the lot, whether the offer reached them or not.
    """
    from analysis.customers.actions.register import Register

    with bad_input(ValueError):
        table = purchases_given(purchases, mapping)
        found = Register(register).measure(name, table)
    if as_json:
        click.echo(found.model_dump_json(indent=2, exclude_none=True))
        return
    plan, effect = found.plan, found.effect
    assert effect is not None
    click.echo(
        f"{plan.what}: {plan.contact:,} contacted, {plan.control:,} left alone by lot; "
        f"{plan.weeks} weeks after {plan.began}"
    )
    said = plan.outcome.replace("_", " ")
    if not effect.available:
        click.echo(f"{said} a customer: not stated, {effect.reason}")
        return
    click.echo(
        f"{said} a customer: {effect.value:+.3f} ({effect.low:+.3f} to {effect.high:+.3f}), "
        f"n = {effect.n}; {effect.method}"
    )
