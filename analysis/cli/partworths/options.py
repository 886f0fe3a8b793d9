"""The options of ``python -m analysis partworths``, in the groups in which --help shows them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])
Option = Callable[[Any], Any]


def with_options(*groups: tuple[Option, ...]) -> Callable[[Command], Command]:
    """Put the options of these groups on a command, in this order."""

    def put(command: Command) -> Command:
        for option in reversed([option for group in groups for option in group]):
            command = option(command)
        return command

    return put


def _mapping(
    _context: click.Context, _parameter: click.Parameter, value: str | None
) -> dict[str, str]:
    pairs = [pair.split("=") for pair in (value or "").split(",") if pair.strip()]
    wrong = ["=".join(p) for p in pairs if len(p) != 2 or not all(part.strip() for part in p)]
    if wrong:
        shown = ", ".join(f"'{pair}'" for pair in wrong)
        raise click.BadParameter(f"{shown}: write NAME=COLUMN, as in respondent=id,task=chid")
    names = [name.strip() for name, _ in pairs]
    if len(set(names)) < len(names):
        raise click.BadParameter("a name stands twice; map each name once")
    return {name.strip(): column.strip() for name, column in pairs}


def _numbers(_context: click.Context, _parameter: click.Parameter, value: str) -> tuple[int, ...]:
    ends = value.split("-")
    if len(ends) > 2 or not all(end.strip().isdigit() for end in ends):
        raise click.BadParameter(f"'{value}': write a number or FROM-TO, as in 2-5")
    first, last = int(ends[0]), int(ends[-1])
    if not 1 <= first <= last <= 20:
        raise click.BadParameter(f"'{value}': from 1 to 20 classes, the smaller number first")
    return tuple(range(first, last + 1))


def _file(name: str, help_text: str) -> Option:
    kind = click.Path(path_type=Path, dir_okay=False)
    return click.option(name, type=kind, help=help_text)


def _number(name: str, kind: click.IntRange, default: int, help_text: str) -> Option:
    return click.option(name, type=kind, default=default, show_default=True, help=help_text)


INPUT = (
    click.option("--exercise", help="Id of the exercise; default: the one the plan reports."),
    click.option(
        "--map",
        "mapping",
        callback=_mapping,
        metavar="NAME=COLUMN,...",
        help="Names of the file's columns, as in respondent=id,task=chid.",
    ),
    _file(
        "--weights",
        "CSV file with the columns respondent and weight; default: everybody counts alike. "
        "hb: the fit is unweighted, what is reported is weighted.",
    ),
)

OUTPUT = (
    click.option(
        "--holdout-tasks",
        default="",
        metavar="TASK,...",
        help="Tasks to keep out of the fit and to predict, by name, besides those with role "
        "holdout.",
    ),
    click.option(
        "--wtp-method",
        type=click.Choice(["delta", "fieller", "krinsky_robb"]),
        default="delta",
        show_default=True,
        help="How intervals of willingness to pay are made (hb: always from its draws).",
    ),
    _file(
        "--segments",
        "CSV file with respondent and segment (mnl, hb): tag_values.csv by segment as well.",
    ),
    _file(
        "--market",
        "YAML file with a product, changes of it and its competitors (mnl, hb): which change of "
        "price each is worth in that market.",
    ),
    click.option(
        "--seed",
        type=click.IntRange(min=0),
        default=1,
        show_default=True,
        help="Seed of draws and simulated intervals: same data, same seed, same numbers.",
    ),
    click.option(
        "--out",
        type=click.Path(path_type=Path, file_okay=False),
        required=True,
        help="Folder to write into.",
    ),
)

LOGIT = (
    _file(
        "--covariates",
        "CSV file with respondent and the numbers that --covary (mnl) or --upper-level (hb) names.",
    ),
    click.option(
        "--covary",
        "covary",
        multiple=True,
        metavar="COLUMN:ATTRIBUTE,...",
        help="mnl: let part-worths of attributes (or none) depend on a column of --covariates; "
        "repeatable.",
    ),
)

LATENT_CLASS = (
    click.option(
        "--classes",
        callback=_numbers,
        default="2-5",
        show_default=True,
        metavar="FROM-TO",
        help="latent-class: numbers of classes to fit, as in 3 or 2-5.",
    ),
    _number(
        "--scale-classes",
        click.IntRange(1, 5),
        1,
        "latent-class: classes that differ in consistency only; 1 leaves scale out.",
    ),
    _number(
        "--starts",
        click.IntRange(1, 1000),
        12,
        "latent-class: random starts of each number of classes.",
    ),
)

MIXED_LOGIT = (
    _number("--halton-draws", click.IntRange(2, 100_000), 500, "mixed-logit: draws a respondent."),
    click.option(
        "--vary",
        metavar="ATTRIBUTE,...",
        help="mixed-logit: attributes (and none) that vary between respondents; default: all.",
    ),
    click.option(
        "--correlated",
        is_flag=True,
        help="mixed-logit: let the part-worths be correlated between respondents.",
    ),
)

HIERARCHICAL_BAYES = (
    _number(
        "--chains",
        click.IntRange(min=1),
        2,
        "hb: chains, side by side; two or more show whether they agree.",
    ),
    _number("--draws", click.IntRange(min=10), 2000, "hb: draws of each chain after the burn-in."),
    click.option(
        "--at-most",
        type=click.IntRange(min=0),
        help="hb: draws of each chain up to which a run goes on by itself while its chains do not "
        "agree; 0: never on. Default: 8 times --draws.",
    ),
    _number(
        "--burn-in",
        click.IntRange(min=100),
        400,
        "hb: draws thrown away while the sampler adapts; a multiple of 10.",
    ),
    click.option(
        "--prior",
        type=click.Choice(["sawtooth", "bayesm"]),
        default="sawtooth",
        show_default=True,
        help="hb: prior of means and variances.",
    ),
    click.option(
        "--monotone",
        metavar="all|ATTRIBUTE,...",
        help="hb: hold these attributes to their preference in the study file for every respondent "
        "(a price without one: the less, the better); all: those that have one.",
    ),
    click.option(
        "--upper-level",
        metavar="COLUMN,...",
        help="hb: columns of --covariates on which the means of part-worths depend.",
    ),
    click.option(
        "--save-draws",
        is_flag=True,
        help="hb: also write draws.nc (ArviZ InferenceData: mu, Sigma, beta), and draws.npy with "
        "draws.json, from which 'simulate' reads.",
    ),
    click.option("--save-state", is_flag=True, help="hb: also write state.npz, to go on from."),
    click.option(
        "--continue",
        "go_on",
        type=click.Path(path_type=Path, dir_okay=False),
        help="hb: go on from the state.npz of an earlier run on the same choices, without burn-in.",
    ),
)
