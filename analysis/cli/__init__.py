"""The analyst's door: python -m analysis, without a web server.

Commands live in modules of their own that are imported when one is called: the list of commands
is shown at once, without loading the statistics.
"""

from __future__ import annotations

from importlib import import_module

import click

COMMANDS = {
    "check": "Check a study file: every fault, or 'ok'.",
    "schema": "Print the JSON Schema of study files.",
    "design": "Make the choice tasks of a study.",
    "inspect": "Inspect a design: balance, overlap, errors, faults.",
    "rehearse": "Try a study on simulated respondents before fielding.",
    "partworths": "Estimate part-worths from choices.",
    "compare": "Compare fits to the same choices.",
    "simulate": "Simulate a market of products from saved part-worths.",
    "stated-bought": "Part-worths against what was bought when on offer.",
    "nps": "Net Promoter Score from a table of ratings.",
    "engagement": "Engagement scores from purchases.",
    "composite-score": "Behaviour and later value, beside points.",
    "lifetime-value": "What customers will still buy, and are worth.",
    "winback": "Whose purchases fell: a list with a control group.",
    "winback-uplift": "What a win-back campaign changed, by its control group.",
    "plan-test": "Plan a randomised test: size, control group by lot, register.",
    "measure-test": "What a randomised test changed, from later purchases.",
    "quality": "Flag careless answers, with the rate of each flag.",
    "report": "Make the value report of an archive.",
}


class Commands(click.Group):
    """A group that loads ``analysis.cli.NAME`` when the command NAME is wanted."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = import_module("analysis.cli." + cmd_name.replace("-", "_"))
        found = (c for c in vars(module).values() if isinstance(c, click.Command))
        return next(command for command in found if command.name == cmd_name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and not args[0].startswith("-") and args[0] not in COMMANDS:
            known = ", ".join(COMMANDS)
            raise click.UsageError(f"There is no command '{args[0]}'. Known: {known}.", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="surveyapp", prog_name="python -m analysis")
def main() -> None:
    """From a study and its answers to numbers: part-worths, NPS, engagement, reports.

    Every command reads files and writes files or standard output; progress goes to standard
    error. Exit code 0: done; 2: something is wrong with the input, and the message says what.
    """
