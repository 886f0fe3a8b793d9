"""The simulator on 1,000 respondents x 1,000 draws x 10 products: CPU seconds, memory, exactness.

    python benchmarks/simulator.py [--respondents 1000] [--draws 1000] [--products 10] [--rounds 5]

Six attributes (5, 5, 4, 4, 4 and 3 levels) and none, K = 20; draws in a file, mapped into memory.
One thread. The plain loop is float64, one respondent and draw after the other, on a part of them.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

for name in ("OMP", "OPENBLAS", "MKL"):
    os.environ.setdefault(f"{name}_NUM_THREADS", "1")

import numpy as np  # noqa: E402

from analysis.choices.coding import coding_of  # noqa: E402
from analysis.choices.simulator.candidates import of_candidates, with_level  # noqa: E402
from analysis.choices.simulator.products import Market, Product, row  # noqa: E402
from analysis.choices.simulator.shares import Simulator, simulator_of  # noqa: E402
from analysis.choices.simulator.worths import Worths, from_draws  # noqa: E402
from analysis.study import parse_study  # noqa: E402

LEVELS = (5, 5, 4, 4, 4, 3)


def study_text() -> str:
    """A study of six attributes and none."""
    lines = ["study: speed", "title: Speed", "exercises:", "  - id: choice", "    question: Which?"]
    lines += ["    none: {label: None}", "    attributes:"]
    for number, count in enumerate(LEVELS):
        ids = ", ".join(f"{{id: l{k}, label: L{k}, number: {k + 1}}}" for k in range(count))
        tag = "price" if number == 5 else "functional"
        lines.append(f"      - {{id: a{number}, label: A, tag: {tag}, levels: [{ids}]}}")
    return "\n".join(lines)


def plain(worths: Worths, market: Market, draws: int) -> np.ndarray:
    """Shares (draws, J) by a loop over draws and respondents."""
    rows = np.array(
        [row(worths.coding, p.levels) for p in market.products] + [row(worths.coding, None)]
    )
    found = np.zeros((draws, len(rows)))
    for draw in range(draws):
        mass = worths.mass[draw].astype(float)
        for person, beta in enumerate(worths.points[draw].astype(float)):
            weight = np.exp(rows @ beta)
            found[draw] += mass[person] / mass.sum() * weight / weight.sum()
    return found


def timed(what: str, run: Callable[[], object], rounds: int) -> None:
    """Print CPU milliseconds after a warm-up."""
    run()
    seconds = []
    for _ in range(rounds):
        start = time.process_time()
        run()
        seconds.append(time.process_time() - start)
    least, middle = 1000 * min(seconds), 1000 * statistics.median(seconds)
    print(f"| {what} | {least:.0f} | {middle:.0f} |")


def measure(simulators: dict[str, Simulator], market: Market, rounds: int) -> None:
    """Print the table."""
    print("| what | CPU ms, minimum | median |\n|---|---|---|")
    for name, simulator in simulators.items():
        timed(name, lambda s=simulator: s.simulate(market), rounds)  # type: ignore[misc]
    share = simulators["share of preference"]
    product = market.products[0]
    versions = [
        with_level(with_level(product, "a0", f"l{a}"), "a2", f"l{b}")
        for a in range(5)
        for b in range(4)
    ]
    timed("20 versions of one product", lambda: of_candidates(share, market, 0, versions), rounds)


def main() -> None:
    """Make the draws, print CPU time, peak memory and the distance to a plain loop."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name, default in (("respondents", 1000), ("draws", 1000), ("products", 10), ("rounds", 5)):
        parser.add_argument(f"--{name}", type=int, default=default)
    given = parser.parse_args()
    study = parse_study(study_text())
    coding = coding_of(study, study.choice_exercise())
    rng = np.random.default_rng(1)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "draws.npy"
        shape = (given.draws, given.respondents, coding.width)
        beta = np.lib.format.open_memmap(path, "w+", dtype=np.float32, shape=shape)
        for draw in range(given.draws):
            beta[draw] = rng.standard_normal(shape[1:], dtype=np.float32)
        beta.flush()
        del beta
        mapped = np.load(path, mmap_mode="r").view(np.ndarray)
        people = [f"r{n}" for n in range(given.respondents)]
        worths = from_draws(coding, people, mapped, seed=1, cells=10**12)
        places = [[int(rng.integers(count)) for count in LEVELS] for _ in range(given.products)]
        products = [
            Product(f"p{n}", {f"a{a}": f"l{k}" for a, k in enumerate(place)}, own=n == 0)
            for n, place in enumerate(places)
        ]
        market = Market(tuple(products), none=True)
        simulators = {
            "share of preference": simulator_of(worths, "share"),
            "first choice": simulator_of(worths, "first-choice"),
            "randomised first choice, 200 a respondent": simulator_of(worths, "rfc"),
        }
        measure(simulators, market, given.rounds)
        exact = plain(worths, market, 3)
        own = simulators["share of preference"].simulate(market).drawn[:3, 0]
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"\nLargest distance to a plain loop: {np.abs(own - exact).max():.1e}")
        print(f"Peak memory {peak:.0f} MiB, of which the mapped draws {mapped.nbytes / 2**20:.0f}")


if __name__ == "__main__":
    main()
