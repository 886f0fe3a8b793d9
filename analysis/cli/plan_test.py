"""``python -m analysis plan-test``: a randomised test, fixed before anybody is contacted."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import click

from analysis.cli.bad_input import bad_input
from analysis.cli.purchase_options import MAP, purchases_given
from analysis.customers.actions.families import Family, Outcome

if TYPE_CHECKING:
    import pandas as pd


@click.command("plan-test")
@click.argument("listed", metavar="LIST", type=click.Path(exists=True, path_type=Path))
@click.argument("purchases", type=click.Path(exists=True, path_type=Path))
@click.option(
    "--register",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of tests; made when missing.",
)
@click.option("--name", required=True, help="Short name: small letters, digits, hyphens.")
@click.option("--what", required=True, help="What the contacted customers get.")
@click.option(
    "--strategy",
    required=True,
    type=click.Choice(get_args(Family)),
    help="The strategy that it tries out.",
)
@click.option("--segment", default="", help="The segment of the report; default: the whole list.")
@click.option("--decided-by", required=True, help="Who decided on the test.")
@click.option(
    "--decided-on", required=True, type=click.DateTime(["%Y-%m-%d"]), help="Day of the decision."
)
@click.option(
    "--begins", required=True, type=click.DateTime(["%Y-%m-%d"]), help="Day of the contact."
)
@click.option(
    "--weeks",
    type=click.IntRange(1, 104),
    default=13,
    show_default=True,
    help="Horizon: weeks of purchases after the contact.",
)
@click.option(
    "--outcome",
    type=click.Choice(get_args(Outcome)),
    default="spend",
    show_default=True,
    help="What is compared, a customer.",
)
@click.option(
    "--smallest-effect",
    required=True,
    type=float,
    help="Smallest difference that matters: .05 more buyers, 2.50 more spend.",
)
@click.option(
    "--control-share", type=float, default=0.5, show_default=True, help="Share left alone by lot."
)
@click.option(
    "--power",
    type=float,
    default=0.8,
    show_default=True,
    help="Chance of finding the smallest effect where it is there.",
)
@click.option(
    "--error",
    type=float,
    default=0.05,
    show_default=True,
    help="Chance of finding an effect where there is none.",
)
@click.option(
    "--adjust/--no-adjust",
    default=True,
    show_default=True,
    help="Adjust for the weeks before the contact (CUPED) when measuring.",
)
@click.option("--currency", default="", help="Unit of the spend, for reports.")
@click.option(
    "--seed", type=click.IntRange(min=0), default=1, show_default=True, help="Of the lot."
)
@MAP
def plan_test(listed: Path, purchases: Path, register: Path, mapping: str, **options: Any) -> None:
    """Plan a randomised test on the customers of a LIST (a CSV with the column customer).

    Says how many customers are needed, from their PURCHASES in the weeks before the contact, draws
    the control group by lot, and keeps plan and list in the register.
    """  # fmt: skip
    from analysis.customers.actions.planning import Decision
    from analysis.customers.actions.planning import plan_test as planned
    from analysis.customers.actions.randomised import Wanted
    from analysis.customers.actions.register import Register

    with bad_input(ValueError):
        wanted = Wanted(
            outcome=options["outcome"],
            smallest=options["smallest_effect"],
            control_share=options["control_share"],
            power=options["power"],
            error=options["error"],
        )
        same = ("name", "what", "strategy", "segment", "decided_by", "weeks", "currency", "seed")
        decision = Decision(
            **{name: options[name] for name in same},
            decided_on=options["decided_on"].date(),
            began=options["begins"].date(),
            adjusted=options["adjust"],
        )
        people = _customers(listed)
        table = purchases_given(purchases, mapping)
        plan = planned(people, table, decision, wanted, register=Register(register))
    _say(plan.name, len(people), plan.needed, plan.needed_method)


def _customers(listed: Path) -> pd.DataFrame:
    """The list as written, without an earlier group."""
    import pandas as pd

    from analysis.purchases.winback.campaign import as_written

    if listed.suffix == ".parquet":
        found = pd.read_parquet(listed)
    else:
        found = pd.read_csv(listed, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    if "customer" not in found:
        raise ValueError(f"the list {listed.name} lacks the column customer")
    found = found.drop(columns="group", errors="ignore")
    found["customer"] = as_written(found["customer"].astype(str))
    return found


def _say(name: str, listed: int, needed: int, method: str) -> None:
    click.echo(f"Test '{name}': {needed:,} customers needed ({method}); {listed:,} are listed.")
    if listed < needed:
        click.echo(
            "That is too few: an effect of this size may well be missed. Give a longer horizon, a "
            "larger smallest effect or more customers, or read the result with this in mind.",
            err=True,
        )
