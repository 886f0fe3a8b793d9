"""``python -m analysis partworths``: from choices to part-worths, importances and money.

One module an estimator: ``run`` reads, fits and writes; ``OPTIONS`` names the options it uses.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from analysis.cli.bad_input import BadInput
from analysis.cli.partworths import (
    best_worst,
    best_worst_hb,
    counts,
    hb,
    latent_class,
    mixed_logit,
    mnl,
    options,
    ratings,
)
from analysis.cli.partworths.request import Request

ESTIMATORS = {
    "counts": counts,
    "mnl": mnl,
    "hb": hb,
    "latent-class": latent_class,
    "mixed-logit": mixed_logit,
    "ratings": ratings,
    "best-worst": best_worst,
    "best-worst-hb": best_worst_hb,
}
"""By the name that --estimator takes."""
ALWAYS = {"study", "choices", "estimator", "exercise", "mapping", "weights", "seed", "out"}


@click.command("partworths")
@click.argument("study", type=click.Path(path_type=Path))
@click.argument("choices", type=click.Path(path_type=Path))
@click.option(
    "--estimator",
    type=click.Choice(list(ESTIMATORS)),
    default="mnl",
    show_default=True,
    help="counts: how often levels were chosen; mnl: aggregate multinomial logit; "
    "hb: hierarchical Bayes; "
    "latent-class: classes of respondents; mixed-logit: normal part-worths, simulated "
    "likelihood; ratings: least squares on ratings; best-worst: MaxDiff; "
    "best-worst-hb: MaxDiff of every respondent.",
)
@options.with_options(
    options.INPUT,
    options.OUTPUT,
    options.LOGIT,
    options.HIERARCHICAL_BAYES,
    options.LATENT_CLASS,
    options.MIXED_LOGIT,
)
@click.pass_context
def partworths(
    context: click.Context,
    /,
    study: Path,
    choices: Path,
    estimator: str,
    exercise: str | None,
    mapping: Mapping[str, str],
    weights: Path | None,
    seed: int,
    out: Path,
    **more: Any,
) -> None:
    """Estimate part-worths of STUDY from CHOICES.

    CHOICES is a CSV file (or .csv.gz) with one row per alternative: respondent, task,
    alternative, chosen (0/1) and one column per attribute. Rows with role 'holdout' are left
    out of the fit and predicted. For ratings: respondent, profile, rating and the attributes; for
    best-worst: respondent, task, item, best, worst. Writes summary.json and the tables of the
    estimator into --out.
    """
    _refuse_unused(context, estimator)
    ESTIMATORS[estimator].run(Request(study, choices, out, exercise, mapping, weights, seed, more))


def _refuse_unused(context: click.Context, estimator: str) -> None:
    """BadInput naming every option given that the estimator has no use for."""
    used = ALWAYS | set(ESTIMATORS[estimator].OPTIONS)
    faults = []
    for parameter in context.command.params:
        name = str(parameter.name)
        given = context.get_parameter_source(name) is ParameterSource.COMMANDLINE
        if not given or name in used:
            continue
        users = [known for known, module in ESTIMATORS.items() if name in module.OPTIONS]
        faults.append(
            f"{parameter.opts[0]} is for --estimator {' or '.join(users)}; leave it out with "
            f"--estimator {estimator}"
        )
    if faults:
        raise BadInput("\n".join(faults))
