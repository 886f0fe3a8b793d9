"""``python -m analysis simulate``: what a market of products would choose."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from analysis.cli.bad_input import BadInput, bad_input
from analysis.cli.partworths.request import read_segments, read_weights

if TYPE_CHECKING:
    from analysis.choices.simulator.calibration import Calibration
    from analysis.choices.simulator.reading import ProductsFile
    from analysis.choices.simulator.worths import Worths


@click.command("simulate")
@click.argument("study", type=click.Path(path_type=Path))
@click.argument("partworths", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.argument("products", type=click.Path(path_type=Path))
@click.option(
    "--method",
    type=click.Choice(["share", "first-choice", "rfc"]),
    default="share",
    show_default=True,
    help="share: share of preference; first-choice: everybody takes the best; both over draws. "
    "rfc: randomised first choice on point estimates.",
)
@click.option(
    "--exponent",
    type=click.Choice(["tuned"]),
    help="tuned: the exponent tuned on half of the holdout tasks, where it predicts the other half "
    "better than 1 beyond its error; with --method share. Default: 'scale' of PRODUCTS.yaml, or 1.",
)
@click.option(
    "--calibration",
    type=click.Path(path_type=Path, exists=True),
    help="Scale and factors fitted on purchases, with their errors: the folder of an analysis "
    "(runs/RUN_ID/) or the file that 'stated-bought' wrote; refused where later purchases were not "
    "better predicted. With --method share.",
)
@click.option("--exercise", help="Id of the exercise; default: the one the plan reports.")
@click.option(
    "--weights",
    type=click.Path(path_type=Path, dir_okay=False),
    help="CSV file with respondent and weight.",
)
@click.option(
    "--segments",
    type=click.Path(path_type=Path),
    help="CSV file with respondent and segment, or the --out of a latent-class run.",
)
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True, help="Seed.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder to write into.")
def simulate(
    study: Path,
    partworths: Path,
    products: Path,
    method: str,
    exponent: str | None,
    calibration: Path | None,
    exercise: str | None,
    weights: Path | None,
    segments: Path | None,
    seed: int,
    out: Path,
) -> None:
    """Simulate the market of PRODUCTS.yaml with the part-worths in the folder PARTWORTHS.

    PARTWORTHS is the --out of 'partworths --estimator hb --save-draws', or the runs/RUN_ID/ of an
    analysis. Writes shares.csv, own_products.csv, source_of_volume.csv, sensitivity.csv,
    price_curve.csv, elasticities.csv, search.csv and summary.json into --out.
    """
    from analysis.choices.coding import coding_of
    from analysis.choices.simulator.files import read_worths
    from analysis.choices.simulator.reading import ProductFaults, read_products
    from analysis.choices.simulator.shares import METHODS, CannotSimulate, simulator_of
    from analysis.choices.simulator.worths import NoWorths
    from analysis.cli.simulate.tables import write_all
    from analysis.study import StudyFaults, read_study
    from analysis.study.load import parse_yaml

    with bad_input(StudyFaults, KeyError, TypeError):
        found = read_study(study)
        coding = coding_of(found, found.choice_exercise(exercise))
    if out.exists() and not out.is_dir():
        raise BadInput(f"'{out}' is a file; --out names a folder")
    with bad_input(StudyFaults, ProductFaults):
        content, lines = parse_yaml(products.read_bytes())
        file = read_products(coding, content, lines)
    if exponent is not None:
        file = _with_tuned(file, content, method, partworths)
    bought = _calibration(calibration, file, content, method, exponent)
    with bad_input(NoWorths, CannotSimulate):
        worths = read_worths(partworths, coding, seed=seed)
        worths = _divided(_weighted(worths, weights, partworths), segments)
        worths = _calibrated(worths, bought)
        wanted = METHODS[("share", "first-choice", "rfc").index(method)]
        simulator = simulator_of(worths, wanted, file.errors)
    with bad_input():
        out.mkdir(parents=True, exist_ok=True)
    said = write_all(
        out, simulator, file, partworths, tuned=exponent is not None, calibration=bought
    )
    click.echo("\n".join(said))
    click.echo(f"Written to {out}", err=True)


def _with_tuned(file: ProductsFile, content: Any, method: str, folder: Path) -> ProductsFile:
    """All markets with the tuned exponent, or with 1 where that is not worse."""
    from dataclasses import replace

    from analysis.choices.simulator.exponent import read_exponent

    if method != "share":
        raise BadInput(
            f"--exponent tuned is that of share of preference, and --method is {method}: leave "
            "one of them out"
        )
    if isinstance(content, dict) and "scale" in content:
        raise BadInput("the products file gives 'scale': leave it or --exponent tuned out")
    scale = read_exponent(folder).chosen
    scenarios = {name: replace(m, scale=scale) for name, m in file.scenarios.items()}
    return replace(file, market=replace(file.market, scale=scale), scenarios=scenarios)


def _calibration(
    place: Path | None, file: ProductsFile, content: Any, method: str, exponent: str | None
) -> Calibration | None:
    """The calibration asked for; BadInput where it may not be used or does not fit the rest."""
    from analysis.choices.simulator.calibration import read_calibration

    if place is None:
        return None
    if method != "share":
        raise BadInput(
            f"--calibration is of share of preference, and --method is {method}: leave one of "
            "them out"
        )
    if exponent is not None:
        raise BadInput("--calibration has a scale of its own: leave --exponent tuned out")
    markets = (file.market, *file.scenarios.values())
    given = [key for key in ("scale",) if isinstance(content, dict) and key in content]
    given += ["factor"] if any(p.factor != 1 for m in markets for p in m.products) else []
    if given:
        said = " and ".join(f"'{key}'" for key in given)
        raise BadInput(f"the products file gives {said}: leave it or --calibration out")
    with bad_input(ValueError):
        found = read_calibration(place)
    if found.usable is None:
        raise BadInput(f"'{place}' cannot be used as a calibration: {found.why_not}")
    return found


def _calibrated(worths: Worths, found: Calibration | None) -> Worths:
    """Part-worths with the calibration, where there is one."""
    from analysis.choices.simulator.calibration import calibrated

    if found is None or found.usable is None:
        return worths
    if worths.kind not in ("draws", "logit"):
        raise BadInput(f"--calibration needs draws of part-worths, and these are {worths.kind}")
    return calibrated(worths, found.usable)


def _weighted(worths: Worths, path: Path | None, folder: Path) -> Worths:
    """Counted by the weights of a file, else by those that an analysis left with its draws."""
    from analysis.choices.simulator.people import read_people
    from analysis.choices.simulator.worths import weighted

    given = read_weights(path)
    weights = read_people(folder, worths).weights if given is None else given
    return worths if weights is None else weighted(worths, weights)


def _divided(worths: Worths, path: Path | None) -> Worths:
    """With the segments of a file, or the classes of a latent-class run."""
    import numpy as np

    from analysis.choices.simulator.people import members_of, read_classes
    from analysis.choices.simulator.worths import divided

    if path is None:
        return worths
    if path.is_dir():
        return divided(worths, read_classes(path, worths))
    found = read_segments(path, worths.respondents) or {}
    own = np.array([found.get(name, "") for name in worths.respondents])
    return divided(worths, members_of(own.tolist()))
